"""Two runs of one window at once, and two halves of it at once: nothing is lost and nothing is doubled."""

import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest

from store.home import Home
from tests.pipeline import START, run, tables

pytestmark = pytest.mark.timeout(600)
EYES = ("ground", "human")


def _run(home: str, feeds: str, first: int, last: int) -> None:
    run(Home.open(Path(home)), Path(feeds), START + timedelta(hours=first), START + timedelta(hours=last), eyes=EYES)


def _at_once(home: Path, feeds: Path, windows: list[tuple[int, int]]) -> None:
    spawn = multiprocessing.get_context("spawn")
    runs = [spawn.Process(target=_run, args=(str(home), str(feeds), *window)) for window in windows]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
        assert one.exitcode == 0


@pytest.mark.parametrize(
    "windows", [pytest.param([(0, 4), (0, 4)], marks=pytest.mark.slow), [(0, 3), (1, 4)]], ids=["same", "shifted"]
)
def test_overlapping_runs_give_what_one_run_gives(small_feeds, tmp_path, windows):
    alone, together = tmp_path / "alone", tmp_path / "together"
    _run(str(alone), str(small_feeds), 0, 4)
    _at_once(together, small_feeds, windows)
    _run(str(together), str(small_feeds), 0, 4)  # what the last to finish could not yet see
    a, b = tables(alone), tables(together)
    for name in a.keys() - {"superseded", "coverage"}:  # these name the moment, which depends on who came first
        assert a[name] == b[name], name
