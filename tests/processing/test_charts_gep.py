"""Pictures of an account: same content, same bytes; gaps, signs and both languages are drawn, no glyph is missing."""

from pathlib import Path

import pandas as pd
import pytest

from domain.registry import Registry
from processing.charts_gep import Bar, bars, steps, value_map

pytestmark = pytest.mark.filterwarnings("error:Glyph")  # matplotlib warns of every glyph a font does not have

COUNTY = Registry.load(Path(__file__).resolve().parents[2] / "sample_feeds" / "county")
PNG = b"\x89PNG\r\n\x1a\n"
SERVICES = [
    Bar("水源涵养", 112.3, 80, 150, "regulating"),
    Bar("农业产品", 15.2, category="provisioning"),
    Bar("旅游康养", float("nan"), category="cultural"),
    Bar("洪水调蓄", -0.4, -1, 0.2, "regulating"),
]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_same_content_gives_the_same_bytes(lang):
    def drawn(values):
        return (
            bars(SERVICES, title="各项服务", unit="亿元", source="x", lang=lang),
            value_map(COUNTY, values, title="单位面积", unit="万元", source="x", lang=lang),
            steps(
                pd.Series({"a": 3.0, "b": -9.0}),
                first="1",
                last="2",
                start=4.0,
                title="t",
                unit="u",
                source="",
                lang=lang,
            ),
        )

    values = {zone: float(n) for n, zone in enumerate(COUNTY.townships.ids)}
    first = drawn(values)
    assert first == drawn(values)
    assert all(picture.startswith(PNG) for picture in first)
    assert drawn(values | {COUNTY.townships.ids[0]: float("nan")})[1] != first[1]


def test_nothing_to_show_is_still_a_picture():
    assert bars([], title="t", unit="u", source="", lang="en").startswith(PNG)
    assert value_map(COUNTY, {}, title="t", unit="u", source="", lang="zh").startswith(PNG)
    empty = pd.Series(dtype=float)
    assert steps(empty, first="1", last="2", start=4.0, title="t", unit="u", source="", lang="en").startswith(PNG)
