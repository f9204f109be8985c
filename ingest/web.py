"""Answers over HTTP: over one session, tried again while that may help; large files go on where they stopped."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import tenacity

from domain.errors import FeedUnavailable
from ingest.access import Access, admitted, forget

#: How often one address is tried, and the pause before the second try, which doubles from try to try.
ATTEMPTS = 4
PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
#: No raster of ours is larger; a server that never stops sending is cut off here.
LARGEST_BYTES = 8 << 30
_TIMEOUT_S = 30.0


def get(feed: str, address: str, *, access: Access | None = None) -> bytes | None:
    """The bytes at an http(s) address; None when there is nothing (404, 410).

    Connection errors, 429 and 5xx are tried again with growing pauses, or as long as the server asks (Retry-After).

    Raises:
        FeedUnavailable: no answer; the text names the feed and the address.
    """
    answer = ask(feed, address, access=access)
    return None if answer.status_code in {404, 410} else answer.content


def ask(
    feed: str,
    address: str,
    *,
    access: Access | None = None,
    method: str = "GET",
    params: Mapping[str, Any] | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """An answer that is no error but 404 and 410, tried as `get` tries.

    Raises:
        FeedUnavailable: no answer, or an error; the text names the feed and the address.
    """

    def once() -> httpx.Response:
        target, ours = admitted(feed, access, address, _client())
        return _client().request(method, target, params=params or None, json=body, headers={**(headers or {}), **ours})

    answer = _tried(feed, address, access, once)
    _refused(feed, address, answer)
    return answer


def download(feed: str, address: str, place: Path, *, access: Access | None = None) -> bool:
    """Fetch a file to `place`; False when there is nothing (404, 410).

    While it comes it is `<place>.part`. A part of an earlier try is continued when the server says that the file is
    still the same (If-Range with its ETag or date), else it is fetched from the start. A file that is whole already is
    asked for only if it has changed. A connection that ends early is an error, never the end of the file.

    Raises:
        FeedUnavailable: no answer, or more than LARGEST_BYTES; the text names the feed and the address.
    """

    def once() -> httpx.Response:
        target, headers = admitted(feed, access, address, _client())
        return _one_try(feed, address, target, headers, place)

    answer = _tried(feed, address, access, once)
    _refused(feed, address, answer)
    return answer.status_code not in {404, 410}


def _one_try(feed: str, address: str, target: str, headers: dict[str, str], place: Path) -> httpx.Response:
    part, note = place.with_name(place.name + ".part"), place.with_name(place.name + ".json")
    state = _state(note, address)
    asked = {**headers, "Accept-Encoding": "identity"}
    if place.is_file() and state:
        asked |= {"If-None-Match": state["tag"]} if state["strong"] else {"If-Modified-Since": state["tag"]}
    elif _size(part) and state:
        asked |= {"Range": f"bytes={_size(part)}-", "If-Range": state["tag"]}
    with _client().stream("GET", target, headers=asked) as answer:
        if answer.status_code == 416:  # the part is as long as the file, or longer: begin again
            part.unlink(missing_ok=True)
            raise httpx.ReadError("the part kept of an earlier try does not fit the file")
        if answer.status_code not in {200, 206}:
            return answer
        continued = answer.status_code == 206 and _starts_at(answer) == _size(part)
        if answer.status_code == 206 and not continued:
            part.unlink(missing_ok=True)
            raise httpx.ReadError("the server continues at another byte than it was asked for")
        if not continued:  # in this order: what is noted is never younger than what lies there
            for old in (note, place, part):
                old.unlink(missing_ok=True)
            note.write_text(json.dumps({"address": _plain(address), **_tag(answer)}), encoding="utf-8")
        with part.open("ab" if continued else "wb") as stream:
            for chunk in answer.iter_bytes():  # as they come: what is held back is lost when it breaks off
                stream.write(chunk)
                if stream.tell() > LARGEST_BYTES:
                    raise FeedUnavailable(f"{feed}: {address}: sends more than {LARGEST_BYTES} bytes; it was cut off")
        part.replace(place)
        return answer


def _state(note: Path, address: str) -> dict[str, Any]:
    """What was noted of a part: by what the server can tell that its file is the same; {} when nothing can."""
    try:
        state: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if state.get("address") == _plain(address) and state.get("tag") else {}


def _tag(answer: httpx.Response) -> dict[str, Any]:
    tag = answer.headers.get("etag", "")
    strong = bool(tag) and not tag.startswith("W/")
    return {"tag": tag if strong else answer.headers.get("last-modified", ""), "strong": strong}


def _plain(address: str) -> str:
    """Without the query: signatures change from day to day."""
    return address.partition("?")[0]


def _starts_at(answer: httpx.Response) -> int:
    unit, _, rest = answer.headers.get("content-range", "").partition(" ")
    start = rest.partition("-")[0]
    return int(start) if unit == "bytes" and start.isdigit() else -1


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


@cache
def _client() -> httpx.Client:
    """One session for everything: platforms lock accounts that open one for each file."""
    return httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True)


def _tried(feed: str, address: str, access: Access | None, once: Callable[[], httpx.Response]) -> httpx.Response:
    def worth_it(answer: httpx.Response) -> bool:
        if answer.status_code in {401, 403}:  # a token that has run out
            return forget(access)
        return answer.status_code == 429 or answer.status_code >= 500

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=_pause,
        retry=tenacity.retry_if_exception_type(httpx.TransportError) | tenacity.retry_if_result(worth_it),
        retry_error_callback=_last,
        reraise=True,
    )
    try:
        return retrying(once)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"{type(error).__name__}: {error}"
        raise FeedUnavailable(f"{feed}: {address}: no answer after {ATTEMPTS} tries ({reason})") from error


def _refused(feed: str, address: str, answer: httpx.Response) -> None:
    if answer.is_error and answer.status_code not in {404, 410}:
        hint = "; set access in feeds.yaml" if answer.status_code in {401, 403} else ""
        raise FeedUnavailable(
            f"{feed}: {address}: the server answers {answer.status_code} {answer.reason_phrase}{hint}"
        )


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
