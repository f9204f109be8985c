"""The river network: how far water flows, and where a place lies."""

import shutil

import numpy as np
import pytest

from domain.errors import CatalogueError
from domain.registry import Registry
from domain.rivers import FILE, Rivers
from store.home import SAMPLE_COUNTY


@pytest.fixture(scope="module")
def rivers():
    return Rivers.of(Registry.load(SAMPLE_COUNTY))


def test_water_flows_down_and_never_up(rivers):
    assert rivers.downstream_km("oujiang", 24.5, "oujiang", 27.0) == 2.5
    assert np.isnan(rivers.downstream_km("oujiang", 27.0, "oujiang", 24.5))
    assert rivers.downstream_km("oujiang", 27.0, "oujiang", 27.0) == 0


def test_a_tributary_reaches_what_lies_below_its_mouth(rivers):
    # 15.6 km to the mouth at 51.5, then 8.5 km.
    assert rivers.downstream_km("xiaoxi", 15.0, "oujiang", 60.0) == pytest.approx(24.1)
    assert np.isnan(rivers.downstream_km("xiaoxi", 15.0, "oujiang", 42.0))
    assert np.isnan(rivers.downstream_km("oujiang", 42.0, "xiaoxi", 20.0))


def test_stations_lie_where_they_say(rivers):
    registry = Registry.load(SAMPLE_COUNTY)
    rows = registry.stations[registry.stations["river_km"].notna()]
    for row in rows.itertuples():
        river, km = rivers.locate(row.lon, row.lat, 300)
        assert (river, km) == (row.river, pytest.approx(row.river_km, abs=0.3))


def test_far_from_any_river_is_on_none(rivers):
    assert rivers.locate(119.55, 28.70, 1500)[0] == ""
    assert rivers.locate(np.nan, 28.4, 1500)[0] == ""


def test_a_circle_is_refused(tmp_path):
    folder = shutil.copytree(SAMPLE_COUNTY, tmp_path / "county")
    (folder / FILE).write_text("river,into,mouth_km,into_km,source\na,b,1,1,x\nb,a,1,1,x\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="flows into itself"):
        Rivers.of(Registry.load(folder))
    (folder / FILE).write_text("river,into,mouth_km,into_km,source\na,b,one,1,x\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"rivers.csv:2: mouth_km"):
        Rivers.of(Registry.load(folder))
