"""Feed health: how far each feed has been asked, what came, what was refused and why, and the raw payload behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from console.web.site import Site
from ingest.feeds import for_registry
from ingest.gateway.health import gateways
from ingest.privacy import mask
from store.ledger.coverage import STATES

#: A payload is shown this far; the rest is in the archive.
_SHOWN = 64 * 1024


def health(site: Site, span: timedelta) -> pd.DataFrame:
    """One row a feed over the last `span`: names, eye, asked until, lag_h, windows by state, records, rejections."""
    now = site.now()
    start = now - span
    answers = site.home.coverage.read(start=start, end=now)
    refused = site.home.ledger.rejections(start=start, end=now)
    rows = []
    for name, feed in for_registry(site.home.registry.root).items():
        mine = answers[answers["feed"] == name]
        good = mine[~mine["state"].isin(["failed"])]
        brought = mine[mine["n_records"] > 0]
        rows.append(
            {
                "feed": name,
                "name_zh": feed.name_zh,
                "name_en": feed.name_en,
                "eye": feed.eye,
                "every": feed.every,
                "asked_until": good["end"].max() if len(good) else pd.NaT,
                "brought_until": brought["end"].max() if len(brought) else pd.NaT,
                "n_records": int(mine["n_records"].sum()),
                "n_rejected": int((refused["feed"] == name).sum()),
                **{state: int((mine["state"] == state).sum()) for state in STATES[1:]},
            }
        )
    frame = pd.DataFrame(rows)
    for column in ("asked_until", "brought_until"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    # A window may end after now (today); then nothing is behind.
    frame["lag_h"] = ((pd.Timestamp(now) - frame["asked_until"]) / pd.Timedelta(hours=1)).clip(lower=0)
    return frame


def listening(site: Site) -> list[dict[str, Any]]:
    """The gateways of the home as they are now; see `ingest.gateway.health.gateways`."""
    return gateways(site.home, site.now())


def rejected(site: Site, feed: str, reason: str, start: datetime, end: datetime) -> pd.DataFrame:
    """The quarantine of a span, newest first; no feed or reason means any."""
    return site.home.ledger.rejections(feed or None, reason or None, start, end)


@dataclass(frozen=True, slots=True)
class Payload:
    """A rejected record as it was received, as text."""

    text: str
    part: str  # the rejected record alone; "" when all of it was
    offset: int  # its first byte in the payload
    length: int
    total: int  # bytes of the whole payload


def payload(site: Site, row: dict[str, object], *, unmasked: bool) -> Payload:
    """The bytes behind a rejection as text; personal data masked unless asked otherwise.

    Raises:
        StoreError: the archive does not have it.
    """
    content = site.home.files.payload(str(row["raw_ref"]))
    offset, length = int(str(row["offset"])), int(str(row["length"]))
    first = max(0, offset - _SHOWN // 4)
    part = content[first : first + _SHOWN]
    bad = content[offset : offset + min(length, _SHOWN)] if 0 < length < len(content) else b""
    text, record = readable(part), readable(bad)
    if not unmasked:
        text, record = mask(text), mask(record)
    return Payload(text, record, offset, length, len(content))


def readable(part: bytes) -> str:
    """Bytes as text: UTF-8, else GB 18030, else hexadecimal; control characters as pictures."""
    for encoding in ("utf-8", "gb18030"):
        try:
            text = part.decode(encoding)
        except UnicodeDecodeError:
            continue
        if sum(not (c.isprintable() or c in "\r\n\t") for c in text) <= max(4, len(text) // 20):
            return "".join(_picture(c) for c in text)
    return " ".join(f"{b:02x}" for b in part[: _SHOWN // 4])


def _picture(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "�"
