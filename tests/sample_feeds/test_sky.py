"""The static catalogue of the sky eye, as a stranger reads it: pystac for the items, rasterio for the rasters."""

import hashlib
import json
from datetime import datetime, timedelta

import numpy as np
import pystac
import pytest
import rasterio
from pyproj import Transformer
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from domain.registry import Registry
from sample_feeds import sky
from sample_feeds.scenario import SkyEvent, load
from sample_feeds.simulate import COUNTY

SEED = 20260818
_FULL = load()
#: Twice as coarse as the demo, to be quick.
SCENARIO = _FULL.model_copy(update={"sky": _FULL.sky.model_copy(update={"resolution_m": 120})})
EVENTS = {event.id: event for event in SCENARIO.of(SkyEvent)}
BANDS = ("B02", "B03", "B04", "B08", "B05", "B8A", "B11", "B12", "SCL")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(COUNTY)


@pytest.fixture(scope="module")
def root(registry, tmp_path_factory):
    out = tmp_path_factory.mktemp("sky")
    sky.write(out, registry, SCENARIO, start=SCENARIO.start, end=SCENARIO.end, seed=SEED)
    return out / "sky"


@pytest.fixture(scope="module")
def catalogue(root):
    return pystac.Catalog.from_file(str(root / "catalog.json"))


@pytest.fixture(scope="module")
def tiles(catalogue):
    """(day, tile) -> item."""
    items = catalogue.get_child("sentinel-2-l2a").get_items()
    return {(i.datetime.date().isoformat(), i.properties["s2:mgrs_tile"]): i for i in items}


def dn(item, name):
    with rasterio.open(item.assets[name].get_absolute_href()) as raster:
        return raster.read(1)


def reflectance(item, name):
    """Reflectance in fine pixels, NaN where there is no data or a cloud or shadow."""
    fine = dn(item, "B04").shape
    values, classes = dn(item, name), dn(item, "SCL")
    values, classes = (
        a if a.shape == fine else np.repeat(np.repeat(a, 2, axis=0), 2, axis=1) for a in (values, classes)
    )
    clear = (values > 0) & np.isin(classes, (2, 4, 5, 6))
    return np.where(clear, (values - 1000.0) / 10_000, np.nan)


def index(item, a, b):
    x, y = reflectance(item, a), reflectance(item, b)
    return (x - y) / (x + y)


def around(item, lon, lat, radius_m):
    """True within a radius of a WGS 84 point, in fine pixels of an item."""
    with rasterio.open(item.assets["B04"].get_absolute_href()) as raster:
        x, y = Transformer.from_crs(4326, raster.crs, always_xy=True).transform(lon, lat)
        t, shape = raster.transform, raster.shape
    columns, rows = t.c + t.a * (np.arange(shape[1]) + 0.5), t.f + t.e * (np.arange(shape[0]) + 0.5)
    return np.hypot(columns[None, :] - x, rows[:, None] - y) < radius_m


def test_the_catalogue_holds_what_the_feeds_ask_for(catalogue):
    counts = {c.id: len(list(c.get_items())) for c in catalogue.get_children()}
    assert counts == {"sentinel-2-l2a": 8, "dem": 1, "landcover": 1, "rainfall-daily": 14}


def test_documents_follow_the_schemas_of_stac(catalogue):
    validator = JsonSchemaSTACValidator()
    for document in (catalogue, *catalogue.get_children(), *catalogue.get_items(recursive=True)):
        data = document.to_dict()
        validator.validate_core(data, document.STAC_OBJECT_TYPE, data["stac_version"])


def test_links_are_relative_and_lead_somewhere(root):
    for path in root.rglob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        hrefs = [link["href"] for link in data["links"]] + [a["href"] for a in data.get("assets", {}).values()]
        assert hrefs, path
        for href in hrefs:
            assert not href.startswith("/"), path
            assert "://" not in href, path
            assert (path.parent / href).is_file(), (path, href)


def test_items_say_what_is_needed_to_read_them(tiles):
    for (_, name), item in tiles.items():
        said = item.properties
        assert said["s2:processing_baseline"] == "05.11"
        assert said["earthsearch:boa_offset_applied"] is False
        assert said["proj:code"] == f"EPSG:{sky.TILES[name][0]}"
        assert 0 <= said["eo:cloud_cover"] <= 100
        assert set(item.assets) == set(BANDS)
        assert (item.datetime + timedelta(hours=8)).strftime("%H:%M") == "10:37"


def test_passes_come_every_five_days_with_one_view_before(tiles):
    days = sorted({day for day, _ in tiles})
    assert days == ["2026-08-14", "2026-08-19", "2026-08-24", "2026-08-29"]
    assert all((day, name) in tiles for day in days for name in sky.TILES)
    for (day, _), item in tiles.items():
        created = datetime.fromisoformat(item.properties["created"])
        expected = SCENARIO.start + timedelta(hours=1) if day == days[0] else item.datetime + timedelta(hours=7)
        assert created == expected


def test_everything_is_published_within_the_period(catalogue):
    for item in catalogue.get_items(recursive=True):
        assert SCENARIO.start <= datetime.fromisoformat(item.properties["created"]) < SCENARIO.end, item.id


def test_one_day_is_cloudy_and_the_others_are_mostly_clear(tiles):
    share = {day: item.properties["eo:cloud_cover"] for (day, name), item in tiles.items() if name == "50RQS"}
    assert share.pop("2026-08-19") > 50
    assert max(share.values()) < 20


def test_rasters_are_cogs_on_the_grid_their_item_names(catalogue):
    for item in catalogue.get_items(recursive=True):
        for name, asset in item.assets.items():
            with rasterio.open(asset.get_absolute_href()) as raster:
                assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
                assert raster.crs.to_string() == asset.extra_fields["proj:code"]
                assert list(raster.shape) == asset.extra_fields["proj:shape"]
                assert list(raster.transform)[:6] == asset.extra_fields["proj:transform"]
                if "s2:mgrs_tile" in item.properties:
                    assert raster.dtypes == (("uint8",) if name == "SCL" else ("uint16",))
                    assert raster.nodata == 0


def test_coarse_bands_and_classes_lie_on_the_fine_ones(tiles):
    item = tiles["2026-08-24", "50RQS"]
    with rasterio.open(item.assets["B04"].get_absolute_href()) as fine:
        for name in ("B05", "B8A", "B11", "B12", "SCL"):
            with rasterio.open(item.assets[name].get_absolute_href()) as coarse:
                assert coarse.bounds == fine.bounds
                assert coarse.res == (2 * fine.res[0], 2 * fine.res[1])


def test_clouds_are_white_and_shadows_dark(tiles):
    item = tiles["2026-08-24", "50RQS"]
    classes = np.repeat(np.repeat(dn(item, "SCL"), 2, axis=0), 2, axis=1)
    blue, nir = dn(item, "B02"), dn(item, "B08")
    assert np.median(blue[classes == 9]) > 4500
    assert np.median(nir[classes == 3]) < 0.75 * np.median(nir[classes == 4])


def test_two_tiles_cover_the_county(tiles, registry):
    west, south, east, north = registry.county["bbox"]
    lon, lat = (a.ravel() for a in np.meshgrid(np.linspace(west, east, 60), np.linspace(south, north, 60)))
    covered = {}
    for name in sky.TILES:
        item = tiles["2026-08-14", name]
        with rasterio.open(item.assets["B02"].get_absolute_href()) as raster:
            x, y = Transformer.from_crs(4326, raster.crs, always_xy=True).transform(lon, lat)
            covered[name] = np.array([v[0] > 0 for v in raster.sample(zip(x, y, strict=True))])
    assert (covered["50RQS"] | covered["51RTM"]).all()
    assert covered["50RQS"].any()
    assert covered["51RTM"].any()
    assert (covered["50RQS"] & covered["51RTM"]).any()
    assert not covered["50RQS"].all()  # the east needs the other zone
    assert not covered["51RTM"].all()


def test_the_bloom_shows_in_its_time_and_only_there(tiles):
    event = EVENTS["reservoir-bloom"]
    during, before = tiles["2026-08-24", "50RQS"], tiles["2026-08-14", "50RQS"]
    heart = around(during, *event.centre, 240)
    # Open water of the reservoir, away from the bloom and from the shore.
    quiet = around(during, 119.9, 28.363, 240)

    def fai(item):
        red, nir, swir = (reflectance(item, b) for b in ("B04", "B08", "B11"))
        return nir - (red + (swir - red) * (833 - 665) / (1610 - 665))

    assert np.median(index(during, "B05", "B04")[heart]) > 0.15
    assert np.median(fai(during)[heart]) > 0.02
    for item, place in ((before, heart), (before, quiet), (during, quiet)):
        assert np.nanmax(index(item, "B05", "B04")[place]) < 0.05
        assert np.nanmax(fai(item)[place]) < 0.005


def test_the_clearing_lays_soil_bare_and_nothing_else_changes(tiles):
    before, after = tiles["2026-08-14", "50RQS"], tiles["2026-08-29", "50RQS"]

    def bare(item):
        blue, red, nir, swir = (reflectance(item, b) for b in ("B02", "B04", "B08", "B11"))
        return ((swir + red) - (nir + blue)) / ((swir + red) + (nir + blue))

    greener = index(after, "B08", "B04") - index(before, "B08", "B04")
    barer = bare(after) - bare(before)
    lost = (greener <= -0.2) & (barer >= 0.1)
    sites = np.zeros(lost.shape, dtype=bool)
    for name in ("hill-clearing", "hill-dump", "road-dump"):
        event = EVENTS[name]
        sites |= around(after, *event.centre, 200 + 1.5 * np.sqrt(event.area_ha * 1e4 / np.pi))
    area_ha = lost[sites].sum() * 120**2 / 1e4
    assert area_ha >= 10
    assert not lost[~sites].any()
    still = greener[~sites & np.isfinite(greener) & (reflectance(before, "B08") > 0.1)]
    assert np.abs(still).max() < 0.15
    assert np.std(still) < 0.02


def test_rain_has_no_data_outside_and_differs_between_days(catalogue):
    days = [dn(item, "data") for item in catalogue.get_child("rainfall-daily").get_items()]
    for rain in days:
        inside = rain != sky.FLOAT_NODATA
        assert 0.5 < inside.mean() < 1
        assert rain[inside].min() >= 0
        assert rain[inside].max() < 300
    assert len({hashlib.sha256(rain.tobytes()).hexdigest() for rain in days}) == len(days)
    wet = [bool((rain > 10).mean() > 0.3) for rain in days]
    assert not all(wet)


def test_a_later_year_knows_of_the_clearing(registry, tmp_path):
    coarse = SCENARIO.model_copy(update={"sky": SCENARIO.sky.model_copy(update={"resolution_m": 200})})
    start = SCENARIO.start.replace(month=12, day=31)
    sky.write(tmp_path, registry, coarse, start=start, end=start + timedelta(days=1), seed=SEED)
    maps = pystac.Catalog.from_file(str(tmp_path / "sky" / "catalog.json")).get_child("landcover")
    this, following = (dn(item, "data") for item in sorted(maps.get_items(), key=lambda i: i.id))
    changed = this != following
    assert set(following[changed].tolist()) == {821}
    assert changed.sum() * 0.04 * 100 == pytest.approx(
        EVENTS["hill-clearing"].area_ha + EVENTS["hill-dump"].area_ha, abs=8
    )


def test_the_same_seed_is_the_same_bytes(registry, tmp_path):
    coarse = SCENARIO.model_copy(update={"sky": SCENARIO.sky.model_copy(update={"resolution_m": 300})})

    def digest(name, seed):
        out = tmp_path / name
        sky.write(out, registry, coarse, start=SCENARIO.start, end=SCENARIO.start + timedelta(days=2), seed=seed)
        return {p.relative_to(out): hashlib.sha256(p.read_bytes()).hexdigest() for p in out.rglob("*") if p.is_file()}

    first = digest("a", 1)
    assert len(first) > 20
    assert digest("b", 1) == first
    assert digest("c", 2) != first


def test_a_longer_window_shows_the_same_scenes():
    start, end = SCENARIO.start, SCENARIO.end
    whole = sky.passes(SCENARIO, start, end)
    parts = [
        p for k in range(14) for p in sky.passes(SCENARIO, start + timedelta(days=k), start + timedelta(days=k + 1))
    ]
    assert {p.acquired_at for p in whole} == {p.acquired_at for p in parts}
    assert {p.cover for p in whole} == {0.04, 0.62, 0.12, 0.06}
