"""Forms through the shell: written, collected, refused, replaced, and who is late."""

from datetime import UTC, datetime

import pytest

from domain.errors import FeedUnavailable
from domain.forms import forms
from ingest.forms.plan import DATA
from ingest.forms.run import collect, completeness, write_forms
from store.home import Home
from tests.ingest.forms.filled import NOW, filled

LATER = datetime(2026, 4, 10, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


def send(home, tmp_path, content, name="crops.xlsx", now=NOW):
    path = tmp_path / name
    path.write_bytes(content)
    return list(collect(home, [path], now=now, year=2025))


def test_forms_are_written_for_everybody_and_are_the_same_bytes_again(home, tmp_path):
    first = write_forms(home, tmp_path / "a", year=2025)
    again = write_forms(home, tmp_path / "b", year=2025)
    assert len(first) == len(forms())
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    assert len(write_forms(home, tmp_path / "c", year=2025, departments=["water"])) == 4
    with pytest.raises(KeyError):
        write_forms(home, tmp_path / "d", year=2025, region="330106")


def test_collecting_twice_changes_nothing_and_a_correction_replaces(home, tmp_path):
    (got,) = send(home, tmp_path, filled())
    assert got.written.new == 15 * 11
    (again,) = send(home, tmp_path, filled(), now=LATER)
    assert (again.written.new, again.written.changed, again.written.removed) == (0, 0, 0)

    def corrected(book):
        book[DATA]["C5"], book[DATA]["C6"] = 1300, None

    (third,) = send(home, tmp_path, filled(spoil=corrected), now=LATER)
    assert (third.written.new, third.written.changed, third.written.removed) == (0, 1, 1)
    figures = home.lake.read("statistics", where={"item": ["grain_t"]}).set_index("zone")["value"]
    assert figures["331102001"] == 1300.0
    assert "331102002" not in figures
    assert len(home.lake.read("superseded")) == 2
    cell = home.lake.read("statistics", where={"item": ["grain_t"], "zone": ["331102001"]})["cell"].iloc[0]
    assert home.files.payload(cell.partition("#")[0]) == filled(spoil=corrected)
    assert cell.endswith("#数据 Data!C5")


def test_a_refused_form_leaves_what_was_there_and_is_kept(home, tmp_path):
    send(home, tmp_path, filled())
    before = home.lake.version("statistics")
    (got,) = send(home, tmp_path, filled(spoil=lambda b: b[DATA].__setitem__("C5", "很多")), "second.xlsx", LATER)
    assert got.written is None
    assert home.lake.version("statistics") == before
    (row,) = home.ledger.rejections().to_dict("records")
    assert (row["feed"], row["reason"]) == ("gep.crops", "bad_value")
    assert "second.xlsx: 数据 Data!C5" in row["detail"]
    assert home.files.payload(row["raw_ref"])[:2] == b"PK"


def test_a_township_replaces_only_its_own_figures(home, tmp_path):
    send(home, tmp_path, filled())
    own = filled(region="331102100", spoil=lambda b: b[DATA].__setitem__("C5", 7))
    (got,) = send(home, tmp_path, own, "town.xlsx")
    assert (got.written.changed, got.written.removed) == (1, 0)
    assert len(home.lake.read("statistics")) == 15 * 11


def test_the_board_says_who_is_late(home, tmp_path):
    send(home, tmp_path, filled())
    send(home, tmp_path, filled("land", spoil=lambda b: b[DATA].__setitem__("C5", None)), "land.xlsx")
    send(home, tmp_path, filled("society", spoil=lambda b: b[DATA].__setitem__("C5", "?")), "society.xlsx")
    send(home, tmp_path, filled("reservoirs"), "reservoirs.xlsx")
    board = completeness(home, year=2025, now=LATER).set_index("form")
    assert board.loc["crops", "state"] == "complete"
    assert board.loc["crops", "n_overdue_days"] == 0
    assert (board.loc["land", "state"], board.loc["land", "n_empty"]) == ("incomplete", 1)
    assert board.loc["land", "n_overdue_days"] == 0  # due on 30 April
    assert board.loc["society", "state"] == "refused"
    assert board.loc["reservoirs", "state"] == "complete"
    assert (board.loc["timber", "state"], board.loc["timber", "n_overdue_days"]) == ("missing", 10)


def test_townships_without_an_object_have_none_and_that_is_said(home, tmp_path):
    send(home, tmp_path, filled("reservoirs"), "reservoirs.xlsx")
    rows = home.lake.read("statistics")
    assert (rows["state"] == "reported").sum() == 2 * 3
    assert (rows["state"] == "not applicable").sum() == 14 * 3
    assert set(rows.loc[rows["state"] == "reported", "zone"]) == {"331102100"}
    send(home, tmp_path, filled("reservoirs", region="331102104"), "own.xlsx")
    rows = home.lake.read("statistics", where={"zone": ["331102104"]})
    assert set(rows["state"]) == {"not applicable"}  # its reservoirs were written to another township


def test_a_file_that_is_not_there_is_named(home, tmp_path):
    with pytest.raises(FeedUnavailable, match=r"nowhere\.xlsx"):
        list(collect(home, [tmp_path / "nowhere.xlsx"], now=NOW))
