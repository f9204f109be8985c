"""One peer over the same tile: mean NDVI of clear cells by zone. Run by sky.py in the environment of the peers.

    python sky_peer_worker.py PEER FOLDER THREADS -> JSON {seconds, peak_mib, means}

The mask is by class alone (no buffer around clouds, which the pipeline has): an advantage of the peers. The raster of
zones is given (zones.npy, uint8) and read before the clock runs.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import rasterio

CLEAR = (2, 4, 5, 6, 7)
OFFSET, ROWS, CHUNK = -1000, 512, 2048


def ndvi(red, nir, seen):
    r, n = red.astype(np.float32) + OFFSET, nir.astype(np.float32) + OFFSET
    good = seen & (r > 0) & (n > 0)
    return np.where(good, (n - r) / np.where(good, n + r, 1), np.float32("nan"))


def binned(values, zones, n):
    good = np.isfinite(values)
    labels = zones[good]
    sums = np.bincount(labels, weights=values[good], minlength=n + 1)
    return np.stack([sums, np.bincount(labels, minlength=n + 1)])


def rasterio_windows(folder, zones, n, _threads):
    total = np.zeros((2, n + 1))
    with (
        rasterio.open(folder / "B04.tif") as red,
        rasterio.open(folder / "B08.tif") as nir,
        rasterio.open(folder / "SCL.tif") as scl,
    ):
        for row in range(0, red.height, ROWS):
            height = min(ROWS, red.height - row)
            window = rasterio.windows.Window(0, row, red.width, height)
            half = rasterio.windows.Window(0, row // 2, scl.width, height // 2)
            seen = np.isin(scl.read(1, window=half), CLEAR).repeat(2, axis=0).repeat(2, axis=1)
            values = ndvi(red.read(1, window=window), nir.read(1, window=window), seen)
            total += binned(values, zones[row : row + height], n)
    return total[0] / total[1]


def _lazy_means(red, nir, seen, zones, n, threads):
    import dask
    import dask.array as da

    labels = da.from_array(zones, chunks=red.chunks)
    values = da.map_blocks(ndvi, red, nir, seen.rechunk(red.chunks), dtype=np.float32)
    blocks = [
        dask.delayed(binned)(v, z, n)
        for v, z in zip(values.to_delayed().ravel(), labels.to_delayed().ravel(), strict=True)
    ]
    with dask.config.set(scheduler="threads", num_workers=threads):
        total = dask.delayed(sum)(blocks).compute()
    return total[0] / total[1]


def rioxarray_dask(folder, zones, n, threads):
    import dask.array as da
    import rioxarray

    chunks = {"x": CHUNK, "y": CHUNK}
    red, nir = (rioxarray.open_rasterio(folder / f"{b}.tif", chunks=chunks, lock=False)[0].data for b in ("B04", "B08"))
    scl = rioxarray.open_rasterio(folder / "SCL.tif", chunks={"x": CHUNK // 2, "y": CHUNK // 2}, lock=False)[0].data
    seen = da.isin(scl, CLEAR).repeat(2, axis=0).repeat(2, axis=1)
    return _lazy_means(red, nir, seen, zones, n, threads)


def odc_stac_dask(folder, zones, n, threads):
    import dask.array as da
    import odc.stac
    import pystac

    item = pystac.Item.from_file(str(folder / "item.json"))
    cube = odc.stac.load(
        [item], bands=["B04", "B08", "SCL"], chunks={"x": CHUNK, "y": CHUNK}, resampling={"*": "nearest"}, dtype=None
    ).isel(time=0)
    seen = da.isin(cube["SCL"].data, CLEAR)
    return _lazy_means(cube["B04"].data, cube["B08"].data, seen, zones, n, threads)


def exactextract_means(folder, _zones, _n, _threads):
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    with (
        rasterio.open(folder / "B04.tif") as red,
        rasterio.open(folder / "B08.tif") as nir,
        rasterio.open(folder / "SCL.tif") as scl,
    ):
        seen = np.isin(scl.read(1), CLEAR).repeat(2, axis=0).repeat(2, axis=1)
        values = ndvi(red.read(1), nir.read(1), seen)
        west, south, east, north = red.bounds
    source = NumPyRasterSource(values, xmin=west, ymin=south, xmax=east, ymax=north, nodata=float("nan"))
    features = json.loads((folder / "zones.geojson").read_text())["features"]
    return np.array([0.0, *exact_extract(source, features, ["mean"], output="pandas")["mean"]])


PEERS = {
    "rasterio windows": rasterio_windows,
    "rioxarray + dask": rioxarray_dask,
    "odc-stac + dask": odc_stac_dask,
    "exactextract": exactextract_means,
}


def peak_mib() -> float:
    """Peak memory of this process alone (`getrusage` also counts what the parent had when it started us)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    peer, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    zones = np.load(folder / "zones.npy", mmap_mode="r")
    n = int(np.load(folder / "n.npy"))
    begun = time.perf_counter()
    means = PEERS[peer](folder, zones, n, threads)
    seconds = time.perf_counter() - begun
    peak = peak_mib()
    print(json.dumps({"seconds": seconds, "peak_mib": peak, "means": means[1:].tolist()}))


if __name__ == "__main__":
    main()
