from datetime import date

import numpy as np
import pytest

from domain.errors import CatalogueError
from domain.limits import (
    air_limits,
    edition,
    editions,
    emission_limit,
    emission_parameters,
    limit_of,
    reference_oxygen,
    surface_water_items,
    target_class,
)
from domain.standards import table

DAY = date(2026, 8, 20)


@pytest.mark.parametrize(
    ("day", "expected", "standard"),
    [
        (date(2014, 1, 1), 75, "GB 3095-2012"),
        (date(2026, 2, 28), 75, "GB 3095-2012"),
        (date(2026, 3, 1), 60, "GB 3095-2026 transition"),
        (date(2030, 12, 31), 60, "GB 3095-2026 transition"),
        (date(2031, 1, 1), 50, "GB 3095-2026 final"),
    ],
)
def test_the_date_of_the_measurement_picks_the_air_limit(day, expected, standard):
    limit = limit_of("GB 3095", "PM2.5", {"zone": "2"}, day)
    assert (limit.value, limit.edition, limit.unit) == (expected, standard, "ug/m3")
    assert air_limits("PM2.5", "daily", 2, np.array([day], "datetime64[D]")) == expected


def test_the_zone_and_the_averaging_pick_the_air_limit():
    assert limit_of("GB 3095", "O3", {"zone": "2"}, DAY).value == 160
    assert limit_of("GB 3095", "O3", {"zone": "1"}, DAY).value == 100
    assert limit_of("GB 3095", "O3", {"zone": "2"}, DAY, averaging="1h").value == 200
    assert limit_of("GB 3095", "PM10", {"zone": "2"}, DAY, averaging="1h") is None
    assert np.isnan(air_limits("PM10", "1h", 2, np.array([DAY], "datetime64[D]")))
    with pytest.raises(CatalogueError):
        limit_of("GB 3095", "O3", {"zone": ""}, DAY)
    with pytest.raises(CatalogueError):
        limit_of("GB 3095", "O3", {"zone": "2"}, DAY, averaging="2h")


def test_the_target_and_the_kind_pick_the_water_limit():
    river, lake = {"kind": "river", "target": "III"}, {"kind": "lake", "target": "Ⅲ"}
    assert limit_of("GB 3838", "NH3N", river, DAY).value == 1.0
    assert limit_of("GB 3838", "TP", river, DAY).value == 0.2
    assert limit_of("GB 3838", "TP", lake, DAY).value == 0.05
    assert limit_of("GB 3838", "NH3N", {"kind": "river", "target": ""}, DAY) is None
    assert limit_of("GB 3838", "EC", river, DAY) is None
    oxygen, acid = limit_of("GB 3838", "DO", river, DAY), limit_of("GB 3838", "pH", river, DAY)
    assert [oxygen.exceeded(x) for x in (5.0, 4.9, float("nan"))] == [False, True, False]
    assert [acid.exceeded(x) for x in (6.0, 9.0, 5.9, 9.1)] == [False, False, True, True]
    with pytest.raises(CatalogueError):
        target_class("VI")


def test_a_value_equal_to_a_limit_complies():
    limit = limit_of("GB 3838", "NH3N", {"kind": "river", "target": "III"}, DAY)
    assert [limit.exceeded(x) for x in (1.0, 1.001, float("nan"))] == [False, True, False]


def test_noise_by_zone_and_part_of_the_day():
    assert limit_of("GB 3096", "LAeq", {"zone": "4a"}, DAY).value == 70
    assert limit_of("GB 3096", "LAeq", {"zone": "4a"}, DAY, averaging="night").value == 55
    with pytest.raises(CatalogueError):
        limit_of("GB 3096", "LAeq", {"zone": "9"}, DAY)


def test_emission_limits_by_set_season_and_temperature():
    works = "GB 18918-2002/一级A"
    assert limit_of("emission", "COD", {"target": works}, DAY).value == 50
    assert emission_limit(works, "NH3N", DAY).value == 5
    assert [emission_limit(works, "NH3N", DAY, water_temp=t).value for t in (12.0, 12.1)] == [8, 5]
    assert (emission_limit(works, "pH", DAY).low, emission_limit(works, "pH", DAY).sense) == (6, "within")
    assert emission_limit(works, "flow", DAY) is None
    winter, summer = (
        emission_limit("DB33/2169-2018/新建", "TN", d).value for d in (date(2026, 3, 31), date(2026, 4, 1))
    )
    assert (winter, summer) == (12, 10)
    assert reference_oxygen("GB 13271-2014/燃煤") == 9
    assert np.isnan(reference_oxygen(works))
    with pytest.raises(CatalogueError, match="not in emission_sets"):
        emission_limit("GB 1/x", "COD", DAY)


def test_every_limit_set_can_be_read():
    for target in dict.fromkeys(table("emission_sets")["target"]):
        for parameter in emission_parameters(target):
            assert emission_limit(target, parameter, DAY).value > 0


def test_limits_grow_milder_from_class_to_class():
    for key, row in surface_water_items().iterrows():
        limits = row[["I", "II", "III", "IV", "V"]].to_numpy(float)
        steps = np.diff(limits)
        assert (steps <= 0).all() if row["sense"] == "at least" else (steps >= 0).all(), key


def test_editions_follow_the_date_and_the_first_covers_what_was_before():
    days = np.array(["2013-01-01", "2026-02-28", "2026-03-01"], "datetime64[D]")
    assert editions("aqi", days).tolist() == ["HJ 633-2012", "HJ 633-2012", "HJ 633-2026"]
    assert edition("surface water", DAY) == "GB 3838-2002"
    with pytest.raises(KeyError):
        edition("weather", DAY)


def test_an_unknown_reference_is_told():
    with pytest.raises(CatalogueError, match="GB 3095, GB 3838"):
        limit_of("GB 9", "COD", {}, DAY)
