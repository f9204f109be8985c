"""Notes from shift to shift: newest first, never empty."""

from datetime import UTC, datetime, timedelta

import pytest

from store.ledger.handover import LONGEST, read_notes, say_note

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_notes_come_back_newest_first(ledger):
    for n in range(3):
        say_note(ledger, "zhang", f" 第{n}条 ", now=NOW + timedelta(hours=n))
    found = read_notes(ledger, limit=2)
    assert found["text"].tolist() == ["第2条", "第1条"]
    assert found["at"].tolist()[0] == NOW + timedelta(hours=2)


@pytest.mark.parametrize(("who", "text"), [("", "x"), ("zhang", "  "), ("zhang", "x" * (LONGEST + 1))])
def test_a_note_says_who_and_what(ledger, who, text):
    with pytest.raises(ValueError, match="note"):
        say_note(ledger, who, text, now=NOW)
