"""Archives of past years in the forms of the products that bureaus download: what a whole account needs of the sky.

`write(out, registry, land, years=..., seed=...)` writes below `out`/archives

    rain/chirps-v2.0.<year>.<month>.<day>.tif       daily rain, 0.05 degrees, mm, -9999 for no data (as CHIRPS)
    soil/{sand,silt,clay,soc}_0-5cm_mean.tif        g/kg and dg/kg, -32768 for no data (as SoilGrids 2.0)
    grids/<product>_<year>.tif      evapotranspiration-annual (mm), npp-annual and soil-respiration-annual (kg C m-2),
                                    vegetation-cover-annual (%), landcover (codes), and what wind erosion asks for

Levels by surface (tables/annual.csv) are typical, not measured; the same arguments give the same bytes.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from affine import Affine
from pyproj import Transformer

from domain.catalogue import read_table
from domain.registry import Registry
from sample_feeds.grids import Codes, Field, Grid, noise, parcels
from sample_feeds.landscape import DRYLAND, INDUSTRY, ORCHARD, PADDY, RESIDENTIAL, SHRUB, Landscape
from sample_feeds.rain_years import field, rain_of
from sample_feeds.streams import stream
from sample_feeds.weather import TABLES

RAIN_DEG, NODATA = 0.05, -9999.0
#: Cells of the 60 m land in a cell of the products of 250 m and of 500 m.
_MIDDLE, _COARSE = 4, 10
_SOIL_NODATA = -32768
#: A humid valley: the weather factor of wind erosion is a few parts in a thousand of that of a dry steppe.
_WIND = {"wind-factor-annual": 0.8, "erodible-fraction": 0.41, "crust-factor": 0.17, "roughness-factor": 0.62}
#: Parcels that became town or orchard in the year before the present land, and in the one before that.
_BUILT, _PLANTED = (2.2, 1.9), (-2.3, -2.0)


def write(out: Path, registry: Registry, land: Landscape, *, years: Sequence[int], seed: int) -> int:
    """Write the archives of whole years, the last of them the year before the land is as it is.

    Returns:
        how many files there are.
    """
    root = out / "archives"
    _soil(root / "soil", land, seed)
    for ago, year in enumerate(sorted(years, reverse=True)):
        cover = earlier(land, seed, ago)
        _write(root / f"grids/landcover_{year}.tif", cover, land.grid, 0)
        _products(root / "grids", cover, land.grid, year, seed)
        _rain(root / "rain", registry, land, year, seed)
    return sum(1 for path in root.rglob("*.tif"))


def earlier(land: Landscape, seed: int, ago: int) -> Codes:
    """The land cover of `ago` years (0 or 1) before the last archived one: less town, fewer orchards."""
    field_, cover = parcels(stream(seed, "land use"), land.grid, 300), land.cover.copy()
    built = np.isin(cover, (RESIDENTIAL, INDUSTRY)) & (field_ > _BUILT[min(ago, 1)])
    cover[built] = PADDY
    cover[(cover == ORCHARD) & (field_ < _PLANTED[min(ago, 1)])] = SHRUB
    cover[(cover == DRYLAND) & (field_ > _BUILT[min(ago, 1)] + 0.3)] = SHRUB
    return cover


def _products(folder: Path, cover: Codes, grid: Grid, year: int, seed: int) -> None:
    year_factor = 1 + 0.02 * stream(seed, "growth", year).standard_normal()
    for name, product, spread, cells, decimals in (
        ("npp_kg_c", "npp-annual", 0.06, _COARSE, 4),
        ("respiration_kg_c", "soil-respiration-annual", 0.06, _COARSE, 4),
        ("et_mm", "evapotranspiration-annual", 0.05, _COARSE, 1),
        ("cover_pct", "vegetation-cover-annual", 0.04, _MIDDLE, 0),
    ):
        patchy = year_factor * (1 + spread * noise(stream(seed, name, year), grid, 3000))
        values = np.clip(_coarse(_by_surface(name, cover) * patchy, cells), 0, 100 if name == "cover_pct" else None)
        _write(folder / f"{product}_{year}.tif", np.round(values, decimals), grid.coarse(cells), NODATA)
    for product, level in _WIND.items():
        field_ = level * (1 + 0.05 * noise(stream(seed, product), grid.coarse(_COARSE), 8000))
        _write(folder / f"{product}_{year}.tif", np.round(field_, 4), grid.coarse(_COARSE), NODATA)


def _soil(folder: Path, land: Landscape, seed: int) -> None:
    """Red and yellow soils: more sand on steep ground, more carbon under forest."""
    grid = land.grid
    sand = 36 + 0.25 * land.slope + 5 * noise(stream(seed, "sand"), grid, 4000)
    clay = 29 - 0.15 * land.slope + 4 * noise(stream(seed, "clay"), grid, 5000)
    carbon = 1.2 + 0.013 * _by_surface("cover_pct", land.cover) + 0.25 * noise(stream(seed, "carbon"), grid, 3000)
    sand, clay = np.clip(sand, 15, 65), np.clip(clay, 12, 50)
    stored = {"sand": 10 * sand, "clay": 10 * clay, "silt": 1000 - 10 * sand - 10 * clay, "soc": 100 * carbon}
    for name, values in stored.items():
        cells = np.round(_coarse(values, _MIDDLE)).astype(np.int16)
        _write(folder / f"{name}_0-5cm_mean.tif", cells, grid.coarse(_MIDDLE), _SOIL_NODATA)


def _rain(folder: Path, registry: Registry, land: Landscape, year: int, seed: int) -> None:
    west, south, east, north = registry.county["bbox"]
    left, top = (np.floor(west / RAIN_DEG) - 2) * RAIN_DEG, (np.ceil(north / RAIN_DEG) + 2) * RAIN_DEG
    width, height = (round(v / RAIN_DEG) + 3 for v in (east - left, top - south))
    grid = Grid(4326, Affine(RAIN_DEG, 0, left, 0, -RAIN_DEG, top), height, width)
    heights = _heights(land, grid)
    for day, county_mm in rain_of(year, seed):
        _write(folder / f"chirps-v2.0.{day:%Y.%m.%d}.tif", field(day, county_mm, grid, heights, seed), grid, NODATA)


def _heights(land: Landscape, grid: Grid) -> Field:
    """Heights of the land in the middles of other cells; beyond it those of its edge."""
    to = Transformer.from_crs(grid.epsg, land.grid.epsg, always_xy=True)
    x, y = to.transform(*np.meshgrid(grid.x, grid.y))
    rows = ((land.grid.transform.f - y) // land.grid.resolution).astype(int)
    columns = ((x - land.grid.transform.c) // land.grid.resolution).astype(int)
    inside = np.clip(rows, 0, land.grid.height - 1), np.clip(columns, 0, land.grid.width - 1)
    return np.asarray(land.elevation[inside], dtype=np.float32)


def _by_surface(name: str, cover: Codes) -> Field:
    table = _levels()
    codes, index = np.unique(cover, return_inverse=True)
    return np.asarray(table[name].reindex(codes).to_numpy(dtype=np.float32)[index.reshape(cover.shape)])


def _coarse(values: np.ndarray, cells: int) -> Field:
    """Means of squares of cells."""
    height, width = (n // cells for n in values.shape)
    return np.asarray(values.reshape(height, cells, width, cells).mean(axis=(1, 3)), dtype=np.float32)


@cache
def _levels() -> pd.DataFrame:
    numbers = ["et_mm", "npp_kg_c", "respiration_kg_c", "cover_pct"]
    frame = read_table(TABLES / "annual.csv", columns=["surface", *numbers, "note"], key=["surface"])
    frame.index = pd.Index(frame["surface"].astype(int))
    return frame[numbers].astype(float)


def _write(path: Path, values: np.ndarray, grid: Grid, nodata: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=values.dtype,
        count=1,
        height=grid.height,
        width=grid.width,
        crs=f"EPSG:{grid.epsg}",
        transform=grid.transform,
        nodata=nodata,
        compress="DEFLATE",
    ) as target:
        target.write(values, 1)
