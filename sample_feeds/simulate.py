"""The sample county, simulated: three feeds in the formats that real devices and platforms speak, and the truth.

`simulate(out, start=..., end=..., seed=..., scenario=...)` writes below `out`

    truth.csv                                   what happened, and which alert must follow
    ground/hj212/<day>/<hour>.hj212             what the gateway received in that hour of Lishui, byte for byte
    ground/lab/<day>/*.xlsx                     laboratory sheets that arrived that day
    sky/catalog.json ...                        a static STAC catalogue with its rasters
    human/api/<day>/<hour>/page-1.json ...      pages of the platform's interface as polled in that hour
    human/photos/<day>/<hour>/*.png             photos of the reports that first came in that hour
    human/export/<day>/*.xlsx                   the platform's spreadsheet export

`simulate_years(out, years=...)` adds out/archives: what whole past years have of rain, soil, growth and land cover.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain.registry import Registry
from domain.times import utc
from sample_feeds import archives, ground, human, lab, scenes, sky, truth
from sample_feeds.scenario import Scenario, load

COUNTY = Path(__file__).with_name("county")
SAMPLE = Path(__file__).with_name("sample")

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was written."""

    packets: int
    lab_sheets: int
    scenes: int
    human_files: int
    truth_rows: int


def simulate(
    out: Path,
    *,
    start: datetime,
    end: datetime,
    seed: int,
    scenario: Scenario,
    progress: Progress | None = None,
    county: Path = COUNTY,
) -> Counts:
    """Write the feeds of [start, end), whole hours, below `out`.

    The same seed, scenario and window give the same bytes; the capture files of an hour do not depend on the window.

    Args:
        out: folder to write into; files of the same name are replaced.
        start: first hour, zone-aware.
        end: hour after the last.
        seed: of all randomness.
        scenario: what happens.
        progress: called with the name of the part at work and the share of it that is done (0..1).
        county: registry folder of the county to simulate.

    Raises:
        ValueError: the window is empty, or not of whole hours, or without a time zone.
    """
    start, end = _window(start, end)
    registry = Registry.load(county)
    report = progress or (lambda _part, _share: None)
    packets = ground.write(out, registry, scenario, start, end, seed, report)
    sheets = lab.write(out, registry, scenario, start, end, seed)
    report("human", 0.0)
    reports = human.write(out, registry, scenario, start=start, end=end, seed=seed)
    report("human", 1.0)
    report("sky", 0.0)
    scenes = sky.write(out, registry, scenario, start=start, end=end, seed=seed)
    report("sky", 1.0)
    return Counts(packets, sheets, scenes, reports, truth.write(out, scenario, start, end))


def simulate_years(out: Path, *, years: Sequence[int], seed: int, scenario: Scenario, county: Path = COUNTY) -> int:
    """Write the archives of whole past years below `out` (`sample_feeds.archives`).

    Returns:
        how many files there are.
    """
    registry = Registry.load(county)
    land = scenes.county_land(registry, scenario, scenario.sky.resolution_m, seed)
    return archives.write(out, registry, land, years=years, seed=seed)


def write_sample(out: Path = SAMPLE) -> None:
    """The small sample that is kept with the code: three hours of ground, two of people, one laboratory sheet.

    Run `python -c "from sample_feeds.simulate import write_sample; write_sample()"` after any change of the simulator.
    """
    scenario, registry = load(), Registry.load(COUNTY)
    start, seed = scenario.start + timedelta(hours=29), scenario.seed  # hours in which frames are spoilt
    ground.write(out, registry, scenario, start, start + timedelta(hours=3), seed)
    human.write(out, registry, scenario, start=start, end=start + timedelta(hours=2), seed=seed)
    reported = next(lab.campaigns(start, scenario.end)).reported_at
    lab.write(out, registry, scenario, reported, reported + timedelta(minutes=1), seed)


def _window(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    start, end = utc(start), utc(end)
    if end <= start:
        raise ValueError(f"nothing to simulate: the end {end.isoformat()} is not after the start {start.isoformat()}")
    if any(moment.timestamp() % 3600 for moment in (start, end)):
        raise ValueError(f"{start.isoformat()} to {end.isoformat()} is not of whole hours; give for example 08:00")
    return start, end
