"""Tables a citizen could look up: parameters and units. Loading is strict and lists every problem at once."""

import csv
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from domain.errors import CatalogueError

TABLES_DIR = Path(__file__).parent / "tables"


def read_table(path: Path, *, columns: Iterable[str], key: Iterable[str] = ()) -> pd.DataFrame:
    """A CSV table as text, with the line number of each row in the column `line`.

    Args:
        path: the CSV file, UTF-8 with a header line.
        columns: the columns it must have, and no others.
        key: columns that together must not repeat.

    Raises:
        CatalogueError: missing file, unknown or missing column, wrong number of cells, duplicate key; all at once.
    """
    expected, keys = list(columns), list(key)
    if not path.is_file():
        raise CatalogueError([f"{path}: the table is missing"])
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        rows = [(reader.line_num, cells) for cells in reader if cells]
    problems = [f"{path.name}:1: unknown column {c!r}; expected {expected}" for c in header if c not in expected]
    problems += [f"{path.name}:1: column {c!r} is missing" for c in expected if c not in header]
    problems += [
        f"{path.name}:{n}: {len(cells)} cells where the header has {len(header)}"
        for n, cells in rows
        if len(cells) != len(header)
    ]
    if not problems:
        frame = pd.DataFrame([cells for _, cells in rows], columns=header, dtype="str")
        frame["line"] = [n for n, _ in rows]
        for n in frame.loc[frame.duplicated(keys) if keys else [], "line"]:
            problems.append(f"{path.name}:{n}: the key {keys} repeats an earlier row")
        if not problems:
            return frame
    raise CatalogueError(problems)


@cache
def parameters() -> pd.DataFrame:
    """The parameters Sanyan knows, indexed by id: name_zh, name_en, unit (canonical), media (tuple), decimals, source.

    Raises:
        CatalogueError: the table is not as it must be.
    """
    path = TABLES_DIR / "parameters.csv"
    frame = read_table(
        path, columns=["id", "name_zh", "name_en", "unit", "media", "decimals", "source"], key=["id"]
    ).set_index("id")
    frame["decimals"] = frame["decimals"].astype(int)
    frame["media"] = frame["media"].str.split()
    return frame.drop(columns="line")


@cache
def _conversions() -> Mapping[tuple[str, str], tuple[float, float]]:
    path = TABLES_DIR / "units.csv"
    frame = read_table(path, columns=["spelling", "unit", "factor", "offset", "note"], key=["spelling", "unit"])
    return {(row.spelling, row.unit): (float(row.factor), float(row.offset)) for row in frame.itertuples()}


def convertible(spelling: str, unit: str) -> bool:
    """Whether values written with `spelling` can be turned into `unit`."""
    return (spelling, unit) in _conversions()


def convert(values: np.ndarray, spelling: str, unit: str) -> np.ndarray:
    """Values (any shape) given in `spelling` as values in the canonical `unit`; NaN stays NaN.

    Conversion is by the closed table units.csv and never guesses: ppb to ug/m3 needs a species and a reference state
    and is refused here.

    Raises:
        ValueError: the table has no such conversion.
    """
    try:
        factor, offset = _conversions()[spelling, unit]
    except KeyError:
        raise ValueError(f"no conversion from {spelling!r} to {unit!r}; add a row to domain/tables/units.csv") from None
    if factor == 1 and offset == 0:
        return np.asarray(values, dtype=float)
    if factor < 1:
        # Dividing keeps decimal figures exact where multiplying by 0.001 would not (0.3, not 0.30000000000000004).
        return np.asarray(values, dtype=float) / (1 / factor) + offset
    return np.asarray(values, dtype=float) * factor + offset
