"""The registry of a deployment: its optional catalogue of sources."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from domain.errors import CatalogueError
from domain.registry import SOURCE_KINDS, Registry

COUNTY = Path(__file__).resolve().parents[2] / "sample_feeds" / "county"


def deployment(tmp_path, sources):
    shutil.copytree(COUNTY, tmp_path / "county")
    path = tmp_path / "county" / "sources.csv"
    if sources is None:
        path.unlink()
    else:
        head = path.read_text(encoding="utf-8").splitlines()[0]
        path.write_text("\n".join([head, *sources]) + "\n", encoding="utf-8")
    return tmp_path / "county"


def test_fixed_mobile_and_area_sources_are_one_catalogue():
    found = Registry.load(COUNTY).sources
    assert set(found["kind"]) == set(SOURCE_KINDS)
    watched = found[found["station_id"] != ""]
    stations = Registry.load(COUNTY).by_id
    assert all(stations[r.station_id]["target"] == r.standard for r in watched.itertuples())
    assert np.isnan(found.loc[found["source_id"] == "mobile-1", "lon"]).all()


def test_a_deployment_need_not_have_one(tmp_path):
    assert Registry.load(deployment(tmp_path, None)).sources.empty


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,甲,A,factory,x,,,331102001,119.9,28.4,2020-01-01,", "kind 'factory' is not one of fixed, mobile, area"),
        ("a,甲,A,fixed,x,,,331102001,,,2020-01-01,", "a fixed source has a place; give lon and lat"),
        ("a,甲,A,area,x,,,331102001,east,28.4,2020-01-01,", "lon 'east' is not a number"),
        ("a,甲,A,fixed,x,outlet-9,,331102001,119.9,28.4,2020-01-01,", "station 'outlet-9' is not in stations.csv"),
        ("a,甲,A,area,x,,,999999999,,,2020-01-01,", "township '999999999' is not in townships.geojson"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path, row, words):
    with pytest.raises(CatalogueError) as error:
        Registry.load(deployment(tmp_path, [row]))
    assert f"sources.csv:2: {words}" in str(error.value)
