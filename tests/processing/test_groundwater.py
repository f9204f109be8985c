import numpy as np
import pytest

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
