from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as example_of
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.records import TABLES
from ingest.blocks import observations
from ingest.decoded import Context
from ingest.decoders.table import Options, decode
from ingest.layouts import find, names
from tests.ingest.tables_given import (
    CNEMC,
    HUNAN,
    LISHUI,
    NOW,
    PRSA,
    PRSA_HEADER,
    SITES,
    ZHEJIANG,
    county,
    packed,
    read,
    real,
)


def rows(name, parsed):
    layout = find(name)
    frame = observations(
        parsed.blocks, medium=layout.medium, period=layout.time.period, feed=layout.feed, received_at=NOW
    )
    return TABLES["observations"].frame(frame)


def value(frame, parameter, start):
    """The row of a parameter that starts at a Shanghai time."""
    found = frame[(frame["parameter"] == parameter) & (frame["time"] == pd.Timestamp(start, tz="Asia/Shanghai"))]
    assert len(found) == 1
    return found.iloc[0]


def reasons(parsed):
    return Counter(r.reason for r in parsed.rejections)


def test_prsa_hours_end_at_their_label_and_carbon_monoxide_becomes_mg():
    parsed = read("prsa", packed(PRSA), file_name="PRSA_Data_Dongsi_20130301-20170228.csv.gz")
    frame = rows("prsa", parsed)
    assert len(frame) == 3 * 12
    first = value(frame, "CO", "2013-02-28 23:00")
    assert (first["value"], first["unit"], first["flag"], first["station_id"]) == (0.3, "mg/m3", 2, "prsa.Dongsi")
    assert (first["period"], first["feed"], first["medium"]) == ("PT1H", "history/prsa", "air")
    assert value(frame, "wind_dir", "2013-02-28 23:00")["value"] == 337.5
    assert value(frame, "rain", "2013-03-01 01:00")["value"] == 0.5
    for parameter in ("PM10", "SO2", "CO"):  # NA, and a blank where NA was meant
        gone = value(frame, parameter, "2013-03-01 00:00")
        assert np.isnan(gone["value"])
        assert gone["flag"] == 9
    assert not parsed.rejections
    assert parsed.n_records == 3


def test_packed_or_not_says_the_same():
    plain, gz = rows("prsa", read("prsa", PRSA)), rows("prsa", read("prsa", packed(PRSA)))
    pd.testing.assert_frame_equal(plain, gz)


def test_lishui_keeps_what_is_official_beside_the_observations():
    parsed = read("lishui_air", LISHUI)
    assert parsed.reference["aqi"].tolist() == ["40", "57", "75", ""]
    assert parsed.reference["grade"].tolist() == ["优", "良", "良", ""]
    assert parsed.reference["primary"].tolist() == ["", "PM2.5", "PM10,PM2.5", ""]
    frame = rows("lishui_air", parsed)
    assert set(frame["parameter"]) == {"PM2.5", "PM10", "CO", "NO2", "O3", "SO2"}
    assert sorted(parsed.stations["station_id"]) == ["lishui.乙站", "lishui.甲站"]
    assert set(parsed.stations["zone"]) == {"2"}


def test_zhejiang_takes_the_year_from_its_column_and_spoils_rows_under_maintenance():
    parsed = read("zhejiang_water", ZHEJIANG)
    frame = rows("zhejiang_water", parsed)
    chla = frame[frame["parameter"] == "chla"]
    assert chla["value"].tolist() == [12.0]  # mg/L to mg/m3; * is nothing to observe
    assert "algae" not in set(frame["parameter"])
    missing = value(frame, "TP", "2021-04-01 08:00")
    assert (missing["flag"], missing["source_flag"], missing["period"]) == (9, "正常", "PT4H")
    spoiled = value(frame, "CODMn", "2021-04-01 12:00")
    assert (spoiled["flag"], spoiled["source_flag"], spoiled["value"]) == (4, "维护", 3.33)
    assert parsed.reference["class"].tolist() == ["4", "2", ""]
    [rejection] = parsed.rejections
    assert rejection.reason == "bad_time"
    assert "line 5: '2021 *' is no time" in rejection.detail
    begin = ZHEJIANG.encode().index("浙江省,某流域,甲断面,2021,*".encode())
    assert (rejection.offset, rejection.length) == (begin, len(ZHEJIANG.encode()) - begin)


def test_hunan_numbers_its_samples_and_leaves_other_cadmium_out():
    parsed = read("hunan_soil", HUNAN)
    frame = rows("hunan_soil", parsed)
    assert frame[["station_id", "parameter", "value"]].to_numpy().tolist() == [
        ["hunan.point-001", "soil_Cd", 0.28],
        ["hunan.point-001", "soil_pH", 4.4],
        ["hunan.point-002", "soil_Cd", 0.36],
        ["hunan.point-002", "soil_pH", 7.5],
    ]
    assert parsed.stations["zone"].tolist() == ["other", "paddy"]
    assert parsed.stations["lon"].tolist() == [111.8, 112.0]


def test_cnemc_swaps_ozone_back_and_reads_the_undeclared_entity():
    parsed = read("cnemc_xml", packed(CNEMC))
    frame = rows("cnemc_xml", parsed).set_index(["station_id", "parameter"])
    assert frame.loc[("cnemc.9001A", "O3"), "value"] == 46
    assert frame.loc[("cnemc.9001A", "SO2"), "flag"] == 9
    assert str(frame.loc[("cnemc.9001A", "O3"), "time"]) == "2019-07-18 03:00:00+00:00"
    assert parsed.reference["primary"].tolist() == ["PM2.5", ""]
    assert parsed.stations["name_zh"].tolist() == ["某站", "另站"]
    assert parsed.stations["lat"].iloc[0] == 40.2
    assert np.isnan(parsed.stations["lat"].iloc[1])
    assert reasons(parsed) == {"bad_position": 1}


def test_a_column_per_station_is_laid_side_by_side():
    parsed = read("quotsoft_sites", SITES)
    frame = rows("quotsoft_sites", parsed).set_index(["station_id", "parameter", "time"])["value"]
    at = pd.Timestamp("2022-12-31 23:00", tz="Asia/Shanghai")
    assert frame["cnemc.1001A", "PM2.5", at] == 35
    assert np.isnan(frame["cnemc.1002A", "PM2.5", at])
    assert frame["cnemc.1002A", "CO", at] == 0.7
    assert frame["cnemc.1002A", "PM2.5", at + pd.Timedelta(hours=1)] == 44
    assert len(frame) == 6
    assert parsed.stations["station_id"].tolist() == ["cnemc.1001A", "cnemc.1002A"]


def test_a_word_nobody_knows_is_told():
    parsed = read("quotsoft_sites", SITES + "20230101,2,PM99,1,2\n")
    assert reasons(parsed) == {"unknown_code": 1}
    assert "line 6: type 'PM99' is neither in the layout's columns nor in ignore" in parsed.rejections[0].detail


def test_a_row_per_value():
    layout = find("quotsoft_sites").model_copy(
        update={
            "shape": "long",
            "value_column": "value",
            "stations": find("lishui_air").stations.model_copy(update={"column": "site"}),
        }
    )
    parsed = read(layout, "date,hour,type,site,value\n20230101,1,CO,a,0.5\n20230101,1,O3,b,50\n20230101,2,O3,b,x\n")
    assert [(b.names, list(b.values)) for b in parsed.blocks] == [
        (("lishui.a", "lishui.b"), ["O3"]),
        (("lishui.a", "lishui.b"), ["CO"]),
    ]
    assert reasons(parsed) == {"bad_value": 1}


def test_bad_cells_rows_and_files_are_told_apart():
    text = (
        PRSA
        + '4,2013,3,1,3,abc,5,6,7,300,77,-0.7,1023,-18.8,0,"XX",4.4,"Dongsi"\r\n'
        + "5,2013,3,1\r\n"
        + '6,2013,2,30,3,4,5,6,7,300,77,-0.7,1023,-18.8,0,"N",4.4,"Dongsi"\r\n'
        + '7,2013,3,1,5,4,5,6,7,300,77,-0.7,1023,-18.8,0,"N",4.4,NA\r\n'
        + '8,2093,3,1,5,4,5,6,7,300,77,-0.7,1023,-18.8,0,"N",4.4,"Dongsi"\r\n'
    )
    parsed = read("prsa", text, file_name="PRSA_Data_x.csv")
    assert reasons(parsed) == {
        "bad_value": 2, "bad_grammar": 1, "bad_time": 1, "missing_field": 1, "future_time": 1,
    }  # fmt: skip
    told = [r.detail for r in parsed.rejections]
    assert told[0].startswith("history/prsa: PRSA_Data_x.csv: line 5: column 'PM2.5': 'abc' is no number")
    assert "line 5: column 'wd': 'XX' is no number" in told[1]
    assert "line 6: 4 cells where the header has 18" in told[2]
    assert "line 7: '2013.0 2.0 30.0 3.0' is no time" in told[3] or "line 7: '2013 2 30 3' is no time" in told[3]
    assert "line 8: column 'station' names no station" in told[4]
    assert "line 9: the period ends after the moment of import" in told[5]
    good = rows("prsa", parsed)
    assert len(good) == 3 * 12 + 12 - 2  # the rest of the row with two bad cells stands
    for rejection in parsed.rejections:
        line = text.encode()[rejection.offset : rejection.offset + rejection.length]
        assert line.endswith(b"\r\n")
        assert line.count(b"\n") == 1


@pytest.mark.parametrize(
    ("payload", "reason", "said"),
    [
        (b"", "empty", "the file is empty"),
        (b"\n\n", "empty", "the file is empty"),
        (b"a,b,c\n1,2,3\n", "missing_field", "column 'year', 'month'"),
        (b"\x1f\x8b\x08cut", "bad_document", "gzip cannot be undone"),
        (PRSA_HEADER.encode() + b"\n\xff\xfe\n", "bad_grammar", "1 cells where the header has 18"),
        (PRSA_HEADER.encode("utf-16"), "bad_document", "see the layout's encoding"),
    ],
)
def test_files_that_are_none(payload, reason, said):
    [rejection] = read("prsa", payload).rejections
    assert rejection.reason == reason
    assert said in rejection.detail


@pytest.mark.parametrize(
    ("text", "said"),
    [("<a><b></a>", "no XML"), ("<a/>", "no element 'AQIDataPublishLive'"), ("<a>&nbsp;</a>", "cells.entities")],
)
def test_xml_that_is_none(text, said):
    [rejection] = read("cnemc_xml", text).rejections
    assert rejection.reason == "bad_document"
    assert said in rejection.detail


def test_decode_is_a_door_for_live_feeds_too():
    context = Context("mirror", NOW, NOW, county(), "raw/0", "x.csv", {"layout": "lishui_air"})
    decoded = decode(LISHUI.encode(), context)
    assert len(decoded.observations) == 4 * 6
    assert set(decoded.observations["feed"]) == {"mirror"}
    assert decoded.n_records == 4
    assert Options(layout="lishui_air").layout == "lishui_air"
    for wrong in ("nowhere", "sentinel2_local"):
        with pytest.raises(ValidationError, match="layout"):
            Options(layout=wrong)


@settings(suppress_health_check=[HealthCheck.too_slow])
@example_of(st.sampled_from(["prsa", "lishui_air", "zhejiang_water", "cnemc_xml", "quotsoft_sites"]), st.data())
def test_mutated_files_are_read_or_refused(name, data):
    whole = {
        "prsa": PRSA,
        "lishui_air": LISHUI,
        "zhejiang_water": ZHEJIANG,
        "cnemc_xml": CNEMC,
        "quotsoft_sites": SITES,
    }
    payload = bytearray(whole[name].encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    parsed = read(name, bytes(payload))
    frame = rows(name, parsed)
    assert np.isfinite(frame["value"][frame["flag"] != 9]).all()
    assert parsed.blocks or parsed.rejections


def test_every_table_layout_at_hand_has_a_test_here():
    tables = {n for n in names() if find(n).format in {"csv", "xml", "xlsx"}}
    assert tables == {"prsa", "lishui_air", "zhejiang_water", "cnemc_xml", "hunan_soil", "quotsoft_sites"}


# --- the real files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "folder", "n_rows", "n_stations", "refused"),
    [
        ("lishui_air", "air_official_hourly_lishui_2020", 471, 3, {}),
        ("cnemc_xml", "air_cnemc_xml_2019", 1499, 1499, {}),
        ("zhejiang_water", "water_official_4h_zhejiang_2021", 2795, 102, {"bad_time": 85}),
        ("hunan_soil", "soil_hunan", 136, 136, {}),
    ],
)
def test_real_files_are_read_whole(name, folder, n_rows, n_stations, refused):
    [path] = real(folder).glob(find(name).glob)
    parsed = read(name, path.read_bytes(), file_name=path.name)
    assert parsed.n_records == n_rows
    assert len(parsed.stations) == n_stations
    assert reasons(parsed) == refused


def test_one_real_prsa_file_is_read_whole():
    path = real("air_prsa_beijing") / "PRSA_Data_Aotizhongxin_20130301-20170228.csv.gz"
    parsed = read("prsa", path.read_bytes(), file_name=path.name)
    assert parsed.n_records == 35_064
    assert not parsed.rejections
    [block] = parsed.blocks
    assert str(block.time[0]) == "2013-02-28T15:00:00.000000"
    assert np.nanmax(block.values["CO"]) == 10.0
