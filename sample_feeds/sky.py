"""The sky eye of the simulator: a static STAC catalogue of Sentinel-2-like scenes, relief, land cover and rain.

Everything lies below out/sky as Cloud-Optimized GeoTIFFs with relative links, named as the Planetary Computer names
bands, with the offset of processing baseline 05.11 not yet applied. The county lies on two UTM zones, so each
acquisition is two tiles. `properties.created` is the time of publication.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio
from affine import Affine
from pyproj import Transformer
from shapely import box, convex_hull, segmentize, transform
from shapely.geometry import mapping

from domain.registry import Registry
from domain.times import LOCAL, day_start
from sample_feeds import scenes
from sample_feeds.grids import Grid, county_grid, noise
from sample_feeds.landscape import BARE, SUN_AZIMUTH, SUN_ELEVATION, Landscape
from sample_feeds.scenario import Scenario, SkyEvent
from sample_feeds.streams import stream
from sample_feeds.weather import rain

#: MGRS tile -> EPSG code, easting and northing of its north-west corner.
TILES = {"50RQS": (32650, 699960.0, 3200040.0), "51RTM": (32651, 199980.0, 3200040.0)}
TILE_M = 109_800.0
BASELINE = "05.11"
ORBIT = 89
RAIN_GRID_M = 1000
PUBLISHED_H = {"dem": 1, "landcover": 1, "before": 1}  # hours after the start of the period
RAIN_PUBLISHED_H = 6  # after the end of the day
FLOAT_NODATA = -9999.0
NOTE = "Simulated: an invented landscape; nothing here was seen by a satellite."
_EXTENSIONS = ("projection/v2.0.0", "eo/v1.1.0", "grid/v1.1.0", "sat/v1.0.0", "view/v1.0.0")
_COLLECTIONS = {
    "sentinel-2-l2a": "Surface reflectance of simulated Sentinel-2 L2A tiles",
    "dem": "Elevation of the invented land, m",
    "landcover": "Ecosystem types of the invented land, codes of domain/tables/landcover.csv",
    "rainfall-daily": "Rain of each Shanghai day, mm",
}


@dataclass(frozen=True)
class Pass:
    """One acquisition and when its products are published."""

    acquired_at: datetime
    created_at: datetime
    cover: float
    platform: str


@dataclass(frozen=True)
class Raster:
    """A raster to be written: values (rows, columns) on a grid."""

    values: np.ndarray
    grid: Grid
    nodata: float
    classes: bool = False  # overviews of classes must not average


def write(out: Path, registry: Registry, scenario: Scenario, *, start: datetime, end: datetime, seed: int) -> int:
    """Write the catalogue of everything published in [start, end), below out/sky.

    Returns:
        how many items it has.
    """
    root = out / "sky"
    land = scenes.county_land(registry, scenario, scenario.sky.resolution_m, seed)
    items = [_dem(root, land, start), *_land_covers(root, land, scenario, start, end, seed)]
    items += _rain_days(root, registry, land, start, end, seed)
    items += _tiles(root, registry, scenario, land, start, end, seed)
    _save(root, items)
    return len(items)


def passes(scenario: Scenario, start: datetime, end: datetime) -> list[Pass]:
    """Acquisitions published in [start, end), and the last one before it, published anew in the first hours.

    Without that earlier view a period would have nothing to compare its first scene with.
    """
    sky = scenario.sky
    anchor = scenario.anchor.astimezone(LOCAL).date()
    before: Pass | None = None
    found: list[Pass] = []
    day = start.astimezone(LOCAL).date() - timedelta(days=2 * sky.cycle_days)
    while day_start(day) < end:
        number = (day - anchor).days
        acquired = day_start(day) + timedelta(seconds=round(sky.pass_hour * 3600))
        created = acquired + timedelta(hours=sky.published_after_h)
        if number % sky.cycle_days in {p % sky.cycle_days for p in sky.passes}:
            platform = "Sentinel-2B" if number // sky.cycle_days % 2 else "Sentinel-2C"
            this = Pass(acquired, created, scenes.cover_on(sky, number), platform)
            if created < start:
                again = start + timedelta(hours=PUBLISHED_H["before"])
                before = Pass(acquired, again, this.cover, platform)
            elif created < end:
                found.append(this)
        day += timedelta(days=1)
    return [before, *found] if before else found


def _tiles(
    root: Path, registry: Registry, scenario: Scenario, land: Landscape, start: datetime, end: datetime, seed: int
) -> Iterator[pystac.Item]:
    parts = {
        name: scenes.tile(registry, land.grid, epsg, (x, y), TILE_M) for name, (epsg, x, y) in sorted(TILES.items())
    }
    for this in passes(scenario, start, end):
        seen = scenes.sight(land, scenario, this.acquired_at, this.cover, seed)
        for name, part in parts.items():
            if part is not None:
                yield _tile_item(root, name, part, this, land, seen, seed)


def _tile_item(
    root: Path, name: str, part: scenes.Tile, this: Pass, land: Landscape, seen: scenes.Sight, seed: int
) -> pystac.Item:
    at = this.acquired_at.astimezone(UTC)
    item_id = f"S2{this.platform[-1]}_MSIL2A_{at:%Y%m%dT%H%M%S}_R{ORBIT:03d}_T{name}"
    classes = scenes.scene_classes(land, seen, part)
    rasters = {"SCL": Raster(classes, part.grid.coarse(2), 0, classes=True)}
    for band, numbers in scenes.bands(land, seen, part, (at.date().isoformat(), name), seed):
        rasters[band] = Raster(numbers, part.grid.coarse(2) if band in scenes.COARSE else part.grid, scenes.NODATA)
    empty = 100 * float(np.mean(classes == 0))
    properties = {
        "created": _stamp(this.created_at),
        "platform": this.platform,
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "eo:cloud_cover": round(scenes.cloud_share(classes), 2),
        "s2:processing_baseline": BASELINE,
        "s2:mgrs_tile": name,
        "s2:product_type": "S2MSI2A",
        "s2:nodata_pixel_percentage": round(empty, 2),
        "grid:code": f"MGRS-{name}",
        "sat:relative_orbit": ORBIT,
        "view:sun_azimuth": SUN_AZIMUTH,
        "view:sun_elevation": SUN_ELEVATION,
        "earthsearch:boa_offset_applied": False,
    }
    return _item(root, "sentinel-2-l2a", item_id, at, part.grid, rasters, properties, _EXTENSIONS)


def _dem(root: Path, land: Landscape, start: datetime) -> pystac.Item:
    values = np.round(land.elevation, 1).astype(np.float32)
    created = start + timedelta(hours=PUBLISHED_H["dem"])
    at = datetime(2020, 1, 1, tzinfo=UTC)
    raster = {"data": Raster(values, land.grid, FLOAT_NODATA)}
    return _item(root, "dem", "dem-county", at, land.grid, raster, {"created": _stamp(created), "unit": "m"})


def _land_covers(
    root: Path, land: Landscape, scenario: Scenario, start: datetime, end: datetime, seed: int
) -> Iterator[pystac.Item]:
    """One map for each year of the period; what was cleared in an earlier year is bare."""
    created = start + timedelta(hours=PUBLISHED_H["landcover"])
    for year in range(start.astimezone(LOCAL).year, (end - timedelta(seconds=1)).astimezone(LOCAL).year + 1):
        cover = land.cover.copy()
        for event in scenario.of(SkyEvent):
            if event.kind in {"clearing", "dump"} and event.start < day_start(date(year, 1, 1)):
                cover[scenes.event_pixels(event, land, seed)] = BARE
        span = day_start(date(year, 1, 1)), day_start(date(year + 1, 1, 1)) - timedelta(seconds=1)
        properties = {"created": _stamp(created), "start_datetime": _stamp(span[0]), "end_datetime": _stamp(span[1])}
        raster = {"data": Raster(cover, land.grid, 0, classes=True)}
        yield _item(root, "landcover", f"landcover-{year}", span[0], land.grid, raster, properties)


def _rain_days(
    root: Path, registry: Registry, land: Landscape, start: datetime, end: datetime, seed: int
) -> Iterator[pystac.Item]:
    grid = rain_grid(registry)
    inside = grid.burn([segmentize(box(*registry.county["bbox"]).buffer(0.02, join_style="mitre"), 0.02)])
    rows = ((land.grid.transform.f - grid.y) // land.grid.resolution).astype(int)
    columns = ((grid.x - land.grid.transform.c) // land.grid.resolution).astype(int)
    heights = land.elevation[np.ix_(np.clip(rows, 0, land.grid.height - 1), np.clip(columns, 0, land.grid.width - 1))]
    day = start.astimezone(LOCAL).date() - timedelta(days=2)
    while day_start(day) < end:
        first, after = day_start(day), day_start(day + timedelta(days=1))
        created = after + timedelta(hours=RAIN_PUBLISHED_H)
        if start <= created < end:
            amount = np.where(inside, rain_on(day, grid, heights, seed), FLOAT_NODATA).astype(np.float32)
            properties = {
                "created": _stamp(created),
                "start_datetime": _stamp(first),
                "end_datetime": _stamp(after - timedelta(seconds=1)),
                "unit": "mm",
            }
            raster = {"data": Raster(amount, grid, FLOAT_NODATA)}
            yield _item(root, "rainfall-daily", f"rainfall-{day.isoformat()}", first, grid, raster, properties)
        day += timedelta(days=1)


def rain_grid(registry: Registry) -> Grid:
    """The 1 km grid of the rain maps, in the county's projection."""
    fine = county_grid(registry, 100)
    left, bottom, right, top = fine.outline.bounds
    left, bottom = (float(np.floor(v / RAIN_GRID_M) * RAIN_GRID_M) for v in (left, bottom))
    height, width = (int(np.ceil(v / RAIN_GRID_M)) for v in (top - bottom, right - left))
    origin = Affine(RAIN_GRID_M, 0, left, 0, -RAIN_GRID_M, bottom + height * RAIN_GRID_M)
    return Grid(fine.epsg, origin, height, width)


def rain_on(day: date, grid: Grid, heights: np.ndarray, seed: int) -> np.ndarray:
    """Rain of a Shanghai day, mm with one decimal: the county's weather, more of it uphill, and patchy showers."""
    first = int(day_start(day).timestamp()) // 3600
    county_mm = float(rain(seed, np.arange(first, first + 24)).sum())
    rng = stream(seed, "rain", day.isoformat())
    patchy = np.exp(0.35 * noise(rng, grid, 20_000) + 0.2 * noise(rng, grid, 7_000) - 0.08)
    showers = np.clip(noise(rng, grid, 9_000) - 1.6, 0, None) * 12
    return np.round(county_mm * patchy * (0.85 + heights / 3000) + showers, 1)


def _item(
    root: Path,
    collection: str,
    item_id: str,
    at: datetime,
    grid: Grid,
    rasters: dict[str, Raster],
    properties: dict[str, Any],
    extensions: tuple[str, ...] = _EXTENSIONS[:1],
) -> pystac.Item:
    """A STAC item, its rasters written beside where it will be saved."""
    outline = transform(
        segmentize(grid.outline, 20_000),
        Transformer.from_crs(grid.epsg, 4326, always_xy=True).transform,
        interleaved=False,
    )
    ring = transform(convex_hull(outline), lambda xy: np.round(xy, 6))
    item = pystac.Item(
        id=item_id,
        geometry=json.loads(json.dumps(mapping(ring))),
        bbox=[float(v) for v in ring.bounds],
        datetime=at.astimezone(UTC),
        properties={**properties, "simulated": True, **_projection(grid)},
        stac_extensions=[f"https://stac-extensions.github.io/{name}/schema.json" for name in extensions],
    )
    folder = root / collection / item_id
    folder.mkdir(parents=True, exist_ok=True)
    for name, raster in rasters.items():
        _write_cog(folder / f"{name}.tif", raster)
        asset = pystac.Asset(
            f"./{name}.tif",
            media_type=pystac.MediaType.COG,
            roles=["data"],
            extra_fields={**_projection(raster.grid), "gsd": raster.grid.resolution},
        )
        item.add_asset(name, asset)
    return item


def _projection(grid: Grid) -> dict[str, Any]:
    return {
        "proj:code": f"EPSG:{grid.epsg}",
        "proj:shape": list(grid.shape),
        "proj:transform": [float(v) for v in tuple(grid.transform)[:6]],
    }


def _write_cog(path: Path, raster: Raster) -> None:
    whole = np.issubdtype(raster.values.dtype, np.integer)
    with rasterio.open(
        path,
        "w",
        driver="COG",
        dtype=raster.values.dtype,
        count=1,
        height=raster.grid.height,
        width=raster.grid.width,
        crs=f"EPSG:{raster.grid.epsg}",
        transform=raster.grid.transform,
        nodata=raster.nodata,
        compress="DEFLATE",
        level=6,
        predictor="NO" if raster.classes else "STANDARD" if whole else "FLOATING_POINT",
        blocksize=512,
        overview_resampling="NEAREST" if raster.classes else "AVERAGE",
        num_threads=1,
    ) as target:
        target.write(raster.values, 1)


def _save(root: Path, items: list[pystac.Item]) -> None:
    catalogue = pystac.Catalog("sanyan-sample", NOTE, title="Sanyan sample sky")
    for name, title in _COLLECTIONS.items():
        own = [item for item in items if item.id.startswith(_PREFIX[name])]
        if not own:
            continue
        collection = pystac.Collection(
            name, NOTE, _extent(own), title=title, license="Apache-2.0", extra_fields={"simulated": True}
        )
        collection.add_items(own)
        catalogue.add_child(collection)
    catalogue.normalize_hrefs(str(root))
    catalogue.catalog_type = pystac.CatalogType.SELF_CONTAINED  # makes the links relative
    for document in (catalogue, *catalogue.get_children(), *catalogue.get_items(recursive=True)):
        text = json.dumps(document.to_dict(include_self_link=False), sort_keys=True, ensure_ascii=False, indent=1)
        Path(document.self_href).write_text(text + "\n", encoding="utf-8")


_PREFIX = {"sentinel-2-l2a": "S2", "dem": "dem-", "landcover": "landcover-", "rainfall-daily": "rainfall-"}


def _extent(items: list[pystac.Item]) -> pystac.Extent:
    boxes = np.array([item.bbox for item in items])
    times = sorted(item.datetime for item in items if item.datetime)
    bounds = [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]
    return pystac.Extent(pystac.SpatialExtent([bounds]), pystac.TemporalExtent([[times[0], times[-1]]]))


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
