from contextlib import suppress
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.times import LOCAL
from ingest.moments import instant

AT = datetime(2026, 8, 24, 7, 3, 7, tzinfo=UTC)  # 15:03:07 in Lishui
MINUTE = AT.replace(second=0)
MIDNIGHT = datetime(2026, 8, 23, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-08-24 15:03:07", AT),
        ("2026/8/24 15:03", MINUTE),
        ("2026年8月24日 下午3时03分", MINUTE),
        ("2026-08-24 下午03:03:07", AT),
        ("2026-08-24 03:03:07 PM", AT),
        ("2026-08-24 下午15:03", MINUTE),
        ("2026-08-24T15:03:07+08:00", AT),
        ("2026-08-24T07:03:07Z", AT),
        ("20260824150307", AT),
        ("1787554987000", AT),
        (1787554987000, AT),
        (1787554987, AT),
        (datetime(2026, 8, 24, 15, 3, 7), AT),  # noqa: DTZ001 - as spreadsheets give it
        (date(2026, 8, 24), MIDNIGHT),
        ("2026-8-24", MIDNIGHT),
        ("20260824", MIDNIGHT),
        (46258, MIDNIGHT),  # serial date of a spreadsheet
        ("2026-08-24 上午12:00:00", MIDNIGHT),
        ("2026-08-24 下午12:00:00", datetime(2026, 8, 24, 4, tzinfo=UTC)),
    ],
)
def test_ways_to_write_a_time(written, expected):
    assert instant(written, LOCAL) == expected


@pytest.mark.parametrize(
    "written",
    ["", "gestern", "24/08/2026", "2026-02-30 10:00", "2026-08-24 25:00", "1899-01-01", "2999-01-01", 1e300,
     float("nan"), True, None, [], "9" * 5000, "0000-00-00 00:00:00"],
)  # fmt: skip
def test_what_is_no_time(written):
    with pytest.raises(ValueError, match=r"time|1980|range|month|day|hour"):
        instant(written, LOCAL)


def test_a_time_without_zone_is_of_the_feeds_zone():
    assert instant("2026-08-24 15:03:07", ZoneInfo("UTC")) == datetime(2026, 8, 24, 15, 3, 7, tzinfo=UTC)


@given(st.integers(631152000, 4102444800))
def test_every_wall_clock_reads_back(seconds):
    whole = datetime.fromtimestamp(seconds, tz=UTC)
    assert instant(f"{whole:%Y-%m-%d %H:%M:%S}", ZoneInfo("UTC")) == whole
    half = f"{whole:%Y-%m-%d} {'上午' if whole.hour < 12 else '下午'}{(whole.hour - 1) % 12 + 1:02d}:{whole:%M:%S}"
    assert instant(half, ZoneInfo("UTC")) == whole


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.none(), st.booleans()))
def test_anything_is_a_time_or_a_value_error(value):
    with suppress(ValueError):
        assert instant(value, LOCAL).tzinfo is not None
