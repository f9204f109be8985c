"""Grid reports from named fields, whether a platform's JSON or its spreadsheet named them.

Decisions made here, once:
* a report without a usable position is kept with NaN coordinates and flag 4, since what it says is still true; its
  township then comes from its codes or names. A position that was given and is of no use (0,0, an unknown coordinate
  system, far outside the county) is counted as a `bad_position` besides;
* longitude and latitude that are clearly exchanged are put right, flag 3;
* a class that the tables report_classes and report_categories do not know becomes R (other) with flag 3;
* the class at closing, once there is one, goes before the class at report (the replaced row stays in `superseded`);
* a report without an id, without a time or from the future is refused;
* personal data are masked in every text; only what a table needs is taken over;
* `received_at` is the platform's own time of the last update when it gives one, else the start of the slot: so the
  newest state wins, however often and in which order it is told. An export is a copy: of two rows of one state the
  interface's is the one that stays (option `copy_of`).
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError
from domain.records import Flag, Reason, Rejection
from domain.registry import Registry
from ingest.coordinates import Box, place
from ingest.decoded import Context, Decoded
from ingest.feeds import Strict
from ingest.moments import instant
from ingest.privacy import mask

CATEGORIES = frozenset("WANSLEDR")
#: A clock may be this much ahead before a report counts as one from the future.
_CLOCKS_DIFFER = timedelta(minutes=5)
#: How far outside the county's box a position is still believed, degrees (about 10 km).
_MARGIN = 0.1
_LONGEST_TEXT = 4000
_A_COPY_IS_OLDER = timedelta(milliseconds=1)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


class Options(Strict):
    """What a platform's items leave unsaid."""

    source: str = "grid"
    coord_sys: str = ""  # "": unknown, so that the position is not used
    zone: str = "Asia/Shanghai"
    copy_of: bool = False  # whether the items are copies of what another feed tells at first hand


def decode(items: Iterable[tuple[str, Mapping[str, Any]]], context: Context, options: Options) -> Decoded:
    """Reports of items given as (where, fields as the feed names them).

    Args:
        items: `where` names the item for a person: a JSON pointer, or a sheet and row.
        context: of the payload.
        options: what holds where an item says nothing.
    """
    drafts: list[dict[str, Any]] = []
    rejections: list[Rejection] = []
    for where, item in items:
        draft = _draft(named(item), where, context, options)
        if isinstance(draft, Rejection):
            rejections.append(draft)
        else:
            drafts.append(draft)
    n_records = len(drafts) + len(rejections)
    if not drafts:
        return Decoded.of(rejections=rejections, n_records=n_records)
    placed = _placed(drafts, context.registry)
    lost = (placed["said"] != "") & placed["lon"].isna()
    rejections += [
        context.reject(
            Reason.BAD_POSITION,
            f"{row.where}: report {row.id}: position {row.said!r} in system {row.coord_sys!r} is not in the "
            "county, the report is kept without it; correct it on the platform",
        )
        for row in (placed[lost].itertuples() if lost.any() else ())
    ]
    return Decoded.of(reports=placed, rejections=rejections, n_records=n_records)


def named(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item with our field names; unknown fields are left out, and of two names for one field the first filled."""
    aliases, found = fields(), dict[str, Any]()
    for name, value in item.items():
        field = aliases.get(str(name).strip())
        if field and found.get(field) in (None, ""):
            found[field] = value
    return found


@cache
def fields() -> Mapping[str, str]:
    """Names of fields and headings -> our field, from report_fields.csv.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    frame = read_table(TABLES_DIR / "report_fields.csv", columns=["alias", "field"], key=["alias"])
    return dict(zip(frame["alias"], frame["field"], strict=True))


@cache
def categories() -> Mapping[str, str]:
    """Names of classes -> our category letter: report_classes.csv, then the names of other platforms.

    Raises:
        CatalogueError: a table is not as it must be, or names a letter that is none of ours.
    """
    classes = read_table(
        TABLES_DIR / "report_classes.csv",
        columns=["class_big", "class_small", "category", "source"],
        key=["class_small"],
    )
    others = read_table(
        TABLES_DIR / "report_categories.csv", columns=["name_zh", "category", "name_en", "source"], key=["name_zh"]
    )
    problems = [
        f"{name}:{row.line}: category {row.category!r} is not one of {sorted(CATEGORIES)}"
        for name, frame in (("report_classes.csv", classes), ("report_categories.csv", others))
        for row in frame.itertuples()
        if row.category not in CATEGORIES
    ]
    if problems:
        raise CatalogueError(problems)
    names = (others["name_zh"], others["category"]), (classes["class_big"], classes["category"])
    small = (classes["class_small"], classes["category"])
    return {name: letter for pair in (*names, small) for name, letter in zip(*pair, strict=True)}


@cache
def _words() -> Mapping[tuple[str, str], str]:
    frame = read_table(
        TABLES_DIR / "report_words.csv", columns=["field", "word", "value", "source"], key=["field", "word"]
    )
    sources = read_table(TABLES_DIR / "report_sources.csv", columns=["name_zh", "source", "note"], key=["name_zh"])
    words = {("source", str(row.name_zh)): str(row.source) for row in sources.itertuples()}
    return words | {(str(row.field), str(row.word)): str(row.value) for row in frame.itertuples()}


def _draft(item: Mapping[str, Any], where: str, context: Context, options: Options) -> dict[str, Any] | Rejection:
    """One report without its place, or why not."""

    def refuse(reason: Reason, what: str) -> Rejection:
        return context.reject(reason, f"{where}: {what}")

    name = text(item.get("id"))
    if not name:
        return refuse(Reason.MISSING_FIELD, "the report has no id; ask the platform to send it again")
    raw_time = item.get("observed_at") if text(item.get("observed_at")) else item.get("reported_at")
    if not text(raw_time):
        return refuse(Reason.MISSING_FIELD, f"report {name} has no time of finding or reporting")
    zone = ZoneInfo(options.zone)
    try:
        observed_at = instant(raw_time, zone)
    except ValueError as error:
        return refuse(Reason.BAD_TIME, f"report {name}: {error}; correct it on the platform")
    if observed_at > context.until + _CLOCKS_DIFFER:
        return refuse(
            Reason.FUTURE_TIME,
            f"report {name}: time {observed_at.isoformat()} lies after its receipt before {context.until.isoformat()}; "
            "check the clock of the phone",
        )
    category = _category(item)
    return {
        "id": name,
        "source": _word("source", item.get("source")) or options.source,
        "grid_code": text(item.get("grid_code")),
        "township": _named_township(item, context.registry),
        "observed_at": observed_at,
        "received_at": _received(item.get("updated_at"), zone, context) - options.copy_of * _A_COPY_IS_OLDER,
        "x": number(item.get("lon")),
        "y": number(item.get("lat")),
        "said": ", ".join(filter(None, (text(item.get("lon"))[:40], text(item.get("lat"))[:40]))),
        "where": where,
        "coord_sys": text(item.get("coord_sys")) or options.coord_sys,
        "category": category or "R",
        "urgency": int(_urgency(item.get("urgency"))),
        "text": mask(text(item.get("text"))[:_LONGEST_TEXT]),
        "photos": json.dumps(_photos(item.get("photos"))),
        "status": _word("status", item.get("status")),
        "verdict": mask(text(item.get("verdict"))[:_LONGEST_TEXT]),
        "duplicate_of": text(item.get("duplicate_of")),
        "incident": text(item.get("incident")),
        "flag": int(Flag.NOT_EVALUATED if category else Flag.SUSPECT),
        "feed": context.feed,
    }


def _placed(drafts: list[dict[str, Any]], registry: Registry) -> pd.DataFrame:
    """The drafts with WGS 84 positions, the township each lies in, and the worse of both flags."""
    frame = pd.DataFrame(drafts)
    box = Box.around(registry.county["bbox"], _MARGIN)
    x, y = frame["x"].to_numpy(float), frame["y"].to_numpy(float)
    lon, lat, flags = place(x, y, frame["coord_sys"].tolist(), box)
    inside = township_of(lon, lat, registry)
    township = np.where(inside == "", frame["township"].to_numpy(object), inside)
    flag = np.maximum(frame["flag"].to_numpy(int), flags)
    return frame.assign(lon=lon, lat=lat, township=township, flag=flag)


def township_of(lon: np.ndarray, lat: np.ndarray, registry: Registry) -> np.ndarray:
    """(n,) code of the township each WGS 84 point lies in; "" for none. On a border the first of the registry wins."""
    codes = np.full(len(lon), "", dtype=object)
    tree = shapely.STRtree(registry.townships.shapes)
    points, areas = tree.query(shapely.points(lon, lat), predicate="intersects")
    for point, area in sorted(zip(points.tolist(), areas.tolist(), strict=True), reverse=True):
        codes[point] = registry.townships.ids[area]
    return codes


def _named_township(item: Mapping[str, Any], registry: Registry) -> str:
    """The township by its code, its name or the grid's code: what is left when there is no position."""
    known = set(registry.townships.ids)
    for field in ("admin_code", "grid_code"):
        code = text(item.get(field))[:9]
        if code in known:
            return code
    names = dict(zip(registry.townships.names_zh, registry.townships.ids, strict=True))
    return names.get(text(item.get("township")), "")


def _received(value: object, zone: ZoneInfo, context: Context) -> datetime:
    if not text(value):
        return context.received_at
    try:
        return min(instant(value, zone), context.until)
    except ValueError:
        return context.received_at


def _category(item: Mapping[str, Any]) -> str:
    table = categories()
    names = (text(item.get(field)) for field in ("class_end", "class_end_big", "class_small", "class_big"))
    return next((table[name] for name in names if name in table), "")


def _word(field: str, value: object) -> str:
    """Our word for a platform's, or the platform's own when the table does not know it."""
    said = text(value)
    return _words().get((field, said), said)


def _urgency(value: object) -> str:
    said = _word("urgency", value)
    return said if said in {"1", "2", "3", "4"} else "3"


def _photos(value: object) -> list[str]:
    """Digests of the photos, lower case; addresses and names of files are left in the archive."""
    if isinstance(value, str):
        return [found.lower() for found in _SHA256.findall(value)]
    if isinstance(value, Mapping):
        return _photos(value.get("sha256"))
    if isinstance(value, list):
        return [digest for part in value if not isinstance(part, list) for digest in _photos(part)]
    return []


def number(value: object) -> float:
    """A coordinate as a float; NaN when it is none, and for the 0 that platforms write for none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return found if math.isfinite(found) and found != 0 else math.nan


def text(value: object) -> str:
    """A cell or JSON value as trimmed text: whole numbers without a point, nothing for null, lists and objects."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**40 else ""
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return ""
    # Half of a surrogate pair is legal in JSON and impossible in UTF-8.
    return value.encode("utf-8", "replace").decode().replace("\x00", "").strip()
