"""Incidents in the ledger: any order and any split of the evidence gives the same; merging keeps history."""

from datetime import timedelta
from random import Random

import pandas as pd
import pytest

from alerts.incidents.evidence import Places
from alerts.incidents.handling import OWN, policy, taken
from alerts.incidents.settle import Settling, settle
from domain.incidents import Handling
from domain.registry import Registry
from domain.rivers import Rivers
from store.home import SAMPLE_COUNTY
from store.ledger import Ledger
from store.ledger import incident_tables as book
from store.ledger.audit import append, check_chain, read_audit
from store.ledger.incidents import read_case, read_evidence, read_incidents, resolve
from tests.alerts.incidents.given import HOUR, T0, piece, pieces
from tests.alerts.test_fuse import drawn

REGISTRY = Registry.load(SAMPLE_COUNTY)
PLACES = Places(REGISTRY, Rivers.of(REGISTRY))
TERMS = policy(OWN.parent)
NOW = T0 + 500 * HOUR
#: What the evidence gives; when it was first known to us is not among it.
GIVEN = [
    "id", "kind", "founder", "first_at", "last_at", "opened_at", "lon", "lat", "eyes", "n_evidence", "log_odds",
    "confidence", "severity", "outcome", "title_zh", "title_en", "summary_zh", "summary_en", "merged_into",
]  # fmt: skip


def ledger(tmp_path, name="ledger"):
    return Ledger(f"sqlite:///{tmp_path / name}.sqlite")


def put(to: Ledger, rows: pd.DataFrame, gone=(), now=NOW):
    job = Settling(to, PLACES, TERMS, lambda *_: [], now)
    with to.begin() as tx:
        done = settle(job, tx, rows, gone)
        append(tx, done.entries, now)
    return done


def standing(of: Ledger) -> pd.DataFrame:
    """The incidents that are no pointers."""
    return read_incidents(of, now=NOW, active=None, limit=10_000)[GIVEN].sort_values("id").reset_index(drop=True)


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_any_split_of_batches_gives_the_same_incidents(tmp_path, seed):
    random, rows = Random(seed), drawn(seed, 16)
    once, parts = ledger(tmp_path, "once"), ledger(tmp_path, "parts")
    put(once, rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    while order:
        n = random.randint(2, 6)
        put(parts, rows.iloc[sorted(order[:n])].reset_index(drop=True))
        order = order[n:]
    pd.testing.assert_frame_equal(standing(once), standing(parts))
    columns = ["id", "incident_id"]
    pd.testing.assert_frame_equal(read_evidence(once)[columns], read_evidence(parts)[columns])
    # Every id ever given still leads to an incident that stands.
    there = set(standing(parts)["id"])
    opened = read_audit(parts)
    assert {resolve(parts, i) for i in opened.loc[opened["action"] == "opened", "subject"]} <= there
    assert check_chain(parts) == []


def test_the_same_again_changes_nothing(tmp_path):
    to = ledger(tmp_path)
    put(to, drawn(3, 20))
    before, steps = standing(to), len(read_audit(to))
    done = put(to, drawn(3, 20))
    assert (done.new, done.changed, done.merged, done.entries) == ((), (), (), ())
    pd.testing.assert_frame_equal(standing(to), before)
    assert len(read_audit(to)) == steps


LEFT, RIGHT = piece("alert:left", at=0, hours=200), piece("candidate:right", at=10, x=700, extent_m=0.0)
BRIDGE = piece("candidate:bridge", at=5, x=350, extent_m=60.0)


def test_what_joins_two_incidents_makes_them_one_and_says_so(tmp_path):
    to = ledger(tmp_path)
    put(to, pieces(LEFT, piece("spot:right", at=30, x=700, certainty=3.0)))
    one, two = standing(to)["id"]
    assert one != two
    done = put(to, pieces(BRIDGE))
    assert done.merged == (two,)
    assert standing(to)["id"].tolist() == [one]
    assert resolve(to, two) == one
    case = read_case(to, two)
    assert case.incident["id"] == one
    assert set(case.evidence["id"]) == {"alert:left", "spot:right", "candidate:bridge"}
    told = case.timeline[["subject", "action"]].apply(tuple, axis=1).tolist()
    assert (two, "merged") in told
    assert (one, "absorbed") in told
    assert (two, "opened") in told  # the history of both


def test_what_people_did_goes_with_a_merged_incident(tmp_path):
    to = ledger(tmp_path)
    put(to, pieces(LEFT, piece("spot:right", at=30, x=700, certainty=3.0)))
    one, two = standing(to)["id"]
    with to.begin() as tx:
        row = book.current(tx, two)
        book.put_incidents(
            tx, [{**row, **taken(row, "dispatch", who="甲", why="", now=NOW, terms=TERMS), "assignee": "甲"}]
        )
        task = {"id": "SY-1", "incident_id": two, "anchor": "spot:right", "created_at": NOW, "state": "sent"}
        book.put_task(tx, to, task)
    put(to, pieces(BRIDGE))
    case = read_case(to, one)
    assert (case.incident["handling"], case.incident["assignee"]) == (Handling.DISPATCHED, "甲")
    assert case.tasks["id"].tolist() == ["SY-1"]
    assert case.incident["version"] > 2


def test_a_bridge_that_falls_away_splits_again(tmp_path):
    to = ledger(tmp_path)
    put(to, pieces(LEFT, piece("spot:right", at=30, x=700, certainty=3.0), BRIDGE))
    assert len(standing(to)) == 1
    done = put(to, pieces(), gone=["candidate:bridge"])
    assert len(standing(to)) == 2
    assert len(done.new) == 1
    entry = next(e for e in done.entries if e.action == "opened")
    assert entry.data["split_from"] == [standing(to)["id"][0]] or entry.data["split_from"] == [standing(to)["id"][1]]


def test_an_earlier_piece_that_comes_late_gives_the_name_and_the_old_name_still_leads_there(tmp_path):
    to = ledger(tmp_path)
    put(to, pieces(piece("alert:b", at=10)))
    (old,) = standing(to)["id"]
    put(to, pieces(piece("spot:a", at=2, x=100, certainty=2.0)))
    (new,) = standing(to)["id"]
    assert new != old
    assert resolve(to, old) == new
    assert standing(to)["founder"].tolist() == ["spot:a"]


def test_a_spot_that_got_another_name_takes_its_incident_along(tmp_path):
    to = ledger(tmp_path)
    alarm = piece("alert:spot", at=1, weight="human.alert", eye="human", keys="spot-1")
    put(to, pieces(piece("spot:spot-1", certainty=2.0, keys="spot-1"), alarm))
    (old,) = standing(to)["id"]
    renamed = piece("spot:spot-0", at=-1, certainty=3.0, keys="spot-0 spot-1")
    put(to, pieces(renamed, alarm), gone=["spot:spot-1"])
    (new,) = standing(to)["id"]
    assert resolve(to, old) == new


def test_an_incident_without_any_evidence_stays_and_says_so(tmp_path):
    to = ledger(tmp_path)
    put(to, pieces(piece("alert:a")))
    put(to, pieces(), gone=["alert:a"])
    row = read_incidents(to, now=NOW, active=None).iloc[0]
    assert (row["n_evidence"], row["confidence"]) == (0, 0.0)
    assert read_audit(to)["action"].tolist() == ["opened", "emptied"]


def closed(to: Ledger, at) -> str:
    put(to, pieces(piece("alert:a")), now=T0 + 2 * HOUR)
    (name,) = standing(to)["id"]
    with to.begin() as tx:
        row = book.current(tx, name)
        for step in ("acknowledge", "close"):
            row = {**row, **taken(row, step, who="甲", why="好", now=at, terms=TERMS)}
        book.put_incidents(tx, [row])
    return name


@pytest.mark.parametrize(("at", "handling"), [(50, "open"), (1, "closed")])
def test_what_is_seen_after_closing_opens_it_again_and_what_was_merely_late_does_not(tmp_path, at, handling):
    to = ledger(tmp_path)
    closed(to, T0 + 20 * HOUR)
    done = put(to, pieces(piece("candidate:new", at=at, x=50)))
    row = read_incidents(to, now=NOW, active=None).iloc[0]
    assert row["handling"] == handling
    assert row["reopened"] == (handling == "open")
    assert ("reopen" in {e.action for e in done.entries}) is (handling == "open")


def test_what_was_over_long_before_is_history_and_waits_for_nobody(tmp_path):
    to = ledger(tmp_path)
    put(to, pieces(piece("alert:a")), now=T0 + timedelta(days=30))
    row = read_incidents(to, now=NOW, active=None).iloc[0]
    assert row["historical"]
    assert pd.isna(row["deadline"])
    assert read_incidents(to, now=NOW).empty
