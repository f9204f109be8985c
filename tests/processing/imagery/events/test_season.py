"""What the season did: the median of a group, held against numpy."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from processing.imagery.events import season
from processing.imagery.events.season import expected

LIMITS = {"season_cells_min": 5.0, "season_cells_enough": 6.0}
_floats = st.floats(-1.875, 1.875, width=32)


def usual(delta, groups, days, where=None):
    here = np.ones(delta.shape, dtype=bool) if where is None else where
    return expected(delta, groups, days, here, LIMITS)


@settings(max_examples=60)
@given(arrays(np.float32, (6, 7), elements=_floats), arrays(np.int32, (6, 7), elements=st.integers(0, 2)))
def test_it_is_the_median_of_the_group(delta, groups):
    days = np.zeros(delta.shape)
    out = usual(delta, groups, days)
    for group in range(3):
        here = groups == group
        if here.sum() >= 5:
            ordered = np.sort(delta[here])
            low, high = ordered[(here.sum() - 1) // 2], ordered[here.sum() // 2]
            assert low - 0.005 <= out[here].min() <= out[here].max() <= high + 0.005
        else:
            assert (out[here] == 0).all()


@settings(max_examples=30)
@given(arrays(np.float32, (6, 7), elements=_floats), st.randoms(use_true_random=False))
def test_the_order_of_cells_does_not_matter(delta, random):
    groups, days = np.zeros(delta.shape, dtype=np.int32), np.zeros(delta.shape)
    order = list(range(delta.size))
    random.shuffle(order)
    mixed = usual(delta.ravel()[order].reshape(delta.shape), groups, days)
    assert np.array_equal(mixed, usual(delta, groups, days))


def test_dates_before_are_kept_apart_where_there_are_enough_cells():
    delta = np.array([[-0.4] * 6 + [-0.1] * 10 + [-0.2] * 3], dtype=np.float32)
    days = np.array([[1.0] * 6 + [2.0] * 10 + [3.0] * 3])
    out = usual(delta, np.zeros(delta.shape, dtype=np.int32), days)
    np.testing.assert_allclose(out[0, :6], -0.4, atol=0.003)
    np.testing.assert_allclose(out[0, 6:16], -0.1, atol=0.003)
    np.testing.assert_allclose(out[0, 16:], -0.1, atol=0.003)  # too few: counted with the day before


def test_a_large_event_on_a_rare_date_is_not_the_season():
    """Most cells whose last view is of one day lie in the clearing that a cloud over everything else left visible."""
    delta = np.array([[-0.5] * 4 + [0.0] * 1 + [-0.02] * 20], dtype=np.float32)
    days = np.array([[1.0] * 5 + [9.0] * 20])
    out = usual(delta, np.zeros(delta.shape, dtype=np.int32), days)
    np.testing.assert_allclose(out[0, :5], -0.02, atol=0.003)


@settings(max_examples=40)
@given(
    arrays(np.int32, (1, 40), elements=st.integers(0, 400)), arrays(np.int32, (1, 40), elements=st.integers(0, 7)),
    st.integers(1, 50),
)  # fmt: skip
def test_the_nearest_dates_are_added_until_there_are_enough(steps, days, enough):
    delta = (steps / 200 - 1).astype(np.float32)
    limits = {"season_cells_min": 1.0, "season_cells_enough": float(enough)}
    out = expected(delta, np.zeros_like(steps), days.astype(float), np.ones(steps.shape, dtype=bool), limits)
    for day in np.unique(days):
        taken = np.zeros(steps.shape, dtype=bool)
        for other in sorted(np.unique(days), key=lambda d: (abs(d - day), d)):
            taken |= days == other
            if taken.sum() >= enough:
                break
        ordered = np.sort(delta[taken])
        np.testing.assert_allclose(out[days == day], ordered[(len(ordered) - 1) // 2], atol=1e-5)


def test_what_is_not_known_counts_for_nothing():
    delta = np.array([[np.nan] * 10 + [0.3] * 5], dtype=np.float32)
    out = usual(delta, np.zeros(delta.shape, dtype=np.int32), np.zeros(delta.shape))
    assert (out[0, :10] == 0).all()
    np.testing.assert_allclose(out[0, 10:], 0.3, atol=0.003)
    nothing = np.full((2, 3), np.nan, dtype=np.float32)
    assert (usual(nothing, np.zeros((2, 3), dtype=np.int32), nothing) == 0).all()


@settings(max_examples=40)
@given(
    arrays(np.float32, (9, 7), elements=_floats),
    arrays(np.int32, (9, 7), elements=st.integers(0, 2)),
    arrays(np.float32, (9, 7), elements=st.sampled_from([1.0, 2.0, np.nan])),
    st.lists(st.integers(1, 8), max_size=3),
)
def test_parts_counted_apart_say_what_the_whole_says(delta, groups, days, cuts):
    here = np.ones(delta.shape, dtype=bool)
    edges = sorted({0, 9, *cuts})
    parts = [np.s_[a:b] for a, b in itertools.pairwise(edges)]
    counts = [season.counted(delta[p], groups[p], days[p], here[p]) for p in parts]
    total = sum(counts[1:], counts[0])
    apart = [season.usual(total, delta[p], groups[p], days[p], here[p], LIMITS) for p in parts]
    assert np.array_equal(np.concatenate(apart), expected(delta, groups, days, here, LIMITS))
