"""NO2: a level 2 file on the county's grid, and real daily series with every gap named."""

import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from domain import imagery
from domain.errors import FeedCorrupt
from processing.imagery.grid import county_grid
from processing.imagery.no2 import ABSENT, CORNERS, EMPTY, VALUE, VARIABLES, daily, daily_rows, on_grid
from processing.imagery.swath import coarse
from store.files import Files
from tests.store.grids import swath

SHARED = Path(os.environ.get("SANYAN_SHARED", str(Path(__file__).resolve().parents[4] / "shared")))
REAL = SHARED / "data" / "s5p_no2_daily"
COUNTY = {"crs": "EPSG:32650", "bbox": [119.62, 28.46, 119.90, 28.65], "resolution_m": 60}


def gridded(tmp_path, *, corners=True, settings=None, **options):
    place = swath(tmp_path, corners=corners, **options)
    names = (*VARIABLES, *CORNERS) if corners else VARIABLES
    grid = coarse(county_grid(COUNTY), imagery.settings()["s5p_cell_m"])
    return on_grid(Files(tmp_path).read_netcdf(place, names), grid, settings)


def test_a_swath_fills_the_county(tmp_path):
    found = gridded(tmp_path)
    assert np.isfinite(found["value"].values).all()
    np.testing.assert_allclose(found["value"].values, 5e-5, rtol=1e-6)
    assert found["value"].attrs["units"] == "mol/m2"
    assert found.attrs["basis"] == "qa_value >= 0.75, spread between corners"


def test_without_corners_small_cells_stay_empty(tmp_path):
    found = gridded(tmp_path, corners=False)
    assert 0 < np.isfinite(found["value"].values).mean() < 0.5
    assert found.attrs["basis"].endswith("centres only")


def test_bad_quality_and_fill_take_no_part_and_the_threshold_is_a_setting(tmp_path):
    qa = np.full((6, 8), 100, "uint8")
    qa[:, ::2] = 60
    column = np.full((6, 8), 5e-5)
    column[:, ::2] = 5e-3  # a cloud top, flagged
    column[2, 1] = np.nan
    found = gridded(tmp_path, qa=qa, column=column)
    np.testing.assert_allclose(found["value"].values[np.isfinite(found["value"].values)], 5e-5, rtol=1e-6)
    assert np.isnan(found["value"].values).any()
    looser = gridded(tmp_path, qa=qa, column=column, settings={"s5p_qa_min": 0.5, "s5p_points": 6})
    assert np.nanmax(looser["value"].values) > 1e-3


def series(days, values, **coords):
    units = {"units": "days since 2024-01-01 00:00:00"}
    return xr.Dataset(
        {"NO2": (("feature", "t"), np.array([values], dtype=float)), **coords},
        coords={"t": ("t", np.array(days), units)},
    )


def test_every_day_has_a_row_and_every_gap_its_reason():
    found = daily(series([0, 1, 3], [5e-5, np.nan, -2e-6], feature_names=("feature", ["城区"])))
    assert found["state"].values.tolist() == [[VALUE, EMPTY, ABSENT, VALUE]]
    rows = daily_rows(found, date(2023, 12, 31), date(2024, 1, 4))
    assert rows["subject"].unique().tolist() == ["城区"]
    assert rows["flag"].tolist() == [9, 1, 9, 9, 1]
    np.testing.assert_allclose(
        rows["value"], [np.nan, 5e-5, np.nan, np.nan, -2e-6], rtol=1e-6
    )  # the negative one stays
    assert rows["detail"].tolist() == [
        "outside the period of the file", "", "the file has the date, without a value",
        "no retrieval: the file has no such date (cloud, or no usable overpass)", "",
    ]  # fmt: skip
    assert set(rows["unit"]) == {"mol/m2"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (series([0, 0], [1e-5, 2e-5]), "2024-01-01 is in the file twice"),
        (series([0, 1], [1e-5, 2e-5]).rename(NO2="SO2"), "no NO2 along t"),
        (series([0, 1], [1, 2]).assign_coords(t=("t", [0, 1], {"units": "moons"})), "its times cannot be read"),
    ],
)
def test_files_that_are_no_series(given, said):
    with pytest.raises(FeedCorrupt, match=said):
        daily(given)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real NO2 files are not at hand (shared/data/s5p_no2_daily)")
@pytest.mark.parametrize("city", ["AlBuraimi", "Muscat", "Nizwa", "Salalah", "Sohar", "Sur"])
def test_real_files_give_daily_rows_with_their_gaps_named(tmp_path, city):
    place = REAL / f"NO2_2024_{city}.nc"
    rows = daily_rows(daily(Files(tmp_path).read_netcdf(place)), date(2024, 1, 1), date(2024, 12, 31))
    theirs = xr.open_dataset(place, engine="h5netcdf")["NO2"].isel(feature=0).to_series().dropna()  # by xarray itself
    assert len(rows) == 366
    seen = rows[rows["flag"] == 1].set_index(pd.to_datetime(rows.loc[rows["flag"] == 1, "day"]))["value"]
    np.testing.assert_allclose(seen.to_numpy(), theirs.to_numpy(), rtol=1e-6)
    assert seen.index.equals(pd.DatetimeIndex(theirs.index).astype(seen.index.dtype))
    gaps = rows[rows["flag"] == 9]
    assert len(gaps) == 366 - len(theirs)
    assert (gaps["detail"] != "").all()
    assert gaps["value"].isna().all()
    assert rows["day"].tolist() == [date(2024, 1, 1) + timedelta(days=i) for i in range(366)]
