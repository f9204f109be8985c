"""What a rule must look at: values read from the lake, only as far back as they can matter, and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pyproj import Geod

from alerts import maintenance
from alerts.compositions import compose
from alerts.conditions import Anomaly, Composition, Input, OnIndicator, OnParameter, OnSilence, Rate, Unusual
from alerts.judging import Judged, Stations, judge_input, leveled
from alerts.lifecycle import Ints
from alerts.maintenance import Spans
from alerts.rules import Rule
from alerts.samples import MICRO, Floats, Samples, micros, rates
from domain.records import Flag
from domain.registry import Registry
from domain.times import LENGTHS
from domain.usual import usual
from store.home import Home

_UNUSABLE = (Flag.FAIL, Flag.MISSING)
_HECTARE = 10_000.0
MOMENT = ["station_id", "time", "period"]


@dataclass(frozen=True)
class Horizon:
    """From when on a rule is judged anew: what began earlier stays as it is. None: from the beginning.

    A subject whose alert still goes on at the horizon is judged from the start of that alert.
    """

    since: datetime | None = None
    earlier: Mapping[str, datetime] = field(default_factory=dict)

    def of(self, subject: str) -> datetime | None:
        """The horizon of one subject."""
        return self.earlier.get(subject, self.since)

    def begins(self, subject: str, moment: datetime) -> bool:
        """Whether something that began at a moment is judged anew."""
        since = self.of(subject)
        return since is None or moment >= since

    @property
    def first(self) -> datetime | None:
        """The earliest of all."""
        return None if self.since is None else min(self.since, *self.earlier.values(), self.since)


def tables(rule: Rule) -> tuple[str, ...]:
    """The tables whose changes may change the rule's alerts."""
    if isinstance(rule.on, OnSilence):
        return ("observations",)
    found = {"indicators" if isinstance(i.on, OnIndicator) else "observations" for i in rule.inputs}
    return tuple(sorted(found | ({"quality"} if "observations" in found else set())))


@dataclass(frozen=True)
class Surroundings:
    """What values are judged by beside themselves: the registry, what is usual, and when stations are worked on."""

    home: Home
    absent: Spans

    @cached_property
    def stations(self) -> Stations:
        """The registry rows of each station, in order of their validity."""
        out: dict[str, list[dict[str, Any]]] = {}
        for row in self.home.registry.stations.sort_values("valid_from", kind="stable").to_dict("records"):
            out.setdefault(str(row["station_id"]), []).append({str(k): v for k, v in row.items()})
        return out

    @cached_property
    def bands(self) -> pd.DataFrame:
        """The learnt bands of all media."""
        return self.home.lake.read("bands")

    @cached_property
    def areas(self) -> Mapping[str, float]:
        """Hectares of townships and waters."""
        return areas(self.home.registry)


def areas(registry: Registry) -> dict[str, float]:
    """Hectares of townships and waters on the ellipsoid of WGS 84."""
    geod = Geod(ellps="WGS84")
    zones = (registry.townships, registry.waters)
    return {
        name: abs(geod.geometry_area_perimeter(shape)[0]) / _HECTARE
        for z in zones
        for name, shape in zip(z.ids, z.shapes, strict=True)
    }


def measured(home: Home, rule: Rule, horizon: Horizon, around: Surroundings) -> tuple[Samples, Judged, str]:
    """The usable values of a rule from the horizon on, judged, and the unit of what is told of them.

    Missing values, those that quality control failed and those measured during maintenance are no values: they can
    neither raise nor end an alert.
    """
    back = widened(horizon, rule.lookback) if rule.lookback else horizon
    parts, units = [], []
    for part in rule.inputs:
        samples, unit = values(home, part, back, around)
        parts.append((samples, judge_input(part, samples, around.stations if rule.needs_stations else {})))
        units.append(unit)
    if isinstance(rule.on, Composition):
        samples, judged = compose(rule.on, parts, (rule.stale_after or timedelta(0)) // MICRO)
    else:
        samples, judged = parts[0]
    if rule.lookback and horizon.since is not None:
        since = np.array([micros(horizon.of(s) or horizon.since) for s in samples.subjects], dtype=np.int64)
        kept = samples.start >= since[samples.subject]
        samples, judged = samples.where(kept), judged.where(kept)
    return samples, leveled(rule, samples, judged), units[0]


def values(home: Home, part: Input, horizon: Horizon, around: Surroundings) -> tuple[Samples, str]:
    """The usable values of one input from the horizon on, as its condition wants them, and their unit."""
    on = part.on
    if isinstance(on, OnIndicator):
        where = {"indicator": [on.indicator], "period": list(on.period)}
        columns = ["subject", "time", "period", "value", "unit", "flag"]
        found = read(home, "indicators", columns, where, on.medium, horizon)
    else:
        found = _observations(home, on, horizon).rename(columns={"station_id": "subject"})
    found = found[found["value"].notna() & ~found["flag"].isin(_UNUSABLE)]
    units = found["unit"][found["unit"] != ""]
    unit = "" if units.empty else str(units.iloc[0])
    samples, kept = _samples(found, on.period)
    if isinstance(part.condition, Anomaly) and isinstance(on, OnParameter):
        bands = around.bands[around.bands["parameter"] == on.parameter]
        samples = _with_usual(samples, bands, kept.assign(parameter=on.parameter), part.condition.anomaly)
    samples = maintenance.outside(samples, around.absent)
    if isinstance(on, OnIndicator) and on.share_of == "area":
        return shares(samples, around.areas), "%"
    if isinstance(part.condition, Rate):
        hours = part.condition.rate.per / timedelta(hours=1)
        return rates(samples, part.condition.rate), f"{unit}/h" if hours == 1 else f"{unit}/({hours:g} h)"
    return samples, unit


def shares(samples: Samples, areas: Mapping[str, float]) -> Samples:
    """Hectares as per cent of the subject's area; subjects without an area are left out."""
    area = np.array([areas.get(s, np.nan) for s in samples.subjects], dtype=float)[samples.subject]
    return replace(samples, value=samples.value / area * 100).where(~np.isnan(area))


def edges(middle: Floats, edge: Floats, how: Unusual) -> Floats:
    """The limit of what is usual on one side, given the learnt middle and edge of the band."""
    return middle + np.sign(edge - middle) * np.maximum(how.times * np.abs(edge - middle), how.floor)


def _with_usual(samples: Samples, bands: pd.DataFrame, frame: pd.DataFrame, how: Unusual) -> Samples:
    band = usual(bands, frame.rename(columns={"subject": "station_id"}), samples.start // 1_000_000)
    none = np.full(len(samples.value), np.nan)
    return replace(
        samples,
        low=edges(band.middle, np.minimum(band.low, band.middle - 1e-12), how) if how.side != "high" else none,
        high=edges(band.middle, np.maximum(band.high, band.middle + 1e-12), how) if how.side != "low" else none,
    )


def _observations(home: Home, on: OnParameter, horizon: Horizon) -> pd.DataFrame:
    """Observations with the flag of quality control, where it has judged them."""
    where = {"parameter": [on.parameter], "period": list(on.period)}
    found = read(home, "observations", [*MOMENT, "value", "unit", "flag"], where, on.medium, horizon)
    judged = read(home, "quality", [*MOMENT, "flag"], where, on.medium, horizon)
    merged = found.merge(judged, on=MOMENT, how="left", suffixes=("_door", ""))
    merged["flag"] = merged["flag"].fillna(merged["flag_door"]).astype(int)
    return merged


def _samples(found: pd.DataFrame, periods: Sequence[str]) -> tuple[Samples, pd.DataFrame]:
    """The values as arrays, and their subject and period, in the same order."""
    codes, subjects = pd.factorize(found["subject"], sort=True)
    lengths = {p: LENGTHS[p] // MICRO for p in periods}
    start = micros_of(found["time"])
    end = start + found["period"].map(lengths).to_numpy(dtype=np.int64)
    if len(periods) > 1:
        # Of values with one end that of the period named first counts.
        preference = found["period"].map({p: i for i, p in enumerate(periods)}).to_numpy(dtype=np.int64)
        order = np.lexsort((preference, end, codes))
        again = (np.diff(codes[order]) == 0) & (np.diff(end[order]) == 0)
        keep = np.sort(order[np.r_[True, ~again][: len(order)]])
        codes, start, end, found = codes[keep], start[keep], end[keep], found.iloc[keep]
    value = found["value"].to_numpy(dtype=np.float64)
    samples = Samples(tuple(map(str, subjects)), codes.astype(np.int64), start, end, value)
    return samples, found[["subject", "period"]]


def details(home: Home, rule: Rule, subjects: Sequence[str]) -> dict[str, str]:
    """The newest detail of an indicator for some subjects."""
    indicators = [i.on.indicator for i in rule.inputs if isinstance(i.on, OnIndicator)]
    if not subjects or not indicators:
        return {}
    found = home.lake.read(
        "indicators",
        columns=["subject", "time", "detail"],
        medium=rule.medium or None,
        where={"indicator": indicators, "subject": list(subjects)},
    )
    newest = found.sort_values("time", kind="stable").drop_duplicates("subject", keep="last")
    return dict(zip(newest["subject"], newest["detail"], strict=True))


def widened(horizon: Horizon, by: timedelta) -> Horizon:
    """The same, from so much earlier on."""
    if horizon.since is None:
        return horizon
    return Horizon(horizon.since - by, {s: at - by for s, at in horizon.earlier.items()})


def read(
    home: Home, table: str, columns: Sequence[str], where: Mapping[str, Sequence[Any]], medium: str, horizon: Horizon
) -> pd.DataFrame:
    """Rows from the horizon on; for the few subjects with an earlier one, from that on."""
    who = columns[0]
    found = home.lake.read(table, columns=columns, medium=medium or None, start=horizon.since, where=where)
    if not horizon.earlier:
        return found
    more = dict(where) | {who: sorted(horizon.earlier)}
    old = home.lake.read(table, columns=columns, medium=medium or None, start=horizon.first, where=more)
    old = old[old["time"] >= pd.to_datetime(old[who].map(dict(horizon.earlier)), utc=True)]
    return pd.concat([found[~found[who].isin(list(horizon.earlier))], old], ignore_index=True)


def micros_of(times: pd.Series) -> Ints:
    """Microseconds since 1970 UTC."""
    return times.dt.as_unit("us").astype("int64").to_numpy(dtype=np.int64)
