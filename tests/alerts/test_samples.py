"""Rates of change by true elapsed time."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.conditions import Change
from alerts.samples import MICRO, Samples, rates

HOUR = timedelta(hours=1) // MICRO
PER_HOUR = Change(op=">", value=1, per="PT1H", within="PT6H")


def series(*rows: tuple[int, float, float]) -> Samples:
    """(subject, hour of the end, value)."""
    found = np.array(rows, dtype=float).reshape(len(rows), 3)
    end = (found[:, 1] * HOUR).astype(np.int64)
    return Samples(("a", "b"), found[:, 0].astype(np.int64), end - HOUR, end, found[:, 2])


@pytest.mark.parametrize(
    ("says", "rows", "expected"),
    [
        ("Nothing has no rate.", [], []),
        ("The first value has none.", [(0, 1, 5)], []),
        ("One hour, three more.", [(0, 1, 5), (0, 2, 8)], [3]),
        ("Two hours, three more: half as fast.", [(0, 1, 5), (0, 3, 8)], [1.5]),
        ("After too long a gap nothing is known.", [(0, 1, 5), (0, 8, 8), (0, 9, 7)], [-1]),
        ("Subjects have nothing to do with each other.", [(0, 1, 5), (1, 2, 8), (0, 2, 6)], [1]),
        ("Two values with one end have no rate between them.", [(0, 1, 5), (0, 1, 9), (0, 2, 9)], [0]),
    ],
)
def test_rate(says: str, rows: list[tuple[int, float, float]], expected: list[float]) -> None:
    assert rates(series(*rows), PER_HOUR).value.tolist() == expected, says


def test_a_fall_counts_when_either_is_asked() -> None:
    change = Change(op=">", value=1, per="PT2H", within="PT6H", either=True)
    assert rates(series((0, 1, 5), (0, 2, 2)), change).value.tolist() == [6]


@given(st.permutations([(0, 1, 5), (0, 2, 8), (0, 4, 2), (1, 1, 0), (1, 2, 9)]))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[int, float, float]]) -> None:
    found = rates(series(*rows), PER_HOUR)
    assert sorted(zip(found.subject.tolist(), found.value.tolist(), strict=True)) == [(0, -3), (0, 3), (1, 9)]
