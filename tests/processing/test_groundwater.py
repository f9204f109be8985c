import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue import parameters
from domain.standards import groundwater_bounds, table
from processing.indicators import groundwater
from processing.indicators.groundwater import groundwater_class, item_class
from tests.processing.observed import observed, series, stations


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("总硬度", 450, 3), ("总硬度", 451, 4), ("总硬度", 651, 5), ("氟化物", 1.0, 1), ("铊", 0.0001, 1),
        ("pH", 6.5, 1), ("pH", 8.6, 4), ("pH", 5.4, 5), ("pH", 9.1, 5), ("总α放射性", 9.0, 4),
        ("阴离子表面活性剂", 0.05, 2),
    ],
)  # fmt: skip
def test_the_better_of_equal_classes(name, value, expected):
    assert item_class(name, np.array([value]))[0] == expected


def test_not_detected_is_class_one_where_the_standard_asks_for_it():
    got = item_class("阴离子表面活性剂", np.array([0.025, 0.025]), undetected=np.array([True, False]))
    assert got.tolist() == [1, 2]


def test_the_worst_item_decides():
    rows = [series("g", p, [v], period="PT4H", medium="groundwater") for p, v in
            {"pH": 7.2, "hardness": 210, "NH3N": 0.62, "Mn": 0.35, "NO3N": 3.1, "EC": 500}.items()]  # fmt: skip
    got = groundwater_class(observed(*rows), stations()).iloc[0]
    assert (got["value"], got["grade"], got["detail"]) == (4, "Ⅳ", "Mn,NH3N")
    assert (got["n_valid"], got["n_expected"], got["period"], got["edition"]) == (5, 5, "PT4H", "GB/T 14848-2017")


def test_every_parameter_is_an_item_of_the_standard():
    assert all(np.isnan(item_class(name, np.array([np.nan]))[0]) for name in groundwater.items().values())


def test_each_item_has_its_class_and_the_worst_is_that_of_the_well():
    sent = {"NH3N": 0.6, "Cl": 51.0, "gw_CHCl3": 61.0, "gw_Be": 0.0001, "pH": 8.7}
    given_ = observed(*(series("w", p, [x], period="PT4H", medium="groundwater") for p, x in sent.items()))
    place = stations(station_id="w", medium="groundwater")
    got = groundwater.item_classes(given_, place).set_index("indicator")["value"].to_dict()
    assert got == {
        "groundwater.class_pH": 4,
        "groundwater.class_Cl": 2,
        "groundwater.class_NH3N": 4,
        "groundwater.class_CHCl3": 4,
        "groundwater.class_Be": 1,
    }
    whole = groundwater.groundwater_class(given_, place).iloc[0]
    assert (whole["value"], whole["grade"], whole["detail"]) == (4, "Ⅳ", "pH,NH3N,gw_CHCl3")


def test_every_item_with_numbers_has_a_parameter_of_the_same_unit():
    units = {"μg/L": "ug/L", "": "degree", "MPN/100mL 或 CFU/100mL": "1/100mL"}
    rows = table("gw_gbt14848_2017").set_index("name_cn")["unit"]
    assert set(rows.index) - set(groundwater.items().values()) == {"嗅和味", "肉眼可见物"}
    for parameter, name in groundwater.items().items():
        if name != "pH":
            assert parameters().loc[parameter, "unit"] == units.get(rows[name], rows[name]), name


@given(st.sampled_from(sorted(set(groundwater.items().values()) - {"pH"})), st.floats(0, 5000), st.floats(1, 10))
def test_more_of_an_item_never_has_a_better_class(name, value, factor):
    less, more = groundwater.item_class(name, np.array([value, value * factor]))
    assert 1 <= less <= more <= 5


@given(st.sampled_from(sorted(set(groundwater_bounds().index))), st.sampled_from(["I", "II", "III", "IV"]))
def test_a_value_equal_to_a_limit_meets_it_and_of_equal_limits_the_better(name, column):
    bounds = groundwater_bounds().loc[name]
    if np.isfinite(bounds[column]):
        expected = 1 + int((bounds.to_numpy(float) < bounds[column]).sum())
        assert groundwater.item_class(name, np.array(bounds[column])) == expected
