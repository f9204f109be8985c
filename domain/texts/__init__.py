"""What users read, in Chinese and English: one catalogue, a file a topic (*.yaml beside this module)."""

import os
from functools import cache
from pathlib import Path
from string import Formatter

import yaml

from domain.errors import CatalogueError

LANGUAGES = ("zh", "en")
CATALOGUE = Path(__file__).parent


def language() -> str:
    """SANYAN_LANG when it is set, else Chinese on a Chinese machine, else English."""
    chosen = os.environ.get("SANYAN_LANG", "")
    if chosen in LANGUAGES:
        return chosen
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def say(key: str, lang: str | None = None, /, **values: object) -> str:
    """The text of a key with its values filled in, in a language or in that of the user (`language`).

    Raises:
        KeyError: no such key: a mistake of ours.
    """
    return catalogue()[key][lang or language()].format(**values)


def is_chinese(letter: str) -> bool:
    """Whether a letter is as wide as it is high: radicals, ideographs, full-width forms (U+2E81 and later)."""
    return ord(letter) > 0x2E80


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """All texts, checked: no key twice, every key in both languages, with the same values in them.

    Raises:
        CatalogueError: a key is there twice, or lacks a language or a value; all at once.
    """
    entries: dict[str, dict[str, str]] = {}
    problems: list[str] = []
    for path in sorted(CATALOGUE.glob("*.yaml")):
        for key, texts in _read(path).items():
            problems += _problems(f"{path.name}: {key}", key in entries, texts)
            entries[key] = texts
    if problems:
        raise CatalogueError(problems)
    return entries


def _read(path: Path) -> dict[str, dict[str, str]]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def _problems(where: str, known: bool, texts: dict[str, str]) -> list[str]:
    found = [f"{where}: this key is there twice"] if known else []
    if set(texts) != set(LANGUAGES):
        found.append(f"{where}: it must have exactly the languages {LANGUAGES}")
    elif _names(texts["zh"]) != _names(texts["en"]):
        found.append(f"{where}: zh and en do not name the same values")
    return found


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
