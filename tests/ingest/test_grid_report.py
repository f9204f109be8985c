import json
import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.records import TABLES
from ingest.decoders.grid_report import decode
from ingest.reports import categories, fields, township_of
from tests.ingest.given import END, START, context, page, registry, report


def one(**changes):
    decoded = decode(page(report(**changes), ascii_only=True), context())
    assert not decoded.rejections, decoded.rejections
    return decoded.reports.iloc[0]


def refused(payload, reason, **options):
    decoded = decode(payload, context(**options))
    (rejection,) = decoded.rejections
    assert rejection.reason == reason
    assert rejection.detail.startswith("grid_platform: page-1.json: ")
    return rejection.detail, decoded


def test_an_item_becomes_a_row_in_wgs84():
    row = one()
    assert (row["id"], row["source"], row["category"], row["status"], row["urgency"]) == (
        "LD-1",
        "grid",
        "S",
        "reported",
        3,
    )
    assert (row["lon"], row["lat"]) == pytest.approx((119.9229, 28.4517), abs=2e-6)
    assert row["observed_at"] == datetime(2026, 8, 20, 0, 10, tzinfo=UTC)
    assert row["received_at"] == datetime(2026, 8, 20, 0, 12, tzinfo=UTC)
    assert row["township"] == township_of(np.array([119.9229]), np.array([28.4517]), registry())[0] == "331102003"
    assert json.loads(row["photos"]) == ["ab" * 32]
    assert (row["flag"], row["feed"], row["incident"], row["verdict"]) == (2, "grid_platform", "", "")


@pytest.mark.parametrize(
    ("changes", "column", "expected"),
    [
        ({"infoSourceName": "12345热线"}, "source", "12345"),
        ({"infoSourceName": "无人机"}, "source", "无人机"),  # a word we do not know is kept
        ({"infoSourceName": None}, "source", "grid"),
        ({"infoScName": "露天焚烧"}, "category", "A"),
        ({"infoScName": "没听说过", "infoBcName": "噪声"}, "category", "N"),
        ({"caseEndScName": "毁林开垦"}, "category", "L"),  # the class at closing goes first
        ({"urgentDegree": "特急"}, "urgency", 1),
        ({"urgentDegree": 9}, "urgency", 3),
        ({"statusName": "结案"}, "status", "closed"),
        ({"statusName": "作废"}, "status", "void"),
        ({"duplicateOf": "LD-0"}, "duplicate_of", "LD-0"),
        ({"endResult": "已联系举报人张示例13800000000"}, "verdict", "已联系举报人张*138****0000"),
        ({"description": "联系人：张示例，电话13800000000"}, "text", "联系人：张*，电话138****0000"),
        ({"photos": "x, " + "CD" * 32}, "photos", json.dumps(["cd" * 32])),
        ({"photos": [{"sha256": None}, 3, "http://x/y.jpg"]}, "photos", "[]"),
        ({"taskId": 20260820001}, "id", "20260820001"),
        ({"description": "半个字\ud83d"}, "text", "半个字?"),
        ({"updateTime": None}, "received_at", START),
        ({"updateTime": "whenever"}, "received_at", START),
        ({"updateTime": "2030-01-01 00:00:00"}, "received_at", END),  # not later than it came
    ],
)
def test_fields(changes, column, expected):
    assert one(**changes)[column] == expected


def test_an_unknown_class_is_other_and_suspect():
    row = one(infoScName="没听说过", infoBcName="")
    assert (row["category"], row["flag"]) == ("R", 3)


def test_exchanged_coordinates_are_put_right_and_flagged():
    row = one(coordX=28.448289, coordY=119.927304)
    assert (row["lon"], row["lat"]) == pytest.approx((119.9229, 28.4517), abs=2e-6)
    assert row["flag"] == 3


@pytest.mark.parametrize("position", [{"coordX": None, "coordY": None}, {"coordX": "", "coordY": ""}])
def test_a_report_without_position_is_kept_with_the_township_of_its_codes(position):
    row = one(**position)
    assert np.isnan(row["lon"])
    assert (row["township"], row["flag"]) == ("331102003", 4)


@pytest.mark.parametrize(
    ("names", "township"),
    [
        ({"streetCode": None}, "331102003"),  # by the code of the grid
        ({"streetCode": "331102999", "gridCode": None}, "331102003"),  # by the name
        ({"streetCode": None, "gridCode": None, "streetName": "别处"}, ""),
    ],
)
def test_ways_to_name_a_township(names, township):
    assert one(coordX=None, coordY=None, **names)["township"] == township


@pytest.mark.parametrize(
    "position",
    [{"coordX": 0, "coordY": 0}, {"coordX": "0.0", "coordY": "0.0"}, {"coordSys": None}, {"coordX": -77, "coordY": 39},
     {"coordX": 1e308}, {"coordX": "east"}],
)  # fmt: skip
def test_a_bad_position_is_counted_and_the_report_kept(position):
    detail, decoded = refused(page(report(**position)), "bad_position")
    assert "/data/list/0: report LD-1: position" in detail
    assert np.isnan(decoded.reports.loc[0, ["lon", "lat"]].to_numpy(float)).all()
    assert decoded.reports.loc[0, "flag"] == 4
    assert decoded.n_records == 1


def test_the_feed_may_say_which_system_its_positions_are_in():
    decoded = decode(page(report(coordSys=None)), context(coord_sys="GCJ02"))
    assert decoded.reports.loc[0, "flag"] == 2


@pytest.mark.parametrize(
    ("changes", "reason", "said"),
    [
        ({"taskId": None}, "missing_field", "no id"),
        ({"discoverTime": None, "reportTime": ""}, "missing_field", "report LD-1 has no time"),
        ({"discoverTime": "2026-02-30 10:00:00"}, "bad_time", "report LD-1"),
        ({"discoverTime": "2026-08-21 12:00:00"}, "future_time", "check the clock of the phone"),
    ],
)
def test_items_that_are_no_reports_are_refused_by_themselves(changes, reason, said):
    payload = page(report(taskId="good"), report(**changes))
    detail, decoded = refused(payload, reason)
    assert "/data/list/1: " in detail
    assert said in detail
    assert decoded.reports["id"].tolist() == ["good"]
    assert decoded.n_records == 2


def test_the_time_of_reporting_serves_when_that_of_finding_is_missing():
    assert one(discoverTime=None)["observed_at"] == datetime(2026, 8, 20, 0, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "reason", "said"),
    [
        (b"", "empty", "ask again"),
        (b" \n", "empty", "ask again"),
        (page(report())[:-30], "bad_document", "line 1 column"),
        (b"<html>", "bad_document", "line 1 column 1"),
        (b"[]", "bad_document", "/: an object"),
        (b"{}", "bad_document", "/data/list"),
        (b'{"errorCode": "500", "errorMessage": "busy"}', "bad_document", "'500' 'busy'"),
        (b"[" * 100_000, "bad_document", "nested"),
        (b"\xff\xfe\xfa", "bad_document", "gb18030"),
        (b'{"data": {"list": [3]}}', "bad_document", "/data/list/0"),
    ],
)
def test_documents_that_are_no_pages_are_one_rejection(payload, reason, said):
    detail, decoded = refused(payload, reason)
    assert said in detail
    assert len(decoded.reports) == 0
    assert decoded.n_records == 1


def test_old_platforms_write_gb18030():
    text = page(report()).decode()
    decoded = decode(text.encode("gb18030"), context())
    assert decoded.reports.loc[0, "text"] == "路口垃圾桶满了"


def test_a_copy_is_a_moment_older_than_what_it_copies():
    first, copy = (decode(page(report()), context(**o)).reports.loc[0, "received_at"] for o in ({}, {"copy_of": True}))
    assert first - copy == timedelta(milliseconds=1)


def test_every_class_leads_to_one_of_our_letters_and_every_field_is_used():
    assert set(categories().values()) == set("WANSLEDR")
    assert {"id", "observed_at", "lon", "lat", "text", "status"} <= set(fields().values())


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(list(fields()))
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)


def whole(decoded, payload):
    """What holds of every answer: typed frames, and every record either kept or refused with its reason."""
    assert list(decoded.reports.columns) == TABLES["reports"].columns
    lost = [r for r in decoded.rejections if r.reason != "bad_position"]
    assert decoded.n_records == len(decoded.reports) + len(lost)
    assert all(r.offset + r.length <= len(payload) for r in decoded.rejections)
    assert TABLES["reports"].frame(decoded.reports).to_csv()


@given(st.dictionaries(st.sampled_from(list(report())), JSON, max_size=6), st.lists(JSON, max_size=2))
@settings(max_examples=300)
def test_items_with_anything_in_them_never_raise(changes, others):
    payload = page(report() | changes, *others, ascii_only=True)
    whole(decode(payload, context()), payload)


def mutated(payload: bytes, seed: int) -> bytes:
    """A page with some bytes changed, taken out, doubled or cut off."""
    rng = random.Random(seed)
    out = bytearray(payload)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            out[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del out[at : at + rng.randint(1, 20)]
        elif kind == 2:
            out[at:at] = out[max(at - 30, 0) : at]
        elif kind == 3:
            out[at:at] = rng.choice(
                [b'"', b"{", b"}", b"[", b"]", b",", b"null", b"1e999", b"NaN", b"\\ud800", b"-", b"9" * 400]
            )
        else:
            del out[at:]
    return bytes(out)


def torture(rounds):
    original = page(report(), report(taskId="LD-2", coordSys="BD09"), report(taskId="LD-3", coordX=0, coordY=0))
    for seed in range(rounds):
        payload = mutated(original, seed)
        whole(decode(payload, context()), payload)


def test_a_thousand_mutated_pages_never_raise():
    torture(1_000)


@pytest.mark.slow
def test_a_million_mutated_bytes_of_pages_never_raise():
    torture(25_000)
