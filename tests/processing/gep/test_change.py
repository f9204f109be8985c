import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.gep.change import EFFECTS, contributions, decomposition, effects, incomparable
from processing.gep.profile import profiles
from processing.gep.seea import assets, condition, extent, extent_of_changes, matrix, present_value, supply, use
from tests.processing.gep.district import ZONES, made, rows

numbers = st.floats(-1e6, 1e6)


@given(st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers))
def test_effects_add_up_to_the_change(first, second):
    one, two = (tuple(np.array([x]) for x in side) for side in (first, second))
    change = np.prod(second) - np.prod(first)
    scale = max(
        abs(x * y * z) for x in (first[0], second[0]) for y in (first[1], second[1]) for z in (first[2], second[2])
    )
    assert sum(float(e[0]) for e in effects(one, two)) == pytest.approx(change, abs=1e-9 * scale + 1e-12)
    back = effects(two, one)
    assert [float(e[0]) for e in effects(one, two)] == pytest.approx(
        [-float(e[0]) for e in back], abs=1e-9 * scale + 1e-12
    )


def test_one_factor_alone_has_the_whole_effect():
    a, b, c = effects(tuple(map(np.array, (2.0, 3.0, 4.0))), tuple(map(np.array, (2.0, 3.0, 5.0))))
    assert (float(a), float(b), float(c)) == (0, 0, 6)


def test_effects_are_near_the_logarithmic_mean_where_that_is_defined():
    first, second = (10.0, 3.0, 7.0), (12.0, 2.5, 7.7)
    ours = [float(e) for e in effects(tuple(map(np.array, first)), tuple(map(np.array, second)))]
    v0, v1 = np.prod(first), np.prod(second)
    mean = (v1 - v0) / np.log(v1 / v0)
    assert ours == pytest.approx([mean * np.log(b / a) for a, b in zip(first, second, strict=True)], rel=0.02)


def test_a_change_between_accounts_is_explained_to_the_last_yuan():
    before = made()
    after = made(
        rows(rainfall_mm=1.1, area_m2=1.05), profile=profiles()["db33-2020"].with_switches(carbon_price="platform")
    )
    causes = decomposition(before, after)
    assert incomparable(before, after) == ()
    change = causes["value_after"] - causes["value_before"]
    assert causes[list(EFFECTS)].sum(axis=1).to_numpy() == pytest.approx(change.to_numpy(), abs=1e-3)
    assert causes["value_after"].sum() == pytest.approx(after.total)
    carbon = causes[causes["part"] == "carbon_sequestration"]
    assert carbon["price"].sum() < 0 < carbon["area"].sum()
    assert carbon["quantity"].sum() == pytest.approx(0, abs=1e-6)
    water = causes[causes["part"] == "water_retention"]
    assert water["quantity"].sum() > 0


def test_contributions_add_up_to_the_growth():
    before, after = made(), made(rows(rainfall_mm=1.1, visits=2))
    frame = contributions(decomposition(before, after))
    assert frame["total_pp"].sum() == pytest.approx(100 * (after.total / before.total - 1))
    steps = frame[["area_pp", "quantity_pp", "price_pp"]].sum(axis=1)
    assert steps.to_numpy() == pytest.approx(frame["total_pp"].to_numpy(), abs=1e-9)
    assert frame.set_index("service").loc["tourism", "quantity_pp"] == pytest.approx(100 * 1e6 / before.total)


def test_what_is_new_is_due_to_area():
    frame = rows()
    extra = pd.DataFrame(
        [
            {"zone": ZONES[1], "ecosystem": "tussock", "quantity": "area_m2", "value": 1e6},
            {"zone": ZONES[1], "ecosystem": "tussock", "quantity": "rkls_t:c2", "value": 1e3},
        ]
    )
    causes = decomposition(made(), made(pd.concat([frame, extra])))
    new = causes[(causes["zone"] == ZONES[1]) & (causes["ecosystem"] == "tussock")]
    assert len(new)
    assert new["area"].to_numpy() == pytest.approx(new["value_after"].to_numpy())


def test_supply_equals_use():
    done = made(draws=10, seed=1)
    given_, taken = supply(done), use(done)
    assert given_["value_cny"].sum() == pytest.approx(done.total)
    assert taken["value_cny"].sum() == pytest.approx(done.total)
    key = ["part", "item"]
    pd.testing.assert_series_equal(
        given_.groupby(key)["quantity"].sum(), taken.groupby(key)["quantity"].sum(), rtol=1e-12
    )
    table = matrix(given_, "ecosystem")
    assert table.loc["total", "total"] == pytest.approx(done.total)
    assert table.loc["crops", "farmland"] == pytest.approx(2e7)
    assert set(given_.loc[~given_["seea"], "service"]) == {"energy", "oxygen_release", "negative_ions"}
    assert matrix(taken, "user").loc["total", "total"] == pytest.approx(done.total)


def test_extents_close():
    before = pd.DataFrame({"zone": "z", "ecosystem": ["forest", "farmland"], "area_m2": [3e6, 1e6]})
    after = pd.DataFrame({"zone": "z", "ecosystem": ["forest", "urban"], "area_m2": [2e6, 2e6]})
    frame = extent(before, after)
    closing = frame["opening_ha"] + frame["additions_ha"] - frame["reductions_ha"]
    assert closing.to_numpy() == pytest.approx(frame["closing_ha"].to_numpy())
    assert frame["opening_ha"].sum() == frame["closing_ha"].sum() == 400
    cells = pd.DataFrame(
        {"zone": "z", "origin": ["a", "a", "b"], "target": ["a", "b", "a"], "area_m2": [1e4, 2e4, 3e4]}
    )
    moved = extent_of_changes(cells).set_index("ecosystem")
    assert moved.loc["a"].tolist()[1:] == [3, 3, 2, 4]
    assert moved.loc["b"].tolist()[1:] == [3, 2, 3, 2]


def test_condition_is_relative_to_its_reference_and_gaps_stay():
    before = pd.DataFrame(
        {"zone": "z", "ecosystem": ["a", "b"], "quantity": "vegetation_cover_pct", "value": [40.0, 80]}
    )
    after = before.assign(value=[60.0, np.nan])
    frame = condition(before, after, {"vegetation_cover_pct": (20, 100)}).set_index("ecosystem")
    assert frame.loc["a", ["opening_indicator", "closing_indicator", "change"]].tolist() == [0.25, 0.5, 20]
    assert np.isnan(frame.loc["b", "closing"])


def test_assets_close():
    after = made(rows(rainfall_mm=0.9, area_m2=1.1))
    frame = assets(decomposition(made(), after), discount=0.03, years=100)
    steps = frame[["opening", "additions", "reductions", "enhancement", "degradation", "revaluation"]].sum(axis=1)
    assert steps.to_numpy() == pytest.approx(frame["closing"].to_numpy(), abs=1)
    assert frame["opening"].sum() == pytest.approx(present_value(made().total, discount=0.03, years=100))
    assert present_value(np.array(1.0), discount=0.0, years=7) == 7
    assert present_value(np.array(1.0), discount=0.1, years=2) == pytest.approx(1 / 1.1 + 1 / 1.21)
