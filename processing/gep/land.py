"""The land-cover map of a year on the county grid, and how files of scenes are found and told apart."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from domain.times import local_day
from processing.gep import inputs
from processing.gep.inputs import Extent
from processing.imagery.grid import Grid, onto
from processing.imagery.zonal import zone_raster
from store.home import Home


@dataclass(frozen=True)
class Map:
    """The land-cover map of a year: ecosystems by township, codes and townships on the county grid."""

    extent: Extent
    cover: np.ndarray
    zones: np.ndarray
    source: str


def map_of(home: Home, grid: Grid, year: int) -> Map | None:
    """The map of the year, else the newest before it, else the oldest after it; None without any.

    Raises:
        CatalogueError: the map holds classes that landcover.csv does not know; each with its area.
        FeedCorrupt: the map cannot be read.
    """
    maps = home.lake.read("scenes", where={"collection": ["landcover"]})
    if maps.empty:
        return None
    maps = maps.assign(year=local_day(maps["datetime"]).str[:4].astype(int)).sort_values(["year", "id"])
    earlier = maps[maps["year"] <= year]
    chosen = (earlier.iloc[-1] if len(earlier) else maps.iloc[0]).to_dict()
    data = home.files.read_raster(href(chosen))
    cover = onto(data, grid, how="nearest", name=str(chosen["id"])).values
    source = f"{chosen['id']} of {chosen['year']} sha256:{digest([data.values])}; landcover.csv"
    zones = zone_raster(home.registry.townships, grid)
    ids = home.registry.townships.ids
    of = inputs.extent(cover, zones, ids, cell_ha=grid.cell_ha, source=str(chosen["id"]))
    return Map(of, cover, zones, source)


def href(scene: Mapping[str, object]) -> str:
    """The file of a scene: its asset `data`, or the only one it has."""
    assets = json.loads(str(scene["assets"]))
    return str(assets.get("data") or next(iter(assets.values())))


def digest(parts: Iterable[bytes | np.ndarray]) -> str:
    """Sixteen digits that tell contents apart; arrays by the bytes of their numbers."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).data)
    return total.hexdigest()[:16]
