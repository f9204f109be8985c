"""The bulletin: the same numbers give the same bytes, in both languages; the text of others stays text."""

import io
from datetime import date, timedelta

import pandas as pd
import pytest
from docx import Document

from alerts.bulletin.files import docx, markdown
from alerts.bulletin.numbers import numbers
from alerts.bulletin.words import bulletin
from alerts.incidents import actions
from alerts.incidents.evidence import Places
from domain.rivers import Rivers
from domain.times import day_start
from tests.alerts.incidents.given import HOUR
from tests.alerts.incidents.loop import NOW, opened, put

DAY = date(2026, 8, 18)


def daily(indicator: str, subject: str, value: float, grade: str, day: date = DAY, detail: str = ""):
    return {
        "indicator": indicator, "medium": indicator.partition(".")[0], "subject": subject, "time": day_start(day),
        "period": "P1D", "value": value, "unit": "1", "grade": grade, "n_valid": 24, "n_expected": 24, "flag": 1,
        "detail": detail, "edition": "",
    }  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home, name = opened(tmp_path_factory.mktemp("bulletin"))
    put(
        home,
        "indicators",
        daily("air.aqi", "air-1", 80, "良"),
        daily("air.aqi", "air-2", 137, "轻度污染", detail="O3"),
        daily("air.aqi", "air-3", float("nan"), ""),
        daily("water.class", "water-2", 4, "Ⅳ", detail="NH3N,TP"),
        daily("water.class_excess", "water-2", 1, ""),
        daily("water.class", "water-3", 2, "Ⅱ", day=DAY - timedelta(days=3), detail="TP"),
        daily("water.class_excess", "water-3", -1, "", day=DAY - timedelta(days=3)),
    )
    actions.acknowledge(home, name, who="<b>甲</b> | 乙", now=NOW)
    return home


def told(home, days: int, lang: str):
    found = numbers(home, DAY - timedelta(days=days - 1), DAY, now=NOW + 100 * HOUR)
    return bulletin(found, Places(home.registry, Rivers.of(home.registry)).names, lang)


def test_a_day_in_chinese(home):
    text = markdown(told(home, 1, "zh"))
    assert "# 莲都区（模拟）生态环境监测日报" in text
    assert "环境空气：2个站点有效监测2站日，优良1站日，优良率50.0%，AQI最高值137。" in text
    assert "地表水：1个断面参加评价，0个达到水质目标。" in text
    assert "事件：新增1起，办结0起；目前待办1起，其中逾期1起。" in text
    assert "2026年8月18日，岩泉站（模拟）AQI为137（轻度污染），首要污染物为臭氧。" in text
    assert "| 碧湖断面（模拟） | Ⅲ | Ⅳ | 未达标 | 氨氮、总磷 |" in text
    assert "本期数据为模拟数据" in text


def test_a_week_in_english_sees_the_days_before(home):
    text = markdown(told(home, 7, "en"))
    assert "weekly environmental bulletin" in text
    assert "2 sections judged, 1 of them met their target class" in text
    assert "AQI 137 (lightly polluted), primary pollutant ozone" in text
    assert not any("\u4e00" <= c <= "\u9fff" for line in text.splitlines() if line.startswith("#") for c in line)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_same_numbers_give_the_same_bytes(home, lang):
    one, two = told(home, 1, lang), told(home, 1, lang)
    assert markdown(one) == markdown(two)
    assert docx(one) == docx(two)


def test_the_word_document_says_what_the_text_says(home):
    found = told(home, 1, "zh")
    document = Document(io.BytesIO(docx(found)))
    said = [p.text for p in document.paragraphs]
    for section in found.sections:
        assert section.heading in said
        assert set(section.paragraphs) <= set(said)
    assert len(document.tables) == sum(s.grid is not None for s in found.sections)
    assert document.tables[0].cell(1, 0).text == found.sections[1].grid.rows[0][0]


def test_the_words_of_others_stay_words(home):
    text = markdown(told(home, 1, "zh"))
    assert "<b>" not in text
    assert "&lt;b>甲&lt;/b> \\| 乙" in text


def test_nothing_measured_is_said(home):
    found = numbers(home, DAY + timedelta(days=50), DAY + timedelta(days=50), now=NOW + 2000 * HOUR)
    text = markdown(bulletin(found, {}, "zh"))
    assert "本期没有有效的空气质量日评价。" in text
    assert "本期没有新增事件。" in text
    assert pd.isna(found.water["value"]).all()


def test_a_span_that_ends_before_it_begins_is_refused(home):
    with pytest.raises(ValueError, match="before it begins"):
        numbers(home, DAY, DAY - timedelta(days=1), now=NOW)
