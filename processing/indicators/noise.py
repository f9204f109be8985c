"""Environmental noise: hourly, day and night levels, and their excess over the limits of the zone (GB 3096-2008)."""

import numpy as np
import pandas as pd

from domain.limits import editions, noise_limit
from domain.records import Flag
from domain.standards import setting, table
from domain.times import DAY, HOUR
from processing.aggregate import Days, Observed, attribute, dates, day_of, flag_of, results, together
from processing.registered import indicator
from processing.rounding import round_computed, round_half_even

LEVEL = ("LAeq",)


def energy_mean(levels: np.ndarray) -> np.ndarray:
    """Equivalent level over the last axis, 10 lg(mean(10^(L/10))), dB(A); missing levels are left out, NaN without any.

    Source: GB 3096-2008 3.2; GB 12348-2008 3.2.
    """
    there = np.isfinite(levels)
    energy = np.where(there, 10 ** (np.where(there, levels, 0) / 10), 0).sum(axis=-1)
    count = there.sum(axis=-1)
    with np.errstate(divide="ignore"):
        return np.where(count > 0, 10 * np.log10(energy / np.maximum(count, 1)), np.nan)


def day_night_level(day: np.ndarray, night: np.ndarray) -> np.ndarray:
    """Day-night level: 16 h of day and 8 h of night raised by 10 dB. Source: GB 3096-2008 (formula from memory)."""
    return np.asarray(10 * np.log10((16 * 10 ** (day / 10) + 8 * 10 ** ((night + 10) / 10)) / 24))


def city_grade(kind: str, period: str, level: float) -> int:
    """Grade 1 to 5 of a city's mean level; upper bounds are included.

    Args:
        kind: 区域环境噪声总体水平 or 道路交通噪声强度.
        period: day or night.
        level: mean level in dB(A).

    Raises:
        KeyError: the table has no such kind and period.

    Source: HJ 640-2012 tables 4 and 5.
    """
    row = table("noise_grades_hj640").set_index(["kind", "period"]).loc[(kind, period)]
    return 1 + sum(level > float(row[f"grade{n}_le"]) for n in range(1, 5))


@indicator(
    "noise.leq",
    name_zh="小时等效声级",
    name_en="hourly equivalent sound level",
    unit="dB(A)",
    periods=(HOUR,),
    subject="station",
    formula="LAeq of the hour, 1 decimal",
    completeness="the hour as the station sent it",
    standard="GB 3096-2008",
    source="GB 3096-2008 3.2",
    confidence="confirmed",
    takes="observations",
    parameters=LEVEL,
)
def noise_leq(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - all take both
    """Hourly equivalent level.

    Args:
        observed: hourly observations.
        stations: not needed here.
    """
    rows = observed.wide(LEVEL, HOUR)
    value = round_half_even(rows.values[:, 0], 1)
    known = ~np.isnan(value)
    return results(
        indicator="noise.leq",
        medium="noise",
        subject=rows.subject,
        time=rows.time,
        period=HOUR,
        value=value,
        unit="dB(A)",
        grade="",
        n_valid=known.astype(int),
        n_expected=1,
        flag=flag_of(rows.flags, known[:, None], known),
        detail=np.where(known, "", "no valid level"),
        edition=editions("noise quality", dates(day_of(rows.time))),
    )


@indicator(
    "noise.ld",
    name_zh="昼间等效声级",
    name_en="day equivalent sound level",
    unit="dB(A)",
    periods=(DAY,),
    subject="station",
    formula="energy mean of the hours 06:00 to 22:00, 1 decimal",
    completeness="16 hours; 12 to 15 give a suspect value",
    standard="GB 3096-2008",
    source="GB 3096-2008 3.4, 5.4; completeness is our choice",
    confidence="partly confirmed",
    takes="observations",
    parameters=LEVEL,
)
@indicator(
    "noise.ln",
    name_zh="夜间等效声级",
    name_en="night equivalent sound level",
    unit="dB(A)",
    periods=(DAY,),
    subject="station",
    formula="energy mean of the hours 22:00 to 06:00 of the night that begins on the day, 1 decimal",
    completeness="8 hours; 6 and 7 give a suspect value",
    standard="GB 3096-2008",
    source="GB 3096-2008 3.4, 5.4; completeness is our choice",
    confidence="partly confirmed",
    takes="observations",
    parameters=LEVEL,
    after_days=1,
)
@indicator(
    "noise.ld_excess",
    name_zh="昼间噪声超标量",
    name_en="day level above the limit of the zone",
    unit="dB(A)",
    periods=(DAY,),
    subject="station",
    formula="noise.ld minus the day limit of the station's zone",
    completeness="as noise.ld",
    standard="GB 3096-2008",
    source="GB 3096-2008 table 1",
    confidence="partly confirmed",
    takes="observations",
    parameters=LEVEL,
)
@indicator(
    "noise.ln_excess",
    name_zh="夜间噪声超标量",
    name_en="night level above the limit of the zone",
    unit="dB(A)",
    periods=(DAY,),
    subject="station",
    formula="noise.ln minus the night limit of the station's zone",
    completeness="as noise.ln",
    standard="GB 3096-2008",
    source="GB 3096-2008 table 1",
    confidence="partly confirmed",
    takes="observations",
    parameters=LEVEL,
    after_days=1,
)
def noise_day_night(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Day and night level of each station and day, and their excess over the zone's limits.

    Args:
        observed: hourly observations.
        stations: the registry's stations (zone).
    """
    days = observed.days(LEVEL, HOUR)
    zone = attribute(stations, days, days.day, "zone")
    (by_day, day_flags), (by_night, night_flags) = hours_of(days)
    return together(
        [
            _level(days, "ld", "day", by_day, day_flags, zone),
            _level(days, "ln", "night", by_night, night_flags, zone),
        ]
    )


def hours_of(days: Days) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Values and flags of the first parameter in the hours of each day, and in those of the night that begins on it."""
    begins, ends = int(setting("noise", "day_begins")), int(setting("noise", "night_begins"))
    values, flags = days.values[:, 0], days.flags[:, 0]
    tomorrow, flags_tomorrow = _tomorrow(days)
    night = np.concatenate([values[:, ends:], tomorrow[:, :begins]], axis=1)
    night_flags = np.concatenate([flags[:, ends:], flags_tomorrow[:, :begins]], axis=1)
    return (values[:, begins:ends], flags[:, begins:ends]), (night, night_flags)


def _level(days: Days, name: str, period: str, levels: np.ndarray, flags: np.ndarray, zone: np.ndarray) -> pd.DataFrame:
    """One level of each day, and its excess where the zone is known."""
    n, expected = np.isfinite(levels).sum(axis=1), levels.shape[1]
    value = round_computed(energy_mean(levels), 1)
    value[n < np.ceil(setting("noise", "share") * expected)] = np.nan
    known = ~np.isnan(value)
    flag = flag_of(flags, np.isfinite(levels), known)
    flag = np.where(known & (n < expected), int(Flag.SUSPECT), flag)
    common = {
        "medium": "noise",
        "subject": days.subject,
        "time": days.time,
        "period": DAY,
        "unit": "dB(A)",
        "n_valid": n,
        "n_expected": expected,
        "flag": flag,
        "edition": editions("noise quality", dates(days.day)),
    }
    why = f"fewer than {np.ceil(setting('noise', 'share') * expected):.0f} of {expected} hours"
    level = results(indicator=f"noise.{name}", value=value, grade="", detail=np.where(known, "", why), **common)
    limit = limits_of(zone, period)
    over = round_computed(value - limit, 1)
    words = np.where(known, np.where(over > 0, "超标", "达标"), "")
    limits = np.array([f"limit {x:g}" for x in limit], dtype=object)
    detail = np.where(known, limits, why)
    excess = results(indicator=f"noise.{name}_excess", value=over, grade=words, detail=detail, **common)
    return together([level, excess[~np.isnan(limit)]])


def _tomorrow(days: Days) -> tuple[np.ndarray, np.ndarray]:
    """Levels and flags of each row's next day; NaN and missing where the station has none."""
    follows = np.append((days.station[1:] == days.station[:-1]) & (days.day[1:] == days.day[:-1] + 1), False)
    follows = follows[: len(days.day)]
    after = np.minimum(np.arange(len(follows)) + 1, max(len(follows) - 1, 0))
    levels = np.where(follows[:, None], days.values[after, 0], np.nan)
    return levels, np.where(follows[:, None], days.flags[after, 0], np.int8(Flag.MISSING))


def limits_of(zone: np.ndarray, period: str) -> np.ndarray:
    """The zone's limit of each row; NaN where the station has no zone.

    Raises:
        CatalogueError: a zone is not in the table.
    """
    out = np.full(len(zone), np.nan)
    for name in np.unique(zone[zone != ""].astype(str)):
        out[zone == name] = noise_limit(name, period).value
    return out
