"""Where inputs come from: every input of every norm has a way in, and every way leads somewhere."""

import numpy as np
import pandas as pd
import pytest

from domain.forms import forms
from domain.imagery import products
from processing.gep.channels import KINDS, names, needed, stock, ways
from processing.gep.profile import profiles
from processing.gep.registered import Given, resolved
from processing.gep.reported import uses
from processing.gep.values import read
from processing.registered import registered

NORMS = [p for p in profiles().values() if p.text.kind == "norm"]


@pytest.mark.parametrize("profile", NORMS, ids=lambda p: p.id)
def test_every_input_of_a_norm_has_a_way_in(profile):
    given = {
        found.name
        for line in profile.lines
        for formula in (line.quantity, line.price)
        if formula
        for argument in formula.meta.arguments.values()
        if isinstance(found := resolved(argument, profile.switches), Given)
    }
    assert given <= set(needed(profile))
    for name, parts in needed(profile).items():
        assert ways(name), name
        assert parts, name
        assert names("zh")[name], name
        assert names("en")[name], name


def test_every_way_leads_somewhere():
    everything = {n for p in NORMS for n in needed(p)}
    for name in everything:
        for way in ways(name):
            assert way.kind in KINDS
            there = {
                "product": set(products()),
                "form": set(forms()),
                "derived": set(names("en")),
                "stations": set(registered()),
            }[way.kind]
            assert set(way.sources) <= there, (name, way)
    targets = {t.partition(":")[0] for t in uses().loc[uses()["into"] == "quantity", "target"]}
    assert targets <= set(read("gep_quantities")["quantity"])


def rows(*given):
    frame = pd.DataFrame(given, columns=["quantity", "method", "n_valid", "n_expected"])
    return frame.assign(source="s")


def state(frame, name):
    return frame.set_index("input").loc[name, ["state", "kind", "source"]].tolist()


def test_what_is_there_what_has_gaps_and_what_is_missing():
    profile = profiles()["db33-2025"]
    inputs = rows(
        ("crops_output_cny", "reported", 15, 15),
        ("area_m2", "cells", 100, 100),
        ("vegetation_cover_pct", "mean", 45, 50),
        ("air_emission_t:SO2", "reported", 15, 15),
        ("air_standard_met", "air.attainment of the year is 1", 330, 365),
        ("water_evaporation_m3", "depth x area", 4, 4),
    )
    found = stock(profile, inputs, ["rainfall_mm"], ["dem", "landcover", "vegetation-cover-annual"])
    assert set(found["input"]) == set(needed(profile))
    assert state(found, "crops_output_cny") == ["there", "form", "crops"]
    assert state(found, "area_m2") == ["there", "product", "landcover"]
    assert state(found, "vegetation_cover_pct") == ["there", "product", "vegetation-cover-annual"]
    assert state(found, "air_emission_t") == ["there", "form", "emissions"]
    assert state(found, "air_standard_met") == ["there", "stations", "air.attainment"]
    assert state(found, "water_evaporation_m3") == ["there", "derived", "hot_evaporation_mm + area_m2"]
    assert state(found, "rainfall_mm") == ["gaps", "", ""]
    assert state(found, "rkls_t") == ["missing", "", ""]
    assert state(found, "dem") == ["there", "product", "dem"]
    assert state(found, "erodibility") == ["missing", "", ""]
    share = found.set_index("input")["coverage_pct"]
    assert share["vegetation_cover_pct"] == 90
    assert np.isnan(share["dem"])


def test_a_home_without_anything_lacks_everything():
    found = stock(profiles()["gbt46869-2025"], rows(), [], [])
    assert set(found["state"]) == {"missing"}
    assert {"wind_weather_factor", "npp_t_c", "crops_rent_cny"} <= set(found["input"])
