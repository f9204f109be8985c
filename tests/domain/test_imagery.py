"""The tables of the sky: what catalogues call a band, and mistakes named by line."""

import pytest

from domain import imagery
from domain.errors import CatalogueError
from tests.processing.imagery.test_physical import FAMILIES

CACHED = (
    imagery.products, imagery.bands, imagery.flag_rules, imagery.gains, imagery.settings,
    imagery._all_bands, imagery._collections, imagery._assets,
)  # fmt: skip

EARTH_SEARCH = [
    "coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "nir09", "swir16", "swir22",
    "scl", "aot", "wvp",
]  # fmt: skip
NATIVE = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12", "SCL", "AOT", "WVP"]
CDSE = [
    "B01_60m", "B02_10m", "B03_10m", "B04_10m", "B05_20m", "B06_20m", "B07_20m", "B08_10m", "B8A_20m", "B09_60m",
    "B11_20m", "B12_20m", "SCL_20m", "AOT_20m", "WVP_20m",
]  # fmt: skip


@pytest.mark.parametrize(
    ("collection", "keys"),
    [
        ("sentinel-2-l2a", EARTH_SEARCH),  # Earth Search v1
        ("sentinel-2-c1-l2a", EARTH_SEARCH),
        ("sentinel-s2-l2a-cogs", NATIVE),  # Earth Search v0
        ("sentinel-2-l2a", NATIVE),  # Planetary Computer, and our simulator
        ("sentinel-2-l2a", CDSE),  # Copernicus Data Space
    ],
)
def test_every_catalogue_names_the_same_bands(collection, keys):
    found = imagery.canonical_assets(collection, {key: f"{key}.tif" for key in [*keys, "thumbnail", "visual"]})
    assert found == {common: f"{key}.tif" for common, key in zip(EARTH_SEARCH, keys, strict=True)}


def test_the_finer_twin_and_the_plain_name_come_first():
    twins = {"B04_60m": "c", "B04_20m": "b", "B04_10m": "a", "red-jp2": "j"}
    assert (
        imagery.canonical_assets("sentinel-2-l2a", twins)["red"] == "j"
    )  # Earth Search's own, before other catalogues
    del twins["red-jp2"]
    assert imagery.canonical_assets("sentinel-2-l2a", twins)["red"] == "a"


def test_nir08_of_landsat_is_not_that_of_sentinel():
    assert imagery.canonical_assets("landsat-c2-l2", {"nir08": "x", "red": "r", "lwir": "t", "SR_B4": "?"}) == {
        "red": "r", "nir08": "x", "lwir11": "t",
    }  # fmt: skip


def test_a_file_of_several_bands_holds_them_all():
    assert set(imagery.canonical_assets("gf6-wfv", {"data": "x.tif"})) == {
        "blue", "green", "red", "nir", "rededge1", "rededge2", "coastal", "yellow",
    }  # fmt: skip
    assert set(imagery.canonical_assets("sentinel-5p-l2-netcdf", {"no2": "x.nc"})) == {"no2", "qa_value"}


def test_unknown_collections_are_their_own_product():
    assert imagery.product_of("odd") == "odd"
    assert imagery.canonical_assets("odd", {"B04": "x"}) == {}
    assert imagery.collections_of("sentinel-2-l2a") == ("sentinel-2-l2a", "sentinel-2-c1-l2a", "sentinel-s2-l2a-cogs")
    with pytest.raises(KeyError, match="'B99'; it has"):
        imagery.band_of("sentinel-2-l2a", "B99")


def test_common_names_are_unique_and_quality_bands_exist():
    for product in imagery.products():
        specs = list(imagery.bands(product).values())
        assert len({s.common_name for s in specs}) == len(specs) > 0, product
        assert {s.qa_band for s in specs} - {""} <= {s.band for s in specs}, product
        assert product in FAMILIES, f"{product}: write a file of it in test_physical.py"


@pytest.mark.parametrize(
    ("table", "before", "after", "load", "said"),
    [
        (
            "sky_bands.csv",
            "0.0001,by scene",
            "tiny,by scene",
            lambda: imagery.bands("x"),
            "2: scale is 'tiny'; write a",
        ),
        (
            "sky_bands.csv",
            ",quantity,",
            ",amount,",
            lambda: imagery.bands("x"),
            r"2: kind is 'amount'; write one of \[",
        ),
        (
            "sky_assets.csv",
            ",B02,",
            ",B2,",
            lambda: imagery.asset_names("x", "y"),
            "3: 'sentinel-2-l2a' has no band 'B2'",
        ),
        ("sky_flags.csv", ",drop,", ",lose,", lambda: imagery.flag_rules("x", "y"), "2: use is 'lose'"),
        ("sky_gains.csv", "gf1-wfv", "gf9-wfv", imagery.gains, "2: there is no product 'gf9-wfv'"),
        ("sky_settings.csv", "0.75", "much", imagery.settings, "2: value is 'much'; write a number"),
        ("sky_products.csv", ",raster,", ",cube,", imagery.products, "2: form is 'cube'"),
    ],
)
def test_mistakes_are_named_by_line(tmp_path, monkeypatch, table, before, after, load, said):
    for path in imagery.TABLES_DIR.glob("sky_*.csv"):
        text = path.read_text(encoding="utf-8")
        changed = text.replace(before, after, 1) if path.name == table else text
        (tmp_path / path.name).write_text(changed, encoding="utf-8")
    monkeypatch.setattr(imagery, "TABLES_DIR", tmp_path)
    _forget()
    try:
        with pytest.raises(CatalogueError, match=f"{table}:{said}"):
            load()
    finally:
        monkeypatch.undo()
        _forget()


def _forget():
    for cached in CACHED:
        cached.cache_clear()
