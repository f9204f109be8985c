import json

import pytest

from domain.errors import FeedUnavailable
from ingest import web
from ingest.run import ingest
from tests.ingest.given import BANDS, DAY, NEXT_DAY, feeds, home, put, raster, scene, server, stac_api, stac_item


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(web, "PAUSE_S", 0.001)
    monkeypatch.setattr(web, "LONGEST_PAUSE_S", 0.001)


def run(place, root, feed="sentinel2"):
    return ingest(place, feed, start=DAY, end=NEXT_DAY, now=NEXT_DAY, root=str(root))


def kept(place):
    return sorted(str(p.relative_to(place.files.root)) for p in place.files.root.rglob("scenes/**/*") if p.is_file())


def test_a_scene_comes_with_all_its_rasters(tmp_path):
    place = home(tmp_path / "home")
    scene(tmp_path / "feeds")
    assert run(place, tmp_path / "feeds").new == 1
    row = place.lake.read("scenes").iloc[0]
    assert json.loads(row["assets"]) == {band: f"scenes/S2B_TEST/{band}.tif" for band in BANDS}
    assert kept(place) == sorted(f"scenes/S2B_TEST/{band}.tif" for band in BANDS)
    assert place.files.read_raster("scenes/S2B_TEST/B02.tif").attrs["crs"] == "EPSG:32650"


def test_the_raster_tells_the_projection_when_the_item_does_not(tmp_path):
    place = home(tmp_path / "home")
    scene(tmp_path / "feeds", properties={"proj:epsg": None})
    run(place, tmp_path / "feeds")
    assert place.lake.read("scenes").loc[0, "epsg"] == 32650


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95, 0.999])
def test_a_truncated_raster_refuses_the_scene_and_leaves_nothing(tmp_path, share):
    place = home(tmp_path / "home")
    folder = scene(tmp_path / "feeds")
    whole = (folder / "B08.tif").read_bytes()
    (folder / "B08.tif").write_bytes(whole[: int(len(whole) * share)])
    counts = run(place, tmp_path / "feeds")
    assert counts.rejected == {"unreadable_raster": 1}
    (detail,) = place.ledger.rejections()["detail"]
    assert detail.startswith("sentinel2: sky/sentinel-2-l2a/S2B_TEST/S2B_TEST.json: item S2B_TEST: band B08: sky/")
    assert "B08.tif" in detail
    assert kept(place) == []
    assert place.lake.read("scenes").empty
    assert run(place, tmp_path / "feeds").rejected == {"unreadable_raster": 1}
    assert len(place.ledger.rejections()) == 1  # the same words again: the same rejection


def test_a_mended_raster_is_taken_by_the_next_run(tmp_path):
    place = home(tmp_path / "home")
    folder = scene(tmp_path / "feeds")
    (folder / "B08.tif").write_bytes(raster()[:500])
    assert run(place, tmp_path / "feeds").new == 0
    (folder / "B08.tif").write_bytes(raster())
    assert run(place, tmp_path / "feeds").new == 1
    assert len(kept(place)) == len(BANDS)


def test_a_missing_file_refuses_the_scene(tmp_path):
    place = home(tmp_path / "home")
    (scene(tmp_path / "feeds") / "SCL.tif").unlink()
    assert run(place, tmp_path / "feeds").rejected == {"missing_band": 1}
    assert "SCL.tif is not there" in place.ledger.rejections()["detail"][0]
    assert kept(place) == []


def test_a_format_that_opens_other_files_is_no_raster(tmp_path):
    place = home(tmp_path / "home")
    folder = scene(tmp_path / "feeds")
    put(tmp_path, "secret.tif", raster())
    vrt = f'<VRTDataset rasterXSize="1" rasterYSize="1"><!-- {tmp_path}/secret.tif --></VRTDataset>'
    (folder / "B02.tif").write_bytes(vrt.encode())
    assert run(place, tmp_path / "feeds").rejected == {"unreadable_raster": 1}
    assert "is no GeoTIFF" in place.ledger.rejections()["detail"][0]


def of_the_web(address):
    return feeds()["sentinel2"].model_copy(update={"path": address + "/", "options": {"bands": ["B02"]}})


def test_a_scene_of_the_web_is_fetched_once(tmp_path):
    place = home(tmp_path / "home")
    item = stac_item({"B02": "{address}/B02.tif"})
    with server(stac_api(item) | {"/B02.tif": [(503, b""), (200, raster())]}) as (address, asked):
        assert run(place, "unused", of_the_web(address)).new == 1
        assert asked.count("/B02.tif") == 2
        assert run(place, "unused", of_the_web(address)).unchanged == 1
        assert asked.count("/B02.tif") == 2


def test_rasters_out_of_reach_are_a_dead_feed_and_not_a_bad_scene(tmp_path):
    place = home(tmp_path / "home")
    item = stac_item({"B02": "{address}/B02.tif"})
    with (
        server(stac_api(item) | {"/B02.tif": [(500, b"")]}) as (address, _),
        pytest.raises(FeedUnavailable, match=r"sentinel2: http.*/B02\.tif: the server answers 500"),
    ):
        run(place, "unused", of_the_web(address))
    assert kept(place) == []
    assert place.coverage.read("sentinel2")["state"].tolist() == ["failed"]
