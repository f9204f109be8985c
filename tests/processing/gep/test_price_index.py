"""The chain of price indices: there and back, over gaps, from papers' levels, and what the district reported first."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.gep.price_index import moved
from processing.gep.values import Values, own_rows

years = st.integers(2005, 2024)


def values(**links):
    rows = [
        {"parameter": "price_index_link", "value": v, "unit": "last year = 100", "set": "reported", "region": "331102",
         "status": "confirmed", "year": int(name[1:])}
        for name, v in links.items()
    ]  # fmt: skip
    return Values({}, "331102", 2026, own_rows(rows) if rows else None)


@given(years, years, years)
def test_a_detour_changes_nothing(a, b, c):
    of = values()
    direct, first, second = moved(of, a, c).ratio, moved(of, a, b).ratio, moved(of, b, c).ratio
    assert first * second == pytest.approx(direct, rel=3e-4)  # 2007 to 2014 is printed as levels, rounded apart
    assert moved(of, c, a).ratio == pytest.approx(1 / direct)


def test_levels_of_a_paper_and_links_agree():
    assert moved(values(), 2007, 2014).ratio == 606.7 / 493.6
    chained = math.prod(row.value / 100 for row in moved(values(), 2007, 2015).rows[:-1])
    assert chained == pytest.approx(606.7 / 493.6, rel=3e-4)


def test_a_gap_is_named_and_not_bridged():
    found = moved(values(y2026=101.0), 2024, 2026)
    assert math.isnan(found.ratio)
    assert found.lacking == (2025,)
    assert moved(values(y2025=100.0, y2026=101.0), 2024, 2026).ratio == pytest.approx(1.01)
    assert moved(values(), 2000, 2008).lacking == tuple(range(2001, 2006))


def test_what_the_district_reported_comes_first():
    assert moved(values(y2022=110.0), 2021, 2022).ratio == pytest.approx(1.1)
    assert moved(values(), 2021, 2022).rows[0].status == "secondary"
    assert moved(Values({}, "110000", 2026), 2021, 2022).ratio == pytest.approx(1.02)
