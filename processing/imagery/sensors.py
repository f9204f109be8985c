"""Scenes of any sensor in one form: reflectance by common band names, where the ground is seen, and what was done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import xarray as xr

from domain import imagery
from domain.errors import FeedCorrupt
from processing.imagery import gaofen, mask, visible_clouds
from processing.imagery.grid import grid_of, onto
from processing.imagery.physical import physical, usable
from processing.imagery.reflectance import SCALE, Offset, Policy, offset
from processing.imagery.visible_clouds import CLOUD, OUTSIDE, SEEN, SHADOW
from processing.imagery.zonal_kernel import clear_cells

#: Long waves first: the darker water is, the better it tells the offset.
PROBES = ("swir16", "rededge1", "nir")
_GAOFEN = ("gf1-wfv", "gf6-wfv")
#: What a mask of our own needs.
_FOUR = ("blue", "green", "red", "nir")


@dataclass(frozen=True, slots=True)
class Surface:
    """One scene."""

    bands: Mapping[str, xr.DataArray]  # common name -> reflectance (float32, 1; NaN missing), lwir11 in K
    clear: xr.DataArray  # True where the ground is seen, on the grid of the band the mask was made from
    note: str  # offset, gains, mask, position: for the detail of every value


def surface(
    product: str,
    raw: Mapping[str, xr.DataArray],
    properties: Mapping[str, Any],
    *,
    day: date,
    limits: Mapping[str, float],
    policy: Policy = "refuse",
    known: Offset | None = None,
) -> Surface:
    """A scene's numbers as reflectance, each band on its own grid.

    Args:
        product: sentinel-2-l2a, landsat-c2-l2, gf1-wfv or gf6-wfv.
        raw: common name -> numbers as `store.scenes.read_band` gives them, mask bands (scl, qa_pixel) among them.
        properties: of the STAC item.
        day: of the scene.
        limits: imagery thresholds (offset_probe_*, cloud_buffer_m).
        policy: what to do when metadata and pixels disagree on the offset of Sentinel-2.
        known: that offset, where it was decided by more of the scene than is given here (`scene_offset`).

    Raises:
        FeedCorrupt: the mask band is missing, or the offset cannot be decided.
        CatalogueError: no gain for the camera and year.
        KeyError: no such product.
    """
    if product in _GAOFEN:
        return _gaofen(product, raw, properties, day, limits)
    if product == "landsat-c2-l2":
        return _landsat(raw, limits)
    if product == "sentinel-2-l2a":
        used = known or scene_offset(raw, properties, limits, policy)
        return _sentinel2(raw, used, limits)
    raise KeyError(f"{product!r} has no surface reflectance; it is a product of another kind")


def scene_offset(
    raw: Mapping[str, xr.DataArray], properties: Mapping[str, Any], limits: Mapping[str, float], policy: Policy
) -> Offset:
    """The reflectance offset of a Sentinel-2 scene, by its metadata and its dark pixels.

    Args:
        raw: common name -> numbers; scl and one of swir16, rededge1, nir among them.
        properties: of the STAC item.
        limits: offset_probe_*.
        policy: what to do when the two disagree.

    Raises:
        FeedCorrupt: see `reflectance.offset`; no band to look at.
    """
    probe = next((raw[b] for b in PROBES if b in raw), None)
    if probe is None or "scl" not in raw:
        raise FeedCorrupt(f"the offset needs scl and one of {', '.join(PROBES)}; the scene has {sorted(raw)}")
    dark = onto(mask.dark(raw["scl"]), grid_of(probe), how="nearest").values
    return offset(properties, probe.values, dark, limits=limits, policy=policy)


def _sentinel2(raw: Mapping[str, xr.DataArray], used: Offset, limits: Mapping[str, float]) -> Surface:
    product = "sentinel-2-l2a"
    bands = {
        name: physical(product, name, cells, scale=1 / SCALE, offset=used.value / SCALE)
        for name, cells in _quantities(product, raw).items()
    }
    buffer = limits["cloud_buffer_m"]
    note = f"offset {used.value} DN by {used.basis}; SCL mask with {buffer:g} m buffer"
    return Surface(bands, mask.clear(raw["scl"], buffer_m=buffer), note)


def _landsat(raw: Mapping[str, xr.DataArray], limits: Mapping[str, float]) -> Surface:
    product = "landsat-c2-l2"
    if "qa_pixel" not in raw:
        raise FeedCorrupt(f"the mask needs qa_pixel; the scene has {sorted(raw)}")
    quality, buffer = raw["qa_pixel"], limits["cloud_buffer_m"]
    inside = usable(product, "qa_pixel", quality, drop={"fill"}).values
    fine = usable(product, "qa_pixel", quality).values
    codes = np.where(fine, SEEN, np.where(inside, CLOUD, OUTSIDE)).astype(np.uint8)
    clear = _buffered(codes, grid_of(quality).resolution, buffer)
    bands = {name: physical(product, name, cells) for name, cells in _quantities(product, raw).items()}
    return Surface(bands, quality.copy(data=clear), f"QA_PIXEL mask with {buffer:g} m buffer")


def _gaofen(
    product: str, raw: Mapping[str, xr.DataArray], properties: Mapping[str, Any], day: date, limits: Mapping[str, float]
) -> Surface:
    camera = str(properties.get("camera", ""))
    bands: dict[str, xr.DataArray] = {}
    for name, cells in _quantities(product, raw).items():
        if "scale" in cells.attrs:  # corrected by somebody, who says how it is written
            own, zero = float(cells.attrs["scale"]), float(cells.attrs.get("offset", 0))
            corrected = physical(product, name, cells, scale=own, offset=zero)
            bands[name] = corrected.assign_attrs(units="1", basis="scale of the file")
            continue
        if "view:sun_elevation" not in properties:
            raise FeedCorrupt("the height of the sun (view:sun_elevation) is missing; take it from the image's XML")
        light = gaofen.radiance(product, camera, name, cells, day)
        bands[name] = gaofen.toa_reflectance(light, sun_elevation=float(properties["view:sun_elevation"]), day=day)
    if not bands:
        raise FeedCorrupt(f"no band of {product}; the scene has {sorted(raw)}")
    clear, masked = _clear_of_four(bands, properties, limits)
    basis = "; ".join(sorted({str(b.attrs["basis"]) for b in bands.values()}))
    off = imagery.products()[product].position_error_m
    level = "reflectance as delivered" if basis == "scale of the file" else f"top-of-atmosphere reflectance, {basis}"
    return Surface(bands, clear, f"{level}; {masked}; position may be off by {off:g} m")


def _clear_of_four(
    bands: Mapping[str, xr.DataArray], properties: Mapping[str, Any], limits: Mapping[str, float]
) -> tuple[xr.DataArray, str]:
    """Where bands without a mask of their producer see the ground, and how that was found out."""
    first = next(iter(bands.values()))
    seen = np.logical_and.reduce([np.isfinite(b.values) for b in bands.values()])
    if not set(_FOUR) <= set(bands):
        return first.copy(data=seen), "no cloud mask"
    grid, buffer = grid_of(first), limits["cloud_buffer_m"]
    elevation, azimuth = (float(properties.get(f"view:sun_{k}", "nan")) for k in ("elevation", "azimuth"))
    of = {name: bands[name].values for name in _FOUR}
    place = {"resolution": grid.resolution, "sun_elevation": elevation, "sun_azimuth": azimuth}
    codes = visible_clouds.classes(of, **place, limits=limits)
    clear = _buffered(codes, grid.resolution, buffer) & seen
    return first.copy(data=clear), f"clouds and shadows by brightness (start values) with {buffer:g} m buffer"


def _buffered(codes: np.ndarray, resolution: float, buffer_m: float) -> np.ndarray:
    """The seen cells farther than the buffer from a cloud or a shadow."""
    lets, drops = np.zeros(256, dtype=bool), np.zeros(256, dtype=bool)
    lets[SEEN], drops[[CLOUD, SHADOW]] = True, True
    return clear_cells(codes, lets, drops, mask.reach(resolution, buffer_m))


def _quantities(product: str, raw: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """The bands with a wavelength: reflectances and temperatures."""
    known = {spec.common_name: spec for spec in imagery.bands(product).values()}
    return {n: c for n, c in raw.items() if n in known and known[n].wavelength_nm is not None}
