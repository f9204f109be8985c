import httpx
import pytest
import tenacity

from domain.errors import FeedUnavailable
from ingest import web


def pause(attempt, answer=None):
    state = tenacity.RetryCallState(retry_object=tenacity.Retrying(), fn=None, args=(), kwargs={})
    state.attempt_number = attempt
    if answer is not None:
        state.set_result(answer)
    return web._pause(state)


def test_pauses_double():
    assert [pause(n) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("asked", "seconds"), [("7", 7.0), ("3600", 30.0), ("0", 0.5), ("Wed, 21 Oct 2026", 0.5), ("", 0.5)]
)
def test_a_server_may_ask_for_a_longer_pause_but_not_for_an_endless_one(asked, seconds):
    assert pause(1, httpx.Response(429, headers={"Retry-After": asked})) == seconds


def test_a_broken_address_is_told_and_not_a_crash():
    with pytest.raises(FeedUnavailable, match="grid: http://"):
        web.get("grid", "http://[::1")
