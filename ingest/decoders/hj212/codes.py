"""What codes and marks mean: the registry of the deployment first, the tables of the standard second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from domain.catalogue import TABLES_DIR, convertible, parameters, read_table
from domain.errors import CatalogueError
from domain.records import Flag, Reason
from domain.registry import Registry

EDITION_2005 = "2005"


@dataclass(frozen=True, slots=True)
class Channel:
    """What one code of one device is; `reason` tells why it cannot be used, and is empty when it can."""

    station_id: str
    medium: str
    parameter: str = ""
    spelling: str = ""  # the unit the device sends
    unit: str = ""  # the canonical unit
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Codes:
    new: Mapping[tuple[str, str], tuple[str, str]]  # (ST, code in lower case) -> parameter, unit
    old: Mapping[tuple[str, str], tuple[str, str]]


@cache
def codes() -> _Codes:
    """The code table hj212_codes.csv.

    Raises:
        CatalogueError: a wrong column, an unknown parameter, a unit that cannot be converted, a code given twice.
    """
    path = TABLES_DIR / "hj212_codes.csv"
    table = read_table(path, columns=["st", "code", "old_code", "parameter", "unit", "source"], key=["st", "code"])
    known = _known()
    new: dict[tuple[str, str], tuple[str, str]] = {}
    old: dict[tuple[str, str], tuple[str, str]] = {}
    problems: list[str] = []
    for row in table.to_dict("records"):
        where = f"{path.name}:{row['line']}"
        if row["parameter"] not in known:
            problems.append(f"{where}: parameter {row['parameter']!r} is not in parameters.csv")
        elif not convertible(row["unit"], known[row["parameter"]][0]):
            problems.append(f"{where}: no conversion from {row['unit']!r}; add a row to units.csv")
        for st in row["st"].split():
            for column, codes_of in (("code", new), ("old_code", old)):
                key = (st, row[column].casefold())
                if key in codes_of:
                    problems.append(f"{where}: {column} {row[column]!r} of ST {st} is given twice")
                if row[column]:
                    codes_of[key] = (row["parameter"], row["unit"])
    if problems:
        raise CatalogueError(problems)
    return _Codes(new, old)


@cache
def _known() -> Mapping[str, tuple[str, Sequence[str]]]:
    """Parameter -> canonical unit, media; a look-up in the frame itself would cost a hundred times as much."""
    table = parameters()
    return {
        str(name): (str(unit), media)
        for name, unit, media in zip(table.index, table["unit"], table["media"], strict=True)
    }


@cache
def _marks() -> Mapping[tuple[str, str], int]:
    path = TABLES_DIR / "hj212_flags.csv"
    columns = ["st", "mark", "flag", "meaning_zh", "meaning_en", "source", "confidence"]
    table = read_table(path, columns=columns, key=["st", "mark"])
    return {(row["st"], row["mark"]): int(row["flag"]) for row in table.to_dict("records")}


def mark_flag(mark: str, st: str) -> int:
    """The QARTOD flag of a device's mark (HJ 212-2017 table 8 and its neighbours); a mark nobody knows fails."""
    mark = mark.upper()
    if not mark:
        return Flag.NOT_EVALUATED
    return _marks().get((st, mark), _marks().get(("", mark), int(Flag.FAIL)))


def channels(registry: Registry) -> dict[tuple[str, str], tuple[str, str, int]]:
    """(station, code in lower case) -> parameter, unit, line of channels.csv."""
    table = registry.channels
    rows = zip(table["station_id"], table["code"], table["parameter"], table["unit"], table["line"], strict=True)
    return {(str(s), str(c).casefold()): (str(p), str(u), int(n)) for s, c, p, u, n in rows}


def resolve(
    station: Mapping[str, Any], st: str, code: str, edition: str, own: Mapping[tuple[str, str], tuple[str, str, int]]
) -> Channel:
    """What `code` of this station means: its own channel, else the code table (old codes from a 2005 device only)."""
    name, medium = station["station_id"], station["medium"]
    key = (st, code.casefold())
    mine = own.get((name, key[1]))
    found = mine or codes().new.get(key) or (codes().old.get(key) if edition == EDITION_2005 else None)
    if found is None:
        return Channel(name, medium, reason=Reason.UNKNOWN_CODE, detail=_unknown(name, st, code, key in codes().old))
    parameter, spelling = found[:2]
    unit, media = _known()[parameter]
    if mine is None and medium not in media:
        detail = f"code {code} of ST={st} is {parameter}, which {name} of medium {medium} does not measure"
        return Channel(name, medium, reason=Reason.UNKNOWN_CODE, detail=f"{detail}; correct ST at the device")
    if not convertible(spelling, unit):
        where = f"channels.csv:{mine[2]}" if mine else "hj212_codes.csv"
        detail = f"code {code} of {name} comes in {spelling!r}, which cannot become {unit!r}"
        fix = f"correct {where} or add a row to units.csv"
        return Channel(name, medium, reason=Reason.WRONG_UNIT, detail=f"{detail}; {fix}")
    return Channel(name, medium, parameter, spelling, unit)


def _unknown(name: str, st: str, code: str, is_old: bool) -> str:
    if is_old:
        return f"code {code} (ST={st}) is of 2005; if {name} speaks that edition, set it in stations.csv"
    return f"code {code} (ST={st}) is not known; add a row to hj212_codes.csv, or for one station to channels.csv"
