"""Fixed sources: hourly and daily means of outlets and stacks against their emission limits, kept apart.

Values that the device or quality control calls invalid (plant stopped, calibration, fault, maintenance) are left out.
A mean above its limit is an exceedance only where the limit set judges by that mean; else it is told as what it is.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.catalogue import parameters
from domain.limits import emission_limit, emission_parameters, reference_oxygen
from domain.records import Flag
from domain.standards import setting, table
from domain.times import DAY, HOUR
from processing.aggregate import Located, Observed, attribute, dates, day_of, flag_of, mean_rounded, results
from processing.indicators.source_validity import with_hours
from processing.registered import indicator
from processing.rounding import round_computed
from processing.surface_water import ph_mean

#: Parameters that are no pollutants but decide how pollutants are judged.
HELPERS = ("stack_O2", "flow", "water_temp")
#: Every parameter that some limit set limits.
ITEMS = tuple(dict.fromkeys(table("emission_sets")["parameter"]))
_DECIMALS = [int(parameters().loc[item, "decimals"]) for item in ITEMS]
_FLUE = np.array([item.startswith("stack_") for item in ITEMS])
_AIR_O2 = 21.0


def o2_correct(conc: np.ndarray, oxygen: np.ndarray, reference: float) -> np.ndarray:
    """Concentration at the reference oxygen content, C * (21 - O2ref) / (21 - O2); NaN where oxygen is 21 % or more.

    Source: GB 13271-2014 5.2; GB 13223-2011 5.2.
    """
    burning = oxygen < _AIR_O2
    return np.where(burning, conc * (_AIR_O2 - reference) / np.where(burning, _AIR_O2 - oxygen, 1), np.nan)


def flow_weighted(conc: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Mean over the last axis weighted by flow, of the values that have one; NaN without any flow.

    Source: HJ 356-2019 (from memory, unconfirmed).
    """
    there = np.isfinite(conc) & np.isfinite(flow)
    weight = np.where(there, flow, 0)
    total = weight.sum(axis=-1)
    mass = (np.where(there, conc, 0) * weight).sum(axis=-1)
    return np.where(total > 0, mass / np.where(total > 0, total, 1), np.nan)


@indicator(
    "source.hour_ratio",
    name_zh="小时均值与限值之比",
    name_en="hourly mean over its emission limit",
    unit="1",
    periods=(HOUR,),
    subject="outlet or stack",
    formula="largest (oxygen-corrected) hourly mean / limit; above 1 the limit is exceeded",
    completeness="the hour as the station sent it, else 45 valid minutes of its minute values",
    standard="the limit set of the station's target",
    source="GB 18918-2002 tables 1 and 2; GB 13271-2014 tables 1 to 3; GB 13223-2011; DB33/2169-2018",
    confidence="partly confirmed",
    takes="observations",
    parameters=(*ITEMS, *HELPERS),
)
def source_hour(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Largest hourly mean over its limit, with the item, its mean and its limit (detail `COD=62.5/50`).

    Args:
        observed: hourly observations.
        stations: the registry's stations (target names the limit set).
    """
    rows = with_hours(observed).wide((*ITEMS, *HELPERS), HOUR)
    k = len(ITEMS)
    day = day_of(rows.time)
    limits = _limits(rows, day, rows.values[:, k + HELPERS.index("water_temp")], stations)
    oxygen = rows.values[:, k + HELPERS.index("stack_O2")]
    values = _rounded(_corrected(rows.values[:, :k, None], oxygen[:, None], limits.reference)[..., 0])
    stacked = np.stack(
        [rows.flags[:, :k], np.repeat(rows.flags[:, [k + HELPERS.index("stack_O2")]], k, axis=1)], axis=-1
    )
    used = np.stack(
        [np.isfinite(values), np.isfinite(values) & _FLUE & np.isfinite(limits.reference)[:, None]], axis=-1
    )
    seen = rows.seen[:, :k] & np.isfinite(limits.value)
    return _largest(
        "source.hour_ratio",
        HOUR,
        rows.subject,
        rows.time,
        values,
        limits,
        flag_of(stacked, used, np.isfinite(values)),
        seen,
        n_valid=(np.isfinite(values) & seen).sum(axis=1),
        n_expected=seen.sum(axis=1),
        why="no valid item",
    )


@indicator(
    "source.day_ratio",
    name_zh="日均值与限值之比",
    name_en="daily mean over its emission limit",
    unit="1",
    periods=(DAY,),
    subject="outlet or stack",
    formula="largest daily mean / limit; outlets weighted by flow, stacks corrected to reference oxygen, pH through H+",
    completeness="20 valid hours of an item",
    standard="the limit set of the station's target",
    source="GB 18918-2002 4.1.4; HJ 75-2017 and HJ 356-2019 (from memory, unconfirmed)",
    confidence="partly confirmed",
    takes="observations",
    parameters=(*ITEMS, *HELPERS),
)
def source_day(observed: Observed, stations: pd.DataFrame) -> pd.DataFrame:
    """Largest daily mean over its limit, with the item, its mean and its limit (detail `COD=62.5/50`).

    Args:
        observed: hourly observations.
        stations: the registry's stations (target names the limit set).
    """
    days = with_hours(observed).days((*ITEMS, *HELPERS), HOUR)
    k = len(ITEMS)
    oxygen, flow, temperature = (days.values[:, k + HELPERS.index(h)] for h in ("stack_O2", "flow", "water_temp"))
    limits = _limits(days, days.day, mean_rounded(temperature, need=1, decimals=1), stations)
    hours = _corrected(days.values[:, :k], oxygen, limits.reference)
    need = int(setting("source.daily", "hours"))
    values = _day_means(hours, flow, need)
    seen = days.seen[:, :k].any(axis=-1) & np.isfinite(limits.value)
    counts = np.isfinite(hours).sum(axis=-1)
    with_ratio = np.where(seen, _ratios(values, limits), np.nan)
    best = _argmax(np.where(np.isnan(with_ratio), np.where(seen, counts - 100.0, np.nan), with_ratio))
    return _largest(
        "source.day_ratio",
        DAY,
        days.subject,
        days.time,
        values,
        limits,
        flag_of(days.flags[:, :k], np.isfinite(hours), np.isfinite(values)),
        seen,
        n_valid=np.take_along_axis(counts, best[:, None], axis=1)[:, 0],
        n_expected=np.full(len(days.day), hours.shape[-1]),
        why=f"fewer than {need} valid hours",
    )


@dataclass(frozen=True, slots=True)
class _Limits:
    """Limits of n rows of the k items of `ITEMS`; NaN where the row's limit set has none."""

    value: np.ndarray  # (n, k)
    low: np.ndarray  # (n, k) lower end of a range
    reference: np.ndarray  # (n,) reference oxygen
    edition: np.ndarray  # (n,)
    judged: np.ndarray  # (n, k) the mean that the limit set judges by: hour, day, or "" for both


def _limits(rows: Located, day: np.ndarray, water_temp: np.ndarray, stations: pd.DataFrame) -> _Limits:
    n = len(day)
    nothing = np.full((n, len(ITEMS)), np.nan)
    out = _Limits(
        nothing, nothing.copy(), np.full(n, np.nan), np.full(n, "", object), np.full((n, len(ITEMS)), "", object)
    )
    month = dates(day).astype("datetime64[M]")
    groups = pd.DataFrame({"target": attribute(stations, rows, day, "target"), "month": month, "temp": water_temp})
    for (target, first, temp), at in groups.groupby(list(groups), dropna=False).indices.items():
        if not target:
            continue
        out.reference[at] = reference_oxygen(target)
        out.edition[at] = target.partition("/")[0]
        for item in emission_parameters(target):
            found = emission_limit(target, item, first.date(), water_temp=None if np.isnan(temp) else float(temp))
            if found is not None:
                out.value[at, ITEMS.index(item)] = found.value
                out.low[at, ITEMS.index(item)] = found.low
                out.judged[at, ITEMS.index(item)] = found.judged
    return out


def _corrected(values: np.ndarray, oxygen: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Hourly values (n, k, hours) with flue gas at its reference oxygen, where the limit set has one."""
    flue = _FLUE & np.isfinite(reference)[:, None]
    corrected = o2_correct(values, oxygen[:, None, :], np.nan_to_num(reference)[:, None, None])
    return np.where(flue[..., None], corrected, values)


def _day_means(hours: np.ndarray, flow: np.ndarray, need: int) -> np.ndarray:
    """(n, k) daily means rounded to the decimals of their parameter; NaN below `need` hours.

    Waste water is weighted by flow when enough hours have one, else it is a plain mean.
    """
    plain = np.stack([mean_rounded(hours[:, i], need=need, decimals=d) for i, d in enumerate(_DECIMALS)], axis=1)
    together_n = (np.isfinite(hours) & np.isfinite(flow)[:, None]).sum(axis=-1)
    weighted = _rounded(flow_weighted(hours, flow[:, None]))
    out = np.where((together_n >= need) & ~_FLUE & np.isfinite(weighted), weighted, plain)
    acid = ITEMS.index("pH")
    out[:, acid] = np.where(np.isnan(plain[:, acid]), np.nan, _rounded_at(ph_mean(hours[:, acid]), acid))
    return out


def _ratios(values: np.ndarray, limits: _Limits) -> np.ndarray:
    """How far means reach up to their limit: above 1 it is exceeded. A range of pH goes by the distance from 7."""
    with np.errstate(divide="ignore", invalid="ignore"):
        two_sided = np.where(values > 7, (values - 7) / (limits.value - 7), (7 - values) / (7 - limits.low))
        return np.where(np.isnan(limits.low), values / limits.value, two_sided)


def _largest(
    name: str,
    period: str,
    subject: np.ndarray,
    time: np.ndarray,
    values: np.ndarray,
    limits: _Limits,
    flags: np.ndarray,
    seen: np.ndarray,
    *,
    n_valid: np.ndarray,
    n_expected: np.ndarray,
    why: str,
) -> pd.DataFrame:
    """One result a row: the item closest to (or furthest above) its limit; rows without a limited item have none."""
    ratios = np.where(seen, _ratios(values, limits), np.nan)
    best = _argmax(ratios)

    def at_best(array: np.ndarray) -> np.ndarray:
        return np.take_along_axis(array, best[:, None], axis=1)[:, 0]

    value = at_best(ratios)
    known = ~np.isnan(value)
    texts = [
        f"{ITEMS[i]}={v:.{_DECIMALS[i]}f}/{limit:g}" if k else why
        for i, v, limit, k in zip(best, at_best(values), at_best(limits.value), known, strict=True)
    ]
    return results(
        indicator=name,
        medium="source",
        subject=subject,
        time=time,
        period=period,
        value=value,
        unit="1",
        grade=np.where(known, np.where(value > 1, _above(at_best(limits.judged), period), "达标"), ""),
        n_valid=n_valid,
        n_expected=n_expected,
        flag=np.where(known, at_best(flags), int(Flag.MISSING)),
        detail=np.array(texts, dtype=object),
        edition=limits.edition,
    )[seen.any(axis=1)]


def _above(judged: np.ndarray, period: str) -> np.ndarray:
    """What a mean above its limit is: an exceedance where the limit set judges by this mean, else only above it."""
    ours = "hour" if period == HOUR else "day"
    return np.where(np.isin(judged, (ours, "")), "超标", "高于限值").astype(object)


def _argmax(ratios: np.ndarray) -> np.ndarray:
    """Position of the largest value of each row, 0 where there is none."""
    return np.asarray(np.argmax(np.where(np.isnan(ratios), -np.inf, ratios), axis=1))


def _rounded(values: np.ndarray) -> np.ndarray:
    """(n, k) values rounded to the decimals of their parameters."""
    return np.stack([_rounded_at(values[:, i], i) for i in range(values.shape[1])], axis=1)


def _rounded_at(values: np.ndarray, item: int) -> np.ndarray:
    return round_computed(values, _DECIMALS[item])
