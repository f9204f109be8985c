"""The list of incidents: whatever is asked, it is what looking at every row would give, and its counts with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from store.ledger import Ledger
from store.ledger.incident_tables import incidents, put_incidents
from store.ledger.incidents import Wanted, _count, count_incidents, list_incidents, read_incidents

NOW = datetime(2026, 9, 1, tzinfo=UTC)
TEXTS = ("河水发黑", "Foul 100% water", "a_b/c", "")
RANK = {"red": 0, "orange": 1, "yellow": 2}

rows = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["air", "water"]),
        "severity": st.sampled_from(["red", "orange", "yellow", "blue"]),
        "handling": st.sampled_from(["open", "acknowledged", "closed"]),
        "eyes": st.sampled_from(["ground", "ground,human", "sky"]),
        "township": st.sampled_from(["t1", "t2"]),
        "title_zh": st.sampled_from(TEXTS),
        "summary_en": st.sampled_from(TEXTS),
        "merged_into": st.sampled_from(["", "", "other"]),
        "assignee": st.sampled_from(["", "zhang"]),
        "opened_at": st.integers(0, 5).map(lambda h: NOW - timedelta(hours=h)),
        "deadline": st.none() | st.integers(-3, 3).map(lambda h: NOW + timedelta(hours=h)),
    }
)
wanted = st.fixed_dictionaries(
    {"active": st.sampled_from([True, None])},
    optional={
        "kind": st.sampled_from(["air", "water"]),
        "severity": st.sampled_from(["red", "blue"]),
        "handling": st.sampled_from(["open", "closed"]),
        "eye": st.sampled_from(["human", "sky", "%"]),
        "township": st.just("t1"),
        "text": st.sampled_from(["黑", "FOUL", "100%", "a_b", "/", "_", "%", "zhang", "I3", "nothing"]),
    },
)


def stored(n: int, row: dict[str, Any]) -> dict[str, Any]:
    """A row of the table."""
    blank = dict.fromkeys(("founder", "title_en", "summary_zh", "river", "outcome"), "")
    moments = dict.fromkeys(("first_at", "created_at"), row["opened_at"])
    numbers = {"n_evidence": 1, "log_odds": 0.0, "confidence": 0.5, "version": 1, "escalated": 0, "reopened": 0}
    active = row["handling"] != "closed" and not row["merged_into"]
    return blank | moments | numbers | row | {"id": f"I{n}", "sources": "[]", "historical": False, "active": active}


def fits(row: dict[str, Any], asked: dict[str, Any]) -> bool:
    """What the conditions mean, said for one row."""
    named = all(row[k] == asked[k] for k in ("kind", "severity", "handling", "township") if k in asked)
    words = [row[k].lower() for k in ("id", "title_zh", "title_en", "summary_zh", "summary_en", "assignee")]
    text = asked.get("text", "").lower()
    found = not text or any(text in w for w in words)
    return (
        named
        and found
        and not row["merged_into"]
        and asked.get("eye", "") in row["eyes"]
        and (asked["active"] is None or row["active"])
    )


def order(row: dict[str, Any], asked: dict[str, Any]) -> tuple[Any, ...]:
    """Before whom a row stands."""
    newest = (-row["opened_at"].timestamp(), row["id"])
    if not asked["active"]:
        return newest
    due = row["deadline"]
    waits = row["handling"] == "open" and (row["severity"] == "red" or (due is not None and due < NOW))
    return (not waits, RANK.get(row["severity"], 3), due is None, due.timestamp() if due else 0.0, *newest)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return Ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'l.sqlite'}")


@settings(max_examples=300)
@given(st.lists(rows, max_size=12), wanted, st.integers(1, 5), st.integers(0, 6))
def test_the_list_is_what_looking_at_every_row_gives(ledger, made, asked, limit, offset):
    full = [stored(n, row) for n, row in enumerate(made)]
    with ledger.begin() as connection:
        connection.execute(sa.delete(incidents))
        put_incidents(connection, full)
    expected = sorted((r for r in full if fits(r, asked)), key=lambda r: order(r, asked))
    page, total = list_incidents(ledger, now=NOW, limit=limit, offset=offset, **asked)
    assert [r["id"] for r in page] == [r["id"] for r in expected[offset : offset + limit]]
    assert total == count_incidents(ledger, **asked) == len(expected)
    assert [r["overdue"] for r in page] == [
        bool(r["active"] and r["deadline"] and r["deadline"] < NOW) for r in expected[offset : offset + limit]
    ]
    frame = read_incidents(ledger, now=NOW, limit=limit, offset=offset, **asked)
    assert frame["id"].tolist() == [r["id"] for r in page]
    assert frame["overdue"].tolist() == [r["overdue"] for r in page]


def test_an_older_ledger_gets_the_indexes_it_lacks(tmp_path):
    url = f"sqlite:///{tmp_path / 'l.sqlite'}"
    with Ledger(url).begin() as connection:
        for name in ("incidents_in_order", "incidents_by_words"):
            connection.execute(sa.text(f"DROP INDEX {name}"))
    with Ledger(url).reading() as connection:
        there = set(connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'index'")))
    assert {"incidents_in_order", "incidents_by_words"} <= there


def test_pages_and_counts_are_found_without_reading_the_rows(tmp_path):
    """What makes them fast with 50,000: SQLite names the index it takes."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'l.sqlite'}")
    for asked, index in (
        ({"active": None}, "COVERING INDEX incidents_in_order"),
        ({"active": None, "eye": "sky", "severity": "red"}, "COVERING INDEX incidents_in_order"),
        ({"active": None, "text": "x", "kind": "air"}, "INDEX incidents_by_words"),
    ):
        query = _count(Wanted(**asked)).compile(ledger.engine, compile_kwargs={"literal_binds": True})
        with ledger.reading() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
        assert index in str(plan)
