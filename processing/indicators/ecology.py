"""What the sky eye says of each township and water body on the day of an acquisition.

Every function takes a `DayView` and gives rows of the table `indicators`, one per township or water body. Too little
seen means no number: the value is NaN and `detail` says why. A finding (bloom, clearing) stands even when little was
seen, as a lower bound; only "nothing found" needs enough clear cells.
"""

import numpy as np
import pandas as pd

from domain.records import TABLES, Flag
from domain.times import DAY
from processing.imagery import water, zonal
from processing.imagery.scene import DayView
from processing.imagery.zonal import RULE
from processing.registered import indicator

EDITION = "Sentinel-2 L2A; imagery_thresholds.csv"


@indicator(
    "ecology.bloom_ha",
    name_zh="水华面积",
    name_en="area in bloom",
    unit="ha",
    periods=(DAY,),
    subject="water body",
    formula="area of inner water cells with NDCI >= bloom_ndci_min and FAI >= bloom_fai_min",
    completeness="a bloom stands as seen; none is said only when the share of clear cells is at least bloom_share_min",
    standard="own definition",
    source="Mishra and Mishra 2012 doi:10.1016/j.rse.2011.10.016; Hu 2009 doi:10.1016/j.rse.2009.05.012",
    confidence="partly confirmed",
    takes="scene",
    parameters=("B04", "B05", "B08", "B11", "SCL"),
)
def bloom_ha(view: DayView) -> pd.DataFrame:
    """Hectares in bloom of each water body, over cells off the shore."""
    bodies = zonal.zone_raster(view.waters, view.grid)
    n = len(view.waters.ids)
    inner = water.inner_water(bodies, resolution=view.grid.resolution, shore_buffer_m=view.limits["shore_buffer_m"])
    ndci, fai = view.layers["ndci"].values, view.layers["fai"].values
    seen = np.isfinite(ndci) & np.isfinite(fai)
    found = water.bloom_area(water.bloom(ndci, fai, view.limits), seen, inner, n, cell_ha=view.grid.cell_ha)
    counts = zonal.Zonal(found.area_ha, found.n_valid, found.n_expected)
    narrow = found.n_expected < view.limits["water_cells_min"]
    value, why = _standing(found.area_ha, counts, view.limits["bloom_share_min"])
    value = np.where(narrow, np.nan, value)
    texts = [
        f"withheld: {cells} inner cells, at least {view.limits['water_cells_min']:g} needed; " if is_narrow else reason
        for cells, is_narrow, reason in zip(found.n_expected, narrow, why, strict=True)
    ]
    return _rows(view, "ecology.bloom_ha", view.waters.ids, value, "ha", counts, texts)


@indicator(
    "ecology.cleared_ha",
    name_zh="新增裸露面积",
    name_en="area newly bare",
    unit="ha",
    periods=(DAY,),
    subject="township",
    formula="area of clearings and dumps found since the last clear view of each cell (docs/sky_events.md)",
    completeness="patches stand as seen; none is said only when the share of comparable cells is at least "
    "clearing_share_min",
    standard="own definition",
    source="two-date change with start values of imagery_thresholds.csv; BI of Rikimaru et al. 2002",
    confidence="own definition",
    takes="scene",
    parameters=("B02", "B04", "B08", "B11", "SCL"),
)
def cleared_ha(view: DayView) -> pd.DataFrame:
    """Hectares of each township newly bare since the latest earlier clear view of each cell; water is left out."""
    zones = zonal.zone_raster(view.townships, view.grid)
    land = np.where(zonal.zone_raster(view.waters, view.grid) > 0, 0, zones)
    n = len(view.townships.ids)
    area = zonal.zonal_count(land, n, view.clearing.labels > 0) * view.grid.cell_ha
    counts = zonal.Zonal(area, zonal.zonal_count(land, n, view.clearing.comparable), zonal.zonal_count(land, n))
    value, why = _standing(area, counts, view.limits["clearing_share_min"])
    return _rows(view, "ecology.cleared_ha", view.townships.ids, value, "ha", counts, why)


def _standing(area: np.ndarray, counts: zonal.Zonal, need: float) -> tuple[np.ndarray, list[str]]:
    """A finding stands as a lower bound where little was seen; an absence is then withheld."""
    little = zonal.withheld(counts, need)
    value = np.where(little & (area == 0), np.nan, area)
    texts = []
    for few, has, share in zip(little, area > 0, counts.share, strict=True):
        texts.append("" if not few else "lower bound, little was seen; " if has else _withheld(share, need))
    return value, texts


def _withheld(share: float, need: float) -> str:
    return f"withheld: {share:.0%} of cells usable, at least {need:.0%} needed; "


def _rows(
    view: DayView,
    name: str,
    subjects: tuple[str, ...],
    value: np.ndarray,
    unit: str,
    counts: zonal.Zonal,
    why: list[str],
) -> pd.DataFrame:
    return TABLES["indicators"].frame(
        pd.DataFrame(
            {
                "indicator": name,
                "medium": "ecology",
                "subject": list(subjects),
                "time": pd.Timestamp(view.time),
                "period": DAY,
                "value": value,
                "unit": unit,
                "grade": "",
                "n_valid": counts.n_valid,
                "n_expected": counts.n_expected,
                "flag": np.where(np.isnan(value), Flag.MISSING, Flag.PASS),
                "detail": [f"{reason}rule {RULE}; {view.note}" for reason in why],
                "edition": EDITION,
            }
        )
    )
