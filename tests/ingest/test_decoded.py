"""What decoders are given and give back."""

from dataclasses import asdict
from datetime import UTC, datetime

import pandas as pd
import pytest

from domain.records import TABLES, Observation, Reason
from ingest.decoded import Decoded
from tests.ingest.hj212_support import AT, context

OBSERVATION = Observation(
    medium="air",
    station_id="air",
    parameter="SO2",
    time=datetime(2026, 8, 20, tzinfo=UTC),
    period="PT1H",
    value=6.0,
    unit="ug/m3",
    flag=2,
    source_flag="N",
    feed="ground",
    received_at=AT,
)


def test_empty_has_typed_frames_that_nobody_else_can_spoil() -> None:
    for name in ("observations", "scenes", "reports"):
        frame = getattr(Decoded.empty(), name)
        pd.testing.assert_frame_equal(frame, TABLES[name].frame())
        frame["spoilt"] = []
        assert "spoilt" not in getattr(Decoded.empty(), name)
    assert Decoded.empty().n_records == 0
    assert Decoded.empty().rejections == ()


def test_records_dicts_and_frames_give_the_same_frame() -> None:
    as_records = Decoded.of(observations=[OBSERVATION]).observations
    as_dicts = Decoded.of(observations=[asdict(OBSERVATION)]).observations
    as_typed = Decoded.of(observations=as_records.set_index(pd.Index([7]))).observations
    as_loose = Decoded.of(observations=as_records.assign(extra=1, flag=2.0)).observations
    for other in (as_dicts, as_typed, as_loose):
        pd.testing.assert_frame_equal(as_records, other)


def test_missing_column_is_told() -> None:
    with pytest.raises(KeyError, match="station_id"):
        Decoded.of(observations=pd.DataFrame({"medium": ["air"]}))


def test_rejection_names_feed_and_file_and_points_at_the_bytes() -> None:
    rejection = context().reject(Reason.GARBAGE, "noise", offset=3, length=5)
    assert rejection.detail == "ground: 10.hj212: noise"
    assert (rejection.reason, rejection.offset, rejection.length) == ("garbage", 3, 5)
    assert (rejection.raw_ref, rejection.received_at) == ("raw/ab/abcd.hj212", AT)
