"""A live STAC API, end to end: pages, failures, what a broken run leaves and the next goes on from."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import FeedUnavailable
from ingest import access, web
from ingest.access import Access
from ingest.assets import forget_halves
from ingest.run import ingest
from tests.ingest.given import DAY, NEXT_DAY, catalogue, feeds, home, put, raster, stac_item
from tests.ingest.stac_server import stac_server

BANDS = ("B02", "SCL")
RASTER = raster()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(web, "PAUSE_S", 0.001)
    monkeypatch.setattr(web, "LONGEST_PAUSE_S", 0.001)
    monkeypatch.setattr(access, "_HELD", {})


def scene(name, **changes):
    return stac_item({band: f"{{address}}/{name}/{band}.tif" for band in BANDS}, id=name, **changes)


def rasters(*names):
    return {f"/{name}/{band}.tif": RASTER for name in names for band in BANDS}


def feed(server, **changes):
    found = feeds()["sentinel2"]
    search = found.search.model_copy(update=changes.pop("search", {"page_size": 2}))
    return found.model_copy(
        update={"path": f"{server.address}/", "search": search, "options": {"bands": list(BANDS)}} | changes
    )


def run(place, server, **changes):
    return ingest(place, feed(server, **changes), start=DAY, end=NEXT_DAY, now=NEXT_DAY, root="unused")


def scenes(place):
    return sorted(place.lake.read("scenes")["id"])


def halves(place):
    return [p for p in place.files.root.rglob("incoming/**/*") if p.is_file() and p.name != ".lock"]


NAMES = ("one", "two", "three", "four", "five")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_are_followed_to_the_last(tmp_path, method):
    place = home(tmp_path)
    elsewhere = scene("far", bbox=[10, 40, 11, 41])
    earlier = scene("old", properties={"datetime": "2025-01-01T00:00:00Z"})
    other = scene("other", collection="landsat-c2-l2")
    with stac_server([*map(scene, NAMES), elsewhere, earlier, other], rasters(*NAMES)) as server:
        assert run(place, server, search={"page_size": 2, "method": method}).new == 5
        assert sum(f"{method} /search" in line for line in server.asked) == 3
    assert scenes(place) == sorted(NAMES)
    assert halves(place) == []


def test_a_static_catalogue_and_an_api_give_the_same_scenes(tmp_path):
    with stac_server([scene(n) for n in NAMES], rasters(*NAMES)) as server:
        run(home(tmp_path / "api"), server)
    catalogue(tmp_path / "feeds", *(stac_item({b: f"./{b}.tif" for b in BANDS}, id=n) for n in NAMES))
    for name in rasters(*NAMES):
        put(tmp_path / "feeds" / "sky" / "sentinel-2-l2a", name[1:], RASTER)
    static = feeds()["sentinel2"].model_copy(update={"options": {"bands": list(BANDS)}})
    ingest(home(tmp_path / "static"), static, start=DAY, end=NEXT_DAY, now=NEXT_DAY, root=str(tmp_path / "feeds"))
    one, other = (home(tmp_path / n).lake.read("scenes").to_dict("records") for n in ("api", "static"))
    assert one == other


def test_a_page_that_fails_is_asked_again_and_half_a_page_too(tmp_path):
    place = home(tmp_path)
    with stac_server(map(scene, NAMES), rasters(*NAMES), fail={"/search": ["ok", 503, "cut", 500, "ok"]}) as server:
        assert run(place, server).new == 5
    assert place.coverage.read("sentinel2")["state"].tolist() == ["received"]


def test_a_search_that_breaks_off_keeps_its_first_pages_and_the_next_run_has_the_rest(tmp_path):
    place = home(tmp_path)
    with stac_server(map(scene, NAMES), rasters(*NAMES), fail={"/search": ["ok", *[500] * 4]}) as server:
        with pytest.raises(FeedUnavailable, match=r"sentinel2: http.*/search.*: the server answers 500"):
            run(place, server)
        assert scenes(place) == ["one", "two"]
        assert place.coverage.read("sentinel2")["state"].tolist() == ["failed"]
        server.asked.clear()
        counts = run(place, server)
        assert (counts.new, counts.unchanged) == (3, 2)
        assert not [line for line in server.asked if "/one/" in line or "/two/" in line]
    assert scenes(place) == sorted(NAMES)


def test_a_download_goes_on_where_it_broke_off(tmp_path):
    place = home(tmp_path)
    with stac_server([scene("one")], rasters("one"), fail={"/one/SCL.tif": ["cut", 500, "ok"]}) as server:
        assert run(place, server).new == 1
        half = len(RASTER) // 2
        assert [line for line in server.asked if "SCL" in line] == [
            "GET /one/SCL.tif", f"GET /one/SCL.tif bytes={half}-", f"GET /one/SCL.tif bytes={half}-",
        ]  # fmt: skip
        assert server.bodies["/one/SCL.tif"] == len(RASTER) + len(b"sorry")
    assert place.files.path("scenes/one/SCL.tif").read_bytes() == RASTER


def test_what_a_dead_server_had_sent_is_not_fetched_again_by_the_next_run(tmp_path):
    place = home(tmp_path)
    with stac_server([scene("one")], rasters("one"), fail={"/one/SCL.tif": ["cut", *[500] * 3]}) as server:
        with pytest.raises(FeedUnavailable, match=r"SCL\.tif: the server answers 500"):
            run(place, server)
        assert sorted(p.name for p in halves(place)) == ["B02", "B02.json", "SCL.json", "SCL.part"]
        assert not place.files.path("scenes/one").exists()
        sent = dict(server.bodies)
        assert run(place, server).new == 1
        assert server.bodies["/one/B02.tif"] == sent["/one/B02.tif"]  # 304: not a byte
        assert server.bodies["/one/SCL.tif"] - sent["/one/SCL.tif"] == len(RASTER) - len(RASTER) // 2
    assert place.files.path("scenes/one/SCL.tif").read_bytes() == RASTER
    assert halves(place) == []


@pytest.mark.parametrize("etags", [True, False])
def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(tmp_path, etags):
    place = home(tmp_path)
    other = raster(9, size=700)
    with stac_server([scene("one")], rasters("one"), fail={"/one/B02.tif": ["cut", *[500] * 3]}, etags=etags) as server:
        with pytest.raises(FeedUnavailable):
            run(place, server)
        server.files["/one/B02.tif"] = other
        assert run(place, server).new == 1
    assert place.files.path("scenes/one/B02.tif").read_bytes() == other


def test_a_connection_that_ends_early_again_and_again_is_no_whole_file(tmp_path):
    place = home(tmp_path)
    with stac_server([scene("one")], rasters("one"), fail={"/one/B02.tif": ["cut"] * 4}, etags=False) as server:
        with pytest.raises(FeedUnavailable, match=r"no answer after 4 tries \(RemoteProtocolError"):
            run(place, server)
        assert scenes(place) == []
        assert run(place, server).new == 1


def test_halves_that_nobody_finishes_are_deleted_in_time(tmp_path):
    place = home(tmp_path)
    assert forget_halves(place, before=NEXT_DAY) == 0
    with (
        stac_server([scene("one")], rasters("one"), fail={"/one/SCL.tif": ["cut", *[500] * 3]}) as server,
        pytest.raises(FeedUnavailable),
    ):
        run(place, server)
    folder = place.files.path("incoming/sentinel2/one")
    came = datetime.fromtimestamp(folder.stat().st_mtime, tz=UTC)
    assert forget_halves(place, before=came - timedelta(days=1)) == 0
    assert folder.is_dir()
    assert forget_halves(place, before=came + timedelta(days=1)) == 1
    assert not folder.exists()


def test_a_signature_is_put_behind_the_addresses_of_its_hosts_alone(tmp_path):
    place = home(tmp_path)
    with stac_server([scene("one")], rasters("one"), signature="sv=1&sig=abc") as server:
        signed = Access(hosts=("127.0.0.1",), sign=f"{server.address}/sign")
        # the catalogue is of the same host here, and its search does not mind
        assert run(place, server, access=signed).new == 1
        assert server.asked.count("GET /sign") == 1
    assert "sig=abc" not in place.lake.read("scenes").to_csv()


def test_a_login_is_made_once_and_again_when_the_token_has_run_out(tmp_path, monkeypatch):
    monkeypatch.setenv("SANYAN_SKY_USER", "zhang")
    monkeypatch.setenv("SANYAN_SKY_PASSWORD", "geheim")
    place = home(tmp_path)
    with stac_server([scene("one"), scene("two")], rasters("one", "two"), secret="first") as server:
        door = Access(hosts=("127.0.0.1",), login=f"{server.address}/token")
        assert run(place, server, access=door).new == 2
        assert server.asked.count("POST /token") == 1
        server.secret = "second"
        server.items = json.loads(json.dumps(server.items).replace("4.5", "5.5"))  # published anew
        assert run(place, server, access=door).changed == 2
        assert server.asked.count("POST /token") == 2


def test_secrets_stay_with_their_hosts():
    door = Access(hosts=("data.example.org",), token_env="SOME_TOKEN")
    assert access.admitted("f", door, "https://elsewhere.example.org/x.tif", web._client()) == (
        "https://elsewhere.example.org/x.tif", {},
    )  # fmt: skip
    with pytest.raises(FeedUnavailable, match="f: the environment variable SOME_TOKEN is not set"):
        access.admitted("f", door, "https://data.example.org/x.tif", web._client())


def test_a_token_of_the_environment(monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "abc")
    door = Access(hosts=("data.example.org",), token_env="SOME_TOKEN")
    assert access.admitted("f", door, "https://data.example.org/x.tif", web._client())[1] == {
        "Authorization": "Bearer abc"
    }


@pytest.mark.parametrize("door", [{"login": "{a}/token"}, {"sign": "{a}/nowhere"}])
def test_no_token_is_a_dead_feed(tmp_path, monkeypatch, door):
    monkeypatch.setenv("SANYAN_SKY_USER", "zhang")
    monkeypatch.setenv("SANYAN_SKY_PASSWORD", "falsch")
    with stac_server([scene("one")], rasters("one"), secret="x") as server:
        way = {key: address.format(a=server.address) for key, address in door.items()}
        with pytest.raises(FeedUnavailable, match=r"sentinel2: http.*: no (token|signature)"):
            run(home(tmp_path), server, access=Access(hosts=("127.0.0.1",), **way))


def test_a_door_that_stays_shut_says_what_to_set(tmp_path):
    with (
        stac_server([scene("one")], rasters("one"), secret="x") as server,
        pytest.raises(FeedUnavailable, match=r"the server answers 401 Unauthorized; set access in feeds\.yaml"),
    ):
        run(home(tmp_path), server)


def test_more_than_a_disk_can_bear_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "LARGEST_BYTES", 1000)
    with (
        stac_server([scene("one")], rasters("one")) as server,
        pytest.raises(FeedUnavailable, match="sends more than 1000 bytes"),
    ):
        run(home(tmp_path), server)


def test_a_catalogue_that_nobody_answers_for(tmp_path):
    with stac_server() as server:
        dead = feed(server)
    with pytest.raises(FeedUnavailable, match=r"sentinel2: http://127\.0\.0\.1:\d+/: no answer after 4 tries"):
        ingest(home(tmp_path), dead, start=DAY, end=NEXT_DAY, now=NEXT_DAY, root="unused")
