"""Spots: who belongs together, and that no order of arrival changes it."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.catalogue import TABLES_DIR, read_table
from domain.incidents import ANSWERS
from domain.records import TABLES
from processing.human import compute_human
from processing.indicators.human import components, counted, firsts, groups, links, spots, subject
from tests.processing.skyland import home

CRS = "EPSG:32650"
START = datetime(2026, 8, 24, 7, 20, tzinfo=UTC)
NOW = datetime(2026, 9, 1, tzinfo=UTC)
METRE = 1 / 111_000  # of latitude, degrees, within half a per cent


def report(name, hours=0.0, north_m=0.0, category="S", **said):
    return {
        "id": name,
        "source": "grid",
        "grid_code": "",
        "township": "331102001",
        "observed_at": START + timedelta(hours=hours),
        "received_at": START + timedelta(hours=hours),
        "lon": 119.61,
        "lat": 28.305 + north_m * METRE,
        "category": category,
        "urgency": 3,
        "text": "",
        "photos": "[]",
        "status": "reported",
        "verdict": "",
        "duplicate_of": "",
        "incident": "",
        "flag": 2,
        "feed": "grid-api",
        **said,
    }


def table(*reports):
    return TABLES["reports"].frame(list(reports))


def of(*reports):
    """Spot -> ids of its reports."""
    found = spots(table(*reports), CRS)
    return {s: json.loads(d)["reports"] for s, d in zip(found["subject"], found["detail"], strict=True)}


def test_reports_near_in_space_time_and_group_are_one_spot():
    found = of(
        report("a"),
        report("b", 5, 150),
        report("c", 71, 10, category="L"),
        report("far", 1, 260),
        report("late", 73),
        report("noise", 1, category="N"),
    )
    assert found == {
        "spot-grid-a": ["a", "b", "c"],
        "spot-grid-far": ["far"],
        "spot-grid-noise": ["noise"],
        "spot-grid-late": ["late"],
    }


def test_the_row_says_what_people_saw():
    (row,) = spots(
        table(report("b", 3, urgency=1, category="L", township=""), report("a", 0, 20, township="")), CRS
    ).to_dict("records")
    assert (row["indicator"], row["medium"], row["subject"]) == ("human.spot", "human", "spot-grid-a")
    assert (row["value"], row["grade"], row["period"], row["unit"]) == (2.0, "S", "PT1H", "1")
    assert row["time"] == pd.Timestamp("2026-08-24T07:00Z")
    detail = json.loads(row["detail"])
    assert detail["urgency"] == 1
    assert detail["lat"] == pytest.approx(28.305 + 20 * METRE, abs=1e-6)
    assert detail["categories"] == ["L", "S"]
    assert detail["township"] == ""


@pytest.mark.parametrize(
    ("metres", "hours", "together"), [(195, 0, True), (206, 0, False), (0, 72, True), (0, 72.01, False)]
)
def test_the_edges(metres, hours, together):
    assert len(of(report("a"), report("b", hours, metres))) == (1 if together else 2)


def test_a_spot_is_bounded_by_its_first_report():
    """A chain of steps of 150 m does not become one spot 600 m long."""
    found = of(*(report(f"r{i}", i, 150 * i) for i in range(5)))
    assert found == {"spot-grid-r0": ["r0", "r1"], "spot-grid-r2": ["r2", "r3"], "spot-grid-r4": ["r4"]}


def test_a_finger_that_pressed_twice_is_no_second_witness():
    pressed = report("aR", 0.03, duplicate_of="a", status="merged")
    found = spots(table(report("a"), pressed, report("b", 2)), CRS)
    assert found["value"].tolist() == [2.0]
    assert found["n_valid"].tolist() == [3]
    alone = spots(table(report("aR", duplicate_of="elsewhere")), CRS)
    assert alone["value"].tolist() == [1.0]


def test_withdrawn_reports_count_for_nothing_and_refused_ones_were_still_seen():
    found = spots(table(report("a", status="void"), report("b", 1), report("c", 2, status="refused")), CRS)
    assert found["value"].tolist() == [2.0]
    assert found["subject"].tolist() == ["spot-grid-b"]


def test_a_report_without_a_position_stands_alone():
    nowhere = {"lon": float("nan"), "lat": float("nan")}
    found = spots(table(report("a", **nowhere), report("b", **nowhere)), CRS)
    assert found["value"].tolist() == [1.0, 1.0]
    assert json.loads(found["detail"].iloc[0])["lon"] is None


def test_nothing_gives_nothing():
    assert spots(table(), CRS).empty
    assert list(spots(table(), CRS).columns) == TABLES["indicators"].columns


def test_every_category_of_the_tables_has_a_group():
    classes = read_table(TABLES_DIR / "report_classes.csv", columns=["class_big", "class_small", "category", "source"])
    assert set(classes["category"]) <= set(groups())
    assert groups()["S"] == groups()["L"]


@st.composite
def crowds(draw, most=14):
    n = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return [
        report(
            f"r{i}",
            float(np.round(rng.uniform(0, 240), 1)),
            float(rng.uniform(0, 700)),
            category=str(rng.choice(["S", "L", "W"])),
            status=str(rng.choice(["reported", "void"], p=[0.9, 0.1])),
        )
        for i in range(n)
    ]


def brute_force(reports):
    """The definition, spelt out: earliest first, each report joins the first open spot near it or opens its own."""
    frame = counted(table(*reports))
    of_group = frame["category"].map(groups())
    leaders, joined = [], {}
    pairs = {tuple(p) for p in links(frame, CRS).tolist()}
    for j in range(len(frame)):
        home_of = next((i for i in leaders if (i, j) in pairs), j)
        if home_of == j:
            leaders.append(j)
        joined.setdefault(home_of, []).append(frame["id"].iloc[j])
        assert of_group.iloc[home_of] == of_group.iloc[j]
    return {subject("grid", frame["id"].iloc[i]): ids for i, ids in joined.items()}


@given(crowds())
def test_spots_are_those_of_the_definition(reports):
    assert of(*reports) == brute_force(reports)


@given(crowds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(reports, random):
    before = of(*reports)
    random.shuffle(reports)
    assert of(*reports) == before


def test_links_lose_no_pair():
    rng = np.random.default_rng(3)
    frame = counted(table(*(report(f"r{i}", rng.uniform(0, 200), rng.uniform(0, 900)) for i in range(60))))
    found = {tuple(p) for p in links(frame, CRS).tolist()}
    lat, time = frame["lat"].to_numpy(), frame["observed_at"]
    for i in range(60):
        for j in range(i + 1, 60):
            metres = abs(lat[i] - lat[j]) / METRE
            if abs(metres - 200) > 2:  # the metre of this test is not exact
                near = metres < 200 and time[j] - time[i] <= pd.Timedelta(hours=72)
                assert ((i, j) in found) == near


def test_components_and_firsts_of_no_links():
    none = np.empty((0, 2), dtype=int)
    assert components(3, none).tolist() == [0, 1, 2]
    assert firsts(3, none).tolist() == [0, 1, 2]


def put(place, *reports):
    place.lake.upsert("reports", table(*reports), now=NOW, why="test", newest="received_at")


def stored(place):
    frame = place.lake.read("indicators", medium="human")
    return dict(zip(frame["subject"], frame["value"], strict=True))


def test_spots_grow_with_reports_and_a_second_run_does_nothing(tmp_path):
    place = home(tmp_path)
    put(place, report("b", 2))
    compute_human(place, now=NOW)
    assert stored(place) == {"spot-grid-b": 1.0}
    put(place, report("a", 0), report("c", 30, 100))
    counts = compute_human(place, now=NOW)
    assert stored(place) == {"spot-grid-a": 3.0}
    assert (counts.new, counts.removed) == (1, 1)
    version = place.lake.version("indicators")
    again = compute_human(place, now=NOW)
    assert again.as_dict() == dict.fromkeys(again.as_dict(), 0)
    assert place.lake.version("indicators") == version


def test_a_corrected_report_leaves_its_old_spot(tmp_path):
    place = home(tmp_path)
    put(place, report("a"), report("b", 2), report("x", 3, category="R"))
    compute_human(place, now=NOW)
    assert stored(place) == {"spot-grid-a": 2.0, "spot-grid-x": 1.0}
    later = START + timedelta(hours=50)
    put(place, report("x", 3, category="S", received_at=later), report("a", north_m=5000, received_at=later))
    compute_human(place, now=NOW)
    assert stored(place) == {"spot-grid-a": 1.0, "spot-grid-b": 2.0}
    put(place, report("b", 2, status="void", received_at=later + timedelta(hours=1)))
    compute_human(place, now=NOW)
    assert stored(place) == {"spot-grid-a": 1.0, "spot-grid-x": 1.0}


def test_other_media_stay(tmp_path):
    place = home(tmp_path)
    put(place, report("a"))
    compute_human(place, now=NOW)
    assert set(place.lake.read("indicators")["medium"]) == {"human"}
    said = []
    put(place, report("b", 200))
    compute_human(place, now=NOW, progress=lambda text, share: said.append((text, share)))
    assert said == [("2026-09-01", 0.0), ("", 1.0)]
    assert len(stored(place)) == 2


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crowds(most=9), st.integers(0, 999))
def test_any_order_of_arrival_gives_the_same_rows(tmp_path_factory, reports, seed):
    rng = np.random.default_rng(seed)
    whole = home(tmp_path_factory.mktemp("whole"))
    put(whole, *reports)
    compute_human(whole, now=NOW)
    parts = home(tmp_path_factory.mktemp("parts"))
    order = rng.permutation(len(reports))
    for part in np.array_split(order, 3):
        if part.size:
            # First as somebody mistook it, then as it is.
            wrong = [{**reports[i], "lat": 28.3055, "category": "W", "status": "reported"} for i in part]
            put(parts, *wrong)
            compute_human(parts, now=NOW)
            put(parts, *({**reports[i], "received_at": NOW + timedelta(days=30)} for i in part))
            compute_human(parts, now=NOW)
    pd.testing.assert_frame_equal(whole.lake.read("indicators"), parts.lake.read("indicators"))


def test_answers_to_our_own_tasks_are_no_witnesses():
    assert counted(table(report("a"), report("b", source=ANSWERS)))["id"].tolist() == ["a"]
