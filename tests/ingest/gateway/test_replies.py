"""Who is answered what."""

import pytest

from ingest.gateway.replies import Head, answer, head_of
from sample_feeds.hj212_frames import frame
from tests.ingest.gateway.given import MN, QN, answered, packet


def test_the_answer_of_the_standard():
    """HJ 212-2017 C.: an answer has ST 91, CN 9014, the QN of what it answers, Flag 4 and an empty CP."""
    assert answer(head_of(packet())) == answered()
    said = answer(head_of(packet())).decode()
    assert said.startswith(f"##0087QN={QN};ST=91;CN=9014;PW=123456;MN={MN};Flag=4;CP=&&&&")


@pytest.mark.parametrize(
    ("flag", "version"),
    [(1, 0), (5, 4), (7, 4), (9, 8), (11, 8), (13, 12)],
    ids=["2005", "2017", "split", "2025", "both", "new"],
)
def test_the_version_is_the_senders_and_parts_are_answered_each(flag, version):
    assert f"Flag={version};" in answer(head_of(packet(flag=flag))).decode()


@pytest.mark.parametrize("flag", [0, 4, 6, 8, 10])
def test_without_bit_a_nobody_is_answered(flag):
    assert answer(head_of(packet(flag=flag))) == b""


@pytest.mark.parametrize(
    ("cn", "said"),
    [(2011, "9014"), (2051, "9014"), (2031, "9014"), (3020, "9014"), (1013, "9013"), (9015, "9013"), (2062, "9014")],
)
def test_data_notices_and_heartbeats(cn, said):
    assert f"CN={said};" in answer(head_of(packet(cn=cn))).decode()


@pytest.mark.parametrize("cn", [9011, 9012, 9013, 9014, 1012, 4711])
def test_answers_are_never_answered(cn):
    assert answer(head_of(packet(cn=cn))) == b""


@pytest.mark.parametrize("qn", ["", "2026", "2026082010030000x", "202608201003000001"])
def test_what_has_no_number_to_repeat_is_not_answered(qn):
    assert answer(head_of(packet(qn))) == b""


def test_heads_as_loggers_write_them():
    told = frame(b"qn = 20260820100300000,St=22 ;CN=2061;pw=;MN= A1 ;FLAG=5;CP=&&MN=2;Flag=N&&")
    assert head_of(told) == Head("20260820100300000", "22", "2061", "", "A1", "5")
    assert head_of(b"##") == Head()
    assert answer(Head(QN, "22", "2061", "1", "A1", "999999")) == b""
