"""Fields, numbers and times out of data segments, against a plain Python twin and the standard library."""

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoders.hj212 import fields as f
from ingest.decoders.hj212.fields import MALFORMED, TWICE, Fields, dissect, intern
from ingest.decoders.hj212.texts import ABSENT, BAD, EMPTY, NUMBER, UNREADABLE, moments, numbers
from tests.ingest import hj212_twin as twin

HEAD = "QN=20160801085857223;ST=32;CN=2061;PW=123456;MN=M1;Flag=5;"


def taken(segment: str) -> Fields:
    data = np.frombuffer(segment.encode("latin-1"), dtype=np.uint8)
    return dissect(data, np.array([0]), np.array([len(data)]))


def factors(segment: str) -> dict[tuple[str, int], tuple[float | str | None, str]] | None:
    """What the kernels make of a segment, in the form of the twin."""
    content = taken(segment)
    if content.heads[0, f.WRONG]:
        return None
    data = np.frombuffer(segment.encode("latin-1"), dtype=np.uint8)
    texts = [segment[a:b] for a, b in content.texts] + [""]
    states, values = numbers(data, content.rows[:, f.VALUE], content.rows[:, f.VALUE_END])
    out: dict[tuple[str, int], tuple[float | str | None, str]] = {}
    for row, state, value in zip(content.rows, states, values, strict=True):
        text = segment[row[f.VALUE] : row[f.VALUE_END]]
        said = {NUMBER: float(value), EMPTY: None, UNREADABLE: text}[int(state)]
        out[texts[row[f.CODE]], int(row[f.SLOT])] = (said, texts[row[f.MARK]])
    return out


def test_factors_of_hour_data() -> None:
    assert factors(
        HEAD + "CP=&&DataTime=20160801080000;w01018-Cou=63.0,w01018-Min=1,w01018-Avg=40.1,w01018-Flag=N&&"
    ) == {("w01018", 0): (40.1, "N")}


def test_head_is_read_whatever_its_separators_spaces_and_case() -> None:
    segment = "qn = 20180306120000001,ST=32;cn=2011 ;PW=123456;,mn=88888881234567;FLAG=7CP=&&&&"
    head = taken(segment).heads[0]
    content = taken(segment)
    texts = [segment[a:b] for a, b in content.texts]
    assert (texts[head[f.MN]], texts[head[f.ST]], head[f.COMMAND], head[f.FLAG]) == ("88888881234567", "32", 2011, 7)
    assert segment[head[f.QN] : head[f.QN_END]] == "20180306120000001"


def test_real_time_packets_carry_rtd_and_the_others_avg() -> None:
    items = "CP=&&a-Rtd=1,a-Avg=2,b-Data=3;c-Min=4&&"
    assert factors(HEAD.replace("2061", "2011") + items) == {("a", 0): (1.0, ""), ("b", 0): (3.0, "")}
    assert factors(HEAD + items) == {("a", 0): (2.0, ""), ("b", 0): (3.0, "")}
    assert factors(HEAD.replace("2061", "3020") + items) == {}


def test_mark_and_value_belong_together_wherever_they_stand() -> None:
    assert factors(HEAD + "CP=&&a-Flag=D;b-Avg=2;a-Avg=1;b-Flag=N;c-Flag=B;d-Avg=&&") == {
        ("a", 0): (1.0, "D"),
        ("b", 0): (2.0, "N"),
        ("c", 0): (None, "B"),
        ("d", 0): (None, ""),
    }


def test_day_and_night_values_are_rows_of_their_own() -> None:
    assert factors(HEAD + "CP=&&Ld-DayData=52.5,Ld-Flag=N;Leq-DayData=1,Leq-NightData=2,Leq-Avg=3&&") == {
        ("Ld", 1): (52.5, "N"),
        ("Leq", 1): (1.0, ""),
        ("Leq", 2): (2.0, ""),
        ("Leq", 0): (3.0, ""),
    }


def test_of_an_item_sent_twice_the_last_counts_and_the_first_is_an_issue() -> None:
    segment = HEAD + "CP=&&DataTime=1;a-Avg=1;a-Avg=2;a-Data=9;a-Flag=N,a-Flag=D;DataTime=2&&"
    issues = taken(segment).issues
    assert factors(segment) == {("a", 0): (2.0, "D")}
    assert issues[:, 1].tolist() == [TWICE] * 3
    assert [segment[at:end] for _, _, at, end in issues] == ["a-Avg=1", "a-Flag=N", "DataTime=1"]


def test_items_without_equals_or_code_are_issues_and_empty_ones_are_none() -> None:
    segment = HEAD + "CP=&&;; ,noise;-Avg=3;a-Avg=1;&&"
    issues = taken(segment).issues
    assert factors(segment) == {("a", 0): (1.0, "")}
    assert issues[:, 1].tolist() == [MALFORMED] * 2
    assert [segment[at:end] for _, _, at, end in issues] == ["noise", "-Avg=3"]


@pytest.mark.parametrize("segment", ["", "CP=&&", "CP=&&&", "QN=1;CN=2011", "CN=2011;CP=a-Rtd=1&&", "CP=&&a-Rtd=1;&"])
def test_segment_without_content_is_wrong(segment: str) -> None:
    assert taken(segment).heads[0, f.WRONG] == 1
    assert twin.factors(segment.encode()) is None


WORDS = ["a", "a34004", "A", " b", "code-longer-than-eight", "code-longer-than-nine", "Avg", "Rtd", "Flag", "Data"]
WORDS += ["DayData", "NightData", "=", "-", ";", ",", " ", "1.5", "-2", "N", "\xff", "DataTime=20160801080000;"]
ITEMS = st.builds(
    "{}-{}={}{}".format,
    st.sampled_from(["a", "b", " w01018 ", "code-longer-than-eight", "code-longer-than-nine", "\xe4\xb8\xad"]),
    st.sampled_from(["Avg", "avg", "Rtd", "Flag", "Data", "DayData", "NightData", "Max", ""]),
    st.sampled_from(["1", " 2.50 ", "", "N", "D", "nan", "1e3", "1e999", "0x1", "1_0", "123456789.123456789", "=1"]),
    st.sampled_from([";", ",", " ; "]),
)


@given(
    st.sampled_from(["2011", "2061", "2031", "2051x", "9014", ""]),
    st.lists(st.one_of(ITEMS, st.sampled_from(WORDS)), max_size=12).map("".join),
)
def test_factors_are_those_of_the_plain_twin(command: str, content: str) -> None:
    segment = f"ST=22;CN={command};MN=1;CP=&&{content}&&"
    assert factors(segment) == twin.factors(segment.encode("latin-1"))


@given(st.lists(st.binary(max_size=20), max_size=30))
def test_equal_texts_and_only_those_have_equal_ids(words: list[bytes]) -> None:
    ends = np.cumsum([len(word) for word in words], dtype=np.int64)
    data = b"".join(words)
    first = ends - np.array([len(word) for word in words], dtype=np.int64)
    ids, texts = intern(np.frombuffer(data, dtype=np.uint8), first, ends)
    said = [data[a:b] for a, b in texts] + [b""]
    assert [said[i] for i in ids] == words
    assert len(texts) == len(set(words) - {b""})


@given(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.decimals(-(10**9), 10**9, places=6).map(str),
        st.from_regex(r"[+-]?[0-9]{0,22}\.?[0-9]{0,22}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
        st.text("0123456789.+-eEnaif_x ", max_size=8),
    )
)
def test_numbers_are_the_nearest_doubles(text: str) -> None:
    states, values = numbers(np.frombuffer(text.encode(), dtype=np.uint8), np.array([0]), np.array([len(text)]))
    if text == "":
        assert states[0] == EMPTY
    elif twin.NUMBER.fullmatch(text) and math.isfinite(float(text)):
        assert (states[0], values[0]) == (NUMBER, float(text))
        assert math.copysign(1, values[0]) == math.copysign(1, float(text))
    else:
        assert states[0] == UNREADABLE
        assert math.isnan(values[0])


SHANGHAI = timezone(timedelta(hours=8))


def moment(text: str, size: int) -> int:
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    return int(moments(data, np.array([0]), np.array([len(data)]), size)[0])


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001
def test_times_are_those_of_shanghai(local: datetime) -> None:
    at = local.replace(tzinfo=SHANGHAI, microsecond=local.microsecond // 1000 * 1000)
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert moment(at.strftime("%Y%m%d%H%M%S") + f"{at.microsecond // 1000:03d}", 17) == milliseconds
    assert moment(at.strftime("%Y%m%d%H%M%S"), 14) == milliseconds // 1000 * 1000


@given(st.one_of(st.text("0123456789", min_size=14, max_size=14), st.text(max_size=15)))
def test_what_is_no_time_is_bad(text: str) -> None:
    try:
        datetime.strptime(text + "+0800", "%Y%m%d%H%M%S%z")
        fine = len(text) == 14 and text.isascii() and text.isdigit() and "2000" <= text[:4] < "2100"
        fine = fine and text[12:] < "60"
    except ValueError:
        fine = False
    assert (moment(text, 14) >= 0) == fine
    assert fine or moment(text, 14) == (BAD if text else ABSENT)
