"""Soil loss with its LS factor, water yield and carbon against InVEST 3.20.2.

`invest_values.csv` holds what the peer gave for 40 cells of the rasters of tests/bench/gep_given.py; where the peer is
installed (python -m tests.bench.gep_peers), all cells are compared. The peer computes and stores single precision: with
its slope and flow accumulation we agree to 1e-6 in every cell. What else differs: InVEST fills pits before it takes the
slope (5 % of the cells of the real terrain), and spreads flow over all lower neighbours (MFD) where we follow the
steepest descent (D8).
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from processing.gep.formulas.soil import rusle
from processing.gep.formulas.soil_factors import ls_upslope
from processing.gep.formulas.water import actual_evapotranspiration_share
from processing.gep.terrain import slope_degrees, slope_length, upslope_cells
from tests.bench import gep_peers
from tests.bench.gep_given import CELL_OF_DEM, L_MAX, Z, rasters, real_terrain, terrain

SINGLE = 1e-6
SHARED = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[3] / ".." / "shared"))
DEM = SHARED / "data" / "dem_copernicus30" / gep_peers.DEM.name
PYTHON = gep_peers.python_of_peer()
INNER = np.s_[2:-2, 2:-2]


def test_cells_that_the_peer_computed():
    v = pd.read_csv(Path(__file__).with_name("invest_values.csv"))
    ls = ls_upslope(v["slope_pct"], v["upslope_cells"], v["cell_m"].to_numpy(), L_MAX)
    np.testing.assert_allclose(ls, v["ls"], rtol=SINGLE)
    potential, actual, _ = rusle(v["erosivity"], v["erodibility"], ls, 1.0, v["usle_c"], v["usle_p"])
    np.testing.assert_allclose(potential, v["rkls"], rtol=SINGLE)
    np.testing.assert_allclose(actual, v["usle"], rtol=SINGLE)
    share = actual_evapotranspiration_share(
        v["kc"], v["eto"], v["precipitation"], v["root_depth"], v["soil_depth"], v["pawc"], v["vegetated"], Z
    )
    np.testing.assert_allclose(share, v["fractp"], rtol=SINGLE)
    np.testing.assert_allclose(v["precipitation"] * (1 - share), v["wyield"], rtol=SINGLE)
    np.testing.assert_allclose(v["pools"], v["carbon"], rtol=SINGLE)


def test_terrain_of_ours_on_a_plane():
    """A plane of 10 % to the south: every cell drains one column, slope length grows by a cell a row."""
    dem = np.repeat(np.arange(20.0)[::-1, np.newaxis] * 3, 5, axis=1)
    assert np.tan(np.radians(slope_degrees(dem, 30.0)))[1:-1] == pytest.approx(0.1)
    assert upslope_cells(dem)[:, 2].tolist() == list(range(1, 21))
    assert slope_length(dem, 30.0, limit_m=300)[:12, 2].tolist() == [min(15 + 30 * n, 300) for n in range(12)]
    dem[7, 2] = np.nan
    assert np.isnan(slope_length(dem, 30.0, limit_m=300)[7, 2])
    assert np.isnan(upslope_cells(dem)[7, 2])


@pytest.mark.slow
@pytest.mark.skipif(PYTHON is None, reason="InVEST is not installed: python -m tests.bench.gep_peers says why")
@pytest.mark.parametrize("name", ["synthetic", "real"])
def test_every_cell_against_the_peer(name):
    if name == "real" and not DEM.is_file():
        pytest.skip(f"{DEM} is absent")
    dem, cell = (terrain(), 30.0) if name == "synthetic" else (real_terrain(DEM), CELL_OF_DEM)
    given = rasters(dem, cell)
    theirs = gep_peers.outputs(PYTHON, given)
    assert str(theirs["version"]) == "3.20.2"
    for what, values in gep_peers.ours(given, theirs["slope"], theirs["flow_accumulation"]).items():
        assert gep_peers.largest(values, theirs[what]) < SINGLE, what
    slope, upslope = gep_peers.own_terrain(given)
    same = np.abs(slope - theirs["slope"])[INNER] <= 1e-4
    assert same.mean() > 0.95  # the others are in or beside pits, which the peer fills
    own = ls_upslope(slope, upslope, cell, L_MAX)[INNER]
    assert own.sum() / theirs["ls"][INNER].sum() == pytest.approx(1, abs=0.05)
    difference = np.abs(own - theirs["ls"][INNER]) / np.maximum(theirs["ls"][INNER], 1e-9)
    assert np.median(difference[same]) < 0.05  # one way down against all of them
