"""Burn severity: the classes of the table, its limits, and its mistakes."""

import numpy as np
import pytest
import xarray as xr

from domain.errors import CatalogueError
from processing.imagery import burn


def test_limits_belong_to_the_class_above():
    values = [-0.6, -0.25, -0.1, 0.0, 0.1, 0.27, 0.44, 0.66, 1.2, np.nan]
    for dtype in (np.float32, np.float64):
        found = burn.severity(xr.DataArray(np.array(values, dtype=dtype), dims="x", attrs={"crs": "EPSG:32650"}))
        assert found.values.tolist() == [1, 2, 3, 3, 4, 5, 6, 7, 7, 0]
    assert found.dtype == np.uint8
    assert found.attrs["flag_values"] == [1, 2, 3, 4, 5, 6, 7]
    assert len(found.attrs["flag_meanings"].split()) == 7
    assert found.attrs["crs"] == "EPSG:32650"


def test_chunks_change_nothing():
    values = xr.DataArray(np.random.default_rng(1).normal(0.2, 0.4, (20, 30)), dims=("y", "x"))
    np.testing.assert_array_equal(burn.severity(values.chunk(y=3, x=7)), burn.severity(values))


def test_classes_without_a_gap(tmp_path, monkeypatch):
    text = (burn.TABLES_DIR / "imagery_severity.csv").read_text(encoding="utf-8")
    (tmp_path / "imagery_severity.csv").write_text(text.replace("4,0.1,0.27", "4,0.12,0.27"), encoding="utf-8")
    monkeypatch.setattr(burn, "TABLES_DIR", tmp_path)
    burn.severity_classes.cache_clear()
    with pytest.raises(CatalogueError, match=r"imagery_severity\.csv:5: low is '0.12'; the class before ends at '0.1'"):
        burn.severity_classes()
    monkeypatch.undo()
    burn.severity_classes.cache_clear()
    assert burn.severity_classes().index.tolist() == [1, 2, 3, 4, 5, 6, 7]
