import pytest

from ingest.layouts import Layout
from ingest.old_frames import read_frames
from sample_feeds.hj212_frames import frame
from tests.ingest.given import context

LAYOUT = Layout.model_validate(
    {
        "id": "own", "title": "t", "source": "s", "format": "frames", "glob": "*.tsv",
        "cells": {"comment": "#", "delimiter": "\t", "quote": ""},
        "frames": {"column": "raw"},
        "stations": {"prefix": "old", "known": {"gate": {"mn": "A" * 24, "medium": "air", "kind": "urban"}}},
    }
)  # fmt: skip


def packet(mn="A" * 24, values="a21026-Avg=5.0,a21026-Flag=N"):
    text = f"QN=20160820090300000;ST=22;CN=2061;PW=1;MN={mn};Flag=4;CP=&&DataTime=20160820080000;{values}&&"
    return frame(text.encode()).decode().strip()


def read(*rows):
    text = "# invented\nid\tnote\traw\n" + "".join(f'{i}\tsays "so\t{row}\n' for i, row in enumerate(rows))
    kept = {}

    def archive(payload, suffix):
        kept[suffix] = payload
        return f"raw/joined{suffix}"

    return read_frames(text.encode(), context("history/own"), LAYOUT, archive=archive), kept


def test_frames_of_ten_years_ago_are_decoded_for_the_devices_of_the_layout():
    found, kept = read(packet(), packet(values="a21026-Avg=7.0,a21026-Flag=D"))
    rows = found["observations"]
    assert rows["station_id"].tolist() == ["old.gate"] * 2
    assert rows[["parameter", "value", "flag", "source_flag"]].to_numpy().tolist() == [
        ["SO2", 5.0, 2, "N"], ["SO2", 7.0, 4, "D"],
    ]  # fmt: skip
    assert found["stations"]["station_id"].tolist() == ["old.gate"]
    assert found["n_records"] == 2
    assert kept[".hj212"] == (packet() + "\r\n" + packet(values="a21026-Avg=7.0,a21026-Flag=D") + "\r\n").encode()


def test_what_is_refused_names_the_line_and_points_into_the_joined_frames():
    broken = packet().replace("5.0", "6.0")
    found, kept = read(packet(), broken, packet(mn="B" * 24))
    reasons = [(r.reason, r.detail[-8:]) for r in found["rejections"]]
    assert reasons == [("bad_crc", "[line 4]"), ("unknown_station", "[line 5]")]
    first = found["rejections"][0]
    assert first.raw_ref == "raw/joined.hj212"
    assert kept[".hj212"][first.offset :].startswith(broken[:40].encode())


@pytest.mark.parametrize(("text", "reason"), [("a\tb\n1\t2\n", "missing_field"), ("raw\n\x00\n", None)])
def test_texts_without_frames(text, reason):
    found = read_frames(text.encode(), context("history/own"), LAYOUT, archive=lambda _p, _s: "raw/x")
    assert len(found["rejections"]) == 1
    assert reason is None or found["rejections"][0].reason == reason
