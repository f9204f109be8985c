import os
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from domain.records import TABLES
from ingest import history
from ingest.layouts import find
from processing import comparison, verify, verify_water

NOW = datetime(2026, 9, 1, tzinfo=UTC)
AIR = {"SO2": 5.0, "NO2": 25.0, "CO": 0.8, "O3": 56.0, "PM10": 39.0, "PM2.5": 28.0}
WATER = {"pH": 7.2, "DO": 8.0, "CODMn": 3.3, "NH3N": 0.2, "TP": 0.08}
AT = pd.Timestamp("2020-03-26T10:00Z")


def observed(rows, medium, period):
    """[(station, hours after AT, {parameter: value}, flag)] as observations."""
    units = {"CO": "mg/m3", "pH": "1"}
    other = "ug/m3" if medium == "air" else "mg/L"
    return TABLES["observations"].frame(
        [
            {
                "medium": medium, "station_id": station, "parameter": parameter, "time": AT + pd.Timedelta(hours=after),
                "period": period, "value": value, "unit": units.get(parameter, other), "flag": flag, "source_flag": "",
                "feed": "t", "received_at": pd.Timestamp(NOW),
            }
            for station, after, values, flag in rows
            for parameter, value in values.items()
        ]
    )  # fmt: skip


OFFICIAL = {"station_id": ["a"], "time": [AT], "aqi": ["40"], "grade": ["优"], "primary": [""]}


class Given(NamedTuple):
    observations: pd.DataFrame | None
    reference: pd.DataFrame | None
    stations: pd.DataFrame | None


def air(values, aqi, grade, primary):
    reference = pd.DataFrame({"station_id": ["a"], "time": [AT], "aqi": [aqi], "grade": [grade], "primary": [primary]})
    return verify.air(observed([("a", 0, values, 2)], "air", "PT1H"), reference)


@pytest.mark.parametrize(
    ("values", "official", "category"),
    [
        (AIR, ("40", "优", ""), comparison.EQUAL),
        (AIR | {"PM2.5": 40.0}, ("57", "良", "PM2.5"), comparison.EQUAL),
        (AIR | {"PM2.5": 55.0, "PM10": 99.0}, ("75", "良", "PM10,PM2.5"), comparison.EQUAL),
        (AIR, ("41", "优", ""), verify.INDEX),
        (AIR, ("40", "良", ""), verify.GRADE),
        (AIR | {"PM2.5": 40.0}, ("57", "良", "O3"), verify.PRIMARY),
        (AIR, ("", "", ""), comparison.OFFICIAL_NONE),
        ({"O3": 112.0}, ("", "", ""), comparison.OFFICIAL_NONE_PM),
        ({"O3": float("nan")}, ("", "", ""), comparison.NONE_EITHER),
        ({"O3": float("nan")}, ("40", "优", ""), comparison.OURS_NONE),
    ],
)
def test_the_hourly_index_beside_the_official_one(values, official, category):
    found = air(values, *official)
    assert found.rows["category"].tolist() == [category]
    assert found.comparable == (0 if category in comparison.SILENT else 1)
    assert found.equal == (category == comparison.EQUAL)
    assert len(found.differences) == (found.comparable - found.equal)


def test_the_eight_hour_ozone_has_no_say():
    assert air(AIR | {"O3": 160.0}, "50", "优", "").equal == 1
    assert air(AIR | {"O3": 161.0}, "52", "良", "O3").rows["ours"].tolist() == [52]


def test_a_row_without_observations_is_silent():
    reference = pd.DataFrame({"station_id": ["b"], "time": [AT], "aqi": ["9"], "grade": ["优"], "primary": [""]})
    found = verify.air(observed([("a", 0, AIR, 2)], "air", "PT1H"), reference)
    assert found.rows["category"].tolist() == [comparison.OURS_NONE]


def water(official, *rows, kind="river", name="甲", profile=verify_water.ASSESSMENT):
    """`official`: class by row; rows: values, 4 h apart."""
    times = [AT + pd.Timedelta(hours=4 * i) for i in range(len(rows))]
    reference = pd.DataFrame({"station_id": "w", "time": times, "class": official})
    given = observed([("w", 4 * i, values, 2) for i, values in enumerate(rows)], "water", "PT4H")
    stations = pd.DataFrame({"station_id": ["w"], "name_zh": [name], "kind": [kind]})
    return verify_water.water_class(given, reference, stations, profile=profile)


@pytest.mark.parametrize(
    ("values", "official", "kind", "category"),
    [
        (WATER, "2", "river", comparison.EQUAL),
        (WATER | {"CODMn": 6.04}, "3", "river", comparison.EQUAL),
        (WATER | {"CODMn": 6.04}, "4", "river", verify_water.UNROUNDED),
        (WATER | {"pH": 9.2}, "6", "river", verify_water.UNROUNDED),
        (WATER | {"DO": 4.97}, "4", "river", verify_water.UNROUNDED),
        (WATER | {"TP": 0.1}, "3", "river", verify_water.ON_LIMIT),
        (WATER | {"DO": 6.0}, "3", "river", verify_water.ON_LIMIT),
        (WATER | {"TP": 0.08}, "4", "river", verify_water.OTHER_KIND),
        (WATER | {"TP": 0.08}, "4", "reservoir", comparison.EQUAL),
        (WATER | {"TP": 0.08}, "2", "lake", verify_water.OTHER_KIND),
        (WATER, "5", "river", verify_water.UNEXPLAINED),
        (WATER, "", "river", comparison.OFFICIAL_NONE),
        ({"DO": float("nan")}, "2", "river", comparison.OURS_NONE),
        ({"DO": float("nan")}, "", "river", comparison.NONE_EITHER),
    ],
)
def test_each_difference_of_the_class_has_its_reason(values, official, kind, category):
    assert water([official], values, kind=kind).rows["category"].tolist() == [category]


def test_a_class_that_lags_is_seen():
    worse = WATER | {"NH3N": 1.8}
    assert water(["2", "2"], WATER, worse).rows["category"].tolist() == [comparison.EQUAL, verify_water.BEFORE]
    assert water(["5", "5"], WATER, worse).rows["category"].tolist() == [verify_water.AFTER, comparison.EQUAL]


@pytest.mark.parametrize(
    ("values", "official", "name", "category"),
    [
        (WATER | {"CODMn": 6.04}, "4", "甲", comparison.EQUAL),
        (WATER | {"CODMn": 6.04}, "3", "甲", verify_water.ROUNDED),
        (WATER, "4", "坝口", comparison.EQUAL),
        (WATER, "4", "甲", verify_water.OTHER_KIND),
    ],
)
def test_the_live_platform_compares_as_measured_and_knows_its_lakes(values, official, name, category):
    assert water([official], values, name=name, profile="live").rows["category"].tolist() == [category]


def at_midnight(official, *, slow_stands):
    """Rows of 20:00, 00:00 and 04:00; the class changes at 00:00."""
    worse = WATER | {"DO": 4.2}
    later = worse if slow_stands else worse | {"CODMn": 3.4}
    rows = [WATER, worse, later]
    times = [pd.Timestamp("2020-03-26T12:00Z") + pd.Timedelta(hours=4 * i) for i in range(3)]
    reference = pd.DataFrame({"station_id": "w", "time": times, "class": official})
    given = observed([("w", 2 + 4 * i, values, 2) for i, values in enumerate(rows)], "water", "PT4H")
    stations = pd.DataFrame({"station_id": ["w"], "name_zh": ["甲"], "kind": ["river"]})
    return verify_water.water_class(given, reference, stations).rows["category"].tolist()


def test_the_class_of_midnight_waits_for_slow_items():
    same = comparison.EQUAL
    assert at_midnight(["2", "2", "4"], slow_stands=False) == [same, verify_water.HELD, same]
    assert at_midnight(["2", "4", "4"], slow_stands=True) == [same, same, same]
    assert at_midnight(["2", "2", "4"], slow_stands=True) == [same, verify_water.BEFORE, same]


def test_every_difference_is_told_in_full():
    found = water(["2", "5"], WATER, WATER)
    assert comparison.told(found) == [
        ("w", "03-26 22:00", "2", "5", "pH 7.2, DO 8, CODMn 3.3, NH3N 0.2, TP 0.08", verify_water.UNEXPLAINED)
    ]
    assert "| w | 03-26 22:00 | 2 | 5 |" in found.markdown()


def test_an_unknown_profile_is_refused():
    with pytest.raises(ValueError, match=r"'x' is not in sw_class_profiles\.csv; there are: assessment, live"):
        water(["2"], WATER, profile="x")


def test_values_under_maintenance_are_not_judged():
    given = observed([("w", 0, WATER, 4)], "water", "PT4H")
    reference = pd.DataFrame({"station_id": ["w"], "time": [AT], "class": ["2"]})
    stations = pd.DataFrame({"station_id": ["w"], "name_zh": ["甲"], "kind": ["river"]})
    found = verify_water.water_class(given, reference, stations)
    assert found.rows["category"].tolist() == [comparison.OURS_NONE]


def test_the_table_names_every_category():
    found = [air(AIR, "40", "优", ""), water(["2", "5"], WATER, WATER)]
    text = comparison.markdown(found)
    assert "| hourly AQI | live | 1 | 0 | 0 | 1 | 1 | 100.00 % |" in text
    assert "| water class | assessment | 2 | 0 | 0 | 2 | 1 | 50.00 % |" in text
    assert f"| water class | {verify_water.UNEXPLAINED} | 1 |" in text
    assert "| hourly AQI | live | 1 | 0 | 1 | 0 | 0 | - |" in comparison.markdown([air(AIR, "", "", "")])


def test_the_medium_decides_what_is_compared():
    given = Given(observed([("a", 0, AIR, 2)], "air", "PT1H"), pd.DataFrame(OFFICIAL), pd.DataFrame())
    found = verify.verify("air", given)
    assert (found.comparable, found.equal, found.share) == (1, 1, 1.0)
    assert found.markdown() == comparison.markdown([found])
    with pytest.raises(ValueError, match="neither air nor water"):
        verify.verify("soil", given)
    with pytest.raises(ValueError, match="no observations with official values"):
        verify.verify("air", Given(None, None, None))


# --- the real files -------------------------------------------------------------------------------------------------


def real(name, folder):
    root = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared"))
    if not (root / "data" / folder).is_dir():
        pytest.skip(f"real data {folder!r} are not at hand; set SANYAN_SHARED to the folder that has data/{folder}")
    return history.look(find(name), root / "data" / folder, now=NOW)


@pytest.mark.parametrize(
    ("name", "folder", "rows", "compared"),
    [("lishui_air", "air_official_hourly_lishui_2020", 471, 456), ("cnemc_xml", "air_cnemc_xml_2019", 1499, 1420)],
)
def test_every_official_hourly_index_is_met(name, folder, rows, compared):
    seen = real(name, folder)
    found = verify.air(seen.observations, seen.reference)
    assert (len(found.rows), found.comparable, found.equal) == (rows, compared, compared)


def test_at_least_987_of_1000_official_water_classes_are_met_and_the_rest_explained():
    seen = real("zhejiang_water", "water_official_4h_zhejiang_2021")
    found = verify.verify("water", seen)
    assert found.share >= 0.987
    assert found.n(verify_water.UNEXPLAINED) == 0
    assert (found.differences["values"].str.len() > 0).all()
    rounded = verify.verify("water", seen, profile="assessment")
    assert 0.96 < rounded.share < found.share
    assert rounded.n(verify_water.UNEXPLAINED) == 0
