import json

import pytest

from domain.errors import FeedCorrupt, FeedUnavailable
from ingest import web
from ingest.catalogues import published
from ingest.fetch import asks
from tests.ingest.given import DAY, NEXT_DAY, catalogue, feeds, put, server, stac_api, stac_item

BBOX = [119.53, 28.10, 120.16, 28.73]
SENTINEL2 = feeds()["sentinel2"]


def items(root, feed=SENTINEL2, start=DAY, end=NEXT_DAY):
    return [p for ask in asks(feed, str(root), start, end, BBOX) for p in ask.payloads]


def named(name, **properties):
    return stac_item({"B02": "./B02.tif"}, id=name, properties=properties)


def test_items_belong_to_the_window_in_which_they_were_published(tmp_path):
    catalogue(
        tmp_path,
        named("day-before", created="2026-08-19T15:59:59Z"),
        named("first-instant", created="2026-08-19T16:00:00Z"),
        named("last-hour", created="2026-08-20T23:00:00+08:00"),
        named("next-day", created="2026-08-20T16:00:00Z"),
    )
    found = items(tmp_path)
    assert [p.name for p in found] == [
        "sky/sentinel-2-l2a/first-instant/first-instant.json",
        "sky/sentinel-2-l2a/last-hour/last-hour.json",
    ]
    assert [p.received_at for p in found] == [DAY, NEXT_DAY.replace(hour=15)]
    assert {p.until for p in found} == {NEXT_DAY}


def test_without_a_publication_the_acquisition_counts(tmp_path):
    item = named("one", datetime="2026-08-20T02:37:48Z")
    del item["properties"]["created"]
    catalogue(tmp_path, item)
    assert len(items(tmp_path)) == 1


def test_scenes_elsewhere_are_not_taken(tmp_path):
    catalogue(tmp_path, named("here"), stac_item({"B02": "x.tif"}, id="far", bbox=[-77, 38, -76, 39]))
    assert [p.name[-9:] for p in items(tmp_path)] == ["here.json"]


def test_other_collections_are_not_taken(tmp_path):
    catalogue(tmp_path, named("one"), collection="landsat")
    assert items(tmp_path) == []


def test_a_broken_item_is_handed_on_to_be_refused_and_the_others_live(tmp_path):
    catalogue(tmp_path, named("broken"), named("good"), named("gone"))
    folder = tmp_path / "sky" / "sentinel-2-l2a"
    whole = (folder / "broken" / "broken.json").read_bytes()
    (folder / "broken" / "broken.json").write_bytes(whole[:-40])
    (folder / "gone" / "gone.json").unlink()
    found = {p.name.split("/")[2]: p.content for p in items(tmp_path)}
    assert set(found) == {"broken", "good", "gone"}
    assert found["gone"] == b""


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", None), (b'{"created": "2026-08-20T01:20:00Z", "trunc', "2026"), (b"[]", None), (b"{}", None)],
)
def test_publication_is_read_even_from_half_a_document(content, said):
    assert (published(content) is None) == (said is None)


def test_a_catalogue_that_is_none(tmp_path):
    with pytest.raises(FeedUnavailable, match=r"sentinel2: .*catalog\.json: there is no catalogue"):
        items(tmp_path)
    put(tmp_path, "sky/catalog.json", b'{"type": "Catalog"')
    with pytest.raises(FeedCorrupt, match=r"sentinel2: .*catalog\.json: the catalogue cannot be read"):
        items(tmp_path)
    put(tmp_path, "sky/catalog.json", b'{"type": "Something"}')
    with pytest.raises(FeedCorrupt, match="sentinel2"):
        items(tmp_path)


def test_an_api_gives_what_the_static_catalogue_gives(tmp_path):
    first, second = named("one"), named("two", created="2026-08-20T05:00:00Z")
    late = named("three", created="2026-08-21T05:00:00Z")
    catalogue(tmp_path, first, second, late)
    with server(stac_api(first, second, late)) as (address, _):
        feed = SENTINEL2.model_copy(update={"path": address + "/"})
        from_api = items("unused", feed)
    contents = [json.loads(p.content) for p in from_api]
    assert [c["id"] for c in contents] == ["one", "two"]
    static = [json.loads(p.content) for p in items(tmp_path)]
    assert [{k: v for k, v in c.items() if k != "links"} for c in static] == contents


@pytest.fixture
def _impatient(monkeypatch):
    monkeypatch.setattr(web, "PAUSE_S", 0.001)
    monkeypatch.setattr(web, "LONGEST_PAUSE_S", 0.001)


def api(address, **search):
    wanted = SENTINEL2.search.model_copy(update=search)
    return SENTINEL2.model_copy(update={"path": address + "/", "search": wanted})


@pytest.mark.usefixtures("_impatient")
def test_a_page_that_fails_is_asked_again():
    with server(stac_api(named("one"), named("two")) | {"/more": [(503, b""), (500, b""), *pages_of("two")]}) as (
        address,
        asked,
    ):
        assert [json.loads(p.content)["id"] for p in items("unused", api(address))] == ["one", "two"]
    assert asked.count("/more") == 3


@pytest.mark.usefixtures("_impatient")
def test_a_search_that_breaks_off_gives_what_came_before_and_then_fails():
    found = []
    with server(stac_api(named("one"), named("two")) | {"/more": [(500, b"")]}) as (address, _):
        [ask] = asks(api(address), "unused", DAY, NEXT_DAY, BBOX)
        with pytest.raises(FeedUnavailable, match=r"sentinel2: http://127.*/more: the server answers 500"):
            found.extend(ask.payloads)
    assert [json.loads(p.content)["id"] for p in found] == ["one"]


@pytest.mark.usefixtures("_impatient")
def test_half_a_page_is_no_page():
    half = pages_of("two")[0][1][:-30]
    with (
        server(stac_api(named("one"), named("two")) | {"/more": [(200, half)]}) as (address, _),
        pytest.raises(FeedCorrupt, match=r"sentinel2: .*the catalogue cannot be read"),
    ):
        items("unused", api(address))


def test_pages_that_lead_in_a_circle_are_left():
    circle = json.loads(stac_api(named("one"))["/search"][0][1])
    with (
        server(stac_api(named("one")) | {"/more": [(200, json.dumps(circle).encode())]}) as (address, _),
        pytest.raises(FeedCorrupt, match="lead in a circle"),
    ):
        items("unused", api(address))


def test_an_item_on_two_pages_is_one():
    with server(stac_api(named("one"), named("one"), named("two"))) as (address, _):
        assert [json.loads(p.content)["id"] for p in items("unused", api(address))] == ["one", "two"]


def test_an_item_whose_box_is_impossible_is_handed_on_to_be_refused(tmp_path):
    catalogue(tmp_path, stac_item({"B02": "x.tif"}, id="swapped", bbox=[28.1, 119.5, 28.7, 120.2]))
    assert len(items(tmp_path)) == 1


def pages_of(*names):
    body = {"type": "FeatureCollection", "features": [named(name) for name in names], "links": []}
    return [(200, json.dumps(body).encode())]
