"""Our index and class beside the official ones, row by row, with every difference given its reason.

Pure: observations and reference columns in, a `Verification` out. What the official side really does, where it differs
from the standard's text, was found by these comparisons and is told by the categories.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from domain.limits import CLASSES, LAKES, editions, surface_water_items, surface_water_key
from domain.times import HOUR, HOUR_4
from processing import aqi
from processing import surface_water as water
from processing.aggregate import Observed, Wide, dates, day_of, times

EQUAL = "equal"
NONE_EITHER = "none on either side"
OFFICIAL_NONE = "official gives none"
OFFICIAL_NONE_PM = "official gives none: both particles missing"
OURS_NONE = "we give none: no usable value"
INDEX, GRADE, PRIMARY = "index differs", "only the grade differs", "only the primary pollutant differs"
UNROUNDED = "equal without rounding: the live platform compares values as measured"
ON_LIMIT = "a displayed value sits on a limit"
OTHER_KIND = "lake or river: equal by the limits of the other"
BEFORE = "equal to the class of the row before"
AFTER = "equal to the class of the row after"
UNEXPLAINED = "unexplained"

#: Categories in which one side or both say nothing, so that there is nothing to compare.
SILENT = (NONE_EITHER, OFFICIAL_NONE, OFFICIAL_NONE_PM, OURS_NONE)


@dataclass(frozen=True, slots=True)
class Verification:
    """The comparison of one data set."""

    title: str
    rows: pd.DataFrame  # station_id, time, ours, official, category (and what else was compared)

    @property
    def counts(self) -> pd.Series:
        """Rows by category, most frequent first."""
        return self.rows["category"].value_counts()

    def n(self, *categories: str) -> int:
        """Rows in these categories."""
        return int(self.rows["category"].isin(categories).sum())

    @property
    def comparable(self) -> int:
        """Rows on which both sides speak."""
        return len(self.rows) - self.n(*SILENT)

    @property
    def share(self) -> float:
        """Equal rows among the comparable ones; NaN when there are none."""
        return self.equal / self.comparable if self.comparable else float("nan")

    def markdown(self) -> str:
        """The comparison as Markdown tables."""
        return markdown([self])

    @property
    def equal(self) -> int:
        """Rows on which both sides say the same."""
        return self.n(EQUAL)

    @property
    def differences(self) -> pd.DataFrame:
        """The rows on which they say something else."""
        return self.rows[~self.rows["category"].isin((EQUAL, *SILENT))].reset_index(drop=True)


class Given(Protocol):
    """What a file with official values says."""

    @property
    def observations(self) -> pd.DataFrame | None: ...
    @property
    def reference(self) -> pd.DataFrame | None: ...
    @property
    def stations(self) -> pd.DataFrame | None: ...


def verify(medium: str, given: Given) -> Verification:
    """The comparison that belongs to a medium.

    Raises:
        ValueError: another medium than air or water, or nothing given to compare.
    """
    if given.observations is None or given.reference is None or given.stations is None:
        raise ValueError("there are no observations with official values beside them")
    if medium == "air":
        return air(given.observations, given.reference)
    if medium == "water":
        return water_class(given.observations, given.reference, given.stations)
    raise ValueError(f"{medium!r} is neither air nor water")


def air(observations: pd.DataFrame, reference: pd.DataFrame, *, title: str = "hourly AQI") -> Verification:
    """Hourly index, category and primary pollutants against official ones.

    The index is that of the live platform's practice (2019 to 2020): the hour's values of the six pollutants, particles
    through the 24 h column, in the edition of the day.

    Args:
        observations: hourly observations, columns of the table.
        reference: station_id, time, aqi, grade, primary (comma separated, "" for none) as text.
        title: what the rows are called in the summary.
    """
    rows = _observed(observations).wide(aqi.ITEMS, HOUR)
    ours = _our_air(rows)
    joined = reference.merge(ours, on=["station_id", "time"], how="left").drop_duplicates(
        ["station_id", "time"], keep="last"
    )
    official = pd.to_numeric(joined["aqi"], errors="coerce").to_numpy(float)
    index = joined["our_aqi"].to_numpy(float)
    same = {
        "index": index == official,
        "grade": (joined["grade"] == joined["our_grade"]).to_numpy(),
        "primary": (joined["primary"] == joined["our_primary"]).to_numpy(),
    }
    no_official, none = np.isnan(official), np.isnan(index)
    category = _first(
        {
            NONE_EITHER: no_official & none,
            OFFICIAL_NONE_PM: no_official & joined["no_particles"].fillna(value=True).to_numpy(bool),
            OFFICIAL_NONE: no_official,
            OURS_NONE: none,
            INDEX: ~same["index"],
            GRADE: ~same["grade"],
            PRIMARY: ~same["primary"],
        },
        EQUAL,
    )
    out = joined.assign(ours=index, official=official, category=category)
    return Verification(title, out.drop(columns=["aqi", "our_aqi", "no_particles"]).reset_index(drop=True))


def water_class(
    observations: pd.DataFrame, reference: pd.DataFrame, stations: pd.DataFrame, *, title: str = "water class"
) -> Verification:
    """Section class against the official one, each difference with the first reason that explains it.

    Ours is the evaluation of the standard: values rounded to the evaluation decimals, then compared. A difference is
    explained, in this order, when the official class is that of the values as they stand; of a value on a limit taken
    just beyond it (the platform shows rounded values); of a lake for a river or the other way round; of the row before
    or after.

    Args:
        observations: 4-hourly observations, columns of the table.
        reference: station_id, time, class ("1" to "6") as text.
        stations: station_id and kind (river, lake, reservoir).
        title: what the rows are called in the summary.
    """
    rows = _observed(observations).wide(water.judged(), HOUR_4)
    kinds = dict(zip(stations["station_id"], stations["kind"], strict=True))
    lake = np.isin([kinds.get(name, "") for name in rows.subject], LAKES)
    ways = {
        "our": water.section(rows.values, water.judged(), lake).value,
        "plain": _unrounded(rows.values, lake),
        "limit": _unrounded(_pushed(rows.values, lake), lake),
        "other": _unrounded(rows.values, ~lake),
        "other_limit": _unrounded(_pushed(rows.values, ~lake), ~lake),
    }
    plain = pd.Series(ways["plain"]).groupby(rows.station)
    ways |= {"before": plain.shift(1).to_numpy(), "after": plain.shift(-1).to_numpy()}
    ours = pd.DataFrame({"station_id": rows.subject, "time": times(rows.time), **ways})
    joined = reference.drop_duplicates(["station_id", "time"], keep="last").merge(
        ours, on=["station_id", "time"], how="left"
    )
    official = pd.to_numeric(joined["class"], errors="coerce").to_numpy(float)
    is_ = {name: joined[name].to_numpy(float) == official for name in ways}
    none, no_official = joined["our"].isna().to_numpy(), np.isnan(official)
    category = _first(
        {
            NONE_EITHER: none & no_official,
            OFFICIAL_NONE: no_official,
            OURS_NONE: none,
            EQUAL: is_["our"],
            UNROUNDED: is_["plain"],
            ON_LIMIT: is_["limit"],
            OTHER_KIND: is_["other"] | is_["other_limit"],
            BEFORE: is_["before"],
            AFTER: is_["after"],
        },
        UNEXPLAINED,
    )
    out = joined.assign(ours=joined["our"], official=official, category=category)
    return Verification(title, out.drop(columns=["class", *ways]).reset_index(drop=True))


def markdown(found: Sequence[Verification]) -> str:
    """The comparisons as one Markdown table, and below it every category with its rows."""
    lines = [
        "| compared | rows | both silent | one side silent | both speak | equal | share |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for v in found:
        silent = v.n(NONE_EITHER)
        one = v.n(*SILENT) - silent
        share = f"{100 * v.share:.2f} %" if v.comparable else "-"
        lines.append(
            f"| {v.title} | {len(v.rows):,} | {silent:,} | {one:,} | {v.comparable:,} | {v.equal:,} | {share} |"
        )
    lines += ["", "| compared | category | rows |", "|---|---|---:|"]
    lines += [f"| {v.title} | {category} | {count:,} |" for v in found for category, count in v.counts.items()]
    return "\n".join(lines) + "\n"


def _observed(observations: pd.DataFrame) -> Observed:
    return Observed(observations if "tests" in observations else observations.assign(tests=""))


def _our_air(rows: Wide) -> pd.DataFrame:
    """Index, category and primary pollutants of each row in the edition of its day."""
    standard = editions("aqi", dates(day_of(rows.time)))
    parts = []
    for name in np.unique(standard):
        at = np.flatnonzero(standard == name)
        found = aqi.aqi(rows.values[at], str(name), aqi.HOURLY)
        primary = [",".join(sorted(text.split(","))) for text in aqi.named(found.primary)]
        particles = found.missing[:, [aqi.ITEMS.index("PM10"), aqi.ITEMS.index("PM2.5")]]
        parts.append(
            pd.DataFrame(
                {
                    "station_id": rows.subject[at],
                    "time": times(rows.time[at]),
                    "our_aqi": found.published,
                    "our_grade": aqi.category(found.published),
                    "our_primary": primary,
                    "no_particles": particles.all(axis=1),
                }
            )
        )
    columns = ["station_id", "time", "our_aqi", "our_grade", "our_primary", "no_particles"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _unrounded(values: np.ndarray, lake: np.ndarray) -> np.ndarray:
    """Class of each row by its values as they stand."""
    items = [
        np.where(lake, *(water.item_class(p, values[:, i], lake=kind, rounded=False) for kind in (True, False)))
        for i, p in enumerate(water.judged())
    ]
    return np.asarray(np.fmax.reduce(np.stack(items, axis=1), axis=1, initial=np.nan))


def _pushed(values: np.ndarray, lake: np.ndarray) -> np.ndarray:
    """Values that equal a class limit, moved just beyond it to the worse side."""
    out = values.copy()
    table = surface_water_items()
    for i, parameter in enumerate(water.judged()):
        for kind in (False, True):
            row = table.loc[surface_water_key(parameter, lake=kind)]
            worse = -np.inf if row["sense"] == "at least" else np.inf
            on = (lake == kind) & np.isin(values[:, i], row[list(CLASSES)].to_numpy(float))
            out[on, i] = np.nextafter(values[on, i], worse)
    return out


def _first(cases: Mapping[str, np.ndarray], otherwise: str) -> np.ndarray:
    """The first case that holds for each row."""
    return np.select(list(cases.values()), list(cases), otherwise).astype(object)
