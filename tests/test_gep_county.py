"""The simulated county whole: archives of a year and the departments' forms, taken in as a bureau would, give an
account with every part of the default norm, and it is of the size that published accounts have.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Geod

from console.demo import ARCHIVES
from domain.forms import forms
from domain.registry import Registry
from ingest.forms.run import collect, write_forms
from ingest.history import import_history
from ingest.layouts import find
from processing.gep.annual import gep_account, given_of, stock_of
from processing.gep.report.gate import objections
from processing.gep.run import gep_inputs
from sample_feeds import archives
from sample_feeds.departments import fill
from sample_feeds.scenario import load
from sample_feeds.scenes import county_land
from sample_feeds.simulate import COUNTY
from store.home import Home

YEAR, SEED = 2025, 20260818
NOW = datetime(2026, 4, 1, tzinfo=UTC)
#: 10^8 CNY per km2 of published accounts of the same kind: Lishui 2017 (4672.89 over 17,275 km2, 0.27) and Tonglu 2021
#: (551.29 over about 1,830 km2, 0.30).
PUBLISHED = (0.27, 0.30)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("county")
    home = Home.open(root / "home")
    land = county_land(Registry.load(COUNTY), load(), 120, SEED)
    archives.write(root, home.registry, land, years=(YEAR,), seed=SEED)
    _elevation(root / "archives", land)
    for layout in (*ARCHIVES, "copernicus_dem"):
        assert import_history(home, find(layout), root / "archives", now=NOW).rejected == {}
    for path in write_forms(home, root / "forms", year=YEAR):
        form = forms()[path.stem.rpartition("331102_")[2]]
        path.write_bytes(fill(path.read_bytes(), form, home.registry, year=YEAR, seed=SEED))
        (got,) = collect(home, [path], now=NOW, year=YEAR)
        assert got.written is not None, got.reading.problems
    gep_inputs(home, year=YEAR, now=NOW)
    return home


def _elevation(folder: Path, land):
    """The relief as two sheets, as a district across a meridian of whole degrees has them."""
    half = land.grid.width // 2
    for name, columns in (("E119", slice(None, half)), ("E120", slice(half, None))):
        heights = land.elevation[:, columns]
        moved = land.grid.transform @ rasterio.Affine.translation(columns.start or 0, 0)
        with rasterio.open(
            folder / f"Copernicus_DSM_COG_10_N28_00_{name}_00_DEM.tif", "w", driver="GTiff", dtype="float32", count=1,
            height=heights.shape[0], width=heights.shape[1], crs=f"EPSG:{land.grid.epsg}", transform=moved,
        ) as target:  # fmt: skip
            target.write(heights.astype(np.float32), 1)


@pytest.fixture(scope="module")
def made(place):
    return gep_account(place, year=YEAR, profile="db33-2025", now=NOW, draws=40, seed=1)


def test_nothing_is_missing(place, made):
    account, given, _ = made
    assert account.missing == ()
    assert account.complete
    assert [p for p in given.refused if p.kind == "missing"] == []
    assert set(stock_of(place, YEAR, "db33-2025")["state"]) == {"there"}


def test_every_part_has_a_number_an_interval_and_its_marks(made):
    account = made[0]
    for flow in account.flows:
        values = flow.quantity.values.sum(axis=(1, 2, 3))
        assert values[0] > 0, flow.part
        low, high = np.percentile(values[1:], (5, 95)) if len(values) > 1 else (values[0], values[0])
        assert low <= high
        assert flow.status, flow.part
    assert {f.part for f in account.flows} == {line.part.part for line in account.profile.lines}
    total = account.draws_of_total()
    assert np.percentile(total[1:], 5) < account.total < np.percentile(total[1:], 95)


@pytest.mark.parametrize("profile", ["db33-2020", "trial-2022", "gbt46869-2025"])
def test_the_other_norms_with_prices_are_whole_too(place, profile):
    account = gep_account(place, year=YEAR, profile=profile, now=NOW, write=False)[0]
    assert account.missing == ()
    assert account.total > 0


def test_it_is_of_the_size_of_published_accounts(made):
    account = made[0]
    km2 = account.zoned.area_m2.sum() / 1e6
    assert PUBLISHED[0] / 2 < account.total / 1e8 / km2 < PUBLISHED[1] * 2
    services = {f.service: 0.0 for f in account.valued()}
    for flow in account.valued():
        services[flow.service] += float(flow.value[0].sum())
    regulating = account.total - sum(
        services[s]
        for s in ("crops", "forestry", "livestock", "fishery", "other_products", "energy", "tourism", "recreation",
                  "landscape_premium")
    )  # fmt: skip
    assert 0.5 < regulating / account.total < 0.95  # Ninghai 53 %, Garze 91 %
    # 757 mm in the basins of the south-east (Gong 2017).
    water = account.part("water_retention").quantity.values[0].sum() / km2 / 1e3
    assert 500 < water < 1200


def test_nothing_stands_against_publication(place, made):
    account, given, _ = made
    outlines = place.registry.townships.shapes
    km2 = sum(abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) for shape in outlines) / 1e6
    assert objections(account, given.inputs, map_km2=km2) == []


def test_two_weeks_of_stations_are_no_year(place):
    judged = given_of(place, YEAR).inputs.set_index("quantity").loc["air_standard_met", "method"]
    assert judged == "reported"
    assert given_of(place, 2026).inputs.empty
