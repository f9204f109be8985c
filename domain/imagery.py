"""What comes from the sky: products, their bands, and what catalogues call them.

| table | a row is |
|---|---|
| sky_products.csv | a product, its form, and how far its position may be off |
| sky_bands.csv | a band of a product: unit, scale, offset, what stands for no data, the range of valid numbers |
| sky_collections.csv | a collection of a catalogue and its product; a collection named as a product needs none |
| sky_assets.csv | what a catalogue calls a band; an asset named as the band itself needs none |
| sky_flags.csv | a value of a field of bits of a quality band, and whether such cells are dropped |
| sky_settings.csv | a threshold or a choice that a deployment may change |
| sky_gains.csv | gain, offset and solar irradiance of a band of a camera, from a year on |

A catalogue or product is added by rows. Everything here is checked when it is first used, all problems at once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import Any

import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError

KINDS = ("quantity", "class", "flags")
FORMS = ("raster", "grid", "swath", "series")
USES = ("drop", "keep", "say")
#: Instead of a number in `scale` or `offset`: what decides it.
DECIDED = ("by scene", "by camera")
#: The asset of a file that holds several bands, told apart by `BandSpec.layer`.
WHOLE_FILE = "data"


@dataclass(frozen=True, slots=True)
class Product:
    """One product of one or more satellites."""

    product: str
    name_zh: str
    name_en: str
    form: str  # raster: a file a band; grid: also NetCDF or HDF5 variables; swath: cells with their own places; series
    position_error_m: float | None  # how far a place in it may be off when nothing better is known
    licence: str
    confidence: str


@dataclass(frozen=True, slots=True)
class BandSpec:
    """How the numbers of one band become a quantity: number * scale + offset, in `unit`."""

    product: str
    band: str  # the product's own name
    common_name: str  # the same over all products, as in the STAC eo extension where it has one
    kind: str  # quantity, class (codes) or flags (bits)
    unit: str
    scale: float | None  # None: decided elsewhere (by scene, by camera)
    offset: float | None
    nodata: float | None
    valid_min: float | None  # in the numbers of the file
    valid_max: float | None
    qa_band: str  # the band whose flags or share tell which cells may be used
    layer: str  # number of the band in a file of several, or path of the variable in a NetCDF or HDF5 file
    wavelength_nm: float | None
    resolution_m: float | None
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class FlagRule:
    """What cells are whose bits `first_bit` .. `first_bit + bits - 1` have a value."""

    first_bit: int
    bits: int
    value: int
    meaning: str
    use: str  # drop; keep (other values of these bits are dropped); say (tells, decides nothing)


@cache
def products() -> Mapping[str, Product]:
    """The products by id.

    Raises:
        CatalogueError: a table is not as it must be.
    """
    rows = _rows("sky_products.csv", [*_fields(Product), "source"], ["product"])
    found = {
        r.product: Product(
            r.product, r.name_zh, r.name_en, r.form, _number(r.position_error_m), r.licence, r.confidence
        )
        for r in rows
    }
    return MappingProxyType(found)


@cache
def bands(product: str) -> Mapping[str, BandSpec]:
    """The bands of a product by its own names, in the order of the table; empty for a product that is not known.

    Raises:
        CatalogueError: a table is not as it must be.
    """
    return MappingProxyType({name: spec for (owner, name), spec in _all_bands().items() if owner == product})


def band_of(product: str, name: str) -> BandSpec:
    """A band by its own or its common name.

    Raises:
        KeyError: the product has no such band; the text names those it has.
    """
    known = bands(product)
    if name in known:
        return known[name]
    for spec in known.values():
        if spec.common_name == name:
            return spec
    raise KeyError(
        f"{product!r} has no band {name!r}; it has {[f'{s.band} ({s.common_name})' for s in known.values()]}"
    )


def product_of(collection: str) -> str:
    """The product a collection holds; a collection that is in no table is its own product."""
    return _collections().get(collection, collection)


def collections_of(product: str) -> tuple[str, ...]:
    """The collections that hold a product, the one of its own name first."""
    return (product, *(c for c, p in _collections().items() if p == product and c != product))


def asset_names(product: str, band: str) -> tuple[str, ...]:
    """What catalogues call a band, the best first: its own name, then the rows of sky_assets.csv."""
    return (band, *_assets().get((product, band), ()))


def bands_of_assets(product: str, assets: Mapping[str, Any]) -> dict[str, str]:
    """Band -> key in `assets`, for the bands of a product that are there.

    A band that no asset is named after is looked for in the file that holds several, when the table says which layer
    it is.
    """
    found = {}
    whole = next((name for name in asset_names(product, WHOLE_FILE) if name in assets), None)
    for band, spec in bands(product).items():
        key = next((name for name in asset_names(product, band) if name in assets), whole if spec.layer else None)
        if key is not None:
            found[band] = key
    return found


def canonical_assets(collection: str, assets: Mapping[str, str]) -> dict[str, str]:
    """Common name of a band -> its href, whatever product, platform or catalogue; assets of no known band left out.

    Args:
        collection: of the scene.
        assets: of the scene: key -> href.
    """
    product = product_of(collection)
    keys = bands_of_assets(product, assets)
    return {spec.common_name: assets[keys[band]] for band, spec in bands(product).items() if band in keys}


@cache
def flag_rules(product: str, band: str) -> tuple[FlagRule, ...]:
    """The rules of a band of flags; empty when there is none.

    Raises:
        CatalogueError: a table is not as it must be.
    """
    columns = ["product", "band", "first_bit", "bits", "value", "meaning", "use", "source", "confidence"]
    rows = _rows("sky_flags.csv", columns, ["product", "band", "first_bit", "bits", "value"])
    return tuple(
        FlagRule(int(r.first_bit), int(r.bits), int(r.value), r.meaning, r.use)
        for r in rows
        if (r.product, r.band) == (product, band)
    )


@cache
def gains() -> pd.DataFrame:
    """Gains of cameras: product, camera, band, year (from which they hold), gain, offset, esun (W/(m2 um)), source.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    columns = ["product", "camera", "band", "year", "gain", "offset", "esun", "source", "confidence"]
    rows = _rows("sky_gains.csv", columns, ["product", "camera", "band", "year"])
    frame = pd.DataFrame([r._asdict() for r in rows])
    return frame.astype({"year": int, "gain": float, "offset": float, "esun": float}).drop(columns=["Index", "line"])


@cache
def settings() -> Mapping[str, float]:
    """Setting id -> value.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    rows = _rows("sky_settings.csv", ["id", "value", "unit", "meaning", "source", "confidence"], ["id"])
    return MappingProxyType({r.id: float(r.value) for r in rows})


# --- reading ----------------------------------------------------------------------------------------------------------


@cache
def _all_bands() -> Mapping[tuple[str, str], BandSpec]:
    rows = _rows("sky_bands.csv", _fields(BandSpec), ["product", "band"])
    numbers = ("scale", "offset", "nodata", "valid_min", "valid_max", "wavelength_nm", "resolution_m")
    found = {}
    for r in rows:
        cells = {name: getattr(r, name) for name in _fields(BandSpec)}
        found[r.product, r.band] = BandSpec(**cells | {n: _number(cells[n]) for n in numbers})
    return MappingProxyType(found)


@cache
def _collections() -> Mapping[str, str]:
    columns = ["catalogue", "root", "collection", "product", "access", "confidence"]
    rows = _rows("sky_collections.csv", columns, ["catalogue", "collection"])
    return MappingProxyType({r.collection: r.product for r in rows})


@cache
def _assets() -> Mapping[tuple[str, str], tuple[str, ...]]:
    columns = ["catalogue", "product", "asset", "band", "source", "confidence"]
    found: dict[tuple[str, str], list[str]] = {}
    for r in _rows("sky_assets.csv", columns, ["product", "asset"]):
        found.setdefault((r.product, r.band), []).append(r.asset)
    return MappingProxyType({key: tuple(names) for key, names in found.items()})


def _fields(record: type) -> list[str]:
    return [f.name for f in fields(record)]


def _number(text: str) -> float | None:
    return None if text == "" or text in DECIDED else float(text)


def _is_number(text: str) -> bool:
    try:
        _number(text)
    except ValueError:
        return False
    return True


_Check = tuple[str, Callable[[str], bool], str]


def _one_of(allowed: Iterable[str]) -> tuple[Callable[[str], bool], str]:
    words = tuple(allowed)
    return (lambda text: text in words), f"write one of {list(words)}"


def _checks() -> dict[str, list[_Check]]:
    """Per table: column, what a cell must be, and what to do."""
    number: tuple[Callable[[str], bool], str] = (_is_number, "write a number or nothing")
    whole: tuple[Callable[[str], bool], str] = (lambda text: text.isascii() and text.isdigit(), "write a whole number")
    real: tuple[Callable[[str], bool], str] = (lambda text: bool(text) and _is_number(text), "write a number")
    scaled = ("scale", "offset", "nodata", "valid_min", "valid_max", "wavelength_nm", "resolution_m")
    return {
        "sky_products.csv": [("form", *_one_of(FORMS)), ("position_error_m", *number)],
        "sky_bands.csv": [("kind", *_one_of(KINDS)), *((c, *number) for c in scaled)],
        "sky_flags.csv": [("use", *_one_of(USES)), *((c, *whole) for c in ("first_bit", "bits", "value"))],
        "sky_settings.csv": [("value", *real)],
        "sky_gains.csv": [("year", *whole), *((c, *real) for c in ("gain", "offset", "esun"))],
    }


def _rows(name: str, columns: list[str], key: list[str]) -> list[Any]:
    """The rows of a table, every cell checked, every reference to a product or band found."""
    path = TABLES_DIR / name
    frame = read_table(path, columns=columns, key=key)
    rows = list(frame.itertuples())
    problems = [
        f"{path.name}:{r.line}: {column} is {getattr(r, column)!r}; {remedy}"
        for column, good, remedy in _checks().get(name, [])
        for r in rows
        if not good(str(getattr(r, column)))
    ]
    if "product" in columns and name != "sky_products.csv":
        problems += [
            f"{path.name}:{r.line}: there is no product {r.product!r}; add it to sky_products.csv"
            for r in rows
            if r.product not in products()
        ]
    if name in {"sky_assets.csv", "sky_flags.csv", "sky_gains.csv"} and not problems:
        problems += [
            f"{path.name}:{r.line}: {r.product!r} has no band {r.band!r}; add it to sky_bands.csv"
            for r in rows
            if (r.product, r.band) not in _all_bands() and r.band != WHOLE_FILE
        ]
    if problems:
        raise CatalogueError(problems)
    return rows
