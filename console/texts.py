"""What users read, in Chinese and English, from one catalogue (texts.yaml)."""

import os
from functools import cache
from pathlib import Path
from string import Formatter

import yaml

from domain.errors import CatalogueError

LANGUAGES = ("zh", "en")
CATALOGUE = Path(__file__).parent / "texts.yaml"


def language() -> str:
    """SANYAN_LANG when it is set, else Chinese on a Chinese machine, else English."""
    chosen = os.environ.get("SANYAN_LANG", "")
    if chosen in LANGUAGES:
        return chosen
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def say(key: str, **values: object) -> str:
    """The text of a key in the user's language, with its values filled in.

    Raises:
        KeyError: no such key: a mistake of ours.
    """
    return catalogue()[key][language()].format(**values)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """All texts, checked: every key has both languages, with the same values in them.

    Raises:
        CatalogueError: a language or a value is missing; all at once.
    """
    entries = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    problems = [
        f"{CATALOGUE.name}: {key}: it must have exactly the languages {LANGUAGES}"
        for key, texts in entries.items()
        if set(texts) != set(LANGUAGES)
    ]
    if not problems:
        problems = [
            f"{CATALOGUE.name}: {key}: zh and en do not name the same values"
            for key, texts in entries.items()
            if _names(texts["zh"]) != _names(texts["en"])
        ]
    if problems:
        raise CatalogueError(problems)
    return dict(entries)


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
