"""The laboratory's spreadsheet of farmland soil: one campaign a month, as laboratories really send it.

A title and the particulars above, a heading of two rows with merged cells, units in the heading, results below the
detection limit written `<0.002`, `0.01L` (the limit followed by L) or 未检出, notes below.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from domain.catalogue import read_table
from domain.registry import Registry
from domain.spreadsheets import to_bytes
from domain.times import LOCAL
from sample_feeds.chance import gauss, key
from sample_feeds.scenario import Scenario, SoilSample
from sample_feeds.signals import sites
from sample_feeds.weather import TABLES

SAMPLED_DAY, REPORTED_DAY, REPORTED_AT = 19, 25, time(15, 20)
_LEFT = ("序号", "样品编号", "点位编号", "点位名称", "采样日期", "采样深度（cm）")
_NOTES = (
    "注：1.“<”及数字后加“L”表示低于方法检出限，“未检出”含义相同。",
    "    2. 本报告为模拟数据，仅用于系统演示。",
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """One round of sampling and the report of it."""

    sampled: date
    reported_at: datetime

    @property
    def file(self) -> str:
        return f"soil_report_{self.sampled:%Y%m}.xlsx"


def campaigns(start: datetime, end: datetime) -> Iterator[Campaign]:
    """The campaigns whose report arrives in [start, end), in order."""
    month = start.astimezone(LOCAL).date().replace(day=1)
    while datetime.combine(month, time(), LOCAL) < end:
        reported = datetime.combine(month.replace(day=REPORTED_DAY), REPORTED_AT, LOCAL)
        if start <= reported < end:
            yield Campaign(month.replace(day=SAMPLED_DAY), reported)
        month = (month + timedelta(days=32)).replace(day=1)


def write(out: Path, registry: Registry, scenario: Scenario, start: datetime, end: datetime, seed: int) -> int:
    """Write `ground/lab/<day>/soil_report_<month>.xlsx` for reports arriving in [start, end); returns how many."""
    count = 0
    for campaign in campaigns(start, end):
        folder = out / "ground" / "lab" / f"{campaign.reported_at:%Y-%m-%d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / campaign.file).write_bytes(sheet(registry, scenario, campaign, seed))
        count += 1
    return count


def results(registry: Registry, scenario: Scenario, campaign: Campaign, seed: int) -> pd.DataFrame:
    """True contents of the samples: one row per sample point, one column per parameter, units of tables/soil.csv."""
    points = [name for name, row in registry.by_id.items() if row["medium"] == "soil"]
    month = np.array([campaign.sampled.year * 12 + campaign.sampled.month])
    table = pd.DataFrame(index=points, columns=list(elements().index), dtype=float)
    for point in points:
        for parameter, row in elements().iterrows():
            factor, offset = sites().get((point, str(parameter)), (1.0, 0.0))
            chance = float(gauss(key(seed, point, parameter), month)[0])
            table.loc[point, str(parameter)] = row["mean"] * (1 + row["cv"] * chance) * factor + offset
        for event in scenario.of(SoilSample, subject=point):
            if _local(event.start) <= campaign.sampled <= _local(event.end):
                table.loc[point, list(event.levels)] = list(event.levels.values())
    return table


@cache
def elements() -> pd.DataFrame:
    """What the laboratory measures: heading_zh, unit, decimals, mean, cv, detection (NaN without), by parameter."""
    columns = ("parameter", "heading_zh", "unit", "decimals", "mean", "cv", "detection")
    frame = read_table(TABLES / "soil.csv", columns=columns, key=["parameter"]).set_index("parameter")
    for column in ("mean", "cv", "detection"):
        frame[column] = pd.to_numeric(frame[column])
    frame["decimals"] = frame["decimals"].astype(int)
    return frame.drop(columns="line")


def sheet(registry: Registry, scenario: Scenario, campaign: Campaign, seed: int) -> bytes:
    """The spreadsheet as bytes."""
    book = Workbook()
    page = book.worksheets[0]
    page.title = "检测结果"
    _heading(page, campaign)
    for n, (point, row) in enumerate(results(registry, scenario, campaign, seed).iterrows(), 1):
        page.append([*_left(registry, str(point), campaign, n), *_cells(str(point), row)])
    page.append([])
    for note in _NOTES:
        page.append([note])
        page.merge_cells(start_row=page.max_row, start_column=1, end_row=page.max_row, end_column=_width())
    return to_bytes(book, campaign.reported_at)


def _heading(page: Worksheet, campaign: Campaign) -> None:
    number = f"MN-T{campaign.sampled:%Y%m}-01"
    page.append(["土壤环境质量检测报告（模拟）"])
    page.append([f"委托单位：模拟农业农村局　　报告编号：{number}　　报告日期：{campaign.reported_at:%Y年%m月%d日}"])
    for row in (1, 2):
        page.merge_cells(start_row=row, start_column=1, end_row=row, end_column=_width())
        page.cell(row, 1).alignment = Alignment(horizontal="center")
    page.cell(1, 1).font = Font(bold=True, size=14)
    page.append([*_LEFT, "检测项目"])
    page.append([*[None] * len(_LEFT), *(f"{e.heading_zh}（{e.unit}）" for e in elements().itertuples())])
    page.merge_cells(start_row=3, start_column=len(_LEFT) + 1, end_row=3, end_column=_width())
    for column in range(1, len(_LEFT) + 1):
        page.merge_cells(start_row=3, start_column=column, end_row=4, end_column=column)


def _left(registry: Registry, point: str, campaign: Campaign, n: int) -> list[Any]:
    sampled: Any = datetime.combine(campaign.sampled, time()) if n % 2 else f"{campaign.sampled:%Y-%m-%d}"
    return [n, f"TR{campaign.sampled:%y%m}{n:03d}", point, registry.by_id[point]["name_zh"], sampled, "0~20"]


def _cells(point: str, row: "pd.Series[float]") -> list[float | str]:
    out: list[float | str] = []
    for parameter, element in elements().iterrows():
        value, limit = float(row[str(parameter)]), element["detection"]
        out.append(_absent(point, f"{limit:g}") if value < limit else round(value, element["decimals"]))
    return out


def _absent(point: str, limit: str) -> str:
    """How the laboratory writes a result below the detection limit: three people, three habits."""
    return (f"<{limit}", f"{limit}L", "未检出")[int(point[-2:]) % 3]


def _width() -> int:
    return len(_LEFT) + len(elements())


def _local(moment: datetime) -> date:
    return moment.astimezone(LOCAL).date()
