import numpy as np
import pandas as pd

from processing.aggregate import Observed
from processing.indicators.quality import PLANNED, failed_share
from tests.processing.observed import series, stations


def given(*parts):
    return Observed(
        pd.concat(parts, ignore_index=True).assign(tests=lambda f: f["flag"].map({3: "flat", 4: "spike"}).fillna(""))
    )


def marked(parameter, flags, **k):
    rows = series("a", parameter, range(len(flags)), **k)
    return rows.assign(flag=np.array(flags, dtype="int32"))


def test_the_share_counts_marks_among_the_last_six_periods():
    got = failed_share(given(marked("DO", [1, 3, 3, 3, 3, 3, 3, 1])), stations())
    assert got["value"].round(2).tolist() == [0, 0.17, 0.33, 0.5, 0.67, 0.83, 1.0, 0.83]
    assert got["detail"].tolist() == ["", *["DO flat"] * 7]
    assert set(got["medium"]) == {"air"}
    assert set(got["period"]) == {"PT1H"}


def test_the_worst_parameter_is_named():
    got = failed_share(given(marked("DO", [3, 3]), marked("pH", [1, 4])), stations())
    assert got["detail"].tolist() == ["DO flat", "DO flat"]
    assert (got["n_valid"].tolist(), got["n_expected"].tolist()) == ([1, 0], [2, 2])


def test_a_silent_station_is_not_a_lying_one():
    late = series("a", "DO", [1.0], "2026-08-18 09:00").assign(flag=np.int32(4))
    got = failed_share(given(marked("DO", [1, 1]), late), stations())
    assert got["value"].round(2).tolist() == [0, 0, 0.17]


def test_planned_work_is_no_fault():
    for letter in PLANNED:
        assert failed_share(given(marked("DO", [4] * 6, source_flag=letter)), stations())["value"].max() == 0
    assert failed_share(given(marked("DO", [4] * 6, source_flag="D")), stations())["value"].max() == 1


def test_four_hourly_values_have_a_day_of_six():
    got = failed_share(given(marked("NH3N", [3] * 7, period="PT4H", medium="water")), stations())
    assert got["value"].round(2).tolist() == [0.17, 0.33, 0.5, 0.67, 0.83, 1.0, 1.0]


def test_stations_do_not_touch():
    other = marked("DO", [3] * 6, start="2026-08-18 06:00").assign(station_id="b")
    got = failed_share(given(marked("DO", [3] * 6), other), stations())
    assert (
        got.groupby("subject")["value"].apply(list).map(lambda v: [round(x, 2) for x in v]).tolist()
        == [[0.17, 0.33, 0.5, 0.67, 0.83, 1.0]] * 2
    )


def test_what_is_only_unusual_is_no_fault_of_the_station():
    rows = marked("O3", [3] * 6)
    for tests, share in (
        ("neighbours", 0),
        ("neighbours,climatology@2026-01-01", 0),
        ("neighbours,flat", 1),
        ("gap", 1),
    ):
        got = failed_share(Observed(rows.assign(tests=tests)), stations())
        assert got["value"].iloc[-1] == share
