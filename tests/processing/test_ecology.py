"""What is said of townships and water bodies, from a view with known content."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import xarray as xr
from shapely import box

from domain.records import TABLES
from domain.registry import Zones
from processing.imagery import scene as scenery
from processing.imagery.change import Clearing
from processing.imagery.grid import moved
from processing.imagery.tables import thresholds
from processing.indicators.ecology import bloom_ha, cleared_ha
from processing.registered import taking
from tests.processing.imagery.rasters import grid

HERE = grid(12, 20, left=700_000, top=3_150_000)
DAY = date(2026, 8, 24)


def zones(**boxes):
    """Name -> (first row, first column, last row, last column), as polygons in degrees."""
    shapes = []
    for r0, c0, r1, c1 in boxes.values():
        shape = box(HERE.left + 60 * c0, HERE.top - 60 * r1, HERE.left + 60 * c1, HERE.top - 60 * r0)
        shapes.append(moved(shape, HERE.crs, "EPSG:4326"))
    names = tuple(boxes)
    return Zones(names, names, names, ("town",) * len(names), tuple(shapes))


def view(clearing=None, **layers):
    full = {
        name: HERE.layer(np.asarray(np.broadcast_to(layers.get(name, default), HERE.shape), dtype=np.float32).copy())
        for name, default in {"ndvi": 0.6, "fvc": 0.7, "mndwi": -0.4, "ndci": 0.0, "fai": 0.0, "bi": -0.3}.items()
    }
    nothing = np.zeros(HERE.shape, dtype=np.int32)
    townships = zones(west=(0, 0, 12, 10), east=(0, 10, 12, 20))
    return scenery.DayView(
        day=DAY,
        grid=HERE,
        layers=xr.Dataset(full),
        townships=townships,
        waters=zones(lake=(2, 2, 9, 9), brook=(10, 0, 12, 20)),
        clearing=clearing or Clearing(nothing, np.ones(HERE.shape, dtype=bool), 0),
        limits=thresholds(),
        note="SCL mask",
        zones={"townships": townships},
    )


def by_subject(frame, indicator):
    return frame[frame["indicator"] == indicator].set_index("subject")


def test_a_bloom_is_measured_off_the_shore_and_narrow_water_says_nothing():
    ndci, fai = np.zeros(HERE.shape), np.zeros(HERE.shape)
    ndci[2:6, :] = fai[2:6, :] = 0.3  # 3 x 5 of the 5 x 5 inner cells of the lake
    found = by_subject(bloom_ha(view(ndci=ndci, fai=fai)), "ecology.bloom_ha")
    assert found.loc["lake", "value"] == pytest.approx(15 * 0.36)
    assert (found.loc["lake", "n_valid"], found.loc["lake", "n_expected"]) == (25, 25)
    assert np.isnan(found.loc["brook", "value"])
    assert found.loc["brook", "detail"].startswith("withheld: 0 inner cells, at least 9 needed")
    assert by_subject(bloom_ha(view()), "ecology.bloom_ha").loc["lake", "value"] == 0


def test_a_finding_stands_under_clouds_but_an_absence_does_not():
    ndci = np.full(HERE.shape, np.nan)
    ndci[3:5, 3:8] = 0.3  # two fifths of the lake are seen
    fai = np.where(np.isnan(ndci), np.nan, 0.3)
    found = by_subject(bloom_ha(view(ndci=ndci, fai=fai)), "ecology.bloom_ha").loc["lake"]
    assert found["value"] == pytest.approx(10 * 0.36)
    assert found["detail"].startswith("lower bound")
    clean = by_subject(bloom_ha(view(ndci=ndci, fai=fai * 0)), "ecology.bloom_ha").loc["lake"]
    assert np.isnan(clean["value"])
    assert clean["detail"].startswith("withheld")


def test_cleared_hectares_per_township():
    labels = np.zeros(HERE.shape, dtype=np.int32)
    labels[0:2, 8:13] = 1  # 2 x 2 in the west, 2 x 3 in the east
    comparable = np.ones(HERE.shape, dtype=bool)
    found = by_subject(cleared_ha(view(Clearing(labels, comparable, 1))), "ecology.cleared_ha")
    assert found["value"].tolist() == pytest.approx([4 * 0.36, 6 * 0.36])
    assert found.loc["west", "n_expected"] == 120 - 49 - 20
    assert found.loc["east", "n_expected"] == 120 - 20
    never = by_subject(cleared_ha(view(Clearing(labels * 0, ~comparable, 0))), "ecology.cleared_ha")
    assert never["value"].isna().all()


def test_every_indicator_of_the_sky_is_registered_and_gives_rows_of_the_table():
    functions = taking("scene")
    ids = {meta.id for metas in functions.values() for meta in metas}
    assert {"ecology.ndvi", "ecology.fvc", "ecology.mndwi", "ecology.bloom_ha", "ecology.cleared_ha"} <= ids
    for function, metas in functions.items():
        frame = function(view())
        assert list(frame.columns) == TABLES["indicators"].columns
        assert set(frame["indicator"]) <= {meta.id for meta in metas}  # a layer that is not there gives no rows
        units = {meta.id: meta.unit for meta in metas}
        assert (frame["unit"] == frame["indicator"].map(units)).all()


def test_an_unseen_county_says_nothing_anywhere():
    unseen = scenery.layers(scenery.nothing(HERE), thresholds())
    dark = replace(
        view(), layers=unseen, clearing=Clearing(np.zeros(HERE.shape, np.int32), np.zeros(HERE.shape, bool), 0)
    )
    for function in taking("scene"):
        assert function(dark)["value"].isna().all()
