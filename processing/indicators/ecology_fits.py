"""What the sky eye says of townships by a fit: the ecological index by its loadings, PM2.5 by a line to the stations.

Every row names the fit it was made by.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from domain.times import DAY, LOCAL, YEAR
from processing.imagery.calibration import Fit
from processing.imagery.rsei import Loadings
from processing.imagery.zonal import RULE, Zonal, withheld
from processing.indicators.ecology_history import rows_of
from processing.registered import indicator

Limits = Mapping[str, float]


@indicator(
    "ecology.rsei",
    name_zh="遥感生态指数",
    name_en="remote sensing ecological index",
    unit="1",
    periods=(YEAR,),
    subject="township",
    formula="mean of PC1 of NDVI, wetness, NDBSI and LST, scaled 0..1 by one fit over all years, water left out",
    completeness="share of land cells seen in the growing season at least zonal_share_min",
    standard="own definition",
    source="Xu 2013, Acta Ecologica Sinica 33, 7853-7862; Landsat C2 L2; bounds of imagery_coefficients.csv",
    confidence="partly confirmed",
    takes="history",
    parameters=("blue", "green", "red", "nir08", "swir16", "swir22", "lwir11"),
)
def rsei_rows(found: Zonal, subjects: Sequence[str], year: int, loadings: Loadings, limits: Limits) -> pd.DataFrame:
    """RSEI (0 poor .. 1 good) of each township in one year, with the version of the loadings it was made by."""
    start = pd.Timestamp(year=year, month=1, day=1, tz=LOCAL).tz_convert("UTC").tz_localize(None)
    signs = "" if loadings.plausible else "; signs of the loadings are not those of the index, do not use it"
    told = f"rule {RULE}; loadings {loadings.version} of {loadings.sensor}, PC1 {loadings.share:.0%} of variance{signs}"
    flat, detail = _by_zone(found, subjects, start, limits["zonal_share_min"], told)
    edition = f"rsei {loadings.version}; imagery_thresholds.csv"
    return rows_of(flat, indicator="ecology.rsei", period=YEAR, unit="1", detail=detail, edition=edition)


@indicator(
    "ecology.pm25",
    name_zh="卫星PM2.5",
    name_en="PM2.5 from satellite",
    unit="ug/m3",
    periods=(DAY,),
    subject="township",
    formula="mean of a + b AOD (1 - RH) over cells with AOD, a and b fitted to the ground stations",
    completeness="a kept line (pm25_pairs_min, pm25_stations_min) and a share of cells with AOD of zonal_share_min",
    standard="own definition",
    source="AOD with humidity correction; line and left-out error in the detail",
    confidence="own definition",
    takes="history",
    parameters=("aod", "humidity", "PM2.5"),
)
def pm25_rows(found: Zonal, subjects: Sequence[str], time: datetime, fit: Fit, limits: Limits) -> pd.DataFrame:
    """PM2.5 (ug/m3) of each township on one day by a line to the stations, which the detail states with its error."""
    start = pd.Timestamp(time).tz_convert("UTC").tz_localize(None)
    told = f"rule {RULE}; {fit.stated()}"
    flat, detail = _by_zone(found, subjects, start, limits["zonal_share_min"], told)
    edition = f"pm25 fit {fit.version}; imagery_thresholds.csv"
    return rows_of(flat, indicator="ecology.pm25", period=DAY, unit="ug/m3", detail=detail, edition=edition)


def _by_zone(
    found: Zonal, subjects: Sequence[str], time: pd.Timestamp, need: float, told: str
) -> tuple[pd.DataFrame, list[str]]:
    """Means with their counts, NaN where too little was seen, and the detail of each."""
    few = withheld(found, need)
    flat = pd.DataFrame(
        {
            "subject": list(subjects),
            "time": time,
            "value": np.where(few, np.nan, found.mean),
            "n_valid": found.n_valid,
            "n_expected": found.n_expected,
        }
    )
    why = [
        f"withheld: {share:.0%} of cells usable, at least {need:.0%} needed; " if little else ""
        for share, little in zip(found.share, few, strict=True)
    ]
    return flat, [reason + told for reason in why]
