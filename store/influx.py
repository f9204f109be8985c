"""The serving copy for dashboards: observations and indicators published to InfluxDB 2; never the record.

Every row offered is acknowledged, refused (and then kept with the server's reason) or delayed (the server was not
there; the next publication offers it again). Writing the same row again overwrites the same point, so publication can
be repeated at any time, also for history: `sanyan publish --from --to`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from influxdb_client import InfluxDBClient, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from domain.records import TABLES
from domain.times import spans
from store.home import Home
from store.ledger.refusals import keep_refusals

BATCH = 5_000
#: What the publisher follows, and the tables whose changes make a row of it worth sending again.
_FOLLOWS = {"observations": ("observations", "quality"), "indicators": ("indicators",)}


@dataclass(frozen=True)
class Target:
    """One InfluxDB 2 bucket."""

    url: str
    token: str = ""
    org: str = "sanyan"
    bucket: str = "sanyan"
    timeout_ms: int = 10_000

    @classmethod
    def from_environment(cls) -> "Target | None":
        """SANYAN_INFLUX_URL, _TOKEN, _ORG, _BUCKET; None when no URL is set: then nothing is published."""
        url = os.environ.get("SANYAN_INFLUX_URL", "")
        if not url:
            return None
        return cls(
            url=url,
            token=os.environ.get("SANYAN_INFLUX_TOKEN", cls.token),
            org=os.environ.get("SANYAN_INFLUX_ORG", cls.org),
            bucket=os.environ.get("SANYAN_INFLUX_BUCKET", cls.bucket),
        )


@dataclass(frozen=True, slots=True)
class Published:
    """What became of the rows offered: offered = acknowledged + refused + delayed."""

    offered: int = 0
    acknowledged: int = 0
    refused: int = 0
    delayed: int = 0
    reason: str = ""  # why rows were delayed

    def __add__(self, other: "Published") -> "Published":
        return Published(
            self.offered + other.offered,
            self.acknowledged + other.acknowledged,
            self.refused + other.refused,
            self.delayed + other.delayed,
            self.reason or other.reason,
        )


def publish(
    home: Home,
    target: Target | None,
    *,
    now: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Published:
    """Publish what changed since the last time, or, with `start` and `end`, that period again.

    Nothing happens and nothing is said when there is no target.
    """
    total = Published()
    if target is None:
        return total
    with InfluxDBClient(url=target.url, token=target.token, org=target.org, timeout=target.timeout_ms) as client:
        api = client.write_api(write_options=SYNCHRONOUS)

        def send(lines: Sequence[str]) -> None:
            api.write(target.bucket, target.org, "\n".join(lines), write_precision=WritePrecision.US)

        for table, follows in _FOLLOWS.items():
            total += _publish_table(home, target, send, table, follows, (start, end), now, progress)
            if total.delayed:
                break
    return total


def _publish_table(
    home: Home,
    target: Target,
    send: Callable[[Sequence[str]], None],
    table: str,
    follows: Sequence[str],
    period: tuple[datetime | None, datetime | None],
    now: datetime,
    progress: Callable[[str, float], None] | None,
) -> Published:
    cursors = {f: f"influx:{target.url}/{target.org}/{target.bucket}:{table}:{f}" for f in follows}
    versions: dict[str, int] = {}
    work: list[tuple[datetime | None, datetime | None]] = [period]
    if period == (None, None):
        changes = {f: home.lake.changes(f, home.ledger.cursor(name)) for f, name in cursors.items()}
        versions = {f: c.version for f, c in changes.items()}
        work = list(spans(day for c in changes.values() for _, day in c.days))
    total = Published()
    for i, (start, end) in enumerate(work):
        total += offer(_lines(home, table, start, end), send, lambda refused: keep_refusals(home.ledger, refused, now))
        if total.delayed:
            return total
        if progress is not None:
            progress(table, (i + 1) / len(work))
    for f, version in versions.items():
        home.ledger.advance(cursors[f], version)
    return total


def offer(
    lines: Sequence[str],
    send: Callable[[Sequence[str]], None],
    refuse: Callable[[Sequence[tuple[str, str]]], None],
) -> Published:
    """Send lines in batches; a refused batch is halved until the refused lines stand alone.

    Args:
        lines: line protocol, one point a line.
        send: sends a batch; raises ApiException or HTTPError.
        refuse: takes (line, the server's reason) of the refused ones.
    """
    acknowledged, refused = 0, 0
    queue = [list(lines[at : at + BATCH]) for at in range(0, len(lines), BATCH)][::-1]
    while queue:
        batch = queue.pop()
        try:
            send(batch)
        except (ApiException, HTTPError, OSError) as error:
            reason = _refusal(error)
            if reason is None:
                left = len(lines) - acknowledged - refused
                return Published(len(lines), acknowledged, refused, left, f"{type(error).__name__}: {error}"[:300])
            if len(batch) == 1:
                refuse([(batch[0], reason)])
                refused += 1
            else:
                middle = len(batch) // 2
                queue += [batch[middle:], batch[:middle]]
        else:
            acknowledged += len(batch)
    return Published(len(lines), acknowledged, refused, 0)


def _refusal(error: Exception) -> str | None:
    """The server's reason when it will never take these lines; None when another try may help."""
    status = getattr(error, "status", None)
    if status in (400, 413, 422):
        return f"{status}: {getattr(error, 'body', '') or getattr(error, 'reason', '')}"[:500]
    return None


def _lines(home: Home, table: str, start: datetime | None, end: datetime | None) -> list[str]:
    frame = home.lake.read(table, start=start, end=end)
    if table == "observations":
        return observation_lines(frame, home.lake.read("quality", start=start, end=end))
    return indicator_lines(frame)


def observation_lines(observations: pd.DataFrame, quality: pd.DataFrame) -> list[str]:
    """Observations as line protocol, one point each, the flag of quality control before the door's."""
    key = list(TABLES["observations"].key)
    flags = observations[key].merge(quality[[*key, "flag"]], how="left", on=key)["flag"]
    flag = np.where(flags.isna(), observations["flag"], flags).astype(int)
    head = _head("observations", observations, ("medium", "station_id", "parameter", "period", "unit"))
    return _points(head, observations["value"], flag, _micros(observations["time"]))


def indicator_lines(indicators: pd.DataFrame) -> list[str]:
    """Indicators as line protocol, one point each."""
    head = _head("indicators", indicators, ("medium", "indicator", "subject", "period", "edition"))
    return _points(head, indicators["value"], indicators["flag"].to_numpy(), _micros(indicators["time"]))


def _micros(times: pd.Series) -> np.ndarray:
    return times.dt.as_unit("us").astype("int64").to_numpy()


def _head(measurement: str, frame: pd.DataFrame, tags: Sequence[str]) -> list[str]:
    """`measurement,tag=value,...` of each row; each distinct value is escaped once."""
    parts = []
    for tag in tags:
        codes, values = pd.factorize(frame[tag])
        texts = np.array([f",{tag}={_escape(str(v))}" if str(v) else "" for v in values] or [""], dtype=object)
        parts.append(texts[codes])
    return [measurement + "".join(row) for row in zip(*parts, strict=True)]


def _escape(text: str) -> str:
    for mark in ("\\", ",", "=", " "):
        text = text.replace(mark, "\\" + mark)
    return text.replace("\n", "\\ ").replace("\r", "\\ ")


def _points(head: Sequence[str], values: pd.Series, flags: np.ndarray, times: np.ndarray) -> list[str]:
    rows = zip(head, values.tolist(), np.asarray(flags).tolist(), times.tolist(), strict=True)
    # A missing value has no field of its own: v != v is true of NaN only.
    return [f"{h} flag={f}i {t}" if v != v else f"{h} value={v!r},flag={f}i {t}" for h, v, f, t in rows]  # noqa: PLR0124
