"""Accounts: what adds up, what scales, what is missing and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import CatalogueError
from processing.gep.account import account
from processing.gep.profile import profiles
from processing.gep.statement import COLUMNS, statement
from processing.gep.values import own_rows
from tests.processing.gep.district import AREAS, REGION, ZONES, made, rows

LINEAR = {
    "water_retention": ("area_m2",),
    "soil_retention": ("rkls_t",),
    "soil_retention.silt": ("rkls_t",),
    "carbon_sequestration": ("area_m2",),
    "oxygen_release": ("area_m2",),
    "climate_regulation.vegetation": ("area_m2", "hot_days"),
    "climate_regulation.water_surface": ("water_evaporation_m3",),
    "flood_mitigation.vegetation": ("area_m2",),
    "flood_mitigation.reservoirs": ("reservoir_capacity_m3",),
    "crops": ("crops_output_cny",),
    "tourism": ("visits",),
    "air_purification": ("air_emission_t",),
}
#: The national consumer price index from 2010 to 2024: the product of its yearly links.
CPI = np.prod([1.054, 1.026, 1.026, 1.02, 1.014, 1.02, 1.016, 1.021, 1.029, 1.025, 1.009, 1.02, 1.002, 1.002])
#: Amounts of a district, for hypothesis: nothing, little or much of each.
amounts = st.floats(0, 1e3) | st.just(0.0)


def one(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def test_an_account_worked_by_hand():
    found = statement(made(), ("service", "part", "item"))
    water = one(found, part="water_retention")
    km2 = {k: sum(a.get(k, 0) for a in AREAS.values()) / 1e6 for k in {k for a in AREAS.values() for k in a}}
    alpha = {"evergreen_broadleaf": 4.65, "bamboo": 4.65, "tussock": 3.87, "paddy": 30, "residential": 75}
    expected = sum(1000 * km2[k] * (1600 * (1 - alpha.get(k, 0) / 100) - 800) for k in km2)
    assert water["quantity"] == pytest.approx(expected)
    assert water["value_cny"] == pytest.approx(expected * 7.06 * CPI)
    cooling = one(found, part="climate_regulation.vegetation")
    assert cooling["quantity"] == pytest.approx((80 * 2837.27 + 5 * 969.83) * 1e6 * 120 / 10800)
    assert one(found, part="tourism")["value_cny"] == 2000 * (8 * 25 + 300)
    assert one(found, part="soil_retention")["quantity"] == pytest.approx(
        8000 * 100 * 0.996 + 500 * 100 * 0.85 + 1500 * 100 + 300 * 100 + 300 * 100 * 0.99
    )


def test_rows_carry_norm_formula_price_and_status():
    found = statement(made())
    assert tuple(found.columns) == COLUMNS
    row = one(found, zone=ZONES[0], ecosystem="paddy", part="water_retention")
    assert (row["formula"], row["price_formula"], row["norm"]) == ("W2", "PW1", "DB33/T 2274-2020")
    assert (row["price_type"], row["price_year"]) == ("construction cost (one-off)", "2024")
    assert row["status"] == "memory"
    # The coefficient of paddy, the price index and the profile itself; the coefficient of evergreen forest was seen.
    assert row["n_unconfirmed"] == 3
    assert one(found, zone=ZONES[0], ecosystem="evergreen_broadleaf", part="water_retention")["n_unconfirmed"] == 2


def test_parts_sum_to_totals_and_townships_to_the_district():
    whole = made(draws=20, seed=3)
    total = whole.draws_of_total()
    for by in (
        ("zone",),
        ("ecosystem",),
        ("service",),
        ("category",),
        ("zone", "ecosystem", "service", "part", "item"),
    ):
        frame = statement(whole, by, complete_only=True)
        assert frame["value_cny"].sum() == pytest.approx(whole.total, rel=1e-12)
    parts = [f.value.sum(axis=(1, 2, 3)) for f in whole.valued()]
    assert sum(np.broadcast_to(p, total.shape) for p in parts) == pytest.approx(total)
    district = statement(whole, ("service", "part", "item")).set_index(["part", "item"])["quantity"]
    inner = statement(whole).groupby(["part", "item"])["quantity"].sum()
    pd.testing.assert_series_equal(inner.sort_index(), district.sort_index(), check_names=False, rtol=1e-12)


@settings(max_examples=25)
@given(
    areas=st.dictionaries(
        st.tuples(st.sampled_from(ZONES), st.sampled_from(["evergreen_broadleaf", "tussock", "paddy", "lake"])),
        amounts,
        min_size=1,
    ),
    rain=st.floats(0, 3000),
    et=st.floats(0, 2000),
)
def test_identities_hold_for_any_areas(areas, rain, et):
    given_rows = [
        {"zone": z, "ecosystem": e, "quantity": "area_m2", "value": km2 * 1e6} for (z, e), km2 in areas.items()
    ]
    for zone in ZONES:
        for name, value in (("runoff_rainfall_mm", rain), ("surface_runoff_mm", 0), ("evapotranspiration_mm", et)):
            given_rows.append({"zone": zone, "ecosystem": "all", "quantity": name, "value": value})
    done = account(pd.DataFrame(given_rows), profiles()["hj1173-2021"], year=2022, region=REGION, zones=ZONES)
    frame = statement(done)
    water = frame[frame["part"] == "water_retention"]
    assert water["quantity"].sum() == pytest.approx(1000 * sum(areas.values()) * (rain - et), rel=1e-9, abs=1e-6)
    by_zone = statement(done, ("zone", "service", "part"))
    by_zone = by_zone[by_zone["part"] == "water_retention"]
    assert by_zone["quantity"].sum() == pytest.approx(water["quantity"].sum(), rel=1e-12, abs=1e-6)
    for row in by_zone.to_dict("records"):
        if not sum(v for (z, _), v in areas.items() if z == row["zone"]):
            assert row["quantity"] == 0


def test_value_is_quantity_times_price():
    for flow in made(draws=5, seed=1).valued():
        np.testing.assert_array_equal(flow.value, flow.quantity.values * flow.price)
    frame = statement(made(), complete_only=True)
    priced = frame[frame["price"].notna() & (frame["quantity"] != 0)]
    assert (priced["quantity"] * priced["price"]).to_numpy() == pytest.approx(priced["value_cny"].to_numpy())


@pytest.fixture(scope="module")
def plain():
    return made()


@settings(max_examples=8)
@given(part=st.sampled_from(sorted(LINEAR)), factor=st.floats(0.01, 100))
def test_scaling_is_linear_where_the_formula_is(plain, part, factor):
    once = plain.part(part).quantity.values.sum()
    scaled = made(rows(**{LINEAR[part][0]: factor})).part(part).quantity.values.sum()
    assert scaled == pytest.approx(once * factor, rel=1e-9)


def test_no_area_gives_nothing():
    empty = made(rows(area_m2=0, rkls_t=0))
    for part in ("water_retention", "carbon_sequestration", "climate_regulation.vegetation", "soil_retention"):
        with np.errstate(all="ignore"):
            assert not empty.part(part).quantity.values.any()


def test_a_class_without_parameter_is_an_error_with_its_area():
    frame = pd.concat(
        [rows(), pd.DataFrame([{"zone": ZONES[0], "ecosystem": "glacier", "quantity": "area_m2", "value": 12_3450.0}])]
    )
    with pytest.raises(
        CatalogueError, match=r"water_retention: glacier has no runoff_coefficient_pct.*12\.34 ha|12\.35 ha"
    ):
        made(frame)


def test_what_is_missing_is_said_and_not_filled():
    frame = rows()
    without = made(frame[frame["quantity"] != "evapotranspiration_mm"])
    assert "water_retention" in without.missing
    assert not without.complete
    assert any(p.part == "water_retention" and "evapotranspiration_mm" in p.what for p in without.problems)
    gap = frame.copy()
    gap.loc[(gap["quantity"] == "rainfall_mm") & (gap["zone"] == ZONES[1]), "value"] = np.nan
    half = made(gap)
    assert half.missing == ("water_retention",)
    assert [p.zones for p in half.problems if p.part == "water_retention" and p.kind == "missing"] == [(ZONES[1],)]
    found = statement(half, ("zone", "service", "part"))
    assert np.isnan(one(found, zone=ZONES[1], part="water_retention")["value_cny"])
    assert one(found, zone=ZONES[0], part="water_retention")["value_cny"] > 0
    # The total leaves the part out for every zone, so that zones still add up to it.
    assert half.total == pytest.approx(made().total - made().part("water_retention").value.sum())


def test_a_mean_of_the_district_stands_for_its_zones_and_says_so():
    frame = rows()
    frame = frame[frame["quantity"] != "rainfall_mm"]
    frame = pd.concat(
        [frame, pd.DataFrame([{"zone": REGION, "ecosystem": "all", "quantity": "rainfall_mm", "value": 1600.0}])]
    )
    done = made(frame)
    assert done.total == pytest.approx(made().total)
    assert any(p.kind == "fallback" and "rainfall_mm" in p.what for p in done.problems)


def test_emissions_of_the_district_are_spread_and_add_up():
    done = made()
    water = statement(done, ("item", "service", "part"))
    assert one(water, part="water_purification", item="COD")["quantity"] == pytest.approx(30)
    by_zone = statement(done, ("zone", "service", "part", "item"))
    cod = by_zone[(by_zone["part"] == "water_purification") & (by_zone["item"] == "COD")].set_index("zone")["quantity"]
    assert cod[ZONES[0]] == pytest.approx(20)  # 2 of 3 km2 of wetland
    not_met = rows()
    not_met.loc[not_met["quantity"] == "water_standard_met:COD", "value"] = 0.0
    assert one(statement(made(not_met), ("item", "service", "part")), part="water_purification", item="COD")[
        "quantity"
    ] == pytest.approx(3 * 110.07)


def test_comparable_prices_need_a_price_index():
    done = made(base_year=2025)
    assert {"crops", "forestry", "tourism"} <= set(done.missing)  # no index of 2025 in the tables
    told = {p.part: p.what for p in done.problems if p.kind == "price"}
    assert (
        "reservoir_cost is of 2010 and was not moved to 2025: the consumer price index of 2025"
        in told["water_retention"]
    )
    assert "sanyan gep forms" in told["water_retention"]
    assert statement(done, ("service", "part")).set_index("part")["price_year"]["water_retention"] == "2010"
    moved = made(base_year=2025, local=links({2025: 110.0}))
    assert moved.part("crops").value.sum() == pytest.approx(2e7 * 1.1)
    assert moved.part("tourism").value.sum() == pytest.approx(1e6 * 1.1)
    assert moved.part("water_retention").price.max() == pytest.approx(7.06 * CPI * 1.1)
    years = statement(moved, ("service", "part")).set_index("part")["price_year"]
    assert (years["crops"], years["water_retention"]) == ("2025", "2025")
    assert not [p for p in moved.problems if p.kind == "price"]


def links(by_year):
    return own_rows(
        [
            {"parameter": "price_index_link", "value": v, "unit": "last year = 100", "set": "reported", "year": y}
            | {"status": "confirmed", "region": REGION}
            for y, v in by_year.items()
        ]
    )


def test_the_index_that_moves_a_price_stands_behind_it():
    flow = made().part("water_retention")
    assert {f"price_index_link {y}" for y in range(2011, 2025)} <= {
        f"{row.parameter} {row.year}" for row, _ in flow.price_rows
    }
    local = made(local=links({2024: 120.0})).part("water_retention")
    assert local.price.max() == pytest.approx(7.06 * CPI / 1.002 * 1.2)


def test_local_prices_come_before_those_of_the_profile():
    price = own_rows(
        [
            {"parameter": "reservoir_cost", "value": 12.6, "unit": "CNY/m3", "set": "reported", "status": "confirmed",
             "region": REGION, "year": 2024}
        ]
    )  # fmt: skip
    assert made(local=price).part("water_retention").price.max() == pytest.approx(12.6)


def test_switches_change_the_formula():
    profile = profiles()["db33-2020"]
    annual = made(profile=profile.with_switches(water_price="annualised"))
    assert annual.part("water_retention").line.price.meta.id == "PW2"
    assert annual.part("water_retention").price.max() == pytest.approx((7.06 * 0.025 + 0.125) * CPI)
    with_cop, without = (
        made(profile=profile.with_switches(water_surface_cop=o)).part("climate_regulation.water_surface")
        for o in ("yes", "no")
    )
    assert without.quantity.values.sum() / with_cop.quantity.values.sum() == pytest.approx(
        800.5556 / 346.8519, rel=1e-6
    )
    assert made(profile=profile.with_switches(oxygen="excluded")).total < made().total


def test_inputs_of_another_variant_are_refused():
    frame = rows().assign(method="all cells; k_factor=epic beta_constant=0.089 s_breaks=hj1173")
    with pytest.raises(CatalogueError, match="k_factor=epic"):
        made(frame)


def test_the_order_of_rows_does_not_matter():
    shuffled = rows().sample(frac=1, random_state=1)
    assert statement(made(shuffled)).to_csv() == statement(made()).to_csv()


def test_units_come_back():
    """Areas in hectares give the account that square metres give, and prices are for the units of their quantities."""
    frame = rows()
    hectares = frame.copy()
    areas = hectares["quantity"] == "area_m2"
    hectares.loc[areas, "value"] /= 1e4
    hectares.loc[areas, "quantity"] = "area_ha"
    assert made(hectares).part("carbon_sequestration").quantity.values.sum() == pytest.approx(
        made().part("carbon_sequestration").quantity.values.sum()
    )
    units = {f.part: f.line.quantity.meta.unit for f in made().flows}
    assert (units["water_retention"], units["soil_retention"], units["carbon_sequestration"]) == ("m3", "t", "t CO2")
    for flow in made().valued():
        assert flow.line.price.meta.unit == f"CNY/{flow.line.quantity.meta.unit}".replace("visits", "visit").replace(
            "ions", "ion"
        )


def test_draws_of_an_account_with_gaps_keep_the_gaps():
    gap = rows()
    gap.loc[(gap["quantity"] == "rainfall_mm") & (gap["zone"] == ZONES[1]), "value"] = np.nan
    found = statement(made(gap, draws=10, seed=1), ("zone", "service", "part"))
    lost = one(found, zone=ZONES[1], part="water_retention")
    assert np.isnan(lost[["value_cny", "low", "high"]].astype(float)).all()
    assert np.isfinite(one(found, zone=ZONES[0], part="water_retention")["high"])
