"""What the sky eye writes for a day beside the indicators: rasters, tables and pictures for people and the next day.

| file in products/<day>/ | content |
|---|---|
| <layer>.tif | the layers of imagery_outputs.csv, Cloud-Optimized GeoTIFF, NaN where not seen |
| rgb.tif, quicklook.png | true colour |
| mask.tif | 1 seen clear, 0 not |
| zones.csv | statistics of every written layer by every kind of zone, with the rule |
| clear_view.tif | the latest clear reflectance of each cell up to this day: the state for the next day |
| item.json | STAC item of these files |
| state.json | what all of it was made from: written last |

Candidates are in candidates/<day>.geojson.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from processing import charts, sky_views
from processing.imagery import items, zonal
from processing.imagery import scene as scenery
from processing.imagery.events import BANDS, ClearView
from processing.imagery.grid import Grid, Window, blocks
from processing.imagery.products import product_table, version
from processing.imagery.scene import DayView, outputs
from processing.indicators.ecology_zones import zone_cells
from processing.sky_day import Seen
from store.files import Header
from store.home import Home


def product(day: date, name: str) -> str:
    """The name of a product of a day in the files of the home."""
    return f"products/{day.isoformat()}/{name}"


def candidates_file(day: date) -> str:
    """The name of the candidates of a day."""
    return f"candidates/{day.isoformat()}.geojson"


def write_products(home: Home, seen: Seen, fvc: str, scenes: Sequence[str]) -> None:
    """The rasters, the picture, the table of zones and the STAC item of a day.

    Args:
        home: memory and registry.
        seen: the day.
        fvc: where the ends of vegetation cover come from.
        scenes: ids of its scenes.
    """
    view, grid = seen.view, seen.view.grid
    tags = {"date": view.day.isoformat(), "note": view.note}
    rasters = []
    for layer in written(view):
        name = f"{layer}.tif"
        parts = ((w.row, w.column, seen.layers().part(layer, w)[np.newaxis]) for w in blocks(grid.shape))
        header = Header((1, *grid.shape), "float32", grid.crs, grid.transform, np.nan)
        home.files.write_cog_parts(product(view.day, name), header, parts, tags=tags | _said(layer, fvc))
        rasters.append(items.Raster(name, "float32", np.nan, layer))
    colour = np.zeros((3, *grid.shape), dtype=np.uint8)
    for window in blocks(grid.shape):
        bands = {c: grid.part(window).layer(seen.layers().part(c, window)) for c in ("red", "green", "blue")}
        colour[(slice(None), *window.cells)] = scenery.true_colour(bands)
    place = {"crs": grid.crs, "transform": grid.transform}
    rgb = xr.DataArray(colour, dims=("band", "y", "x"), attrs=place)
    clear = xr.DataArray((colour[0] > 0).astype(np.uint8), dims=("y", "x"), attrs=place)
    home.files.write_cog(product(view.day, "rgb.tif"), rgb, nodata=0, tags=tags)
    home.files.write_cog(product(view.day, "mask.tif"), clear, nodata=None, tags=tags)
    home.files.write_bytes(product(view.day, "quicklook.png"), charts.quicklook(colour))
    home.files.write_bytes(product(view.day, "zones.csv"), zones_csv(zone_table(view)))
    rasters += [items.Raster("mask.tif", "uint8", None), items.Raster("rgb.tif", "uint8", 0, colours=True)]
    inside = zonal.zone_raster(view.townships, grid) > 0
    item = items.item(
        f"day-{view.day.isoformat()}",
        items.DAYS,
        grid,
        rasters,
        first=view.day,
        after=view.day + timedelta(days=1),
        cloud_cover=100 * (1 - float(clear.values[inside].mean())) if inside.any() else 100.0,
        others={"quicklook.png": ("image/png", "thumbnail"), "zones.csv": ("text/csv", "data")},
        told={"sanyan:scenes": sorted(scenes), "sanyan:note": view.note},
    )
    home.files.write_bytes(product(view.day, "item.json"), as_json(item))


def written(view: DayView) -> list[str]:
    """The layers that are files of a day."""
    return [layer for layer, output in outputs().items() if output.cog and layer in view.layers]


def write_catalogue(home: Home, days: Iterable[date], periods: Iterable[str]) -> None:
    """The static catalogue over the items of days and periods: collections first, the root last."""
    county = home.registry.county
    whose = f"{county['name_en']} ({county['name_zh']})"
    made = {
        items.DAYS: ("Days seen by satellite", [d.isoformat() for d in days]),
        items.PERIODS: ("Composites of months and quarters", list(periods)),
    }
    for name, (title, folders) in made.items():
        known = {
            f"./{f}/item.json": json.loads(home.files.path(f"products/{f}/item.json").read_text(encoding="utf-8"))
            for f in folders
        }
        whole = items.collection(name, title, f"{title}, {whose}; made from scenes of Sentinel-2.", known)
        home.files.write_bytes(f"products/{name}.json", as_json(whole))
    root = items.catalogue("sanyan-sky", f"Products of the sky eye, {whose}.", list(made))
    home.files.write_bytes("products/catalog.json", as_json(root))


def zone_table(view: DayView) -> pd.DataFrame:
    """Statistics of every written layer by every kind of zone; see `zonal.table` for the columns."""
    chosen = written(view)
    kinds = list(zone_cells(view.zones, view.grid, view.cover))
    found: dict[tuple[str, str], pd.DataFrame] = {}
    for layer in chosen:
        values = view.layers[layer].values
        for kind, subjects, cells in kinds:
            table = zonal.statistics(values, cells, cell_ha=view.grid.cell_ha, bits=outputs()[layer].bits)
            found[kind, layer] = table.assign(layer=layer, kind=kind, subject=list(subjects))
    parts = [found[kind, layer] for kind, *_ in kinds for layer in chosen]
    frame = pd.concat(parts, ignore_index=True).assign(day=view.day.isoformat())
    first = ["day", "layer", "kind", "subject", "rule"]
    return frame[[*first, *(c for c in frame.columns if c not in first)]]


def zones_csv(frame: pd.DataFrame) -> bytes:
    """The table for a spreadsheet: UTF-8 with a byte order mark, empty cells where a value is missing."""
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.9g").encode("utf-8-sig")


def write_candidates(home: Home, view: DayView, features: list[dict[str, Any]]) -> None:
    """All candidates open on a day, as GeoJSON."""
    collection = {
        "type": "FeatureCollection",
        "name": f"candidates {view.day.isoformat()}",
        "note": view.note,
        "features": features,
    }
    home.files.write_bytes(candidates_file(view.day), as_json(collection))


def read_candidates(home: Home, day: date | None) -> list[dict[str, Any]]:
    """The features of a finished day; none before the first."""
    if day is None:
        return []
    return json.loads(home.files.path(candidates_file(day)).read_text(encoding="utf-8"))["features"]


def write_view(home: Home, day: date, grid: Grid, after: Callable[[Window], ClearView]) -> str:
    """Keep the clear view at the end of a day, block by block; returns the digest of its cells."""
    digest = hashlib.sha256()

    def parts() -> Iterator[tuple[int, int, np.ndarray]]:
        for window in blocks(grid.shape):
            numbers = sky_views.packed(after(window))
            for tile in blocks((window.height, window.width), 1):  # the same order however many are done at once
                digest.update(np.ascontiguousarray(numbers[(slice(None), *tile.cells)]).tobytes())
            yield window.row, window.column, numbers

    header = Header((len(BANDS) + 1, *grid.shape), "int16", grid.crs, grid.transform, sky_views.MISSING)
    home.files.write_cog_parts(product(day, sky_views.NAME), header, parts(), tags=sky_views.TAGS)
    return digest.hexdigest()


def as_json(content: Any) -> bytes:
    """JSON with keys in order, one line."""
    return (json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _said(layer: str, fvc: str) -> dict[str, str]:
    row = product_table().loc[layer]
    said = {"layer": layer, "unit": str(row["unit"]), "formula": str(row["formula"]), "version": version(layer)}
    return said | ({"ends": fvc} if layer == "fvc" else {})
