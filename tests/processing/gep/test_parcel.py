import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from processing.gep.parcel import areas_in, changed, gain_or_loss, parcel
from processing.gep.uses import assessment, ranking, series
from processing.gep.values import own_rows
from processing.imagery.grid import WGS84, moved
from tests.processing.gep.district import AREAS, REGION, ZONES, made, rows
from tests.processing.skyland import GRID


def areas(share=1.0):
    return pd.DataFrame(
        [{"zone": z, "ecosystem": e, "area_m2": share * a} for z, kinds in AREAS.items() for e, a in kinds.items()]
    )


def test_parcels_that_cover_the_district_add_up_to_its_account():
    done = made(draws=10, seed=1)
    whole = parcel(done, areas())
    by_cell = [f for f in done.valued() if f.quantity.by_ecosystem]
    assert whole.value_cny == pytest.approx(sum(f.value[0].sum() for f in by_cell))
    assert whole.value_cny == pytest.approx(2 * parcel(done, areas(0.5)).value_cny)
    assert set(whole.left_out) == {f.part for f in done.flows if not f.quantity.by_ecosystem}
    assert (whole.rows["low"] <= whole.rows["high"])[whole.rows["value_cny"].notna()].all()


def test_nothing_changed_gains_nothing():
    assert gain_or_loss(made(), areas(0.1), areas(0.1)).value_cny == pytest.approx(0, abs=1e-3)


def test_forest_that_becomes_built_loses_what_forest_gives():
    done = made()
    before = pd.DataFrame([{"zone": ZONES[1], "ecosystem": "evergreen_broadleaf", "area_m2": 1e6}])
    after = changed(before, origin="evergreen_broadleaf", target="residential", share=0.5)
    assert after["area_m2"].sum() == 1e6
    found = gain_or_loss(done, before, after)
    rows_ = found.rows.set_index("part")
    # Residential land is in the other township only: what it gives there stands for it.
    assert rows_.loc["water_retention", "quantity"] == pytest.approx(500 * (1600 * (0.9535 - 0.25)) * -1)
    assert rows_.loc["climate_regulation.vegetation", "quantity"] == pytest.approx(-0.5e6 * 2837.27 * 120 / 10800)
    assert found.value_cny < 0


def test_what_is_nowhere_in_the_district_cannot_be_said():
    target = pd.DataFrame([{"zone": ZONES[0], "ecosystem": "orchard", "area_m2": 1e4}])
    assert any("orchard is nowhere" in what for what in parcel(made(), target).unknown)


def test_a_polygon_is_counted_by_cell_centres():
    cover = np.full(GRID.shape, 111, dtype=np.uint16)
    cover[:, 3:] = 511
    zones = np.ones(GRID.shape, dtype=np.int32)
    corner = box(GRID.left, GRID.top - 2 * GRID.resolution, GRID.left + 4 * GRID.resolution, GRID.top)
    found = areas_in(moved(corner, GRID.crs, WGS84), cover, zones, ("z",), GRID).set_index("ecosystem")["area_m2"]
    assert found.to_dict() == {"evergreen_broadleaf": 6 * GRID.resolution**2, "paddy": 2 * GRID.resolution**2}


def test_townships_are_ranked_per_area_and_per_head():
    done = made(draws=10, seed=1)
    frame = ranking(done).set_index("zone")
    assert frame["value_cny"].sum() == pytest.approx(done.total)
    assert frame.loc[ZONES[0], "rank"] == 1
    assert frame.loc[ZONES[0], "cny_per_head"] == pytest.approx(frame.loc[ZONES[0], "value_cny"] / 20_000)
    assert frame.loc[ZONES[0], "cny_per_km2"] == pytest.approx(frame.loc[ZONES[0], "value_cny"] / 70)
    assert frame["share_pct"].sum() == pytest.approx(100)


def test_growth_is_told_at_comparable_prices_only():
    index = own_rows(
        [
            {"parameter": "price_index", "value": 100.0 + y - 2014, "unit": "1", "set": "reported", "year": y,
             "status": "confirmed"}
            for y in (2014, 2023, 2024)
        ]
    )  # fmt: skip
    now, last = (made(rows(area_m2=f), year=y, base_year=2014, local=index) for y, f in ((2024, 1.1), (2023, 1.0)))
    frame = assessment(now, last, {ZONES[0]: 1e9}).set_index("zone")
    assert frame.loc[ZONES[0], "growth_pct"] > 0
    assert frame.loc[ZONES[0], "done_pct"] == pytest.approx(100 * frame.loc[ZONES[0], "value_cny"] / 1e9)
    assert np.isnan(frame.loc[ZONES[1], "done_pct"])
    with pytest.raises(ValueError, match="base_year"):
        assessment(made(), made(year=2023), {})
    with pytest.raises(ValueError, match="same norm"):
        assessment(now, made(), {})
    years = series([last, now])
    assert years["year"].unique().tolist() == [2023, 2024]
    assert REGION not in set(frame.index) or frame.loc[REGION, "value_cny"] >= 0
