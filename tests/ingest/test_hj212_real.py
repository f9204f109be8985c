"""The packets that real devices and the standard printed, where ../shared has them."""

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.records import Reason
from domain.registry import Registry
from ingest.decoded import Decoded
from ingest.decoders.hj212 import decode
from tests.ingest.hj212_support import context, registry

SHARED = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared"))
FOLDER = SHARED / "data" / "hj212"
MEDIA = {"21": "water", "22": "air", "23": "noise", "31": "source", "32": "source", "52": "source"}


def rows(name: str) -> list[dict[str, str]]:
    if not FOLDER.is_dir():
        return []
    with (FOLDER / name).open(encoding="utf-8", newline="") as stream:
        lines = [line for line in stream if not line.startswith("# ")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


SAMPLES = rows("hj212_samples.tsv")
APPENDIX = rows("hj212_appendixC_frames.tsv")
needs_shared = pytest.mark.skipif(not SAMPLES, reason="no ../shared/data/hj212; set SANYAN_SHARED to its folder")
CRC_REASONS = {Reason.BAD_CRC, Reason.BAD_LENGTH, Reason.TRUNCATED, Reason.GARBAGE}


def taken(raw: str, known: Registry, year: int = 2026) -> Decoded:
    return decode(raw.encode(), context(datetime(year, 8, 1, tzinfo=UTC), known=known, max_age_days=9999))


def head(raw: str, key: str) -> str:
    return raw.partition(f"{key}=")[2].partition(";")[0]


def registered(raw: str, edition: str) -> Registry:
    station = ("device", MEDIA.get(head(raw, "ST"), "source"), head(raw, "MN"), edition, "PT1H")
    return registry(stations=[station], channels=[])


@needs_shared
def test_there_are_26_packets_and_37_frames() -> None:
    assert (len(SAMPLES), len(APPENDIX)) == (26, 37)


@needs_shared
@pytest.mark.parametrize("row", SAMPLES, ids=lambda row: row["id"])
def test_check_value_of_a_real_packet(row: dict[str, str]) -> None:
    decoded = taken(row["raw"], registered(row["raw"], ""))
    refused = {rejection.reason for rejection in decoded.rejections} & CRC_REASONS
    assert (not refused) == (row["crc_status"] == "VALID")
    assert decoded.n_records == 1
    if refused:
        assert len(decoded.observations) == 0
        assert sum(rejection.length for rejection in decoded.rejections) == len(row["raw"].encode())


@needs_shared
@pytest.mark.parametrize("row", APPENDIX, ids=lambda row: f"{row['table']} {row['what'][:30]}")
def test_frame_of_appendix_c(row: dict[str, str]) -> None:
    decoded = taken(row["frame"], registered(row["frame"], "2017"))
    assert {rejection.reason for rejection in decoded.rejections} <= {Reason.UNKNOWN_CODE}
    assert decoded.n_records == 1


EXPECTED = {
    "S03": {"stack_velocity": 1.35, "stack_temp": 9.3, "stack_humidity": 3.211},
    "S14": {
        "pH": 8.33, "DO": 10.15, "water_temp": 9.7, "EC": 1425, "turbidity": 13.1, "TP": 0, "TN": 3.563168,
        "NH3N": 0.09055002, "CODMn": 4.102818, "VP": 0,
    },
    "S16": {
        "NO2": 4, "O3": 63, "SO2": 6, "CO": 0.427, "PM2.5": 14, "PM10": 31, "wind_speed": 1, "wind_dir": 11,
        "air_temp": 17, "humidity": 85, "pressure": 950,
    },
    "S18": {"pH": 6.951, "NH3N": 23.4, "COD": 134.119, "flow": 382.222},
    "S21": {"stack_flow": 0, "stack_PM": 0, "stack_SO2": 0, "stack_NOx": 0},
    "S35": {"water_temp": 28.4, "EC": 7.7, "pH": 6.6, "BOD5": 15, "CODMn": 1.022},
}  # fmt: skip


@needs_shared
@pytest.mark.parametrize("name", EXPECTED)
def test_values_of_a_real_packet(name: str) -> None:
    raw = next(row["raw"] for row in SAMPLES if row["id"] == name)
    decoded = taken(raw, registered(raw, "2005" if name in ("S18", "S21") else ""))
    found = dict(zip(decoded.observations["parameter"], decoded.observations["value"], strict=True))
    assert found == pytest.approx(EXPECTED[name])
    assert {rejection.reason for rejection in decoded.rejections} <= {Reason.UNKNOWN_CODE}
    assert set(decoded.observations["flag"]) == {4 if name == "S21" else 2}


@needs_shared
def test_malformed_time_of_the_most_quoted_packet() -> None:
    raw = next(row["raw"] for row in SAMPLES if row["id"] == "S07")
    decoded = taken(raw, registered(raw, "2005"))
    assert [rejection.reason for rejection in decoded.rejections] == [Reason.BAD_TIME]


@needs_shared
def test_all_real_packets_in_one_capture() -> None:
    texts = [row["raw"] for row in SAMPLES] + [row["frame"] for row in APPENDIX]
    at = datetime(2026, 8, 1, tzinfo=UTC)
    decoded = decode("\r\n".join(texts).encode(), context(at, known=registry(stations=[], channels=[])))
    assert decoded.n_records == len(texts)
    bad = [row for row in SAMPLES if row["crc_status"] != "VALID"]
    assert sum(rejection.reason in CRC_REASONS for rejection in decoded.rejections) == len(bad)
