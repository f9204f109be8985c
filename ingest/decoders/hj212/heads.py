"""What the head of a frame says: who sent it, when, over which period, and whether its values can be taken at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from domain import times
from domain.records import Reason, Rejection
from ingest.decoded import Context
from ingest.decoders.hj212 import fields as f
from ingest.decoders.hj212.fields import Fields
from ingest.decoders.hj212.frames import Bytes, Ints
from ingest.decoders.hj212.options import Options
from ingest.decoders.hj212.texts import ABSENT, BAD, moments

PERIODS = (times.INSTANT, times.MINUTE_10, times.HOUR, times.HOUR_4, times.DAY)
EDITIONS = ("2005", "2017", "2025")

FINE, SILENT, GRAMMAR, NO_CN, NO_MN, NO_ST, STRANGER, NO_TIME, BAD_TIME, FUTURE, PAST, UNEVEN = range(12)

_MS = timedelta(milliseconds=1)
_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
#: A Shanghai day begins at 16:00 UTC.
_MIDNIGHT = 16 * _HOUR


@dataclass(frozen=True, slots=True)
class Heads:
    """The accepted frames, one element each; times are ms since 1970 in UTC."""

    start: Ints
    stop: Ints
    mn: Ints  # text ids
    st: Ints
    received: Ints
    time: Ints
    period: Ints  # index of PERIODS
    version: Ints  # index of EDITIONS, as Flag has it; the registry knows better
    verdict: Ints
    stations: list[dict[str, Any] | None]  # the station of each text id, if that text is its MN


def read_heads(
    payload: Bytes, start: Ints, stop: Ints, content: Fields, context: Context, options: Options, texts: list[str]
) -> Heads:
    """Read the heads of the accepted frames `start[i]` to `stop[i]`.

    A frame is received at its QN when that lies within an hour of the capture window, else when the window begins.
    """
    head = content.heads
    begin, until = _ms(context.received_at), _ms(context.until)
    sent = moments(payload, head[:, f.QN], head[:, f.QN_END], 17)
    near = (sent >= begin - _HOUR) & (sent <= until + _HOUR)
    received = np.where(near, sent, begin)
    time = moments(payload, head[:, f.TIME], head[:, f.TIME_END], 14)
    # Without a believable QN all we know is that the frame came before the window ended.
    latest = np.where(near, np.minimum(sent, until), until) + int(_MINUTE * options.future_minutes)
    earliest = received - int(_DAY * options.max_age_days)
    by_mn = context.registry.by_mn
    stations = [by_mn.get(text) for text in texts]
    # An absent text has id -1 and so reads the last element.
    strange = np.array([station is None for station in stations] + [True])
    slow = np.array([station is not None and station["cadence"] == times.HOUR_4 for station in stations] + [False])
    command = head[:, f.COMMAND]
    return Heads(
        start=start,
        stop=stop,
        mn=head[:, f.MN],
        st=head[:, f.ST],
        received=received,
        time=time,
        period=np.select(
            [command == f.REALTIME, command == f.MINUTE, command == f.DAY, slow[head[:, f.MN]]], [0, 1, 4, 3], 2
        ),
        version=np.select([head[:, f.FLAG] < 4, head[:, f.FLAG] < 8], [0, 1], 2),
        verdict=_verdicts(head, strange, time, earliest, latest),
        stations=stations,
    )


def heads_refused(
    known: Heads, content: Fields, context: Context, options: Options, payload: bytes, texts: list[str]
) -> Iterator[Rejection]:
    """One rejection for each frame whose values cannot be taken."""
    for i in np.flatnonzero(known.verdict > SILENT).tolist():
        reason, text = _VERDICTS[int(known.verdict[i])]
        head = content.heads[i]
        start, stop = int(known.start[i]), int(known.stop[i])
        said = text.format(
            mn=texts[known.mn[i]] if known.mn[i] >= 0 else "",
            cn=int(head[f.COMMAND]),
            time=payload[head[f.TIME] : head[f.TIME_END]].decode("utf-8", "replace") if head[f.TIME_AT] >= 0 else "",
            age=options.max_age_days,
        )
        yield context.reject(reason, f"bytes {start} to {stop}: {said}", offset=start, length=stop - start)


def _verdicts(head: Ints, strange: npt.NDArray[np.bool_], time: Ints, earliest: Ints, latest: Ints) -> Ints:
    """What is wrong with each frame, the first of several; `strange` tells by text id which MN nobody knows."""
    command = head[:, f.COMMAND]
    step = np.select([command == f.MINUTE, command == f.HOUR, command == f.DAY], [_MINUTE, _HOUR, _DAY], 1)
    shift = np.where(command == f.DAY, _MIDNIGHT, 0)
    checks = {
        GRAMMAR: head[:, f.WRONG] == 1,
        NO_CN: command < 0,
        # Commands without values, and requests for data, are good records that say nothing.
        SILENT: head[:, f.N_ROWS] == 0,
        NO_MN: head[:, f.MN] < 0,
        NO_ST: head[:, f.ST] < 0,
        STRANGER: strange[head[:, f.MN]],
        NO_TIME: time == ABSENT,
        BAD_TIME: time == BAD,
        FUTURE: time > latest,
        PAST: time < earliest,
        UNEVEN: (time - shift) % step != 0,
    }
    return np.select(list(checks.values()), list(checks), FINE)


def _ms(moment: datetime) -> int:
    return (times.utc(moment) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // _MS


_VERDICTS = {
    GRAMMAR: (Reason.BAD_GRAMMAR, "the data segment has no CP=&&...&&"),
    NO_CN: (Reason.MISSING_FIELD, "the frame has no CN, or it is no number"),
    NO_MN: (Reason.MISSING_FIELD, "the frame has no MN, so that nobody can say whose values it carries"),
    NO_ST: (Reason.MISSING_FIELD, "the frame of MN={mn} has no ST, so that nobody can say what its codes mean"),
    STRANGER: (
        Reason.UNKNOWN_STATION,
        "no station has MN={mn}; add a row with this mn to stations.csv of the registry, or write it to its station",
    ),
    NO_TIME: (Reason.MISSING_FIELD, "the frame of MN={mn} (CN={cn}) has no DataTime"),
    BAD_TIME: (Reason.BAD_TIME, "DataTime {time!r} of MN={mn} is no time YYYYMMDDhhmmss"),
    FUTURE: (
        Reason.FUTURE_TIME,
        "DataTime {time} of MN={mn} lies after the frame was received; set the clock of the device",
    ),
    PAST: (
        Reason.BAD_TIME,
        "DataTime {time} of MN={mn} is more than {age:g} days old; import history with a larger max_age_days",
    ),
    UNEVEN: (Reason.BAD_TIME, "DataTime {time} of MN={mn} is not the start of a period of CN={cn}"),
}
