"""The products of the sky eye: what each is (imagery_products.csv) and how it is made from reflectances.

Bands go by their common names of the STAC eo extension (blue, green, red, rededge1, nir, nir08, swir16, swir22 ...);
Sentinel-2's own names (B02 ...) are understood too, and a sensor with one near infrared (nir08) uses it as nir. All is
cell by cell and lazy where the bands are, so any chunks and any number of workers give the same bytes.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError
from processing.imagery import indices, temperature, water, water_quality
from processing.imagery.tables import band_names, wavelengths

T = TypeVar("T")
Bands = Mapping[str, xr.DataArray]
Limits = Mapping[str, float]

OVER = ("any", "land", "water")
MARKS = ("absolute", "relative", "calibrated")
_COLUMNS = ("id", "name_zh", "name_en", "unit", "over", "bands", "needs", "formula", "mark", "source", "confidence")


@cache
def product_table() -> pd.DataFrame:
    """The products, indexed by id: names, unit, over, bands and needs (tuples), formula, mark, source, use_limits.

    Raises:
        CatalogueError: the table is not as it must be; every problem at once.
    """
    path = TABLES_DIR / "imagery_products.csv"
    frame = read_table(path, columns=[*_COLUMNS, "use_limits"], key=["id"])
    known = set(frame["id"])
    problems = [
        f"{path.name}:{row.line}: {what}"
        for row in frame.itertuples()
        for what in (
            *([] if row.over in OVER else [f"over is {row.over!r}; write one of {', '.join(OVER)}"]),
            *([] if row.mark in MARKS else [f"mark is {row.mark!r}; write one of {', '.join(MARKS)}"]),
            *(f"needs {other!r}, which is no product" for other in str(row.needs).split() if other not in known),
        )
    ]
    if problems:
        raise CatalogueError(problems)
    frame["bands"], frame["needs"] = frame["bands"].str.split().map(tuple), frame["needs"].str.split().map(tuple)
    return frame.set_index("id").drop(columns="line")


@cache
def coefficients(product: str, sensor: str = "") -> Mapping[str, float]:
    """Symbol -> value of a product from imagery_coefficients.csv, for one sensor where they differ by sensor.

    Raises:
        CatalogueError: a value is no number, or there is no row for the product and sensor.
    """
    frame = _coefficient_table()
    rows = frame[(frame["product"] == product) & frame["sensor"].isin(["", sensor])]
    if rows.empty:
        raise CatalogueError([f"{_FILE}:1: no coefficients of {product!r} for sensor {sensor!r}; add rows"])
    try:
        return MappingProxyType({str(row.symbol): float(str(row.value)) for row in rows.itertuples()})
    except ValueError as error:
        raise CatalogueError([f"{_FILE}: {product}: {error}; write a number"]) from error


@cache
def version(product: str) -> str:
    """Eight hexadecimal digits that change with the row or a coefficient of a product or of one it needs."""
    row = product_table().loc[product]
    every = _coefficient_table()
    own = every.loc[every["product"] == product, ["sensor", "symbol", "value"]].to_csv(index=False)
    parts = [product, str(row["formula"]), str(row["unit"]), own, *(version(other) for other in row["needs"])]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:8]


def bands_of(ids: Iterable[str]) -> tuple[str, ...]:
    """The bands these products need, by common name, each once."""
    return tuple(dict.fromkeys(band for name in ids for band in product_table()["bands"][name]))


def possible(ids: Iterable[str], bands: Iterable[str]) -> tuple[str, ...]:
    """Those of `ids` for which all bands are there (own or common names)."""
    there = _named({str(band): band for band in bands}).keys()
    return tuple(name for name in ids if set(product_table()["bands"][name]) <= there)


def compute(
    bands: Bands | xr.Dataset,
    ids: Iterable[str],
    *,
    limits: Limits,
    sensor: str = "sentinel-2",
    nm: Mapping[str, float] | None = None,
) -> xr.Dataset:
    """Products of one scene, float32 (water: 0 or 1), NaN where a band is missing; lazy where the bands are.

    Each carries units, long_name, formula, source, mark (absolute, relative), version, crs and transform.

    Args:
        bands: band -> surface reflectance (1), lwir11 -> kelvin, no2 -> mol/m2; one shape.
        ids: products of imagery_products.csv; those whose bands are absent are left out (`possible` names the rest).
        limits: imagery thresholds.
        sensor: whose coefficients to use where they differ by sensor.
        nm: common name -> central wavelength, nm; Sentinel-2's when not given.

    Raises:
        KeyError: no such product.
        ValueError: the product comes from a fit of its own (rsei.apply, aerosol).
        CatalogueError: no coefficients for the sensor.
    """
    wanted = tuple(ids)
    own = [name for name in wanted if name not in _MAKE and name in product_table().index]
    if own:
        raise ValueError(f"{', '.join(own)}: made from a fit, by rsei.apply or aerosol.pm25, not from one scene alone")
    named = _named({str(name): layer for name, layer in bands.items()})
    made = _Making(named, limits, sensor, nm or _sentinel_nm())
    return xr.Dataset({name: _described(name, made) for name in possible(wanted, named)})


class _Making:
    """What the functions below take from: bands, thresholds, coefficients of the sensor, wavelengths."""

    def __init__(self, bands: Bands, limits: Limits, sensor: str, nm: Mapping[str, float]) -> None:
        self.bands, self.limits, self.sensor, self.nm = bands, limits, sensor, nm

    def __call__(self, *names: str) -> list[xr.DataArray]:
        return [self.bands[name] for name in names]

    def of(self, product: str) -> Mapping[str, float]:
        return coefficients(product, self.sensor)


def _described(name: str, made: _Making) -> xr.DataArray:
    row = product_table().loc[name]
    source = made.bands[row["bands"][0]]
    place = {key: source.attrs[key] for key in ("crs", "transform") if key in source.attrs}
    said = {
        "units": row["unit"],
        "long_name": row["name_en"],
        "formula": row["formula"],
        "source": row["source"],
        "mark": row["mark"],
        "version": version(name),
    }
    layer = _MAKE[name](made).astype(np.float32).rename(name)
    return layer.drop_attrs().assign_attrs(said | place)


def _fvc(made: _Making) -> xr.DataArray:
    ends = {"soil": made.limits["fvc_ndvi_soil"], "vegetation": made.limits["fvc_ndvi_vegetation"]}
    return indices.fvc(indices.ndvi(*made("red", "nir")), **ends)


def _evi(made: _Making) -> xr.DataArray:
    blue, red, nir = made("blue", "red", "nir")
    return indices.evi(blue, red, nir, **made.of("evi"))


def _fai(made: _Making) -> xr.DataArray:
    red, nir, swir1 = made("red", "nir", "swir16")
    return indices.fai(red, nir, swir1, red_nm=made.nm["red"], nir_nm=made.nm["nir"], swir1_nm=made.nm["swir16"])


def _wetness(made: _Making) -> xr.DataArray:
    weights = made.of("wetness")
    return indices.weighted_sum(made(*weights), tuple(weights.values()))


_MAKE: Mapping[str, Callable[[_Making], xr.DataArray]] = {
    "ndvi": lambda m: indices.ndvi(*m("red", "nir")),
    "kndvi": lambda m: indices.kndvi(*m("red", "nir")),
    "evi": _evi,
    "fvc": _fvc,
    "gndvi": lambda m: indices.gndvi(*m("green", "nir")),
    "ndre": lambda m: indices.ndre(*m("rededge1", "nir")),
    "ndmi": lambda m: indices.ndmi(*m("nir", "swir16")),
    "nbr": lambda m: indices.nbr(*m("nir", "swir22")),
    "rgi": lambda m: indices.rgi(*m("red", "green")),
    "ndwi": lambda m: indices.ndwi(*m("green", "nir")),
    "mndwi": lambda m: indices.mndwi(*m("green", "swir16")),
    "water": lambda m: water.extent(*m("green", "swir16"), threshold=m.limits["water_mndwi_min"]),
    "ndci": lambda m: indices.ndci(*m("red", "rededge1")),
    "chla": lambda m: water_quality.chlorophyll(*m("red", "rededge1"), coefficients=m.of("chla")),
    "turbidity": lambda m: water_quality.turbidity(*m("red", "nir08"), coefficients=m.of("turbidity")),
    "spm": lambda m: water_quality.suspended_matter(*m("red"), coefficients=m.of("spm")),
    "cdom": lambda m: water_quality.cdom(*m("green", "red"), coefficients=m.of("cdom")),
    "ndti": lambda m: indices.ndti(*m("red", "green")),
    "fai": _fai,
    "ndbwi": lambda m: water_quality.ndbwi(*m("green", "red")),
    "dbwi": lambda m: water_quality.dbwi(*m("green", "red")),
    "boi": lambda m: water_quality.boi(*m("blue", "green", "red")),
    "bi": lambda m: indices.bi(*m("blue", "red", "nir", "swir16")),
    "ibi": lambda m: indices.ibi(*m("green", "red", "nir", "swir16")),
    "ndbsi": lambda m: indices.ndbsi(*m("blue", "green", "red", "nir", "swir16")),
    "wetness": _wetness,
    "lst": lambda m: temperature.celsius(*m("lwir11")),
    "no2": lambda m: m.bands["no2"] * 1e6,
}

#: The products that `compute` makes from the bands of one scene.
FROM_BANDS = tuple(_MAKE)
_FILE = "imagery_coefficients.csv"
#: What serves where a sensor has no band of the name: Landsat's and MODIS' one near infrared, MOD11's day temperature.
_STANDS_FOR = {"nir": "nir08", "lwir11": "lst_day"}


@cache
def _coefficient_table() -> pd.DataFrame:
    columns = ["product", "sensor", "symbol", "value", "unit", "source", "confidence"]
    return read_table(TABLES_DIR / _FILE, columns=columns, key=["product", "sensor", "symbol"])


def _named(bands: Mapping[str, T]) -> dict[str, T]:
    """The bands by common name, those that stand for an absent one under its name too."""
    names = band_names()
    common = {names[band][1] if band in names else band: layer for band, layer in bands.items()}
    return {absent: common[other] for absent, other in _STANDS_FOR.items() if other in common} | common


@cache
def _sentinel_nm() -> Mapping[str, float]:
    return _named(wavelengths())
