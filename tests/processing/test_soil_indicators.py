"""Indices, construction land and fertility of soil as indicators."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CatalogueError
from domain.standards import table
from processing.indicators import soil, soil_fertility, soil_land, soil_pollution
from processing.soil_indices import (
    construction_land,
    ecological_risk,
    hakanson,
    igeo,
    igeo_of,
    nemerow,
    nemerow_of,
)
from tests.processing.observed import observed, series, stations

PADDY = stations(station_id="s", medium="soil", kind="farmland", zone="paddy")
SAMPLE = {"pH": 6.2, "Cd": 0.35, "Hg": 0.12, "As": 8.1, "Pb": 41, "Cr": 60, "Cu": 25, "Ni": 22, "Zn": 95}


def sample(**values):
    return observed(
        *(series("s", f"soil_{p}", [x], "2026-08-19 00:00", period="P1D", medium="soil") for p, x in values.items())
    )


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def test_each_item_is_judged_by_itself_with_its_limits():
    got = soil.item_risk(sample(pH=6.2, Cd=2.15, Zn=95, HCHs=0.2, BaP=0.55), PADDY).set_index("indicator")
    assert got["value"].to_dict() == {
        "soil.risk_Cd": 3, "soil.risk_Zn": 1, "soil.risk_HCHs": 2, "soil.risk_BaP": 1,
    }  # fmt: skip
    assert got.loc["soil.risk_Cd", "detail"] == "2.15 mg/kg; screening 0.4; intervention 2"
    assert got.loc["soil.risk_HCHs", "grade"] == "安全利用类"


def test_organic_items_need_no_ph():
    got = soil.item_risk(sample(Cd=0.1, DDTs=0.11), PADDY).set_index("indicator")
    assert np.isnan(got.loc["soil.risk_Cd", "value"])
    assert got.loc["soil.risk_DDTs", "value"] == 2


def test_the_worst_item_is_the_category_of_the_sample():
    given_ = sample(**SAMPLE | {"Cd": 2.15})
    assert only(soil.soil_risk(given_, PADDY))["value"] == soil.item_risk(given_, PADDY)["value"].max()


def test_nemerow_of_a_sample():
    got = only(soil_pollution.soil_nemerow(sample(**SAMPLE), PADDY))
    single = [0.35 / 0.4, 0.12 / 0.5, 8.1 / 30, 41 / 100, 60 / 250, 25 / 50, 22 / 70, 95 / 200]
    assert (got["value"], got["grade"]) == nemerow(np.array(single))
    assert got["detail"].startswith("Cd=0.88,Hg=0.24,As=0.27")
    assert (got["n_valid"], got["n_expected"]) == (8, 8)
    without = only(soil_pollution.soil_nemerow(sample(Cd=0.35), PADDY))
    assert (np.isnan(without["value"]), without["detail"]) == (True, "soil pH missing")


def test_the_background_set_is_a_choice_that_every_result_names():
    wenzhou = PADDY.assign(target="温州市(邻市)")
    got = [only(soil_pollution.soil_igeo(sample(Cd=0.35), s)) for s in (PADDY, wenzhou)]
    assert [g["value"] for g in got] == [igeo(0.35, 0.07)[0], igeo(0.35, 0.12)[0]] == [1.74, 0.96]
    assert got[0]["detail"] == "Cd=1.74; background 浙江省(七五) (from memory, unconfirmed)"
    assert got[1]["detail"] == "Cd=0.96; background 温州市(邻市) (confirmed)"
    with pytest.raises(CatalogueError, match=r"background set '某地' is not in soil_background\.csv; known: 浙江省"):
        soil_pollution.soil_igeo(sample(Cd=0.35), PADDY.assign(target="某地"))


def test_every_background_set_is_described_and_one_is_the_default():
    assert set(table("soil_background_sets")["region"]) == set(table("soil_background")["region"])
    assert soil_pollution.default_background() == "浙江省(七五)"


def test_the_risk_index_is_the_sum_of_its_elements():
    got = only(soil_pollution.soil_ri(sample(**SAMPLE), PADDY))
    rows = table("soil_background").set_index(["region", "element"])["value_mg_kg"]["浙江省(七五)"]
    elements = {e: x for e, x in SAMPLE.items() if e != "pH"}
    each, _, total, words = hakanson(elements, {e: rows[e] for e in elements})
    assert (got["value"], got["grade"]) == (total, words)
    assert f"Cd={each['Cd']:g}" in got["detail"]


# --- construction land ----------------------------------------------------------------------------------------------

SITE = stations(station_id="s", medium="soil", kind="construction", zone="2")


@pytest.mark.parametrize(
    ("values", "zone", "expected"),
    [
        ({"Pb": 500}, "2", (1, "未超过筛选值", "class 2 use; none above screening")),
        ({"Pb": 500}, "1", (2, "超过筛选值", "class 1 use; Pb")),
        ({"Pb": 500}, "", (2, "超过筛选值", "class 1 use; Pb")),
        ({"Pb": 801, "benzene": 9}, "1", (3, "超过管制值", "class 1 use; Pb")),
        ({"dioxin": 0.00001, "TPH": 826}, "1", (1, "未超过筛选值", "class 1 use; none above screening")),
    ],
)
def test_construction_land_by_its_use(values, zone, expected):
    got = only(soil_land.construction_risk(sample(**values), SITE.assign(zone=zone)))
    assert (got["value"], got["grade"], got["detail"].partition("; background")[0]) == expected


def test_farmland_and_construction_land_are_not_mixed():
    given_ = sample(pH=6.0, Cd=0.1)
    assert soil.soil_risk(given_, SITE).empty
    assert soil_land.construction_risk(given_, PADDY).empty


def test_arsenic_up_to_the_background_is_not_polluted():
    names = list(soil_land.items())
    values, background = np.full((2, 85), np.nan), np.full((2, 85), np.nan)
    for name in ("As", "Pb"):
        values[:, names.index(name)] = 450
        background[:, names.index(name)] = [500, 30]
    found = soil_land.risk(values, np.array([1, 1]), background)
    assert found[:, names.index("As")].tolist() == [1, 3]
    assert found[:, names.index("Pb")].tolist() == [2, 2]


@given(st.integers(0, 84), st.floats(0, 1e6), st.sampled_from([1, 2]))
def test_each_of_the_85_items_agrees_with_its_words(item, value, use):
    values = np.full((1, 85), np.nan)
    values[0, item] = value
    found = soil_land.risk(values, np.array([use]), np.full((1, 85), np.nan))[0, item]
    words = construction_land(list(soil_land.items().values())[item], value, use)
    assert soil_land.LAND_WORDS[int(found) - 1] == words


def test_all_85_items_have_a_parameter():
    assert sorted(soil_land.items().values()) == sorted(table("soil_gb36600_2018")["pollutant_cn"])


# --- fertility ------------------------------------------------------------------------------------------------------


def test_fertility_of_a_sample():
    got = soil_fertility.fertility(sample(OM=32.0, TN=0.8, AK=29), PADDY).set_index("indicator")
    assert got["value"].to_dict() == {"soil.fertility_OM": 2, "soil.fertility_TN": 4, "soil.fertility_AK": 6}
    assert got.loc["soil.fertility_OM", "grade"] == "二级"


# --- laws -----------------------------------------------------------------------------------------------------------

TOTALS = st.lists(st.floats(0.001, 5000), min_size=8, max_size=8)


@given(TOTALS, st.floats(3, 10), st.sampled_from(soil.LANDS), st.integers(0, 7), st.floats(1, 10))
def test_more_of_an_element_never_looks_better(totals, ph, land, element, factor):
    values = np.array([totals, totals])
    values[1, element] *= factor
    where = np.full(2, ph), np.full(2, land)
    _, background = soil_pollution.background_of(np.array(["", ""]), soil.ELEMENTS)
    for before, after in (
        soil.risk(values, *where).category,
        nemerow_of(values / soil.screening_of(*where)),
        igeo_of(values, background).max(axis=1),
        ecological_risk(values, background, soil.ELEMENTS).sum(axis=1),
    ):
        assert after >= before - 1e-9
