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

import json
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from processing import charts
from processing.imagery import items, zonal
from processing.imagery import scene as scenery
from processing.imagery.events import BANDS, ClearView
from processing.imagery.products import product_table, version
from processing.imagery.scene import DayView, outputs
from processing.indicators.ecology_zones import zone_cells
from store.home import Home

#: Clear views are kept as whole numbers of 1 / 10000, as the scenes are.
_SCALE = 10_000
_MISSING = -32_768


def product(day: date, name: str) -> str:
    """The name of a product of a day in the files of the home."""
    return f"products/{day.isoformat()}/{name}"


def candidates_file(day: date) -> str:
    """The name of the candidates of a day."""
    return f"candidates/{day.isoformat()}.geojson"


def write_products(home: Home, view: DayView, scenes: Sequence[str]) -> None:
    """The rasters, the picture, the table of zones and the STAC item of a day."""
    tags = {"date": view.day.isoformat(), "note": view.note}
    rasters = []
    for layer, output in outputs().items():
        if output.cog and layer in view.layers:
            name = f"{layer}.tif"
            home.files.write_cog(product(view.day, name), view.layers[layer], nodata=np.nan, tags=tags | _said(layer))
            rasters.append(items.Raster(name, "float32", np.nan, layer))
    place = {"crs": view.grid.crs, "transform": view.grid.transform}
    colour = scenery.true_colour(view.layers)
    rgb = xr.DataArray(colour, dims=("band", "y", "x"), attrs=place)
    seen = xr.DataArray((colour[0] > 0).astype(np.uint8), dims=("y", "x"), attrs=place)
    home.files.write_cog(product(view.day, "rgb.tif"), rgb, nodata=0, tags=tags)
    home.files.write_cog(product(view.day, "mask.tif"), seen, nodata=None, tags=tags)
    home.files.write_bytes(product(view.day, "quicklook.png"), charts.quicklook(colour))
    home.files.write_bytes(product(view.day, "zones.csv"), zones_csv(zone_table(view)))
    rasters += [items.Raster("mask.tif", "uint8", None), items.Raster("rgb.tif", "uint8", 0, colours=True)]
    inside = zonal.zone_raster(view.townships, view.grid) > 0
    item = items.item(
        f"day-{view.day.isoformat()}",
        items.DAYS,
        view.grid,
        rasters,
        first=view.day,
        after=view.day + timedelta(days=1),
        cloud_cover=100 * (1 - float(seen.values[inside].mean())) if inside.any() else 100.0,
        others={"quicklook.png": ("image/png", "thumbnail"), "zones.csv": ("text/csv", "data")},
        told={"sanyan:scenes": sorted(scenes), "sanyan:note": view.note},
    )
    home.files.write_bytes(product(view.day, "item.json"), as_json(item))


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
    chosen = [layer for layer, output in outputs().items() if output.cog and layer in view.layers]
    parts = [
        zonal.statistics(
            view.layers[layer].values, cells, cell_ha=view.grid.cell_ha, bits=outputs()[layer].bits
        ).assign(layer=layer, kind=kind, subject=list(subjects))
        for kind, subjects, cells in zone_cells(view.zones, view.grid, view.cover)
        for layer in chosen
    ]
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


def kept_view(view: ClearView) -> ClearView:
    """A clear view as it is kept: reflectances rounded to 1 / 10000."""
    return ClearView.of(_opened(_packed(view)))


def save_view(home: Home, day: date, view: ClearView, crs: str, transform: Any) -> None:
    """Keep the clear view at the end of a day."""
    data = xr.DataArray(_packed(view), dims=("band", "y", "x"), attrs={"crs": crs, "transform": transform})
    tags = {"content": f"latest clear view: {', '.join(BANDS)} as reflectance x {_SCALE}, and days since 1970-01-01"}
    home.files.write_cog(product(day, "clear_view.tif"), data, nodata=_MISSING, tags=tags)


def load_view(home: Home, day: date | None, shape: tuple[int, int]) -> ClearView:
    """The clear view at the end of a finished day; nothing was seen before the first."""
    if day is None:
        return ClearView.never(shape)
    return ClearView.of(_opened(home.files.read_raster(product(day, "clear_view.tif")).values))


def as_json(content: Any) -> bytes:
    """JSON with keys in order, one line."""
    return (json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _packed(view: ClearView) -> np.ndarray:
    stack = view.stack()  # noqa: PD013 - of arrays
    stack[:-1] *= _SCALE
    known = np.isfinite(stack)
    return np.where(known, np.rint(np.clip(np.where(known, stack, 0), -32_000, 32_000)), _MISSING).astype(np.int16)


def _opened(packed: np.ndarray) -> np.ndarray:
    stack = np.where(packed == _MISSING, np.float32("nan"), packed.astype(np.float32))
    stack[:-1] /= np.float32(_SCALE)
    return stack


def _said(layer: str) -> dict[str, str]:
    row = product_table().loc[layer]
    return {"layer": layer, "unit": str(row["unit"]), "formula": str(row["formula"]), "version": version(layer)}


def digest_lines(view: ClearView, features: Iterable[Any]) -> Iterable[bytes]:
    """What the days after this one depend on."""
    yield _packed(view).tobytes()
    yield from (as_json(feature) for feature in features)
