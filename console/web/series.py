"""The series of a station as a person reads it: values with flags, limits, gaps with their reasons, a calendar."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from console.web.colours import shade, states
from console.web.site import Site
from domain.errors import CatalogueError
from domain.limits import limit_of
from domain.records import Flag
from domain.times import LENGTHS, LOCAL, local_day
from ingest.feeds import for_registry
from store.ledger.coverage import STATES

#: The reference limits of each medium, and the averaging of each period where the standard names one.
_REFERENCES = {"air": "GB 3095", "water": "GB 3838", "noise": "GB 3096", "source": "emission"}
_AVERAGING = {"air": {"PT1H": "1h", "P1D": "daily"}}
_LONGEST = timedelta(days=3660)
_KEY = ["station_id", "parameter", "time", "period"]


@dataclass(frozen=True, slots=True)
class SeriesAsked:
    """Which series over which span."""

    station: str
    parameter: str
    period: str
    start: datetime
    end: datetime

    @classmethod
    def of(cls, asked: Mapping[str, str], now: datetime) -> "SeriesAsked":
        """From an address; the last seven days where it says nothing that can be read."""
        end = _instant(asked.get("to", ""), now)
        start = _instant(asked.get("from", ""), end - timedelta(days=7))
        if not timedelta(0) < end - start <= _LONGEST:
            start = end - timedelta(days=7)
        return cls(asked.get("station", ""), asked.get("parameter", ""), asked.get("period", ""), start, end)


def _instant(text: str, default: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return default
    if not 1970 <= moment.year < 2200:
        return default
    return (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)).astimezone(UTC)


def station_rows(site: Site, asked: SeriesAsked) -> pd.DataFrame:
    """Observations of a station with the flag and the tests of quality control; none for an unknown station."""
    medium = str(site.home.registry.by_id.get(asked.station, {}).get("medium", ""))
    named = {"station_id": asked.station, "parameter": asked.parameter, "period": asked.period}
    where = {k: [v] for k, v in named.items() if v}
    read = site.home.lake.read
    rows = read("observations", medium=medium, start=asked.start, end=asked.end, where=where)
    flags = read(
        "quality",
        columns=[*_KEY, "flag", "tests", "level"],
        medium=medium,
        start=asked.start,
        end=asked.end,
        where=where,
    )
    merged = rows.merge(flags.rename(columns={"flag": "judged"}), on=_KEY, how="left")
    rows["flag"] = merged["judged"].fillna(rows["flag"]).astype("int32").to_numpy()
    rows["tests"] = merged["tests"].fillna("").to_numpy()
    return rows


#: Values are drawn one by one up to so many; of more, four of each of so many stretches.
DRAWN, _STRETCHES = 3000, 700


def thinned(rows: pd.DataFrame, most: int = DRAWN) -> pd.DataFrame:
    """Rows of one series to draw: all, or of each of equal stretches of time the first, lowest, highest and last.

    So every extreme and every edge of a gap that is longer than a stretch stays where it is; good values and those that
    quality control doubts are thinned each for themselves, or one would hide the other. What is missing stays out.

    Args:
        rows: columns time, value, flag; in the order of time.
        most: up to so many rows all are kept.
    """
    if len(rows) <= most:
        return rows
    seen = rows[rows["value"].notna()]
    if seen.empty:
        return seen
    at = seen["time"].dt.as_unit("us").astype("int64").to_numpy()
    part = (at - at[0]) * _STRETCHES // (at[-1] - at[0] + 1)
    doubt = seen["flag"].where(seen["flag"].isin([Flag.SUSPECT, Flag.FAIL]), 0).to_numpy()
    groups = seen["value"].groupby([doubt, part])
    kept = [groups.idxmin(), groups.idxmax()]
    numbered = pd.Series(seen.index, index=seen.index).groupby([doubt, part])
    return rows.loc[np.unique(np.concatenate([*kept, numbered.first(), numbered.last()]))]


def stretch(rows: pd.DataFrame) -> pd.Timedelta:
    """How long the stretches are of which `thinned` keeps the extremes."""
    return pd.Timedelta((rows["time"].max() - rows["time"].min()) / _STRETCHES)


@dataclass(frozen=True, slots=True)
class Gap:
    """Where values are missing, and why."""

    start: pd.Timestamp
    end: pd.Timestamp
    reason: str  # a state of coverage


def gaps(site: Site, rows: pd.DataFrame, asked: SeriesAsked) -> list[Gap]:
    """Stretches of at least one missing value of one series, with the reason coverage gives for them."""
    length = LENGTHS.get(asked.period, timedelta(0))
    if rows.empty or not length:
        return []
    good = rows.loc[rows["value"].notna(), "time"].sort_values()
    step = pd.Timedelta(length)
    # The newest periods are under way or on their way: silence at the end counts from the third missing value on.
    last = pd.Timestamp(asked.end).as_unit("us") - 2 * step
    edges = good if good.max() >= last else pd.concat([good, pd.Series([last])], ignore_index=True)
    edges = edges.reset_index(drop=True)
    wide = np.flatnonzero((edges.diff() > 1.5 * step).to_numpy())
    coverage = site.home.coverage.read(str(rows["feed"].iloc[-1]), asked.start, asked.end).sort_values("start")
    return [Gap(*span, _reason(coverage, *span)) for span in ((edges[n - 1] + step, edges[n]) for n in wide)]


def _reason(coverage: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> str:
    """The worst that the feed answered in a stretch; the station alone was silent when the feed brought data.

    `coverage` is in the order of its starts, so that what begins after the stretch need not be looked at.
    """
    mine = coverage.iloc[: int(coverage["start"].searchsorted(end))]
    mine = mine[mine["end"] > start]
    if mine.empty:
        return STATES[0]
    for state in ("failed", "empty", "rejected"):
        if (mine["state"] == state).mean() > 0.5:
            return state
    return "silent"


def limit_line(site: Site, asked: SeriesAsked) -> list[tuple[datetime, float, str]]:
    """The limit in force at each end of the span: (moment, value, edition); none where the standard sets none."""
    station: Mapping[str, Any] = site.home.registry.by_id.get(asked.station, {})
    reference = _REFERENCES.get(str(station.get("medium", "")))
    if reference is None:
        return []
    averaging = _AVERAGING.get(str(station["medium"]), {}).get(asked.period)
    out = []
    for moment in (asked.start, asked.end):
        day = moment.astimezone(LOCAL).date()
        try:
            limit = limit_of(reference, asked.parameter, station, day, averaging=averaging)
        except CatalogueError:
            return []
        if limit is not None and np.isfinite(limit.value):
            out.append((moment, limit.value, limit.edition))
    return out


def calendar(site: Site, station: str, now: datetime, days: int = 366) -> pd.DataFrame:
    """The daily grade of a station: day (YYYY-MM-DD), value, colour, word_zh, word_en; the newest year."""
    medium = str(site.home.registry.by_id.get(station, {}).get("medium", ""))
    if medium not in states():
        return pd.DataFrame(columns=["day", "value", "colour", "word_zh", "word_en"])
    indicator, of = states()[medium]
    found = site.home.lake.read(
        "indicators",
        medium=medium,
        start=now - timedelta(days=days),
        end=now,
        where={"indicator": [indicator], "subject": [station], "period": ["P1D"]},
    )
    found = found[found["value"].notna()]
    told = [
        (day, value, s.colour, *s.names)
        for day, value, grade in zip(local_day(found["time"]), found["value"], found["grade"], strict=True)
        if (s := shade(of, float(value), str(grade))) is not None
    ]
    return pd.DataFrame(told, columns=["day", "value", "colour", "word_zh", "word_en"])


def feed_name(site: Site, feed: str, lang: str) -> str:
    """The name of a feed in a language."""
    known = for_registry(site.home.registry.root).get(feed)
    return feed if known is None else str(known.name_zh if lang == "zh" else known.name_en)
