"""Block-wise statistics: the same as of the whole scene, whatever the blocks, threads or processes."""

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from distributed import Client, LocalCluster

from domain.errors import FeedCorrupt
from processing.imagery import mask, products, stream, workers, zonal
from processing.imagery.cells import cells_of
from processing.imagery.physical import physical
from processing.imagery.stream import Block
from processing.imagery.tables import thresholds
from store.files import Files
from store.windows import reading
from tests.bench import sky_tile

SIDE = 1320
LIMITS = thresholds()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return sky_tile.tile(tmp_path_factory.mktemp("tile"), side=SIDE)


def zones():
    return {"zones": sky_tile.zones(SIDE, 3)}


def job(files, layer="ndvi", rule="centre"):
    return stream.job(reading, files, layer, zones(), limits=LIMITS, rule=rule)


def same_bytes(one, two):
    for name, table in one.tables.items():
        for column in table.columns.drop("rule"):
            assert table[column].to_numpy().tobytes() == two.tables[name][column].to_numpy().tobytes(), column


def whole(files, layer, rule, store):
    """The same by the functions that take whole layers."""
    bands = {b: store.read_raster(f) for b, f in files.items()}
    clear = mask.clear(bands["SCL"], buffer_m=LIMITS["cloud_buffer_m"]).values.repeat(2, axis=0).repeat(2, axis=1)
    made = products.compute(
        {b: physical("sentinel-2-l2a", b, bands[b], scale=1e-4, offset=-0.1) for b in ("B04", "B08")},
        [layer],
        limits=LIMITS,
    )[layer]
    work = job(files, layer, rule)
    cells = cells_of(work.zones["zones"], work.grid, rule)
    values = np.where(clear, made.values, np.float32("nan")).astype(np.float32)
    return zonal.statistics(values, cells, cell_ha=work.grid.cell_ha)


@pytest.mark.parametrize(("layer", "rule"), [("ndvi", "centre"), ("ndvi", "fraction"), ("kndvi", "centre")])
def test_blocks_give_the_bytes_of_the_whole(files, layer, rule, tmp_path):
    expected = whole(files, layer, rule, Files(tmp_path))
    found = stream.statistics(job(files, layer, rule), sky_tile.PROPERTIES, workers.threads(2))
    assert expected["n_valid"].sum() > 300_000
    assert 0 < expected["share"].min() < 0.98
    for column in expected.columns.drop("rule"):
        assert found.tables["zones"][column].to_numpy().tobytes() == expected[column].to_numpy().tobytes(), column
    assert (found.offset.value, found.offset.basis) == (-1000, "metadata and pixels")


@pytest.mark.parametrize("cells", [1, 512 * 1024, 10**9])
@pytest.mark.parametrize("n", [1, 3])
def test_any_block_and_any_number_of_threads_give_the_same_bytes(files, cells, n):
    first = stream.statistics(job(files), sky_tile.PROPERTIES, workers.threads(1))
    same_bytes(first, stream.statistics(job(files), sky_tile.PROPERTIES, workers.threads(n), cells=cells))


def test_blocks_cover_the_grid_once(files):
    work = job(files)
    for cells in (1, 10**6, 10**9):
        seen = np.zeros(work.grid.shape, int)
        for b in stream.blocks(work, cells):
            seen[b.row : b.row + b.height, b.column : b.column + b.width] += 1
        assert (seen == 1).all()
    assert stream.blocks(work, 1)[0] == Block(0, 0, 512, 512)


def test_a_cluster_gives_the_same_bytes(files):
    alone = stream.statistics(job(files), sky_tile.PROPERTIES, workers.threads(1))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as place, Client(place) as client:
        there = stream.statistics(job(files), sky_tile.PROPERTIES, workers.cluster(client, per_task=1), cells=1)
        pids = set(client.run(os.getpid).values())
    same_bytes(alone, there)
    assert len(pids - {os.getpid()}) == 2


def test_bands_of_other_sizes_are_laid_over_each_other(tmp_path):
    store = Files(tmp_path)
    rng = np.random.default_rng(1)
    sizes = {"B03": (120, 10.0), "B11": (60, 20.0), "SCL": (60, 20.0)}
    files = {}
    for band, (n, metres) in sizes.items():
        cells = np.full((n, n), 4, np.uint8) if band == "SCL" else rng.integers(1100, 4000, (n, n)).astype(np.uint16)
        place = {"crs": sky_tile.CRS, "transform": Affine(metres, 0, sky_tile.LEFT, 0, -metres, sky_tile.TOP)}
        files[band] = str(store.write_cog(f"{band}.tif", xr.DataArray(cells, dims=("y", "x"), attrs=place), nodata=0))
    found = stream.statistics(
        stream.job(reading, files, "mndwi", {"z": sky_tile.zones(120, 2)}, limits=LIMITS),
        sky_tile.PROPERTIES,
        workers.threads(1),
    )
    green = store.read_raster(files["B03"]).values.astype(float) - 1000
    swir = (store.read_raster(files["B11"]).values.astype(float) - 1000).repeat(2, axis=0).repeat(2, axis=1)
    cells = cells_of(sky_tile.zones(120, 2), stream.job(reading, files, "mndwi", {}, limits=LIMITS).grid)
    expected = zonal.statistics((green - swir) / (green + swir), cells, cell_ha=0.01)
    np.testing.assert_allclose(found.tables["z"]["mean"], expected["mean"], atol=1e-5)
    files["SCL"] = files["B03"]
    files["B11"] = str(
        store.write_cog(
            "wrong.tif",
            xr.DataArray(
                np.ones((60, 60), np.uint16),
                dims=("y", "x"),
                attrs={"crs": sky_tile.CRS, "transform": Affine(20, 0, sky_tile.LEFT + 5, 0, -20, sky_tile.TOP)},
            ),
            nodata=0,
        )
    )
    with pytest.raises(
        FeedCorrupt, match=r"wrong\.tif: 60 x 60 cells of 20 m .* do not cover the area of the finest band"
    ):
        stream.job(reading, files, "mndwi", {}, limits=LIMITS)


def test_a_lie_about_the_offset_is_refused_or_put_right_by_the_pixels(files):
    old = {**sky_tile.PROPERTIES, "s2:processing_baseline": "02.14"}
    with pytest.raises(
        FeedCorrupt, match="metadata ask for a reflectance offset of 0 DN but the dark pixels for -1000"
    ):
        stream.statistics(job(files), old, workers.threads(1))
    truth = stream.statistics(job(files), sky_tile.PROPERTIES, workers.threads(1))
    same_bytes(truth, stream.statistics(job(files), old, workers.threads(1), policy="pixels"))
    same_bytes(truth, stream.statistics(job(files), {}, workers.threads(1)))


def test_a_missing_band_and_a_torn_file_are_said(files, tmp_path):
    with pytest.raises(FeedCorrupt, match="ndvi needs band B08"):
        stream.job(reading, {"B04": files["B04"], "SCL": files["SCL"]}, "ndvi", {}, limits=LIMITS)
    torn = tmp_path / "B04.tif"
    torn.write_bytes(Path(files["B04"]).read_bytes()[:900_000])
    with pytest.raises(FeedCorrupt, match=r"B04\.tif: rows \d+ to \d+ cannot be read"):
        stream.statistics(job({**files, "B04": str(torn)}), sky_tile.PROPERTIES, workers.threads(2))
