"""The pace and the patience of channels: what is too much stays due, what is given up is listed."""

import threading
import time
from datetime import timedelta

from alerts.notifiers import Answer, Channel
from alerts.run import Sent, deliver, evaluate
from store.home import Home
from store.ledger.outbox import Letter, read_outbox, summary
from tests.alerts.conftest import HOUR, Box, hours, indicators, put
from tests.alerts.test_run import POLLUTED


def told(home: Home, *channels: Channel) -> None:
    """Two messages on each channel."""
    put(home, "indicators", indicators("air.aqi", "air-1", POLLUTED))
    evaluate(home, now=hours(12), notifiers=channels)


def test_a_channel_takes_no_more_than_its_pace(home: Home) -> None:
    box = Box()
    channel = Channel(box, per_minute=1)
    told(home, channel)
    sent = [deliver(home, [channel], now=hours(12) + timedelta(seconds=s)).sent for s in (0, 30, 61, 90)]
    assert sent == [1, 0, 1, 0]
    assert len(box.letters) == 2


def test_what_cannot_be_sent_for_too_long_expires_and_is_listed(home: Home) -> None:
    box = Box()
    channel = Channel(box, give_up_after=timedelta(hours=1))
    told(home, channel)
    box.answers = [Answer("failed", "ConnectError")] * 9
    assert deliver(home, [channel], now=hours(12)) == Sent(failed=1)
    for n in (1, 2):  # a channel that fails is left alone for the rest of a call
        assert deliver(home, [channel], now=hours(13) + n * HOUR) == Sent(failed=1, expired=1)
    assert set(read_outbox(home.ledger)["state"]) == {"expired"}
    assert deliver(home, [channel], now=hours(99)) == Sent(), "it is not tried any more"
    (row,) = summary(home.ledger).to_dict("records")
    assert (row["channel"], row["state"], row["n"], row["last_detail"]) == ("box", "expired", 2, "ConnectError")
    assert row["oldest"] == hours(12)


def test_what_waits_on_a_channel_that_is_gone_is_listed_too(home: Home) -> None:
    told(home, Channel(Box("gone")))
    deliver(home, [Box("here")], now=hours(12))
    assert [(r["channel"], r["state"], r["n"]) for r in summary(home.ledger).to_dict("records")] == [
        ("gone", "pending", 2)
    ]


def test_two_deliveries_at_once_send_nothing_twice_though_the_receiver_is_slow(home: Home) -> None:
    begun = threading.Event()

    class Slow(Box):
        def send(self, letter: Letter) -> Answer:
            begun.set()
            time.sleep(0.05)
            return super().send(letter)

    box = Slow()
    told(home, Channel(box))
    first = threading.Thread(target=lambda: deliver(Home(home.root, home.registry), [box], now=hours(12)))
    first.start()
    begun.wait(10)
    assert deliver(home, [box], now=hours(12)) == Sent()
    first.join()
    assert len(box.letters) == len({x.key for x in box.letters}) == 2
