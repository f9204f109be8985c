import numpy as np
import pytest

from domain.registry import STATION_COLUMNS
from ingest.layouts import Station, find
from ingest.places import described, needed, station_rows
from tests.ingest.tables_given import PRSA, ZHEJIANG, read


def test_the_last_description_that_says_something_wins():
    row = described("x.a", Station(medium="water", kind="river"), {"kind": "", "lon": 1.0}, Station(kind="lake"))
    frame = station_rows([row])
    assert frame.columns.tolist() == list(STATION_COLUMNS)
    assert frame.loc[0, ["station_id", "name_zh", "medium", "kind", "lon"]].tolist() == ["x.a", "a", "water", "lake", 1]
    assert np.isnan(frame.loc[0, "lat"])
    assert frame.loc[0, "township"] == ""


def test_no_station_is_an_empty_typed_table():
    frame = station_rows([])
    assert frame.columns.tolist() == list(STATION_COLUMNS)
    assert frame["lon"].dtype == float


def test_what_the_layout_knows_of_a_station_wins():
    text = ZHEJIANG.replace("甲断面", "小金山")
    assert read("zhejiang_water", text).stations["kind"].tolist() == ["reservoir"]
    assert read("zhejiang_water", ZHEJIANG).stations["kind"].tolist() == ["river"]


def test_the_name_of_the_file_can_be_the_station():
    prsa = find("prsa")
    own = prsa.stations.model_copy(update={"column": "", "file_pattern": r"PRSA_Data_(?P<station>\w+?)_"})
    layout = prsa.model_copy(update={"stations": own})
    assert read(layout, PRSA, file_name="PRSA_Data_Dongsi_2013.csv").stations["station_id"].tolist() == ["prsa.Dongsi"]
    [rejection] = read(layout, PRSA, file_name="other.csv").rejections
    assert rejection.reason == "bad_document"
    assert "the name does not match stations.file_pattern" in rejection.detail


def test_scenes_are_no_table():
    with pytest.raises(TypeError, match="sentinel2_local describes no table"):
        needed(find("sentinel2_local"))
