"""AOD to PM2.5: the predictor by hand, and only a fit that was kept gives numbers."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from processing.imagery import aerosol, calibration


def a(*values):
    return xr.DataArray(np.array(values, dtype=np.float64), dims="x")


def fit(n=60, predictor=None):
    random = np.random.default_rng(1)
    dry = random.uniform(0.02, 0.6, n)
    frame = pd.DataFrame(
        {"station_id": [f"air-{i % 4}" for i in range(n)], "sky": dry, "ground": 12 + 90 * dry + random.normal(0, 3, n)}
    )
    return calibration.line(
        frame,
        product="pm25",
        parameter="PM2.5",
        unit="ug/m3",
        predictor=predictor or aerosol.predictor(with_height=False),
        scheme="station",
        n_min=30,
        stations_min=3,
        r2_min=0.3,
    )


def test_the_predictor_by_hand():
    np.testing.assert_allclose(aerosol.near_ground(a(0.5, 0.5), a(60.0, 0.0)), [0.2, 0.5])
    np.testing.assert_allclose(aerosol.near_ground(a(0.5), a(60.0), a(800.0)), [0.25])
    np.testing.assert_allclose(aerosol.near_ground(a(0.5), 60.0, 800.0), [0.25])


def test_saturated_air_and_no_mixed_layer_have_no_answer():
    found = aerosol.near_ground(a(0.5, 0.5, 0.5, np.nan), a(100.0, -5.0, np.nan, 50.0))
    assert np.isnan(found).all()
    assert np.isnan(aerosol.near_ground(a(0.5, 0.5), a(50.0, 50.0), a(0.0, np.nan))).all()


def test_pm25_where_aerosol_was_seen():
    line = fit()
    assert line.kept
    aod = a(0.4, np.nan).assign_attrs(crs="EPSG:4326", units="1")
    found = aerosol.pm25(aod, a(50.0, 50.0), line)
    np.testing.assert_allclose(found, [line.intercept + line.slope * 0.2, np.nan], rtol=1e-6)
    assert found.dtype == np.float32
    assert found.attrs["units"] == "ug/m3"
    assert found.attrs["mark"] == "calibrated"
    assert "leave one station out" in found.attrs["calibration"]
    assert found.attrs["crs"] == "EPSG:4326"
    assert aerosol.pm25(aod.chunk(1), a(50.0, 50.0).chunk(1), line).values.tobytes() == found.values.tobytes()


def test_too_few_pairs_withhold_everything():
    found = aerosol.pm25(a(0.4, 0.2), 50.0, fit(n=20))
    assert np.isnan(found).all()
    assert found.attrs["mark"] == "withheld: pairs"


def test_a_fit_of_another_predictor_is_refused():
    with pytest.raises(ValueError, match="PBLH"):
        aerosol.pm25(a(0.4), 50.0, fit(predictor=aerosol.predictor(with_height=True)))
