from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CatalogueError
from domain.times import LOCAL
from ingest.feeds import FEEDS, for_registry, load
from tests.ingest.given import END, START, feeds

GOOD = """
feeds:
  one:
    name_zh: 一
    name_en: one
    eye: ground
    decoder: grid_report
    transport: pages
    path: a/{day}/{hour}/{page}.json
    every: PT1H
    zone: Asia/Shanghai
    source: test
    licence: test
    options:
      coord_sys: GCJ02
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "feeds.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_ours_are_good_and_cover_the_three_eyes():
    known = load(FEEDS)
    assert {f.eye for f in known.values()} == {"ground", "human", "sky"}
    assert {
        "ground_hj212",
        "soil_lab",
        "grid_platform",
        "grid_export",
        "sentinel2",
        "rainfall",
        "landcover",
        "dem",
    } <= set(known)


def test_a_deployments_own_file_goes_before_ours(tmp_path):
    written(tmp_path, GOOD)
    assert set(for_registry(tmp_path)) == {"one"}
    assert set(for_registry(tmp_path / "nowhere")) == {name for name, feed in load(FEEDS).items() if feed.active}


def test_examples_are_asked_by_name_alone_and_each_of_them_is_good(tmp_path):
    examples = {name for name, feed in load(FEEDS).items() if not feed.active}
    assert {"sentinel2_earth_search", "sentinel2_cdse", "landsat", "s5p_no2", "aod", "gf1_wfv"} <= examples
    for name in examples:
        assert name in for_registry(tmp_path, only=name)


ACCESS = """
    access:
      hosts: [example.org]
      token_env: SOME_TOKEN
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("hosts: [example.org]", "hosts: []", 17, "hosts"),
        ("token_env: SOME_TOKEN", "sign: ''", 16, "exactly one of token_env, login, sign"),
        ("token_env: SOME_TOKEN", "password: geheim", 18, "unknown key"),
    ],
)
def test_access_is_checked_like_the_rest(tmp_path, old, new, line, said):
    load(written(tmp_path, GOOD.rstrip() + ACCESS))
    with pytest.raises(CatalogueError, match=f"feeds.yaml:{line}: .*{said}"):
        load(written(tmp_path, (GOOD.rstrip() + ACCESS).replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("eye: ground", "eye: nose", 6, "eye"),
        ("decoder: grid_report", "decoder: grid_reprot", 7, "no ingest/decoders/grid_reprot.py"),
        ("transport: pages", "transport: files", 9, "path"),  # {page} is of pages
        ("/{page}.json", ".json", 9, "lacks {page}"),
        ("every: PT1H", "every: PT7H", 10, "PT7H"),
        ("zone: Asia/Shanghai", "zone: Asia/Lishui", 11, "no IANA time zone"),
        ("licence: test", "license: test", 13, "unknown key"),
        ("coord_sys: GCJ02", "coordsys: GCJ02", 15, "unknown key"),
        ("source: test", "source: test\n    source: again", 13, "repeats"),
    ],
)
def test_each_mistake_is_told_with_its_line(tmp_path, old, new, line, said):
    with pytest.raises(CatalogueError) as caught:
        load(written(tmp_path, GOOD.replace(old, new)))
    # problems of the whole entry stand at its first line
    assert any(p.startswith((f"feeds.yaml:{line}:", "feeds.yaml:3:")) and said in p for p in caught.value.problems), (
        caught.value.problems
    )


def test_all_mistakes_are_told_at_once(tmp_path):
    text = (
        GOOD.replace("eye: ground", "eye: nose")
        .replace("zone: Asia/Shanghai", "zone: Mars")
        .replace("    source: test\n", "")
    )
    with pytest.raises(CatalogueError) as caught:
        load(written(tmp_path, text))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "text", ["", "feeds: 3", "feeds: [", "other: {}", "feeds:\n  one: two", "feeds:\n  one: {id: x}"]
)
def test_a_file_of_another_kind_is_refused(tmp_path, text):
    with pytest.raises(CatalogueError):
        load(written(tmp_path, text))


def test_a_stac_feed_needs_a_search(tmp_path):
    text = FEEDS.read_text(encoding="utf-8").replace("    search:\n      collections: [dem]\n", "")
    with pytest.raises(CatalogueError, match="search is needed"):
        load(written(tmp_path, text))


def test_slots_are_whole_and_cover_the_window():
    hourly, daily = feeds()["ground_hj212"], feeds()["soil_lab"]
    assert list(hourly.slots(START, END)) == [(START, END)]
    half = START + timedelta(minutes=30)
    assert list(hourly.slots(half, half + timedelta(hours=1))) == [(START, END), (END, END + timedelta(hours=1))]
    midnight = datetime(2026, 8, 20, tzinfo=LOCAL)
    assert list(daily.slots(START, END)) == [(midnight, midnight + timedelta(days=1))]


@given(
    st.integers(0, 60_000).map(lambda h: datetime(2020, 1, 1, 0, 17, tzinfo=UTC) + timedelta(hours=h)),
    st.integers(1, 100),
    st.sampled_from(["ground_hj212", "soil_lab"]),
)
def test_slots_follow_each_other_without_gap(start, hours, name):
    end = start + timedelta(hours=hours)
    slots = list(feeds()[name].slots(start, end))
    assert slots[0][0] <= start < slots[0][1]
    assert slots[-1][0] < end <= slots[-1][1]
    assert all(a[1] == b[0] for a, b in pairwise(slots))


def test_a_day_of_summer_time_has_25_slots(tmp_path):
    text = GOOD.replace("Asia/Shanghai", "Europe/Berlin")
    feed = load(written(tmp_path, text))["one"]
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight in Berlin, the clocks go back that night
    assert len(list(feed.slots(start, start + timedelta(hours=25)))) == 25


def test_addresses_are_of_the_feeds_local_time():
    feed = feeds()["grid_platform"]
    assert feed.address("/feeds/", (START, END), page=2) == "/feeds/human/api/2026-08-20/09/page-2.json"
    own = feed.model_copy(update={"path": "https://grid.example/api?p={page}&from={start}"})
    assert own.address("/feeds", (START, END)) == "https://grid.example/api?p=1&from=2026-08-20T09:00:00+08:00"
