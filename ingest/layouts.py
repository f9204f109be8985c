"""Layouts: how somebody's files are written, as YAML, so that a new file needs a description and no code.

One file `ingest/layouts/<id>.yaml` describes one kind of file. The keys are the fields of `Layout` below; anything else
is refused, and every problem is told at once with its line.

| format | a record is | read by |
|---|---|---|
| csv | a line of delimited text | `decoders.table` |
| xlsx | a row of a sheet | `decoders.table` |
| xml | an element of a given name | `decoders.table` |
| frames | an HJ 212 frame in one column of a delimited text | `decoders.hj212` |
| stac | a STAC item with its rasters beside it | `decoders.stac_item` |
| rasters | a GeoTIFF, NetCDF or HDF5 file | `decoders.raster_file` |
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from domain.catalogue import convertible, parameters
from domain.documents import Document, Strict
from domain.errors import CatalogueError
from domain.times import LENGTHS
from ingest.decoders import raster_file

LAYOUTS_DIR = Path(__file__).parent / "layouts"

Medium = Literal["air", "water", "groundwater", "soil", "noise", "source"]
Part = Literal["year", "month", "day", "hour", "minute", "second"]


class Cells(Strict):
    """How the text of the file becomes rows of named cells."""

    skip_rows: int = Field(default=0, ge=0)  # lines (csv, xlsx) above the line of column names
    comment: str = ""  # csv: lines on top that begin so are skipped too
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)  # csv: "" when quotation marks are text like any other
    record: str = ""  # xml: local name of the element that is one record
    entities: dict[str, str] = Field(default_factory=dict)  # xml: entities the file uses but does not declare
    sheet: str = ""  # xlsx: its name; the first one otherwise
    #: Text that stands for no value. `missing`: there should be one (kept, flag 9); `not_measured`: there is none to
    #: expect (no observation). An empty cell is missing.
    absent: dict[str, Literal["missing", "not_measured"]] = Field(default_factory=dict)

    def marks(self, meaning: str) -> list[str]:
        """The texts with this meaning."""
        return [text for text, said in self.absent.items() if said == meaning]


class Column(Strict):
    """One column of values: what it is, in which unit it is written."""

    parameter: str
    unit: str
    values: dict[str, float] = Field(
        default_factory=dict
    )  # words the column is written in, for example N: 0, NNE: 22.5


class Time(Strict):
    """How the time of a row is put together; exactly one of `parts`, `text`, `fixed`."""

    parts: dict[Part, str] = Field(default_factory=dict)  # numeric columns: year, month, day, hour ...
    text: tuple[str, ...] = ()  # text columns, joined by one blank and read with `format`
    format: str = ""
    fixed: datetime | None = None  # when the file does not say: one time for all rows, with its zone
    zone: str = "Asia/Shanghai"
    stamp: Literal["start", "end"] = "start"  # what the time in the file is of the period
    period: str = "PT1H"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [bool(self.parts), bool(self.text), self.fixed is not None]
        if sum(ways) != 1:
            raise ValueError("time needs exactly one of parts, text, fixed")
        if self.parts and not {"year", "month", "day"} <= set(self.parts):
            raise ValueError("time.parts needs at least year, month and day")
        if bool(self.text) != bool(self.format):
            raise ValueError("time.text and time.format go together")
        if self.fixed is not None and self.fixed.tzinfo is None:
            raise ValueError("time.fixed needs a zone, for example 2018-08-01T00:00:00+08:00")
        if self.period not in LENGTHS:
            raise ValueError(f"time.period {self.period!r} is not one of {list(LENGTHS)}")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"time.zone {self.zone!r} is no time zone") from None
        return self


class Station(Strict):
    """What is known of a station; the words of `domain.registry.STATION_COLUMNS`."""

    name_zh: str | None = None
    name_en: str | None = None
    medium: Medium | None = None
    kind: str | None = None
    township: str | None = None
    lon: float | None = None
    lat: float | None = None
    mn: str | None = None
    edition: str | None = None
    cadence: str | None = None
    zone: str | None = None
    target: str | None = None
    river: str | None = None
    river_km: float | None = None


class Stations(Strict):
    """Which station a row belongs to: one of `column`, `file_pattern`, `numbered`, or (frames) the `known` devices."""

    prefix: str = Field(pattern=r"^[a-z][a-z0-9_]*$")  # stations become <prefix>.<name>
    column: str = ""
    file_pattern: str = ""  # regular expression on the file name with a group `station`
    numbered: str = ""  # every record is its own station, named by its order: "point-{:03d}"
    attributes: Station = Station()  # of every station
    columns: dict[Literal["name_zh", "name_en", "kind", "lon", "lat", "zone", "target", "river"], str] = Field(
        default_factory=dict
    )
    words: dict[str, str] = Field(
        default_factory=dict
    )  # what the words of those columns are called here, for example Paddy: paddy
    known: dict[str, Station] = Field(default_factory=dict)  # of single stations, by name; they win

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(map(bool, (self.column, self.file_pattern, self.numbered))) > 1:
            raise ValueError("stations needs one of column, file_pattern, numbered")
        if self.file_pattern and "station" not in re.compile(self.file_pattern).groupindex:
            raise ValueError("stations.file_pattern needs a group (?P<station>...)")
        return self


class Status(Strict):
    """The column in which the sender says whether a row may be used; its text is kept as `source_flag`."""

    column: str
    usable: tuple[
        str, ...
    ]  # these leave the values to quality control (flag 2); every other text spoils the row (flag 4)


class Reference(Strict):
    """A column somebody else computed: kept beside the observations to compare with, never an observation."""

    column: str
    separator: str = ""  # several words in one cell
    words: dict[str, str] = Field(default_factory=dict)  # what they are called here


class Frames(Strict):
    """HJ 212 frames kept as text."""

    column: str


class Stac(Strict):
    """A STAC item whose rasters lie beside it under other names than its hrefs."""

    assets: dict[str, str]  # asset name -> file name


class Layout(Strict):
    """One kind of file."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    source: str  # who wrote the files, licence
    note: str = ""  # what an engineer must know of them
    format: Literal["csv", "xlsx", "xml", "frames", "stac", "rasters"]
    glob: str  # the files, below the path that is imported
    compression: Literal["infer", "none"] = "infer"  # gzip is seen by its first bytes
    encoding: str = "utf-8"
    cells: Cells = Cells()
    #: wide: a column per parameter. long: a row per parameter, named in `parameter_column`. across: as long, with a
    #: column per station (every column that is neither time nor `parameter_column`).
    shape: Literal["wide", "long", "across"] = "wide"
    parameter_column: str = ""
    value_column: str = ""
    columns: dict[str, Column] = Field(
        default_factory=dict
    )  # by name of the column (wide) or text in `parameter_column` (long, across)
    ignore: tuple[str, ...] = ()  # long, across: texts in `parameter_column` that are not taken in
    time: Time | None = None
    stations: Stations | None = None
    status: Status | None = None
    reference: dict[str, Reference] = Field(default_factory=dict)
    frames: Frames | None = None
    stac: Stac | None = None
    rasters: raster_file.Options | None = None

    @property
    def feed(self) -> str:
        """The name under which its records are kept."""
        return f"history/{self.id}"

    @property
    def medium(self) -> str:
        """The medium of its stations; "" for scenes and devices of several media."""
        return (self.stations.attributes.medium or "") if self.stations else ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problems = list(_gaps(self)) + list(_unknown(self))
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _gaps(layout: Layout) -> Iterator[str]:
    table = layout.format in {"csv", "xlsx", "xml"}
    if (layout.format == "frames") != (layout.frames is not None):
        yield "`frames` and format frames go together"
    if (layout.format == "stac") != (layout.stac is not None):
        yield "`stac` and format stac go together"
    if (layout.format == "rasters") != (layout.rasters is not None):
        yield "`rasters` and format rasters go together"
    if layout.format == "xml" and not layout.cells.record:
        yield "xml needs cells.record, the element that is one record"
    if table and (layout.time is None or layout.stations is None or not layout.columns):
        yield f"{layout.format} needs time, stations and columns"
    if layout.format == "frames" and layout.stations is None:
        yield "frames needs stations.known, the devices"
    if table and layout.stations is not None and not layout.medium:
        yield "stations.attributes.medium is needed"
    yield from _shape_gaps(layout) if table and layout.stations is not None else ()


def _shape_gaps(layout: Layout) -> Iterator[str]:
    named = bool(layout.stations and (s := layout.stations) and (s.column or s.file_pattern or s.numbered))
    if (layout.shape == "wide") == bool(layout.parameter_column):
        yield "parameter_column belongs to shape long or across, and only there"
    if (layout.shape == "long") != bool(layout.value_column):
        yield "value_column belongs to shape long, and only there"
    if (layout.shape == "across") == named:
        yield "stations needs one of column, file_pattern, numbered (shape across: none of them)"
    if layout.shape == "across" and (layout.status or layout.reference):
        yield "shape across has no status and no reference columns"


def _unknown(layout: Layout) -> Iterator[str]:
    known = parameters()
    for name, column in layout.columns.items():
        if column.parameter not in known.index:
            yield f"columns.{name}: parameter {column.parameter!r} is not in domain/tables/parameters.csv"
            continue
        row = known.loc[column.parameter]
        if not convertible(column.unit, str(row["unit"])):
            yield f"columns.{name}: no conversion from {column.unit!r} to {row['unit']!r} in domain/tables/units.csv"
        if layout.medium not in row["media"]:
            yield f"columns.{name}: {column.parameter} is not measured in {layout.medium or 'no medium'}"
    if layout.shape == "wide":
        told = [c.parameter for c in layout.columns.values()]
        yield from (f"parameter {p} comes from two columns" for p in sorted({p for p in told if told.count(p) > 1}))


def read_layout(path: Path) -> Layout:
    """The layout in a YAML file.

    Raises:
        CatalogueError: no such file, no YAML, or not a layout; every problem with its line.
    """
    if not path.is_file():
        raise CatalogueError([f"{path}: no such layout; the known ones are {', '.join(names())}"])
    document = Document.read(path)
    layout = document.parse(Layout)
    if layout.id != path.stem:
        raise CatalogueError([document.problem(["id"], f"id {layout.id!r} differs from the file name")])
    return layout


def names(folder: Path = LAYOUTS_DIR) -> list[str]:
    """The ids of the layouts at hand."""
    return [p.stem for p in sorted(folder.glob("*.yaml"))]


@cache
def find(name: str, folder: Path = LAYOUTS_DIR) -> Layout:
    """A layout by id, or by the path of somebody's own YAML file.

    Raises:
        CatalogueError: unknown, or not as it must be.
    """
    own = Path(name)
    return read_layout(own if own.suffix in {".yaml", ".yml"} else folder / f"{name}.yaml")
