"""The shell of rasters for accounts: terrain, soil, rain and growth of a year -> rows of gep_inputs by class.

Which collection gives which layer is gep_layers.csv; of several that give one, the first that has it. A layer that is
not there is simply not given: the account says what it lacks. Erosivity and storm rain need every day of the year; with
a day missing they are not given either.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
import xarray as xr

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import FeedCorrupt
from domain.imagery import product_of
from domain.times import local_day
from processing.gep.formulas.soil_factors import erosive_power, k_epic, k_factor
from processing.gep.land import digest
from processing.gep.rasters import MEANS, NOTHING, SUMS, Reduction, Variant
from processing.gep.terrain import slope_degrees, slope_length
from processing.gep.values import Values, lineage, of_landcover
from processing.imagery.grid import Grid, onto
from processing.imagery.physical import physical
from store.home import Home
from store.scenes import read_band

#: Sums daily grids on the county grid (given by the shell of inputs, which knows how).
Summed = Callable[[list[xr.DataArray]], np.ndarray]
_HEAD = "collection band layer factor every resolution_m name_zh name_en where_zh where_en source"
#: A scene that cannot be read, and why.
Unreadable = tuple[dict[str, object], str]
#: Texture and organic carbon of the soil, in the order of `k_epic`: what a map of erodibility is made from.
TEXTURE = ("sand_pct", "silt_pct", "clay_pct", "organic_carbon_pct")


@dataclass(frozen=True)
class Layers:
    """Layers of a year on the county grid.

    Args:
        values: by the names of `rasters`.
        told: what they were made from, by layer.
        unreadable: scenes that cannot be read, and why.
    """

    values: dict[str, np.ndarray]
    told: dict[str, str] = field(default_factory=dict)
    unreadable: tuple[Unreadable, ...] = ()


@cache
def layer_table() -> pd.DataFrame:
    """gep_layers.csv: collection, band, layer, factor, every (once, year), resolution_m, names and where to get it.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    return read_table(TABLES_DIR / "gep_layers.csv", columns=_HEAD.split(), key=["collection", "layer"])


def class_rows(
    cover: np.ndarray,
    zones: np.ndarray,
    ids: tuple[str, ...],
    grid: Grid,
    layers: Mapping[str, np.ndarray],
    source: str,
    told: Mapping[str, str] = NOTHING,
) -> list[dict[str, object]]:
    """Rows of gep_inputs by township and class of the map: areas, and what the layers give.

    Args:
        cover: land-cover codes on the grid.
        zones: township number 1..n of each cell, 0 outside.
        ids: the townships.
        grid: the county grid.
        layers: on the grid, names as in `rasters`.
        source: what the map was made from.
        told: what each layer was made from.
    """
    kinds = tuple(of_landcover().values())
    number = np.zeros(int(cover.max(initial=0)) + 1, dtype=np.uint8)
    for n, code in enumerate(of_landcover(), start=1):
        if code < len(number):
            number[code] = n
    reduction = Reduction(ids, kinds, grid.cell_ha * 1e4, Variant(), _by_cover(kinds))
    reduction.add({"zone": zones, "ecosystem": number[cover], **layers})
    return reduction.rows(source, told)


def _by_cover(kinds: tuple[str, ...]) -> frozenset[str]:
    """The classes whose cover factor depends on cover, by HJ 1173-2021 table A.1."""
    rows = Values({"cover_factor": ("hj1173-2021",)}, "", 9999).rows("cover_factor")
    steps = {row.ecosystem for row in rows if row.item.startswith("c")}
    return frozenset(kind for kind in kinds if steps & set(lineage(kind)))


def layers_of(
    home: Home, grid: Grid, year: int, rain: Mapping[str, xr.DataArray], n_days: int, summed: Summed
) -> Layers:
    """The layers of a year on the county grid, and what they were made from.

    Args:
        home: the deployment.
        grid: the county grid.
        year: the year.
        rain: its daily grids by day, mm.
        n_days: days of the year.
        summed: sums daily grids on the county grid.
    """
    stored = _stored(home, grid, year)
    out, told = dict(stored.values), dict(stored.told)
    if len(rain) == n_days:
        of_rain = _of_rain(rain, summed)
        out |= of_rain
        told |= dict.fromkeys(of_rain, rain_source(rain))
    if "dem" in out:
        limit = _setting("slope_length_max_m", "start")
        out["slope_deg"] = slope_degrees(out["dem"], grid.resolution)
        out["slope_length_m"] = slope_length(out["dem"], grid.resolution, limit_m=limit)
        told |= dict.fromkeys(("slope_deg", "slope_length_m"), told["dem"])
    if "erodibility" not in out and all(name in out for name in TEXTURE):
        out["erodibility"] = k_epic(*(out[name] for name in TEXTURE))
        scenes = ", ".join(dict.fromkeys(told[name].rpartition(" ")[0] for name in TEXTURE))
        told["erodibility"] = f"K of EPIC of {scenes} sha256:{digest(out[name] for name in TEXTURE)}"
    if "erodibility" in out:
        out["erodibility"] = k_factor(out["erodibility"], Variant().k_factor)
    return Layers({n: v for n, v in out.items() if n in _USED}, told, stored.unreadable)


def rain_source(rain: Mapping[str, xr.DataArray]) -> str:
    """What is told of daily grids of rain."""
    return f"rainfall-daily, {len(rain)} grids, sha256:{digest(grid.values for grid in rain.values())}"


_USED = {*MEANS, *SUMS, "erosivity", "erodibility", "slope_deg", "slope_length_m"}


def _stored(home: Home, grid: Grid, year: int) -> Layers:
    """Every stored raster of gep_layers.csv: the items of the newest year that is not later, as tiles of one map."""
    values: dict[str, np.ndarray] = {}
    told: dict[str, str] = {}
    unreadable: list[Unreadable] = []
    for row in layer_table().to_dict("records"):
        if row["layer"] in values:
            continue
        items = home.lake.read("scenes", where={"collection": [row["collection"]]})
        years = local_day(items["datetime"]).str[:4].astype(int) if len(items) else pd.Series([], dtype=int)
        fitting = years[years == year] if row["every"] == "year" else years[years <= year]
        tiles = items.loc[fitting.index[fitting == fitting.max()]].sort_values("id", ascending=False)
        whole, used = _map(home, grid, tiles, row["band"], unreadable)
        if used:
            values[row["layer"]] = whole * float(row["factor"])
            told[row["layer"]] = f"{' + '.join(used)} sha256:{digest([whole])}"
    return Layers(values, told, tuple(unreadable))


def _map(
    home: Home, grid: Grid, tiles: pd.DataFrame, band: str, unreadable: list[Unreadable]
) -> tuple[np.ndarray, list[str]]:
    """A band on the county grid from tiles, each filling what those before it left open, and the tiles that were used.

    What cannot be read is added to `unreadable`.
    """
    whole, used = np.full(grid.shape, np.nan), list[str]()
    for record in tiles.to_dict("records"):
        tile = {str(k): v for k, v in record.items()}
        gaps = np.isnan(whole)
        if not gaps.any():
            break
        try:
            part = _values(home, grid, tile, band)
        except FeedCorrupt as error:
            unreadable.append((tile, str(error)))
            continue
        if np.isfinite(part[gaps]).any():
            whole = np.where(gaps, part, whole)
            used.append(str(tile["id"]))
    return whole, used


def _values(home: Home, grid: Grid, scene: Mapping[str, object], band: str) -> np.ndarray:
    """A band of a scene as its quantity on the county grid (y, x), NaN where it is not known."""
    cells = physical(product_of(str(scene["collection"])), band, read_band(home.files, scene, band))
    cells = cells.astype(np.float64).assign_attrs(nodata=None)
    return onto(cells, grid, how="bilinear", name=str(scene["id"])).values


def _of_rain(rain: Mapping[str, xr.DataArray], summed: Summed) -> dict[str, np.ndarray]:
    """Erosivity of the year and rain of its storms, from every day's grid."""
    erosive, storm = _setting("erosive_day_mm", "zhang-2002"), _setting("storm_day_mm", "meteorology")
    power = [g.copy(data=erosive_power(g.values, int(day[5:7]), erosive)) for day, g in rain.items()]
    storms = [g.copy(data=np.where(g.values >= storm, g.values, g.values * 0.0)) for g in rain.values()]
    return {"erosivity": summed(power), "storm_rain_mm": summed(storms)}


def _setting(parameter: str, chosen: str) -> float:
    return Values({parameter: (chosen,)}, "", 9999).rows(parameter)[0].value
