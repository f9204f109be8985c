"""HJ 212 captures to observations: what becomes of values, codes, units, marks, times and receive times."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.records import TABLES, Reason
from ingest.decoded import Context, Decoded
from ingest.decoders.hj212 import decode
from ingest.decoders.hj212.crc import modbus
from sample_feeds.hj212_frames import Head, Part, frame, segment
from tests.ingest.hj212_support import (
    AIR,
    AT,
    HOUR,
    NOISE,
    OUTLET,
    STACK,
    WATER,
    WELL,
    context,
    packet,
    registry,
)

KEY = list(TABLES["observations"].key)


def values(decoded: Decoded) -> dict[str, float]:
    assert decoded.rejections == ()
    return dict(zip(decoded.observations["parameter"], decoded.observations["value"], strict=True))


def reasons(decoded: Decoded) -> dict[str, int]:
    return dict(Counter(rejection.reason for rejection in decoded.rejections))


def test_hour_data_of_an_air_station() -> None:
    decoded = decode(packet("a34004-Avg=31.5,a34004-Flag=N;a21005-Avg=0.6,a21005-Flag=M"), context())
    assert decoded.n_records == 1
    assert decoded.rejections == ()
    pd.testing.assert_frame_equal(
        decoded.observations,
        TABLES["observations"].frame(
            [
                {
                    "medium": "air",
                    "station_id": "air",
                    "parameter": parameter,
                    "time": datetime(2026, 8, 20, 1, tzinfo=UTC),
                    "period": "PT1H",
                    "value": value,
                    "unit": unit,
                    "flag": flag,
                    "source_flag": mark,
                    "feed": "ground",
                    "received_at": datetime(2026, 8, 20, 2, 3, tzinfo=UTC),
                }
                for parameter, value, unit, flag, mark in [
                    ("PM2.5", 31.5, "ug/m3", 2, "N"),
                    ("CO", 0.6, "mg/m3", 4, "M"),
                ]
            ]
        ),
    )


@pytest.mark.parametrize(
    ("cn", "field", "mn", "st", "time", "period"),
    [
        (2011, "Rtd", OUTLET, "32", "20260820100230", "PT0S"),
        (2051, "Avg", OUTLET, "32", "20260820095000", "PT10M"),
        (2061, "Avg", OUTLET, "32", "20260820090000", "PT1H"),
        (2061, "Avg", WATER, "21", "20260820040000", "PT4H"),
        (2031, "Avg", OUTLET, "32", "20260819000000", "P1D"),
    ],
)
def test_command_and_cadence_decide_the_period(cn: int, field: str, mn: str, st: str, time: str, period: str) -> None:
    observations = decode(packet(f"w01018-{field}=12", mn=mn, st=st, cn=cn, time=time), context()).observations
    assert observations["period"].tolist() == [period]
    local = observations["time"].dt.tz_convert("Asia/Shanghai").dt.strftime("%Y%m%d%H%M%S")
    assert local.tolist() == [time]


@pytest.mark.parametrize(
    ("mn", "st", "item", "parameter", "value"),
    [
        (AIR, "22", "a21026-Avg=6", "SO2", 6),
        (STACK, "31", "a21026-Avg=6", "stack_SO2", 6),
        (AIR, "22", "PM25-Avg=0.0315", "PM2.5", 31.5),  # a channel of the registry: its own name and unit
        (AIR, "22", "a01006-Avg=1004.5", "pressure", 1004.5),  # hPa at this station, kPa in the code table
        (WATER, "21", "w20111-Avg=0.05", "Hg", 0.00005),  # ug/L in the code table
        (WATER, "21", "w01018-Avg=12.3", "COD", 12.3),
        (OUTLET, "32", "w01018-Avg=12.3", "COD", 12.3),
        (OUTLET, "32", "011-Avg=12.3", "COD", 12.3),  # a code of 2005, from a device of that edition
        (OUTLET, "32", "B01-Avg=36.91", "flow", 36.91),
        (WELL, "24", "w21003-Avg=0.1", "NH3N", 0.1),
        (AIR, "22", "A34004-Avg=7", "PM2.5", 7),  # case does not matter
    ],
)
def test_station_type_and_registry_decide_what_a_code_means(
    mn: str, st: str, item: str, parameter: str, value: float
) -> None:
    assert values(decode(packet(item, mn=mn, st=st), context())) == {parameter: value}


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ("Leq-Data=50.0;L10-Data=53.0;LMx-Data=54.0", {"LAeq": 50, "LA10": 53, "LAmax": 54}),
        ("Leq-Avg=50.0", {"LAeq": 50}),
        ("Ld-DayData=52.5;Ln-NightData=42.5;Ldn-Data=51", {"Ld": 52.5, "Ln": 42.5, "Ldn": 51}),
        ("Leq-DayData=52.5,Leq-NightData=42.5,Leq-Data=50", {"Ld": 52.5, "Ln": 42.5, "LAeq": 50}),
    ],
)
def test_noise_comes_as_data(items: str, found: dict[str, float]) -> None:
    assert values(decode(packet(items, mn=NOISE, st="23"), context())) == found


@pytest.mark.parametrize(
    ("st", "mn", "item", "flag", "mark"),
    [
        ("32", OUTLET, "w01018-Avg=1,w01018-Flag=N", 2, "N"),
        ("32", OUTLET, "w01018-Avg=1", 2, ""),
        ("32", OUTLET, "w01018-Avg=1,w01018-Flag=", 2, ""),
        ("32", OUTLET, "w01018-Avg=1,w01018-Flag=S", 2, "S"),
        *[("32", OUTLET, f"w01018-Avg=1,w01018-Flag={mark}", 4, mark) for mark in "FMDCTBPHXd1?"],
        ("32", OUTLET, "w01018-Avg=,w01018-Flag=N", 9, "N"),
        ("32", OUTLET, "w01018-Flag=B", 9, "B"),
        ("22", AIR, "a34004-Avg=1,a34004-Flag=3", 2, "3"),  # marks of air stations of 2005
        ("22", AIR, "a34004-Avg=1,a34004-Flag=2", 4, "2"),
    ],
)
def test_flag_at_the_door(st: str, mn: str, item: str, flag: int, mark: str) -> None:
    observations = decode(packet(item, mn=mn, st=st), context()).observations
    assert observations[["flag", "source_flag"]].to_numpy().tolist() == [[flag, mark]]
    assert observations["value"].isna().tolist() == [flag == 9]


@pytest.mark.parametrize("text", ["abc", "nan", "inf", "-inf", "1e999", "0x10", "1_0", "3.4.1", "１", "--1", "1 2"])
def test_value_that_is_no_number_is_rejected_and_the_others_are_kept(text: str) -> None:
    payload = packet(f"a34004-Avg={text},a34004-Flag=N;a34002-Avg=5")
    decoded = decode(payload, context())
    assert reasons(decoded) == {Reason.BAD_VALUE: 1}
    assert decoded.observations["parameter"].tolist() == ["PM10"]
    bad = decoded.rejections[0]
    assert payload[bad.offset : bad.offset + bad.length].decode() == f"a34004-Avg={text}"
    assert "10.hj212" in bad.detail
    assert bad.raw_ref == "raw/ab/abcd.hj212"


def test_unknown_code_is_counted_once_for_a_payload() -> None:
    payload = packet("x99999-Avg=1;a34004-Avg=3;x99999-Flag=N") + packet("x99999-Avg=2", time="20260820080000")
    decoded = decode(payload, context())
    assert reasons(decoded) == {Reason.UNKNOWN_CODE: 1}
    assert "code x99999 (ST=22)" in decoded.rejections[0].detail
    assert "(2 values left out)" in decoded.rejections[0].detail
    assert len(decoded.observations) == 1


def test_old_code_of_a_newer_device_is_unknown_and_the_message_says_how_to_take_it() -> None:
    decoded = decode(packet("03-Avg=1", mn=STACK, st="31"), context())
    assert reasons(decoded) == {Reason.UNKNOWN_CODE: 1}
    assert "set it in stations.csv" in decoded.rejections[0].detail


@pytest.mark.parametrize(("flag", "taken"), [("", 1), (";Flag=3", 1), (";Flag=4", 0), (";Flag=9", 0)])
def test_edition_is_the_registry_s_and_else_that_of_flag(flag: str, taken: int) -> None:
    # the outlet is registered as of 2005, the well's edition is not registered
    assert len(decode(packet("060-Avg=1", mn=OUTLET, st="32", flag=flag), context()).observations) == 1
    assert len(decode(packet("060-Avg=1", mn=WELL, st="24", flag=flag), context()).observations) == taken


def test_code_of_another_station_type_is_refused() -> None:
    decoded = decode(packet("a34004-Avg=1", mn=WATER, st="22"), context())
    assert reasons(decoded) == {Reason.UNKNOWN_CODE: 1}
    assert "which water of medium water does not measure" in decoded.rejections[0].detail


def test_unit_that_cannot_be_converted_names_the_line_to_correct() -> None:
    decoded = decode(packet("a05024-Avg=31;a05024-Flag=N"), context())
    assert reasons(decoded) == {Reason.WRONG_UNIT: 1}
    assert "'ppb', which cannot become 'ug/m3'; correct channels.csv:4" in decoded.rejections[0].detail


def test_unknown_station_says_which_line_to_add() -> None:
    decoded = decode(packet("a34004-Avg=1", mn="A110000_0001") + packet("a34004-Avg=2"), context())
    assert reasons(decoded) == {Reason.UNKNOWN_STATION: 1}
    assert "no station has MN=A110000_0001; add a row" in decoded.rejections[0].detail
    assert (decoded.n_records, len(decoded.observations)) == (2, 1)


@pytest.mark.parametrize(
    ("time", "cn", "reason"),
    [
        ("20160824003817000", 2011, Reason.BAD_TIME),  # 17 digits, as a much quoted packet has it
        ("20260230000000", 2061, Reason.BAD_TIME),
        ("", 2061, Reason.MISSING_FIELD),
        ("19990101000000", 2061, Reason.BAD_TIME),
        ("20260820100801", 2011, Reason.FUTURE_TIME),
        ("20260820100800", 2011, ""),
        ("20260821120000", 2061, Reason.FUTURE_TIME),
        ("20250818100000", 2061, Reason.BAD_TIME),  # more than 366 days
        ("20250819110000", 2061, ""),
        ("20260820093000", 2061, Reason.BAD_TIME),  # no hour begins there
        ("20260819080000", 2031, Reason.BAD_TIME),  # no day begins there
        ("20260820093030", 2051, Reason.BAD_TIME),
    ],
)
def test_times(time: str, cn: int, reason: str) -> None:
    item = "a34004-Rtd=1" if cn == 2011 else "a34004-Avg=1"
    decoded = decode(packet(item, cn=cn, time=time), context())
    assert reasons(decoded) == ({reason: 1} if reason else {})
    assert len(decoded.observations) == (0 if reason else 1)


@pytest.mark.parametrize(
    ("qn", "received"),
    [
        ("20260820100300123", AT + timedelta(minutes=3, milliseconds=123)),
        ("20260820090000000", AT - HOUR),
        ("20260820115959999", AT + 2 * HOUR - timedelta(milliseconds=1)),
        ("20260820085959999", AT),  # more than an hour away: the clock is wrong, the window is not
        ("20260821123000000", AT),
        ("nonsense", AT),
        (None, AT),
    ],
)
def test_receive_time_is_qn_when_it_can_be_believed(qn: str | None, received: datetime) -> None:
    observations = decode(packet("a34004-Avg=1", qn=qn, time="20260820060000"), context()).observations
    assert observations["received_at"].tolist() == [pd.Timestamp(received)]


def test_without_qn_a_value_of_the_window_is_not_of_the_future() -> None:
    early, late = "20260820105900", "20260820110501"
    taken = decode(packet("w01018-Rtd=1", mn=OUTLET, st="32", cn=2011, qn=None, flag="", time=early), context())
    assert len(taken.observations) == 1
    refused = decode(packet("w01018-Rtd=1", mn=OUTLET, st="32", cn=2011, qn=None, flag="", time=late), context())
    assert reasons(refused) == {Reason.FUTURE_TIME: 1}


def test_clock_26_hours_ahead_is_of_the_future() -> None:
    decoded = decode(packet("a34004-Avg=1", qn="20260821120300000", time="20260821110000"), context())
    assert reasons(decoded) == {Reason.FUTURE_TIME: 1}
    assert "set the clock of the device" in decoded.rejections[0].detail


def test_tolerances_are_options() -> None:
    ahead = packet("a34004-Rtd=1", cn=2011, time="20260820103000")
    assert len(decode(ahead, context(future_minutes=30)).observations) == 1
    old = packet("a34004-Avg=1", time="20160820100000")
    assert len(decode(old, context(max_age_days=4000)).observations) == 1
    with pytest.raises(ValidationError):
        decode(old, context(max_age=4000))


def test_commands_without_values_are_records_and_nothing_else() -> None:
    contents = [
        "ST=91;CN=9014;PW=123456;MN=X;Flag=4;CP=&&&&",
        "ST=22;CN=9015;PW=123456;MN=X;Flag=9;CP=&&&&",
        "ST=32;CN=3020;PW=1;MN=X;Flag=5;CP=&&DataTime=20100301145000;PolId=w01018;i11001-Info=//清洗管路//&&",
        "ST=32;CN=2051;PW=1;MN=X;Flag=5;CP=&&BeginTime=20160801084000,EndTime=20160801084000&&",
        "ST=32;CN=2011;PW=1;MN=X;Flag=5;CP=&&&&",
        "ST=32;CN=2021;PW=1;MN=X;Flag=5;CP=&&DataTime=20160801085857;SB1-RS=1;SB2-RS=0&&",
    ]
    decoded = decode(b"".join(frame(text.encode()) for text in contents), context())
    assert (decoded.n_records, len(decoded.observations), decoded.rejections) == (6, 0, ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ST=22;CN=2061;MN={mn};CP=DataTime=20260820090000;a34004-Avg=1&&", Reason.BAD_GRAMMAR),
        ("ST=22;MN={mn};CP=&&DataTime=20260820090000;a34004-Avg=1&&", Reason.MISSING_FIELD),
        ("ST=22;CN=2061;CP=&&DataTime=20260820090000;a34004-Avg=1&&", Reason.MISSING_FIELD),
        ("CN=2061;MN={mn};CP=&&DataTime=20260820090000;a34004-Avg=1&&", Reason.MISSING_FIELD),
        ("ST=22;CN=2061;MN={mn};CP=&&a34004-Avg=1&&", Reason.MISSING_FIELD),
    ],
)
def test_frame_that_lacks_something(text: str, reason: Reason) -> None:
    payload = frame(text.format(mn=AIR).encode())
    decoded = decode(payload, context())
    assert reasons(decoded) == {reason: 1}
    assert (decoded.rejections[0].offset, decoded.rejections[0].length) == (0, len(payload))
    assert decoded.rejections[0].detail.startswith("ground: 10.hj212: bytes 0 to ")


def test_what_senders_do_wrong_and_is_taken_all_the_same() -> None:
    content = " DataTime = 20260820090000 ; a34004-Avg = 31.5 , a34004-Flag = N ;; a34002-Avg=60;"
    head = f"qn=20260820100300000,st=22;cn=2061;PW=;,Mn={AIR};FLAG=5;cp=&&"
    decoded = decode(frame(f"{head}{content}&&".encode(), lower=True), context())
    assert values(decoded) == {"PM2.5": 31.5, "PM10": 60}


def test_item_sent_twice_is_taken_last_and_counted() -> None:
    payload = packet("a34004-Avg=1;a34004-Avg=2")
    decoded = decode(payload, context())
    assert decoded.observations["value"].tolist() == [2.0]
    assert reasons(decoded) == {Reason.BAD_GRAMMAR: 1}
    bad = decoded.rejections[0]
    assert payload[bad.offset : bad.offset + bad.length] == b"a34004-Avg=1"


@pytest.mark.parametrize("payload", [b"", b"\r\n", b" \r\n\r\n"])
def test_empty_capture_has_a_clear_message(payload: bytes) -> None:
    decoded = decode(payload, context())
    assert reasons(decoded) == {Reason.EMPTY: 1}
    assert decoded.rejections[0].detail.startswith("ground: 10.hj212: ")
    assert decoded.n_records == 0


def test_bad_frames_have_clear_messages_and_garbage_is_no_record() -> None:
    good = packet("a34004-Avg=1")
    modbus = good[:-6] + b"0000\r\n"
    payload = b"\x00\x01noise" + good + modbus + b"##0999" + good[6:] + good[:60]
    decoded = decode(payload, context())
    assert reasons(decoded) == dict.fromkeys((Reason.GARBAGE, Reason.BAD_CRC, Reason.BAD_LENGTH, Reason.TRUNCATED), 1)
    assert decoded.n_records == 4
    assert [r.offset for r in decoded.rejections] == sorted(r.offset for r in decoded.rejections)
    for rejection in decoded.rejections:
        assert 0 < rejection.length <= len(payload) - rejection.offset
        assert f"{rejection.offset} to {rejection.offset + rejection.length}" in rejection.detail


def test_sender_of_another_check_value_is_told_so() -> None:
    good = packet("a34004-Avg=1")
    wrong = good[:-6] + b"%04X\r\n" % modbus(good[6:-6])
    assert "CRC-16/Modbus" in decode(wrong, context()).rejections[0].detail


HEADS = {
    "2005": Head("32", "123456", OUTLET, "2005", acknowledge=False, with_qn=False),
    "2017": Head("22", "123456", AIR, "2017", acknowledge=True, with_qn=True),
    "2025": Head("21", "123456", WATER, "2025", acknowledge=True, with_qn=True),
}


def test_parts_of_a_split_packet_are_used_as_they_arrive() -> None:
    part = [
        frame(
            segment(HEADS["2025"], "2061", f"2026082010030000{n}", f"DataTime=20260820040000;{item}", part=Part(n, 2))
        )
        for n, item in ((1, "w21003-Avg=0.3,w21003-Flag=N"), (2, "w01018-Avg=11,w01018-Flag=N"))
    ]
    assert values(decode(part[0], context())) == {"NH3N": 0.3}
    assert values(decode(part[1] + part[0], context())) == {"NH3N": 0.3, "COD": 11}


def test_packet_sent_again_later_is_taken_like_any_other() -> None:
    text = segment(HEADS["2025"], "2061", "20260820100300000", "DataTime=20260819160000;w01018-Avg=11", resent=True)
    assert b";RF=1;CP=" in text
    assert values(decode(frame(text), context())) == {"COD": 11}


def test_of_the_same_key_the_later_receive_time_comes_last_then_the_later_position() -> None:
    first = packet("a34004-Avg=1", qn="20260820100300000")
    second = packet("a34004-Avg=2", qn="20260820100400000")
    assert decode(second + first, context()).observations["value"].tolist() == [1.0, 2.0]
    third = packet("a34004-Avg=3", qn="20260820100400000")
    assert decode(second + first + third, context()).observations["value"].tolist() == [1.0, 2.0, 3.0]


CODES = {"2005": ["011", "060", "001", "w21011"], "2017": ["a34004", "a21026", "a21005"], "2025": ["w01018", "w21003"]}
PARAMETERS = {"011": "COD", "060": "NH3N", "001": "pH", "w21011": "TP", "a34004": "PM2.5", "a21026": "SO2"}
PARAMETERS |= {"a21005": "CO", "w01018": "COD", "w21003": "NH3N"}
NUMBERS = st.decimals(-9999, 9999, places=3)


@st.composite
def sent(draw: st.DrawFn) -> tuple[str, datetime, dict[str, tuple[str, str]]]:
    """Edition, start of the hour, and code -> text of the value, mark."""
    edition = draw(st.sampled_from(sorted(HEADS)))
    back = draw(st.integers(1, 2000))
    items = draw(
        st.dictionaries(
            st.sampled_from(CODES[edition]), st.tuples(NUMBERS.map(str), st.sampled_from("NSDMB")), min_size=1
        )
    )
    return edition, AT - back * HOUR, items


def written(edition: str, time: datetime, items: dict[str, tuple[str, str]], minute: int = 3) -> bytes:
    local = (time + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")
    content = ";".join(f"{code}-Avg={value},{code}-Flag={mark}" for code, (value, mark) in items.items())
    qn = f"202608201{minute:03d}00000"[:12].ljust(17, "0")
    return frame(segment(HEADS[edition], "2061", qn, f"DataTime={local};{content}"))


@given(sent())
def test_decode_undoes_encode(message: tuple[str, datetime, dict[str, tuple[str, str]]]) -> None:
    edition, time, items = message
    decoded = decode(written(edition, time, items), context())
    assert decoded.rejections == ()
    rows = decoded.observations
    assert set(rows["station_id"]) == {{"2005": "outlet", "2017": "air", "2025": "water"}[edition]}
    assert set(rows["time"]) == {pd.Timestamp(time)}
    found = {r.parameter: (r.value, r.source_flag) for r in rows.itertuples()}
    assert found == {PARAMETERS[code]: (float(text), mark) for code, (text, mark) in items.items()}


def kept(decoded: Decoded) -> pd.DataFrame:
    """What an upsert keeps: the last row of each key."""
    return decoded.observations.drop_duplicates(KEY, keep="last").sort_values(KEY, ignore_index=True)


@settings(max_examples=50)
@given(st.lists(sent(), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_order_and_repetition_of_packets_do_not_matter(messages: list, random) -> None:
    # Each with a minute of its own in QN; a device of 2005 sends none, so its hours must differ.
    frames = [
        written(edition, time - number * 2000 * HOUR, items, number)
        for number, (edition, time, items) in enumerate(messages)
    ]
    shuffled = frames + random.sample(frames, len(frames) // 2)
    random.shuffle(shuffled)
    options = {"max_age_days": 3000}
    straight = decode(b"".join(frames), context(**options))
    pd.testing.assert_frame_equal(kept(straight), kept(decode(b"".join(shuffled), context(**options))))


def test_many_frames_are_the_sum_of_single_ones() -> None:
    frames = [
        packet(f"a34004-Avg={n},a34004-Flag=N;a01006-Avg={1000 + n}", time=f"20260819{n:02d}0000") for n in range(24)
    ]
    together = decode(b"".join(frames), context())
    apart = pd.concat([decode(one, context()).observations for one in frames], ignore_index=True)
    pd.testing.assert_frame_equal(together.observations, apart)
    assert together.n_records == 24


def test_station_without_numbers_in_the_registry_changes_nothing() -> None:
    bare: Context = context(known=registry(stations=[("soil", "soil", "", "", "")], channels=[]))
    assert reasons(decode(packet("a34004-Avg=1"), bare)) == {Reason.UNKNOWN_STATION: 1}
