"""truth.csv: what happened in the simulated county, where, when, and what the pipeline must make of it.

One row per event, subject and consequence. An event belongs to the window in which it becomes knowable (see
`knowable`), so the rows of joined windows are the rows of the whole. A row with expect=alert is met by an alert of that
rule whose subject (or one of whose labels) is the row's subject and which overlaps [start - 6 h, end + 48 h].
A row with expect=evidence alarms nobody by itself; its rule is the kind of evidence, `spot` or `candidate`.
Rows of one `incident` are one matter, of which the three eyes together must make one incident. What a satellite or
people saw has a place: lon, lat (WGS 84), reach_m around it, and the category of reports.
"""

import csv
import io
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from domain.times import LOCAL
from sample_feeds.lab import campaigns
from sample_feeds.scenario import Event, Scenario, SkyEvent, SoilSample, SpotReports

COLUMNS = (
    "event_id", "kind", "eye", "subject", "start", "end", "expect", "rule", "severity", "note_zh", "note_en",
    "incident", "lon", "lat", "reach_m", "category",
)  # fmt: skip
_DAY = timedelta(days=1)


def rows(scenario: Scenario, start: datetime, end: datetime) -> Iterator[dict[str, str]]:
    """The rows of all events that become knowable in [start, end), in the order of the scenario."""
    for event in scenario.events:
        for subject in event.subjects:
            known = knowable(event, subject, scenario)
            if known is None or not start <= known < end:
                continue
            first, last = event.span(subject)
            for consequence in event.truth:
                yield {
                    "event_id": event.id,
                    "kind": event.kind,
                    "eye": event.eye,
                    "subject": subject,
                    "start": _text(first),
                    "end": _text(last),
                    **consequence.model_dump(),
                    "note_zh": event.note_zh,
                    "note_en": event.note_en,
                    "incident": event.incident or event.id,
                    **_place(event),
                }


def _place(event: Event) -> dict[str, str]:
    """Where something was seen that no station measured."""
    if isinstance(event, SpotReports):
        reach, category = event.radius_m, str(event.category)
    elif isinstance(event, SkyEvent):
        reach, category = math.sqrt(event.area_ha * 1e4 / math.pi), ""
    else:
        return dict.fromkeys(("lon", "lat", "reach_m", "category"), "")
    lon, lat = (f"{v:.6f}" for v in event.centre)
    return {"lon": lon, "lat": lat, "reach_m": f"{reach:.0f}", "category": category}


def knowable(event: Event, subject: str, scenario: Scenario) -> datetime | None:
    """When the feeds first show an event at a subject; None when they never do.

    On the ground and from people: when it begins. In a soil sample: when the laboratory's report arrives. From space:
    when the first clear scene acquired during the event is published.
    """
    first, last = event.span(subject)
    if isinstance(event, SoilSample):
        return next((c.reported_at for c in campaigns(first, last + _DAY)), None)
    if isinstance(event, SkyEvent):
        delay = timedelta(hours=scenario.sky.published_after_h)
        return next((at + delay for at in clear_passes(scenario, first, last)), None)
    return first


def clear_passes(scenario: Scenario, start: datetime, end: datetime) -> Iterator[datetime]:
    """Acquisitions in [start, end) that see through to the events, in order."""
    sky = scenario.sky
    zero = scenario.anchor.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
    day = (start.astimezone(LOCAL) - zero) // _DAY
    while (at := zero + day * _DAY + timedelta(hours=sky.pass_hour)) < end:
        covered = sky.clouds.get(day, sky.default_cloud)
        if at >= start and day % sky.cycle_days in sky.passes and covered <= sky.clear_below:
            yield at
        day += 1


def write(out: Path, scenario: Scenario, start: datetime, end: datetime) -> int:
    """Write `truth.csv`; returns the number of rows."""
    found = list(rows(scenario, start, end))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    out.mkdir(parents=True, exist_ok=True)
    (out / "truth.csv").write_text(text.getvalue(), encoding="utf-8")
    return len(found)


def _text(moment: datetime) -> str:
    return moment.astimezone(LOCAL).isoformat(timespec="seconds")
