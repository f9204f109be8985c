"""Feeds and homes that many tests share: made once a session, by whichever worker needs them first."""

import fcntl
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on who else is using the machine. The same commit gives the same result twice:
# examples are searched by `make test-all`, and what it finds becomes an example of its own.
settings.register_profile("search", deadline=None)
settings.register_profile("sanyan", deadline=None, derandomize=True)
settings.load_profile("sanyan")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that ask for more time begin first: else one worker is alone with them at the end."""
    patient = {item.path for item in items if item.get_closest_marker("timeout")}
    items.sort(key=lambda item: item.path not in patient)


@pytest.fixture(scope="session")
def once(tmp_path_factory, request) -> Callable[[str, Callable[[Path], object]], Path]:
    """A folder of a name, filled once for all workers of the session; nobody writes into it later."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if hasattr(request.config, "workerinput") else base

    def folder(name: str, fill: Callable[[Path], object]) -> Path:
        place, done = base / name, base / f"{name}.done"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(place, ignore_errors=True)  # of a worker that failed half way
                place.mkdir()
                fill(place)
                done.touch()
        return place

    return folder


@pytest.fixture(scope="session")
def small_feeds(once) -> Path:
    """Six simulated hours of all three eyes."""
    from tests.pipeline import START, simulated

    return once("small-feeds", lambda out: simulated(out, START, START + timedelta(hours=6)))


@pytest.fixture(scope="session")
def demo_feeds(once) -> Path:
    """The two weeks of the demo."""
    from tests.pipeline import START, simulated

    return once("demo-feeds", lambda out: simulated(out, START, START + timedelta(days=14)))


@pytest.fixture(scope="session")
def night_home(demo_feeds, once) -> Path:
    """The home of the demo in its last night; all is computed, but alarms were last judged at noon. To be copied."""
    from store.home import Home
    from tests.pipeline import EVE, NIGHT, START, gather, run

    def fill(out: Path) -> None:
        home = Home.open(out)
        run(home, demo_feeds, START, EVE)
        gather(home, demo_feeds, EVE, NIGHT)

    return once("night-home", fill)


@pytest.fixture(scope="session")
def demo_home(demo_feeds, night_home, tmp_path_factory):
    """The home of the demo when its two weeks are over."""
    from store.home import Home
    from tests.pipeline import END, NIGHT, run

    home = Home.open(shutil.copytree(night_home, tmp_path_factory.mktemp("demo") / "home"))
    run(home, demo_feeds, NIGHT, END)
    return home
