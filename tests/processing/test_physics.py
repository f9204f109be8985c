import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CatalogueError
from processing import physics
from processing.physics import contradictions, physics_test, rules

NAN = float("nan")


def rule(name):
    return next(r for r in rules() if r.rule == name)


def flags(name, smaller, larger):
    left, right = physics_test(np.array(smaller, float), np.array(larger, float), rule(name))
    return left.tolist(), right.tolist()


def test_both_sides_are_flagged_by_degree():
    got = flags("PM2.5 above PM10", [30, 50, 70, 985], [60, 48, 48, 45])
    assert got == ([1, 1, 3, 4], [1, 1, 3, 4])


def test_one_missing_side_is_not_evaluated_and_missing_stays_missing():
    assert flags("NO2 above NOx", [30, NAN], [NAN, 20]) == ([2, 9], [9, 2])


def test_oxygen_above_saturation_blames_the_oxygen():
    saturated = 468 / (31.6 + 20)
    got = flags("DO above saturation", [saturated * 1.5, saturated * 2, saturated * 3.2], [20, 20, 20])
    assert got == ([1, 3, 4], [2, 2, 2])


@pytest.mark.parametrize(
    ("name", "smaller", "larger"),
    [
        ("CODMn above COD", 12, 8),
        ("NH3N above TN", 3, 2),
        ("LA90 above LA50", 52, 50),
        ("LA50 above LA10", 52, 50),
        ("LA10 above LAmax", 52, 50),
        ("NO above NOx", 40, 50),
        ("dew point above temperature", 12, 10),
        ("BOD5 above COD", 12, 8),
    ],
)
def test_what_cannot_be_is_suspect(name, smaller, larger):
    assert flags(name, [smaller], [larger]) == ([3], [3])


def test_every_rule_of_a_medium_is_asked_and_the_worst_counts():
    values = {"LA90": np.array([52.0]), "LA50": np.array([50.0]), "LA10": np.array([39.0]), "LAmax": np.array([70.0])}
    got = contradictions(values, "noise")
    assert {k: v.tolist() for k, v in got.items()} == {"LA90": [3], "LA50": [4], "LA10": [4], "LAmax": [1]}
    assert contradictions({"PM2.5": np.array([5.0])}, "air") == {}
    assert contradictions(values, "air") == {}


numbers = st.lists(st.one_of(st.just(NAN), st.floats(-1e4, 1e4)), min_size=1, max_size=20)


@given(numbers, st.randoms())
def test_missing_never_unflags_and_order_changes_nothing(values, chance):
    left = np.array(values)
    right = np.array(chance.sample(values, len(values)))
    for r in rules():
        a, b = physics_test(left, right, r)
        assert ((a == 9) == np.isnan(left)).all()
        assert ((b == 9) == np.isnan(right)).all()
        assert not np.isin(a[np.isnan(right)], (1, 3, 4)).any()
        order = np.array(chance.sample(range(len(values)), len(values)))
        again = physics_test(left[order], right[order], r)
        assert again[0].tolist() == a[order].tolist()
        assert again[1].tolist() == b[order].tolist()


def test_a_wrong_table_lists_every_problem(tmp_path, monkeypatch):
    lines = (physics.TABLES_DIR / "qc_physics.csv").read_text(encoding="utf-8").splitlines()
    broken = tmp_path / "qc_physics.csv"
    broken.write_text(
        "\n".join([lines[0], "a,air,XX,1,PM10,0,0,0,0,both,x,y", "b,air,PM1,z,PM10,0,0,0,0,none,x,y",
                   "c,air,PM1,1,PM10,2,0,1,0,both,x,y"]),
        encoding="utf-8",
    )  # fmt: skip
    monkeypatch.setattr(physics, "TABLES_DIR", tmp_path)
    rules.cache_clear()
    with pytest.raises(CatalogueError) as caught:
        rules()
    assert len(caught.value.problems) == 4
    monkeypatch.undo()
    rules.cache_clear()
