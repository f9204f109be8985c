"""What years of the sky eye say: how unusual a quarter is, and where vegetation goes.

Nothing looks ahead: what was said of a quarter or year stays said when more years come.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from domain.records import TABLES, Flag
from domain.times import LOCAL, SEASON, YEAR
from processing.imagery.anomaly import anomalies
from processing.imagery.trend import trend
from processing.registered import indicator

Limits = Mapping[str, float]
EDITION = "quarterly medians of Sentinel-2 L2A; imagery_thresholds.csv"


@indicator(
    "ecology.ndvi_anomaly",
    name_zh="植被指数距平（同季）",
    name_en="NDVI anomaly against the same quarter",
    unit="1",
    periods=(SEASON,),
    subject="township, ecosystem type, protected zone, control unit",
    formula="(NDVI - mean of the same quarter of earlier years) / standard deviation of those years (n - 1)",
    completeness="at least anomaly_years_min earlier years",
    standard="own definition",
    source="standardised anomaly; quarterly medians of NDVI",
    confidence="own definition",
    takes="history",
    parameters=("ecology.ndvi",),
)
def ndvi_anomaly(rows: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Standard score (1) of the NDVI of each quarter and zone against the same quarter of all earlier years."""
    series = _series(rows)
    if not series.size:
        return TABLES["periods"].frame()
    need = int(limits["anomaly_years_min"])
    found = anomalies(series, years_min=need)
    flat = found.to_dataframe().reset_index()
    seen = series.to_series().reindex(pd.MultiIndex.from_frame(flat[["time", "subject"]])).notna().to_numpy()
    flat = flat[seen]
    why = np.where(
        flat["n_years"] < need,
        [f"withheld: {n:.0f} earlier years, at least {need} needed" for n in flat["n_years"]],
        np.where(flat["z"].isna(), "withheld: earlier years never differed", ""),
    )
    told = [f"difference {d:+.3f}, {p:+.1f} %" for d, p in zip(flat["difference"], flat["percent"], strict=True)]
    return rows_of(
        flat.assign(
            value=flat["z"].astype(float), n_valid=flat["n_years"], n_expected=flat["n_years"].clip(lower=need)
        ),
        indicator="ecology.ndvi_anomaly",
        period=SEASON,
        unit="1",
        detail=[reason or text for reason, text in zip(why, told, strict=True)],
    )


@indicator(
    "ecology.ndvi_trend",
    name_zh="植被指数趋势",
    name_en="NDVI trend",
    unit="1/a",
    periods=(YEAR,),
    subject="township, ecosystem type, protected zone, control unit",
    formula="Sen slope of quarterly NDVI up to the year, quarters compared with quarters (seasonal Mann-Kendall)",
    completeness="at least trend_years_min quarters",
    standard="own definition",
    source="Sen 1968 doi:10.1080/01621459.1968.10480934; Hirsch et al. 1982 doi:10.1029/WR018i001p00107",
    confidence="confirmed",
    takes="history",
    parameters=("ecology.ndvi",),
)
def ndvi_trend(rows: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Slope of NDVI (1/a) of each zone over all quarters up to the end of each year, with the p of its test."""
    series = _series(rows)
    if not series.size:
        return TABLES["periods"].frame()
    local = pd.DatetimeIndex(series["time"].values).tz_localize("UTC").tz_convert(LOCAL)
    need = int(limits["trend_years_min"])
    parts = []
    for year in sorted(set(local.year)):
        upto = np.flatnonzero(local.year <= year)
        found = trend(series.isel(time=upto), n_min=need, seasons=np.asarray(local.month)[upto])
        flat = found.to_dataframe().reset_index()
        start = pd.Timestamp(year=year, month=1, day=1, tz=LOCAL).tz_convert("UTC").tz_localize(None)
        parts.append(flat.assign(time=start))
    flat = pd.concat(parts, ignore_index=True)
    verdict = np.where(flat["p"] > limits["trend_p_max"], "no trend", np.where(flat["slope"] > 0, "rising", "falling"))
    detail = [
        f"withheld: {n:.0f} quarters, at least {need} needed"
        if np.isnan(slope)
        else f"{word}, p {p:.3f}, n {n:.0f}, tau {tau:+.2f}"
        for slope, p, tau, n, word in zip(flat["slope"], flat["p"], flat["tau"], flat["n"], verdict, strict=True)
    ]
    return rows_of(
        flat.assign(value=flat["slope"], n_valid=flat["n"], n_expected=flat["n"].clip(lower=need)),
        indicator="ecology.ndvi_trend",
        period=YEAR,
        unit="1/a",
        detail=detail,
    )


def _series(rows: pd.DataFrame) -> xr.DataArray:
    """Values (time, subject) of the quarters, times in UTC without zone."""
    quarters = rows[(rows["indicator"] == "ecology.ndvi") & (rows["period"] == SEASON)]
    table = quarters.pivot_table(index="time", columns="subject", values="value", aggfunc="first", dropna=False)
    times = pd.DatetimeIndex(table.index).tz_convert("UTC").tz_localize(None)
    return xr.DataArray(
        table.to_numpy(dtype=float),
        dims=("time", "subject"),
        coords={"time": times.values.astype("datetime64[ns]"), "subject": table.columns.to_numpy(dtype=object)},
        name="value",
    )


def rows_of(
    flat: pd.DataFrame, *, indicator: str, period: str, unit: str, detail: list[str], edition: str = EDITION
) -> pd.DataFrame:
    """Rows of `periods`, formed as `indicators`, from subject, time (UTC, no zone), value, n_valid and n_expected."""
    return TABLES["periods"].frame(
        pd.DataFrame(
            {
                "indicator": indicator,
                "medium": "ecology",
                "subject": flat["subject"].astype("str").to_numpy(),
                "time": pd.DatetimeIndex(flat["time"]).tz_localize("UTC"),
                "period": period,
                "value": flat["value"].to_numpy(float),
                "unit": unit,
                "grade": "",
                "n_valid": flat["n_valid"].to_numpy().astype(np.int32),
                "n_expected": flat["n_expected"].to_numpy().astype(np.int32),
                "flag": np.where(flat["value"].isna(), Flag.MISSING, Flag.PASS),
                "detail": detail,
                "edition": edition,
            }
        )
    )
