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
def eve_home(demo_feeds, tmp_path_factory) -> Path:
    """The home of the demo as it is on its last noon, before its last matter comes up; for others to copy."""
    from store.home import Home
    from tests.pipeline import EVE, START, run

    home = Home.open(tmp_path_factory.mktemp("eve-home"))
    run(home, demo_feeds, START, EVE)
    return home.root


@pytest.fixture(scope="session")
def demo_home(demo_feeds, eve_home, tmp_path_factory):
    """The home of the demo when its two weeks are over."""
    from store.home import Home
    from tests.pipeline import END, EVE, run

    home = Home.open(shutil.copytree(eve_home, tmp_path_factory.mktemp("demo") / "home"))
    run(home, demo_feeds, EVE, END)
    return home
