"""Means by township, ecosystem, protected zone and control unit, from a view with known content."""

from dataclasses import replace

import numpy as np
import pytest

from domain.records import TABLES
from processing.indicators.ecology_zones import zone_means
from tests.processing.test_ecology import HERE, by_subject, view, zones


def test_means_per_township_with_their_counts():
    ndvi = np.full(HERE.shape, 0.6)
    ndvi[:, 10:] = 0.2
    ndvi[0, 0] = np.nan
    found = by_subject(zone_means(view(ndvi=ndvi)), "ecology.ndvi")
    assert found["value"].tolist() == pytest.approx([0.6, 0.2], abs=1e-6)
    assert found["n_valid"].tolist() == [119, 120]
    assert found["n_expected"].tolist() == [120, 120]
    assert found["flag"].tolist() == [1, 1]
    assert found.loc["west", "detail"] == "rule cell centre; SCL mask"
    assert found["time"].unique().tolist() == [view().time]
    assert view().time.isoformat() == "2026-08-23T16:00:00+00:00"


def test_too_little_seen_is_no_number():
    ndvi = np.full(HERE.shape, np.nan)
    ndvi[:3, :10] = 0.6  # a quarter of the west
    found = by_subject(zone_means(view(ndvi=ndvi)), "ecology.ndvi")
    assert found["value"].isna().all()
    assert found["flag"].tolist() == [9, 9]
    assert found.loc["west", "detail"].startswith("withheld: 25% of cells usable, at least 30% needed")


def test_every_kind_of_zone_has_its_rows_and_its_rule():
    seen = view()
    small = zones(pond=(3.2, 3.2, 3.6, 3.6), wood=(0, 0, 4, 5))
    cover = np.full(HERE.shape, 111, dtype=np.uint16)
    cover[:, 15:] = 511
    cover[0, 0] = 9999  # no code of the table
    ndvi = np.full(HERE.shape, 0.6)
    ndvi[:, 15:] = 0.3
    there = {**seen.zones, "protected": small, "control_units": zones(key=(0, 10, 12, 20))}
    found = zone_means(replace(view(ndvi=ndvi), zones=there, cover=cover))
    rows = by_subject(found, "ecology.ndvi")
    expected = [
        "west",
        "east",
        "ecosystem/forest",
        "ecosystem/farmland",
        "protected/pond",
        "protected/wood",
        "control/key",
    ]
    assert set(expected) <= set(rows.index)
    assert rows.loc["ecosystem/forest", ["value", "n_expected"]].tolist() == [pytest.approx(0.6, abs=1e-6), 12 * 15 - 1]
    assert rows.loc["ecosystem/farmland", "value"] == pytest.approx(0.3, abs=1e-6)
    assert np.isnan(rows.loc["ecosystem/shrub", "value"])
    assert rows.loc["control/key", "value"] == pytest.approx(0.45, abs=1e-6)
    assert rows.loc["protected/pond", "value"] == pytest.approx(0.6, abs=1e-6)  # smaller than a cell
    assert rows.loc["protected/pond", "detail"].startswith("rule cell fraction; ")
    assert rows.loc["ecosystem/forest", "detail"].startswith("rule cell centre; ")
    # MNDWI is asked of townships alone.
    assert set(by_subject(found, "ecology.mndwi").index) == {"west", "east"}
    assert not found.duplicated(list(TABLES["indicators"].key)).any()
