"""Noise beyond the zones: day-night level, sudden night maximum, and the level of a city with its grade by HJ 640."""

import numpy as np
import pandas as pd

from domain.limits import editions
from domain.records import Flag
from domain.standards import setting
from domain.times import DAY, HOUR
from processing.aggregate import Days, Observed, attribute, dates, flag_of, results, together
from processing.indicators.noise import LEVEL, city_grade, day_night_level, energy_mean, hours_of, limits_of
from processing.registered import indicator
from processing.rounding import round_computed

PEAK = ("LAmax",)
#: Kind of station -> kind of city level of HJ 640.
CITY_KINDS = {"ambient": "区域环境噪声总体水平", "roadside": "道路交通噪声强度"}
_NAMES = {"ambient": "area", "roadside": "road"}
_GRADES = np.array(["", "一级", "二级", "三级", "四级", "五级"], dtype=object)


@indicator(
    "noise.ldn",
    name_zh="昼夜等效声级",
    name_en="day-night equivalent sound level",
    unit="dB(A)",
    periods=(DAY,),
    subject="station",
    formula="10 lg((16*10^(0.1 Ld) + 8*10^(0.1 (Ln+10))) / 24), Ln of the night that begins on the day, 1 decimal",
    completeness="as noise.ld and noise.ln",
    standard="GB 3096-2008",
    source="GB 3096-2008 3.5 (from memory); completeness is our choice",
    confidence="unconfirmed",
    takes="observations",
    parameters=LEVEL,
    after_days=1,
)
def noise_ldn(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Day-night level of each station and day.

    Args:
        observed: hourly observations.
        stations: not needed here.
    """
    days = observed.days(LEVEL, HOUR)
    (by_day, day_flags), (by_night, night_flags) = hours_of(days)
    value = round_computed(day_night_level(_mean(by_day), _mean(by_night)), 1)
    hours = np.concatenate([by_day, by_night], axis=1)
    there, known = np.isfinite(hours), ~np.isnan(value)
    n = there.sum(axis=1)
    flag = flag_of(np.concatenate([day_flags, night_flags], axis=1), there, known)
    return results(
        indicator="noise.ldn",
        medium="noise",
        subject=days.subject,
        time=days.time,
        period=DAY,
        value=value,
        unit="dB(A)",
        grade="",
        n_valid=n,
        n_expected=hours.shape[1],
        flag=np.where(known & (n < hours.shape[1]), int(Flag.SUSPECT), flag),
        detail=np.where(known, "", "too few hours of the day or of the night"),
        edition=editions("noise quality", dates(days.day)),
    )


@indicator(
    "noise.night_max_excess",
    name_zh="夜间突发噪声超标量",
    name_en="sudden night maximum above the night limit and 15 dB",
    unit="dB(A)",
    periods=(DAY,),
    subject="station",
    formula="largest LAmax of the night minus (night limit of the zone + 15 dB); above 0 it is exceeded",
    completeness="one hour of the night with a maximum; a maximum of fewer than 8 hours is suspect",
    standard="GB 3096-2008",
    source="GB 3096-2008 5.4 (from memory; confirmed for GB 12523-2011)",
    confidence="unconfirmed",
    takes="observations",
    parameters=PEAK,
    after_days=1,
)
def night_maximum(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Largest maximum of each night against the limit of the station's zone and 15 dB, the hour it came in (detail).

    Args:
        observed: hourly observations.
        stations: the registry's stations (zone).
    """
    days = observed.days(PEAK, HOUR)
    _, (levels, flags) = hours_of(days)
    limit = limits_of(attribute(stations, days, days.day, "zone"), "night") + setting("noise", "night_peak")
    top = np.fmax.reduce(levels, axis=1, initial=np.nan)
    known = ~np.isnan(top)
    there = np.isfinite(levels)
    n = there.sum(axis=1)
    hour = (int(setting("noise", "night_begins")) + np.argmax(np.where(there, levels, -np.inf), axis=1)) % 24
    told = [f"LAmax {x:.1f} at {h:02d}:00, limit {a:g}" for x, h, a in zip(top, hour, limit, strict=True)]
    over = round_computed(top - limit, 1)
    flag = flag_of(flags, there, known)
    out = results(
        indicator="noise.night_max_excess",
        medium="noise",
        subject=days.subject,
        time=days.time,
        period=DAY,
        value=over,
        unit="dB(A)",
        grade=np.where(known, np.where(over > 0, "超标", "达标"), ""),
        n_valid=n,
        n_expected=levels.shape[1],
        flag=np.where(known & (n < levels.shape[1]), int(Flag.SUSPECT), flag),
        detail=np.where(known, np.array(told, dtype=object), "no valid maximum in the night"),
        edition=editions("noise quality", dates(days.day)),
    )
    return out[~np.isnan(limit)]


@indicator(
    "noise.area_ld",
    name_zh="区域昼间噪声平均值",
    name_en="mean day level of the area points of a county",
    unit="dB(A)",
    periods=(DAY,),
    subject="county",
    formula="plain mean of the day levels of the county's ambient points, 1 decimal; grade of HJ 640",
    completeness="one point; n_valid of n_expected points",
    standard="HJ 640-2012",
    source="HJ 640-2012 tables; plain mean from memory",
    confidence="partly confirmed",
    takes="observations",
    parameters=LEVEL,
)
@indicator(
    "noise.area_ln",
    name_zh="区域夜间噪声平均值",
    name_en="mean night level of the area points of a county",
    unit="dB(A)",
    periods=(DAY,),
    subject="county",
    formula="plain mean of the night levels of the county's ambient points, 1 decimal; grade of HJ 640",
    completeness="one point; n_valid of n_expected points",
    standard="HJ 640-2012",
    source="HJ 640-2012 tables; plain mean from memory",
    confidence="partly confirmed",
    takes="observations",
    parameters=LEVEL,
    after_days=1,
)
@indicator(
    "noise.road_ld",
    name_zh="道路交通昼间噪声平均值",
    name_en="mean day level of the road points of a county",
    unit="dB(A)",
    periods=(DAY,),
    subject="county",
    formula="mean of the day levels of the county's roadside points, all of one weight, 1 decimal; grade of HJ 640",
    completeness="one point; n_valid of n_expected points",
    standard="HJ 640-2012",
    source="HJ 640-2012 tables; the weights by length of road are not in the registry",
    confidence="partly confirmed",
    takes="observations",
    parameters=LEVEL,
)
@indicator(
    "noise.road_ln",
    name_zh="道路交通夜间噪声平均值",
    name_en="mean night level of the road points of a county",
    unit="dB(A)",
    periods=(DAY,),
    subject="county",
    formula="mean of the night levels of the county's roadside points, all of one weight, 1 decimal; grade of HJ 640",
    completeness="one point; n_valid of n_expected points",
    standard="HJ 640-2012",
    source="HJ 640-2012 tables; the weights by length of road are not in the registry",
    confidence="partly confirmed",
    takes="observations",
    parameters=LEVEL,
    after_days=1,
)
def city_levels(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Mean day and night level of the area points and of the road points of each county, with the grade of HJ 640.

    Args:
        observed: hourly observations.
        stations: the registry's stations (kind ambient or roadside; township, whose first six digits are the county).
    """
    days = observed.days(LEVEL, HOUR)
    kind, township = (attribute(stations, days, days.day, c).astype(str) for c in ("kind", "township"))
    place = pd.DataFrame({"county": [t[:6] for t in township], "kind": kind, "day": days.day})
    parts = []
    for suffix, period, (levels, flags) in zip(("ld", "ln"), ("day", "night"), hours_of(days), strict=True):
        level = _mean(levels)
        for code, ours in place[place["county"] != ""].groupby(["county", "kind"]):
            county, what = code
            if what in CITY_KINDS:
                at = ours.index.to_numpy()
                name = f"noise.{_NAMES[what]}_{suffix}"
                parts.append(_city(name, str(county), CITY_KINDS[what], period, days, at, level, flags))
    return together(parts)


def _city(
    name: str,
    county: str,
    kind: str,
    period: str,
    days: Days,
    at: np.ndarray,
    level: np.ndarray,
    flags: np.ndarray,
) -> pd.DataFrame:
    """One level of a county on each day of its points `at`."""
    day, row = np.unique(days.day[at], return_inverse=True)
    there = ~np.isnan(level[at])
    n, expected = (np.bincount(row, weights=w, minlength=len(day)) for w in (there, np.ones(len(at))))
    total = np.bincount(row, weights=np.where(there, level[at], 0), minlength=len(day))
    value = round_computed(np.where(n > 0, total / np.maximum(n, 1), np.nan), 1)
    known = ~np.isnan(value)
    worst = np.full(len(day), int(Flag.PASS))
    of_point = flag_of(flags[at], np.isfinite(level[at])[:, None] & (flags[at] != int(Flag.MISSING)), there)
    np.maximum.at(worst, row[there], of_point[there])
    grades = [city_grade(kind, period, x) if k else 0 for x, k in zip(value, known, strict=True)]
    return results(
        indicator=name,
        medium="noise",
        subject=county,
        time=days.time[at][np.unique(row, return_index=True)[1]],
        period=DAY,
        value=value,
        unit="dB(A)",
        grade=_GRADES[np.array(grades, dtype=int)],
        n_valid=n.astype(int),
        n_expected=expected.astype(int),
        flag=np.where(known, worst, int(Flag.MISSING)),
        detail=np.where(known, "", "no point with enough hours"),
        edition="HJ 640-2012",
    )


def _mean(levels: np.ndarray) -> np.ndarray:
    """Energy mean of each row; NaN below the share of hours that a level needs."""
    n = np.isfinite(levels).sum(axis=1)
    enough = n >= np.ceil(setting("noise", "share") * levels.shape[1])
    return np.where(enough, energy_mean(levels), np.nan)
