"""Feeds that many tests share: simulated once a session."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on who else is using the machine.
settings.register_profile("sanyan", deadline=None)
settings.load_profile("sanyan")


@pytest.fixture(scope="session")
def small_feeds(tmp_path_factory) -> Path:
    """Six simulated hours of all three eyes."""
    from tests.pipeline import START, simulated

    return simulated(tmp_path_factory.mktemp("small-feeds"), START, START + timedelta(hours=6))


@pytest.fixture(scope="session")
def demo_feeds(tmp_path_factory) -> Path:
    """The two weeks of the demo."""
    from tests.pipeline import START, simulated

    return simulated(tmp_path_factory.mktemp("demo-feeds"), START, START + timedelta(days=14))


@pytest.fixture(scope="session")
def night_home(demo_feeds, tmp_path_factory) -> Path:
    """The home of the demo in its last night; all is computed, but alarms were last judged at noon. To be copied."""
    from store.home import Home
    from tests.pipeline import EVE, NIGHT, START, gather, run

    home = Home.open(tmp_path_factory.mktemp("night-home"))
    run(home, demo_feeds, START, EVE)
    gather(home, demo_feeds, EVE, NIGHT)
    return home.root


@pytest.fixture(scope="session")
def demo_home(demo_feeds, night_home, tmp_path_factory):
    """The home of the demo when its two weeks are over."""
    from store.home import Home
    from tests.pipeline import END, NIGHT, run

    home = Home.open(shutil.copytree(night_home, tmp_path_factory.mktemp("demo") / "home"))
    run(home, demo_feeds, NIGHT, END)
    return home
