"""The bands of scenes, read by name from the files a scene was taken in with.

A file that has changed its size since then was cut or replaced by hand and is never read as if it were whole.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from domain import imagery
from domain.errors import FeedCorrupt
from store.files import Files

#: In `Scene.properties`: what the files of a scene were when they came, and where item and files disagreed.
FILES, NOTES = "sanyan:files", "sanyan:notes"
_GRIDS = (".nc", ".nc4", ".h5", ".hdf5", ".he5")


def read_band(
    files: Files,
    scene: Mapping[str, Any],
    band: str,
    *,
    window: tuple[int, int, int, int] | None = None,
    step: int | None = None,
    deep: bool = False,
) -> xr.DataArray:
    """A band of a scene as stored (y, x), by its own or its common name, with crs, transform and nodata.

    Args:
        files: of the home.
        scene: a row of the table `scenes`.
        band: for example "B04" or "red".
        window: (row, column, height, width); of rasters.
        step: which time of a NetCDF file of several.
        deep: compare the file's hash too, not only its size.

    Raises:
        FeedCorrupt: the scene has no such band, or its file is missing, changed or cannot be read.
    """
    product = imagery.product_of(scene["collection"])
    assets = json.loads(scene["assets"])
    try:
        spec = imagery.band_of(product, band)
    except KeyError as error:
        raise FeedCorrupt(f"scene {scene['id']}: {error.args[0]}") from error
    key = imagery.bands_of_assets(product, assets).get(spec.band)
    if key is None:
        raise FeedCorrupt(f"scene {scene['id']} has no band {band!r}; it has {sorted(assets)}; fetch the item again")
    href = assets[key]
    check(files, scene, key, deep=deep)
    if Path(href).suffix.lower() in _GRIDS:
        names = [n for n in (spec.layer, *imagery.asset_names(product, spec.band)) if n]
        data = files.read_grid(href, names, step=step)
        return data if window is None else _part(data, window)
    several = spec.layer.isdigit() and key != spec.band and files.raster_info(href).count > 1
    return files.read_raster(href, window=window, layer=int(spec.layer) if several else None)


def check(files: Files, scene: Mapping[str, Any], key: str, *, deep: bool = False) -> None:
    """Whether the file of an asset is still the one that was taken in; nothing is said of scenes that do not tell.

    Raises:
        FeedCorrupt: it is not.
    """
    href = json.loads(scene["assets"])[key]
    told = json.loads(scene["properties"]).get(FILES, {}).get(key, {})
    place = Path(href) if Path(href).is_absolute() else files.path(href)
    size = place.stat().st_size if place.is_file() else None
    if told and size != told["size"]:
        now = "is not there" if size is None else f"has {size} bytes"
        raise FeedCorrupt(
            f"scene {scene['id']}: {place.name} {now}, it had {told['size']} when it came; ingest the scene again"
        )
    if told and deep and sha256(place) != told["sha256"]:
        raise FeedCorrupt(f"scene {scene['id']}: {place.name} was changed since it came; ingest the scene again")


def sha256(place: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with place.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _part(data: xr.DataArray, window: tuple[int, int, int, int]) -> xr.DataArray:
    row, column, height, width = window
    part = data.isel(y=slice(row, row + height), x=slice(column, column + width))
    transform = data.attrs["transform"]
    return part.assign_attrs(transform=transform @ type(transform).translation(column, row))
