"""Days and months are those of Shanghai; the days of a commit survive as text."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from domain.records import TABLES
from domain.times import LOCAL
from store.days import day_numbers, days_of, from_text, month_numbers, to_text
from store.rows import from_frame
from tests.store.conftest import observations

moments = st.integers(788_918_400, 4_102_444_800).map(lambda s: datetime.fromtimestamp(s, UTC))  # 1995 to 2100
pairs = st.frozensets(st.tuples(st.sampled_from(["air", "water", ""]), st.dates(date(2026, 1, 1), date(2026, 3, 1))))


@given(st.lists(moments, max_size=20))
def test_days_and_months_are_those_of_shanghai(times):
    column = pa.chunked_array([pa.array(times, pa.timestamp("us", tz="UTC"))])
    local = [t.astimezone(LOCAL) for t in times]
    assert day_numbers(column).tolist() == [(t.date() - date(1970, 1, 1)).days for t in local]
    assert month_numbers(column).tolist() == [t.year * 12 + t.month - 1 - 1970 * 12 for t in local]


@given(pairs)
def test_days_survive_as_text(days):
    assert frozenset(from_text(to_text(days))) == days if days else to_text(days) == ""


def test_runs_of_days_are_written_once():
    days = {("air", date(2026, 8, d)) for d in (18, 19, 20, 25)}
    assert to_text(days) == "air=2026-08-18/2026-08-20,2026-08-25/2026-08-25"


def test_days_of_rows_go_by_medium():
    spec = TABLES["observations"]
    frame = observations({("a", "2026-08-20T15:59Z"): 1, ("b", "2026-08-20T16:00Z"): 1})
    frame = pd.concat([frame, frame.iloc[:1].assign(medium="water")])
    rows = from_frame(spec, frame)
    assert days_of(spec, rows) == {
        ("air", date(2026, 8, 20)),
        ("air", date(2026, 8, 21)),
        ("water", date(2026, 8, 20)),
    }
    assert days_of(spec, rows.filter(pa.array(np.zeros(3, bool)))) == frozenset()


def test_tables_without_time_have_no_days():
    spec = TABLES["gep_inputs"]
    assert days_of(spec, from_frame(spec, spec.frame())) == frozenset()
