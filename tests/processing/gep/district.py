"""A small district with two townships, for tests: round numbers, so that a person can check them."""

import pandas as pd

from processing.gep.account import Account, account
from processing.gep.profile import profiles

REGION = "331102"
ZONES = ("331102001", "331102002")
AREAS = {
    "331102001": {"evergreen_broadleaf": 50e6, "tussock": 5e6, "paddy": 10e6, "marsh": 2e6, "residential": 3e6},
    "331102002": {"evergreen_broadleaf": 20e6, "bamboo": 10e6, "paddy": 5e6, "lake": 1e6},
}
STRATA = {"evergreen_broadleaf": "c4", "bamboo": "c4", "tussock": "c2", "paddy": "", "marsh": "", "lake": ""}


def rows(**scale):
    """Inputs of the profile db33-2020; a factor per quantity scales its values."""
    out = []

    def put(zone, ecosystem, quantity, value):
        factor = scale.get(quantity.partition(":")[0], 1)
        out.append({"zone": zone, "ecosystem": ecosystem, "quantity": quantity, "value": value * factor})

    for zone, areas in AREAS.items():
        for kind, area in areas.items():
            put(zone, kind, "area_m2", area)
            put(zone, kind, f"rkls_t:{STRATA.get(kind, 'c0')}", area / 1e4 * 100)
        put(zone, "all", "rainfall_mm", 1600)
        put(zone, "all", "evapotranspiration_mm", 800)
        put(zone, "all", "storm_rain_mm", 400)
        put(zone, "all", "population", 20_000)
        for pollutant, tonnes in {"SO2": 12, "NOx": 20, "dust": 8}.items():
            put(zone, "all", f"air_emission_t:{pollutant}", tonnes)
        put(zone, "all", "negative_ions_per_cm3", 1600)
        put(zone, "all", "stand_height_m", 10)
        for trade in ("crops", "forestry", "livestock", "fishery"):
            put(zone, "all", f"{trade}_output_cny:all", 1e7)
        put(zone, "all", "energy_kwh:hydropower", 1e6)
        put(zone, "all", "visits:near", 1000)
        put(zone, "all", "visit_hours:near", 8)
        put(zone, "all", "visit_wage_cny_h:near", 25)
        put(zone, "all", "visit_expense_cny:near", 300)
        put(zone, "all", "benefiting_floor_m2:hotels", 1e4)
        put(zone, "all", "landscape_premium_cny_m2:hotels", 100)
        put(zone, "all", "reservoir_capacity_m3:one", 1e6)
        put(zone, "all", "lake_area_km2:one", 1)
    for pollutant in ("SO2", "NOx", "dust"):
        put(REGION, "all", f"air_standard_met:{pollutant}", 1)
    for pollutant in ("COD", "NH3-N", "TP"):
        put(REGION, "all", f"water_standard_met:{pollutant}", 1)
        put(REGION, "all", f"water_emission_t:{pollutant}", 30)
    put(REGION, "all", "hot_days", 120)
    put("331102002", "lake", "water_evaporation_m3", 4e5)
    put("331102001", "marsh", "water_evaporation_m3", 1e5)
    return pd.DataFrame(out)


def made(frame=None, profile="db33-2020", **options) -> Account:
    chosen = profiles()[profile] if isinstance(profile, str) else profile
    options = {"year": 2024, "region": REGION} | options
    return account(rows() if frame is None else frame, chosen, **options)
