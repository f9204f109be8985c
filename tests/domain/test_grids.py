"""Which grid answers for a place."""

import shutil
from datetime import date

import numpy as np
import pytest

from domain.errors import CatalogueError
from domain.grids import COLUMNS, FILE, grids, responsible
from domain.registry import Registry
from store.home import SAMPLE_COUNTY

DAY = date(2026, 8, 24)


@pytest.fixture(scope="module")
def known():
    return grids(Registry.load(SAMPLE_COUNTY))


def test_every_township_has_a_grid_and_every_grid_answers_for_its_own_place(known):
    assert set(known["township"]) == set(Registry.load(SAMPLE_COUNTY).townships.ids)
    for row in known.itertuples():
        assert responsible(known, row.lon, row.lat, row.township, DAY) == row.grid_code


def test_the_township_goes_before_the_nearest(known):
    row = known[known["township"] == "331102001"].iloc[0]
    found = responsible(known, row["lon"], row["lat"], "331102204", DAY)
    assert found is not None
    assert found.startswith("331102204")


def test_without_a_place_the_first_of_the_township_and_without_both_none(known):
    assert responsible(known, np.nan, np.nan, "331102204", DAY) == min(
        known.loc[known["township"] == "331102204", "grid_code"]
    )
    assert responsible(known, np.nan, np.nan, "", DAY) is None
    assert responsible(known, 119.9, 28.4, "", date(2019, 1, 1)) is None  # before any was valid


def test_problems_are_told_at_once(tmp_path):
    folder = shutil.copytree(SAMPLE_COUNTY, tmp_path / "county")
    head = ",".join(COLUMNS)
    (folder / FILE).write_text(f"{head}\n999,a,b,x,28,w,1,2020-13-01,\n", encoding="utf-8")
    with pytest.raises(CatalogueError) as error:
        grids(Registry.load(folder))
    assert len(error.value.problems) == 3
