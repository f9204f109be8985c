"""Layers of zones: polygons of one kind, each layer a file of the registry and a row of zone_layers.csv."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError

_PROPERTIES = ("id", "name_zh", "name_en", "kind")
_COLUMNS = ("layer", "name_zh", "name_en", "subject", "rule")
_AREAS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True)
class Zones:
    """Polygons of one kind in WGS 84: ids, names and shapes in the same order."""

    ids: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    kinds: tuple[str, ...]
    shapes: tuple[BaseGeometry, ...]


@dataclass(frozen=True, slots=True)
class ZoneLayer:
    """What a layer of zones is called, and what stands before an id where subjects of all layers meet."""

    layer: str
    name_zh: str
    name_en: str
    subject: str
    rule: str  # by which a cell belongs to one of its zones: centre or fraction
    required: bool


@cache
def zone_layers() -> Mapping[str, ZoneLayer]:
    """The layers by id, in the order of the table.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    path = TABLES_DIR / "zone_layers.csv"
    frame = read_table(path, columns=[*_COLUMNS, "required", "source"], key=["layer"])
    problems = [
        f"{path.name}:{row['line']}: {column} is {row[column]!r}; write {' or '.join(words)}"
        for row in frame.to_dict("records")
        for column, words in {"required": ("yes", "no"), "rule": ("centre", "fraction")}.items()
        if row[column] not in words
    ]
    if problems:
        raise CatalogueError(problems)
    rows = frame.to_dict("records")
    return MappingProxyType(
        {
            r["layer"]: ZoneLayer(
                r["layer"], r["name_zh"], r["name_en"], r["subject"], r["rule"], r["required"] == "yes"
            )
            for r in rows
        }
    )


def read_layers(root: Path) -> dict[str, Zones]:
    """The layers that a registry folder has as `<layer>.geojson`; optional ones that are not there are left out.

    Raises:
        CatalogueError: a required one is missing, or a file is not as it must be; every problem of every file at once.
    """
    found: dict[str, Zones] = {}
    problems: list[str] = []
    for layer in zone_layers().values():
        path = root / f"{layer.layer}.geojson"
        if not (layer.required or path.is_file()):
            continue
        try:
            found[layer.layer] = read_zones(path)
        except CatalogueError as error:
            problems += error.problems
    if problems:
        raise CatalogueError(problems)
    return found


def read_zones(path: Path) -> Zones:
    """The zones of one GeoJSON file: polygons in WGS 84 with properties id, name_zh, name_en and kind.

    Raises:
        CatalogueError: the file is missing or is no such collection; every problem at once.
    """
    if not path.is_file():
        raise CatalogueError([f"{path}: the file is missing"])
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        rows = [feature["properties"] for feature in features]
        shapes = [shape(feature["geometry"]) for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError, ShapelyError) as error:
        raise CatalogueError(
            [f"{path.name}: no GeoJSON feature collection ({type(error).__name__}: {error})"]
        ) from error
    problems = [
        f"{path.name}: feature {i} lacks property {key!r}"
        for i, row in enumerate(rows)
        for key in _PROPERTIES
        if key not in row
    ]
    problems += [
        f"{path.name}: feature {i} is a {s.geom_type or 'nothing'}; a zone is a polygon"
        for i, s in enumerate(shapes)
        if s.geom_type not in _AREAS or s.is_empty
    ]
    seen: set[str] = set()
    for i, row in enumerate(rows):
        name = str(row.get("id"))
        problems += [f"{path.name}: feature {i}: the id {name!r} is there twice"] if name in seen else []
        seen.add(name)
    if problems:
        raise CatalogueError(problems)
    ids, zh, en, kinds = (tuple(str(row[key]) for row in rows) for key in _PROPERTIES)
    return Zones(ids, zh, en, kinds, tuple(shapes))
