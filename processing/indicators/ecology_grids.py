"""What other satellites say of each zone and day: NO2 (Sentinel-5P), surface temperature (Landsat), greenness (Gaofen).

Cells of NO2 are larger than many townships, so cells count by the share a zone has of them (cell fraction). Days
without a value are rows too, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from domain.records import TABLES, Flag
from domain.registry import Zones
from domain.times import DAY, day_start
from domain.zones import zone_layers
from processing.imagery import zonal
from processing.imagery.cells import cells_of
from processing.imagery.grid import Grid
from processing.registered import indicator

UNITS = {"no2": "umol/m2", "lst": "degC", "ndvi_gf": "1"}
_EDITIONS = {
    "no2": "Sentinel-5P NO2; sky_settings.csv",
    "lst": "Landsat Collection 2 Level 2; imagery_thresholds.csv",
    "ndvi_gf": "GF-1, GF-6 WFV; sky_gains.csv, imagery_thresholds.csv",
}
_SUBJECT = "township, protected zone, control unit"
_COMPLETE = "share of the zone seen at least zonal_share_min"


@dataclass(frozen=True)
class GridDay:
    """One quantity over the county on one day."""

    layer: str  # of UNITS
    day: date
    grid: Grid
    values: np.ndarray  # of the grid's shape in the unit of UNITS, NaN where missing
    zones: Mapping[str, Zones]
    limits: Mapping[str, float]
    note: str


@indicator(
    "ecology.no2",
    name_zh="二氧化氮柱浓度",
    name_en="NO2 tropospheric column",
    unit="umol/m2",
    periods=(DAY,),
    subject=f"{_SUBJECT}, area of a daily series",
    formula="mean of the column over the zone, cells by their share; qa_value above s5p_qa_min",
    completeness=_COMPLETE,
    standard="own definition",
    source="Sentinel-5P L2 NO2 product user manual; the column x 1e6",
    confidence="partly confirmed",
    takes="grids",
    parameters=("nitrogendioxide_tropospheric_column", "qa_value"),
)
@indicator(
    "ecology.lst",
    name_zh="地表温度",
    name_en="land surface temperature",
    unit="degC",
    periods=(DAY,),
    subject=_SUBJECT,
    formula="mean of the surface temperature of clear cells, cells by their share; at the overpass, about 10:40",
    completeness=_COMPLETE,
    standard="own definition",
    source="Landsat Collection 2 Level 2 surface temperature (USGS); surface, not air",
    confidence="confirmed",
    takes="grids",
    parameters=("lwir11", "qa_pixel"),
)
@indicator(
    "ecology.ndvi_gf",
    name_zh="植被指数（高分）",
    name_en="NDVI (Gaofen)",
    unit="1",
    periods=(DAY,),
    subject=_SUBJECT,
    formula="mean of (nir - red) / (nir + red) of clear cells, cells by their share; of reflectance at the top of the"
    " atmosphere where the file is not corrected, so lower than ecology.ndvi",
    completeness=_COMPLETE,
    standard="own definition",
    source="Rouse et al. 1974; clouds and shadows by brightness, as in Li et al. 2017",
    confidence="unconfirmed",
    takes="grids",
    parameters=("blue", "green", "red", "nir"),
)
def grid_means(found: GridDay) -> pd.DataFrame:
    """Mean of the quantity (see UNITS) of each zone on a day."""
    need, parts = found.limits["zonal_share_min"], []
    for name, zones in found.zones.items():
        if name == "waters":
            continue
        cells = cells_of(zones, found.grid, "fraction")
        table = zonal.statistics(found.values, cells, cell_ha=found.grid.cell_ha, bits=16)
        little = ((table["share"] < need) | (table["n_valid"] == 0)).to_numpy()
        why = [f"withheld: {s:.0%} of the zone seen, at least {need:.0%} needed; " for s in table["share"]]
        detail = [
            f"{reason if few else ''}rule {rule}; {found.note}"
            for reason, few, rule in zip(why, little, table["rule"], strict=True)
        ]
        rows = pd.DataFrame(
            {
                "subject": [zone_layers()[name].subject + key for key in zones.ids],
                "value": np.where(little, np.nan, table["mean"]),
                # Cells of NO2 are so large that a zone may hold but a part of one; then it counts as one.
                "n_valid": np.ceil(table["n_valid"]).astype(np.int32),
                "n_expected": np.ceil(table["n_expected"]).astype(np.int32),
                "detail": detail,
            }
        )
        parts.append(rows)
    return as_rows(pd.concat(parts, ignore_index=True), found.layer).assign(time=pd.Timestamp(day_start(found.day)))


def series_rows(daily: pd.DataFrame) -> pd.DataFrame:
    """Rows of a daily series of areas (`no2.daily_rows`, mol/m2), missing days with their reason among them."""
    rows = pd.DataFrame(
        {
            "subject": [f"area/{name}" for name in daily["subject"]],
            "time": pd.to_datetime([day_start(day) for day in daily["day"]], utc=True),
            "value": daily["value"].to_numpy() * 1e6,
            "n_valid": daily["value"].notna().astype(int).to_numpy(),
            "n_expected": 1,
            "detail": daily["detail"].to_list(),
        }
    )
    return as_rows(rows, "no2").assign(time=rows["time"])


def as_rows(rows: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Rows of the table `indicators`; `time` is set by the caller where it is one for all."""
    said = {
        "indicator": f"ecology.{layer}", "medium": "ecology", "period": DAY, "unit": UNITS[layer], "grade": "",
        "flag": np.where(rows["value"].isna(), Flag.MISSING, Flag.PASS), "edition": _EDITIONS[layer],
    }  # fmt: skip
    return rows.assign(**said)[[c for c in TABLES["indicators"].columns if c in {*rows.columns, *said}]]
