"""The same county with its ledger in PostgreSQL: what is found, said and recorded is what SQLite has."""

from datetime import timedelta

import pytest

from alerts.run import deliver, evaluate
from store.home import Home
from store.ledger import Ledger
from store.ledger.outbox import read_deliveries, read_outbox
from tests.alerts.conftest import Box, hours
from tests.alerts.test_crashes import STATIONS, restless
from tests.pipeline import START, run, tables
from tests.store.conftest import postgres  # noqa: F401 - a fixture
from tests.store.postgres import emptied
from tests.store.test_postgres import together

HOURS = timedelta(hours=1)


@pytest.fixture
def elsewhere(postgres, monkeypatch):  # noqa: F811 - the fixture above
    """Makes a home whose ledger is in PostgreSQL."""
    address = emptied(postgres)

    def made(root):
        monkeypatch.setenv("SANYAN_LEDGER_URL", address)
        home = Home.open(root)
        assert home.ledger.engine.dialect.name == "postgresql"
        monkeypatch.delenv("SANYAN_LEDGER_URL")
        return home

    return made


@pytest.mark.slow
def test_the_whole_way_gives_the_same_tables(elsewhere, small_feeds, tmp_path):
    homes = [elsewhere(tmp_path / "postgres"), Home.open(tmp_path / "sqlite")]
    for home in homes:
        for n in (0, 2, 2):  # the last window twice: nothing changes
            run(home, small_feeds, START + n * HOURS, START + (n + 2) * HOURS, eyes=("ground", "human"))
    there, here = (tables(home) for home in homes)
    assert there.keys() == here.keys()
    for name, text in here.items():
        assert there[name] == text, name
    assert here["coverage"].count("\n") > 3
    assert here["quality"].count("\n") > 100


def test_alarms_are_said_once_though_three_evaluate_and_deliver_at_once(elsewhere, tmp_path):
    home = elsewhere(tmp_path / "postgres")
    restless(home, 30, 5)
    box = Box("log")

    def work(_i):
        own = Home(home.root, home.registry)
        own.__dict__["ledger"] = Ledger(home.ledger.engine.url.render_as_string(hide_password=False))
        evaluate(own, now=hours(30), notifiers=[box])
        return deliver(own, [box], now=hours(30)).sent

    sent = together(3, work)
    keys = read_outbox(home.ledger)["key"].tolist()
    assert sum(sent) == len(keys) > len(STATIONS)
    assert sorted(x.key for x in box.letters) == sorted(keys)
    assert (read_deliveries(home.ledger)["attempt"] == 1).all()
