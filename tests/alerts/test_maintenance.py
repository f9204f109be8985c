"""Work at a station: its values are no findings, its silence is excused, quality control knows it, alarms wait."""

from datetime import timedelta
from itertools import pairwise

import pytest

from alerts import maintenance
from alerts.maintenance import Work, heard, plan, spans_of
from alerts.run import evaluate
from domain.records import Flag
from processing.run import compute
from store.home import Home
from store.ledger.reviews import read_reviews
from store.ledger.suppressions import read_suppressions
from tests.alerts.conftest import HOUR, Box, brief, hours, indicators, observations, put
from tests.alerts.test_run import POLLUTED, history_of


def work(start: float, end: float, **more: str) -> Work:
    return Work(who="张示例", why="更换传感器", start=hours(start), end=hours(end), **{"station": "air-1", **more})


def test_values_measured_meanwhile_raise_nothing(home: Home) -> None:
    plan(home, work(0, 8), now=hours(0))
    for station in ("air-1", "air-2"):
        put(home, "indicators", indicators("air.aqi", station, POLLUTED))
    evaluate(home, now=hours(12), notifiers=[])
    assert {row[1] for row in brief(home)} == {"air-2"}


def test_work_written_down_afterwards_withdraws_what_it_explains(home: Home) -> None:
    put(home, "indicators", indicators("air.aqi", "air-1", [160] * 6))
    evaluate(home, now=hours(6), notifiers=[Box()])
    assert brief(home)[0][2] == "firing"
    plan(home, work(0, 9), now=hours(6))
    evaluate(home, now=hours(6), notifiers=[Box()])
    assert brief(home)[0][2] == "withdrawn"
    assert [h[0] for h in history_of(home)] == ["firing", "withdrawn"]


def test_an_alarm_that_fires_waits_for_the_end_of_the_work(home: Home) -> None:
    box = Box()
    put(home, "indicators", indicators("air.aqi", "air-1", [160] * 4))
    plan(home, work(4, 6), now=hours(0))
    evaluate(home, now=hours(5), notifiers=[box])
    assert [h[2] for h in history_of(home)] == ["waiting"]
    evaluate(home, now=hours(6), notifiers=[box])
    assert [h[2] for h in history_of(home)] == ["told"], "nothing new came, and yet it is said now"


def test_a_silence_during_work_is_excused(home: Home) -> None:
    home.coverage.mark("ground_hj212", hours(0), hours(40), "received", now=hours(0))
    for station in ("water-1", "water-2"):
        put(home, "observations", observations(station, "NH3N", [0.1] * 2, medium="water", period="PT4H"))
    plan(home, work(9, 30, station="water-1"), now=hours(0))
    evaluate(home, now=hours(32), notifiers=[])
    silent = {row[1] for row in brief(home) if row[0] == "station.silent"}
    assert "water-2" in silent
    assert "water-1" not in silent
    evaluate(home, now=hours(40), notifiers=[])  # its own waiting time is not over yet


def test_quality_control_reads_it_as_reviews_and_an_early_end_shortens_them(home: Home) -> None:
    number = plan(home, work(0, 48, station="water-*"), now=hours(0))
    reviews = read_reviews(home.ledger)
    assert len(reviews) == int((home.registry.stations["station_id"].str.startswith("water-")).sum())
    assert set(reviews["flag"]) == {Flag.FAIL}
    maintenance.end(home, number, who="李示例", why="提前完成", now=hours(20))
    after = read_reviews(home.ledger)
    after = after[after["holds"].astype(bool)]
    assert set(after["end"]) == {hours(20)}
    spans = spans_of(home, read_suppressions(home.ledger))
    assert {len(s) for s in spans.values()} == {1}


def test_values_of_that_time_fail_quality_control(home: Home) -> None:
    plan(home, work(4, 12, station="water-1"), now=hours(0))
    put(home, "observations", observations("water-1", "NH3N", [0.1] * 5, medium="water", period="PT4H"))
    compute(home, now=hours(24))
    found = home.lake.read("quality", medium="water").sort_values("time")
    assert (found["flag"] == Flag.FAIL).tolist() == [False, True, True, False, False]
    assert set(found.loc[found["flag"] == Flag.FAIL, "tests"]) == {"review:0"}


def test_both_logs_are_written_or_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    number = plan(home, work(0, 8), now=hours(0))
    before = [len(read_suppressions(home.ledger)), len(read_reviews(home.ledger))]

    def dies(*_: object, **__: object) -> int:
        raise OSError("the power fails")

    with monkeypatch.context() as patch:
        patch.setattr(maintenance, "say_review", dies)
        with pytest.raises(OSError, match="power"):
            plan(home, work(9, 12), now=hours(0))
        with pytest.raises(OSError, match="power"):
            maintenance.end(home, number, who="张示例", why="完工", now=hours(4))
    assert [len(read_suppressions(home.ledger)), len(read_reviews(home.ledger))] == before
    assert read_suppressions(home.ledger)["ended_by"].tolist() == [""]
    maintenance.end(home, number, who="张示例", why="完工", now=hours(4))
    assert read_suppressions(home.ledger)["ended_by"].tolist() == ["张示例"]


def test_a_whole_site_by_township_and_medium(home: Home) -> None:
    plan(home, work(0, 5, station="*", medium="noise"), now=hours(0))
    spans = spans_of(home, read_suppressions(home.ledger))
    stations = home.registry.stations
    assert set(spans) == set(stations.loc[stations["medium"] == "noise", "station_id"])


def test_nobody_is_worked_on(home: Home) -> None:
    with pytest.raises(ValueError, match="no station of the registry matches"):
        plan(home, work(0, 5, station="nowhere"), now=hours(0))
    with pytest.raises(ValueError, match="there is no maintenance 3"):
        maintenance.end(home, 3, who="李示例", why="x", now=hours(0))


def test_a_station_is_heard_so_often_that_no_wait_is_over() -> None:
    found = heard([(0, 10 * 3_600_000_000)], 4 * HOUR)
    gaps = [b - a for a, b in pairwise(found)]
    assert (found[0], found[-1]) == (0, 36_000_000_000)
    assert max(gaps) <= 4 * HOUR // timedelta(microseconds=1)
