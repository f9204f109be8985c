"""Who an alert is about: names, townships, labels, and numbers as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import load
from alerts.subjects import Subjects, fingerprint, number
from domain.registry import Registry

RULES = load().by_id


def test_stations_townships_and_waters_have_names(county: Registry) -> None:
    subjects = Subjects.of(county)
    assert subjects.name("air-1") == ("紫金站（模拟）", "Zijin (simulated)")
    assert subjects.name("331102100")[1] == "Bihu"
    assert subjects.name("nanming_reservoir") != ("nanming_reservoir", "nanming_reservoir")
    assert subjects.name("nobody") == ("nobody", "nobody")


def test_labels_of_a_station_a_township_a_water_and_a_spot(county: Registry) -> None:
    subjects = Subjects.of(county).told({"spot": '{"township": "331102100"}'})
    ours = {"eye": "ground"}
    assert subjects.labels(RULES["station.fault"], "water-2") == {
        "medium": "water",
        "township": "331102100",
        "class": "equipment",
        **ours,
    }
    clearing = subjects.labels(RULES["ecology.clearing"], "331102204")
    assert clearing == {"eye": "sky", "medium": "ecology", "township": "331102204"}
    assert "township" not in subjects.labels(RULES["ecology.bloom"], "nanming_reservoir")
    assert subjects.labels(RULES["human.spot"], "spot")["township"] == "331102100"
    assert subjects.name("spot") == subjects.name("331102100")


@pytest.mark.parametrize("detail", ["", "PM2.5,O3", "{broken", "{}", '{"township": null}'])
def test_a_detail_without_a_township_says_nothing(county: Registry, detail: str) -> None:
    subjects = Subjects.of(county).told({"spot": detail})
    assert subjects.name("spot") == ("spot", "spot")
    assert "township" not in subjects.labels(RULES["human.spot"], "spot")


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "2"), (0.1 + 0.2, "0.3"), (1.23456, "1.235"), (-0.0001, "0"), (1e6, "1000000")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(-1e9, 1e9))
def test_numbers_lose_no_more_than_half_a_thousandth(value: float) -> None:
    assert abs(float(number(value)) - value) <= 0.00051 + abs(value) * 1e-12


def test_fingerprints_tell_rule_and_subject_apart() -> None:
    assert (
        len({fingerprint("a.b", "c"), fingerprint("a.bc", ""), fingerprint("a.b", "d"), fingerprint("a", "b.c")}) == 4
    )
