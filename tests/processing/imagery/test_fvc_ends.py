"""Ends of vegetation cover: quantiles held against numpy, parts that add up, and a file nobody edits by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.errors import StoreError
from processing.imagery import fvc_ends
from processing.imagery.fvc_ends import counted, ends_of, fit, from_json, to_json

_values = st.floats(-0.9375, 0.9375, width=32)


@settings(max_examples=60)
@given(arrays(np.float32, 200, elements=_values))
def test_ends_are_the_quantiles_to_a_bin(ndvi):
    found = ends_of(counted(ndvi, np.zeros(200, dtype=int), 1)[0])
    low, high = np.quantile(ndvi, [fvc_ends.LOW, fvc_ends.HIGH], method="inverted_cdf")
    if found is not None:
        assert (found.soil, found.vegetation) == (pytest.approx(low, abs=0.0011), pytest.approx(high, abs=0.0011))
    else:
        assert high - low < 0.0011


@settings(max_examples=40)
@given(arrays(np.float32, (8, 9), elements=st.one_of(_values, st.just(np.float32("nan")))), st.integers(1, 7))
def test_parts_add_up(ndvi, cut):
    groups = np.indices(ndvi.shape).sum(axis=0) % 3 - 1
    parts = [counted(ndvi[p], groups[p], 2) for p in (np.s_[:cut], np.s_[cut:])]
    assert np.array_equal(parts[0] + parts[1], counted(ndvi, groups, 2))


def two_seasons():
    rng = np.random.default_rng(3)
    groups = np.repeat([0, 1, -1], 400)  # forest, farmland, outside
    summer = np.concatenate([rng.uniform(0.6, 0.9, 400), rng.uniform(0.2, 0.8, 400), np.full(400, -0.9)])
    winter = np.concatenate([rng.uniform(0.4, 0.8, 400), rng.uniform(0.0, 0.4, 400), np.full(400, 0.99)])
    counts = {"Q3": counted(summer, groups, 2), "Q1": counted(winter, groups, 2)}
    return fit(counts, ("forest", "farmland"), ("2025-Q1", "2025-Q3"), "map")


def test_the_county_comes_first_and_every_class_and_season_is_told():
    found = two_seasons()
    assert (found.county.ecosystem, found.county.season, found.county.n) == ("", "", 1600)
    ends = {(e.ecosystem, e.season): e for e in found.ends}
    assert set(ends) == {(e, s) for e in ("", "forest", "farmland") for s in ("", "Q1", "Q3")}
    assert ends["forest", "Q3"].soil == pytest.approx(0.615, abs=0.02)
    assert ends["farmland", "Q1"].vegetation == pytest.approx(0.38, abs=0.02)
    assert found.county.soil < ends["forest", ""].soil
    assert fit({"Q1": np.zeros((1, fvc_ends.BINS), dtype=int)}, ("",), (), "") is None
    assert ends_of(counted(np.full(9, 0.5), np.zeros(9, dtype=int), 1)[0]) is None


def test_a_fit_survives_its_file_and_a_changed_file_is_refused():
    found = two_seasons()
    assert from_json(to_json(found)) == found
    assert found.version in found.stated()
    for text in (to_json(found).replace("1600", "1601"), "[]", '{"ends": []}'):
        with pytest.raises(StoreError, match="sky fvc --keep"):
            from_json(text)
