"""The shell of the human eye: grid reports in the lake -> spots.

A new, corrected or withdrawn report can change the spots of every report it is linked to, directly or through others.
Those and only those are computed anew; spots that no longer begin where they did are taken out.
"""

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd

from domain.errors import StoreConflict
from domain.times import HOUR, LOCAL, spans
from processing.counts import Counts
from processing.indicators.human import INDICATOR, REACH, components, counted, links, spots, subject
from store.home import Home
from store.lake import Written

CURSOR = "human"
_ATTEMPTS = 10

Progress = Callable[[str, float], None]


def compute_human(home: Home, *, now: datetime, progress: Progress | None = None) -> Counts:
    """Compute the spots touched by reports that came since the last run.

    Args:
        home: memory and registry.
        now: the moment written beside superseded rows.
        progress: called with what is being done and the share that is done.

    Raises:
        StoreConflict: other writers never let us through.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _compute(home, now, progress or (lambda _text, _share: None))
        except StoreConflict:
            continue  # somebody wrote the same month: read again, with his reports
    raise StoreConflict(f"indicators of the human eye: {_ATTEMPTS} runs in a row met another writer")


def _compute(home: Home, now: datetime, progress: Progress) -> Counts:
    version = home.lake.version("indicators")
    changes = home.lake.changes("reports", home.ledger.cursor(CURSOR))
    windows = spans([day for _, day in changes.days], gap=7)
    counts = Counts()
    for i, (start, end) in enumerate(windows):
        progress(start.astimezone(LOCAL).date().isoformat(), i / len(windows))
        reports, touched = _linked(home, start, end, changes.version)
        written = _write(home, reports, touched, now=now, expected=version, window=(start, end))
        version = written.version if written.any else version
        counts = counts.wrote(written) + Counts(read=len(reports), computed=int(touched.sum()))
    home.ledger.advance(CURSOR, changes.version)
    progress("", 1.0)
    return counts


def _linked(home: Home, start: datetime, end: datetime, version: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Reports around [start, end), and which of them are linked to one that may have felt a change there.

    The window grows until every link of a touched report lies inside it.
    """
    first, last = pd.Timestamp(start) - REACH, pd.Timestamp(end) + REACH
    low, high = first - REACH, last + REACH
    while True:
        read = home.lake.read("reports", start=low.to_pydatetime(), end=high.to_pydatetime(), version=version)
        reports = counted(read)
        group = components(len(reports), links(reports, home.registry.county["crs"]))
        times = reports["observed_at"]
        touched = np.isin(group, group[(times >= first) & (times < last)])
        if not touched.any():
            return reports, touched
        need_low, need_high = times[touched].min() - REACH, times[touched].max() + REACH
        if need_low >= low and need_high < high:
            return reports, touched
        low, high = min(low, need_low), max(high, need_high + pd.Timedelta(microseconds=1))


def _write(
    home: Home,
    reports: pd.DataFrame,
    touched: np.ndarray,
    *,
    now: datetime,
    expected: int,
    window: tuple[datetime, datetime],
) -> Written:
    found = spots(reports[touched], home.registry.county["crs"])
    times = reports.loc[touched, "observed_at"]
    low = min([pd.Timestamp(window[0]) - REACH, *times]).floor("h")
    high = max([pd.Timestamp(window[1]), *times]) + pd.Timedelta(hours=1)
    stored = home.lake.read(
        "indicators",
        medium="human",
        start=low.to_pydatetime(),
        end=high.to_pydatetime(),
        where={"indicator": [INDICATOR], "period": [HOUR]},
        version=expected,
    )
    others = reports[~touched]
    standing = {
        *_places(found["subject"], found["time"]),
        *_places(_subjects(others), others["observed_at"].dt.floor("h")),
    }
    gone = [place not in standing for place in _places(stored["subject"], stored["time"])]
    return home.lake.upsert(
        "indicators",
        found,
        now=now,
        why="grid reports computed",
        remove=stored[gone] if any(gone) else None,
        expected_version=expected,
    )


def _subjects(reports: pd.DataFrame) -> pd.Series:
    return pd.Series([subject(s, i) for s, i in zip(reports["source"], reports["id"], strict=True)], dtype="str")


def _places(subjects: pd.Series, times: pd.Series) -> list[tuple[str, pd.Timestamp]]:
    return list(zip(subjects, times, strict=True))
