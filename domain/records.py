"""The records of Sanyan, and the tables that keep them.

Words follow OGC Observations & Measurements, STAC, SEEA-EA and Prometheus. Bulk data are pandas DataFrames whose
columns *are* the fields of a record; `Table.schema` is derived from the dataclass, so there is one schema and not two.
"""

from dataclasses import dataclass, field, fields
from datetime import datetime as Instant  # noqa: N812 - a STAC Item has a field named `datetime`
from enum import IntEnum, StrEnum
from typing import Any, get_type_hints

import pandas as pd
import pyarrow as pa


class Flag(IntEnum):
    """QARTOD primary flags (IOOS, Manual for the use of real-time oceanographic data quality control flags)."""

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class Reason(StrEnum):
    """Why a record was rejected: a closed list, so that rejections can be counted."""

    BAD_CRC = "bad_crc"
    BAD_LENGTH = "bad_length"
    BAD_GRAMMAR = "bad_grammar"
    TRUNCATED = "truncated"
    GARBAGE = "garbage"
    BAD_DOCUMENT = "bad_document"
    EMPTY = "empty"
    UNKNOWN_STATION = "unknown_station"
    UNKNOWN_CODE = "unknown_code"
    WRONG_UNIT = "wrong_unit"
    BAD_VALUE = "bad_value"
    BAD_TIME = "bad_time"
    FUTURE_TIME = "future_time"
    BAD_POSITION = "bad_position"
    MISSING_FIELD = "missing_field"
    MISSING_BAND = "missing_band"
    UNREADABLE_RASTER = "unreadable_raster"


class Severity(StrEnum):
    """The four colours of Chinese warnings, mildest first."""

    BLUE = "blue"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One value of one parameter at one station over one period, as the feed said it."""

    medium: str  # air, water, groundwater, soil, noise, source
    station_id: str
    parameter: str  # id in domain/tables/parameters.csv
    time: Instant  # start of the period, UTC
    period: str  # ISO 8601 duration; PT0S is an instant
    value: float  # in the canonical unit; NaN when the feed reported that there is none
    unit: str
    flag: int  # what the door knows: 2 not evaluated, 4 device says invalid, 9 missing
    source_flag: str  # the device's or laboratory's own mark, unchanged
    feed: str
    received_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What quality control says of one observation; the observation itself is never touched."""

    medium: str
    station_id: str
    parameter: str
    time: Instant
    period: str
    flag: int  # QARTOD
    tests: str  # tests that flagged it, comma separated; "" when all passed
    level: str  # auto-checked, reviewed, published (an observation without a row here is raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What is usual at a station in one season and at one hour, learnt from its history."""

    version: str  # name of the learning: the day from which it holds
    valid_from: Instant
    medium: str
    station_id: str
    parameter: str
    period: str
    season: int  # month 1 to 12, or 101 winter, 102 spring, 103 summer, 104 autumn
    hour: int  # Shanghai hour
    low: float  # quantile 0.005
    middle: float  # median
    high: float  # quantile 0.995
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One satellite acquisition tile (a STAC Item)."""

    id: str
    collection: str
    platform: str
    datetime: Instant
    epsg: int
    cloud_cover: float
    geometry: str  # GeoJSON, WGS 84
    assets: str  # JSON: band name -> href
    properties: str  # JSON: everything else of the item
    feed: str
    received_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something satellites saw change: evidence for an alert and a task for a grid worker, never a verdict."""

    id: str  # kind, day first seen and grid cell: the same in every run
    kind: str  # clearing, dump, burn, pine_decline, bloom, water_loss
    first_seen: Instant  # start of the Shanghai day
    last_seen: Instant
    n_seen: int  # clear days on which it was seen
    before_from: Instant  # oldest and newest day of the clear view it was compared with
    before_to: Instant
    before_scenes: str
    after_scenes: str
    township: str  # nine-digit code
    water_body: str
    lon: float  # of a point inside, WGS 84
    lat: float
    area_ha: float
    confidence: float  # 0..1, see docs/sky_events.md: an order of looking, no probability
    changes: str  # JSON: index -> [before, after]
    geometry: str  # GeoJSON, WGS 84
    picture: str  # before and after, a name in the files; "" when none was drawn
    status: str  # new, standing (seen again), over (a clear look shows it gone), withdrawn (no longer follows)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridReport:
    """What a grid worker or a citizen saw, personal data masked."""

    id: str
    source: str
    grid_code: str
    township: str  # nine-digit code
    observed_at: Instant
    received_at: Instant
    lon: float  # WGS 84
    lat: float
    category: str  # W water, A air, N noise, S solid waste, L land, E ecology, D dust, R other
    urgency: int  # 1 (most urgent) to 4
    text: str
    photos: str  # JSON list of sha256
    status: str
    verdict: str
    duplicate_of: str
    incident: str
    flag: int
    feed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorValue:
    """One indicator of one subject over one period, with the edition of the standard that was used."""

    indicator: str  # medium.quantity
    medium: str
    subject: str  # station, township, water body, feed
    time: Instant
    period: str
    value: float  # NaN when it cannot be said; `detail` tells why
    unit: str
    grade: str
    n_valid: int
    n_expected: int
    flag: int
    detail: str
    edition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GepInput:
    """One input of a GEP account: a quantity of one ecosystem in one zone and year."""

    zone: str
    ecosystem: str
    year: int
    quantity: str  # area_ha, vegetation_cover_pct, rainfall_mm, ...
    value: float
    unit: str
    n_valid: int
    n_expected: int
    method: str
    source: str  # tables and files it was made from, with their versions


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFlow:
    """One part of an ecosystem service of one zone, ecosystem and year by one norm (SEEA-EA)."""

    zone: str
    ecosystem: str
    year: int
    service: str
    part: str  # service, or service.component
    item: str  # pollutant, nutrient, product, site; "" when there is none
    profile: str  # id of the profile of the norm
    price_base: str  # current, or the year whose prices are used
    quantity: float
    unit: str
    quantity_low: float  # 5 % of the draws; NaN without draws
    quantity_high: float  # 95 %
    price: float  # NaN when the part is physical only
    price_unit: str
    value_cny: float
    low: float
    high: float
    method: str  # ids of the formulas of quantity and price
    norm: str
    price_type: str
    price_year: str
    status: str  # the least of what it is made from
    n_unconfirmed: int  # rows of tables and formulas behind it whose source was not seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """One figure that a department reported for a year on its form."""

    zone: str  # nine-digit township or six-digit district code
    year: int
    item: str  # id in domain/tables/gep_form_items.csv
    object: str  # reservoir, site or station; "" when the figure is of the whole zone
    value: float  # NaN when it does not apply there
    unit: str
    state: str  # reported, not applicable (an empty cell is no row at all)
    form: str
    department: str
    document: str  # what the department says it is from
    received_at: Instant
    cell: str  # archive reference of the workbook and the cell, "raw/..#sheet!C7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """A row that was replaced by a later one, kept with when and why."""

    table: str
    key: str  # JSON of the key columns
    row: str  # JSON of the whole row
    replaced_at: Instant
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One record that could not be taken in; its payload is in the archive."""

    feed: str
    received_at: Instant
    reason: str  # a Reason
    detail: str  # what happened, where (file, line or byte), what to do
    raw_ref: str  # archive reference of the payload
    offset: int = 0  # first byte of the bad record in the payload
    length: int = 0  # how many bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What the data say. Identity is `fingerprint` (of rule and subject) and `starts_at`."""

    fingerprint: str
    rule: str
    subject: str
    labels: dict[str, str] = field(default_factory=dict)  # said of the subject: township, medium, eye
    status: str = "pending"  # pending, firing, resolved, withdrawn (corrected data no longer justify it)
    starts_at: Instant  # since when the condition held
    fired_at: Instant | None = None
    ends_at: Instant | None = None
    reason: str = ""  # why it ended: recovered, stale (no data), data or rule (why it was withdrawn)
    value: float  # the worst
    threshold: float
    unit: str = ""
    severity: str  # the worst
    severity_now: str = ""  # the present one, which may have gone down; "" is the worst
    turned_at: Instant | None = None  # since when severity_now holds
    historical: bool = False  # it was over when late data told of it: recorded and counted, never said
    inhibited_by: str = ""  # the rule that silenced it all the while it fired
    summary_zh: str
    summary_en: str
    cause_zh: str = ""  # the likely first cause
    cause_en: str = ""
    action_zh: str = ""  # what to do first
    action_en: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """How a record is kept: its key, its partitions, and the columns that do not make a row different."""

    name: str
    record: type
    key: tuple[str, ...]
    time: str  # the column whose Shanghai month is the partition; "" when there is none
    medium: str = "medium"  # the column partitioned by; "" when there is none
    passive: tuple[str, ...] = ()  # a change in these alone is no change
    history: bool = False  # whether a replaced row is kept in `superseded` (what feeds said; results can be recomputed)

    @property
    def columns(self) -> list[str]:
        return [f.name for f in fields(self.record)]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, derived from the annotations of the record."""
        hints = get_type_hints(self.record)
        return pa.schema([(name, _ARROW[hints[name]]) for name in self.columns])

    def frame(self, rows: "list[Any] | pd.DataFrame | None" = None) -> pd.DataFrame:
        """Rows (records, dicts or a frame) as a frame with exactly this table's columns and dtypes.

        Raises:
            KeyError: a column is missing.
        """
        if rows is None or len(rows) == 0:
            return self.schema.empty_table().to_pandas()
        if isinstance(rows, pd.DataFrame):
            data = rows[self.columns]
        else:
            data = pd.DataFrame([{c: _get(r, c) for c in self.columns} for r in rows])
        dtypes = {n: _PANDAS[t] for n, t in get_type_hints(self.record).items() if n in self.columns}
        return data.astype(dtypes).reset_index(drop=True)


def _get(row: Any, column: str) -> Any:
    return row[column] if isinstance(row, dict) else getattr(row, column)


_ARROW: dict[type, pa.DataType] = {
    str: pa.string(),
    float: pa.float64(),
    int: pa.int32(),
    Instant: pa.timestamp("us", tz="UTC"),
}
_PANDAS: dict[type, str] = {str: "str", float: "float64", int: "int32", Instant: "datetime64[us, UTC]"}

_OBSERVED = ("station_id", "parameter", "time", "period")
TABLES = {
    t.name: t
    for t in (
        Table("observations", Observation, _OBSERVED, time="time", passive=("received_at", "feed"), history=True),
        Table("quality", Quality, _OBSERVED, time="time"),
        Table("bands", Band, ("version", "station_id", "parameter", "period", "season", "hour"), time=""),
        Table("scenes", Scene, ("id",), time="datetime", medium="", passive=("received_at",), history=True),
        Table("candidates", Candidate, ("id",), time="first_seen", medium=""),
        Table(
            "reports",
            GridReport,
            ("source", "id"),
            time="observed_at",
            medium="",
            passive=("received_at", "feed"),
            history=True,
        ),
        Table("indicators", IndicatorValue, ("indicator", "subject", "time", "period"), time="time"),
        # Of months, seasons and years; apart from `indicators` so that a new annual value touches none of its days.
        Table("periods", IndicatorValue, ("indicator", "subject", "time", "period"), time="time"),
        Table(
            "statistics",
            Statistic,
            ("zone", "year", "item", "object"),
            time="",
            medium="",
            passive=("received_at", "cell"),
            history=True,
        ),
        Table("gep_inputs", GepInput, ("zone", "ecosystem", "year", "quantity"), time="", medium=""),
        Table("superseded", Superseded, ("table", "key", "replaced_at"), time="replaced_at", medium=""),
        Table(
            "flows",
            ServiceFlow,
            ("zone", "ecosystem", "year", "service", "part", "item", "profile", "price_base"),
            time="",
            medium="",
        ),
    )
}
