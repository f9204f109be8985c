"""Lines between sky and ground: against numpy and by leaving out for real; when they are kept; what applying does."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import StoreError
from processing.imagery import calibration


def pairs(n=40, stations=4, noise=1.0, seed=1, slope=1.8, intercept=3.0):
    random = np.random.default_rng(seed)
    sky = random.uniform(2, 40, n)
    return pd.DataFrame(
        {
            "station_id": [f"water-{i % stations}" for i in range(n)],
            "sky": sky,
            "ground": slope * sky + intercept + random.normal(0, noise, n),
        }
    )


def line(frame, **changed):
    asked = {
        "product": "chla", "parameter": "chla", "unit": "mg/m3", "predictor": "chla", "scheme": "pair",
        "n_min": 10, "stations_min": 1, "r2_min": 0.3,
    }  # fmt: skip
    return calibration.line(frame, **{**asked, **changed})


def predicted_without(frame, part):
    rest = frame[~part]
    slope, intercept = np.polyfit(rest["sky"], rest["ground"], 1)
    return slope * frame.loc[part, "sky"] + intercept


def test_the_line_is_least_squares():
    frame = pairs()
    found = line(frame)
    slope, intercept = np.polyfit(frame["sky"], frame["ground"], 1)
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept))
    left = frame["ground"] - slope * frame["sky"] - intercept
    assert found.rmse == pytest.approx(np.sqrt((left**2).mean()))
    assert found.r2 == pytest.approx(np.corrcoef(frame["sky"], frame["ground"])[0, 1] ** 2)
    assert (found.n, found.n_stations, found.kept) == (40, 4, True)


@pytest.mark.parametrize("scheme", ["pair", "station"])
def test_what_is_left_out_is_really_left_out(scheme):
    frame = pairs(noise=6)
    found = line(frame, scheme=scheme)
    groups = frame.index if scheme == "pair" else frame["station_id"]
    blind = pd.concat([predicted_without(frame, groups == g) for g in groups.unique()]).sort_index()
    left = frame["ground"] - blind
    assert found.out_rmse == pytest.approx(np.sqrt((left**2).mean()))
    total = ((frame["ground"] - frame["ground"].mean()) ** 2).sum()
    assert found.out_r2 == pytest.approx(1 - (left**2).sum() / total)
    assert found.out_rmse > found.rmse


@settings(max_examples=40)
@given(st.permutations(range(12)))
def test_the_order_of_pairs_changes_no_bit(order):
    frame = pairs(n=12)
    assert line(frame.iloc[order]) == line(frame)


@pytest.mark.parametrize(
    ("frame", "changed", "reason"),
    [
        (pairs(n=9), {}, "pairs"),
        (pairs(n=0), {}, "pairs"),
        (pairs(stations=2), {"stations_min": 3, "scheme": "station"}, "stations"),
        (pairs().assign(sky=7.0), {}, "flat"),
        (pairs(slope=-1.8, intercept=90), {}, "inverse"),  # however well it fits
        (pairs(noise=60), {}, "weak"),
        (pairs(stations=1), {"scheme": "station"}, "weak"),  # nothing is left to predict from
        (pairs().assign(ground=5.0), {}, "inverse"),
    ],
)
def test_a_line_that_is_not_good_enough_is_not_kept(frame, changed, reason):
    found = line(frame, **changed)
    assert found.reason == reason
    assert not found.kept
    layer = xr.DataArray(np.array([1.0, np.nan], dtype=np.float32), attrs={"units": "mg/m3", "crs": "EPSG:32650"})
    left = found.apply(layer)
    np.testing.assert_array_equal(left, layer)
    assert left.attrs["mark"] == "relative"


def test_one_far_value_does_not_vouch_for_itself():
    frame = pairs(n=12, noise=0).assign(sky=1.0, ground=1.0)
    frame.loc[0, ["sky", "ground"]] = [100.0, 100.0]
    found = line(frame)
    assert found.r2 == pytest.approx(1)
    assert math.isnan(found.out_r2)
    assert found.reason == "weak"


def test_calibrated_values_carry_their_fit_and_never_go_below_zero():
    found = line(pairs(noise=0.1, intercept=-6))
    layer = xr.DataArray(np.array([0.5, 20, np.nan], dtype=np.float32), attrs={"units": "x", "crs": "EPSG:32650"})
    value = found.apply(layer)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, [0, found.slope * 20 + found.intercept, np.nan], rtol=1e-6)
    assert value.attrs["mark"] == "calibrated"
    assert value.attrs["units"] == "mg/m3"
    assert value.attrs["crs"] == "EPSG:32650"
    assert f"fit {found.version}" in value.attrs["calibration"]
    assert found.apply(layer.chunk(1)).values.tobytes() == value.values.tobytes()


def test_missing_values_are_no_pairs():
    with pytest.raises(ValueError, match="finite"):
        line(pairs().assign(sky=np.nan))


def test_fits_are_kept_as_text_with_their_version():
    fits = [line(pairs()), line(pairs(n=0), product="turbidity")]
    text = calibration.to_json(fits)
    assert "NaN" not in text
    back = calibration.from_json(text)
    assert list(back) == ["chla", "turbidity"]
    assert back["chla"] == fits[0]
    assert math.isnan(back["turbidity"].slope)
    rows = json.loads(text)
    rows[0]["slope"] += 1
    with pytest.raises(StoreError, match="calibrations of chla"):
        calibration.from_json(json.dumps(rows))
    for broken in ("", "{}x", "[1]", '[{"slope": 1}]'):
        with pytest.raises(StoreError, match="cannot be read"):
            calibration.from_json(broken)
