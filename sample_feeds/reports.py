"""What grid workers and citizens of the sample county report: everyday matters, and the spots of the scenario.

Everyday reports of a day depend on the seed and that day alone, so every window shows the same ones. They stand on a
lattice of places of which neighbouring days use different fifths: no two of them within four days are close to each
other, and none is near a spot of the scenario.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Transformer
from shapely import STRtree, points

from domain.catalogue import TABLES_DIR, read_table
from domain.registry import Registry
from domain.times import LOCAL, day_start
from sample_feeds.scenario import ReportFault, Scenario, SpotReports
from sample_feeds.streams import stream

TEXTS = Path(__file__).with_name("tables") / "report_texts.csv"

#: Sixths of the lattice: five for everyday reports, turn about by day, one for the faulty ones.
_SIXTHS, _FAULTY = 6, 5
#: A case is closed within this time, so that one looks no further back for reports still moving.
LONGEST = timedelta(days=8)

_SOURCES = ("网格上报", "12345热线", "12369举报", "随手拍", "视频识别")
_SOURCE_SHARES = (0.62, 0.16, 0.06, 0.12, 0.04)
_VILLAGES = ("上坞村", "下圩村", "前山村", "后塘村", "新屋村", "樟树下村", "石塘村", "溪口村", "岭脚村", "桥头村")
_REPORTERS = ("张示例", "李样例", "王虚构", "陈假名", "刘某某")
#: Nobody's: a number of a film set, an identity card of 1 January 1900, a plate of zeros.
_PRIVATE = (
    "联系人{name}，电话13800000000",
    "我手机 138 0000 0000，尽快回复",
    "举报人：{name}，身份证331102190001010012",
    "座机0578-0000000，找{name}",
    "车牌浙K00000，司机电话１３９００００００００",
)
_SPOKEN = ("（语音转文字）", "～～", "！！！", "🙏", "😡", "，請儘快處理", "，麻烦派人来看一下")


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a case."""

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """One report as it truly was (WGS 84, UTC), with what the platform would say of it."""

    task_id: str
    source: str
    township: str
    township_name: str
    grid_code: str
    found_at: datetime
    lon: float
    lat: float
    coord_sys: str
    address: str
    class_small: str
    class_end: str  # at closing; "" when the case is not taken
    text: str
    urgency: int
    reporter: str
    duplicate_of: str
    steps: tuple[Step, ...]
    redelivered: bool  # the first message comes twice
    fault: str  # kind of the ReportFault, "" for most


@dataclass(frozen=True)
class Places:
    """Where everyday reports may stand: WGS 84 position, township and sixth of each place of the lattice."""

    lon: np.ndarray
    lat: np.ndarray
    township: np.ndarray  # index into the registry's townships
    sixth: np.ndarray
    weight: np.ndarray


@cache
def texts() -> pd.DataFrame:
    """Everyday texts by class: class_small, urgency, text, and the class_big and category they belong to."""
    said = read_table(TEXTS, columns=["class_small", "urgency", "text"], key=["class_small"])
    return said.drop(columns="line").merge(classes(), left_on="class_small", right_index=True, validate="1:1")


@cache
def classes() -> pd.DataFrame:
    """class_big and category of each class_small, from domain/tables/report_classes.csv."""
    path = TABLES_DIR / "report_classes.csv"
    table = read_table(path, columns=["class_big", "class_small", "category", "source"], key=["class_small"])
    return table.set_index("class_small")[["class_big", "category"]]


def reports(registry: Registry, scenario: Scenario, start: datetime, end: datetime, seed: int) -> list[Report]:
    """Every report with a step in [start, end), in the order in which they were made."""
    places = _places(registry, scenario, seed)
    day, last = (start - LONGEST).astimezone(LOCAL).date(), end.astimezone(LOCAL).date()
    found: list[Report] = []
    while day <= last:
        found += _everyday(registry, scenario, places, day, seed)
        day += timedelta(days=1)
    for number, event in enumerate(scenario.of(SpotReports), start=1):
        found += _spot(registry, event, number, seed)
    found += _faulty(registry, scenario, places, seed)
    seen = [r for r in found if any(start <= step.at < end for step in r.steps)]
    return sorted(seen, key=lambda r: (r.found_at, r.task_id))


def _places(registry: Registry, scenario: Scenario, seed: int) -> Places:
    keep_off = scenario.human.min_distance_m
    cell = keep_off + 200
    west, south, east, north = registry.county["bbox"]
    to_grid = Transformer.from_crs(4326, registry.county["crs"], always_xy=True)
    left, bottom, right, top = to_grid.transform_bounds(west, south, east, north)
    columns, rows = (
        a.ravel() for a in np.meshgrid(np.arange(left, right, cell), np.arange(bottom, top, cell), indexing="ij")
    )
    rng = stream(seed, "human", "places")
    x, y = (line + cell / 2 + rng.uniform(-100, 100, line.size) for line in (columns, rows))
    sixth = ((columns - left) // cell + 2 * ((rows - bottom) // cell)).astype(int) % _SIXTHS
    free = np.ones(x.size, dtype=bool)
    for event in scenario.of(SpotReports):
        spot_x, spot_y = to_grid.transform(*event.centre)
        free &= np.hypot(x - spot_x, y - spot_y) > keep_off + event.radius_m
    lon, lat = to_grid.transform(x, y, direction="INVERSE")
    township = np.full(x.size, -1)
    inside, of = STRtree(registry.townships.shapes).query(points(lon, lat), predicate="within")
    township[inside] = of
    free &= township >= 0
    weights = np.array([3.0 if kind == "subdistrict" else 1.0 for kind in registry.townships.kinds])
    return Places(lon[free], lat[free], township[free], sixth[free], weights[township[free]])


def _everyday(registry: Registry, scenario: Scenario, places: Places, day: date, seed: int) -> list[Report]:
    rng = stream(seed, "human", day.isoformat())
    at_hand = np.flatnonzero(places.sixth == day.toordinal() % _FAULTY)
    count = min(int(rng.poisson(scenario.human.per_day)), at_hand.size)
    share = places.weight[at_hand] / places.weight[at_hand].sum()
    chosen = rng.choice(at_hand, count, replace=False, p=share)
    hours = np.sort(6 + 16 * rng.beta(1.4, 1.6, count))
    made = [day_start(day) + timedelta(seconds=int(h * 3600)) for h in hours]
    return [
        _report(registry, scenario, places, int(place), f"LDWG{day:%Y%m%d}{n:04d}", at, rng)
        for n, (place, at) in enumerate(zip(chosen, made, strict=True), start=1)
    ]


def _report(
    registry: Registry,
    scenario: Scenario,
    places: Places,
    place: int,
    task_id: str,
    at: datetime,
    rng: np.random.Generator,
) -> Report:
    """One everyday report at a place of the lattice."""
    habits, said = scenario.human, texts()
    row = said.iloc[int(rng.integers(len(said)))]
    true_class = str(row["class_small"])
    told_class = _another_class(true_class, rng) if rng.random() < habits.wrong_class_share else true_class
    township = int(places.township[place])
    village = str(rng.choice(_VILLAGES))
    reporter = str(rng.choice(_REPORTERS))
    return Report(
        task_id=task_id,
        source=str(rng.choice(_SOURCES, p=_SOURCE_SHARES)),
        township=registry.townships.ids[township],
        township_name=registry.townships.names_zh[township],
        grid_code=_grid_code(registry.townships.ids[township], rng),
        found_at=at,
        lon=float(places.lon[place]),
        lat=float(places.lat[place]),
        coord_sys=_coord_sys(habits.gcj02_share, rng),
        address=f"丽水市莲都区{registry.townships.names_zh[township]}{village}附近",
        class_small=told_class,
        class_end=true_class,
        text=_with_habits(str(row["text"]).format(place=village), reporter, habits.phone_share, rng),
        urgency=int(row["urgency"]),
        reporter=reporter,
        duplicate_of="",
        steps=_steps(at, rng),
        redelivered=bool(rng.random() < habits.duplicate_share),
        fault="",
    )


def _spot(registry: Registry, event: SpotReports, number: int, seed: int) -> Iterator[Report]:
    """The reports of one spot by different people, and one pressed twice on a phone, which the platform merges."""
    rng = stream(seed, "human", event.id)
    right = _class_of(event)
    village = str(rng.choice(_VILLAGES))
    known = dict(zip(registry.townships.ids, registry.townships.names_zh, strict=True))
    later = np.sort(rng.uniform(0, event.spread_h, event.reports))
    later[0] = min(later[0], 0.4)
    first = ""
    for n, hours in enumerate(later, start=1):
        lon, lat = _aside(registry, event.centre, event.radius_m, rng)
        at = event.start + timedelta(seconds=int(hours * 3600))
        reporter = _REPORTERS[n % len(_REPORTERS)]
        # The third of several calls it something else, and is put right when the case is closed.
        told = "其他问题" if n == 3 and event.reports > 3 else right
        report = Report(
            task_id=f"LDWG{event.start.astimezone(LOCAL):%Y%m%d}8{number:01d}{n:02d}",
            source=_SOURCES[(n - 1) % 4],
            township=event.subjects[0],
            township_name=known[event.subjects[0]],
            grid_code=_grid_code(event.subjects[0], rng),
            found_at=at,
            lon=lon,
            lat=lat,
            coord_sys=("GCJ02", "WGS84", "BD09", "GCJ02")[(n - 1) % 4],
            address=f"丽水市莲都区{known[event.subjects[0]]}{village}{event.place_zh}",
            class_small=told,
            class_end=right,
            text=_with_habits(f"{village}{event.place_zh}{event.text_zh}", reporter, 0.5, rng),
            urgency=2,
            reporter=reporter,
            duplicate_of="",
            steps=_steps(at, rng),
            redelivered=n == 1,
            fault="",
        )
        first = first or report.task_id
        yield report
        if n == 1 and event.reports > 2:
            yield _pressed_twice(report, first)


def _class_of(event: SpotReports) -> str:
    """The class of the event's category whose name has most in common with its text."""
    names = [str(name) for name in classes().index[classes()["category"] == event.category]]
    return max(names, key=lambda name: (len(set(name) & set(event.text_zh)), name))


def _pressed_twice(report: Report, first: str) -> Report:
    again = report.found_at + timedelta(seconds=95)
    return replace(
        report,
        task_id=report.task_id + "R",
        found_at=again,
        steps=(Step("上报", again), Step("重复合并", again + timedelta(minutes=40))),
        duplicate_of=first,
        class_end="",
        redelivered=False,
    )


def _faulty(registry: Registry, scenario: Scenario, places: Places, seed: int) -> Iterator[Report]:
    """One report for each faulty one of the scenario, at places no other report uses."""
    events = [e for e in scenario.of(ReportFault) if e.kind != "truncated_page"]
    own = stream(seed, "human", "faults").permutation(np.flatnonzero(places.sixth == _FAULTY))
    for event, place in zip(events, own, strict=False):
        rng = stream(seed, "human", event.id)
        at = event.start + timedelta(minutes=int(rng.integers(5, 55)))
        report = _report(registry, scenario, places, int(place), event.subjects[0], at, rng)
        yield replace(
            report,
            source=_SOURCES[0],
            coord_sys="WGS84" if event.kind == "swapped_position" else "GCJ02",
            steps=(Step("上报", at),),
            class_small=report.class_end,
            redelivered=False,
            fault=event.kind,
        )


def _steps(made: datetime, rng: np.random.Generator) -> tuple[Step, ...]:
    """From report to close in one to six days; one in twenty is not taken."""
    hours = np.cumsum(rng.uniform((0.2, 0.2, 0.5, 4, 2, 1), (2, 3, 8, 60, 20, 10)))
    names: tuple[str, ...] = ("受理", "立案", "派遣", "处置", "核查", "结案")
    if rng.random() < 0.05:
        names, hours = ("受理", "不予受理"), hours[:2]
    later = [Step(name, made + timedelta(seconds=int(h * 3600))) for name, h in zip(names, hours, strict=True)]
    return (Step("上报", made), *later)


def _another_class(right: str, rng: np.random.Generator) -> str:
    others = [name for name in texts()["class_small"] if name != right]
    return str(rng.choice(others))


def _coord_sys(gcj02_share: float, rng: np.random.Generator) -> str:
    rest = 1 - gcj02_share
    return str(rng.choice(("GCJ02", "WGS84", "CGCS2000", "BD09"), p=(gcj02_share, 0.6 * rest, 0.2 * rest, 0.2 * rest)))


def _grid_code(township: str, rng: np.random.Generator) -> str:
    """Township, village (3 digits), grid (3 digits)."""
    return f"{township}{200 + int(rng.integers(1, 15)):03d}{int(rng.integers(1, 9)):03d}"


def _with_habits(text: str, reporter: str, private_share: float, rng: np.random.Generator) -> str:
    """The text as people type it: with a word too many, and now and then what they should not tell."""
    if rng.random() < 0.25:
        text += str(rng.choice(_SPOKEN))
    if rng.random() < private_share:
        text += "，" + str(rng.choice(_PRIVATE)).format(name=reporter)
    return text


def _aside(
    registry: Registry, centre: tuple[float, float], radius_m: float, rng: np.random.Generator
) -> tuple[float, float]:
    """A point within `radius_m` of the centre, both WGS 84."""
    to_grid = Transformer.from_crs(4326, registry.county["crs"], always_xy=True)
    x, y = to_grid.transform(*centre)
    away, angle = radius_m * np.sqrt(rng.random()), 2 * np.pi * rng.random()
    lon, lat = to_grid.transform(x + away * np.cos(angle), y + away * np.sin(angle), direction="INVERSE")
    return float(lon), float(lat)
