"""The shell of GEP inputs: land cover, products of the sky eye, rain and daily indicators -> the table of a year."""

import calendar
import json
from collections.abc import Callable
from datetime import date, datetime

import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Transformer

from domain.errors import FeedCorrupt, StoreConflict
from domain.records import TABLES, Reason, Rejection
from domain.times import DAY, day_start, local_day
from processing.counts import Counts
from processing.gep import inputs
from processing.gep.eyes import Layers, class_rows, layers_of, rain_source
from processing.gep.inputs import Layer
from processing.gep.land import digest, href, map_of
from processing.imagery.grid import WGS84, Grid, county_grid, moved, onto
from processing.sky import acquisition_days, finished, product
from store.home import Home

_ATTEMPTS = 10

Progress = Callable[[str, float], None]


def gep_inputs(home: Home, *, year: int, now: datetime, progress: Progress | None = None) -> Counts:
    """Compute the GEP inputs of a calendar year (Shanghai) and write them to the table and to gep/<year>/inputs.csv.

    What was made from what is told by digests of the content used, so that a repeated run, a backfill and a live run
    give the same rows. A year that is not over, or that has gaps, shows it in n_valid and n_expected.

    Raises:
        CatalogueError: the land-cover map has classes that landcover.csv does not know.
        FeedCorrupt: the land-cover map cannot be read.
        StoreConflict: other writers never let us through.
    """
    for _ in range(_ATTEMPTS):
        version = home.lake.version("gep_inputs")
        frame, refused = _inputs(home, year, progress or (lambda _text, _share: None))
        stored = home.lake.read("gep_inputs", where={"year": [year]}, version=version)
        key = list(TABLES["gep_inputs"].key)
        gone = stored[~pd.MultiIndex.from_frame(stored[key]).isin(pd.MultiIndex.from_frame(frame[key]))]
        try:
            written = home.lake.upsert(
                "gep_inputs",
                frame,
                now=now,
                why=f"GEP inputs of {year} computed",
                remove=gone if len(gone) else None,
                expected_version=version,
            )
        except StoreConflict:
            continue
        home.files.write_bytes(csv_name(year), csv(frame))
        new = home.ledger.reject(refused)
        return Counts(read=len(frame), computed=1, rejected=new).wrote(written)
    raise StoreConflict(f"GEP inputs of {year}: {_ATTEMPTS} runs in a row met another writer")


def gep_inputs_of_account(home: Home, *, year: int, now: datetime) -> Counts:
    """The inputs of a year and of the one before, its opening, where departments have reported for that one too.

    Raises:
        CatalogueError, FeedCorrupt, StoreConflict: as `gep_inputs`.
    """
    opening = home.lake.read("statistics", where={"year": [year - 1]}, columns=["year"])
    counts = gep_inputs(home, year=year - 1, now=now) if len(opening) else Counts()
    return counts + gep_inputs(home, year=year, now=now)


def csv_name(year: int) -> str:
    """Where the table of a year lies in the files of the home."""
    return f"gep/{year}/inputs.csv"


def csv(frame: pd.DataFrame) -> bytes:
    """The table as CSV for a spreadsheet: UTF-8 with a byte order mark, empty cells where a value is missing."""
    text = frame.to_csv(index=False, lineterminator="\n", float_format="%.10g")
    return text.encode("utf-8-sig")


def _inputs(home: Home, year: int, progress: Progress) -> tuple[pd.DataFrame, list[Rejection]]:
    grid, county = county_grid(home.registry.county), str(home.registry.county["code"])
    rows: list[dict[str, object]] = []
    refused: list[Rejection] = []
    progress("land cover", 0.0)
    found = map_of(home, grid, year)
    if found is not None:
        of, ids = found.extent, home.registry.townships.ids
        rows += inputs.area_rows(of, county=county, cell_ha=grid.cell_ha, source=found.source)
        progress("rainfall", 0.2)
        daily, refused = _daily_rain(home, year)
        rows += inputs.layer_rows(of, _rainfall(daily, grid, year), county=county)
        progress("layers", 0.4)
        layers = layers_of(home, grid, year, daily, _days(year), lambda grids: _summed(grids, grid))
        refused += [_refusal(scene, what) for scene, what in layers.unreadable]
        progress("vegetation", 0.6)
        vegetation = _vegetation(home, grid, year, layers)
        for layer in vegetation:
            rows += inputs.layer_rows(of, layer, county=county)
        progress("classes", 0.8)
        by_class = layers.values | ({"vegetation_cover_pct": vegetation[0].values} if layers.values else {})
        told = layers.told | {"vegetation_cover_pct": vegetation[0].source}
        of_classes = class_rows(found.cover, found.zones, ids, grid, by_class, found.source, told)
        # The means by ecosystem above stand for these two already, with their own counts.
        rows += [row for row in of_classes if row["quantity"] not in ("vegetation_cover_pct", "rainfall_mm")]
    progress("quality", 0.9)
    rows += _quality(home, year, county)
    progress("", 1.0)
    table = TABLES["gep_inputs"]
    frame = table.frame(pd.DataFrame(rows).assign(year=year))
    return frame.sort_values(list(table.key), ignore_index=True), refused


def _vegetation(home: Home, grid: Grid, year: int, layers: Layers) -> list[Layer]:
    """Vegetation cover and NDVI of the year: the mean of each cell over the acquisition days that saw it.

    A year without acquisitions takes its cover from the archived product, where there is one.
    """
    days = [(day, state) for day in acquisition_days(home) if day.year == year and (state := finished(home, day))]
    made_from = digest(state["made_from"].encode() for _, state in days)
    source = f"products of {len(days)} acquisition days, sha256:{made_from}; imagery_thresholds.csv"
    out = []
    for name, quantity, unit, factor in (("fvc", "vegetation_cover_pct", "%", 100), ("ndvi", "ndvi_mean", "1", 1)):
        if not days and quantity in layers.values:
            method = "mean cover of the year of an archived product; there are no acquisitions of our own"
            out.append(Layer(quantity, unit, layers.values[quantity], method, layers.told[quantity]))
            continue
        seen = (onto(home.files.read_raster(product(day, f"{name}.tif")), grid, how="bilinear") for day, _ in days)
        mean = inputs.mean_of((layer.values for layer in seen), grid.shape)
        method = f"mean {name.upper()} of the clear views of each cell, then of its cells; {len(days)} days"
        out.append(Layer(quantity, unit, mean * factor, method, source))
    return out


def _daily_rain(home: Home, year: int) -> tuple[dict[str, xr.DataArray], list[Rejection]]:
    """The rain grid of each day of the year that has one, mm, and the items that cannot be read."""
    start, end = day_start(date(year, 1, 1)), day_start(date(year + 1, 1, 1))
    scenes = home.lake.read("scenes", start=start, end=end, where={"collection": ["rainfall-daily"]})
    made = [str(json.loads(text).get("created", "")) for text in scenes["properties"]]
    ordered = scenes.assign(day=local_day(scenes["datetime"]), made=made).sort_values(["day", "made", "id"])
    layers: dict[str, xr.DataArray] = {}
    refused: list[Rejection] = []
    for row in ordered.to_dict("records"):
        try:
            grid_of_day = _millimetres(home.files.read_raster(href(row)))
        except FeedCorrupt as error:
            refused.append(_refusal(row, str(error)))
            continue
        if np.isfinite(grid_of_day.values).any():
            layers[str(row["day"])] = grid_of_day
    return layers, refused


def _rainfall(layers: dict[str, xr.DataArray], grid: Grid, year: int) -> Layer:
    """Rain of the year: the sum of its daily grids; days without one are counted, not guessed."""
    total = _summed(list(layers.values()), grid)
    method = "sum of daily grids, bilinear on the county grid; n counts days"
    return Layer("rainfall_mm", "mm", total, method, rain_source(layers), days=(len(layers), _days(year)))


def _days(year: int) -> int:
    return 366 if calendar.isleap(year) else 365


def _summed(layers: list[xr.DataArray], grid: Grid) -> np.ndarray:
    """The sum on the county grid; grids of one place are summed before they are warped: the same, and cheaper."""
    places: dict[str, list[xr.DataArray]] = {}
    for layer in layers:
        place = f"{layer.attrs['crs']} {tuple(layer.attrs['transform'])} {layer.shape}"
        places.setdefault(place, []).append(layer)
    parts = []
    for same in places.values():
        total = same[0].copy(data=inputs.sum_of([layer.values for layer in same], same[0].shape))
        parts.append(onto(total, grid, how="bilinear", name="rainfall").values)
    return inputs.sum_of(parts, grid.shape)


def _millimetres(data: xr.DataArray) -> xr.DataArray:
    """A rain grid with NaN where it has no data; negative rain is none."""
    values = data.values.astype(np.float64)
    nodata = data.attrs.get("nodata")
    missing = (values < 0) if nodata is None else (values == nodata) | (values < 0)
    out = data.copy(data=np.where(missing, np.nan, values))
    return out.assign_attrs(nodata=None)


def _quality(home: Home, year: int, county: str) -> list[dict[str, object]]:
    start, end = day_start(date(year, 1, 1)), day_start(date(year + 1, 1, 1))
    days = _days(year)
    townships = home.registry.townships
    crs = str(home.registry.county["crs"])
    middles = [moved(shape, WGS84, crs).representative_point() for shape in townships.shapes]
    centres = np.array([(point.x, point.y) for point in middles]).reshape(-1, 2)
    rows: list[dict[str, object]] = []
    air = _stations(home, "air", crs)
    daily, source = _daily(home, "air.aqi", start, end)
    of = inputs.assigned(air, townships.ids, centres)
    of[county] = (sorted(air["station_id"]), "all stations")
    rows += inputs.air_rows(daily, of, days=days, source=source)
    sections = _stations(home, "water", crs)
    daily, source = _daily(home, "water.class", start, end)
    inside = {t: sorted(sections.loc[sections["township"] == t, "station_id"]) for t in townships.ids}
    inside[county] = sorted(sections["station_id"])
    return rows + inputs.water_rows(daily, inside, days=days, source=source)


def _daily(home: Home, indicator: str, start: datetime, end: datetime) -> tuple[pd.DataFrame, str]:
    frame = home.lake.read(
        "indicators",
        medium=indicator.partition(".")[0],
        start=start,
        end=end,
        where={"indicator": [indicator], "period": [DAY]},
    )
    used = frame[["subject", "time", "value", "edition"]].to_csv(index=False)
    return frame, f"indicators {indicator} {DAY} sha256:{digest([used.encode()])}"


def _stations(home: Home, medium: str, crs: str) -> pd.DataFrame:
    """One row per station (its latest period of validity) with x and y on the county grid."""
    stations = home.registry.stations
    chosen = stations[stations["medium"] == medium].sort_values("valid_from").drop_duplicates("station_id", keep="last")
    x, y = Transformer.from_crs(WGS84, crs, always_xy=True).transform(chosen["lon"], chosen["lat"])
    return chosen.assign(x=x, y=y)


def _refusal(row: dict[str, object], what: str) -> Rejection:
    return Rejection(
        feed=str(row["feed"]),
        received_at=pd.Timestamp(str(row["received_at"])).to_pydatetime(),
        reason=Reason.UNREADABLE_RASTER.value,
        detail=f"{row['feed']}: {row['id']}: {what}",
        raw_ref=f"scenes/{row['id']}",
    )
