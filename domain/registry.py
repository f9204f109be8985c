"""The registry of one deployment: its stations, townships, water bodies and map, read from a folder.

| file | content |
|---|---|
| county.yaml | name, code, crs of the county grid, bbox, resolution, whether it is simulated |
| stations.csv | one row per station and period of validity |
| channels.csv | device channels whose unit or meaning differs from the HJ 212 code table |
| townships.geojson | polygons with properties id (nine-digit code), name_zh, name_en, kind |
| waters.geojson | polygons of rivers and reservoirs: id, name_zh, name_en, kind (river, reservoir) |

The sample county is `sample_feeds/county`; a bureau keeps its own folder and names it in SANYAN_REGISTRY.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from domain.catalogue import parameters, read_table
from domain.errors import CatalogueError

MEDIA = ("air", "water", "groundwater", "soil", "noise", "source")

STATION_COLUMNS = (
    "station_id",  # stable id, for example air-101
    "name_zh",
    "name_en",
    "medium",
    "kind",  # urban, background; river, lake; ambient; outlet, stack; farmland ...
    "township",  # nine-digit code
    "lon",
    "lat",  # WGS 84
    "mn",  # HJ 212 device number, "" when the station does not speak it
    "edition",  # HJ 212 edition of the device: 2005, 2017, 2025, or ""
    "cadence",  # ISO 8601 duration between values
    "zone",  # air: 1 or 2 (GB 3095); noise: 0 1 2 3 4a 4b; soil: paddy, orchard, other
    "target",  # water: target class I..V; source: limit set, for example GB 18918-2002/一级A
    "river",  # water: id of the river
    "river_km",  # water: distance along the river, km, growing downstream
    "valid_from",
    "valid_to",
)


@dataclass(frozen=True)
class Zones:
    """Polygons of one kind in WGS 84: ids, names and shapes in the same order."""

    ids: tuple[str, ...]
    names_zh: tuple[str, ...]
    names_en: tuple[str, ...]
    kinds: tuple[str, ...]
    shapes: tuple[BaseGeometry, ...]


@dataclass(frozen=True)
class Registry:
    """One deployment; see the module for its files."""

    root: Path
    county: dict[str, Any]
    stations: pd.DataFrame
    channels: pd.DataFrame
    townships: Zones
    waters: Zones

    @classmethod
    def load(cls, root: Path) -> "Registry":
        """Read and check the folder.

        Raises:
            CatalogueError: every problem of every file at once.
        """
        problems: list[str] = []
        parts: dict[str, Any] = {}
        for name, read in {
            "county": _county,
            "stations": _stations,
            "channels": _channels,
            "townships": _zones,
            "waters": _zones,
        }.items():
            try:
                parts[name] = read(root, name)
            except CatalogueError as error:
                problems += error.problems
        if not problems:
            known = set(parts["townships"].ids)
            problems = [
                f"stations.csv:{row.line}: township {row.township!r} is not in townships.geojson"
                for row in parts["stations"].itertuples()
                if row.township and row.township not in known
            ]
            stations = set(parts["stations"]["station_id"])
            problems += [
                f"channels.csv:{row.line}: station {row.station_id!r} is not in stations.csv"
                for row in parts["channels"].itertuples()
                if row.station_id not in stations
            ]
        if problems:
            raise CatalogueError(problems)
        return cls(root=root, **parts)

    @cached_property
    def by_mn(self) -> dict[str, dict[str, Any]]:
        """HJ 212 device number -> station row (as a dict)."""
        rows = self.stations[self.stations["mn"] != ""]
        return {str(row["mn"]): row for row in rows.to_dict("records")}

    @cached_property
    def by_id(self) -> dict[str, dict[str, Any]]:
        """Station id -> station row (as a dict)."""
        return {str(row["station_id"]): row for row in self.stations.to_dict("records")}


def _county(root: Path, name: str) -> dict[str, Any]:
    path = root / f"{name}.yaml"
    wanted = {"name_zh", "name_en", "code", "crs", "bbox", "resolution_m", "simulated", "note"}
    if not path.is_file():
        raise CatalogueError([f"{path}: the file is missing"])
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or set(data) != wanted:
        raise CatalogueError([f"{path.name}:1: it must have exactly the keys {sorted(wanted)}"])
    return data


def _stations(root: Path, name: str) -> pd.DataFrame:
    path = root / f"{name}.csv"
    frame = read_table(path, columns=STATION_COLUMNS, key=["station_id", "valid_from"])
    problems: list[str] = []
    for row in frame.itertuples():
        where = f"{path.name}:{row.line}"
        if row.medium not in MEDIA:
            problems.append(f"{where}: medium {row.medium!r} is not one of {MEDIA}")
        for column in ("lon", "lat", "river_km"):
            text = getattr(row, column)
            if text or column != "river_km":
                problems += _number(where, column, text)
        for column in ("valid_from", "valid_to"):
            text = getattr(row, column)
            if text:
                try:
                    date.fromisoformat(text)
                except ValueError:
                    problems.append(f"{where}: {column} {text!r} is not a date YYYY-MM-DD")
    repeated = frame[(frame["mn"] != "") & frame.duplicated(["mn", "valid_from"])]
    problems += [f"{path.name}:{row.line}: device number {row.mn!r} repeats" for row in repeated.itertuples()]
    if problems:
        raise CatalogueError(problems)
    for column in ("lon", "lat", "river_km"):
        frame[column] = pd.to_numeric(frame[column])
    return frame


def _channels(root: Path, name: str) -> pd.DataFrame:
    path = root / f"{name}.csv"
    frame = read_table(path, columns=["station_id", "code", "parameter", "unit"], key=["station_id", "code"])
    known = parameters().index
    problems = [
        f"{path.name}:{row.line}: parameter {row.parameter!r} is not in domain/tables/parameters.csv"
        for row in frame.itertuples()
        if row.parameter not in known
    ]
    if problems:
        raise CatalogueError(problems)
    return frame


def _zones(root: Path, name: str) -> Zones:
    path = root / f"{name}.geojson"
    if not path.is_file():
        raise CatalogueError([f"{path}: the file is missing"])
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    problems = [
        f"{path.name}: feature {i} lacks property {key!r}"
        for i, feature in enumerate(features)
        for key in ("id", "name_zh", "name_en", "kind")
        if key not in feature["properties"]
    ]
    if problems:
        raise CatalogueError(problems)
    rows = [feature["properties"] for feature in features]
    return Zones(
        ids=tuple(str(r["id"]) for r in rows),
        names_zh=tuple(str(r["name_zh"]) for r in rows),
        names_en=tuple(str(r["name_en"]) for r in rows),
        kinds=tuple(str(r["kind"]) for r in rows),
        shapes=tuple(shape(feature["geometry"]) for feature in features),
    )


def _number(where: str, column: str, text: str) -> list[str]:
    try:
        float(text)
    except ValueError:
        return [f"{where}: {column} {text!r} is not a number"]
    return []
