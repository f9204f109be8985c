"""One integer a row stands for a key of several columns: same order, same equality."""

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from store.keys import Keyed, differing, merge_positions
from store.rows import WORDS

KEY = ("s", "t", "n")
rows = st.lists(st.tuples(st.text("aä中b", max_size=2), st.integers(0, 2**40), st.integers(-3, 3)), max_size=20)


def table(rows, values=None) -> pa.Table:
    s, t, n = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "s": pa.array(s, pa.string()).dictionary_encode().cast(WORDS),
            "t": pa.array(t, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
            "n": pa.array(n, pa.int32()),
            "v": pa.array([0.0] * len(rows) if values is None else values, pa.float64()),
        }
    )


@given(rows)
def test_order_and_equality_are_those_of_the_key(rows):
    codes = Keyed.of(table(rows), KEY).codes.tolist()
    for i, one in enumerate(rows):
        for j, two in enumerate(rows):
            assert (codes[i] < codes[j]) == (one < two)
            assert (codes[i] == codes[j]) == (one == two)


@given(rows)
def test_rows_are_put_in_order(rows):
    order = Keyed.of(table(rows), KEY).order()
    found = rows if order is None else [rows[i] for i in order]
    assert found == sorted(rows)


@given(rows, st.randoms(use_true_random=False))
def test_of_each_key_the_newest_then_the_last_is_kept(rows, chance):
    doubled = [*rows, *rows]
    chance.shuffle(doubled)
    age = [chance.randrange(3) for _ in doubled]
    keep = Keyed.of(table(doubled), KEY).last_of_each(np.array(age, dtype=np.int64))
    kept = range(len(doubled)) if keep is None else keep.tolist()
    best = {}
    for i, row in enumerate(doubled):
        if row not in best or age[i] >= age[best[row]]:
            best[row] = i
    assert list(kept) == [best[r] for r in sorted(best)]


@given(rows, rows)
def test_new_rows_find_the_old_ones(old, new):
    old = sorted(set(old), key=hash)
    if not old:
        return
    at, hit = merge_positions(*Keyed.pair(table(old), table(new), KEY))
    assert hit.tolist() == [r in old for r in new]
    assert all(old[i] == r for i, h, r in zip(at, hit, new, strict=True) if h)


def test_nan_and_null_are_equal_to_each_other_and_to_nothing_else():
    keys = [("a", i, 0) for i in range(5)]
    before = table(keys, [1.0, np.nan, None, np.nan, 1.0])
    after = table(keys, pd.array([1.0, np.nan, np.nan, 2.0, None]))
    at, hit = merge_positions(*Keyed.pair(before, after, KEY))
    assert differing(before, after, at, hit, ["v"]).tolist() == [False, False, False, True, True]
