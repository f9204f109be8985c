"""Simulated departments: they get the bureau's empty forms and send them back filled, as people would.

They know a form only as what stands in the workbook and its definition; figures are drawn from `departments.csv`:

| by | amount is |
|---|---|
| rural | the district's total, shared among townships by area, towns and townships before subdistricts |
| urban | the district's total, shared by people |
| area_km2, area_ha | a share of the township's area (per hectare for stocks) |
| value | the figure itself, of the district or of an object |

`spread` is how places differ from each other, the same in all years; `yearly` how a year differs from another there.
"""

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from pyproj import Geod

from domain.catalogue import read_table
from domain.forms import Form, Item
from domain.registry import Registry
from domain.spreadsheets import to_bytes
from sample_feeds.chance import gauss, key
from sample_feeds.weather import TABLES

#: People per square kilometre relative to each other, by kind of township.
_DENSITY = {"subdistrict": 30.0, "town": 3.0, "township": 1.0}
_RURAL = {"subdistrict": 0.4, "town": 1.2, "township": 1.0}
_GEOD = Geod(ellps="WGS84")
_PERSON = "张示例"
#: How a form comes back: whole; with the required cells of one row still empty; or with words where a number belongs.
Manner = Literal["whole", "incomplete", "careless"]


def fill(content: bytes, form: Form, registry: Registry, *, year: int, seed: int, manner: Manner = "whole") -> bytes:
    """A form as its department sends it back in March of the year after; the same arguments give the same bytes.

    Args:
        content: the empty form (.xlsx).
        form: its definition.
        registry: the county, for its townships.
        year: of the figures.
        seed: of the simulation.
        manner: how it comes back.
    """
    book = load_workbook(io.BytesIO(content))
    cover, data = book.worksheets[0], book.worksheets[1]
    _sign(cover, form, year)
    codes = {str(cell.value): int(cell.column) for cell in next(data.iter_rows(min_row=2, max_row=2)) if cell.value}
    weights = _weights(registry)
    rows = _rows(data, form, registry)
    for row, zone, name in rows:
        for item in form.items:
            data.cell(row, codes[item.id]).value = _figure(item, zone, name, weights, (seed, year))
    if manner != "whole":
        for cell in [data.cell(rows[-1][0], codes[item.id]) for item in form.items]:
            cell.value = None if manner == "incomplete" else f"约{cell.value}"
    return to_bytes(book, datetime(year + 1, 3, 15, 1, tzinfo=UTC))


def _sign(cover: Worksheet, form: Form, year: int) -> None:
    """Fill the open fields of the cover, which are told by their English labels."""
    said = {
        "filled by": _PERSON,
        "filled on": f"{year + 1}-03-15",
        "source document": f"{form.department_zh}{year}年统计年报（模拟）",
    }
    for label, content in cover.iter_rows(min_col=1, max_col=2):
        answer = said.get(str(label.value).rpartition("\n")[2])
        if answer and content.value is None:
            content.value = answer


def _rows(data: Worksheet, form: Form, registry: Registry) -> list[tuple[int, str, str]]:
    """(row, zone, object) of the rows to be filled; names of objects are written on the way."""
    first = 5
    if form.rows != "object":
        found = [(row, str(data.cell(row, 1).value or "")) for row in range(first, data.max_row + 1)]
        return [(row, zone, "") for row, zone in found if zone]
    towns = dict(zip(registry.townships.ids, registry.townships.names_zh, strict=True))
    objects = _objects()
    ours = objects[objects["form"] == form.id].to_dict("records")
    for n, thing in enumerate(ours):
        data.cell(first + n, 1).value, data.cell(first + n, 2).value = thing["name"], towns[thing["township"]]
    return [(first + n, str(thing["township"]), str(thing["name"])) for n, thing in enumerate(ours)]


def _figure(item: Item, zone: str, name: str, weights: pd.DataFrame, drawn: tuple[int, int]) -> float | int:
    said = _said()[item.id]
    seed, year = drawn
    of_place = 1 + float(said["spread"]) * _draw(seed, item.id, zone, name)
    of_year = 1 + float(said["yearly"]) * _draw(seed, year, item.id, zone, name)
    factor = max(0.1, of_place) * of_year
    by, amount = said["by"], float(said["amount"])
    base = amount if by == "value" else amount * float(weights.loc[zone, by])
    value = float(np.round(min(max(base * factor, item.low), item.high), int(said["decimals"])))
    return int(value) if item.kind == "count" else value


def _draw(seed: int, *names: object) -> float:
    return float(gauss(key(seed, *names), np.zeros(1, np.int64))[0])


def _weights(registry: Registry) -> pd.DataFrame:
    """Per township: shares of the rural and urban totals, area in km2 and in ha."""
    towns = registry.townships
    km2 = np.array([abs(_GEOD.geometry_area_perimeter(shape)[0]) / 1e6 for shape in towns.shapes])
    rural = km2 * [_RURAL[kind] for kind in towns.kinds]
    urban = km2 * [_DENSITY[kind] for kind in towns.kinds]
    columns = {"rural": rural / rural.sum(), "urban": urban / urban.sum(), "area_km2": km2, "area_ha": km2 * 100}
    return pd.DataFrame(columns, index=list(towns.ids))


@cache
def _said() -> Mapping[str, Mapping[str, Any]]:
    frame = read_table(
        TABLES / "departments.csv", columns=["item", "by", "amount", "spread", "yearly", "decimals"], key=["item"]
    )
    return {str(r["item"]): r for r in frame.to_dict("records")}


@cache
def _objects() -> pd.DataFrame:
    return read_table(TABLES / "department_objects.csv", columns=["form", "name", "township"], key=["form", "name"])
