from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records import TABLES
from processing.aggregate import (
    attribute,
    coded,
    day_begin,
    day_of,
    distinct,
    flag_of,
    joined,
    mean_rounded,
    seconds,
    times,
    together,
)
from tests.processing.observed import local, observed, series, stations


def test_values_of_one_moment_stand_side_by_side():
    got = observed(series("b", "O3", [1, 2]), series("a", "O3", [3]), series("a", "CO", [0.5, 0.6])).wide(
        ("CO", "O3"), "PT1H"
    )
    assert got.subject.tolist() == ["a", "a", "b", "b"]
    np.testing.assert_array_equal(got.values, [[0.5, 3], [0.6, np.nan], [np.nan, 1], [np.nan, 2]])
    assert got.seen.tolist() == [[True, True], [True, False], [False, True], [False, True]]


def test_failed_and_missing_values_are_not_usable_but_seen():
    rows = series("a", "O3", [1, 2, np.nan, 4])
    rows["flag"] = np.array([4, 3, 9, 2], dtype=np.int32)
    got = observed(rows).wide(("O3",), "PT1H")
    np.testing.assert_array_equal(got.values[:, 0], [np.nan, 2, np.nan, 4])
    assert got.flags[:, 0].tolist() == [4, 3, 9, 1]
    assert got.seen.all()


def test_below_detection_counts_half():
    got = observed(series("a", "TP", [0.02], source_flag="L", medium="water")).wide(("TP",), "PT1H")
    assert got.values.tolist() == [[0.01]]
    assert got.halved.tolist() == [[True]]


def test_periods_do_not_mix():
    both = observed(series("a", "O3", [1]), series("a", "O3", [2], period="P1D"))
    assert both.wide(("O3",), "PT1H").values.tolist() == [[1]]
    assert len(both.wide(("O3",), "PT10M")) == 0


def test_days_are_those_of_shanghai():
    got = observed(series("a", "O3", range(30), "2026-08-18 20:00")).days(("O3",), "PT1H")
    assert times(got.time).tolist() == [local("2026-08-18 00:00"), local("2026-08-19 00:00"), local("2026-08-20 00:00")]
    assert got.values[0, 0, 20:].tolist() == [0, 1, 2, 3]
    assert np.isnan(got.values[0, 0, :20]).all()
    assert got.values[1, 0].tolist() == list(range(4, 28))


def test_a_day_begins_where_it_is_counted_from():
    moment = seconds(series("a", "O3", [1], "2026-08-18 00:00")["time"])
    assert day_begin(day_of(moment)) == moment
    assert day_of(moment - 1) == day_of(moment) - 1


tenths = st.lists(st.one_of(st.none(), st.integers(0, 50_000)), min_size=1, max_size=24)


@given(tenths, st.integers(0, 2), st.integers(1, 24))
def test_means_equal_rational_arithmetic(numbers, decimals, need):
    there = [Fraction(n, 10) for n in numbers if n is not None]
    values = np.array([[np.nan if n is None else n / 10 for n in numbers]])
    got = mean_rounded(values, need=need, decimals=decimals)[0]
    if len(there) < need:
        assert np.isnan(got)
    else:
        assert got == float(round(sum(there) / len(there), decimals))


def test_the_flag_of_a_result_is_the_worst_of_what_it_used():
    flags = np.array([[1, 1], [1, 2], [1, 3], [3, 1], [1, 1]], dtype=np.int8)
    used = np.array([[True, True], [True, True], [True, True], [False, True], [True, True]])
    known = np.array([True, True, True, True, False])
    assert flag_of(flags, used, known).tolist() == [1, 2, 3, 1, 9]


def test_the_registry_row_of_the_day_counts():
    rows = pd.concat(
        [
            stations(station_id="a", zone="1", valid_to="2026-08-17"),
            stations(station_id="a", zone="2", valid_from="2026-08-18"),
        ]
    )
    found = observed(series("a", "O3", [1, 2], "2026-08-17 23:00"), series("x", "O3", [1])).wide(("O3",), "PT1H")
    assert attribute(rows, found, day_of(found.time), "zone").tolist() == ["1", "2", ""]


@pytest.mark.parametrize("kind", ["str", "object", "category"])
def test_text_becomes_codes_into_its_words_in_order(kind):
    text = pd.Series(["b", "a", "b", "c"], dtype=kind)
    codes, words = coded(text[:3])
    assert words.tolist() == ["a", "b"]
    assert codes.tolist() == [1, 0, 1]
    assert [len(x) for x in coded(text[:0])] == [0, 0]


@given(st.lists(st.integers(-5, 5).map(lambda h: h * 3600) | st.integers(0, 2**40), max_size=40), st.booleans())
def test_distinct_numbers_are_those_of_unique(numbers, hours):
    keys = np.array([n // 3600 * 3600 if hours else n for n in numbers], dtype=np.int64)
    found = distinct(keys)
    for mine, theirs in zip(found, np.unique(keys, return_inverse=True), strict=True):
        assert mine.tolist() == theirs.tolist()


def test_frames_are_joined_with_the_words_of_all():
    one = pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": [1.0, 2.0]})
    two = pd.DataFrame({"a": pd.Series(["z"], dtype="str"), "b": [3.0]})
    both = joined([one, two, one[:0]])
    assert both["a"].astype("str").tolist() == ["x", "y", "z"]
    assert isinstance(both["a"].dtype, pd.CategoricalDtype)
    assert both["b"].tolist() == [1, 2, 3]
    assert together([]).columns.tolist() == TABLES["indicators"].columns
