"""Every product by its row: made, described, lazy, the same in any chunks."""

import numpy as np
import pytest
import xarray as xr

from domain.errors import CatalogueError
from processing.imagery import products
from processing.imagery.tables import thresholds

LIMITS = thresholds()
FITTED = {"rsei", "pm25"}
OWN = {"blue": "B02", "green": "B03", "red": "B04", "rededge1": "B05", "nir": "B08", "nir08": "B8A", "swir16": "B11"}


def bands(seed=5, shape=(37, 41)):
    random = np.random.default_rng(seed)
    out = {}
    for name in products.bands_of(products.FROM_BANDS):
        values = random.uniform(-0.03, 0.6, shape).astype(np.float32)
        values[random.random(shape) < 0.1] = np.nan
        out[name] = xr.DataArray(
            values, dims=("y", "x"), attrs={"crs": "EPSG:32650", "transform": (60, 0, 0), "nodata": 0}
        )
    out["lwir11"] = out["lwir11"] + 290
    return out


def test_every_row_is_made_and_everything_made_has_a_row():
    assert set(products.FROM_BANDS) | FITTED == set(products.product_table().index)
    assert not set(products.FROM_BANDS) & FITTED


@pytest.mark.parametrize("name", products.FROM_BANDS)
def test_any_chunks_give_the_same_bytes(name):
    whole = bands()
    expected = products.compute(whole, [name], limits=LIMITS)[name]
    assert expected.dtype == np.float32
    assert np.isfinite(expected).any()
    for chunks in ({"y": 1, "x": 41}, {"y": 7, "x": 13}, {"y": 37, "x": 1}):
        lazy = products.compute({k: v.chunk(chunks) for k, v in whole.items()}, [name], limits=LIMITS)[name]
        assert lazy.chunks is not None
        assert lazy.values.tobytes() == expected.values.tobytes()


@pytest.mark.parametrize("name", products.FROM_BANDS)
def test_a_product_says_what_it_is_and_misses_what_its_bands_miss(name):
    here = bands()
    row = products.product_table().loc[name]
    layer = products.compute(here, [name], limits=LIMITS)[name]
    assert layer.attrs["units"] == row["unit"]
    assert layer.attrs["long_name"] == row["name_en"]
    assert {"formula", "source", "mark", "version"} <= set(layer.attrs)
    assert (layer.attrs["crs"], layer.attrs["transform"]) == ("EPSG:32650", (60, 0, 0))
    assert "nodata" not in layer.attrs
    used = [b for b in row["bands"] if not (name == "turbidity" and b == "nir08")]
    missing = np.isnan(np.stack([here[b].values for b in used])).any(axis=0)
    assert np.isnan(layer.values[missing]).all()
    assert not np.isinf(layer.values).any()


def test_own_names_of_sentinel_are_understood_and_absent_bands_leave_products_out():
    here = bands()
    renamed = {OWN[k]: v for k, v in here.items() if k in OWN}
    found = products.compute(renamed, products.FROM_BANDS, limits=LIMITS)
    assert {"ndvi", "turbidity", "chla", "ndbsi"} <= set(found.data_vars)
    assert not {"nbr", "wetness", "lst"} & set(found.data_vars)
    assert set(products.possible(products.FROM_BANDS, renamed)) == set(found.data_vars)
    xr.testing.assert_identical(found["ndvi"], products.compute(here, ["ndvi"], limits=LIMITS)["ndvi"])


def test_a_sensor_with_one_near_infrared_uses_it_throughout():
    here = bands()
    landsat = {k: v for k, v in here.items() if k != "nir"}
    found = products.compute(landsat, ["ndvi", "wetness"], limits=LIMITS, sensor="landsat-8")
    both = products.compute(here | {"nir": here["nir08"]}, ["ndvi"], limits=LIMITS)
    np.testing.assert_array_equal(found["ndvi"], both["ndvi"])
    weights = products.coefficients("wetness", "landsat-8")
    expected = sum(here[b].astype(np.float64) * w for b, w in weights.items())
    np.testing.assert_allclose(found["wetness"], expected, atol=1e-6)


def test_the_day_temperature_of_modis_is_a_land_surface_temperature():
    kelvin = xr.DataArray(np.array([300.0, np.nan], dtype=np.float32), dims="x")
    found = products.compute({"lst_day": kelvin}, ["lst"], limits=LIMITS)["lst"]
    np.testing.assert_allclose(found, [26.85, np.nan], atol=1e-4)
    assert found.attrs["units"] == "degC"


@pytest.mark.parametrize("sensor", ["sentinel-2", "landsat-5", "landsat-7", "landsat-8"])
def test_weights_of_wetness_are_of_length_one(sensor):
    length = sum(w**2 for w in products.coefficients("wetness", sensor).values()) ** 0.5
    assert length == pytest.approx(1, abs=2e-3)


def test_water_with_a_slightly_negative_infrared_is_water():
    here = {
        "green": xr.DataArray([0.05, 0.05, 0.05, -0.01, 0.0, np.nan], dims="x"),
        "swir16": xr.DataArray([0.01, -0.002, 0.20, -0.02, 0.0, 0.1], dims="x"),
    }
    found = products.compute(here, ["water", "mndwi"], limits=LIMITS)
    np.testing.assert_array_equal(found["water"], [1, 1, 0, 0, 0, np.nan])
    assert np.isnan(found["mndwi"][1])


def test_what_cannot_be_made_is_refused():
    with pytest.raises(ValueError, match=r"rsei: made from a fit"):
        products.compute(bands(), ["ndvi", "rsei"], limits=LIMITS)
    with pytest.raises(KeyError):
        products.compute(bands(), ["nonsense"], limits=LIMITS)
    with pytest.raises(CatalogueError, match="'spot-1'"):
        products.compute(bands(), ["wetness"], limits=LIMITS, sensor="spot-1")


def test_versions_follow_rows_and_coefficients(tmp_path, monkeypatch):
    before = {name: products.version(name) for name in ("ndvi", "fvc", "chla", "turbidity")}
    assert len(set(before.values())) == len(before)
    for name in ("imagery_products.csv", "imagery_coefficients.csv"):
        text = (products.TABLES_DIR / name).read_text(encoding="utf-8").replace("14.039", "14.04")
        (tmp_path / name).write_text(
            text.replace("(N - R) / (N + R),absolute", "(N-R)/(N+R),absolute"), encoding="utf-8"
        )
    monkeypatch.setattr(products, "TABLES_DIR", tmp_path)
    cached = (products.product_table, products.version, products.coefficients, products._coefficient_table)
    for function in cached:
        function.cache_clear()
    after = {name: products.version(name) for name in before}
    monkeypatch.undo()
    for function in cached:
        function.cache_clear()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"ndvi", "fvc", "chla"}  # FVC is made from NDVI


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (",any,red nir,,(N - R)", ",sea,red nir,,(N - R)", "2: over is 'sea'"),
        (',absolute,"Rouse', ',sure,"Rouse', "2: mark is 'sure'"),
        ("red nir,ndvi,", "red nir,navi,", "5: needs 'navi'"),
    ],
)
def test_mistakes_of_the_table_are_named(tmp_path, monkeypatch, before, after, said):
    text = (products.TABLES_DIR / "imagery_products.csv").read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "imagery_products.csv").write_text(text.replace(before, after, 1), encoding="utf-8")
    monkeypatch.setattr(products, "TABLES_DIR", tmp_path)
    products.product_table.cache_clear()
    with pytest.raises(CatalogueError, match=said):
        products.product_table()
    monkeypatch.undo()
    products.product_table.cache_clear()
