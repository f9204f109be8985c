"""The shell of rasters for accounts: terrain, soil, rain and growth of a year -> rows of gep_inputs by class.

Which collection gives which layer is gep_layers.csv. A layer that is not there is simply not given: the account says
what it lacks. Erosivity and storm rain need every day of the year; with a day missing they are not given either.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from domain.catalogue import TABLES_DIR, read_table
from domain.times import local_day
from processing.gep.formulas.soil_factors import erosive_power, k_factor
from processing.gep.land import href
from processing.gep.rasters import MEANS, SUMS, Reduction, Variant
from processing.gep.terrain import slope_degrees, slope_length
from processing.gep.values import Values, lineage, of_landcover
from processing.imagery.grid import Grid, onto
from store.home import Home

#: Sums daily grids on the county grid (given by the shell of inputs, which knows how).
Summed = Callable[[list[xr.DataArray]], np.ndarray]
_COLUMNS = ["collection", "layer", "factor", "every", "name_zh", "name_en", "source"]


def class_rows(
    cover: np.ndarray,
    zones: np.ndarray,
    ids: tuple[str, ...],
    grid: Grid,
    layers: Mapping[str, np.ndarray],
    source: str,
) -> list[dict[str, object]]:
    """Rows of gep_inputs by township and class of the map: areas, and what the layers give.

    Args:
        cover: land-cover codes on the grid.
        zones: township number 1..n of each cell, 0 outside.
        ids: the townships.
        grid: the county grid.
        layers: on the grid, names as in `rasters`.
        source: what all this was made from.
    """
    kinds = tuple(of_landcover().values())
    number = np.zeros(int(cover.max(initial=0)) + 1, dtype=np.uint8)
    for n, code in enumerate(of_landcover(), start=1):
        if code < len(number):
            number[code] = n
    reduction = Reduction(ids, kinds, grid.cell_ha * 1e4, Variant(), _by_cover(kinds))
    reduction.add({"zone": zones, "ecosystem": number[cover], **layers})
    return reduction.rows(source)


def _by_cover(kinds: tuple[str, ...]) -> frozenset[str]:
    """The classes whose cover factor depends on cover, by HJ 1173-2021 table A.1."""
    rows = Values({"cover_factor": ("hj1173-2021",)}, "", 9999).rows("cover_factor")
    steps = {row.ecosystem for row in rows if row.item.startswith("c")}
    return frozenset(kind for kind in kinds if steps & set(lineage(kind)))


def layers_of(
    home: Home, grid: Grid, year: int, rain: Mapping[str, xr.DataArray], n_days: int, summed: Summed
) -> tuple[dict[str, np.ndarray], str]:
    """The layers of a year on the county grid, and what they were made from.

    Args:
        home: the deployment.
        grid: the county grid.
        year: the year.
        rain: its daily grids by day, mm.
        n_days: days of the year.
        summed: sums daily grids on the county grid.
    """
    out: dict[str, np.ndarray] = {}
    told: list[str] = []
    for layer, values, name in _stored(home, grid, year):
        out[layer] = values
        told.append(name)
    if len(rain) == n_days:
        out |= _of_rain(rain, summed)
        told.append(f"rainfall-daily of {n_days} days")
    if "dem" in out:
        dem = out.pop("dem")
        limit = _setting("slope_length_max_m", "start")
        out["slope_deg"] = slope_degrees(dem, grid.resolution)
        out["slope_length_m"] = slope_length(dem, grid.resolution, limit_m=limit)
    if "erodibility" in out:
        out["erodibility"] = k_factor(out["erodibility"], Variant().k_factor)
    return {n: v for n, v in out.items() if n in _USED}, "; ".join(told)


_USED = {*MEANS, *SUMS, "erosivity", "erodibility", "slope_deg", "slope_length_m"}


def _stored(home: Home, grid: Grid, year: int) -> list[tuple[str, np.ndarray, str]]:
    """Layer, values and item of every stored raster of gep_layers.csv; the newest item that is not of a later year."""
    frame = read_table(TABLES_DIR / "gep_layers.csv", columns=_COLUMNS, key=["collection"])
    out = []
    for row in frame.to_dict("records"):
        items = home.lake.read("scenes", where={"collection": [row["collection"]]})
        years = local_day(items["datetime"]).str[:4].astype(int) if len(items) else pd.Series([], dtype=int)
        items = items.assign(year=years)
        fitting = items[items["year"] == year] if row["every"] == "year" else items[items["year"] <= year]
        if fitting.empty:
            continue
        chosen = fitting.sort_values(["year", "id"]).iloc[-1]
        values = _values(home, grid, str(chosen["assets"]), str(chosen["id"])) * float(row["factor"])
        out.append((str(row["layer"]), values, str(chosen["id"])))
    return out


def _values(home: Home, grid: Grid, assets: str, name: str) -> np.ndarray:
    data = home.files.read_raster(href({"assets": assets}))
    nodata = data.attrs.get("nodata")
    cells = data.values.astype(np.float64)
    known = data.copy(data=cells if nodata is None else np.where(cells == nodata, np.nan, cells))
    return onto(known.assign_attrs(nodata=None), grid, how="bilinear", name=name).values


def _of_rain(rain: Mapping[str, xr.DataArray], summed: Summed) -> dict[str, np.ndarray]:
    """Erosivity of the year and rain of its storms, from every day's grid."""
    erosive, storm = _setting("erosive_day_mm", "zhang-2002"), _setting("storm_day_mm", "meteorology")
    power = [g.copy(data=erosive_power(g.values, int(day[5:7]), erosive)) for day, g in rain.items()]
    storms = [g.copy(data=np.where(g.values >= storm, g.values, g.values * 0.0)) for g in rain.values()]
    return {"erosivity": summed(power), "storm_rain_mm": summed(storms)}


def _setting(parameter: str, chosen: str) -> float:
    return Values({parameter: (chosen,)}, "", 9999).rows(parameter)[0].value
