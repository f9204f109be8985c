"""Runs in the environment of the peer, not in ours: InVEST models on the arrays of a file, their rasters into another.

    python gep_peer_worker.py SOURCE.npz TARGET.npz

SOURCE holds dem, lulc, erosivity, erodibility, precipitation, eto, pawc, soil_depth (all y, x), cell_m, l_max, z and
a biophysical table (code, usle_c, usle_p, kc, root_depth, vegetated, c_above, c_below, c_soil, c_dead).
"""

import csv
import sys
import tempfile
from pathlib import Path

import natcap.invest
import numpy as np
from natcap.invest import annual_water_yield, carbon
from natcap.invest.sdr import sdr
from osgeo import gdal, ogr, osr

gdal.UseExceptions()
LAYERS = ("dem", "lulc", "erosivity", "erodibility", "precipitation", "eto", "pawc", "soil_depth")
#: Name of an output -> the name of its file, wherever the model puts it.
WANTED = {
    "slope": "sdr/**/slope.tif",
    "flow_accumulation": "sdr/**/flow_accumulation.tif",
    "ls": "sdr/**/ls.tif",
    "rkls": "sdr/**/rkls.tif",
    "usle": "sdr/**/usle.tif",
    "fractp": "awy/**/fractp.tif",
    "wyield": "awy/**/wyield.tif",
    "carbon": "carbon/**/c_storage_bas.tif",
}


def main(source: Path, target: Path) -> None:
    given = np.load(source)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = {layer: _raster(folder, layer, given) for layer in LAYERS}
        shed, table = _watershed(folder, given), _biophysical(folder, given["biophysical"])
        common = {"n_workers": -1, "lulc_path": paths["lulc"], "watersheds_path": shed, "biophysical_table_path": table}
        sdr.execute(
            common
            | {
                "workspace_dir": str(folder / "sdr"),
                "dem_path": paths["dem"],
                "erosivity_path": paths["erosivity"],
                "erodibility_path": paths["erodibility"],
                "threshold_flow_accumulation": "1000000",
                "k_param": "2",
                "sdr_max": "0.8",
                "ic_0_param": "0.5",
                "l_max": str(float(given["l_max"])),
                "flow_dir_algorithm": "MFD",
            }
        )
        annual_water_yield.execute(
            common
            | {
                "workspace_dir": str(folder / "awy"),
                "depth_to_root_rest_layer_path": paths["soil_depth"],
                "precipitation_path": paths["precipitation"],
                "pawc_path": paths["pawc"],
                "eto_path": paths["eto"],
                "seasonality_constant": str(float(given["z"])),
            }
        )
        carbon.execute(
            {
                "workspace_dir": str(folder / "carbon"),
                "n_workers": -1,
                "lulc_bas_path": paths["lulc"],
                "carbon_pools_path": table,
                "calc_sequestration": False,
                "do_valuation": False,
            }
        )
        found = {name: _values(folder, place) for name, place in WANTED.items()}
        np.savez(target, version=natcap.invest.__version__, **found)


def _raster(folder: Path, name: str, given: np.lib.npyio.NpzFile) -> str:
    values, cell = given[name], float(given["cell_m"])
    kind = gdal.GDT_Int32 if name == "lulc" else gdal.GDT_Float32
    path = str(folder / f"{name}.tif")
    raster = gdal.GetDriverByName("GTiff").Create(path, values.shape[1], values.shape[0], 1, kind)
    raster.SetGeoTransform((500_000.0, cell, 0, 3_000_000.0, 0, -cell))
    raster.SetProjection(_utm().ExportToWkt())
    raster.GetRasterBand(1).SetNoDataValue(-9999)
    raster.GetRasterBand(1).WriteArray(values)
    raster.FlushCache()
    return path


def _utm() -> osr.SpatialReference:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32650)
    return reference


def _watershed(folder: Path, given: np.lib.npyio.NpzFile) -> str:
    (height, width), cell = given["dem"].shape, float(given["cell_m"])
    path = str(folder / "shed.gpkg")
    store = ogr.GetDriverByName("GPKG").CreateDataSource(path)
    layer = store.CreateLayer("shed", _utm(), ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("ws_id", ogr.OFTInteger))
    feature = ogr.Feature(layer.GetLayerDefn())
    x, y, w, h = 500_000.0, 3_000_000.0, width * cell, height * cell
    feature.SetGeometry(
        ogr.CreateGeometryFromWkt(f"POLYGON(({x} {y},{x + w} {y},{x + w} {y - h},{x} {y - h},{x} {y}))")
    )
    feature.SetField("ws_id", 1)
    layer.CreateFeature(feature)
    feature = layer = store = None
    return path


def _biophysical(folder: Path, rows: np.ndarray) -> str:
    path = folder / "biophysical.csv"
    heads = ["lucode", "usle_c", "usle_p", "kc", "root_depth", "lulc_veg", "c_above", "c_below", "c_soil", "c_dead"]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(heads)
        for row in rows.tolist():
            writer.writerow([int(row[0]), *row[1:5], int(row[5]), *row[6:]])
    return str(path)


def _values(folder: Path, place: str) -> np.ndarray:
    found = sorted(folder.glob(place))
    if len(found) != 1:
        raise FileNotFoundError(f"{place}: {[p.name for p in folder.rglob('*.tif')]}")
    raster = gdal.Open(str(found[0]))
    band = raster.GetRasterBand(1)
    values, nodata = band.ReadAsArray().astype(np.float64), band.GetNoDataValue()
    return np.where(np.isclose(values, nodata), np.nan, values) if nodata is not None else values


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
