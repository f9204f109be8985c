from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.reviews import days_spoken_of, overruled, spoken_of
from tests.processing.observed import local, series

SAID = datetime(2026, 9, 1, tzinfo=UTC)


def said(*rows):
    """Entries of the log: (number, parameter, start, end, flag[, holds])."""
    frame = pd.DataFrame(
        [{"number": r[0], "parameter": r[1], "start": r[2], "end": r[3], "flag": r[4], "holds": (*r, True)[5]}
         for r in rows], columns=["number", "parameter", "start", "end", "flag", "holds"],
    )  # fmt: skip
    return frame.assign(medium="air", station_id="air-1")


def flagged():
    frame = pd.concat([series("air-1", "O3", [50.0, np.nan, 52, 53]), series("air-1", "NO2", [1.0, 2, 3, 4])])
    frame = pd.concat([frame, series("air-2", "O3", [9.0] * 4)], ignore_index=True)
    return frame.assign(tests="", level="auto-checked", flag=frame["flag"].where(frame["flag"] == 9, 1))


T = [local(f"2026-08-18 0{h}:00") for h in range(5)]


def test_the_flag_of_the_review_stands_and_missing_stays_missing():
    got = overruled(flagged(), said((3, "O3", T[0], T[2], 4)))
    assert got["flag"].tolist() == [4, 9, 1, 1] + [1] * 8
    assert got["tests"].tolist()[:2] == ["review:3", ""]
    assert got["level"].tolist()[:3] == ["reviewed", "auto-checked", "auto-checked"]


def test_all_parameters_of_the_station_and_no_other_station():
    got = overruled(flagged(), said((3, "", T[3], T[4], 3)))
    assert got["flag"].tolist() == [1, 9, 1, 3, 1, 1, 1, 3, 1, 1, 1, 1]


def test_the_latest_that_holds_speaks():
    both = said((1, "O3", T[0], T[4], 4), (2, "O3", T[0], T[1], 1), (5, "O3", T[0], T[4], 3, False))
    assert spoken_of(flagged(), both).tolist()[:4] == [2, 1, 1, 1]
    assert overruled(flagged(), both)["flag"].tolist()[:4] == [1, 9, 4, 4]


@given(st.permutations(range(12)))
@settings(max_examples=25)
def test_the_order_of_rows_changes_nothing(order):
    entries = said((1, "O3", T[0], T[3], 4), (2, "", T[2], T[4], 3))
    whole = overruled(flagged(), entries)
    shuffled = overruled(flagged().iloc[list(order)], entries)
    pd.testing.assert_frame_equal(shuffled.sort_index(), whole, check_dtype=False)


def test_without_reviews_nothing_changes():
    frame = flagged()
    assert overruled(frame, said()) is frame


def test_the_days_of_an_entry_are_those_of_shanghai():
    entries = said((1, "O3", local("2026-08-18 00:00"), local("2026-08-20 00:00"), 4))
    assert list(days_spoken_of(entries)) == [("air", date(2026, 8, 18)), ("air", date(2026, 8, 19))]
    late = said((1, "O3", local("2026-08-18 23:00"), local("2026-08-18 23:00") + timedelta(hours=2), 4))
    assert len(list(days_spoken_of(late))) == 2
