import hashlib
import json
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from domain.errors import FeedCorrupt, FeedUnavailable
from ingest import web
from ingest.run import ingest
from store.files import Files
from store.home import Home
from store.scenes import read_band
from tests.ingest.given import (
    BANDS,
    DAY,
    NEXT_DAY,
    catalogue,
    feeds,
    home,
    put,
    raster,
    scene,
    server,
    stac_api,
    stac_item,
)


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


# --- what an item says, and what the file is --------------------------------------------------------------------------


def given_scene(tmp_path, *, assets=None, cells=None, **changes):
    """A scene of one band with what its item says of the file; returns (home, run's counts, the band's bytes)."""
    content = raster() if cells is None else cells
    item = stac_item({"B02": "./B02.tif"}, **changes)
    item["assets"]["B02"] |= assets or {}
    catalogue(tmp_path / "feeds", item)
    put(tmp_path / "feeds", "sky/sentinel-2-l2a/S2B_TEST/B02.tif", content)
    feed = feeds()["sentinel2"].model_copy(update={"options": {"bands": ["B02"]}})
    place = home(tmp_path / "home")
    return place, run(place, tmp_path / "feeds", feed)


def refused(place, counts, reason, said):
    assert counts.rejected == {reason: 1}
    assert counts.new == 0
    (detail,) = place.ledger.rejections()["detail"]
    assert detail.startswith("sentinel2: sky/sentinel-2-l2a/S2B_TEST/S2B_TEST.json: ")
    assert said in detail
    assert kept(place) == []
    assert not list(place.files.root.rglob("incoming/**/B02*"))
    assert place.lake.read("scenes").empty


def properties(place):
    return json.loads(place.lake.read("scenes").loc[0, "properties"])


def test_a_file_that_disagrees_with_its_item_is_believed_and_the_difference_stated(tmp_path):
    stated = {"proj:shape": [10980, 10980], "proj:transform": [10, 0, 750_000, 0, -10, 3_160_000], "proj:epsg": 32650}
    place, counts = given_scene(tmp_path, assets=stated)
    assert counts.new == 1
    assert properties(place)["sanyan:notes"] == [
        "B02: the item says 10980 x 10980 cells, the file has 600 x 600",
        "B02: the item says cells of 10 from 750000 3160000, the file has 60 from 750000 3160000",
    ]
    assert read_band(place.files, place.lake.read("scenes").iloc[0], "blue").shape == (600, 600)


def test_an_item_that_is_right_gets_no_notes(tmp_path):
    content = raster()
    stated = {
        "proj:shape": [600, 600], "proj:transform": [60, 0, 750_000, 0, -60, 3_160_000, 0, 0, 1],
        "proj:code": "EPSG:32650",
        "file:size": len(content), "file:checksum": "1220" + hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    place, counts = given_scene(tmp_path, assets=stated, cells=content)
    assert counts.new == 1
    found = properties(place)
    assert "sanyan:notes" not in found
    assert found["sanyan:files"]["B02"] == {
        "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "shape": [600, 600],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"file:size": 5}, "bytes, the item says 5; fetch it again"),
        ({"file:checksum": "1220" + "0" * 64}, "has the sha256 "),
        ({"file:checksum": "d50110" + "0" * 32}, "has the md5 "),
    ],
)
def test_other_bytes_than_the_item_says_are_not_taken_for_it(tmp_path, stated, said):
    refused(*given_scene(tmp_path, assets=stated), "unreadable_raster", said)


def test_a_whole_raster_of_half_the_size_is_still_not_the_file(tmp_path):
    content = raster()
    refused(
        *given_scene(tmp_path, assets={"file:size": len(content)}, cells=raster(size=300)), "unreadable_raster", "fetch"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epsg": 32651}, "with EPSG:32650 of the item it would be; have the file's reference system corrected"),
        ({"epsg": 32633}, "with EPSG:32650 of the item it would be"),
        (
            {"corner": (500_000, 5_000_000)},
            "not where its item does; have the item or the file's georeference corrected",
        ),
        ({"epsg": 4326, "corner": (28.1, 120.2), "cell": 0.001}, "latitude and longitude are swapped"),
        ({"epsg": None}, "names no reference system; a raw image (level 1) must be orthorectified first"),
        ({"affine": (0, 60, 750_000, 60, 0, 3_120_000)}, "has its rows and columns swapped; warp it north up"),
        ({"affine": (60, 0, 750_000, 0, 60, 3_120_000)}, "is rotated, mirrored or upside down; warp it north up"),
        ({"affine": (50, 20, 750_000, 20, -50, 3_160_000)}, "is rotated"),
    ],
)
def test_a_raster_that_lies_elsewhere_is_refused_with_the_likely_reason(tmp_path, options, said):
    refused(*given_scene(tmp_path, cells=placed(**options)), "bad_position", said)


def placed(*, epsg=32650, corner=(750_000, 3_160_000), cell=60, affine=None, size=600):
    transform = from_origin(*corner, cell, cell) if affine is None else Affine(*affine)
    profile = {"driver": "GTiff", "height": size, "width": size, "count": 1, "dtype": "uint16", "transform": transform}
    with MemoryFile() as memory:
        with memory.open(**profile, **({"crs": epsg} if epsg else {})) as target:
            target.write(np.ones((size, size), "uint16"), 1)
        return bytes(memory.getbuffer())


def test_a_bomb_is_refused_before_anything_is_allocated(tmp_path):
    bomb = tmp_path / "bomb.tif"
    with rasterio.open(
        bomb, "w", driver="GTiff", width=200_000, height=200_000, count=1, dtype="uint8", crs=32650, sparse_ok=True,
        tiled=True, transform=from_origin(750_000, 3_160_000, 0.5, 0.5),
    ):  # fmt: skip
        pass
    tracemalloc.start()
    place, counts = given_scene(tmp_path, cells=bomb.read_bytes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    refused(place, counts, "unreadable_raster", "claims 200000 x 200000 x 1 cells")
    assert peak < 200e6  # the raster alone would be 40 GB


def test_the_limit_is_a_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("SANYAN_MAX_CELLS", "1000")
    refused(
        *given_scene(tmp_path),
        "unreadable_raster",
        "more than 1000 are not read; if it is right, raise SANYAN_MAX_CELLS",
    )


def test_an_asset_that_is_gone(tmp_path):
    item = stac_item({"B02": "{address}/gone.tif"})
    place = home(tmp_path)
    with server(stac_api(item)) as (address, _):
        counts = run(place, "unused", of_the_web(address))
    assert counts.rejected == {"missing_band": 1}
    assert "/gone.tif is not there; ask the catalogue" in place.ledger.rejections()["detail"][0]


def test_an_address_nobody_can_fetch_asks_for_a_mirror(tmp_path):
    place = home(tmp_path / "home")
    item = stac_item({"B02": "s3://eodata/x/B02.tif"})
    catalogue(tmp_path / "feeds", item)
    feed = feeds()["sentinel2"]
    wanted = feed.model_copy(update={"options": {"bands": ["B02"]}})
    assert run(place, tmp_path / "feeds", wanted).rejected == {"missing_band": 1}
    assert "addresses of s3:// are not fetched; name a mirror" in place.ledger.rejections()["detail"][0]
    put(tmp_path, "eodata/x/B02.tif", raster())
    mirrored = feed.model_copy(
        update={"options": {"bands": ["B02"], "mirrors": {"s3://eodata/": f"{tmp_path}/eodata/"}}}
    )
    assert run(place, tmp_path / "feeds", mirrored).new == 1


def test_a_login_page_is_no_raster(tmp_path):
    refused(
        *given_scene(tmp_path, cells=b"<!DOCTYPE html><title>Sign in</title>"), "unreadable_raster", "it is no GeoTIFF"
    )


def test_jpeg_2000_keeps_its_name_and_a_second_version_replaces_the_first(tmp_path):
    with rasterio.open(
        tmp_path / "x.jp2", "w", driver="JP2OpenJPEG", height=600, width=600, count=1, dtype="uint16", crs=32650,
        transform=from_origin(750_000, 3_160_000, 60, 60), QUALITY="100", REVERSIBLE="YES",
    ) as target:  # fmt: skip
        target.write(np.full((600, 600), 1234, "uint16"), 1)
    place, _ = given_scene(tmp_path, cells=(tmp_path / "x.jp2").read_bytes())
    [row] = place.lake.read("scenes").to_dict("records")
    assert json.loads(row["assets"]) == {"B02": "scenes/S2B_TEST/B02.jp2"}
    assert (read_band(place.files, row, "blue").values == 1234).all()
    place, counts = given_scene(tmp_path)  # the same item, published as GeoTIFF now
    assert counts.changed == 1
    [row] = place.lake.read("scenes").to_dict("records")
    assert json.loads(row["assets"]) == {"B02": "scenes/S2B_TEST/B02.tif"}


REAL = Path(os.environ.get("SANYAN_SHARED", str(Path(__file__).resolve().parents[3] / "shared")))
REAL_SCENE = REAL / "data" / "sentinel2_l2a_29RKH"


@pytest.mark.skipif(not REAL_SCENE.is_dir(), reason="the real scene is not at hand (shared/data/sentinel2_l2a_29RKH)")
def test_the_real_item_of_a_catalogue_with_decimated_files(tmp_path):
    item = json.loads((REAL_SCENE / "S2A_29RKH_20200219_0_L2A.json").read_text(encoding="utf-8"))
    for asset in item["assets"].values():  # a copy of the archive: the same names, files a tenth as wide
        asset["href"] = str(REAL_SCENE / asset["href"].rpartition("/")[2])
    item["properties"]["created"] = "2026-08-20T01:00:00Z"
    catalogue(tmp_path / "feeds", item)
    registry = replace(
        home(tmp_path).registry, county={**home(tmp_path).registry.county, "bbox": [-11.9, 24.4, -11, 25.2]}
    )
    place = Home(tmp_path / "home", registry)
    assert run(place, tmp_path / "feeds").new == 1
    [row] = place.lake.read("scenes").to_dict("records")
    assert set(json.loads(row["assets"])) == set(BANDS)
    notes = json.loads(row["properties"])["sanyan:notes"]
    assert "B04: the item says 10980 x 10980 cells, the file has 1098 x 1098" in notes
    assert len(notes) == 2 * len(BANDS)
    assert read_band(place.files, row, "red", deep=True).attrs["transform"].a == 100


def test_a_run_that_dies_between_two_files_leaves_no_scene_and_the_next_heals_it(tmp_path, monkeypatch):
    place = home(tmp_path / "home")
    folder = scene(tmp_path / "feeds")
    run(place, tmp_path / "feeds")
    [before] = place.lake.read("scenes").to_dict("records")
    for band in BANDS:
        put(folder, f"{band}.tif", raster(size=500))  # published anew, smaller
    adopted = Files.adopt
    moved: list[str] = []

    def dying(self, source, relative):
        if len(moved) == 2:
            raise KeyboardInterrupt
        moved.append(str(relative))
        return adopted(self, source, relative)

    monkeypatch.setattr(Files, "adopt", dying)
    with pytest.raises(KeyboardInterrupt):
        run(place, tmp_path / "feeds")
    monkeypatch.undo()
    assert place.lake.read("scenes").to_dict("records") == [before]
    with pytest.raises(FeedCorrupt, match=r"B02\.tif has \d+ bytes, it had \d+ when it came; ingest the scene again"):
        read_band(place.files, before, "B02")  # half old, half new is no scene
    assert run(place, tmp_path / "feeds").changed == 1
    [after] = place.lake.read("scenes").to_dict("records")
    assert {read_band(place.files, after, band, deep=True).shape for band in BANDS} == {(500, 500)}
    assert not list(place.files.root.rglob("incoming/*/S2B_TEST"))
