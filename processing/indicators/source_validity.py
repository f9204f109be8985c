"""Validity of automatic monitoring of sources: hours from minutes, and how much of the operating time was caught."""

import numpy as np
import pandas as pd

from domain.records import Flag
from domain.standards import setting, table
from domain.times import DAY, HOUR
from processing.aggregate import (
    DAY_S,
    FIXED,
    HOUR_S,
    Observed,
    day_begin,
    day_of,
    length_s,
    mean_rounded,
    results,
    seconds,
    times,
)
from processing.registered import indicator
from processing.rounding import round_computed

#: Periods shorter than an hour of which an hour can be made.
MINUTES = ("PT1M", "PT5M", "PT10M")
#: What the device says while the plant stands still.
STOPPED = "F"
_ITEMS = tuple(dict.fromkeys(table("emission_sets")["parameter"]))
_HOUR_KEY = ["station_id", "parameter", "hour"]


def with_hours(observed: Observed) -> Observed:
    """The observations with hours made of minutes where the device sent minutes and no hour.

    An hour is the mean of its valid minute values when they cover at least 45 minutes, else its value is missing; the
    finest period that was sent is used. It is suspect when one of its values is.

    Source: HJ 75-2017 (from memory, unconfirmed); the number of minutes is a setting.
    """
    frame = observed.frame
    period = frame["period"].astype("str")
    minutes = frame[period.isin(MINUTES)]
    if minutes.empty:
        return observed
    start = seconds(minutes["time"]) // HOUR_S * HOUR_S
    minutes = minutes.assign(hour=start, length=minutes["period"].astype("str").map(length_s).to_numpy(int))
    sent = frame[period == HOUR]
    known = pd.MultiIndex.from_arrays([sent["station_id"], sent["parameter"], seconds(sent["time"])])
    new = minutes[~pd.MultiIndex.from_frame(minutes[_HOUR_KEY]).isin(known)]
    if new.empty:
        return observed
    finest = new.groupby(_HOUR_KEY)["length"].transform("min")
    made = [_hour(key, part) for key, part in new[new["length"] == finest].groupby(_HOUR_KEY, sort=True)]
    return Observed(pd.concat([frame, pd.DataFrame(made)[list(frame.columns)]], ignore_index=True))


def _hour(key: tuple[str, str, int], part: pd.DataFrame) -> dict[str, object]:
    """One hour from its minute values, as an observation."""
    good = part[~part["flag"].isin((Flag.FAIL, Flag.MISSING)) & part["value"].notna()]
    enough = good["length"].sum() >= setting("source.hourly", "minutes") * 60
    numbers = np.where(good["source_flag"] == "L", good["value"] / 2, good["value"])
    value = mean_rounded(numbers[None], need=1, decimals=FIXED)[0] if enough else np.nan
    flag = int(good["flag"].max()) if enough else int(Flag.MISSING)  # suspect above not evaluated above passed
    first = part.iloc[0].to_dict()
    return first | {
        "time": times(np.array([key[2]]))[0],
        "period": HOUR,
        "value": value,
        "flag": flag,
        "source_flag": "",
    }


@indicator(
    "source.capture",
    name_zh="自动监测数据有效捕集率",
    name_en="share of operating hours with a valid value",
    unit="%",
    periods=(DAY,),
    subject="outlet or stack",
    formula="100 * valid hours / (24 - hours marked F, plant stopped), of the item with the fewest, 1 decimal",
    completeness="a day with an hour of a limited item; a quarter is judged by at least 75 %",
    standard="HJ 75-2017, HJ 356-2019",
    source="HJ 75-2017 (from memory, unconfirmed)",
    confidence="unconfirmed",
    takes="observations",
    parameters=_ITEMS,
)
def source_capture(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Share of each day's operating hours with a valid value, of the item that has the fewest (detail).

    Args:
        observed: hourly observations, or minutes of which hours are made.
        stations: not needed here.
    """
    made = with_hours(observed)
    days = made.days(_ITEMS, HOUR)
    valid = np.isfinite(days.values).sum(axis=-1)
    stopped = np.minimum(_stopped(made, days.subject, days.day), DAY_S // HOUR_S)
    expected = DAY_S // HOUR_S - stopped
    there = np.asarray(days.seen.any(axis=-1))
    share = np.where(there & (expected > 0), 100 * np.minimum(valid, expected) / np.maximum(expected, 1), np.nan)
    worst = np.argmin(np.where(np.isnan(share), np.inf, share), axis=1)
    row = np.arange(len(worst))
    value = share[row, worst]
    # A day without one valid value says nothing of the plant; that the station fails is told by quality.failed_share.
    value = np.where(np.asarray((valid > 0) & there).any(axis=1), value, np.nan)
    known = ~np.isnan(value)
    told = [f"{_ITEMS[i]}; {s} h stopped" for i, s in zip(worst, stopped[row, worst], strict=True)]
    return results(
        indicator="source.capture",
        medium="source",
        subject=days.subject,
        time=day_begin(days.day),
        period=DAY,
        value=round_computed(value, 1),
        unit="%",
        grade="",
        n_valid=np.minimum(valid, expected)[row, worst],
        n_expected=expected[row, worst],
        flag=np.where(known, int(Flag.PASS), int(Flag.MISSING)),
        detail=np.where(known, np.array(told, dtype=object), "no valid hour, or the plant stood still"),
        edition="HJ 75-2017",
    )[np.asarray(there.any(axis=1))]


def _stopped(observed: Observed, subject: np.ndarray, day: np.ndarray) -> np.ndarray:
    """(n, items) hours of each station and day that the device marked as stopped, by item."""
    frame = observed.frame
    rows = frame[(frame["source_flag"] == STOPPED) & (frame["period"].astype("str") == HOUR)]
    place = [rows["station_id"].astype("str").to_numpy(), day_of(seconds(rows["time"]))]
    counted = pd.crosstab(place, rows["parameter"].astype("str").to_numpy())
    wide = counted.reindex(columns=list(_ITEMS), fill_value=0)
    index = pd.MultiIndex.from_arrays([subject.astype(str), day])
    return np.asarray(wide.reindex(index, fill_value=0).to_numpy(int))
