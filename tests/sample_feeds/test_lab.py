"""The laboratory's spreadsheet."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest

from domain.catalogue import convertible, parameters
from domain.registry import Registry
from sample_feeds.lab import campaigns, elements, results, sheet, write
from sample_feeds.scenario import load
from sample_feeds.simulate import COUNTY

SCENARIO = load()
REGISTRY = Registry.load(COUNTY)
CALM = SCENARIO.model_copy(update={"events": ()})
CAMPAIGN = next(campaigns(SCENARIO.start, SCENARIO.end))
#: GB 15618-2018 at the strictest pH: screening values (paddy or other) and intervention values, mg/kg.
SCREENING = {"soil_Cd": 0.3, "soil_Hg": 0.5, "soil_As": 20, "soil_Pb": 70, "soil_Cr": 150, "soil_Cu": 50,
             "soil_Ni": 60, "soil_Zn": 200}  # fmt: skip
INTERVENTION = {"soil_Cd": 1.5, "soil_Hg": 2.0, "soil_As": 100, "soil_Pb": 400, "soil_Cr": 800}


def cells(seed=1, scenario=SCENARIO):
    book = openpyxl.load_workbook(io.BytesIO(sheet(REGISTRY, scenario, CAMPAIGN, seed)))
    return book.worksheets[0]


def test_one_campaign_a_month():
    year = list(campaigns(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)))
    assert [c.sampled for c in year] == [date(2026, m, 19) for m in range(1, 13)]
    assert all(timedelta(days=5) < c.reported_at - datetime(2026, c.sampled.month, 19, tzinfo=UTC) for c in year)
    reported = CAMPAIGN.reported_at
    assert list(campaigns(reported, reported + timedelta(seconds=1))) == [CAMPAIGN]
    assert not list(campaigns(reported + timedelta(seconds=1), reported + timedelta(days=20)))


def test_same_seed_same_bytes_and_no_clock_in_them():
    one, two = (sheet(REGISTRY, SCENARIO, CAMPAIGN, 1) for _ in range(2))
    assert one == two != sheet(REGISTRY, SCENARIO, CAMPAIGN, 2)
    core = zipfile.ZipFile(io.BytesIO(one)).read("docProps/core.xml")
    assert core.count(b"2026-08-25T07:20:00Z") == 2


def test_title_two_rows_of_heading_and_notes():
    page = cells()
    assert "模拟" in page["A1"].value
    assert "2026年08月25日" in page["A2"].value
    assert [c.value for c in page[3]][:7] == [
        "序号", "样品编号", "点位编号", "点位名称", "采样日期", "采样深度（cm）", "检测项目",
    ]  # fmt: skip
    assert page["H4"].value == "镉（mg/kg）"
    assert {str(r) for r in page.merged_cells.ranges} >= {"A1:P1", "A3:A4", "G3:P3"}
    assert page["A18"].value.startswith("注")


def test_a_row_for_every_sample_point():
    rows = list(cells().iter_rows(min_row=5, max_row=16, values_only=True))
    assert [r[2] for r in rows] == [f"soil-{n:02d}" for n in range(1, 13)]
    assert {type(r[4]) for r in rows} == {datetime, str}  # two habits of writing the same day
    assert {str(r[4])[:10] for r in rows} == {"2026-08-19"}


def test_results_below_the_detection_limit_are_written_in_three_ways():
    texts = {v for r in cells().iter_rows(min_row=5, max_row=16, min_col=7, values_only=True) for v in r
             if isinstance(v, str)}  # fmt: skip
    assert texts == {"<0.01", "0.002L", "未检出"}


@pytest.mark.parametrize("seed", [1, 2, SCENARIO.seed])
def test_only_the_injected_sample_is_above_an_intervention_value(seed):
    calm, hurt = (results(REGISTRY, s, CAMPAIGN, seed) for s in (CALM, SCENARIO))
    for parameter, limit in INTERVENTION.items():
        assert calm[parameter].max() < 0.7 * limit
    assert hurt.loc["soil-07", "soil_Cd"] > 1.3 * INTERVENTION["soil_Cd"]
    assert hurt.loc["soil-07", "soil_pH"] < 5.5
    assert hurt.drop("soil-07").equals(calm.drop("soil-07"))
    ordinary = calm.drop(["soil-03", "soil-09"])
    assert all(ordinary[parameter].max() < limit for parameter, limit in SCREENING.items())
    assert calm.loc["soil-03", "soil_Cd"] > 0.4  # to be used with care, which is no alert


def test_another_month_is_another_soil_without_the_event():
    later = next(campaigns(SCENARIO.end, SCENARIO.end + timedelta(days=40)))
    assert results(REGISTRY, SCENARIO, later, 1).loc["soil-07", "soil_Cd"] < 0.3


def test_units_are_known():
    for parameter, row in elements().iterrows():
        assert convertible(row["unit"], parameters().loc[parameter, "unit"])


def test_where_it_is_written(tmp_path):
    assert write(tmp_path, REGISTRY, SCENARIO, SCENARIO.start, SCENARIO.end, 1) == 1
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.xlsx")] == [
        "ground/lab/2026-08-25/soil_report_202608.xlsx"
    ]
    assert write(tmp_path, REGISTRY, SCENARIO, SCENARIO.start, CAMPAIGN.reported_at, 1) == 0
