"""A scope means the same rows whether it is asked of a row, of rows in memory or of partitions."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from domain.records import TABLES
from store.parts import split
from store.rows import from_frame
from store.scope import Scope
from tests.store.conftest import observations

SPEC = TABLES["observations"]
TIMES = [
    datetime(2026, m, d, h, tzinfo=UTC) for m in (7, 8, 9) for d, h in ((1, 0), (15, 12), (30, 15), (30, 16), (30, 17))
]
bounds = st.none() | st.sampled_from(TIMES)


def rows():
    frame = observations({(s, t.isoformat()): 1 for s in ("a", "b") for t in TIMES})
    return frame.assign(medium=["water" if s == "b" else "air" for s in frame["station_id"]])


@given(start=bounds, end=bounds, medium=st.sampled_from([None, "air", ("air", "water"), ()]), b=st.booleans())
def test_rows_and_partitions_agree_with_the_words(start, end, medium, b):
    frame, scope = rows(), Scope(start, end, medium, {"station_id": ["b"]} if b else None)
    media = (medium,) if isinstance(medium, str) else medium
    wanted = [
        (start is None or r.time >= start)
        and (end is None or r.time < end)
        and (media is None or r.medium in media)
        and (not b or r.station_id == "b")
        for r in frame.itertuples()
    ]
    table = from_frame(SPEC, frame)
    assert scope.mask(SPEC, table).tolist() == wanted
    parts = split(SPEC, table)
    reached = scope.partitions(SPEC, parts)
    for partition, positions in parts.items():
        assert partition in reached or not any(wanted[p] for p in positions)


def test_months_that_cannot_hold_rows_are_not_reached():
    scope = Scope(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 20, tzinfo=UTC), medium="air")
    assert scope.partitions(SPEC, split(SPEC, from_frame(SPEC, rows()))) == [(("medium", "air"), ("month", "2026-08"))]


def test_a_table_without_partitions_is_always_reached():
    spec = TABLES["gep_inputs"]
    assert Scope(start=TIMES[0], medium="air").partitions(spec, [()]) == [()]
    assert Scope(start=TIMES[0], medium="air").rows(spec) is None
