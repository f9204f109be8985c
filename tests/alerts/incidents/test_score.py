"""Incidents against the truth: found, split, mixed, missed, kept apart; and what one eye alone would know."""

import pandas as pd
import pytest

from alerts.incidents.score import score
from tests.alerts.incidents.given import HOUR, T0, piece, pieces

SPAN = {"start": T0.isoformat(), "end": (T0 + 2 * HOUR).isoformat()}
LON, LAT = 119.80, 28.40  # where `piece` puts things


def ground(matter: str, subject: str) -> dict[str, str]:
    return {"expect": "alert", "rule": "r", "subject": subject, "eye": "ground", "incident": matter, **SPAN, "lon": ""}


def people(matter: str, x: float = 0, *, expect: str = "evidence", category: str = "S") -> dict[str, str]:
    place = {"lon": f"{LON + x / 98_000:.6f}", "lat": f"{LAT:.6f}", "reach_m": "50", "category": category}
    rule = "spot" if expect == "evidence" else "human.spot"
    return {
        "expect": expect, "rule": rule, "subject": "331102204", "eye": "human", "incident": matter, **SPAN, **place,
    }  # fmt: skip


def scored(of: dict, *truth: dict):
    """`of`: evidence -> the incident it is in; incidents opened at T0."""
    held = pieces(*of).assign(incident_id=pd.Series({p.id: i for p, i in of.items()}).sort_index().to_numpy())
    said = pd.DataFrame({"id": [p.ref for p in of], "labels": [{"township": "331102204"}] * len(of)})
    names = sorted(set(of.values()) - {""})
    return score(pd.DataFrame({"id": names, "opened_at": pd.Timestamp(T0)}), held, said, pd.DataFrame(truth).fillna(""))


def alarm(subject: str, **more):
    return piece(f"alert:{subject}", rule="r", **more)


@pytest.mark.parametrize(
    ("of", "truth", "states"),
    [
        ({alarm("a"): "1", alarm("b"): "1"}, [ground("m", "a"), ground("m", "b")], ["found"]),
        ({alarm("a"): "1", alarm("b"): "2"}, [ground("m", "a"), ground("m", "b")], ["split"]),
        ({alarm("a"): "1", alarm("b"): ""}, [ground("m", "a"), ground("m", "b")], ["split"]),
        ({alarm("a"): "1", alarm("b"): "1"}, [ground("m", "a"), ground("n", "b")], ["mixed", "mixed"]),
        ({alarm("a"): ""}, [ground("m", "a")], ["missed"]),
        ({}, [ground("m", "a")], ["missed"]),
        ({alarm("a"): "1", piece("spot:s"): "1"}, [ground("m", "a"), people("m")], ["found"]),
        ({alarm("a"): "1", piece("spot:s"): ""}, [ground("m", "a"), people("m")], ["split"]),
        # One report nearby opens nothing: it must lie in nobody's incident.
        ({alarm("a"): "1", piece("spot:s"): ""}, [ground("m", "a"), people("n")], ["found", "apart"]),
        ({alarm("a"): "1", piece("spot:s"): "1"}, [ground("m", "a"), people("n")], ["mixed", "mixed"]),
        # Too far away, or of another kind, it is not what the truth speaks of.
        ({alarm("a"): "1", piece("spot:s", x=400): "1"}, [ground("m", "a"), people("n")], ["found", "apart"]),
        ({alarm("a"): "1", piece("spot:s", kind="air"): "1"}, [ground("m", "a"), people("n")], ["found", "apart"]),
    ],
)
def test_states(of, truth, states):
    assert scored(of, *truth).matters["state"].tolist() == states


def test_two_spots_of_one_township_are_told_apart_by_place():
    near, far = piece("spot:s"), piece("spot:t", x=1500)
    said = [
        piece(f"alert:{n}", rule="human.spot", x=x, eye="human", weight="human.alert")
        for n, x in (("s", 0), ("t", 1500))
    ]
    of = {near: "1", said[0]: "1", far: "2", said[1]: "2"}
    found = scored(of, people("m", expect="alert"), people("n", 1500, expect="alert"))
    assert found.matters["state"].tolist() == ["found", "found"]
    assert (found.precision, found.recall, found.false) == (1, 1, ())


def test_what_nothing_explains_costs_precision():
    found = scored({alarm("a"): "1", alarm("x"): "2"}, ground("m", "a"))
    assert (found.false, found.precision, found.recall) == (("2",), 0.5, 1.0)


def test_one_report_kept_apart_costs_nothing():
    found = scored({alarm("a"): "1", piece("spot:s"): ""}, ground("m", "a"), people("n"))
    assert (found.precision, found.recall, found.apart) == (1, 1, (1, 1))


def test_the_lead_is_over_each_eye_alone():
    two = piece("spot:s", certainty=2.0, sure_at=T0 + 5 * HOUR)
    one = piece("spot:t", x=9000)
    of = {alarm("a", known_at=T0 + 3 * HOUR): "1", two: "1", alarm("b", at=1): "2", one: "2"}
    found = scored(of, ground("m", "a"), people("m"), ground("n", "b"), people("n", 9000))
    told = {(m, e): h for m, e, h in found.lead_h.itertuples(index=False)}
    # People alone are believed when the second of them was heard, and one of them never is.
    assert told == {("m", "ground"): 3, ("m", "human"): 5, ("n", "ground"): 2, ("n", "human"): float("inf")}
