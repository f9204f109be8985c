import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.records import Flag
from domain.times import LOCAL
from ingest.decoders.lab_sheet import decode, headings, measured
from tests.ingest.given import DAY, NEXT_DAY, context, xlsx

HEADER = ("样品编号", "点位编号", "采样日期", "pH（无量纲）", "镉（mg/kg）", "汞（μg/kg）", "备注")
SAMPLE = ("TR-1", "soil-01", "2026-08-19", 5.6, 0.13, 75, "")
SAMPLED = datetime(2026, 8, 19, tzinfo=LOCAL).astimezone(UTC)


def lab(*rows, **options):
    return decode(xlsx(*rows), context("soil_lab", start=DAY, end=NEXT_DAY, name="soil.xlsx", **options))


def refused(decoded, reason, cell, said):
    (rejection,) = decoded.rejections
    assert rejection.reason == reason
    assert rejection.detail.startswith(f"soil_lab: soil.xlsx: cell {cell}: ")
    assert said in rejection.detail


def test_a_row_becomes_observations_in_canonical_units_at_the_day_of_sampling():
    decoded = lab(HEADER, SAMPLE)
    rows = decoded.observations
    assert not decoded.rejections
    assert dict(zip(rows["parameter"], rows["value"], strict=True)) == {
        "soil_pH": 5.6,
        "soil_Cd": 0.13,
        "soil_Hg": 0.075,
    }
    assert rows["unit"].tolist() == ["1", "mg/kg", "mg/kg"]
    assert set(rows["time"]) == {SAMPLED}
    assert set(rows["received_at"]) == {DAY}
    assert rows[["medium", "station_id", "period", "flag", "feed"]].drop_duplicates().to_numpy().tolist() == [
        ["soil", "soil-01", "P1D", 2, "soil_lab"]
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [["报告"], ["单位：mg/kg"], ["点位", "采样日期", "pH", "镉"], ["soil-01", "2026/8/19", 5.6, 0.13]],
        [["点位", "采样日期", "pH", "镉"], [None, None, "无量纲", "mg/kg"], ["soil-01", "20260819", "5.6", "0.13"]],
        [["点位", "采样日期", "检测项目", None], [None, None, "pH", "镉(mg/kg)"], ["soil-01", 46253, 5.6, 0.13]],
        [
            ["点位", "采样日期", "理化", "重金属（mg/kg）"],
            [None, None, "pH", "Cd"],
            ["soil-01", "2026-08-19", 5.6, 0.13],
        ],
        [["采样日期：2026年8月19日"], ["点位名称", "pH值", "总镉 mg/kg"], ["农田土壤01号点", 5.6, 0.13]],
        [["点位", "采样日期", "PH", "镉/(mg/kg)"], ["soil-01", datetime(2026, 8, 19), 5.6, 0.13], ["注：以上为示例"]],  # noqa: DTZ001
    ],
)
def test_laboratories_write_their_sheets_as_they_like(rows):
    decoded = lab(*rows)
    assert not decoded.rejections, decoded.rejections
    said = decoded.observations
    assert said[["station_id", "parameter", "value", "time"]].to_numpy().tolist() == [
        ["soil-01", "soil_pH", 5.6, SAMPLED], ["soil-01", "soil_Cd", 0.13, SAMPLED]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "value", "flag", "mark"),
    [
        (0.13, 0.13, 2, ""),
        ("1.3e-2", 0.013, 2, ""),
        ("<0.01", 0.01, 2, "L"),
        ("＜0.01", 0.01, 2, "L"),
        ("0.02L", 0.02, 2, "L"),
        ("未检出(0.01)", 0.01, 2, "L"),
        ("ND（<0.002）", 0.002, 2, "L"),
        ("ND", math.nan, 9, "ND"),
        ("未检出", math.nan, 9, "ND"),
    ],
)
def test_values_and_non_detects(cell, value, flag, mark):
    found = measured(cell)
    assert found == (pytest.approx(value, nan_ok=True), Flag(flag), mark)


@pytest.mark.parametrize("cell", ["0.3.1", "缺", "#REF!", -0.1, "-3", float("inf"), True, "<", "L", "1,3"])
def test_what_is_no_value(cell):
    with pytest.raises(ValueError, match=r"is no (value|content)"):
        measured(cell)


def test_a_limit_is_converted_like_a_value():
    decoded = lab(("点位", "采样日期", "汞（μg/kg）"), ("soil-01", "2026-08-19", "<2"))
    assert decoded.observations.loc[0, ["value", "source_flag"]].tolist() == [0.002, "L"]


@pytest.mark.parametrize("cell", [None, "", "/", "-", "—", " "])
def test_what_was_not_measured_is_no_record(cell):
    decoded = lab(("点位", "采样日期", "pH", "镉（mg/kg）"), ("soil-01", "2026-08-19", 5.6, cell))
    assert decoded.observations["parameter"].tolist() == ["soil_pH"]
    assert decoded.n_records == 1


@pytest.mark.parametrize(
    ("column", "cell", "reason", "where", "said"),
    [
        (1, "soil-99", "unknown_station", "检测结果!A2", "'soil-99, TR-1'"),
        (1, "water-1", "unknown_station", "检测结果!A2", "no soil point"),
        (2, "", "missing_field", "检测结果!C2", "no sampling date"),
        (2, "19.8.", "bad_time", "检测结果!C2", "is no time"),
        (2, "2026-08-21", "future_time", "检测结果!C2", "sampled on 2026-08-21"),
        (4, "0.1.3", "bad_value", "检测结果!E2", "soil_Cd: '0.1.3' is no value"),
        (4, "=1+1", "bad_value", "检测结果!E2", "no stored result"),
    ],
)
def test_a_bad_cell_is_named(column, cell, reason, where, said):
    row = list(SAMPLE)
    row[column] = cell
    decoded = lab(HEADER, row, ("TR-2", "soil-02", "2026-08-19", 5.5, 0.2, 80, ""))
    refused(decoded, reason, where, said)
    assert "soil-02" in set(decoded.observations["station_id"])  # the other rows live


@pytest.mark.parametrize(
    ("heading", "reason", "said"),
    [
        ("镉（mg/L）", "wrong_unit", "soil_Cd has unit 'mg/L', mg/kg is needed"),
        ("镉", "wrong_unit", "soil_Cd has no unit"),
        ("铊（mg/kg）", "unknown_code", "item '铊' is not known"),
    ],
)
def test_a_bad_column_is_refused_once_and_never_guessed(heading, reason, said):
    header = [*HEADER[:4], heading, *HEADER[5:]]
    decoded = lab(header, SAMPLE, ("TR-2", "soil-02", "2026-08-19", 5.5, 0.2, 80, ""))
    refused(decoded, reason, "检测结果!E1", said)
    assert sorted(set(decoded.observations["parameter"])) == ["soil_Hg", "soil_pH"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [(b"", "empty"), (b"PK", "bad_document"), (xlsx(["x"], [1]), "bad_document"), (xlsx(), "bad_document")],
)
def test_files_that_are_no_reports(payload, reason):
    decoded = decode(payload, context("soil_lab", start=DAY, end=NEXT_DAY, name="soil.xlsx"))
    assert [r.reason for r in decoded.rejections] == [reason]
    assert "soil_lab: soil.xlsx: " in decoded.rejections[0].detail


def test_the_headings_are_known_parameters():
    assert ("parameter", "soil_Cd") in headings().values()


WORDS = [
    "soil-01",
    "2026-08-19",
    "镉（mg/kg）",
    "mg/kg",
    "点位",
    "采样日期",
    "pH",
    "ND",
    "<0.01",
    "单位：mg/kg",
    "=1/0",
    "?",
]
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
CELLS = st.one_of(st.none(), st.integers(-5, 10**6), NUMBERS, st.sampled_from(WORDS))


@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6))
@settings(max_examples=150)
def test_any_sheet_is_read_or_refused(rows):
    decoded = lab(*rows)
    assert decoded.n_records == len(decoded.observations) + len(decoded.rejections)
    assert all("soil_lab: soil.xlsx: " in r.detail for r in decoded.rejections)
