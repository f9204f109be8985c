"""Evaporation from open water: depth of the stations times the area of the map."""

import pandas as pd
import pytest

from processing.gep.derived import water_evaporation

DISTRICT = "331102"


def frame(*rows):
    made = [
        {"zone": z, "ecosystem": e, "quantity": q, "value": v, "unit": "", "n_valid": 4, "n_expected": 4}
        | {"method": "m", "source": f"{q} of {z}"}
        for z, e, q, v in rows
    ]
    return pd.DataFrame(made)


AREAS = (
    ("331102001", "lake", "area_m2", 2e6),
    ("331102001", "marsh", "area_m2", 1e6),
    ("331102001", "paddy", "area_m2", 9e6),
    ("331102002", "river", "area_m2", 3e6),
)


def test_depth_times_open_water_and_the_district_where_a_township_has_no_station():
    given = frame(
        *AREAS, (DISTRICT, "all", "hot_evaporation_mm", 500.0), ("331102001", "all", "hot_evaporation_mm", 520.0)
    )
    got = water_evaporation(given, DISTRICT).set_index(["zone", "ecosystem"])
    assert got["value"].to_dict() == {
        ("331102001", "lake"): pytest.approx(2e6 * 0.52),
        ("331102001", "marsh"): 0.0,
        ("331102002", "river"): pytest.approx(3e6 * 0.5),
    }
    assert set(got["unit"]) == {"m3"}
    assert "mean of 331102" in got.loc[("331102002", "river"), "method"]
    assert "hot_evaporation_mm of 331102001; area_m2" in got.loc[("331102001", "lake"), "source"]


def test_nothing_follows_from_nothing_and_what_is_reported_stays():
    depth = (DISTRICT, "all", "hot_evaporation_mm", 500.0)
    assert water_evaporation(frame(*AREAS), DISTRICT).empty
    assert water_evaporation(frame(depth), DISTRICT).empty
    assert water_evaporation(frame(*AREAS, ("331102001", "all", "hot_evaporation_mm", float("nan"))), DISTRICT).empty
    said = (DISTRICT, "all", "water_evaporation_m3", 7.0)
    assert water_evaporation(frame(*AREAS, depth, said), DISTRICT).empty
    # The depth of one township is nobody else's, and without one of the district nothing is said of the others.
    one = frame(*AREAS, ("331102001", "all", "hot_evaporation_mm", 520.0))
    assert set(water_evaporation(one, DISTRICT)["zone"]) == {"331102001"}
