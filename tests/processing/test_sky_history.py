"""Years of quarters: anomalies and trends as rows and rasters, made once, never looking ahead."""

import json

import numpy as np
import pandas as pd
import pymannkendall
import pytest

from domain.errors import StoreError
from domain.records import TABLES
from domain.times import SEASON
from processing import sky_history
from processing.imagery.tables import thresholds
from processing.indicators.ecology_history import ndvi_anomaly, ndvi_trend
from tests.processing.skyland import GRID, NOW, home

QUARTERS = [f"{year}-Q{n}" for year in range(2017, 2025) for n in (1, 2, 3, 4)]
LIMITS = thresholds()


def rows(values, subject="331102001", quarters=QUARTERS):
    """Rows of `periods` with the NDVI of each quarter."""
    return TABLES["periods"].frame(
        pd.DataFrame(
            {
                "indicator": "ecology.ndvi", "medium": "ecology", "subject": subject,
                "time": [pd.Timestamp(sky_history._start(q), tz="UTC") for q in quarters],
                "period": SEASON, "value": values, "unit": "1", "grade": "", "n_valid": 100, "n_expected": 100,
                "flag": np.where(np.isnan(values), 9, 1), "detail": "", "edition": "test",
            }
        )
    )  # fmt: skip


def course(seed=1, slope=-0.01, noise=0.01):
    """Four quarters of their own level, a slope per year, and noise."""
    step = np.arange(len(QUARTERS))
    random = np.random.default_rng(seed)
    return np.array([0.3, 0.6, 0.8, 0.5])[step % 4] + slope * step / 4 + random.normal(0, noise, step.size)


def test_a_quarter_is_compared_with_its_own_quarter():
    values = course()
    found = ndvi_anomaly(rows(values), LIMITS).set_index("time").sort_index()
    at = QUARTERS.index("2024-Q3")
    before = values[at % 4 : at : 4]
    row = found.iloc[at]
    assert row["value"] == pytest.approx((values[at] - before.mean()) / before.std(ddof=1), rel=1e-4)
    assert (row["n_valid"], row["unit"], row["flag"]) == (7, "1", 1)
    assert row["detail"].startswith("difference -")
    early = found.iloc[4]
    assert np.isnan(early["value"])
    assert early["detail"] == "withheld: 1 earlier years, at least 5 needed"
    assert early["flag"] == 9


def test_the_trend_of_a_year_is_that_of_all_quarters_up_to_it():
    values = course()
    values[[3, 9]] = np.nan
    found = ndvi_trend(rows(values), LIMITS).set_index("time").sort_index()
    assert len(found) == 8
    theirs = pymannkendall.seasonal_test(values[:24], period=4)  # to the end of 2022
    row = found.loc[pd.Timestamp("2021-12-31T16:00Z")]
    assert row["value"] == pytest.approx(theirs.slope, rel=2e-3)  # theirs counts quarters, ours days
    assert row["n_valid"] == 22
    assert row["detail"].startswith(f"falling, p {theirs.p:.3f}")
    assert found.iloc[0]["detail"] == "withheld: 3 quarters, at least 8 needed"


def test_later_years_change_nothing_said_before():
    values = course()
    for function in (ndvi_anomaly, ndvi_trend):
        early = function(rows(values[:24], quarters=QUARTERS[:24]), LIMITS)
        late = function(rows(values), LIMITS)
        pd.testing.assert_frame_equal(late.head(len(early)), early)


def test_several_zones_and_none():
    both = pd.concat([rows(course()), rows(course(seed=2)[:8], "ecosystem/forest", QUARTERS[:8])], ignore_index=True)
    found = ndvi_anomaly(both.sample(frac=1, random_state=1), LIMITS)
    assert found.groupby("subject").size().to_dict() == {"331102001": 32, "ecosystem/forest": 8}
    assert not found.duplicated(list(TABLES["periods"].key)).any()
    for function in (ndvi_anomaly, ndvi_trend):
        assert function(rows(course()).iloc[:0], LIMITS).empty


def test_rasters_are_made_once_and_again_when_a_composite_was(tmp_path):
    here = home(tmp_path)
    random = np.random.default_rng(5)
    chosen = [i for i, name in enumerate(QUARTERS[:24]) if name.endswith(("Q3", "Q4"))]
    names, levels = [QUARTERS[i] for i in chosen], course()[chosen]
    stack = np.stack([v + random.normal(0, 0.01, GRID.shape) for v in levels]).astype("f4")
    stack[:, :3] = np.nan
    for name, values in zip(names, stack, strict=True):
        here.files.write_cog(f"products/{name}/ndvi.tif", GRID.layer(values), nodata=np.nan)
        here.files.write_bytes(f"products/{name}/state.json", json.dumps({"made_from": name}).encode())
    here.lake.upsert("periods", rows(levels, quarters=names), now=NOW, why="test")
    assert sky_history.compute_history(here, now=NOW).computed == 12 + 1
    z = here.files.read_raster("products/2022-Q4/ndvi_anomaly.tif").values
    before = stack[1:11:2, 10, 10].astype(float)
    assert z[10, 10] == pytest.approx((stack[11, 10, 10] - before.mean()) / before.std(ddof=1), rel=1e-3)
    slope, p, n = here.files.read_raster(sky_history.TREND.format("ndvi")).values
    theirs = pymannkendall.seasonal_test(stack[:, 10, 10].astype(float), period=2)
    assert (slope[10, 10], p[10, 10]) == (pytest.approx(theirs.slope, rel=5e-3), pytest.approx(theirs.p, rel=1e-4))
    assert np.isnan(slope[1, 1])
    assert n[1, 1] == 0
    stored = here.lake.read("periods", where={"indicator": ["ecology.ndvi_anomaly", "ecology.ndvi_trend"]})
    assert len(stored) == 12 + 6
    assert sky_history.compute_history(here, now=NOW).computed == 0
    here.files.write_bytes("products/2021-Q3/state.json", b'{"made_from": "anew"}')
    assert sky_history.compute_history(here, now=NOW).computed == 1 + 1 + 1  # itself, the third quarter after it, trend


def test_a_trend_of_any_layer_comes_from_its_days(tmp_path):
    """Quarters have no file of EVI: their median is that of the days."""
    here = home(tmp_path)
    names = QUARTERS[2:24:4]  # third quarters
    for i, quarter in enumerate(names):
        here.files.write_cog(f"products/{quarter}/ndvi.tif", GRID.layer(np.ones(GRID.shape, "f4")), nodata=np.nan)
        here.files.write_bytes(f"products/{quarter}/state.json", json.dumps({"made_from": quarter}).encode())
        for day, off in (("07-03", -0.1), ("08-04", 0.0), ("09-30", 0.3), ("10-01", 9.0)):
            values = np.full(GRID.shape, 0.2 + 0.05 * i + off, "f4")
            here.files.write_cog(f"products/{quarter[:4]}-{day}/evi.tif", GRID.layer(values), nodata=np.nan)
    limits = int(LIMITS["trend_years_min"])
    sky_history.compute_history(here, now=NOW, layers=["evi"])
    slope, _, n = here.files.read_raster("products/trend/evi.tif").values
    assert (n == len(names)).all()
    if len(names) >= limits:
        np.testing.assert_allclose(slope, 0.05, rtol=1e-3)
    else:
        assert np.isnan(slope).all()
    assert not here.files.path("products/trend/ndvi.tif").exists()
    with pytest.raises(StoreError, match="no files of albedo; write one of ndvi, fvc, evi"):
        sky_history.compute_history(here, now=NOW, layers=["albedo"])


def test_nothing_from_nothing(tmp_path):
    assert sky_history.compute_history(home(tmp_path), now=NOW).computed == 0
