"""Planes: the same numbers in memory and on the disk, and nothing left behind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import planes as module
from store.planes import planes


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8), st.integers(1, 4), st.integers(1, 4)), max_size=6))
def test_disk_and_memory_hold_the_same(tmp_path_factory, writes):
    root = tmp_path_factory.mktemp("planes")
    found = []
    for small in (0, 100):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "SMALL_CELLS", small)
            with planes((7, 9), root) as held:
                held.write("a", 0, 0, np.full((7, 9), np.nan, dtype=np.float32))
                for number, (row, column, height, width) in enumerate(writes):
                    part = np.full((min(height, 7 - row), min(width, 9 - column)), number, dtype=np.float32)
                    held.write("a", row, column, part)
                cells = np.array([0, 3, 6]), np.array([8, 4, 0])
                found.append((held.read("a"), held.read("a", 2, 3, 4, 5), held.at("a", *cells)))
                assert "a" in held
                held.drop("a")
                assert "a" not in held
                with pytest.raises(KeyError):
                    held.read("a")
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)
    whole, window, cells = found[0]
    np.testing.assert_array_equal(whole[2:6, 3:8], window)
    np.testing.assert_array_equal(cells, whole[[0, 3, 6], [8, 4, 0]])
    assert list(root.iterdir()) == []


def test_cells_nobody_wrote_are_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SMALL_CELLS", 0)
    with planes((3, 4), tmp_path / "scratch") as held:
        held.write("seen", 1, 1, np.ones((1, 2), dtype=bool))
        assert held.read("seen").sum() == 2
        copy = held.read("seen")
        copy[:] = True
        assert held.read("seen").sum() == 2
