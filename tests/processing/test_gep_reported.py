"""Reported figures become inputs in the units of the account, and nothing is filled in."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from domain.records import TABLES
from processing.gep.reported import inputs_of, prices_of, uses
from store.home import Home

NOW = datetime(2026, 4, 1, tzinfo=UTC)
TOWN = "331102100"


def figures(*rows):
    """(item, value) or (item, value, object) of one township and year."""
    made = [
        {
            "zone": TOWN,
            "year": 2025,
            "item": row[0],
            "object": row[2] if len(row) > 2 else "",
            "value": row[1],
            "unit": "",
            "state": "reported",
            "form": "f",
            "department": "d",
            "document": "",
            "received_at": NOW,
            "cell": f"raw/x#{row[0]}",
        }
        for row in rows
    ]
    return TABLES["statistics"].frame(made)


def value(frame, name):
    found = frame.loc[frame["quantity"] == name, "value"]
    return found.item() if len(found) else None


def test_units_of_ten_thousand_become_the_accounts_own():
    got = inputs_of(figures(("crops_output_10k_cny", 5230.5), ("farm_water_10k_m3", 820.5), ("so2_emission_t", 12.6)))
    assert value(got, "crops_output_cny") == 52_305_000
    assert value(got, "water_use_m3:agricultural") == 8_205_000
    assert value(got, "air_emission_t:SO2") == 12.6
    assert set(got["unit"]) == {"CNY", "m3", "t"}
    assert set(got["method"]) == {"reported"}


def test_net_output_needs_both_figures():
    both = figures(("crops_output_10k_cny", 5000.0), ("crops_intermediate_10k_cny", 1800.0))
    assert value(inputs_of(both), "crops_net_output_cny") == 32_000_000
    assert value(inputs_of(both.iloc[:1]), "crops_net_output_cny") is None
    without = both.assign(value=[5000.0, np.nan])
    assert value(inputs_of(without), "crops_net_output_cny") is None


def test_objects_of_a_township_are_added_or_weighed():
    got = inputs_of(
        figures(
            ("visits", 300_000, "a"), ("visits", 100_000, "b"), ("stay_h", 8, "a"), ("stay_h", 4, "b"),
            ("total_capacity_10k_m3", 100, "x"), ("total_capacity_10k_m3", 50, "y"), ("stay_h", 99, "c"),
        )
    )  # fmt: skip
    assert value(got, "visits") == 400_000
    hours = got[got["quantity"] == "visit_hours"].set_index("zone")["value"]
    assert hours.to_dict() == {"331102": 7.0, TOWN: 7.0}
    assert value(got, "reservoir_capacity_m3") == 1_500_000


def test_what_does_not_apply_is_nought_in_a_sum_and_nothing_in_a_mean():
    there = figures(("visits", 300_000, "a"), ("stay_h", 8, "a"))
    none = figures(("visits", np.nan), ("stay_h", np.nan)).assign(state="not applicable", zone="331102104")
    got = inputs_of(pd.concat([there, none], ignore_index=True)).set_index(["quantity", "zone"])["value"]
    assert got["visits"].to_dict() == {TOWN: 300_000, "331102104": 0.0}
    assert got["visit_hours"].to_dict() == {"331102": 8.0, TOWN: 8.0}


def test_local_prices_have_the_form_of_the_price_table():
    district = figures(("so2_cost_cny_kg", 1.26), ("electricity_cny_kwh", 0.538)).assign(zone="331102")
    got = prices_of(district).set_index(["parameter", "item"])
    assert got.loc[("treatment_cost", "SO2"), "value"] == 1260.0
    assert got.loc[("electricity_price", ""), ["value", "unit", "set", "region"]].tolist() == [
        0.538, "CNY/kWh", "reported", "331102",
    ]  # fmt: skip


def test_nothing_gives_nothing(tmp_path):
    empty = Home.open(tmp_path).lake.read("statistics")
    assert inputs_of(empty).empty
    assert prices_of(empty).empty


def test_the_order_of_rows_does_not_matter():
    rows = figures(("visits", 3, "a"), ("visits", 1, "b"), ("stay_h", 8, "a"), ("stay_h", 4, "b"), ("population", 9))
    pd.testing.assert_frame_equal(inputs_of(rows), inputs_of(rows.iloc[::-1]))


@pytest.mark.parametrize("column", ["item", "target"])
def test_the_table_is_not_empty(column):
    assert uses()[column].str.len().min() > 2


def test_a_lake_is_a_quantity_of_its_own_and_nought_in_other_townships():
    lakes = figures(("lake_surface_km2", 0.5, "a"), ("lake_surface_km2", 0.2, "b"))
    other = figures(("lake_surface_km2", 0.9, "c")).assign(zone="331102206")
    none = figures(("lake_surface_km2", np.nan)).assign(state="not applicable", zone="331102104")
    got = inputs_of(pd.concat([lakes, other, none], ignore_index=True)).set_index(["quantity", "zone"])["value"]
    assert got["lake_area_km2:a"].to_dict() == {TOWN: 0.5, "331102104": 0.0, "331102206": 0.0}
    assert got["lake_area_km2:c"].to_dict() == {TOWN: 0.0, "331102104": 0.0, "331102206": 0.9}
    assert not got.index.isin(["lake_area_km2"], level=0).any()
    # A district without any lake has none: nought, and nothing missing.
    assert inputs_of(none).set_index("quantity")["value"].to_dict() == {"lake_area_km2": 0.0}
