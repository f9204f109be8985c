"""Answers over HTTP: tried again while that may help."""

import httpx
import tenacity

from domain.errors import FeedUnavailable

#: How often one address is tried, and the pause before the second try, which doubles from try to try.
ATTEMPTS = 4
PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
_TIMEOUT_S = 30.0


def get(feed: str, address: str) -> bytes | None:
    """The bytes at an http(s) address; None when there is nothing (404, 410).

    Connection errors, 429 and 5xx are tried again with growing pauses, or as long as the server asks (Retry-After).

    Raises:
        FeedUnavailable: no answer; the text names the feed and the address.
    """
    try:
        answer = _tried(address)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"{type(error).__name__}: {error}"
        raise FeedUnavailable(f"{feed}: {address}: no answer after {ATTEMPTS} tries ({reason})") from error
    if answer.status_code in {404, 410}:
        return None
    if answer.is_error:
        raise FeedUnavailable(f"{feed}: {address}: the server answers {answer.status_code} {answer.reason_phrase}")
    return answer.content


def _tried(address: str) -> httpx.Response:
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=_pause,
        retry=tenacity.retry_if_exception_type(httpx.TransportError) | tenacity.retry_if_result(_worth_it),
        retry_error_callback=_last,
        reraise=True,
    )
    with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True) as client:
        return retrying(client.get, address)


def _worth_it(answer: httpx.Response) -> bool:
    return answer.status_code == 429 or answer.status_code >= 500


def _pause(state: tenacity.RetryCallState) -> float:
    asked = ""
    if state.outcome is not None and not state.outcome.failed:
        asked = state.outcome.result().headers.get("retry-after", "")
    longer = float(asked) if asked.isascii() and asked.isdigit() else 0.0
    return min(max(PAUSE_S * 2 ** (state.attempt_number - 1), longer), LONGEST_PAUSE_S)


def _last(state: tenacity.RetryCallState) -> httpx.Response:
    """The last answer or, when there was none, its exception."""
    if state.outcome is None:
        raise httpx.TransportError("nothing was tried")
    answer: httpx.Response = state.outcome.result()
    return answer
