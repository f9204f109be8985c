import numpy as np
import pytest

from processing.gep.account import account
from processing.gep.draws import Factor, of_row
from processing.gep.profile import profiles
from processing.gep.statement import statement
from processing.gep.uncertainty import drivers, sobol
from processing.gep.values import Values
from tests.processing.gep.district import REGION, made, rows


def test_the_same_seed_gives_the_same_bytes():
    first, second = (statement(made(draws=40, seed=7)).to_csv() for _ in range(2))
    assert first == second
    assert statement(made(draws=40, seed=8)).to_csv() != first


def test_draws_do_not_move_the_central_estimate():
    assert made(draws=40, seed=7).total == made().total


def test_every_cell_has_a_range_around_it():
    frame = statement(made(draws=100, seed=2), complete_only=True)
    varied = frame[frame["value_cny"].notna() & (frame["value_cny"] != 0)]
    assert (varied["low"] <= varied["value_cny"]).mean() > 0.95
    assert (varied["high"] >= varied["value_cny"]).mean() > 0.95
    assert (varied["low"] < varied["high"]).all()


def test_the_range_of_a_total_is_narrower_than_the_sum_of_ranges():
    done = made(draws=200, seed=2)
    parts = statement(done, ("service", "part", "item"), complete_only=True)
    low, high = np.quantile(done.draws_of_total()[1:], (0.05, 0.95))
    assert high - low < (parts["high"] - parts["low"]).sum()


@pytest.mark.parametrize("kind", ["uniform", "triangular", "normal"])
def test_draws_stay_in_their_range_and_have_its_middle(kind):
    share = (np.arange(2000) + 0.5) / 2000
    values = Factor("x", 5.0, kind, 4.0, 6.0).draw(share)
    assert values.min() >= 4
    assert values.max() <= 6
    assert values.mean() == pytest.approx(5, abs=1e-3)
    assert (Factor("x", 5.0, "fixed", 4.0, 6.0).draw(share) == 5).all()


def test_a_row_has_its_own_range_or_that_of_its_status():
    values = Values({"runoff_coefficient_pct": ("gong-2017",)}, "33", 2024)
    by_key = {r.ecosystem: of_row(r) for r in values.rows("runoff_coefficient_pct")}
    assert (by_key["paddy"].low, by_key["paddy"].high) == (20, 40)
    assert by_key["mixed_forest"].low == pytest.approx(3.52 * 0.9)


def test_the_driver_that_was_put_in_is_found():
    """Only one number varies: it has the whole share."""
    central = made()
    share = np.linspace(0, 1, 50)
    price = central.draws.factors["electricity_price"]
    done = account(
        rows(), profiles()["db33-2020"], year=2024, region=REGION, given={"electricity_price": price.draw(share)}
    )
    found = drivers(done)
    assert found["factor"].tolist() == ["electricity_price"]
    assert found["rank_correlation"][0] == pytest.approx(1)
    assert found["share"].sum() == pytest.approx(1)


def test_drivers_of_a_part_are_its_own():
    done = made(draws=200, seed=5)
    top = drivers(done, "tourism")["factor"].head(4).tolist()
    assert {"input/visits", "input/visit_expense_cny"} <= set(top)
    with pytest.raises(ValueError, match="no draws"):
        drivers(made())


def test_sobol_agrees_with_rank_correlation_on_who_leads():
    done = made(draws=200, seed=5)
    names = drivers(done)["factor"].head(3).tolist()
    found = sobol(rows(), profiles()["db33-2020"], year=2024, region=REGION, factors=names, n=32, seed=1)
    assert found["factor"][0] == names[0]
    assert found["total"].sum() == pytest.approx(1, abs=0.35)
