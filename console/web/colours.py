"""Colours with a meaning, from `console_colours.csv`: warning levels, AQI grades, water classes."""

import math
from dataclasses import dataclass
from functools import cache

import pandas as pd

from domain.catalogue import TABLES_DIR, read_table


@dataclass(frozen=True, slots=True)
class Shade:
    """A colour, the ink that is readable on it, and what it means."""

    key: str
    colour: str
    ink: str
    names: tuple[str, str]
    low: float

    def name(self, lang: str) -> str:
        """What it means in a language."""
        return self.names[0 if lang == "zh" else 1]


@cache
def scale(name: str) -> dict[str, Shade]:
    """The shades of a scale by key, in order.

    Raises:
        KeyError: no such scale: a mistake of ours.
    """
    columns = ["scale", "key", "low", "colour", "ink", "name_zh", "name_en", "confidence", "source"]
    table = read_table(TABLES_DIR / "console_colours.csv", columns=columns, key=["scale", "key"])
    found = {
        r["key"]: Shade(r["key"], r["colour"], r["ink"], (r["name_zh"], r["name_en"]), float(r["low"] or "nan"))
        for r in table[table["scale"] == name].to_dict("records")
    }
    if not found:
        raise KeyError(name)
    return found


def shade(name: str, value: float, grade: str = "") -> Shade | None:
    """The shade of a value: by its grade where the scale knows it, else by the ranges; None when it is missing."""
    shades = scale(name)
    if grade in shades:
        return shades[grade]
    if not math.isfinite(value):
        return None
    below = [s for s in shades.values() if s.low <= value]
    return below[-1] if below else None


@cache
def states() -> dict[str, tuple[str, str]]:
    """For each medium the indicator its stations are coloured by, and the scale."""
    columns = ["medium", "indicator", "scale", "source"]
    table: pd.DataFrame = read_table(TABLES_DIR / "console_states.csv", columns=columns, key=["medium"])
    return {r["medium"]: (r["indicator"], r["scale"]) for r in table.to_dict("records")}
