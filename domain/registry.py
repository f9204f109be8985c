"""The registry of one deployment: its stations, townships, water bodies and map, read from a folder.

| file | content |
|---|---|
| county.yaml | name, code, crs of the county grid, bbox, resolution, whether it is simulated |
| stations.csv | one row per station and period of validity |
| channels.csv | device channels whose unit or meaning differs from the HJ 212 code table |
| townships.geojson | polygons with properties id (nine-digit code), name_zh, name_en, kind |
| waters.geojson | polygons of rivers and reservoirs: id, name_zh, name_en, kind (river, reservoir) |
| protected.geojson, control_units.geojson | optional: further layers of zones, see domain/tables/zone_layers.csv |
| sources.csv | optional: the one catalogue of fixed, mobile and area sources |
| radiation.csv | optional: background and levels of gamma stations |

The sample county is `sample_feeds/county`; a bureau keeps its own folder and names it in SANYAN_REGISTRY.
"""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from domain.catalogue import parameters, read_table
from domain.errors import CatalogueError
from domain.zones import Zones, read_layers

__all__ = ["Registry", "Zones"]

MEDIA = ("air", "water", "groundwater", "soil", "noise", "source", "radiation")

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
    "zone",  # air: 1 or 2 (GB 3095); noise: 0 1 2 3 4a 4b; soil: paddy, orchard, other, construction land: 1 or 2
    "target",  # water: target class I..V; source: limit set such as GB 18918-2002/一级A; soil: background set
    "river",  # water: id of the river
    "river_km",  # water: distance along the river, km, growing downstream
    "valid_from",
    "valid_to",
)

SOURCE_COLUMNS = (
    "source_id",
    "name_zh",
    "name_en",
    "kind",  # fixed, mobile, area
    "category",  # wwtp, boiler, non-road machinery, vehicles, farmland, village sewage ...
    "station_id",  # the outlet or stack that watches it, "" when none does
    "standard",  # what it is judged by, for example GB 18918-2002/一级A; "" when nothing is set
    "township",
    "lon",
    "lat",  # WGS 84; both empty for sources without one place
    "valid_from",
    "valid_to",
)
SOURCE_KINDS = ("fixed", "mobile", "area")

#: Levels of a gamma station, nGy/h; the columns join those of its row in stations.
GAMMA_COLUMNS = ("gamma_mean", "gamma_sd", "gamma_attention", "gamma_alarm")


@dataclass(frozen=True)
class Registry:
    """One deployment; see the module for its files."""

    root: Path
    county: dict[str, Any]
    stations: pd.DataFrame
    channels: pd.DataFrame
    townships: Zones
    waters: Zones
    sources: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*SOURCE_COLUMNS, "line"]))
    zones: dict[str, Zones] = field(default_factory=dict)  # by layer of zone_layers.csv, townships and waters with them

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
            "zones": lambda root, _name: read_layers(root),
            "sources": _sources,
        }.items():
            try:
                parts[name] = read(root, name)
            except CatalogueError as error:
                problems += error.problems
        if not problems:
            parts |= {name: parts["zones"][name] for name in ("townships", "waters")}
            known = set(parts["townships"].ids)
            problems = [
                f"stations.csv:{row.line}: township {row.township!r} is not in townships.geojson"
                for row in parts["stations"].itertuples()
                if row.township and row.township not in known
            ]
            stations = set(parts["stations"]["station_id"])
            problems += [
                f"{name}.csv:{row.line}: station {row.station_id!r} is not in stations.csv"
                for name in ("channels", "sources")
                for row in parts[name].itertuples()
                if row.station_id and row.station_id not in stations
            ]
            problems += [
                f"sources.csv:{row.line}: township {row.township!r} is not in townships.geojson"
                for row in parts["sources"].itertuples()
                if row.township and row.township not in known
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
    return _with_gamma_levels(root, frame)


def _with_gamma_levels(root: Path, stations: pd.DataFrame) -> pd.DataFrame:
    """The stations with the levels of radiation.csv beside those of medium radiation; unchanged without the file."""
    path = root / "radiation.csv"
    if not path.is_file():
        return stations
    levels = read_table(path, columns=["station_id", *GAMMA_COLUMNS, "source"], key=["station_id"])
    gamma = set(stations.loc[stations["medium"] == "radiation", "station_id"])
    problems = [
        f"{path.name}:{row.line}: {row.station_id!r} is not a station of medium radiation in stations.csv"
        for row in levels.itertuples()
        if row.station_id not in gamma
    ]
    for column in GAMMA_COLUMNS:
        for line, text in zip(levels["line"], levels[column], strict=True):
            problems += _number(f"{path.name}:{line}", column, text) if text else []
    if problems:
        raise CatalogueError(problems)
    for column in GAMMA_COLUMNS:
        levels[column] = pd.to_numeric(levels[column].where(levels[column] != ""), errors="coerce").astype(float)
    return stations.merge(levels[["station_id", *GAMMA_COLUMNS]], on="station_id", how="left")


def _sources(root: Path, name: str) -> pd.DataFrame:
    """The catalogue of sources; none when the deployment has not written one."""
    path = root / f"{name}.csv"
    if not path.is_file():
        return pd.DataFrame(columns=[*SOURCE_COLUMNS, "line"])
    frame = read_table(path, columns=SOURCE_COLUMNS, key=["source_id", "valid_from"])
    problems = [
        f"{path.name}:{row.line}: kind {row.kind!r} is not one of {', '.join(SOURCE_KINDS)}"
        for row in frame.itertuples()
        if row.kind not in SOURCE_KINDS
    ]
    for column in ("lon", "lat"):
        for line, text in zip(frame["line"], frame[column], strict=True):
            problems += _number(f"{path.name}:{line}", column, text) if text else []
    problems += [
        f"{path.name}:{row.line}: a fixed source has a place; give lon and lat"
        for row in frame.itertuples()
        if row.kind == "fixed" and not (row.lon and row.lat)
    ]
    if problems:
        raise CatalogueError(problems)
    for column in ("lon", "lat"):
        frame[column] = pd.to_numeric(frame[column].where(frame[column] != ""), errors="coerce").astype(float)
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


def _number(where: str, column: str, text: str) -> list[str]:
    try:
        float(text)
    except ValueError:
        return [f"{where}: {column} {text!r} is not a number"]
    return []
