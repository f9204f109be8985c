"""Photos of reports: they lie in the archive under the digest that the report names; what is none is refused."""

import json
from datetime import timedelta

import pytest

from domain.times import LOCAL
from ingest.run import ingest
from sample_feeds import human
from sample_feeds.scenario import load
from store.home import Home
from tests.pipeline import SEED, START


def taken(home, feeds, feed):
    """What a day of a feed comes to."""
    end = START + timedelta(hours=24)
    return ingest(home, feed, start=START, end=end, now=end, root=str(feeds))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    end = START + timedelta(hours=24)
    home = Home.open(folder / "home")
    human.write(folder / "feeds", home.registry, load(), start=START, end=end, seed=SEED)
    counts = {f: taken(home, folder / "feeds", f) for f in ("grid_platform", "grid_photos")}
    return home, folder / "feeds", counts


def test_every_photo_that_a_new_report_names_is_in_the_archive(told):
    home, feeds, counts = told
    reports = home.lake.read("reports")
    named = {d for r in reports[reports["observed_at"] >= START].to_dict("records") for d in json.loads(r["photos"])}
    kept = {p.stem for p in (home.root / "files" / "raw").rglob("*.png")}
    assert named
    assert named <= kept
    assert counts["grid_photos"].payloads == len(list((feeds / "human" / "photos").rglob("*.png")))
    assert not counts["grid_photos"].rejected
    assert not taken(home, feeds, "grid_photos").rejected


def test_what_is_no_photo_is_refused_and_kept(told):
    home, feeds, _ = told
    local = (START + timedelta(hours=2)).astimezone(LOCAL)
    folder = feeds / "human" / "photos" / f"{local:%Y-%m-%d}" / f"{local:%H}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "IMG_9.png").write_bytes(b"<svg onload='x()'/>")
    counts = taken(home, feeds, "grid_photos")
    assert counts.rejected == {"bad_document": 1}
    (detail,) = home.ledger.rejections("grid_photos")["detail"]
    assert "IMG_9.png" in detail
    assert "send JPEG, PNG or WebP" in detail
