"""Files of a gateway: whole when visible, in their slot, one writer, and nothing left behind."""

import contextlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import CatalogueError, StoreError
from ingest.feeds import FEEDS, load
from ingest.gateway.journal import Entry, Journal, drop

AT = datetime(2026, 8, 20, 2, 5, tzinfo=UTC)  # 10:05 in Shanghai
FEED = load(FEEDS, only="ground_hj212")["ground_hj212"]


def entry(content, at=AT, **told):
    return Entry(content, at, "10.0.0.1:5000", 1, **told)


@pytest.fixture
def journal(tmp_path):
    with Journal(*drop(FEED, str(tmp_path), "a")) as one:
        yield one


def test_a_file_is_seen_when_it_is_closed_and_never_half(journal, tmp_path):
    journal.write([entry(b"##1")], AT)
    journal.write([entry(b"##2", mn="M")], AT + timedelta(seconds=1))
    assert list(tmp_path.rglob("*.hj212")) == []
    path = journal.close()
    assert path == tmp_path / "ground/hj212/2026-08-20/10-0500000000-a.hj212"
    assert path.read_bytes() == b"##1##2"
    assert journal.close() is None
    assert list(journal.work.glob("*.part*")) == []


def test_lines_beside_say_when_from_whom_and_where(journal):
    journal.write([entry(b"##1"), entry(b"##22", mn="M")], AT)
    path = journal.close()
    lines = [json.loads(x) for x in path.with_suffix(".hj212.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == [
        {"at": AT.isoformat(), "peer": "10.0.0.1:5000", "connection": 1, "offset": 0, "length": 3},
        {"at": AT.isoformat(), "peer": "10.0.0.1:5000", "connection": 1, "mn": "M", "offset": 3, "length": 4},
    ]


def test_the_hour_ends_a_file(journal, tmp_path):
    journal.write([entry(b"##1")], AT)
    journal.write([entry(b"##2")], AT + timedelta(hours=1))
    journal.close()
    names = [p.name for p in sorted(tmp_path.rglob("*.hj212"))]
    assert names == ["10-0500000000-a.hj212", "11-0500000000-a.hj212"]


def test_two_files_of_one_moment_keep_both(journal):
    paths = set()
    for content in (b"##1", b"##2"):
        journal.write([entry(content)], AT)
        paths.add(journal.close())
    assert sorted(p.read_bytes() for p in paths) == [b"##1", b"##2"]


def test_what_a_dead_gateway_left_becomes_visible_now_with_its_lines(tmp_path):
    with Journal(*drop(FEED, str(tmp_path), "a")) as dead:
        dead.write([entry(b"##1")], AT)
    with Journal(*drop(FEED, str(tmp_path), "a")) as journal:
        journal.write([entry(b"##2")], AT + timedelta(hours=3))
        (path,) = journal.recover(AT + timedelta(hours=3))
        assert path.name.startswith("13-")
        assert path.read_bytes() == b"##1"
        assert path.with_suffix(".hj212.jsonl").exists()
        assert journal.recover(AT) == []
        assert journal.close().read_bytes() == b"##2"


@pytest.mark.parametrize("again", range(1, 5))
@pytest.mark.parametrize("killed_at", range(1, 5))
def test_a_file_and_its_lines_stay_together_wherever_a_gateway_is_killed(tmp_path, monkeypatch, killed_at, again):
    """The closing one is killed before its n-th change of a folder, the one that makes it good as well."""
    to_go = [killed_at]

    def mortal(change):
        def changed(*told, **more):
            to_go[0] -= 1
            if to_go[0] == 0:
                raise KeyboardInterrupt
            return change(*told, **more)

        return changed

    one = Journal(*drop(FEED, str(tmp_path), "a"))
    one.write([entry(b"##1"), entry(b"##22", mn="M")], AT)
    for name in ("rename", "symlink_to", "unlink"):
        monkeypatch.setattr(Path, name, mortal(getattr(Path, name)))
    with contextlib.suppress(KeyboardInterrupt):
        one.close()
    one.release()
    to_go[0] = again
    with Journal(*drop(FEED, str(tmp_path), "a")) as heir, contextlib.suppress(KeyboardInterrupt):
        heir.recover(AT + timedelta(hours=1))
    monkeypatch.undo()
    with Journal(*drop(FEED, str(tmp_path), "a")) as heir:
        heir.recover(AT + timedelta(hours=2))
        left = [p.name for p in heir.work.iterdir()]
    assert left == ["lock"]
    (path,) = tmp_path.rglob("*.hj212")
    (beside,) = tmp_path.rglob("*.jsonl")
    assert path.read_bytes() == b"##1##22"
    assert beside == path.with_suffix(".hj212.jsonl")
    assert len(beside.read_text(encoding="utf-8").splitlines()) == 2


def test_one_gateway_of_a_name_at_a_time(journal, tmp_path):
    with pytest.raises(StoreError, match="another gateway writes there"):
        Journal(*drop(FEED, str(tmp_path), "a"))
    Journal(*drop(FEED, str(tmp_path), "b")).__exit__()


def test_a_disk_that_refuses_is_told_and_the_next_try_begins_a_new_file(journal, monkeypatch):
    real = os.fsync

    def full(_handle):
        raise OSError(28, "No space left on device")

    journal.write([entry(b"##1")], AT)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        journal.write([entry(b"##2")], AT)
    monkeypatch.setattr(os, "fsync", real)
    journal.write([entry(b"##2")], AT)
    assert journal.close().read_bytes() == b"##2"
    (left,) = journal.recover(AT)
    assert left.read_bytes().startswith(b"##1")


@pytest.mark.parametrize(
    ("changes", "root", "name"),
    [
        ({"path": "ground/{day}/{hour}.hj212"}, "feeds", "a"),
        ({"path": "ground/{day}/*/{hour}*.hj212"}, "feeds", "a"),
        ({}, "https://example.invalid/feeds", "a"),
        ({}, "feeds", "a-b"),
        ({}, "feeds", "../a"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_refused(changes, root, name):
    with pytest.raises(CatalogueError, match="gateway"):
        drop(FEED.model_copy(update=changes), root, name)
