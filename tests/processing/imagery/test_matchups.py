"""Which cells stand for a station, and which values belong together in time."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine
from pyproj import Transformer

from processing.imagery import matchups
from processing.imagery.tables import thresholds
from tests.processing.imagery.rasters import grid

HERE = grid(30, 30, left=700_000, top=3_150_000)  # cells of 60 m
LIMITS = {**thresholds(), "match_radius_m": 130.0}


def stations(**cells):
    """Name -> (row, column) as stations in degrees, at cell centres."""
    back = Transformer.from_crs(HERE.crs, "EPSG:4326", always_xy=True)
    rows = []
    for name, (row, column) in cells.items():
        lon, lat = back.transform(HERE.left + 60 * (column + 0.5), HERE.top - 60 * (row + 0.5))
        rows.append({"station_id": name, "lon": lon, "lat": lat})
    return pd.DataFrame(rows)


def test_inner_cells_within_the_radius_stand_for_a_station():
    values = np.full(HERE.shape, np.nan)
    rows, columns = np.mgrid[0:30, 0:30]
    values[:] = 10 + 0.01 * rows
    allowed = np.zeros(HERE.shape, dtype=bool)
    allowed[8:13, 8:13] = True
    found = matchups.samples(values, allowed, stations(mid=(10, 10), bank=(6, 10), far=(25, 25)), HERE, LIMITS)
    near = allowed & (np.hypot(rows - 10, columns - 10) * 60 <= 130)
    assert found.loc[0, ["sky", "n_cells", "reason"]].tolist() == [np.median(values[near]), near.sum(), ""]
    assert found["n_cells"].tolist() == [13, 1, 0]
    assert found["reason"].tolist() == ["", "cells", "cells"]
    assert found["sky"].isna().tolist() == [False, True, True]


def test_clouds_leave_too_few_cells_and_shores_mix():
    allowed = np.ones(HERE.shape, dtype=bool)
    clouded = np.full(HERE.shape, 5.0)
    clouded[9:12] = np.nan
    clouded[8, 8:13] = np.nan
    found = matchups.samples(clouded, allowed, stations(a=(10, 10)), HERE, LIMITS)
    assert found["reason"].tolist() == ["cells"]
    mixed = np.random.default_rng(1).uniform(0, 50, HERE.shape)
    assert matchups.samples(mixed, allowed, stations(a=(10, 10)), HERE, LIMITS)["reason"].tolist() == ["mixed"]


def test_a_station_off_the_grid_is_outside_and_one_at_its_rim_is_not():
    values = np.full(HERE.shape, 5.0)
    found = matchups.samples(
        values, values > 0, stations(out=(-1, 3), rim=(0, 0)), HERE, {**LIMITS, "match_cells_min": 3}
    )
    assert found["reason"].tolist() == ["outside", ""]


def coarse(values):
    """A grid of 0.05 degrees with its corner at 119.5 E, 28.7 N."""
    transform = Affine(0.05, 0, 119.5, 0, -0.05, 28.7)
    return xr.DataArray(values, dims=("y", "x"), attrs={"crs": "EPSG:4326", "transform": transform})


def test_a_window_of_a_coarse_grid():
    values = np.arange(36, dtype=np.float32).reshape(6, 6)
    values[1, 1] = np.nan
    places = pd.DataFrame(
        {"station_id": ["in", "rim", "out"], "lon": [119.63, 119.51, 121], "lat": [28.57, 28.69, 28.5]}
    )
    found = matchups.window(coarse(values), places, half=1, cells_min=2)
    around = values[1:4, 1:4]
    assert found["sky"].tolist()[:2] == [float(np.nanmedian(around)), float(np.nanmedian(values[:2, :2]))]
    assert found["n_cells"].tolist() == [8, 3, 0]
    assert found["reason"].tolist() == ["", "", "outside"]
    assert matchups.window(coarse(values * np.nan), places, half=1, cells_min=0)["reason"].tolist()[0] == "cells"


def sky(**at):
    rows = [(name, pd.Timestamp(time), value) for name, (time, value) in at.items()]
    return pd.DataFrame(rows, columns=["station_id", "time", "sky"])


def ground(*rows):
    return pd.DataFrame(
        [(s, pd.Timestamp(t), p, v) for s, t, p, v in rows], columns=["station_id", "time", "period", "value"]
    )


def test_values_pair_by_the_middle_of_their_period_within_the_window():
    seen = sky(a=("2026-05-01T02:40Z", 1.0), b=("2026-05-01T02:40Z", 2.0), c=("2026-05-01T02:40Z", np.nan))
    values = ground(
        ("a", "2026-05-01T00:00Z", "PT4H", 7.0),  # middle 02:00
        ("a", "2026-05-01T03:00Z", "PT1H", 8.0),  # middle 03:30
        ("a", "2026-05-01T02:00Z", "PT1H", np.nan),  # middle 02:30, but nothing was measured
        ("b", "2026-05-01T06:00Z", "PT1H", 9.0),  # too late
        ("c", "2026-05-01T02:00Z", "PT1H", 3.0),
    )
    found = matchups.pairs(seen, values, hours=3)
    assert found[["station_id", "sky", "ground"]].to_numpy().tolist() == [["a", 1.0, 7.0]]
    shuffled = matchups.pairs(seen.iloc[::-1], values.iloc[::-1], hours=3)
    pd.testing.assert_frame_equal(shuffled, found)


@pytest.mark.parametrize("empty", ["sky", "ground"])
def test_nothing_pairs_with_nothing(empty):
    seen, values = sky(a=("2026-05-01T02:40Z", 1.0)), ground(("a", "2026-05-01T02:00Z", "PT1H", 3.0))
    found = matchups.pairs(
        seen.iloc[:0] if empty == "sky" else seen, values.iloc[:0] if empty == "ground" else values, hours=3
    )
    assert found.empty
    assert {"station_id", "time", "sky", "ground"} <= set(found.columns)
