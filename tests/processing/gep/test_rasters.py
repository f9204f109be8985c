"""Rasters to inputs: sums by zone and ecosystem, the same for any blocks, and what the account makes of them."""

import numpy as np
import pandas as pd
import pytest

from processing.gep.account import account
from processing.gep.formulas.soil_factors import c_dryland, c_factor, k_epic, k_factor, l_factor, s_factor
from processing.gep.profile import profiles
from processing.gep.rasters import Reduction, Variant, reduced
from processing.gep.terrain import slope_degrees, slope_length

KINDS = ("evergreen_broadleaf", "dryland", "paddy")
ZONES = ("331102001", "331102002")
SHAPE = (60, 80)
CELL_M = 10.0


def layers():
    rng = np.random.default_rng(4)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    dem = 200 + 3 * y + 10 * np.sin(x / 6)
    return {
        "zone": (1 + (x > 40)).astype(np.uint8),
        "ecosystem": rng.integers(0, 4, SHAPE).astype(np.uint8),
        "rainfall_mm": 1500 + x,
        "npp_t_c_hm2": np.full(SHAPE, 7.0),
        "vegetation_cover_pct": rng.uniform(0, 100, SHAPE),
        "erosivity": 7000 + 10 * y,
        "erodibility": np.full(SHAPE, 0.02),
        "slope_deg": slope_degrees(dem, CELL_M),
        "slope_length_m": slope_length(dem, CELL_M, limit_m=300),
    }


def reduction():
    return Reduction(ZONES, KINDS, CELL_M**2, Variant(), frozenset({"evergreen_broadleaf"}))


def blocks(of, height, width):
    for top in range(0, SHAPE[0], height):
        for left in range(0, SHAPE[1], width):
            yield {n: v[top : top + height, left : left + width] for n, v in of.items()}


def frame(of=None, height=60, width=80, workers=1):
    return pd.DataFrame(reduced(blocks(of or layers(), height, width), reduction(), "test", workers=workers))


def value(rows, zone, ecosystem, quantity):
    found = rows[(rows["zone"] == zone) & (rows["ecosystem"] == ecosystem) & (rows["quantity"] == quantity)]
    assert len(found) == 1
    return found["value"].iloc[0]


@pytest.mark.parametrize(("height", "width"), [(7, 13), (60, 1), (1, 80)])
def test_any_blocks_give_the_same_bytes(height, width):
    assert frame(height=height, width=width, workers=2).to_csv() == frame().to_csv()


def test_areas_means_and_sums():
    of, rows = layers(), frame()
    inside = (of["zone"] == 1) & (of["ecosystem"] == 1)
    assert value(rows, ZONES[0], KINDS[0], "area_m2") == inside.sum() * 100
    assert value(rows, ZONES[0], KINDS[0], "rainfall_mm") == pytest.approx(of["rainfall_mm"][inside].mean())
    assert value(rows, ZONES[0], KINDS[0], "npp_t_c") == pytest.approx(inside.sum() * 0.01 * 7)
    assert rows[rows["quantity"] == "area_m2"]["value"].sum() == (of["ecosystem"] > 0).sum() * 100


def test_soil_retained_is_the_sum_over_cells():
    """The strata lose nothing: the account retains what a sum over cells with C at every cell does."""
    of, rows = layers(), frame()
    done = account(rows, profiles()["hj1173-2021"], year=2022, region="331102", zones=ZONES)
    retained = done.part("soil_retention").quantity.values[0, :, :, 0]
    rkls = (
        of["erosivity"]
        * of["erodibility"]
        * l_factor(of["slope_length_m"], of["slope_deg"])
        * s_factor(of["slope_deg"])
    )
    cover = of["vegetation_cover_pct"]
    by_kind = [c_factor("forest", cover), c_dryland(cover), np.zeros(SHAPE)]
    for z in range(2):
        for e, c in enumerate(by_kind):
            inside = (of["zone"] == z + 1) & (of["ecosystem"] == e + 1)
            expected = (rkls * (1 - c))[inside].sum() * 0.01
            assert retained[z, done.zoned.ecosystems.index(KINDS[e])] == pytest.approx(expected, rel=1e-6)


def test_a_row_names_what_went_into_it_and_nothing_else():
    of = reduction()
    of.add(layers())
    told = {"erosivity": "rain", "slope_deg": "dem", "slope_length_m": "dem", "npp_t_c_hm2": "npp", "crust_factor": "x"}
    sources = pd.DataFrame(of.rows("map", told)).groupby("quantity")["source"].unique().map(list).to_dict()
    assert sources["area_m2"] == ["map"]
    assert sources["npp_t_c"] == ["map; npp"]
    assert sources["rainfall_mm"] == ["map"]
    assert sources["rkls_t:c3"] == ["map; rain; dem"]


def test_missing_cells_are_counted_and_said():
    of = layers()
    of["rainfall_mm"] = np.where(np.arange(SHAPE[1]) < 4, np.nan, of["rainfall_mm"])
    rows = frame(of)
    row = rows[(rows["zone"] == ZONES[0]) & (rows["quantity"] == "rainfall_mm")].iloc[0]
    assert row["n_valid"] < row["n_expected"]
    assert "missing; the mean of the others" in row["method"]
    of["rainfall_mm"] = np.where(np.arange(SHAPE[1]) < 30, np.nan, of["rainfall_mm"])
    rows = frame(of)
    row = rows[(rows["zone"] == ZONES[0]) & (rows["quantity"] == "rainfall_mm")].iloc[0]
    assert np.isnan(row["value"])
    assert "no number" in row["method"]


def test_the_rows_tell_their_variant_and_another_profile_refuses_it():
    rows = frame()
    method = rows.loc[rows["quantity"].str.startswith("rkls_t"), "method"].iloc[0]
    assert "k_factor=corrected beta_constant=0.089 s_breaks=hj1173" in method
    assert Variant.of(profiles()["hj1173-2021"].switches) == Variant()


def test_switches_of_the_factors_move_the_loss():
    epic = k_epic(40.0, 35.0, 25.0, 1.5)
    assert float(k_factor(epic, "epic") / k_factor(epic, "corrected")) == pytest.approx(2.18, abs=0.01)
    assert s_factor(40.0, "liu") > s_factor(40.0, "hj1173")
    assert abs(l_factor(100.0, 15.0, 0.0896) / l_factor(100.0, 15.0, 0.089) - 1) < 0.01
    with pytest.raises(ValueError, match="s_breaks"):
        s_factor(10.0, "other")
    with pytest.raises(ValueError, match="k_factor"):
        k_factor(0.2, "other")
    with pytest.raises(KeyError):
        c_factor("moon", 50.0)
