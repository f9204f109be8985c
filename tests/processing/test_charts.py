"""Pictures: Chinese is really drawn, the same content gives the same bytes, and odd content breaks nothing."""

import struct
from datetime import UTC, datetime, timedelta
from io import BytesIO

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from domain.limits import Limit
from domain.records import TABLES, Flag
from domain.texts import catalogue, say
from processing import charts
from processing.charts import SeriesContent, county_map, draw_series, quicklook, station_chart
from processing.charts_map import MapContent, draw_map, wrapped_text
from processing.charts_style import font
from processing.sky import compute_sky
from tests.processing.skyland import NOW, home, put, surface

pytestmark = pytest.mark.filterwarnings("error:Glyph")  # matplotlib warns of every glyph a font does not have

START = datetime(2026, 8, 18, tzinfo=UTC)
END = START + timedelta(days=3)


def size(content):
    """Width and height of a PNG."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])


def pixels(content):
    """The colours of a PNG (h, w, channels), 0..1."""
    return matplotlib.image.imread(BytesIO(content), format="png")


def alerts(*rows):
    columns = ["severity", "starts_at", "text", "lon", "lat"]
    return pd.DataFrame(list(rows), columns=columns)


def content(place, **said):
    given = {
        "registry": place.registry,
        "layer": "ndvi",
        "values": pd.Series({"331102001": 0.55, "331102002": 0.82}),
        "as_of": START,
        "since": START,
        "now": NOW,
        "alerts": alerts(("orange", pd.Timestamp(START), "镜湖自2026-08-24起卫星影像见疑似藻华", 119.606, 28.308)),
    }
    return MapContent(**(given | said))


def test_the_font_has_the_characters_of_our_texts():
    path = font_manager.findfont(font_manager.FontProperties(family=font()), fallback_to_default=False)
    known = FT2Font(path).get_charmap()
    wanted = {c for entry in catalogue().values() for c in entry["zh"] if ord(c) > 127}
    assert {c for c in wanted if ord(c) not in known} == set()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("layer", ["ndvi", "aqi"])
def test_a_map_is_drawn_the_same_twice(tmp_path, lang, layer):
    place = home(tmp_path)
    values = pd.Series({"331102001": 0.55 if layer == "ndvi" else 135.0})  # the other township is hatched
    first = draw_map(content(place, layer=layer, values=values), lang)
    assert size(first) == (1820, 1300)
    assert first == draw_map(content(place, layer=layer, values=values), lang)
    assert b"Matplotlib" not in first  # no version inside


def test_the_map_shows_its_values_and_alerts(tmp_path):
    place = home(tmp_path)
    base = pixels(draw_map(content(place), "zh"))
    greener = pixels(draw_map(content(place, values=pd.Series({"331102001": 0.88, "331102002": 0.82})), "zh"))
    calm = pixels(draw_map(content(place, alerts=alerts()), "zh"))
    for other in (greener, calm):
        assert (np.abs(base - other).max(axis=2) > 0.05).sum() > 500
    orange = np.abs(base[..., :3] - np.array([240, 125, 0]) / 255).max(axis=2) < 0.03
    assert orange.sum() > 200
    assert (np.abs(calm[..., :3] - np.array([240, 125, 0]) / 255).max(axis=2) < 0.03).sum() == 0


def test_many_alerts_and_alerts_without_a_place(tmp_path):
    place = home(tmp_path)
    many = [
        (("blue", "yellow", "orange", "red")[i % 4], pd.Timestamp(START), "站点自某时起超标" * (i % 6 + 1), lon, 28.308)
        for i, lon in enumerate([119.606] * 5 + [np.nan] * 40)
    ]
    assert size(draw_map(content(place, alerts=alerts(*many)), "zh")) == (1820, 1300)


def test_wrapping_keeps_everything_that_fits():
    text = "碧湖断面自2026-08-21 00:00起氨氮连续超过目标水质类别限值"
    assert "".join(wrapped_text(text, "zh")) == text
    long = wrapped_text("字" * 100, "zh")
    assert len(long) == 2
    assert long[1].endswith("…")
    assert wrapped_text("water worse than its target class since yesterday, by 3 at most", "en") == [
        "water worse than its target class since yesterday, by 3",
        "at most",
    ]
    assert wrapped_text("", "en") == [""]


def series(values, flags=None, hours=None):
    n = len(values)
    times = [pd.Timestamp(START) + pd.Timedelta(hours=h) for h in (hours or range(n))]
    return pd.DataFrame({"time": times, "value": np.array(values, dtype=float), "flag": flags or [Flag.PASS] * n})


def chart(values, **said):
    given = {
        "station": {"station_id": "air-1", "name_zh": "城中站", "name_en": "Centre"},
        "parameter": "PM2.5",
        "values": values,
        "length": timedelta(hours=1),
        "start": START,
        "end": END,
        "limits": (("series.limit.day", Limit(60.0, "ug/m3", "GB 3095-2026", "confirmed")),),
        "alerts": pd.DataFrame({"starts_at": [], "ends_at": [], "severity": []}),
        "simulated": True,
    }
    return SeriesContent(**(given | said))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_series_with_everything(lang):
    flags = [Flag.PASS] * 6 + [Flag.SUSPECT, Flag.FAIL, Flag.MISSING] + [Flag.PASS] * 3
    values = series([20, 22, 21, 25, 24, 23, 48, 985, np.nan, 26, 25, 24], flags, [*range(9), 20, 21, 22])
    spells = pd.DataFrame(
        {
            "starts_at": pd.to_datetime([START - timedelta(days=1), START + timedelta(hours=30)], utc=True),
            "ends_at": pd.to_datetime([START + timedelta(hours=3), None], utc=True),
            "severity": ["blue", "red"],
        }
    )
    drawn = draw_series(chart(values, alerts=spells), lang)
    assert size(drawn) == (1560, 650)
    assert drawn == draw_series(chart(values, alerts=spells), lang)


def test_no_line_over_a_gap_and_refused_values_do_not_stretch_the_axis(monkeypatch):
    seen = {}

    def kept(made, **_):
        seen["axes"] = made.axes[0]
        return b""

    monkeypatch.setattr(charts, "png", kept)
    flags = [Flag.PASS] * 4 + [Flag.FAIL] + [Flag.PASS] * 2
    draw_series(chart(series([20, 22, 21, 25, 985, 23, 24], flags, [0, 1, 2, 3, 4, 30, 31])), "zh")
    (line,) = (artist for artist in seen["axes"].lines if artist.get_label() == say("series.values", "zh"))
    y = line.get_ydata()
    assert np.isnan(y).sum() == 1
    assert np.isnan(y[4])
    assert seen["axes"].get_ylim()[1] < 80
    labels = [text.get_text() for text in seen["axes"].texts]
    assert say("series.outside", "zh", value="985") in labels


@pytest.mark.parametrize("values", [series([]), series([np.nan]), series([7.0]), series([3.0, 3.0, 3.0])])
def test_little_or_nothing_to_draw(values):
    assert size(draw_series(chart(values, limits=()), "zh")) == (1560, 650)


def test_a_year_of_hours():
    n = 365 * 24
    values = series(20 + np.sin(np.arange(n) / 30))
    assert size(draw_series(chart(values, end=START + timedelta(days=365)), "zh")) == (1560, 650)


def test_the_quick_look_is_small_and_white_where_nothing_was_seen():
    colour = np.full((3, 2100, 1400), 120, dtype=np.uint8)
    colour[:, :300, :] = 0
    drawn = quicklook(colour)
    assert size(drawn) == (467, 700)
    shown = pixels(drawn)
    assert shown[0, 0, :3] == pytest.approx([1, 1, 1])
    assert shown[-1, 0, :3] == pytest.approx([120 / 255] * 3)
    assert quicklook(colour) == drawn


def observed(place):
    rows = [
        {
            "medium": "air",
            "station_id": "air-1",
            "parameter": "PM2.5",
            "time": pd.Timestamp(START) + pd.Timedelta(hours=i),
            "period": "PT1H",
            "value": 30.0 + i,
            "unit": "ug/m3",
            "flag": 2,
            "source_flag": "N",
            "feed": "test",
            "received_at": pd.Timestamp(START),
        }
        for i in range(30)
    ]
    place.lake.upsert("observations", TABLES["observations"].frame(rows), now=NOW, why="test")
    judged = [
        {**{k: r[k] for k in ("medium", "station_id", "parameter", "time", "period")}, "tests": "spike"} for r in rows
    ]
    frame = TABLES["quality"].frame(
        [{**r, "flag": 4 if i == 7 else 1, "level": "auto-checked"} for i, r in enumerate(judged)]
    )
    place.lake.upsert("quality", frame, now=NOW, why="test")


def test_the_shells_read_the_memory_and_write_files(tmp_path):
    place = home(tmp_path)
    put(place, "A", "2026-08-24T02:36:00Z", surface())
    compute_sky(place, now=NOW)
    observed(place)
    drawn = county_map(place, now=NOW, lang="zh")
    assert drawn.name == "map-ndvi-2026090108-zh.png"
    assert size(drawn.read_bytes()) == (1820, 1300)
    empty = county_map(place, now=NOW, lang="en", layer="aqi")  # no index yet: hatched, not refused
    assert size(empty.read_bytes()) == (1820, 1300)
    chart_file = station_chart(place, "air-1", "PM2.5", start=START, end=END)
    assert chart_file.name == "air-1-PM2.5-20260818-20260821-zh.png"
    assert size(chart_file.read_bytes()) == (1560, 650)
    assert chart_file.parent == place.files.path("charts")
    with pytest.raises(KeyError):
        station_chart(place, "air-9", "PM2.5", start=START, end=END)


def test_flags_of_quality_control_reach_the_chart(tmp_path):
    place = home(tmp_path)
    observed(place)
    values, length = charts._series(place, place.registry.by_id["air-1"], "PM2.5", START, END)
    assert length == timedelta(hours=1)
    assert values["flag"].tolist() == [4 if i == 7 else 1 for i in range(30)]
    limits = charts._limits(place.registry.by_id["air-1"], "PM2.5", START, length)
    assert [key for key, _ in limits] == ["series.limit.day"]
