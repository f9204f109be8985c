"""The factors of the universal soil loss equation: R, K, L, S, C, P."""

import numpy as np
from numpy.typing import ArrayLike

from processing.gep.values import Values, best

#: HJ 1173-2021 A.6: coefficient by season and exponent of daily rain.
_HALF_MONTH = {"warm": 0.3937, "cold": 0.3101}
_HALF_MONTH_EXPONENT = 1.7265
#: HJ 1173-2021 A.8.
_K_SLOPE, _K_INTERCEPT, _US_TO_SI = 0.51575, -0.01383, 0.1317
_UNIT_PLOT_M = 22.13


def half_month_erosivity(erosive_daily_mm: ArrayLike, season: str, n_years: float = 1) -> float:
    """R of a half-month, MJ mm hm-2 h-1, by HJ 1173-2021 A.6: (1/n) sum alpha P^1.7265.

    Args:
        erosive_daily_mm: rain of the erosive days of this half-month in all years, mm.
        season: `warm` (May to September) or `cold`; the text does not tell the months.
        n_years: how many years the days are from.

    Raises:
        KeyError: no such season.
    """
    days = np.asarray(erosive_daily_mm, dtype=float)
    return float(_HALF_MONTH[season] * (days**_HALF_MONTH_EXPONENT).sum() / n_years)


def erosive_power(daily_mm: ArrayLike, month: int, threshold_mm: float) -> np.ndarray:
    """What one day adds to R of the year, MJ mm hm-2 h-1 (HJ 1173-2021 A.5-A.6): alpha P^1.7265 on an erosive day.

    The coefficient depends on the season alone, so the sum over half-months is the sum over days.

    Args:
        daily_mm: rain of the day, mm; NaN stays.
        month: 1 to 12; May to September is the warm season (the text does not tell the months).
        threshold_mm: least rain of an erosive day; HJ 1173 is silent (10 or 12 are used).
    """
    rain = np.asarray(daily_mm, dtype=float)
    power = _HALF_MONTH["warm" if 5 <= month <= 9 else "cold"] * rain**_HALF_MONTH_EXPONENT
    return np.where(rain < threshold_mm, 0.0, power)


def zhang_erosivity(
    daily_mm: ArrayLike, pd12_mm: float, py12_mm: float, threshold_mm: float = 12.0
) -> tuple[float, float, float]:
    """beta, alpha and R (MJ mm hm-2 h-1) of a half-month by Zhang Wenbo 2002: R = alpha sum P^beta.

    beta = 0.8363 + 18.144 / Pd12 + 24.455 / Py12, alpha = 21.586 beta^-7.1891, days of at least the threshold.

    Args:
        daily_mm: daily rain of the half-month, mm.
        pd12_mm: mean rain of days of 12 mm and more, mm.
        py12_mm: mean annual rain of such days, mm.
        threshold_mm: least rain of an erosive day, mm.
    """
    days = np.asarray(daily_mm, dtype=float)
    beta = 0.8363 + 18.144 / pd12_mm + 24.455 / py12_mm
    alpha = 21.586 * beta**-7.1891
    return beta, alpha, float(alpha * (days[days >= threshold_mm] ** beta).sum())


def wischmeier_erosivity(monthly_mm: ArrayLike) -> np.ndarray:
    """R of a year by the monthly form of Wischmeier and Smith: sum 1.735 10^(1.5 lg(Pi^2 / P) - 0.8188).

    Args:
        monthly_mm: rain of the months along the first axis, mm; P is their sum. A month without rain adds nothing.

    US-unit lineage: multiply by 17.02 if the paper that is followed takes it as US units.
    """
    months = np.asarray(monthly_mm, dtype=float)
    year = months.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = 1.735 * 10 ** (1.5 * np.log10(months**2 / year) - 0.8188)
    return np.where(months == 0, 0.0, each).sum(axis=0)


def k_epic(sand: ArrayLike, silt: ArrayLike, clay: ArrayLike, organic_carbon: ArrayLike) -> np.ndarray:
    """K of EPIC in US customary units (HJ 1173-2021 A.7, which prints SI units).

    Args:
        sand: 0.05 to 2 mm, %.
        silt: 0.002 to 0.05 mm, %.
        clay: below 0.002 mm, %.
        organic_carbon: %.
    """
    sand, silt, clay, carbon = (np.asarray(x, dtype=float) for x in (sand, silt, clay, organic_carbon))
    rest = 1 - sand / 100
    return (
        (0.2 + 0.3 * np.exp(-0.0256 * sand * (1 - silt / 100)))
        * (silt / (clay + silt)) ** 0.3
        * (1 - 0.25 * carbon / (carbon + np.exp(3.72 - 2.95 * carbon)))
        * (1 - 0.7 * rest / (rest + np.exp(-5.51 + 22.9 * rest)))
    )


def k_factor(epic: ArrayLike, option: str = "corrected") -> np.ndarray:
    """K, t hm2 h hm-2 MJ-1 mm-1, from K of EPIC by the switch `k_factor`.

    Args:
        epic: K of EPIC, US customary units.
        option: `corrected`, HJ 1173-2021 A.8: (-0.01383 + 0.51575 K_EPIC) 0.1317; or `epic`: K_EPIC 0.1317, about
            twice as large.

    Raises:
        ValueError: no such option.
    """
    if option == "corrected":
        return (_K_INTERCEPT + _K_SLOPE * np.asarray(epic)) * _US_TO_SI
    if option == "epic":
        return np.asarray(epic) * _US_TO_SI
    raise ValueError(f"k_factor: {option!r} is neither 'corrected' nor 'epic'")


def slope_exponent(theta_deg: ArrayLike, constant: float = 0.089) -> np.ndarray:
    """Exponent m = beta / (1 + beta), beta = (sin t / c) / (3 sin^0.8 t + 0.56) (HJ 1173-2021 A.10-11, c = 0.089).

    The RUSLE handbook and InVEST have c = 0.0896.
    """
    sine = np.sin(np.radians(theta_deg))
    beta = (sine / constant) / (3 * sine**0.8 + 0.56)
    return beta / (1 + beta)


def l_factor(slope_length_m: ArrayLike, theta_deg: ArrayLike, constant: float = 0.089) -> np.ndarray:
    """L = (length / 22.13 m)^m (HJ 1173-2021 A.9)."""
    return (np.asarray(slope_length_m, dtype=float) / _UNIT_PLOT_M) ** slope_exponent(theta_deg, constant)


def s_factor(theta_deg: ArrayLike, option: str = "hj1173") -> np.ndarray:
    """S by the switch `s_breaks`.

    Args:
        theta_deg: slope, degrees.
        option: `hj1173`, HJ 1173-2021 A.12, four segments with breaks at 5.14, 10.20 and 28.81 degrees and 9.5988
            beyond; or `liu`: breaks at 5 and 10 degrees, 21.91 sin t - 0.96 without a ceiling.

    Raises:
        ValueError: no such option.
    """
    theta = np.asarray(theta_deg, dtype=float)
    sine = np.sin(np.radians(theta))
    low, middle = 10.8 * sine + 0.03, 16.8 * sine - 0.5
    if option == "hj1173":
        steep = np.where(theta < 28.81, 21.9 * sine - 0.96, 9.5988)
        out = np.where(theta < 5.14, low, np.where(theta < 10.2, middle, steep))
    elif option == "liu":
        out = np.where(theta < 5, low, np.where(theta < 10, middle, 21.91 * sine - 0.96))
    else:
        raise ValueError(f"s_breaks: {option!r} is neither 'hj1173' nor 'liu'")
    return np.where(np.isnan(theta), np.nan, out)


def cover_class(cover_pct: ArrayLike) -> np.ndarray:
    """Number 0..5 of the cover class of HJ 1173-2021 table A.1 (edges 10, 30, 50, 70, 90 %); -1 where it is missing.

    The text leaves open which class an edge belongs to; here it belongs to the denser one.
    """
    cover = np.asarray(cover_pct, dtype=float)
    return np.where(np.isnan(cover), -1, np.searchsorted((10, 30, 50, 70, 90), cover, side="right"))


def c_dryland(cover_pct: ArrayLike) -> np.ndarray:
    """C of dryland by HJ 1173-2021 A.13: 0.221 - 0.595 lg c, c the cover as a decimal.

    Below 4.9 % the formula exceeds 1, the C of bare fallow, and at 0 it is undefined: there C is 1.
    """
    share = np.asarray(cover_pct, dtype=float) / 100
    with np.errstate(divide="ignore"):
        return np.where(np.isnan(share), np.nan, np.minimum(1.0, 0.221 - 0.595 * np.log10(share)))


def c_factor(eco_type: str, cover_pct: ArrayLike) -> np.ndarray:
    """C by HJ 1173-2021 table A.1 and A.13.

    Args:
        eco_type: forest, shrub, grassland, tree_orchard, shrub_orchard, dryland; paddy, wetland, urban, desert have
            one value whatever the cover.
        cover_pct: vegetation cover, %.

    Raises:
        KeyError: the table has no such type.
    """
    cover = np.asarray(cover_pct, dtype=float)
    if eco_type == "dryland":
        return c_dryland(cover)
    rows = Values({"cover_factor": ("hj1173-2021",)}, region="", year=9999).rows("cover_factor")
    found = [best([r for r in rows if r.ecosystem == eco_type], eco_type, f"c{n}") for n in range(6)]
    if None in found:
        raise KeyError(eco_type)
    steps = np.array([row.value for row in found if row is not None] + [np.nan])
    return steps[cover_class(cover)]


def c_cai(cover_pct: ArrayLike) -> np.ndarray:
    """C by Cai Chongfa 2000: 1 without cover, 0.6508 - 0.3436 lg f (f in %), 0 above 78.3 %."""
    cover = np.asarray(cover_pct, dtype=float)
    with np.errstate(divide="ignore"):
        middle = np.clip(0.6508 - 0.3436 * np.log10(cover), 0, 1)
    out = np.where(cover <= 0, 1.0, np.where(cover >= 78.3, 0.0, middle))
    return np.where(np.isnan(cover), np.nan, out)


def step_exponent(slope_pct: ArrayLike) -> np.ndarray:
    """Exponent m by slope in % as InVEST SDR: 0.2 to 1, 0.3 to 3.5, 0.4 to 5, 0.5 to 9, then beta / (1 + beta)."""
    slope = np.asarray(slope_pct, dtype=float)
    steps = np.array([0.2, 0.3, 0.4, 0.5])
    above = slope_exponent(np.degrees(np.arctan(slope / 100)), 0.0896)
    return np.where(slope > 9, above, steps[np.minimum(np.searchsorted((1, 3.5, 5), slope, side="left"), 3)])


def ls_upslope(slope_pct: ArrayLike, upslope_cells: ArrayLike, cell_m: float, l_max: float = 122.0) -> np.ndarray:
    """LS of a cell from its upslope area, as InVEST SDR 3.20.2 computes it after Desmet and Govers 1996.

    L = ((a + D^2)^(m+1) - a^(m+1)) / (D^(m+2) x^m 22.13^m), capped at `l_max`; S = 10.8 sin t + 0.03 below 9 % of
    slope, else 16.8 sin t - 0.5. InVEST takes for `a` the square root of the upslope area (its ADR-0001) and for
    `x`, the length of the cell across the flow, |sin t| + |cos t| of the slope, where the paper has the aspect.

    Args:
        slope_pct: slope, %.
        upslope_cells: contributing cells, the cell itself among them.
        cell_m: edge of a cell, m.
        l_max: ceiling of the dimensionless factor L (the guide calls it metres of slope length).
    """
    slope = np.asarray(slope_pct, dtype=float)
    area = np.sqrt((np.asarray(upslope_cells, dtype=float) - 1) * cell_m**2)
    m = step_exponent(slope)
    theta = np.arctan(slope / 100)
    sine = np.sin(theta)
    steepness = np.where(slope < 9, 10.8 * sine + 0.03, 16.8 * sine - 0.5)
    x = np.abs(sine) + np.abs(np.cos(theta))
    length = ((area + cell_m**2) ** (m + 1) - area ** (m + 1)) / (cell_m ** (m + 2) * x**m * _UNIT_PLOT_M**m)
    return np.minimum(length, l_max) * steepness
