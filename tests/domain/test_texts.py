"""Every text in both languages, and every closed list has its words."""

import re
from pathlib import Path

import pytest

from domain import texts
from domain.errors import CatalogueError
from domain.records import Reason, Severity
from store.ledger import STATES

PROJECT = Path(texts.__file__).parents[2]
ROOMS = ("console", "ingest", "processing", "alerts")


def test_every_text_has_both_languages_and_the_same_values():
    assert len(texts.catalogue()) > 50


@pytest.mark.parametrize(
    "key",
    [f"reason.{r}" for r in Reason] + [f"severity.{s}" for s in Severity] + [f"state.{s}" for s in STATES[1:]],
)
def test_closed_lists_have_words(key):
    assert key in texts.catalogue()


def test_every_key_in_the_code_exists_and_every_text_is_used():
    code = "".join(p.read_text(encoding="utf-8") for room in ROOMS for p in (PROJECT / room).rglob("*.py"))
    named = set(re.findall(r"""["']((?:[a-z_]+)(?:\.[a-z_0-9]+)+)["']""", code))
    asked = set(re.findall(r"say\(\s*\"([a-z_.0-9]+)\"", code))
    assert asked <= set(texts.catalogue())
    # Keys made with a word of a closed list: say(f"severity.{word}"), and the groups a table's cells are looked up in.
    groups = (*re.findall(r"""f["']([a-z_.]+\.)\{""", code), "reason.", "severity.", "state.", "status.")
    words = set(re.findall(r'"([a-z]+)"', code))
    columns = {f"column.{w}" for w in words}
    idle = {k for k in texts.catalogue() if k not in named | asked | columns and not k.startswith(groups)}
    assert idle == set()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SANYAN_LANG": "zh", "LANG": "en_US.UTF-8"}, "zh"),
        ({"SANYAN_LANG": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"SANYAN_LANG": "fr", "LANG": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
    ],
)
def test_the_language_is_the_users(monkeypatch, environment, expected):
    for name in ("SANYAN_LANG", "LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert texts.language() == expected


def test_a_text_without_a_language_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken.yaml").write_text('a.b: {zh: "甲 {n}", en: "a"}\nc.d: {zh: 乙}\n', encoding="utf-8")
    monkeypatch.setattr(texts, "CATALOGUE", tmp_path)
    texts.catalogue.cache_clear()
    with pytest.raises(CatalogueError, match=r"c\.d"):
        texts.catalogue()
    monkeypatch.undo()
    texts.catalogue.cache_clear()
