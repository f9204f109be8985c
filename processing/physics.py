"""What cannot be so: values of two parameters at one station and time that contradict each other.

The rules are rows of `domain/tables/qc_physics.csv`: `scale` times the smaller may exceed the larger by a share of the
larger plus a constant, beyond which both (or the one to blame) are suspect, or fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, parameters, read_table
from domain.errors import CatalogueError
from processing.grading import graded
from processing.water_indices import do_saturation

#: Quantities of the table that no station measures: name -> (the parameter they follow from, function).
DERIVED = {"=DO_saturation": ("water_temp", do_saturation)}

_NUMBERS = ["scale", "suspect_relative", "suspect_absolute", "fail_relative", "fail_absolute"]
_BLAMES = ("both", "smaller", "larger")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of qc_physics.csv."""

    rule: str
    medium: str
    smaller: str
    scale: float
    larger: str
    suspect_relative: float
    suspect_absolute: float
    fail_relative: float
    fail_absolute: float
    blame: str

    @property
    def needs(self) -> tuple[str, str]:
        """The two parameters that are measured."""
        return self.smaller, DERIVED[self.larger][0] if self.larger in DERIVED else self.larger


@cache
def rules() -> tuple[Rule, ...]:
    """The rules of qc_physics.csv.

    Raises:
        CatalogueError: unknown parameter or word, unread number, fail before suspect; all at once.
    """
    name = "qc_physics.csv"
    columns = ["rule", "medium", "smaller", "scale", "larger", *_NUMBERS[1:], "blame", "confidence", "source"]
    frame = read_table(TABLES_DIR / name, columns=columns, key=["rule"])
    known, problems = set(parameters().index), []
    numbers = frame[_NUMBERS].apply(pd.to_numeric, errors="coerce")
    for row, values in zip(frame.itertuples(), numbers.itertuples(index=False), strict=True):
        where = f"{name}:{row.line}"
        problems += [f"{where}: {p!r} is unknown" for p in (row.smaller, row.larger) if p not in known | set(DERIVED)]
        if np.isnan(list(values)).any():
            problems.append(f"{where}: a number is missing or unreadable")
        elif values.fail_relative < values.suspect_relative or values.fail_absolute < values.suspect_absolute:
            problems.append(f"{where}: what fails must exceed more than what is suspect")
        if row.blame not in _BLAMES:
            problems.append(f"{where}: blame {row.blame!r} is not one of {_BLAMES}")
    if problems:
        raise CatalogueError(problems)
    texts = frame[["rule", "medium", "smaller", "larger", "blame"]]
    return tuple(Rule(**row) for row in pd.concat([texts, numbers], axis=1).to_dict("records"))


def physics_test(smaller: np.ndarray, larger: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Flags of both sides where the smaller exceeds the larger: 3, or 4 where it does so beyond any excuse.

    Args:
        smaller: values (any shape), NaN where missing or failed by other tests.
        larger: values of the same shape and time, NaN likewise; a derived quantity is given as what it derives from.
        rule: what may not be.

    Returns:
        Flags of the smaller and of the larger; 2 where one of the two is missing, and for the side not to blame.
    """
    bound = DERIVED[rule.larger][1](larger) if rule.larger in DERIVED else larger
    excess = rule.scale * smaller - bound
    known = np.isfinite(excess)
    suspect = excess > rule.suspect_relative * np.abs(bound) + rule.suspect_absolute
    fail = excess > rule.fail_relative * np.abs(bound) + rule.fail_absolute
    left, right = (
        graded(x, suspect=suspect, fail=fail, known=known & (rule.blame in ("both", side)))
        for x, side in ((smaller, "smaller"), (larger, "larger"))
    )
    return left, right


def contradictions(values: Mapping[str, np.ndarray], medium: str) -> dict[str, np.ndarray]:
    """The worst flag of each parameter from all rules of a medium.

    Args:
        values: parameter -> values, all of one shape, cell by cell of one station and time; NaN as in `physics_test`.
        medium: the medium whose rules count.

    Returns:
        parameter -> flags, for the parameters that any rule names and `values` has.
    """
    out: dict[str, np.ndarray] = {}
    for rule in rules():
        first, second = rule.needs
        if rule.medium != medium or first not in values or second not in values:
            continue
        for name, flags in zip(rule.needs, physics_test(values[first], values[second], rule), strict=True):
            before = out.get(name)
            out[name] = flags if before is None else _worse(before, flags)
    return out


def _worse(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """4 before 3 before 1 before 2; 9 stays."""
    rank = np.array([0, 1, 0, 2, 3, 0, 0, 0, 0, 4], np.int8)
    return np.where(rank[b] > rank[a], b, a)
