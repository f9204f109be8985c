"""The reference of all indicators, written from what they say of themselves: docs/indicators.md."""

from collections.abc import Iterable
from pathlib import Path

from domain.standards import table
from processing.registered import Indicator, registered

PAGE = Path(__file__).resolve().parents[1] / "docs" / "indicators.md"

_MARKS = {
    "confirmed": "✔ confirmed",
    "partly confirmed": "◐ partly confirmed",
    "unconfirmed": "✘ unconfirmed",
    "own definition": "○ own definition",
}
_HEAD = """# Indicators

Written by `make docs` from the indicators themselves; do not edit. A test fails when this page is stale.

Marks: ✔ read in the official text or in public sources that agree · ◐ part of the rule is from memory or from one
source · ✘ from memory only · ○ our own definition. Numbers that no text confirms are settings; they are listed at the
end with their marks. Every result names the edition it was computed by, and how many values it had of how many.
"""


def page() -> str:
    """The whole page as Markdown."""
    metas = [entry.meta for entry in registered().values()]
    media = dict.fromkeys(m.medium for m in metas)
    parts = [_HEAD, f"{len(metas)} indicators of {len(media)} media.\n"]
    for medium in media:
        parts.append(f"## {medium}\n")
        parts.append("\n".join(_table([m for m in metas if m.medium == medium])) + "\n")
    parts.append("## Settings\n")
    parts.append("\n".join(_settings()) + "\n")
    return "\n".join(parts)


def _table(metas: Iterable[Indicator]) -> list[str]:
    lines = [
        "| id | name | formula | unit | periods | subject | completeness | standard and edition | source | mark |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for m in metas:
        cells = (
            f"`{m.id}`",
            f"{m.name_zh} · {m.name_en}",
            m.formula,
            m.unit,
            ", ".join(m.periods),
            m.subject,
            m.completeness,
            m.standard,
            m.source,
            _MARKS[m.confidence],
        )
        lines.append("| " + " | ".join(_cell(c) for c in cells) + " |")
    return lines


def _settings() -> list[str]:
    lines = ["| indicator | setting | value | mark | source |", "|---|---|---:|---|---|"]
    for row in table("indicator_settings").to_dict("records"):
        cells = (f"`{row['indicator']}`", row["setting"], f"{row['value']:g}", row["confidence"], row["source"])
        lines.append("| " + " | ".join(_cell(str(c)) for c in cells) + " |")
    return lines


def _cell(text: str) -> str:
    """A text that does not break the table."""
    return " ".join(text.split()).replace("|", "\\|")
