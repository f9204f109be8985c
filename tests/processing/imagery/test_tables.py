"""The tables of the sky eye are complete, and their mistakes are named by line."""

import pytest

from domain.errors import CatalogueError
from processing.imagery import scene, tables


def test_every_threshold_is_a_number_in_its_range():
    limits = tables.thresholds()
    assert limits["clearing_dndvi_max"] < 0 < limits["clearing_dbi_min"]
    assert limits["fvc_ndvi_soil"] < limits["fvc_ndvi_vegetation"] <= 1
    assert all(0 < value <= 1 for name, value in limits.items() if name.endswith("_share_min"))


def test_scene_classes_and_bands():
    assert tables.scene_classes("clear").tolist() == [2, 4, 5, 6, 7]
    assert tables.scene_classes("buffered").tolist() == [3, 8, 9, 10]
    assert tables.scene_classes("dark").tolist() == [2, 6]
    assert {name for names in tables.band_names().values() for name in names} >= {*scene.REQUIRED, *scene.OPTIONAL}
    assert {"B8A", "nir08", "B8A_20m"} <= set(tables.band_names()["B8A"])
    assert tables.band_names()["B8A"][:2] == ("B8A", "nir08")
    assert tables.wavelengths()["B08"] == 842
    assert "SCL" not in tables.wavelengths()


@pytest.mark.parametrize(
    ("name", "load", "before", "after", "said"),
    [
        ("imagery_thresholds.csv", tables.thresholds, "100,m", "wide,m", "2: value 'wide' is not a number"),
        ("imagery_scl.csv", lambda: tables.scene_classes("clear"), "no,no,no", "no,maybe,no", "2: buffered is 'maybe'"),
    ],
)
def test_mistakes_are_named(tmp_path, monkeypatch, name, load, before, after, said):
    text = (tables.TABLES_DIR / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(text.replace(before, after, 1), encoding="utf-8")
    monkeypatch.setattr(tables, "TABLES_DIR", tmp_path)
    for cached in (tables.thresholds, tables.scene_classes):
        cached.cache_clear()
    with pytest.raises(CatalogueError, match=f"{name}:{said}"):
        load()
    monkeypatch.undo()
    tables.thresholds()
