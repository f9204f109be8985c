"""The same days under both editions: published figures stay, the comparison follows the other table."""

import pandas as pd
import pytest

from processing.aqi import ITEMS
from processing.other_edition import under
from store.home import Home
from tests.processing.observed import NOW, local, series


@pytest.fixture
def home(tmp_path):
    place = Home.open(tmp_path)
    clean = dict.fromkeys(ITEMS, 5.0) | {"CO": 0.4}
    parts = [
        series("air-1", item, [value if item != "PM2.5" else 65.0] * 48, start)
        for start in ("2026-02-27 00:00", "2026-03-01 00:00")
        for item, value in clean.items()
    ]
    place.lake.upsert("observations", pd.concat(parts, ignore_index=True), now=NOW, why="test")
    return place


@pytest.mark.parametrize(
    ("edition", "other"),
    [("HJ 633-2026", [105.0, 105.0, 105.0, 105.0]), ("HJ 633-2012", [88.0, 88.0, 88.0, 88.0])],
)
def test_a_day_can_be_shown_under_both(home, edition, other):
    found = under(home, edition, start=local("2026-02-27"), end=local("2026-03-03"))
    assert found["edition"].tolist() == ["HJ 633-2012"] * 2 + ["HJ 633-2026"] * 2
    assert found["value"].tolist() == [88.0, 88.0, 105.0, 105.0]
    assert found["value_other"].tolist() == other
    assert set(found["edition_other"]) == {edition}
    assert home.lake.version("indicators") == -1


def test_values_that_quality_control_failed_do_not_count(home):
    rows = home.lake.read("observations", where={"parameter": ["PM2.5"]})
    judged = rows.assign(flag=4, tests="range", level="auto-checked")
    home.lake.upsert("quality", judged, now=NOW, why="test")
    found = under(home, "HJ 633-2012", start=local("2026-02-27"), end=local("2026-03-03"))
    assert "PM2.5" not in set(found["detail"])
    assert (found["value_other"] < 20).all()


def test_an_unknown_edition_is_named(home):
    with pytest.raises(KeyError, match="HJ 633-2012, HJ 633-2026"):
        under(home, "HJ 633-2030", start=local("2026-02-27"), end=local("2026-03-03"))
