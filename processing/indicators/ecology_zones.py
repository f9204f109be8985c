"""Means of the sky eye's layers by zone: township, ecosystem type, protected zone and control unit.

One function for every kind of zone. Too little seen means no number: the value is NaN and `detail` says why. How a cell
belongs to a zone is a column of zone_layers.csv and part of the detail of each row. Subjects of further kinds carry the
kind before the id (`protected/<id>`, `control/<id>`, `ecosystem/<type>`), so that they never meet those of townships.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.records import TABLES, Flag
from domain.times import DAY, MONTH, SEASON
from domain.zones import Zones, zone_layers
from processing.imagery import zonal
from processing.imagery.cells import Cells, Rule, cells_labelled, cells_of
from processing.imagery.grid import Grid
from processing.imagery.scene import DayView, outputs
from processing.registered import indicator

EDITION = "Sentinel-2 L2A; imagery_thresholds.csv"
SUBJECT = "township, ecosystem type, protected zone, control unit"
COMPLETENESS = "share of clear cells at least zonal_share_min"
#: What stands before an ecosystem where subjects of all kinds meet.
_ECOSYSTEM = "ecosystem/"
#: A kind of zones: its name, the subjects in the order of the zones, and their cells.
Kind = tuple[str, tuple[str, ...], Cells]


@indicator(
    "ecology.ndvi",
    name_zh="归一化植被指数",
    name_en="NDVI",
    unit="1",
    periods=(DAY, MONTH, SEASON),
    subject=SUBJECT,
    formula="mean of (NIR - red) / (NIR + red) over clear cells",
    completeness=COMPLETENESS,
    standard="own definition",
    source="Rouse et al. 1974, NASA SP-351; zonal rule of zone_layers.csv",
    confidence="confirmed",
    takes="scene",
    parameters=("B04", "B08", "SCL"),
)
@indicator(
    "ecology.fvc",
    name_zh="植被覆盖度",
    name_en="fractional vegetation cover",
    unit="1",
    periods=(DAY, MONTH, SEASON),
    subject=SUBJECT,
    formula="mean of (NDVI - soil) / (vegetation - soil), clipped to 0..1, over clear cells",
    completeness=COMPLETENESS,
    standard="own definition",
    source="Gutman and Ignatov 1998 doi:10.1080/014311698215333; soil and vegetation from imagery_thresholds.csv",
    confidence="partly confirmed",
    takes="scene",
    parameters=("B04", "B08", "SCL"),
)
@indicator(
    "ecology.evi",
    name_zh="增强型植被指数",
    name_en="EVI",
    unit="1",
    periods=(DAY,),
    subject=SUBJECT,
    formula="mean of g (NIR - red) / (NIR + C1 red - C2 blue + L) over clear cells",
    completeness=COMPLETENESS,
    standard="own definition",
    source="Huete et al. 2002 doi:10.1016/S0034-4257(02)00096-2; coefficients from imagery_coefficients.csv",
    confidence="confirmed",
    takes="scene",
    parameters=("B02", "B04", "B08", "SCL"),
)
@indicator(
    "ecology.kndvi",
    name_zh="核归一化植被指数",
    name_en="kernel NDVI",
    unit="1",
    periods=(DAY,),
    subject=SUBJECT,
    formula="mean of tanh(NDVI^2) over clear cells",
    completeness=COMPLETENESS,
    standard="own definition",
    source="Camps-Valls et al. 2021 doi:10.1126/sciadv.abc7447",
    confidence="confirmed",
    takes="scene",
    parameters=("B04", "B08", "SCL"),
)
@indicator(
    "ecology.mndwi",
    name_zh="改进归一化水体指数",
    name_en="MNDWI",
    unit="1",
    periods=(DAY,),
    subject="township",
    formula="mean of (green - SWIR1) / (green + SWIR1) over clear cells",
    completeness=COMPLETENESS,
    standard="own definition",
    source="Xu 2006 doi:10.1080/01431160600589179; zonal rule of zone_layers.csv",
    confidence="confirmed",
    takes="scene",
    parameters=("B03", "B11", "SCL"),
)
@indicator(
    "ecology.ndmi",
    name_zh="归一化湿度指数",
    name_en="NDMI",
    unit="1",
    periods=(DAY,),
    subject=SUBJECT,
    formula="mean of (NIR - SWIR1) / (NIR + SWIR1) over clear cells",
    completeness=COMPLETENESS,
    standard="own definition",
    source="Gao 1996 doi:10.1016/S0034-4257(96)00067-3; zonal rule of zone_layers.csv",
    confidence="confirmed",
    takes="scene",
    parameters=("B08", "B11", "SCL"),
)
def zone_means(view: DayView) -> pd.DataFrame:
    """Mean NDVI, FVC, EVI, kNDVI, MNDWI and NDMI (1) of each zone over its clear cells."""
    layers = {name: lambda name=name: view.layers[name].values for name in outputs() if name in view.layers}
    kinds = list(zone_cells(view.zones, view.grid, view.cover))
    return means_of(
        layers, kinds, view.limits, cell_ha=view.grid.cell_ha, time=view.time, period=DAY, note=view.note
    )  # fmt: skip


def zone_cells(zones: Mapping[str, Zones], grid: Grid, cover: np.ndarray | None) -> Iterator[Kind]:
    """The kinds of zones of a county: name, subjects in the order of the zones, and their cells on a grid.

    Args:
        zones: layer of zone_layers.csv -> zones; townships among them.
        grid: the grid.
        cover: codes of landcover.csv on it; None: there are no ecosystems.
    """
    for name, found in zones.items():
        layer = zone_layers()[name]
        rule: Rule = "fraction" if layer.rule == "fraction" else "centre"
        yield name, tuple(layer.subject + key for key in found.ids), cells_of(found, grid, rule)
    if cover is not None:
        types, of_code = ecosystems()
        inside = zonal.zone_raster(zones["townships"], grid) > 0
        cells = cells_labelled(cover, len(types), lambda rows: np.where(inside[rows], of_code[cover[rows]], 0))
        yield "ecosystems", tuple(_ECOSYSTEM + name for name in types), cells


def means_of(
    layers: Mapping[str, Callable[[], np.ndarray]],
    kinds: Sequence[Kind],
    limits: Mapping[str, float],
    *,
    cell_ha: float,
    time: datetime,
    period: str,
    note: str,
) -> pd.DataFrame:
    """Rows of an indicator table: the mean of each layer by every kind of zone that imagery_outputs.csv names for it.

    Args:
        layers: name -> what gives its cells of the grid, NaN where missing; one is in memory at a time.
        kinds: from `zone_cells`.
        limits: imagery thresholds (zonal_share_min).
        cell_ha: area of a cell, ha.
        time: start of the period, UTC.
        period: ISO 8601 duration.
        note: what the layers were made from, for the detail of every row.
    """
    known = {name: (subjects, cells) for name, subjects, cells in kinds}
    parts = [TABLES["indicators"].frame()]
    for layer, read in layers.items():
        named = [kind for kind in outputs()[layer].zones if kind in known]
        values = read() if named else np.zeros(0)
        for kind in named:
            subjects, cells = known[kind]
            found = zonal.statistics(values, cells, cell_ha=cell_ha, bits=outputs()[layer].bits)
            rows = _rows(found, subjects, limits["zonal_share_min"], note)
            parts.append(rows.assign(indicator=f"ecology.{layer}", time=pd.Timestamp(time), period=period))
    return TABLES["indicators"].frame(pd.concat(parts, ignore_index=True))


@lru_cache
def ecosystems() -> tuple[tuple[str, ...], np.ndarray]:
    """The ecosystem types of landcover.csv, and the number (1 = first) of every land-cover code; 0 for unknown ones."""
    path = TABLES_DIR / "landcover.csv"
    frame = read_table(path, columns=["code", "name_zh", "name_en", "ecosystem", "source"], key=["code"])
    types = tuple(dict.fromkeys(frame["ecosystem"]))
    of_code = np.zeros(65536, dtype=np.int32)
    of_code[frame["code"].astype(int)] = [types.index(name) + 1 for name in frame["ecosystem"]]
    return types, of_code


def _rows(found: pd.DataFrame, subjects: tuple[str, ...], need: float, note: str) -> pd.DataFrame:
    little = ((found["share"] < need) | (found["n_valid"] == 0)).to_numpy()
    why = [f"withheld: {share:.0%} of cells usable, at least {need:.0%} needed; " for share in found["share"]]
    return pd.DataFrame(
        {
            "medium": "ecology",
            "subject": list(subjects),
            "value": np.where(little, np.nan, found["mean"]),
            "unit": "1",
            "grade": "",
            "n_valid": np.rint(found["n_valid"]).astype(np.int32),
            "n_expected": np.rint(found["n_expected"]).astype(np.int32),
            "flag": np.where(little, Flag.MISSING, Flag.PASS),
            "detail": [
                f"{reason if few else ''}rule {rule}; {note}"
                for reason, few, rule in zip(why, little, found["rule"], strict=True)
            ],
            "edition": EDITION,
        }
    )
