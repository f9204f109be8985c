"""Statistics of ambient air over months and years, for assessment and ranking (HJ 663, GB 3095)."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from domain.standards import setting, table
from processing.rounding import NOISE, round_computed, round_half_even

#: The statistics of months, seasons and years of each item, ("mean", 0) or ("p", percentile): HJ 663 table 1.
STATISTICS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "SO2": (("mean", 0), ("p", 98)),
    "NO2": (("mean", 0), ("p", 98)),
    "CO": (("p", 95),),
    "O3": (("p", 90),),
    "PM10": (("mean", 0), ("p", 95)),
    "PM2.5": (("mean", 0), ("p", 95)),
}
#: Molar masses in g/mol (IUPAC standard atomic weights).
MOLAR_MASS = {"SO2": 64.066, "NO2": 46.006, "CO": 28.010, "O3": 47.998}
#: Litres a mole of gas takes at the reference state 298.15 K and 1013.25 hPa (GB 3095 since 2018-09-01).
MOLAR_VOLUME = 8.314462618 * 298.15 / 101.325
MONTH_DAYS = 27  # daily means a month needs, February 25: GB 3095 table 4


def percentile(values: np.ndarray, p: float) -> float:
    """The p-th percentile of valid daily values: place k = 1 + (n-1)*p/100, ascending, linear between neighbours.

    Source: HJ 663-2013 annex A (from memory and one code base).
    """
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    return float(round_half_even(np.percentile(known, p, method="linear"), NOISE)) if len(known) else float("nan")


def annual_valid(days_per_month: np.ndarray, *, need: int = 324) -> bool:
    """Whether 12 counts of valid daily means make a valid year: `need` in all, 27 in each month, 25 in February.

    Source: GB 3095-2026 table 4.
    """
    days = np.asarray(days_per_month)
    least = np.full(12, MONTH_DAYS)
    least[1] = 25
    return bool(days.sum() >= need and (days >= least).all())


@cache
def decimals(edition: str, step: str, pollutant: str) -> int:
    """Decimals of an item's concentration in one step of the assessment: raw, statistics or evaluation.

    Raises:
        KeyError: the edition has no such step in air_rounding.csv.

    Source: HJ 663-2013 (from memory), HJ 663-2026 (one source).
    """
    rows = table("air_rounding")
    rows = rows[(rows["edition"] == edition) & rows["step"].isin((step, "every"))]
    if rows.empty:
        raise KeyError(f"air_rounding.csv has no step {step!r} of {edition!r}")
    return int(rows.iloc[0][pollutant])


def enough_days(days: np.ndarray) -> np.ndarray:
    """(s, 17) whether the months, seasons and year of (s, 12) counts of valid daily values are valid.

    A month needs 27, February 25; a season its months; a year 324 and every month.

    Source: GB 3095-2026 table 4; the season is our reading, since the standard names none for the six items.
    """
    need = np.full(12, setting("air.periods", "month_days"))
    need[1] = setting("air.periods", "february_days")
    months = days >= need
    seasons = months.reshape(-1, 4, 3).sum(axis=-1) >= setting("air.periods", "season_months")
    year = months.all(axis=-1) & (days.sum(axis=-1) >= setting("air.periods", "year_days"))
    return np.concatenate([months, seasons, year[:, None]], axis=1)


def single_indices(statistics: np.ndarray, version: str) -> np.ndarray:
    """(..., 6) single indices C/S of (..., 6) statistics in the order SO2, NO2, CO, O3, PM10, PM2.5, not rounded.

    Source: ranking rule as printed in provincial tables; limits GB 3095 by version.
    """
    limits = table("air_ranking_index_limits").set_index("version").loc[version]
    columns = ("SO2", "NO2", "CO_p95", "O3_p90", "PM10", "PM2.5")
    return np.asarray(statistics / limits[list(columns)].to_numpy(float))


def exceed_multiple(conc: np.ndarray, limit: np.ndarray, *, decimals: int = 2) -> np.ndarray:
    """How many times a limit is exceeded, (C - S) / S; 0 up to the limit. Source: HJ 663 (from memory)."""
    x = np.asarray(conc, dtype=float)
    return round_computed(np.maximum((x - limit) / limit, 0), decimals)


def attainment_rate(attained: int, valid: int) -> float:
    """Share of days within the limits in %, 1 decimal; NaN without valid days. Source: HJ 663 (from memory)."""
    return float(round_computed(np.array(100 * attained / valid), 1)) if valid else float("nan")


def composite_index(
    stats: Mapping[str, float], version: str, *, weights: Mapping[str, float] | None = None, decimals: int = 2
) -> tuple[dict[str, float], float, list[str]]:
    """Single indices C/S, their sum, and the items with the largest one.

    CO stands for its 95th, O3 for its 90th percentile, the others for means. The weighted sum is unconfirmed.

    Args:
        stats: statistic of each of the six items.
        version: limits, a row of air_ranking_index_limits.csv.
        weights: weight of items other than 1.
        decimals: decimals of the index.

    Source: ranking rule as printed in provincial tables; limits GB 3095 by version.
    """
    limits = table("air_ranking_index_limits").set_index("version").loc[version]
    column = {"CO": "CO_p95", "O3": "O3_p90"}
    single = {p: x / float(limits[column.get(p, p)]) for p, x in stats.items()}
    total = sum(x * (weights or {}).get(p, 1) for p, x in single.items())
    top = max(round(x, NOISE) for x in single.values())
    return (
        {p: float(round_computed(np.array(x), 3)) for p, x in single.items()},
        float(round_computed(np.array(total), decimals)),
        [p for p, x in single.items() if round(x, NOISE) == top],
    )


def spearman_trend(values: np.ndarray) -> float:
    """Rank correlation of values with time, 1 - 6*sum(d^2)/(N^3-N), 4 decimals; ties are not handled.

    Source: HJ 663 annex B.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    distance = np.argsort(np.argsort(x, kind="stable")) - np.arange(n)
    return float(round_computed(np.array(1 - 6 * float((distance**2).sum()) / (n**3 - n)), 4))


def warning_tier(daily_aqi: np.ndarray, version: str = "2024 national") -> str:
    """Highest warning tier that a forecast of consecutive daily AQI reaches; 无 for none.

    Source: air_warning_steps.csv, with its confidence.
    """
    rows = table("air_warning_steps")
    rows = rows[rows["version"] == version]
    reached = "无"
    for tier in dict.fromkeys(rows["tier"]):
        for _, steps in rows[rows["tier"] == tier].groupby("alternative"):
            conditions = zip(steps["aqi_above"], steps["days"], strict=True)
            if all(longest_run(np.asarray(daily_aqi) > above) >= days for above, days in conditions):
                reached = tier
    return reached


def warning_tiers(daily_aqi: np.ndarray, version: str) -> np.ndarray:
    """The tier reached on each day by the days up to it: 0 none, 1 the mildest of the version's tiers, and so on.

    An alternative looks back as many days as its longest condition has; every condition needs a run inside them.

    Args:
        daily_aqi: (s, d) daily AQI of consecutive days; a missing day ends a run.
        version: a version of air_warning_steps.csv.

    Source: air_warning_steps.csv, with its confidence.
    """
    rows = table("air_warning_steps")
    rows = rows[rows["version"] == version]
    out = np.zeros(daily_aqi.shape, np.int64)
    for rank, tier in enumerate(dict.fromkeys(rows["tier"]), start=1):
        for _, steps in rows[rows["tier"] == tier].groupby("alternative"):
            length = int(steps["days"].max())
            met = np.ones(daily_aqi.shape, bool)
            for above, days in zip(steps["aqi_above"], steps["days"].astype(int), strict=True):
                met &= _any_before(_run_ends(daily_aqi > above, days), length - days)
            out[met] = rank
    return out


def tiers(version: str) -> tuple[str, ...]:
    """The names of a version's warning tiers, mildest first."""
    rows = table("air_warning_steps")
    return tuple(dict.fromkeys(rows.loc[rows["version"] == version, "tier"]))


def _run_ends(marks: np.ndarray, length: int) -> np.ndarray:
    """Days on which so many marked days in a row end."""
    out = marks.copy()
    for back in range(1, length):
        out[:, back:] &= marks[:, :-back]
        out[:, :back] = False
    return out


def _any_before(marks: np.ndarray, days: int) -> np.ndarray:
    """Days that are marked or have a marked one up to so many days before."""
    out = marks.copy()
    for back in range(1, days + 1):
        out[:, back:] |= marks[:, :-back]
    return out


def longest_run(marks: np.ndarray) -> int:
    """Length of the longest run of marked values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(marks, dtype=int), [0]])))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def gas_ppb_to_ugm3(pollutant: str, ppb: np.ndarray) -> np.ndarray:
    """A gas of so many ppb in ug/m3 (CO too) at 298.15 K and 1013.25 hPa. Source: GB 3095-2026 4.3."""
    return round_computed(np.asarray(ppb, dtype=float) * MOLAR_MASS[pollutant] / MOLAR_VOLUME, 2)
