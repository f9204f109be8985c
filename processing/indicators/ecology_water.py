"""What the sky eye says of the water of each water body on the day of an acquisition.

Quality is told by inner cells only (wholly water, off the shore). Its values are relative until a line to the stations
was kept (`sanyan sky fit --keep`); the detail of each value says which it is. Too little seen means no number.
"""

import numpy as np
import pandas as pd

from domain.records import TABLES, Flag
from domain.times import DAY
from processing.imagery import products, water, zonal
from processing.imagery.scene import DayView
from processing.imagery.zonal import RULE
from processing.registered import indicator

_QUALITY = {"chla": "mg/m3", "turbidity": "NTU", "spm": "mg/L"}
_COMPLETE = "at least water_cells_min inner cells, and a share of clear ones of at least water_share_min"


@indicator(
    "ecology.chla",
    name_zh="叶绿素a浓度（卫星）",
    name_en="chlorophyll-a from satellite",
    unit="mg/m3",
    periods=(DAY,),
    subject="water body",
    formula="mean of a0 + a1 NDCI + a2 NDCI^2 over clear inner cells; by a line to the stations where one was kept",
    completeness=_COMPLETE,
    standard="own definition",
    source="Mishra and Mishra 2012 doi:10.1016/j.rse.2011.10.016; imagery_coefficients.csv",
    confidence="partly confirmed",
    takes="scene",
    parameters=("B04", "B05", "SCL"),
)
@indicator(
    "ecology.turbidity",
    name_zh="浊度（卫星）",
    name_en="turbidity from satellite",
    unit="NTU",
    periods=(DAY,),
    subject="water body",
    formula="mean of A rho / (1 - rho / C), red below 0.05, NIR above 0.07, over clear inner cells (FNU taken as NTU)",
    completeness=_COMPLETE,
    standard="own definition",
    source="Dogliotti et al. 2015 doi:10.1016/j.rse.2014.09.020; imagery_coefficients.csv",
    confidence="partly confirmed",
    takes="scene",
    parameters=("B04", "B8A", "SCL"),
)
@indicator(
    "ecology.spm",
    name_zh="悬浮物浓度（卫星）",
    name_en="suspended matter from satellite",
    unit="mg/L",
    periods=(DAY,),
    subject="water body",
    formula="mean of A rho / (1 - rho / C) of red over clear inner cells",
    completeness=_COMPLETE,
    standard="own definition",
    source="Nechad et al. 2010 doi:10.1016/j.rse.2009.11.022; imagery_coefficients.csv",
    confidence="unconfirmed",
    takes="scene",
    parameters=("B04", "SCL"),
)
def water_quality(view: DayView) -> pd.DataFrame:
    """Chlorophyll-a (mg/m3), turbidity (NTU) and suspended matter (mg/L) of each water body, means of inner cells."""
    inner, n = _inner(view), len(view.waters.ids)
    parts = []
    for name, unit in _QUALITY.items():
        fit = view.fits.get(name)
        layer = view.layers.get(name)
        if fit is not None and layer is not None:
            layer = fit.apply(layer)
        found = zonal.zonal_mean(_values(view, layer), inner, n)
        mark = (
            f"calibrated: {fit.stated()}"
            if fit is not None and fit.kept
            else "relative: no line to the stations is kept"
        )
        value, why = _withheld(view, found, found.mean, view.limits["water_share_min"], absent=layer is None)
        parts.append(_rows(view, f"ecology.{name}", value, unit, found, [f"{text}{mark}; " for text in why]))
    return pd.concat(parts, ignore_index=True)


@indicator(
    "ecology.black_ha",
    name_zh="疑似黑臭水体面积",
    name_en="area of water that looks black and odorous",
    unit="ha",
    periods=(DAY,),
    subject="water body",
    formula="area of clear inner cells with BOI < black_boi_max",
    completeness=_COMPLETE,
    standard="own definition",
    source="BOI on GF-2 in Hebei (geores 78303); start value of imagery_thresholds.csv",
    confidence="unconfirmed",
    takes="scene",
    parameters=("B02", "B03", "B04", "SCL"),
)
def black_ha(view: DayView) -> pd.DataFrame:
    """Hectares of each water body whose colour is that of black-odorous water: a reason to look, never a verdict."""
    inner, n = _inner(view), len(view.waters.ids)
    boi = view.layers.get("boi")
    values = _values(view, boi)
    with np.errstate(invalid="ignore"):
        black = values < view.limits["black_boi_max"]
    area = zonal.zonal_count(inner, n, black) * view.grid.cell_ha
    counts = zonal.Zonal(area, zonal.zonal_count(inner, n, np.isfinite(values)), zonal.zonal_count(inner, n))
    value, why = _withheld(view, counts, area, view.limits["water_share_min"], absent=boi is None)
    return _rows(view, "ecology.black_ha", value, "ha", counts, [f"{text}relative index; " for text in why])


@indicator(
    "ecology.water_ha",
    name_zh="水面面积（卫星）",
    name_en="water surface from satellite",
    unit="ha",
    periods=(DAY,),
    subject="water body",
    formula="share of the clear cells of the mapped water body with MNDWI > water_mndwi_min x its mapped area",
    completeness="share of clear cells at least water_extent_share_min",
    standard="own definition",
    source="Xu 2006 doi:10.1080/01431160600589179; threshold of imagery_thresholds.csv",
    confidence="partly confirmed",
    takes="scene",
    parameters=("B03", "B11", "SCL"),
)
def water_ha(view: DayView) -> pd.DataFrame:
    """Hectares of water within each mapped water body; water beyond the map is not seen here."""
    bodies, n = zonal.zone_raster(view.waters, view.grid), len(view.waters.ids)
    wet = view.layers.get("water")
    share = zonal.zonal_mean(_values(view, wet), bodies, n)
    area = share.mean * share.n_expected * view.grid.cell_ha
    value, why = _withheld(view, share, area, view.limits["water_extent_share_min"], absent=wet is None)
    return _rows(view, "ecology.water_ha", value, "ha", share, why)


def _inner(view: DayView) -> np.ndarray:
    bodies = zonal.zone_raster(view.waters, view.grid)
    return water.inner_water(bodies, resolution=view.grid.resolution, shore_buffer_m=view.limits["shore_buffer_m"])


def _values(view: DayView, layer: object) -> np.ndarray:
    """The cells of a layer; NaN everywhere when the scene had no bands for it."""
    return np.full(view.grid.shape, np.nan, dtype=np.float32) if layer is None else np.asarray(layer)


def _withheld(
    view: DayView, counts: zonal.Zonal, value: np.ndarray, need: float, *, absent: bool
) -> tuple[np.ndarray, list[str]]:
    """Values with NaN where too little was seen, and for each why."""
    fewest = view.limits["water_cells_min"]
    narrow = counts.n_expected < fewest
    little = zonal.withheld(counts, need)
    why = [
        "withheld: the scene has no bands for it; "
        if absent
        else f"withheld: {cells} cells of pure water, at least {fewest:g} needed; "
        if few
        else f"withheld: {share:.0%} of cells usable, at least {need:.0%} needed; "
        if unseen
        else ""
        for cells, few, share, unseen in zip(counts.n_expected, narrow, counts.share, little, strict=True)
    ]
    return np.where(narrow | little, np.nan, value), why


def _rows(view: DayView, name: str, value: np.ndarray, unit: str, counts: zonal.Zonal, why: list[str]) -> pd.DataFrame:
    product = {"ecology.black_ha": "boi", "ecology.water_ha": "water"}.get(name, name.removeprefix("ecology."))
    return TABLES["indicators"].frame(
        pd.DataFrame(
            {
                "indicator": name,
                "medium": "ecology",
                "subject": list(view.waters.ids),
                "time": pd.Timestamp(view.time),
                "period": DAY,
                "value": value,
                "unit": unit,
                "grade": "",
                "n_valid": counts.n_valid,
                "n_expected": counts.n_expected,
                "flag": np.where(np.isnan(value), Flag.MISSING, Flag.PASS),
                "detail": [f"{reason}rule {RULE}; {view.note}" for reason in why],
                "edition": f"{product} {products.version(product)}; imagery_thresholds.csv",
            }
        )
    )
