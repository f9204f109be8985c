"""The class of water sections beside the published one, by the rule of a named profile.

An assessment rounds values and then compares. The national live platform does something else; what it does was
inferred from what it publishes and is the profile `live` of `sw_class_profiles.csv`, used here and nowhere else: the
indicators follow the assessment.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from domain.limits import CLASSES, LAKES, surface_water_items, surface_water_key
from domain.records import Flag
from domain.standards import table
from domain.times import HOUR_4, LOCAL
from processing import surface_water as water
from processing.aggregate import Observed, Wide, times
from processing.comparison import (
    EQUAL,
    NONE_EITHER,
    OFFICIAL_NONE,
    OURS_NONE,
    Verification,
    first_of,
    written,
)

ASSESSMENT, LIVE = "assessment", "live"

HELD = "equal by the class of the row before, which stands at 00:00"
UNROUNDED = "equal without rounding: the live platform compares values as measured"
ROUNDED = "equal with rounding to evaluation decimals"
ON_LIMIT = "a displayed value sits on a limit"
BEFORE = "equal to the class of the row before"
OTHER_KIND = "lake or river: equal by the limits of the other"
AFTER = "equal to the class of the row after"
UNEXPLAINED = "unexplained"

#: Items that an automatic station measures every four hours and not every hour.
SLOW = ("CODMn", "NH3N", "TP")


@dataclass(frozen=True, slots=True)
class Profile:
    """How a class is computed."""

    name: str
    rounded: bool  # values are rounded to the evaluation decimals before they are compared
    lakes: bool  # lakes are those of sw_live_lakes.csv, besides those of the registry
    held: bool  # at 00:00 some stations keep the class of the row before


@cache
def profile_of(name: str) -> Profile:
    """A row of sw_class_profiles.csv.

    Raises:
        ValueError: there is no such profile.
    """
    rows = table("sw_class_profiles").set_index("profile")
    if name not in rows.index:
        raise ValueError(f"profile {name!r} is not in sw_class_profiles.csv; there are: {', '.join(rows.index)}")
    row = rows.loc[name]
    return Profile(name, row["rounded"] == "yes", row["lakes"] == "table", row["midnight"] == "before")


def water_class(
    observations: pd.DataFrame,
    reference: pd.DataFrame,
    stations: pd.DataFrame,
    *,
    profile: str = LIVE,
    title: str = "water class",
) -> Verification:
    """Section class against the official one, each difference with the first reason that explains it.

    A difference is explained, in this order, when the official class is that of the values treated the other way
    (rounded or not); of a value on a limit taken just beyond it (the platform shows rounded values); that of the row
    before, by its values or as published; of a lake for a river or the other way round; of the row after.

    Args:
        observations: 4-hourly observations, columns of the table.
        reference: station_id, time, class ("1" to "6") as text.
        stations: station_id, name_zh and kind (river, lake, reservoir).
        profile: by which rule ours is computed.
        title: what the rows are called in the summary.

    Raises:
        ValueError: the profile is unknown.
    """
    rule = profile_of(profile)
    rows = _usable(observations).wide(water.judged(), HOUR_4)
    lake = np.isin(rows.subject, _lakes(stations, rule))
    own = _class(rows.values, lake, rounded=rule.rounded)
    before = pd.Series(own).groupby(rows.station).shift(1).to_numpy()
    held = _held(observations, rows) & ~np.isnan(before) & ~np.isnan(own) if rule.held else np.zeros(len(rows), bool)
    ways = {
        "our": np.where(held, before, own),
        "own": own,
        "otherwise": _class(rows.values, lake, rounded=not rule.rounded),
        "limit": _class(_pushed(rows.values, lake), lake, rounded=False),
        "before": before,
        "other": _class(rows.values, ~lake, rounded=rule.rounded),
        "other_limit": _class(_pushed(rows.values, ~lake), ~lake, rounded=False),
        "after": pd.Series(own).groupby(rows.station).shift(-1).to_numpy(),
    }
    ours = pd.DataFrame({"station_id": rows.subject, "time": times(rows.time), **ways})
    ours["values"] = written(rows.values, water.judged())
    joined = _beside(reference, ours)
    category = _categories(joined, rule)
    out = joined.assign(ours=joined["our"], category=category)
    out = out.drop(columns=["class", "published_before", *ways]).reset_index(drop=True)
    return Verification(title, rule.name, out, (EQUAL, HELD))


def _beside(reference: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """Published classes with ours beside them, and with the class published one row earlier."""
    last = reference.drop_duplicates(["station_id", "time"], keep="last").sort_values(["station_id", "time"])
    last = last.assign(official=pd.to_numeric(last["class"], errors="coerce"))
    last["published_before"] = last.groupby("station_id")["official"].shift(1)
    return last.merge(ours, on=["station_id", "time"], how="left")


def _categories(joined: pd.DataFrame, rule: Profile) -> np.ndarray:
    official = joined["official"].to_numpy(float)
    none, no_official = joined["our"].isna().to_numpy(), np.isnan(official)

    def is_(name: str) -> np.ndarray:
        return np.asarray(joined[name].to_numpy(float) == official)

    held = (joined["our"] != joined["own"]).to_numpy()
    return first_of(
        {
            NONE_EITHER: none & no_official,
            OFFICIAL_NONE: no_official,
            OURS_NONE: none,
            HELD: is_("our") & held,
            EQUAL: is_("our"),
            UNROUNDED if rule.rounded else ROUNDED: is_("otherwise"),
            ON_LIMIT: is_("limit"),
            BEFORE: is_("before") | is_("published_before"),
            OTHER_KIND: is_("other") | is_("other_limit"),
            AFTER: is_("after"),
        },
        UNEXPLAINED,
    )


def _usable(observations: pd.DataFrame) -> Observed:
    return Observed(observations if "tests" in observations else observations.assign(tests=""))


def _lakes(stations: pd.DataFrame, rule: Profile) -> np.ndarray:
    """Ids of the stations that are judged by the limits of lakes."""
    lake = stations["kind"].isin(LAKES)
    if rule.lakes and "name_zh" in stations:
        lake |= stations["name_zh"].isin(table("sw_live_lakes")["section"])
    return np.asarray(stations.loc[lake, "station_id"].to_numpy(object))


def _held(observations: pd.DataFrame, rows: Wide) -> np.ndarray:
    """(n,) rows of 00:00 at stations whose slow items of 00:00 never stand again at 04:00.

    Where the laboratory values of 00:00 arrive after the class was formed, the page shows new values and the old class,
    and 04:00 brings values of its own. Where they are there in time they still stand at 04:00, and the class is new.
    """
    usable = ~observations["flag"].isin((Flag.FAIL, Flag.MISSING)) & observations["parameter"].isin(SLOW)
    slow = observations.loc[usable, ["station_id", "parameter", "time", "value"]].dropna()
    hour = slow["time"].dt.tz_convert(LOCAL).dt.hour
    midnight = slow[hour == 0].drop_duplicates(["station_id", "parameter", "time"], keep="last")
    next_ = slow[hour == 4].assign(time=lambda f: f["time"] - pd.Timedelta(hours=4))
    both = midnight.merge(next_, on=["station_id", "parameter", "time"], suffixes=("", "_next"))
    again = (both["value"] == both["value_next"]).groupby([both["station_id"], both["time"], both["parameter"]]).any()
    known = again.groupby(level=["station_id", "time"]).all().groupby(level="station_id").any()
    never = known.index[~known.to_numpy()]
    at_midnight = times(rows.time).tz_convert(LOCAL).hour.to_numpy() == 0
    return np.asarray(at_midnight & np.isin(rows.subject, never.to_numpy(object)))


def _class(values: np.ndarray, lake: np.ndarray, *, rounded: bool) -> np.ndarray:
    """Class of each row, its values rounded to the evaluation decimals or as they stand."""
    items = [
        np.where(lake, *(water.item_class(p, values[:, i], lake=kind, rounded=rounded) for kind in (True, False)))
        for i, p in enumerate(water.judged())
    ]
    return np.asarray(np.fmax.reduce(np.stack(items, axis=1), axis=1, initial=np.nan))


def _pushed(values: np.ndarray, lake: np.ndarray) -> np.ndarray:
    """Values that equal a class limit, moved just beyond it to the worse side."""
    out = values.copy()
    limits = surface_water_items()
    for i, parameter in enumerate(water.judged()):
        for kind in (False, True):
            row = limits.loc[surface_water_key(parameter, lake=kind)]
            worse = -np.inf if row["sense"] == "at least" else np.inf
            on = (lake == kind) & np.isin(values[:, i], row[list(CLASSES)].to_numpy(float))
            out[on, i] = np.nextafter(values[on, i], worse)
    return out
