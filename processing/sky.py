"""The shell of the sky eye: scenes in the lake -> products, candidates and indicators of each acquisition day.

A day depends on its own scenes and on the latest clear view before it, so days are computed in time order and a late
scene recomputes the days after it as far as its effect reaches. What a day was made from is written beside its
products as the last step: a day is done when that file says what we would make it from now, whatever died before.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from domain.catalogue import TABLES_DIR
from domain.errors import FeedCorrupt, StoreConflict
from domain.records import Reason, Rejection
from domain.times import local_day
from processing import charts
from processing.counts import Counts
from processing.imagery import scene as scenery
from processing.imagery.change import Clearing, View, candidates, clearing
from processing.imagery.grid import Grid, county_grid, mosaic
from processing.imagery.reflectance import Policy
from processing.imagery.scene import DayView
from processing.imagery.tables import band_names, thresholds
from processing.imagery.zonal import zonal_count, zone_raster
from processing.registered import taking
from store.home import Home
from store.lake import Written

COLLECTION = "sentinel-2-l2a"
CURSOR = "sky"
#: Grows when the maths of this eye changes, so that every day is computed anew.
_EDITION = 1
_ATTEMPTS = 10
_TABLES = ("imagery_thresholds.csv", "imagery_scl.csv", "sky_bands.csv", "sky_assets.csv")

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class _Eye:
    """What every day shares."""

    home: Home
    grid: Grid
    limits: Mapping[str, float]
    policy: Policy
    tables: str  # digest of the tables and the map


def compute_sky(
    home: Home, *, now: datetime, progress: Progress | None = None, on_offset_conflict: Policy = "refuse"
) -> Counts:
    """Compute every acquisition day whose scenes, earlier clear view or tables changed; the rest stays as it is.

    Args:
        home: memory and registry.
        now: the moment written beside superseded rows.
        progress: called with what is being done and the share that is done.
        on_offset_conflict: what to do with a scene whose metadata and pixels disagree on the reflectance offset.

    Raises:
        CatalogueError: a table or the county is not as it must be.
        StoreConflict: other writers never let us through.
    """
    eye = _Eye(home, county_grid(home.registry.county), thresholds(), on_offset_conflict, _tables_digest(home))
    for _ in range(_ATTEMPTS):
        try:
            return _compute(eye, now, progress or (lambda _text, _share: None))
        except StoreConflict:
            continue  # somebody wrote the same month: read again, with his scenes
    raise StoreConflict(f"indicators of the sky eye: {_ATTEMPTS} runs in a row met another writer")


def acquisition_days(home: Home, version: int | None = None) -> dict[date, pd.DataFrame]:
    """Shanghai day -> the scenes to use, in time order; of several versions of one acquisition the newest.

    Scenes of one day are in the order of preference of the mosaic: the county's own zone first, then by id.
    """
    scenes = home.lake.read("scenes", where={"collection": [COLLECTION]}, version=version)
    if scenes.empty:
        return {}
    properties = [json.loads(text) for text in scenes["properties"]]
    county_epsg = int(str(home.registry.county["crs"]).rpartition(":")[2])
    frame = scenes.assign(
        day=local_day(scenes["datetime"]),
        tile=[_tile_id(p, i) for p, i in zip(properties, scenes["id"], strict=True)],
        made=[
            f"{p.get('s2:processing_baseline', ''):>6} {p.get('created', '')} {i}"
            for p, i in zip(properties, scenes["id"], strict=True)
        ],
        foreign=scenes["epsg"] != county_epsg,
        minute=scenes["datetime"].dt.floor("min"),
    )
    newest = frame.sort_values("made").drop_duplicates(["platform", "minute", "tile"], keep="last")
    ordered = newest.sort_values(["day", "foreign", "id"])
    return {date.fromisoformat(str(day)): rows for day, rows in ordered.groupby("day")}


def product(day: date, name: str) -> str:
    """The name of a product of a day in the files of the home."""
    return f"products/{day.isoformat()}/{name}"


def finished(home: Home, day: date) -> dict[str, str] | None:
    """What the products of a day were made from (`made_from`) and the digest of its clear view (`view`), or None."""
    place = home.files.path(product(day, "state.json"))
    return json.loads(place.read_text(encoding="utf-8")) if place.is_file() else None


def _compute(eye: _Eye, now: datetime, progress: Progress) -> Counts:
    home = eye.home
    indicators = home.lake.version("indicators")
    changes = home.lake.changes("scenes", home.ledger.cursor(CURSOR))
    days = acquisition_days(home, changes.version)
    touched = {day for _, day in changes.days}
    counts, digest = Counts(), ""
    held: View | None = None  # the clear view of `last`, when it is at hand
    last: date | None = None
    for i, (day, rows) in enumerate(days.items()):
        progress(day.isoformat(), i / len(days))
        made_from = _digest(eye.tables, eye.policy, digest, *_contents(rows))
        state = finished(home, day)
        if day in touched or state is None or state["made_from"] != made_from:
            before = held or _load_view(eye, last)
            after, written, rejected = _compute_day(eye, day, rows, before, now=now, expected=indicators)
            state = {"made_from": made_from, "view": _view_digest(after)}
            _save_view(eye, day, after)
            home.files.write_bytes(product(day, "state.json"), _json(state))
            indicators = written.version if written.any else indicators
            counts = counts.wrote(written) + Counts(read=len(rows), computed=1, rejected=rejected)
            held = after
        else:
            held = None
        digest, last = state["view"], day
    home.ledger.advance(CURSOR, changes.version)
    progress("", 1.0)
    return counts


def _compute_day(
    eye: _Eye, day: date, rows: pd.DataFrame, before: View, *, now: datetime, expected: int
) -> tuple[View, Written, int]:
    tiles: list[xr.Dataset] = []
    notes: list[str] = []
    refused: list[Rejection] = []
    for row in rows.to_dict("records"):
        seen = _tile(eye, row)
        if isinstance(seen, Rejection):
            refused.append(seen)
            notes.append(f"{row['id']} refused ({seen.reason})")
        else:
            tiles.append(seen[0])
            notes.append(seen[1])
    view = _day_view(eye, day, mosaic(tiles) if tiles else scenery.nothing(eye.grid), before, notes)
    _write_products(eye.home, view)
    _write_candidates(eye.home, view, before)
    frame = pd.concat([function(view) for function in taking("scene")], ignore_index=True)
    written = eye.home.lake.upsert(
        "indicators", frame, now=now, why=f"scenes of {day} computed", expected_version=expected
    )
    return scenery.after(before, view), written, eye.home.ledger.reject(refused)


def _day_view(eye: _Eye, day: date, whole: xr.Dataset, before: View, notes: list[str]) -> DayView:
    registry = eye.home.registry
    layers = scenery.layers(whole, eye.limits)
    land = (zone_raster(registry.townships, eye.grid) > 0) & (zone_raster(registry.waters, eye.grid) == 0)
    found = clearing(
        layers["ndvi"].values,
        layers["bi"].values,
        scenery.day_number(day),
        before,
        land,
        eye.limits,
        eye.grid.cell_ha,
    )
    mask = f"SCL mask with {eye.limits['cloud_buffer_m']:g} m buffer"
    return DayView(
        day=day,
        grid=eye.grid,
        layers=layers,
        townships=registry.townships,
        waters=registry.waters,
        clearing=found,
        limits=eye.limits,
        note="; ".join([mask, *notes]),
    )


def _tile(eye: _Eye, row: Mapping[str, Any]) -> tuple[xr.Dataset, str] | Rejection:
    """One scene on the county grid and the note about it, or why it cannot be used."""
    hrefs = _hrefs(json.loads(row["assets"]))
    absent = [band for band in scenery.REQUIRED if band not in hrefs]
    if absent:
        return _refusal(row, Reason.MISSING_BAND, f"no asset for band {', '.join(absent)}; fetch the item again")
    try:
        bands = {b: eye.home.files.read_raster(h) for b, h in hrefs.items() if b in {*scenery.BANDS, "SCL"}}
    except FeedCorrupt as error:
        return _refusal(row, Reason.UNREADABLE_RASTER, str(error))
    try:
        tile, offset = scenery.tile(bands, eye.grid, json.loads(row["properties"]), eye.limits, policy=eye.policy)
    except FeedCorrupt as error:
        return _refusal(row, Reason.BAD_VALUE, str(error))
    return tile, f"{row['id']}: offset {offset.value} DN by {offset.basis}"


def _refusal(row: Mapping[str, Any], reason: Reason, what: str) -> Rejection:
    return Rejection(
        feed=row["feed"],
        received_at=pd.Timestamp(row["received_at"]).to_pydatetime(),
        reason=reason.value,
        detail=f"{row['feed']}: scene {row['id']}: {what}",
        raw_ref=f"scenes/{row['id']}",
    )


def _hrefs(assets: Mapping[str, str]) -> dict[str, str]:
    """Band -> href, whatever the catalogue calls the band."""
    found = {}
    for band, names in band_names().items():
        known = [assets[name] for name in names if name in assets]
        if known:
            found[band] = known[0]
    return found


def _write_products(home: Home, view: DayView) -> None:
    tags = {"date": view.day.isoformat(), "note": view.note}
    for name in ("ndvi", "fvc"):
        home.files.write_cog(product(view.day, f"{name}.tif"), view.layers[name], nodata=np.nan, tags=tags)
    colour = scenery.true_colour(view.layers)
    place = {"crs": view.grid.crs, "transform": view.grid.transform}
    home.files.write_cog(
        product(view.day, "rgb.tif"), xr.DataArray(colour, dims=("band", "y", "x"), attrs=place), nodata=0, tags=tags
    )
    home.files.write_bytes(product(view.day, "quicklook.png"), charts.quicklook(colour))


def _write_candidates(home: Home, view: DayView, before: View) -> None:
    layers = view.layers
    features = candidates(view.clearing, layers["ndvi"].values, layers["bi"].values, before, view.grid, view.limits)
    townships = _townships(view)
    for feature in features:
        said = feature["properties"]
        number = said.pop("number")
        said |= {
            "id": f"clearing-{view.day.isoformat()}-{number}",
            "kind": "clearing",
            "township": townships[number - 1],
            "date": view.day.isoformat(),
            "before_first": _day_of(said["before_first"]),
            "before_last": _day_of(said["before_last"]),
        }
    collection = {
        "type": "FeatureCollection",
        "name": f"candidates {view.day.isoformat()}",
        "note": view.note,
        "features": features,
    }
    home.files.write_bytes(f"candidates/{view.day.isoformat()}.geojson", _json(collection))


def _townships(view: DayView) -> list[str]:
    """The township that holds most cells of each candidate."""
    zones = zone_raster(view.townships, view.grid)
    found: Clearing = view.clearing
    ids = view.townships.ids
    return [
        ids[int(np.argmax(zonal_count(zones, len(ids), found.labels == number)))] for number in range(1, found.n + 1)
    ]


def _save_view(eye: _Eye, day: date, view: View) -> None:
    stack = np.stack([view.ndvi, view.bi, view.day])
    place = {"crs": eye.grid.crs, "transform": eye.grid.transform}
    data = xr.DataArray(stack, dims=("band", "y", "x"), attrs=place)
    tags = {"content": "latest clear view up to this day: NDVI, BI, days since 1970-01-01"}
    eye.home.files.write_cog(product(day, "clear_view.tif"), data, nodata=np.nan, tags=tags)


def _load_view(eye: _Eye, day: date | None) -> View:
    """The clear view at the end of a finished day; nothing was seen before the first."""
    if day is None:
        return View.never(eye.grid.shape)
    ndvi, bi, number = eye.home.files.read_raster(product(day, "clear_view.tif")).values
    return View(ndvi, bi, number)


def _view_digest(view: View) -> str:
    return hashlib.sha256(
        b"".join(np.ascontiguousarray(a).tobytes() for a in (view.ndvi, view.bi, view.day))
    ).hexdigest()


def _tables_digest(home: Home) -> str:
    """Of everything besides scenes that decides what a day looks like."""
    registry = home.registry
    tables = [(TABLES_DIR / name).read_text(encoding="utf-8") for name in _TABLES]
    shapes = [shape.wkt for zones in (registry.townships, registry.waters) for shape in zones.shapes]
    names = [*registry.townships.ids, *registry.waters.ids]
    grid = [str(registry.county[key]) for key in ("crs", "bbox", "resolution_m")]
    return _digest(str(_EDITION), *tables, *shapes, *names, *grid)


def _contents(rows: pd.DataFrame) -> Iterable[str]:
    columns = ["id", "epsg", "datetime", "assets", "properties"]
    return (json.dumps(row, default=str, ensure_ascii=False) for row in rows[columns].to_dict("records"))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()


def _json(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _tile_id(properties: Mapping[str, Any], item: str) -> str:
    """MGRS tile, with or without the prefix some catalogues give it; the item's own id when it names none."""
    return str(properties.get("s2:mgrs_tile") or properties.get("grid:code") or item).removeprefix("MGRS-")


def _day_of(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()
