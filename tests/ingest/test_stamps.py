import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given as example_of
from hypothesis import strategies as st

from ingest.layouts import Time
from ingest.sheets import Sheet
from ingest.stamps import starts, written


def sheet(**columns):
    arrays = {name: pa.array(cells) for name, cells in columns.items()}
    return Sheet(arrays, np.arange(2, 2 + len(next(iter(arrays.values())))))


PARTS = {"year": "y", "month": "m", "day": "d", "hour": "h"}


def test_the_label_at_the_end_of_an_hour_is_its_start_in_utc():
    rows = sheet(y=[2013.0], m=[3.0], d=[1.0], h=[0.0])
    spec = Time(parts=PARTS, stamp="end", period="PT1H")
    assert starts(rows, spec).astype(str).tolist() == ["2013-02-28T15:00:00.000000"]
    assert starts(rows, Time(parts=PARTS)).astype(str).tolist() == ["2013-02-28T16:00:00.000000"]


def test_hour_24_is_midnight():
    rows = sheet(y=[2013.0, 2013.0], m=[2.0, 3.0], d=[28.0, 1.0], h=[24.0, 0.0])
    first, second = starts(rows, Time(parts=PARTS))
    assert first == second


@pytest.mark.parametrize(
    ("y", "m", "d", "h"),
    [(2013, 2, 29, 0), (2013, 13, 1, 0), (2013, 0, 1, 0), (2013, 1, 1, 25), (2013, 1, 1.5, 0), (13, 1, 1, 0),
     (np.nan, 1, 1, 0), (2013, 1, 1, -1), (1e300, 1, 1, 0)],
)  # fmt: skip
def test_what_is_no_time(y, m, d, h):
    rows = sheet(y=[float(y)], m=[float(m)], d=[float(d)], h=[float(h)])
    assert np.isnat(starts(rows, Time(parts=PARTS))).all()


@pytest.mark.parametrize(
    ("text", "good"), [("2021 04-01 04:00", True), ("2021 *", False), ("2021 02-30 00:00", False), ("", False)]
)
def test_text_is_read_by_its_format_or_is_no_time(text, good):
    found = starts(sheet(t=[text]), Time(text=("t",), format="%Y %m-%d %H:%M"))
    assert np.isnat(found[0]) != good
    assert not good or str(found[0]) == "2021-03-31T20:00:00.000000"


def test_columns_of_text_are_joined_and_zones_in_the_text_win():
    spec = Time(text=("day", "hour"), format="%Y%m%d %H")
    assert str(starts(sheet(day=["20200326"], hour=["18"]), spec)[0]) == "2020-03-26T10:00:00.000000"
    zoned = Time(text=("t",), format="%Y-%m-%dT%H:%M:%S%z")
    assert str(starts(sheet(t=["2020-03-26T18:00:00+00:00"]), zoned)[0]) == "2020-03-26T18:00:00.000000"


def test_numbers_in_text_cells_are_parts_too():
    rows = sheet(y=["2013", "x"], m=["3", "3"], d=["1", "1"], h=["0", "0"])
    found = starts(rows, Time(parts=PARTS))
    assert np.isnat(found).tolist() == [False, True]
    assert written(rows, Time(parts=PARTS), 1) == "x 3 1 0"


def test_one_time_for_all_rows():
    spec = Time.model_validate({"fixed": "2018-08-01T00:00:00+08:00", "period": "P1D"})
    assert starts(sheet(a=[1.0, 2.0]), spec).astype(str).tolist() == ["2018-07-31T16:00:00.000000"] * 2


def test_an_hour_that_summer_time_repeats_is_no_time():
    spec = Time(text=("t",), format="%Y-%m-%d %H:%M", zone="Europe/Berlin")
    found = starts(sheet(t=["2020-10-25 02:30", "2020-03-29 02:30", "2020-06-01 12:00"]), spec)
    assert np.isnat(found).tolist() == [True, True, False]


@example_of(st.integers(1992, 2199), st.integers(1, 12), st.integers(1, 28), st.integers(0, 23))
def test_parts_and_text_say_the_same(year, month, day, hour):
    parts = sheet(y=[float(year)], m=[float(month)], d=[float(day)], h=[float(hour)])
    text = sheet(t=[f"{year} {month:02d} {day:02d} {hour:02d}"])
    assert starts(parts, Time(parts=PARTS)) == starts(text, Time(text=("t",), format="%Y %m %d %H"))
