"""Where everything stands in the workbook of a form; the writer and the reader both follow it."""

from collections.abc import Mapping
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from domain.forms import Form, Item
from domain.registry import Registry

COVER, DATA, GUIDE = "封面 Cover", "数据 Data", "说明 Guide"

#: Cover: row of each field; labels in column A, content in column B.
FIELDS = (
    "form",
    "version",
    "region",
    "region_name",
    "year",
    "department",
    "filled_by",
    "filled_on",
    "document",
    "note",
)
FILLED = ("filled_by", "filled_on", "document")  # what the department must write there
FIRST_FIELD = 3
#: Data: rows of the head, and where the rows to be filled begin.
CODES, NAMES, UNITS, FIRST = 2, 3, 4, 5
#: How many empty rows a form of objects offers.
OBJECT_ROWS = 60
NOTE = "note"
#: What stands for "there is no such thing here", other than an empty cell and other than 0.
NOT_APPLICABLE = ("不适用", "N/A")


@dataclass(frozen=True, slots=True)
class Zone:
    """A township or the district itself."""

    code: str
    name_zh: str
    name_en: str


def zones(registry: Registry) -> Mapping[str, Zone]:
    """The district and its townships by code, the district first."""
    county = registry.county
    district = Zone(str(county["code"]), str(county["name_zh"]), str(county["name_en"]))
    towns = registry.townships
    return {district.code: district} | {
        code: Zone(code, zh, en) for code, zh, en in zip(towns.ids, towns.names_zh, towns.names_en, strict=True)
    }


def rows_of(form: Form, region: str, known: Mapping[str, Zone]) -> list[Zone]:
    """The zones a form of a region has rows for: the townships of a district, or the region alone."""
    if form.rows == "township" and len(region) == len(next(iter(known))):
        return [z for z in known.values() if z.code.startswith(region) and z.code != region]
    return [known[region]]


def keys(form: Form) -> tuple[str, ...]:
    """The columns before the items: code and name of the zone, or name and township of the object."""
    return ("object", "township") if form.rows == "object" else ("zone", "name")


def columns(form: Form) -> tuple[str, ...]:
    """Codes of all columns of the data sheet, as they stand in row `CODES`."""
    return (*keys(form), *(item.id for item in form.items), NOTE)


def column_of(form: Form, code: str) -> int:
    """Number of a column, counted from 1."""
    return columns(form).index(code) + 1


def address(row: int, column: int) -> str:
    """What a person calls a cell, both counted from 1: `C7`."""
    return f"{get_column_letter(column)}{row}"


def heading(item: Item) -> str:
    """The name of an item in both languages; a star marks what must be filled."""
    return f"{item.name_zh}{' *' if item.required else ''}\n{item.name_en}"


def unit(item: Item) -> str:
    """The unit of an item in both spellings."""
    return item.unit_zh if item.unit_zh == item.unit else f"{item.unit_zh}\n{item.unit}"


def file_name(form: Form, region: str, year: int) -> str:
    """`gep_2025_331102_crops.xlsx`."""
    return f"gep_{year}_{region}_{form.id}.xlsx"
