"""What is pushed: only what changed, a red incident once, nothing when nothing happened."""

import asyncio
import time
from datetime import timedelta

import pytest

from console.web.cases import Filter
from console.web.county import BaseMap
from console.web.pages.frame import House, View
from console.web.pages.rows import rows_of
from console.web.site import Site
from console.web.watch import Change, Watch
from domain.records import TABLES
from store.home import Home
from store.ledger import incident_tables
from tests.console.web.conftest import NOW, fill, incident


@pytest.fixture
def watch(tmp_path, county):
    home = Home.open(tmp_path, county)
    fill(home)
    site = Site(home, lambda: NOW)
    return Watch(site, BaseMap(site))


def again(watch):
    """Look another time."""
    return watch.look()


def put(home, **changed):
    with home.ledger.begin() as connection:
        assert incident_tables.claim(connection, home.ledger, incident_tables.committed(home.ledger))
        incident_tables.put_incidents(connection, [incident(**changed)])


def test_the_first_look_finds_everything_and_sounds_for_nothing(watch):
    first = watch.look()
    assert len(first.stations) == len(watch.site.home.registry.stations)
    assert {"incidents", "alerts", "reports", "suppressions"} <= first.what
    assert first.reds == ()


def test_nothing_happened(watch):
    watch.look()
    assert not again(watch)


def test_a_new_value_moves_one_station(watch):
    watch.look()
    home = watch.site.home
    row = home.lake.read("indicators").iloc[[0]].assign(time=NOW - timedelta(minutes=60), value=30.0, grade="一级")
    home.lake.upsert("indicators", TABLES["indicators"].frame(row), now=NOW, why="test")
    change = again(watch)
    assert [(f["id"], f["properties"]["word_zh"]) for f in change.stations] == [("air-1", "优")]
    assert change.what == frozenset()


def test_a_red_incident_is_told_once(watch):
    watch.look()
    put(watch.site.home, identity="I2", severity="red")
    change = again(watch)
    assert (change.what, change.reds) == (frozenset({"incidents"}), ("I2",))
    put(watch.site.home, identity="I3", severity="orange")
    assert again(watch).reds == ()
    put(watch.site.home, identity="I2", severity="red", handling="acknowledged", version=2)
    assert again(watch).reds == ()
    put(watch.site.home, identity="I2", severity="red", handling="open", version=3)
    assert again(watch).reds == ("I2",), "reopened: nobody is on it"


def test_a_list_is_made_once_for_all_who_look_at_it(watch):
    site, made = watch.site, []

    def ask(who: str, wanted: Filter) -> None:
        view = View(House(site, watch), None, who, "en", False, None)
        made.append(rows_of(view, wanted, limit=30))

    ask("zhang", Filter())
    ask("li", Filter())
    assert made[1] is made[0]
    ask("li", Filter(severity="red"))
    assert made[2] != made[0]
    put(site.home, identity="I2", severity="red")
    ask("zhang", Filter())
    assert made[3][0]["id"] == "I2"
    assert len(made[3]) == len(made[0]) + 1


def test_others_are_served_while_many_pages_are_drawn(watch):
    """A page takes 5 ms to draw; in what is left to others, somebody who asks again and again gets his turns."""

    async def both() -> int:
        turns = 0
        watch.subscribers = {lambda _change, _n=n: time.sleep(0.005) for n in range(10)}
        telling = asyncio.create_task(watch._tell(Change([], frozenset({"incidents"}))))
        while not telling.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(both()) > 10 * len(watch.subscribers)
