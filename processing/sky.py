"""The shell of the sky eye: scenes in the lake -> products, candidates and indicators of each acquisition day.

A day depends on its own scenes and on the clear views before it, so days are computed in time order and a late scene
recomputes the days after it as far as its effect reaches. What a day was made from is written beside its products as
the last step: a day is done when that file says what we would make it from now, whatever died before.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd

from domain.catalogue import TABLES_DIR
from domain.errors import StoreConflict
from domain.imagery import collections_of
from domain.records import TABLES
from domain.times import local_day
from processing import candidates, sky_fit, sky_fvc
from processing.counts import Counts
from processing.imagery.events import day_number, reference_days
from processing.imagery.grid import county_grid
from processing.imagery.reflectance import Policy, baseline
from processing.imagery.tables import SENTINEL2
from processing.registered import taking
from processing.sky_day import SCRATCH, Eye, Seen, cover_maps, cover_on, cover_row, seen_on, stepped
from processing.sky_periods import compute_periods_of, period_folders
from processing.sky_pictures import pictured
from processing.sky_products import (
    as_json,
    product,
    read_candidates,
    write_candidates,
    write_catalogue,
    write_products,
    write_view,
)
from processing.sky_views import StoredView, stored
from store.home import Home
from store.lake import Written
from store.planes import planes

__all__ = ["acquisition_days", "compute_sky", "finished", "product"]

CURSOR = "sky"
#: Grows when the maths of this eye changes, so that every day is computed anew.
_EDITION = 4
_ATTEMPTS = 10
_TABLES = (
    "imagery_thresholds.csv", "imagery_scl.csv", "imagery_products.csv", "imagery_coefficients.csv",
    "imagery_event_land.csv", "imagery_outputs.csv", "zone_layers.csv", "landcover.csv", "sky_bands.csv",
    "sky_assets.csv",
)  # fmt: skip

Progress = Callable[[str, float], None]


def compute_sky(
    home: Home, *, now: datetime, progress: Progress | None = None, on_offset_conflict: Policy = "refuse"
) -> Counts:
    """Compute every acquisition day whose scenes, earlier clear views or tables changed; the rest stays as it is.

    Args:
        home: memory and registry.
        now: the moment written beside superseded rows.
        progress: called with what is being done and the share that is done.
        on_offset_conflict: what to do with a scene whose metadata and pixels disagree on the reflectance offset.

    Raises:
        CatalogueError: a table or the county is not as it must be.
        StoreConflict: other writers never let us through.
    """
    grid = county_grid(home.registry.county)
    limits, fits = sky_fvc.limits_of(home), sky_fit.kept(home)
    eye = Eye(home, grid, limits, on_offset_conflict, _tables_digest(home), fits, sky_fvc.basis(home))
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
    scenes = home.lake.read("scenes", where={"collection": list(collections_of(SENTINEL2))}, version=version)
    if scenes.empty:
        return {}
    properties = [json.loads(text) for text in scenes["properties"]]
    county_epsg = int(str(home.registry.county["crs"]).rpartition(":")[2])
    frame = scenes.assign(
        day=local_day(scenes["datetime"]),
        tile=[_tile_id(p, i) for p, i in zip(properties, scenes["id"], strict=True)],
        made=[
            "{:02d}.{:02d} {} {}".format(*(baseline(p) or (0, 0)), p.get("created", ""), i)
            for p, i in zip(properties, scenes["id"], strict=True)
        ],
        satellite=scenes["platform"].str.lower(),  # catalogues write sentinel-2b and Sentinel-2B
        foreign=scenes["epsg"] != county_epsg,
        minute=scenes["datetime"].dt.floor("min"),
    )
    newest = frame.sort_values("made").drop_duplicates(["satellite", "minute", "tile"], keep="last")
    ordered = newest.sort_values(["day", "foreign", "id"])
    return {date.fromisoformat(str(day)): rows for day, rows in ordered.groupby("day")}


def finished(home: Home, day: date) -> dict[str, str] | None:
    """What the products of a day were made from (`made_from`) and the digest of its clear view (`view`), or None."""
    place = home.files.path(product(day, "state.json"))
    return json.loads(place.read_text(encoding="utf-8")) if place.is_file() else None


def _compute(eye: Eye, now: datetime, progress: Progress) -> Counts:
    home = eye.home
    indicators = home.lake.version("indicators")
    changes = home.lake.changes("scenes", home.ledger.cursor(CURSOR))
    days, maps = acquisition_days(home, changes.version), cover_maps(home, changes.version)
    touched = {day for _, day in changes.days}
    counts, past = Counts(), _Past(eye)
    for i, (day, rows) in enumerate(days.items()):
        progress(day.isoformat(), i / len(days))
        cover = cover_row(maps, day)
        made_from = _digest(eye.tables, eye.policy, *past.digests(day), *_contents(cover), *_contents(rows))
        state = finished(home, day)
        if day in touched or state is None or state["made_from"] != made_from:
            with planes(eye.grid.shape, home.files.path(SCRATCH)) as scratch:
                seen = seen_on(eye, day, rows, past.references(day), cover_on(eye, cover), scratch)
                digest = _write_day(eye, seen, {d: r for d, r in days.items() if d <= day}, past)
                written = _write_indicators(home, seen, now, indicators)
            state = {"made_from": made_from, "view": digest}
            home.files.write_bytes(product(day, "state.json"), as_json(state))
            indicators = written.version if written.any else indicators
            told = home.ledger.reject(seen.refused)
            counts = counts.wrote(written) + Counts(read=len(rows), computed=1, rejected=told)
        past.passed(day, state["view"])
    if days:
        counts += compute_periods_of(eye, {day: finished(home, day) or {} for day in days}, maps, now)
        _settle_candidates(home, list(days), now)
        write_catalogue(home, days, period_folders(days))
    home.ledger.advance(CURSOR, changes.version)
    progress("", 1.0)
    return counts


def _write_day(eye: Eye, seen: Seen, scenes: Mapping[date, pd.DataFrame], past: "_Past") -> str:
    """Products, candidates and clear view of a day; what of it goes on to the next, as a digest."""
    home, view = eye.home, seen.view
    write_products(home, seen, eye.fvc, scenes[view.day]["id"].astype(str).tolist())
    features = pictured(home, seen, stepped(read_candidates(home, past.last), seen, scenes, eye.limits))
    write_candidates(home, view, features)
    latest, today = past.latest, day_number(view.day)
    cells = write_view(home, view.day, eye.grid, lambda window: latest.part(window).after(seen.bands(window), today))
    return _digest(cells, *(as_json(feature).decode() for feature in features))


def _write_indicators(home: Home, seen: Seen, now: datetime, expected: int) -> Written:
    frame = pd.concat([function(seen.view) for function in taking("scene")], ignore_index=True)
    why = f"scenes of {seen.view.day} computed"
    return home.lake.upsert("indicators", frame, now=now, why=why, expected_version=expected)


def _settle_candidates(home: Home, days: list[date], now: datetime) -> None:
    """The table of candidates as it follows from all days; what no longer follows is withdrawn, not forgotten."""
    latest: dict[str, dict[str, Any]] = {}
    for day in days:
        latest |= {f["properties"]["id"]: f for f in read_candidates(home, day)}
    stored = home.lake.read("candidates")
    gone = stored[~stored["id"].isin(list(latest)) & (stored["status"] != "withdrawn")]
    parts = [candidates.rows(list(latest.values())), gone.assign(status="withdrawn")]
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True) if latest or len(gone) else stored[:0]
    if len(rows):
        home.lake.upsert("candidates", TABLES["candidates"].frame(rows), now=now, why="candidates followed anew")


class _Past:
    """The days before the one that is computed: their clear views, read when they are needed, and their digests."""

    def __init__(self, eye: Eye) -> None:
        self.eye = eye
        self.days: list[date] = []
        self.views: list[str] = []  # digests
        self._held: dict[date | None, StoredView] = {}

    @property
    def last(self) -> date | None:
        """The day before, or None."""
        return self.days[-1] if self.days else None

    @property
    def latest(self) -> StoredView:
        """The clear view at its end."""
        return self._view(self.last)

    def digests(self, day: date) -> list[str]:
        """Of the views a day is compared with."""
        known: dict[date | None, str] = {None: ""}
        known |= dict(zip(self.days, self.views, strict=True))
        return [known[self.last], *(known[self._as_of(d)] for d in reference_days(day, self.eye.limits).values())]

    def references(self, day: date) -> dict[str, StoredView]:
        """The views a day is compared with, by the fields of `References`; others are let go."""
        asked = {"latest": self.last}
        asked |= {name: self._as_of(d) for name, d in reference_days(day, self.eye.limits).items()}
        self._held = {d: view for d, view in self._held.items() if d in asked.values()}
        return {name: self._view(d) for name, d in asked.items()}

    def passed(self, day: date, digest: str) -> None:
        """Go on to the next day."""
        self.days.append(day)
        self.views.append(digest)

    def _as_of(self, day: date) -> date | None:
        index = bisect_right(self.days, day)
        return self.days[index - 1] if index else None

    def _view(self, day: date | None) -> StoredView:
        if day not in self._held:
            self._held[day] = stored(self.eye.home, day, self.eye.grid.shape)
        return self._held[day]


def _tables_digest(home: Home) -> str:
    """Of everything beside scenes that decides what a day looks like."""
    registry = home.registry
    tables = [(TABLES_DIR / name).read_text(encoding="utf-8") for name in _TABLES]
    shapes = [shape.wkt for zones in registry.zones.values() for shape in zones.shapes]
    names = [f"{layer}/{key}" for layer, zones in registry.zones.items() for key in zones.ids]
    grid = [str(registry.county[key]) for key in ("crs", "bbox", "resolution_m")]
    places = [home.files.path(name) for name in (sky_fit.KEPT, sky_fvc.KEPT)]
    kept = [place.read_text(encoding="utf-8") if place.is_file() else "" for place in places]
    return _digest(str(_EDITION), *tables, *shapes, *names, *grid, *kept)


def _contents(rows: pd.DataFrame | Mapping[str, Any] | None) -> Iterable[str]:
    columns = ["id", "epsg", "datetime", "assets", "properties"]
    if rows is None:
        return ["no map"]
    several = rows[columns].to_dict("records") if isinstance(rows, pd.DataFrame) else [{c: rows[c] for c in columns}]
    return [json.dumps(row, default=str, ensure_ascii=False) for row in several]


def _digest(*texts: str) -> str:
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()


def _tile_id(properties: Mapping[str, Any], item: str) -> str:
    """MGRS tile, with or without the prefix some catalogues give it; the item's own id when it names none."""
    return str(properties.get("s2:mgrs_tile") or properties.get("grid:code") or item).removeprefix("MGRS-")
