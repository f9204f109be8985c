"""Flags of others, in and out without loss: QARTOD numbers, HJ 212 letters, SaQC levels, SensorThings resultQuality.

A foreign mark becomes one of our flags (QARTOD) and is kept as it came. Going out, a value whose flag is still what its
mark meant leaves with that very mark; otherwise with the one that the table `domain/tables/flag_schemes.csv` writes for
the flag. Where a scheme has no word for a flag (HJ 212 knows no "suspect"), `lost` says which rows would lose it.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError
from domain.records import Flag

SCHEMES = ("QARTOD", "HJ212", "SaQC")

_FLAGS = {str(int(f)): f for f in Flag}
_WORDS = {
    Flag.PASS: "pass",
    Flag.NOT_EVALUATED: "not evaluated",
    Flag.SUSPECT: "suspect",
    Flag.FAIL: "fail",
    Flag.MISSING: "missing",
}
#: SaQC flags are numbers: up to these a value has the level, beyond the last it is BAD (saqc 2.9.1 constants).
_SAQC_LEVELS = ((float("-inf"), Flag.NOT_EVALUATED), (0.0, Flag.PASS), (255.0 - 1e-9, Flag.SUSPECT))


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme of the table: what its marks mean, and which it writes for each flag."""

    reads: Mapping[str, Flag]
    writes: Mapping[Flag, str]


@dataclass(frozen=True, slots=True)
class Quality:
    """What a SensorThings resultQuality says of one result."""

    flag: int
    tests: str = ""
    scheme: str = ""  # of the mark, when there is a foreign one
    mark: str = ""


@cache
def schemes() -> Mapping[str, Scheme]:
    """The schemes of flag_schemes.csv.

    Raises:
        CatalogueError: an unknown flag, or a scheme that does not write every flag exactly once; all at once.
    """
    name = "flag_schemes.csv"
    columns = ["scheme", "mark", "flag", "writes", "meaning_zh", "meaning_en", "confidence", "source"]
    frame = read_table(TABLES_DIR / name, columns=columns, key=["scheme", "mark"])
    problems = [
        f"{name}:{row.line}: flag {text!r} is not a QARTOD flag"
        for row in frame.itertuples()
        for text in (row.flag, *row.writes.split())
        if text not in _FLAGS
    ]
    for scheme, rows in frame.groupby("scheme"):
        written = sorted(" ".join(rows["writes"]).split())
        if written != sorted(_FLAGS):
            problems.append(f"{name}: {scheme} must write every flag exactly once, and writes {written}")
    if problems:
        raise CatalogueError(problems)
    return {
        str(scheme): Scheme(
            {row.mark: _FLAGS[row.flag] for row in rows.itertuples()},
            {_FLAGS[text]: row.mark for row in rows.itertuples() for text in row.writes.split()},
        )
        for scheme, rows in frame.groupby("scheme")
    }


def to_flags(scheme: str, marks: Sequence[str] | np.ndarray) -> np.ndarray:
    """Our flags (int8) of foreign marks; SaQC's may be its words or its numbers.

    Keep the marks beside the flags: `to_marks` needs them to give them back.

    Raises:
        ValueError: the scheme, or a mark in it, is unknown; a guess would turn bad values into good ones.
    """
    texts, place = np.unique(np.asarray(marks, dtype=str), return_inverse=True)
    known = np.array([_flag_of(scheme, str(text)) for text in texts], dtype=np.int8)
    return known[place] if len(texts) else np.zeros(0, np.int8)


def to_marks(scheme: str, flags: np.ndarray, originals: Sequence[str] | np.ndarray | None = None) -> np.ndarray:
    """Marks of a scheme (objects) for flags.

    Args:
        scheme: one of SCHEMES.
        flags: (n,) our flags.
        originals: (n,) the marks of this scheme the values came with, "" for none. One whose meaning is still the flag
            is given back unchanged.

    Raises:
        ValueError: unknown scheme, flag or mark.
    """
    codes = [Flag(int(f)) for f in flags]
    out = np.array([_scheme(scheme).writes[f] for f in codes], dtype=object)
    if originals is not None:
        came = np.asarray(originals, dtype=object)
        has = np.flatnonzero(came != "")
        same = has[to_flags(scheme, came[has]) == np.asarray(flags)[has]] if len(has) else has
        out[same] = came[same]
    return out


def lost(scheme: str, flags: np.ndarray, originals: Sequence[str] | np.ndarray | None = None) -> np.ndarray:
    """(n,) whether a flag would come back as another one from the marks that `to_marks` gives."""
    return np.asarray(to_flags(scheme, to_marks(scheme, flags, originals)) != np.asarray(flags))


def result_quality(quality: Quality) -> str:
    """The resultQuality of a SensorThings Observation: a JSON list of DQ_Element-like objects.

    The standard (OGC 18-088, table 12) only says "DQ_Element"; names follow ISO 19157.
    """
    own = {"code": str(quality.flag), "value": _WORDS[Flag(quality.flag)], "scheme": "QARTOD"}
    elements = [{"nameOfMeasure": "quality flag", "result": own, "evaluation": quality.tests}]
    if quality.scheme:
        mark = {"code": quality.mark, "scheme": quality.scheme}
        elements.append({"nameOfMeasure": "source flag", "result": mark, "evaluation": ""})
    return json.dumps(elements, ensure_ascii=False)


def read_result_quality(text: str) -> Quality:
    """What `result_quality` wrote, or what others write: a bare mark or flag, or elements of which one has a code.

    Raises:
        ValueError: no flag can be read from it.
    """
    elements = json.loads(text)
    if not isinstance(elements, list):
        elements = [{"result": {"code": str(elements), "scheme": "QARTOD"}}]
    found: dict[str, str] = {}
    tests = ""
    for element in elements:
        result = element.get("result", {}) if isinstance(element, dict) else {}
        if isinstance(result, dict) and "code" in result:
            found[str(result.get("scheme", "QARTOD"))] = str(result["code"])
            tests = tests or str(element.get("evaluation", ""))
    own, foreign = found.pop("QARTOD", None), next(iter(found.items()), ("", ""))
    if own is None and not foreign[0]:
        raise ValueError(f"no quality flag in {text[:200]!r}")
    flag = int(to_flags("QARTOD", [own])[0]) if own is not None else int(to_flags(foreign[0], [foreign[1]])[0])
    return Quality(flag, tests, *foreign)


def _scheme(name: str) -> Scheme:
    known = schemes()
    if name not in known:
        raise ValueError(f"flag scheme {name!r} is not one of {sorted(known)}")
    return known[name]


def _flag_of(scheme: str, mark: str) -> Flag:
    reads = _scheme(scheme).reads
    if mark in reads:
        return reads[mark]
    if scheme == "SaQC":
        try:
            level = float(mark)
        except ValueError:
            level = float("nan")
        if not math.isnan(level):
            return next((flag for top, flag in _SAQC_LEVELS if level <= top), Flag.FAIL)
    raise ValueError(f"{scheme} has no mark {mark!r}; add a row to domain/tables/flag_schemes.csv")
