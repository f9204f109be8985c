"""Frames as loggers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_feeds.hj212_frames import Head, Part, crc, frame, segment, split

HEAD = Head("22", "123456", "3311020000000000000000FF", "2017", acknowledge=True, with_qn=True)
# HJ 212-2017 appendix A and HJ 212-2025 appendix A.1, as printed
EXAMPLE_2017 = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
EXAMPLE_2025 = b"QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&"


@pytest.mark.parametrize(("data", "value"), [(EXAMPLE_2017, 0x1C80), (EXAMPLE_2025, 0x2200), (b"", 0xFFFF)])
def test_check_values_printed_in_the_standards(data, value):
    assert crc(data) == value


def test_it_is_not_modbus():
    assert crc(b"123456789") != 0x4B37


def test_a_whole_frame():
    assert frame(EXAMPLE_2017) == b"##0101" + EXAMPLE_2017 + b"1C80\r\n"
    assert frame(EXAMPLE_2017, lower=True).endswith(b"1c80\r\n")
    assert frame(EXAMPLE_2017, length=9).startswith(b"##0009QN=")


@pytest.mark.parametrize(
    ("edition", "acknowledge", "part", "resent", "told"),
    [
        ("2005", False, None, True, b";CP="),
        ("2017", False, None, False, b"Flag=4;CP="),
        ("2017", True, None, True, b"Flag=5;CP="),
        ("2017", False, Part(1, 2), False, b"Flag=6;PNUM=2;PNO=1;CP="),
        ("2017", True, Part(2, 2), False, b"Flag=7;PNUM=2;PNO=2;CP="),
        ("2025", False, None, False, b"Flag=8;CP="),
        ("2025", True, None, True, b"Flag=9;RF=1;CP="),
        ("2025", True, Part(1, 3), False, b"Flag=11;PNUM=3;PNO=1;CP="),
    ],
)
def test_flag_tells_edition_split_and_acknowledgement(edition, acknowledge, part, resent, told):
    head = Head("22", "123456", "X", edition, acknowledge, with_qn=True)
    data = segment(head, "2061", "20260818080000001", "DataTime=20260818070000", part=part, resent=resent)
    assert told in data
    assert (b"Flag" in data) == (edition != "2005")
    assert (b"RF=" in data) == (edition == "2025" and resent)


def test_a_logger_without_qn():
    head = Head("23", "123456", "X", "2005", acknowledge=False, with_qn=False)
    assert segment(head, "2061", "1", "a").startswith(b"ST=23;CN=2061")


@given(st.lists(st.text("abcdefg=-,.0123456789", min_size=1, max_size=60), min_size=1, max_size=30))
def test_split_loses_nothing_and_repeats_the_time(items):
    parts = list(split("20260818070000", items, 120))
    assert all(p.startswith("DataTime=20260818070000;") for p in parts)
    assert all(len(p) <= 120 for p in parts)
    assert [i for p in parts for i in p.split(";")[1:]] == items


def test_an_item_longer_than_the_limit_still_goes_out():
    assert list(split("20260818070000", ["x" * 90, "y"], 60)) == [
        "DataTime=20260818070000;" + "x" * 90,
        "DataTime=20260818070000;y",
    ]


def test_nothing_to_say():
    assert list(split("20260818070000", [], 60)) == ["DataTime=20260818070000"]
