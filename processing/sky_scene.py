"""The shell over one scene at its own resolution: files of the lake -> zonal statistics, streamed block by block.

For scenes of any place: zones are the registry's, a GeoJSON file's, or the four quarters of the scene itself. Bands are
read where they lie, so memory does not grow with the scene, and the work may be shared with a dask cluster.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from shapely.geometry import box

from domain import imagery
from domain.errors import FeedCorrupt, StoreError
from domain.zones import Zones, read_zones
from processing.imagery import products, stream, workers
from processing.imagery.cells import Rule
from processing.imagery.grid import WGS84, Grid, moved
from processing.imagery.reflectance import Policy
from processing.imagery.stream import Mapper
from processing.imagery.tables import SENTINEL2
from processing.sky_fvc import limits_of
from store.home import Home
from store.scenes import NOTES, check
from store.windows import reading

#: Word for the quarters of the scene in place of a layer of zones or a file.
QUARTERS = "quarters"


@dataclass(frozen=True, slots=True)
class SceneZones:
    """Statistics of one layer of a scene by zone, and what must be known to use them."""

    table: pd.DataFrame  # zone, name_zh, name_en and the columns of `zonal.table`
    grid: Grid
    note: str  # offset and mask
    statements: tuple[str, ...]  # where item and files disagree


def scene_zones(
    home: Home,
    item: str,
    layer: str,
    zones: str,
    *,
    rule: Rule = "centre",
    mapper: Mapper | None = None,
    policy: Policy = "refuse",
) -> SceneZones:
    """Zonal statistics of a layer over the clear cells of one scene, at the scene's own resolution.

    Args:
        home: memory and registry.
        item: id of a Sentinel-2 scene in the lake.
        layer: a product of imagery_products.csv that is made from its bands.
        zones: a layer of zones of the registry, a GeoJSON file, or "quarters".
        rule: "centre" or "fraction".
        mapper: who computes the blocks; two threads by default.
        policy: what to do when metadata and pixels disagree on the offset.

    Raises:
        StoreError: there is no such scene or layer.
        FeedCorrupt: a band is missing or cannot be read, or the offset cannot be decided.
        CatalogueError: no such layer of zones, and no such file.
    """
    if layer not in products.FROM_BANDS:
        raise StoreError(f"{layer}: no such product; write one of {', '.join(products.FROM_BANDS)}")
    row = _row(home, item)
    keys = imagery.bands_of_assets(SENTINEL2, json.loads(row["assets"]))
    files = {band: _place(home, row, key) for band, key in keys.items()}
    limits, properties = limits_of(home), json.loads(row["properties"])
    bare = stream.job(reading, files, layer, {}, limits=limits, rule=rule)
    chosen = _zones(home, zones, bare.grid)
    work = stream.job(reading, files, layer, {"zones": chosen}, limits=limits, rule=rule)
    found = stream.statistics(work, properties, mapper or workers.threads(2), policy=policy)
    table = found.tables["zones"]
    table.insert(0, "zone", list(chosen.ids))
    table.insert(1, "name_zh", list(chosen.names_zh))
    table.insert(2, "name_en", list(chosen.names_en))
    note = (
        f"{item}: offset {found.offset.value} DN by {found.offset.basis}; "
        f"SCL mask with {limits['cloud_buffer_m']:g} m buffer"
    )
    return SceneZones(table, work.grid, note, tuple(map(str, properties.get(NOTES, ()))))


def _row(home: Home, item: str) -> Mapping[str, Any]:
    found = home.lake.read("scenes", where={"id": [item]})
    if found.empty or imagery.product_of(str(found["collection"].iloc[0])) != SENTINEL2:
        raise StoreError(f"{item}: no Sentinel-2 scene of that id in the lake; ingest it first")
    return {str(key): value for key, value in found.iloc[0].to_dict().items()}


def _place(home: Home, row: Mapping[str, Any], key: str) -> str:
    """The file of an asset, as large as it was when it came.

    Raises:
        FeedCorrupt: it is not.
    """
    check(home.files, row, key)
    href = json.loads(row["assets"])[key]
    place = Path(href) if Path(href).is_absolute() else home.files.path(href)
    if not place.is_file():
        raise FeedCorrupt(f"scene {row['id']}: {place.name} is not there; ingest the scene again")
    return str(place)


def _zones(home: Home, zones: str, grid: Grid) -> Zones:
    if zones == QUARTERS:
        return quarters(grid)
    known = home.registry.zones.get(zones)
    return known if known is not None else read_zones(Path(zones))


def quarters(grid: Grid) -> Zones:
    """The four quarters of a grid as zones: for scenes that lie elsewhere than the county."""
    west, south, east, north = grid.bounds
    x, y = (west + east) / 2, (south + north) / 2
    parts = {
        "nw": ("西北", "north-west", box(west, y, x, north)),
        "ne": ("东北", "north-east", box(x, y, east, north)),
        "sw": ("西南", "south-west", box(west, south, x, y)),
        "se": ("东南", "south-east", box(x, south, east, y)),
    }
    zh, en, shapes = zip(*parts.values(), strict=True)
    return Zones(tuple(parts), zh, en, ("quarter",) * 4, tuple(moved(s, grid.crs, WGS84) for s in shapes))
