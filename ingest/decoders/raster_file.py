"""Rasters and grids that come as bare files: what a catalogue would say is in their names.

One file is one scene. Its place is read from the file itself when it is taken in.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from domain import imagery
from domain.documents import Strict
from domain.records import Reason, Rejection
from ingest.decoded import Context, Decoded
from ingest.moments import instant

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class Options(Strict):
    """What a name says."""

    product: str = ""  # id in domain/tables/sky_products.csv; "" when the name says it in its group `product`
    #: Regular expression over the file's name with the group `date` (20260820, 2026-08-20, 2026232 or 2026), and, where
    #: the name says so, `time`, `band` (a file of one band), `platform`, `camera`, and any others, kept as properties.
    name: str
    date: str = ""  # of every file, when their names tell none
    beside: tuple[str, ...] = ()  # bands of the same scene in files whose names differ in `band` alone
    zone: str = "UTC"  # of the times in names
    properties: dict[str, Any] = Field(default_factory=dict)  # what is true of every file

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if ("product" in re.compile(self.name).groupindex) == bool(self.product):
            raise ValueError(f"either name {self.name!r} has a group (?P<product>...), or product is given")
        if self.product and self.product not in imagery.products():
            raise ValueError(f"there is no product {self.product!r}; there are {sorted(imagery.products())}")
        if ("date" in re.compile(self.name).groupindex) == bool(self.date):
            raise ValueError(f"either name {self.name!r} has a group (?P<date>...), or date is given")
        if self.beside and "band" not in re.compile(self.name).groupindex:
            raise ValueError(f"name {self.name!r} needs a group (?P<band>...) when there are bands beside")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{self.zone!r} is no IANA time zone; use for example Asia/Shanghai") from None
        return self


def decode(payload: bytes, context: Context) -> Decoded:
    """The scene a file is; a name that tells no date is a `bad_document`."""
    row = scene(context, Options(**context.options), len(payload))
    if isinstance(row, Rejection):
        return Decoded.of(rejections=[row], n_records=1)
    return Decoded.of(scenes=[row], n_records=1)


def scene(context: Context, options: Options, length: int) -> dict[str, Any] | Rejection:
    """The row of one file of `length` bytes; its geometry is left to the file."""
    name = PurePosixPath(context.name.partition("?")[0]).name
    if not length:
        return context.reject(Reason.EMPTY, "the file is empty; fetch it again")
    match = re.search(options.name, name)
    if match is None:
        detail = f"the name does not fit {options.name!r}; correct the name or the pattern in feeds.yaml"
        return context.reject(Reason.BAD_DOCUMENT, detail, length=length)
    said = {key: value for key, value in match.groupdict().items() if value is not None}
    product = said.pop("product", options.product)
    if product not in imagery.products():
        detail = f"the name says the product {product!r}, there are {sorted(imagery.products())}; correct the name"
        return context.reject(Reason.BAD_DOCUMENT, detail, length=length)
    taken = _moment(said.pop("date", options.date), said.pop("time", ""), options.zone)
    if taken is None:
        return context.reject(Reason.BAD_TIME, "the name tells no date since 1980; correct it", length=length)
    files = {said.pop("band", "") or imagery.WHOLE_FILE: context.name}
    if options.beside:
        before, after = context.name.removesuffix(name) + name[: match.start("band")], name[match.end("band") :]
        files |= {band: before + band + after for band in options.beside}
    known = {key: band for band, key in imagery.bands_of_assets(product, files).items()}
    return {
        "id": _UNSAFE.sub("_", PurePosixPath(name).stem)[:200],
        "collection": product,
        "platform": said.pop("platform", ""),
        "datetime": taken,
        "epsg": 0,
        "cloud_cover": math.nan,
        "geometry": "",
        "assets": json.dumps({_kept(key, known): file for key, file in files.items()}, ensure_ascii=False),
        "properties": json.dumps(options.properties | said, sort_keys=True, ensure_ascii=False),
        "feed": context.feed,
        "received_at": context.received_at,
    }


def _kept(key: str, known: Mapping[str, str]) -> str:
    """The name a file is kept under: its band's, and `data` for one of several."""
    return key if key == imagery.WHOLE_FILE else known.get(key, key)


def _moment(day: str, time: str, zone: str) -> datetime | None:
    """The UTC instant of the digits of a date (20260820, 2026232 or 2026) and a time (153000, 1530 or none)."""
    digits, clock = (re.sub(r"\D", "", text) for text in (day, time))
    if len(digits) == 7:  # day of the year
        first = date(int(digits[:4]), 1, 1) if digits[:4] != "0000" else date.min
        digits = f"{first + timedelta(days=int(digits[4:]) - 1):%Y%m%d}"
    elif len(digits) == 4:
        digits += "0101"
    try:
        return instant(digits + clock.ljust(6, "0"), ZoneInfo(zone)) if len(digits) == 8 else None
    except ValueError:
        return None
