import json

import pytest

from ingest.layouts import Layout
from ingest.old_scenes import FROM_FILES, LEFT_OUT, read_scenes
from tests.ingest.given import context, home, put, raster, stac_item

LAYOUT = Layout.model_validate(
    {
        "id": "own", "title": "t", "source": "s", "format": "stac", "glob": "*.json",
        "stac": {"assets": {"red": "B04.tif", "scl": "SCL.tif"}},
    }
)  # fmt: skip
FAR = {
    "red": "https://example.org/B04.tif",
    "scl": "https://example.org/SCL.tif",
    "blue": "https://example.org/B02.tif",
}


def item(**changes):
    whole = stac_item(FAR)
    for asset in whole["assets"].values():
        asset["proj:shape"] = [10980, 10980]
    return json.dumps(whole | changes).encode()


def read(tmp_path, payload):
    return read_scenes(payload, context("history/own", name="item.json"), LAYOUT, tmp_path, home(tmp_path / "h").files)


def test_files_beside_the_item_say_their_own_geometry(tmp_path):
    for name in ("B04.tif", "SCL.tif"):
        put(tmp_path, name, raster())
    found = read(tmp_path, item())
    [scene] = found["scenes"].to_dict("records")
    assert json.loads(scene["assets"]) == {"red": str(tmp_path / "B04.tif"), "scl": str(tmp_path / "SCL.tif")}
    assert found["notices"] == {FROM_FILES: 2, LEFT_OUT: 1}
    assert found["rejections"] == ()


def test_an_item_that_tells_the_truth_gives_no_notice(tmp_path):
    for name in ("B04.tif", "SCL.tif"):
        put(tmp_path, name, raster())
    whole = stac_item({k: v for k, v in FAR.items() if k != "blue"})
    for asset in whole["assets"].values():
        asset |= {"proj:shape": [600, 600], "proj:transform": [60, 0, 750_000, 0, -60, 3_160_000]}
    assert read(tmp_path, json.dumps(whole).encode())["notices"] == {}


def test_missing_and_broken_files_are_refused_and_the_rest_stands(tmp_path):
    put(tmp_path, "SCL.tif", raster())
    found = read(tmp_path, item())
    assert [r.reason for r in found["rejections"]] == ["missing_band"]
    assert "no file 'B04.tif' beside the item" in found["rejections"][0].detail
    assert len(found["scenes"]) == 1
    put(tmp_path, "B04.tif", raster()[:2000])
    assert [r.reason for r in read(tmp_path, item())["rejections"]] == ["unreadable_raster"]
    put(tmp_path, "B04.tif", raster())
    without = json.loads(item())
    del without["assets"]["red"]
    assert [r.reason for r in read(tmp_path, json.dumps(without).encode())["rejections"]] == ["missing_band"]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"assets": 1}', b"[" * 100_000])
def test_what_is_no_item(tmp_path, payload):
    [rejection] = read(tmp_path, payload)["rejections"]
    assert rejection.reason == "bad_document"
