"""Observations out of fields: whose value it is, of what, when, in which unit, and whether the device stands by it.

Everything is done for all factors at once; only what is refused is looked at one by one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from domain.catalogue import convert
from domain.records import Flag, Reason, Rejection
from ingest.decoded import Context
from ingest.decoders.hj212 import fields as f
from ingest.decoders.hj212.codes import Channel, channels, mark_flag, resolve
from ingest.decoders.hj212.fields import Fields
from ingest.decoders.hj212.frames import Bytes, Ints
from ingest.decoders.hj212.heads import EDITIONS, FINE, PERIODS, Heads
from ingest.decoders.hj212.texts import EMPTY, UNREADABLE, Floats, numbers

#: What DayData and NightData of any noise code are.
_NOISE = {1: "Ld", 2: "Ln"}


def observe(
    payload: Bytes, heads: Heads, content: Fields, context: Context, texts: Sequence[str]
) -> tuple[pd.DataFrame | None, list[Rejection]]:
    """The values of the frames that can be taken, later receive time (then position) last, and what was refused.

    Returns:
        A frame with the columns of `observations`, or None without any value; rejections.
    """
    rows = content.rows[heads.verdict[content.rows[:, f.FRAME]] == FINE]
    if len(rows) == 0:
        return None, []
    which, known = _channels(rows, heads, context, texts)
    states, values = numbers(payload, rows[:, f.VALUE], rows[:, f.VALUE_END])
    usable = np.array([not channel.reason for channel in known])[which]
    wrong = usable & (states == UNREADABLE)
    refused = [*_channels_refused(rows, which, known, context), *_values_refused(payload, rows[wrong], context)]
    kept = np.flatnonzero(usable & ~wrong)
    kept = kept[np.argsort(heads.received[rows[kept, f.FRAME]], kind="stable")]
    if len(kept) == 0:
        return None, refused
    rows, which, states = rows[kept], which[kept], states[kept]
    marks, marked = _marks(rows, heads, texts)
    frame = rows[:, f.FRAME]
    table = pd.DataFrame(
        {
            "medium": _said([c.medium for c in known], which),
            "station_id": _said([c.station_id for c in known], which),
            "parameter": _said([c.parameter for c in known], which),
            "time": _instants(heads.time[frame]),
            "period": _said(PERIODS, heads.period[frame]),
            "value": _converted(values[kept], which, known),
            "unit": _said([c.unit for c in known], which),
            "flag": np.where(states == EMPTY, int(Flag.MISSING), marked).astype(np.int32),
            "source_flag": marks,
            "feed": _said([context.feed], np.zeros(len(rows), dtype=np.int64)),
            "received_at": _instants(heads.received[frame]),
        },
        copy=False,
    )
    return table, refused


def _channels(rows: Ints, heads: Heads, context: Context, texts: Sequence[str]) -> tuple[Ints, list[Channel]]:
    """The channels that occur, in order of appearance, and for each row which of them it is."""
    size = len(texts) + 1
    sender = pd.factorize((heads.mn * size + heads.st) * len(EDITIONS) + heads.version)[0]
    which, distinct = pd.factorize((sender[rows[:, f.FRAME]] * size + rows[:, f.CODE]) * 3 + rows[:, f.SLOT])
    own = channels(context.registry)
    known = []
    for row in _first(which, len(distinct)).tolist():
        frame, slot = rows[row, f.FRAME], int(rows[row, f.SLOT])
        station = heads.stations[heads.mn[frame]] or {}
        edition = station["edition"] or EDITIONS[heads.version[frame]]
        code = _NOISE.get(slot, texts[rows[row, f.CODE]])
        known.append(resolve(station, texts[heads.st[frame]], code, edition, own))
    return which, known


def _marks(rows: Ints, heads: Heads, texts: Sequence[str]) -> tuple[pd.api.extensions.ExtensionArray, Ints]:
    """The device's mark of each row as sent, and the flag it means."""
    said = [*texts, ""]  # an absent mark has id -1
    st = heads.st[rows[:, f.FRAME]]
    which, distinct = pd.factorize((st + 1) * len(said) + rows[:, f.MARK] + 1)
    first = _first(which, len(distinct))
    marks = [said[i] for i in rows[first, f.MARK]]
    flags = [mark_flag(mark, said[i]) for mark, i in zip(marks, st[first], strict=True)]
    return _said(marks, which), np.array(flags)[which]


def _converted(values: Floats, which: Ints, known: Sequence[Channel]) -> Floats:
    """Values in canonical units."""
    pairs = [(c.spelling, c.unit) for c in known]
    for spelling, unit in sorted({pair for pair in pairs if pair[0] != pair[1]}):
        mask = np.array([pair == (spelling, unit) for pair in pairs])[which]
        values[mask] = convert(values[mask], spelling, unit)
    return values


def _channels_refused(rows: Ints, which: Ints, known: Sequence[Channel], context: Context) -> Iterator[Rejection]:
    """One rejection for each thing that is wrong with a code, however many values came under it."""
    bad = {i: c for i, c in enumerate(known) if c.reason}
    counts = np.bincount(which, minlength=len(known))
    total: Counter[tuple[str, str]] = Counter()
    for i, channel in bad.items():
        total[channel.reason, channel.detail] += int(counts[i])
    first = _first(which, len(known))
    for i, channel in bad.items():
        n = total.pop((channel.reason, channel.detail), 0)
        if n:
            at, end = (int(x) for x in rows[first[i], [f.AT, f.END]])
            detail = f"byte {at}: {channel.detail} ({n} value{'s' if n != 1 else ''} left out)"
            yield context.reject(Reason(channel.reason), detail, offset=at, length=end - at)


def _values_refused(payload: Bytes, rows: Ints, context: Context) -> Iterator[Rejection]:
    for at, end in rows[:, [f.AT, f.END]].tolist():
        item = payload[at:end].tobytes().decode("utf-8", "replace")
        yield context.reject(
            Reason.BAD_VALUE, f"byte {at}: the value of {item!r} is no number", offset=at, length=end - at
        )


def _first(which: Ints, count: int) -> Ints:
    """The first row of each of `count` groups."""
    first = np.empty(count, dtype=np.int64)
    first[which[::-1]] = np.arange(len(which))[::-1]
    return first


def _said(words: Sequence[str], which: Ints) -> pd.api.extensions.ExtensionArray:
    return pd.array(list(words), dtype="str").take(which)


def _instants(milliseconds: Ints) -> pd.DatetimeIndex:
    return pd.DatetimeIndex((milliseconds * 1000).astype("datetime64[us]"), tz="UTC")
