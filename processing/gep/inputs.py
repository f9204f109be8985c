"""The table of GEP inputs: what each ecosystem of each township covers, how green it was and how much rain it got.

Pure functions on the county grid and on frames of daily indicators. Every quantity is summed over the cells of a
township and ecosystem, so the county's row is made of the same sums as the rows of its townships.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError
from processing.imagery.zonal import RULE, zonal_sums

#: Ecosystem of rows that speak of a whole township.
ALL = "all"
#: HJ 633: an index of 100 is the upper end of 良, the last of the two good grades.
_GOOD_AQI = 100
#: GB 3838-2002 class III is the last of the good ones (优良水体).
_GOOD_CLASS = 3


@dataclass(frozen=True)
class Extent:
    """Which cell belongs to which township and ecosystem.

    `labels` are 1 + zone * len(ecosystems) + ecosystem, 0 outside the county or where the map has no class.
    """

    labels: np.ndarray
    zones: tuple[str, ...]
    ecosystems: tuple[str, ...]
    unmapped: np.ndarray  # cells of each township without a class

    @property
    def n(self) -> int:
        """How many labels there are."""
        return len(self.zones) * len(self.ecosystems)


@dataclass(frozen=True)
class Layer:
    """A quantity on the county grid: NaN where it is not known."""

    quantity: str
    unit: str
    values: np.ndarray
    method: str
    source: str
    days: tuple[int, int] | None = None  # (with data, of the year), counted instead of cells


@cache
def legend() -> Mapping[int, str]:
    """Code of a land-cover class -> ecosystem, from landcover.csv.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    path = TABLES_DIR / "landcover.csv"
    frame = read_table(path, columns=["code", "name_zh", "name_en", "ecosystem", "source"], key=["code"])
    return {int(str(row.code)): str(row.ecosystem) for row in frame.itertuples()}


def extent(cover: np.ndarray, zones: np.ndarray, names: tuple[str, ...], *, cell_ha: float, source: str) -> Extent:
    """The extent of ecosystems by township.

    Args:
        cover: land-cover codes on the county grid, 0 where the map says nothing.
        zones: township number 1..n of each cell, 0 outside.
        names: the townships.
        cell_ha: area of a cell, ha.
        source: name of the map, for the message.

    Raises:
        CatalogueError: the map holds classes that landcover.csv does not know; each with its area in the county.
    """
    inside = zones > 0
    codes, cells = np.unique(cover[inside], return_counts=True)
    known = legend()
    problems = [
        f"landcover.csv: {source} has class {code} on {count * cell_ha:.2f} ha of the county and the table has no such "
        "code; add a row with its ecosystem"
        for code, count in zip(codes.tolist(), cells.tolist(), strict=True)
        if code != 0 and code not in known
    ]
    if problems:
        raise CatalogueError(problems)
    kinds = tuple(dict.fromkeys(known.values()))
    number = np.zeros(int(cover.max(initial=0)) + 1, dtype=np.int32)
    for code in codes[codes != 0].tolist():
        number[code] = kinds.index(known[code]) + 1
    kind = number[np.where(inside, cover, 0)]
    labels = np.where(kind > 0, (zones - 1) * len(kinds) + kind, 0)
    unmapped = np.bincount(zones[inside & (kind == 0)], minlength=len(names) + 1)[1:]
    return Extent(labels, names, kinds, unmapped)


def area_rows(of: Extent, *, county: str, cell_ha: float, source: str) -> list[dict[str, object]]:
    """area_ha of every ecosystem of every township and of the county; n_valid counts its cells.

    n_expected adds the cells of the township whose class the map does not tell, so that gaps show.
    """
    cells = _cells(of)
    counts = np.vstack([cells, cells.sum(axis=0)])
    unmapped = np.append(of.unmapped, of.unmapped.sum())
    method = f"cells by {RULE} on the county grid of {np.sqrt(cell_ha * 10_000):g} m"
    return [
        _row(
            zone,
            kind,
            "area_ha",
            counts[i, k] * cell_ha,
            "ha",
            counts[i, k],
            counts[i, k] + unmapped[i],
            method,
            source,
        )
        for i, zone in enumerate((*of.zones, county))
        for k, kind in enumerate(of.ecosystems)
        if counts[i, k]
    ]


def layer_rows(of: Extent, layer: Layer, *, county: str) -> list[dict[str, object]]:
    """Mean of a layer over the cells of each ecosystem of each township and of the county; NaN where none is known."""
    total, valid, _ = (part.reshape(len(of.zones), -1) for part in zonal_sums(layer.values, of.labels, of.n))
    cells = _cells(of)
    total, valid, cells = (np.vstack([part, part.sum(axis=0)]) for part in (total, valid, cells))
    rows = []
    for i, zone in enumerate((*of.zones, county)):
        for k, kind in enumerate(of.ecosystems):
            if cells[i, k]:
                value = total[i, k] / valid[i, k] if valid[i, k] else np.nan
                n_valid, n_expected = layer.days or (valid[i, k], cells[i, k])
                rows.append(
                    _row(zone, kind, layer.quantity, value, layer.unit, n_valid, n_expected, layer.method, layer.source)
                )
    return rows


def mean_of(layers: Iterable[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Mean of each cell over the layers that know it (NaN: none does); one layer is held at a time."""
    total, count = np.zeros(shape), np.zeros(shape, dtype=np.int32)
    for layer in layers:
        seen = np.isfinite(layer)
        total += np.where(seen, layer, 0)
        count += seen
    return total / np.where(count > 0, count, np.nan)


def sum_of(layers: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Sum of each cell over the layers; NaN where one of them does not know it, since a sum with gaps is no sum."""
    total = np.zeros(shape) if layers else np.full(shape, np.nan)
    for layer in layers:
        total += layer
    return total


def assigned(
    stations: pd.DataFrame, townships: tuple[str, ...], centres: np.ndarray
) -> dict[str, tuple[list[str], str]]:
    """Township -> the stations that speak for it: those inside, else the nearest; and how they were found.

    Args:
        stations: station_id, township, x and y (metres).
        townships: ids.
        centres: a point inside each township (n, 2), metres.
    """
    out: dict[str, tuple[list[str], str]] = {}
    ordered = stations.sort_values("station_id")
    for i, township in enumerate(townships):
        inside = ordered.loc[ordered["township"] == township, "station_id"].tolist()
        if inside or ordered.empty:
            out[township] = (inside, "stations inside")
            continue
        away = np.hypot(ordered["x"] - centres[i, 0], ordered["y"] - centres[i, 1])
        nearest = ordered.iloc[int(np.argmin(away))]
        out[township] = ([str(nearest["station_id"])], f"nearest station, {away.min() / 1000:.1f} km from the middle")
    return out


def air_rows(
    daily: pd.DataFrame, of: Mapping[str, tuple[list[str], str]], *, days: int, source: str
) -> list[dict[str, object]]:
    """good_air_days_pct and aqi_mean of every zone over the station-days of its stations.

    Args:
        daily: daily air.aqi (subject, value); NaN days do not count.
        of: zone -> stations and how they were found.
        days: days of the year.
        source: what `daily` was read from.
    """
    rows = []
    for zone, (stations, how) in of.items():
        values = daily.loc[daily["subject"].isin(stations) & daily["value"].notna(), "value"].to_numpy()
        n, expected = len(values), days * len(stations)
        good = 100 * np.mean(values <= _GOOD_AQI) if n else np.nan
        share = f"share of station-days with AQI <= {_GOOD_AQI}; {how}: {' '.join(stations)}"
        mean = f"mean daily AQI; {how}: {' '.join(stations)}"
        rows.append(_row(zone, ALL, "good_air_days_pct", good, "%", n, expected, share, source))
        rows.append(_row(zone, ALL, "aqi_mean", values.mean() if n else np.nan, "1", n, expected, mean, source))
    return rows


def water_rows(daily: pd.DataFrame, of: Mapping[str, list[str]], *, days: int, source: str) -> list[dict[str, object]]:
    """good_water_pct of every zone: share of section-days at class III or better; NaN where there is no section.

    A section speaks for its own river only, so no other township borrows it.
    """
    rows = []
    for zone, sections in of.items():
        values = daily.loc[daily["subject"].isin(sections) & daily["value"].notna(), "value"].to_numpy()
        n = len(values)
        good = 100 * np.mean(values <= _GOOD_CLASS) if n else np.nan
        how = f"share of section-days at class III or better: {' '.join(sections)}" if sections else "no section here"
        rows.append(_row(zone, ALL, "good_water_pct", good, "%", n, days * len(sections), how, source))
    return rows


def _cells(of: Extent) -> np.ndarray:
    counts = np.bincount(of.labels.ravel(), minlength=of.n + 1)[1:]
    return counts.reshape(len(of.zones), len(of.ecosystems))


def _row(
    zone: str,
    ecosystem: str,
    quantity: str,
    value: float,
    unit: str,
    n_valid: int,
    n_expected: int,
    method: str,
    source: str,
) -> dict[str, object]:
    return {
        "zone": zone,
        "ecosystem": ecosystem,
        "quantity": quantity,
        "value": float(value),
        "unit": unit,
        "n_valid": int(n_valid),
        "n_expected": int(n_expected),
        "method": method,
        "source": source,
    }
