"""Feeds that many tests share: simulated once a session."""

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
