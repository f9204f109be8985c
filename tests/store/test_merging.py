"""An upsert against a dictionary that does the same, one row at a time."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from domain.records import TABLES
from store.merging import merge, unique
from store.rows import from_frame, to_frame
from tests.store.conftest import observations

SPEC = TABLES["observations"]
contents = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]), st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=4
)


def rows(content):
    parts = [
        observations({(s, "2026-08-20T00:00Z"): v}, received=f"2026-09-01T0{at}:00Z") for s, (v, at) in content.items()
    ]
    return unique(SPEC, from_frame(SPEC, pd.concat(parts) if parts else observations({})), None)


def content(table):
    frame = to_frame(SPEC, table)
    values = zip(frame["value"].astype(int), frame["received_at"].dt.hour, strict=True)
    return dict(zip(frame["station_id"], values, strict=True))


def by_hand(stored, new, gone, scope, newest):
    """What shall be stored, and how many rows are new, changed and removed."""
    out, n, c = dict(stored), 0, 0
    for s, (v, at) in new.items():
        if s not in stored:
            out[s], n = (v, at), n + 1
        elif (not newest or at >= stored[s][1]) and v != stored[s][0]:
            out[s], c = (v, at), c + 1
        elif newest and at > stored[s][1] and v == stored[s][0]:
            out[s] = (v, at)
    taken = {s for s in stored if s in gone or (s in scope and s not in new)}
    for s in taken:
        if s not in new or out[s] == stored[s]:
            out.pop(s)
    return out, n, c, len(taken)


@given(contents, contents, st.sets(st.sampled_from("abcd")), st.sets(st.sampled_from("abcd")), st.booleans())
def test_merging_is_what_a_dictionary_does(stored, new, gone, scope, newest):
    table = rows(stored)
    found = merge(
        SPEC,
        table,
        rows(new),
        newest="received_at" if newest else None,
        gone=rows(dict.fromkeys(gone, (0, 0))),
        scope=np.array([s in scope for s in content(table)], dtype=bool),
    )
    after, n, c, removed = by_hand(stored, new, gone, scope, newest)
    if found is None:
        assert (after, n, c, removed) == (stored, 0, 0, 0)
        return
    assert content(found.rows) == after
    assert list(content(found.rows)) == sorted(after)
    assert (found.new, found.changed, found.removed) == (n, c, removed)
    assert set(content(found.replaced)) >= {s for s in stored if s not in after}
