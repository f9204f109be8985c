"""Words of closed lists, and names of columns, as people read them."""

import pandas as pd

from alerts.incidents.tables import kinds
from domain.texts import catalogue, say

#: Columns told by another word than their own name.
_SAME = {"subject": "station", "station_id": "station"}


def word(group: str, value: object, lang: str) -> str:
    """The word of a value of a closed list, such as `handling` and open; the value itself where there is none."""
    if group == "kind" and str(value) in kinds():
        return _kinds(lang)[str(value)]
    for key in (f"web.{group}.{value}", f"{group}.{value}"):
        if key in catalogue():
            return say(key, lang)
    return str(value)


def words(group: str, lang: str) -> dict[str, str]:
    """Every value of a closed list with its word."""
    if group == "kind":
        return _kinds(lang)
    found: dict[str, str] = {}
    for before in (f"{group}.", f"web.{group}."):
        found |= {k.removeprefix(before): texts[lang] for k, texts in catalogue().items() if k.startswith(before)}
    return found


def _kinds(lang: str) -> dict[str, str]:
    """The kinds of incidents."""
    return {k: kind.name_zh if lang == "zh" else kind.name_en for k, kind in kinds().items()}


def heading(column: str, lang: str) -> str:
    """The name of a column for people; its own name where the catalogue has none."""
    return word("column", _SAME.get(column, column), lang)


def headings(frame: pd.DataFrame, lang: str) -> pd.DataFrame:
    """A frame whose columns have names for people."""
    return frame.set_axis([heading(str(c), lang) for c in frame.columns], axis=1)
