"""What is said of the water of water bodies, from a view with known content."""

from datetime import date

import numpy as np
import pytest
import xarray as xr
from shapely import box

from domain.records import TABLES
from domain.registry import Zones
from processing.imagery import scene as scenery
from processing.imagery.calibration import Fit
from processing.imagery.change import Clearing
from processing.imagery.grid import moved
from processing.imagery.tables import thresholds
from processing.indicators import ecology_water
from processing.indicators.ecology_water import black_ha, water_ha, water_quality
from processing.registered import declared
from tests.processing.imagery.rasters import grid

HERE = grid(12, 20, left=700_000, top=3_150_000)
FIT = Fit("chla", "chla", "mg/m3", "chla", "pair", 20, 2, 2.0, 1.0, 0.9, 1.0, 0.8, 1.2, "", "0123abcd")


def bodies():
    """A lake of 7 x 7 cells of 0.36 ha, and a brook two cells wide."""
    shapes = []
    for r0, c0, r1, c1 in ((2, 2, 9, 9), (10, 0, 12, 20)):
        shape = box(HERE.left + 60 * c0, HERE.top - 60 * r1, HERE.left + 60 * c1, HERE.top - 60 * r0)
        shapes.append(moved(shape, HERE.crs, "EPSG:4326"))
    names = ("lake", "brook")
    return Zones(names, names, names, ("reservoir", "river"), tuple(shapes))


def view(fits=None, **layers):
    full = {
        name: HERE.layer(np.asarray(np.broadcast_to(values, HERE.shape), dtype=np.float32).copy())
        for name, values in layers.items()
    }
    nothing = np.zeros(HERE.shape, dtype=np.int32)
    return scenery.DayView(
        day=date(2026, 8, 24),
        grid=HERE,
        layers=xr.Dataset(full),
        townships=Zones((), (), (), (), ()),
        waters=bodies(),
        clearing=Clearing(nothing, np.ones(HERE.shape, dtype=bool), 0),
        limits=thresholds(),
        note="SCL mask",
        fits=fits or {},
    )


def one(frame, indicator, subject="lake"):
    rows = frame[(frame["indicator"] == indicator) & (frame["subject"] == subject)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_quality_is_the_mean_of_inner_cells_and_relative():
    chla = np.full(HERE.shape, 99.0)  # shores and land must not count
    chla[3:8, 3:8] = 20.0
    chla[3, 3:8] = 30.0
    row = one(water_quality(view(chla=chla, turbidity=5.0, spm=4.0)), "ecology.chla")
    assert row["value"] == pytest.approx(22)
    assert (row["n_valid"], row["n_expected"], row["unit"], row["flag"]) == (25, 25, "mg/m3", 1)
    assert row["detail"].startswith("relative: no line to the stations is kept; rule cell centre; SCL mask")
    assert row["edition"].startswith("chla ")


def test_a_kept_line_calibrates_and_one_not_kept_does_not():
    found = one(water_quality(view({"chla": FIT}, chla=20.0)), "ecology.chla")
    assert found["value"] == pytest.approx(41)
    assert "calibrated: chla = 2 x chla +1; n 20" in found["detail"]
    assert "fit 0123abcd" in found["detail"]
    weak = Fit("chla", "chla", "mg/m3", "chla", "pair", 4, 2, 2.0, 1.0, 0.9, 1.0, 0.8, 1.2, "pairs", "0123abcd")
    left = one(water_quality(view({"chla": weak}, chla=20.0)), "ecology.chla")
    assert left["value"] == pytest.approx(20)
    assert left["detail"].startswith("relative")


def test_narrow_water_clouds_and_absent_bands_are_withheld():
    clouded = np.full(HERE.shape, np.nan)
    clouded[3, 3:8] = 20.0
    found = water_quality(view(chla=clouded, spm=4.0))
    assert one(found, "ecology.chla")["detail"].startswith("withheld: 20% of cells usable, at least 30% needed")
    assert one(found, "ecology.chla", "brook")["detail"].startswith(
        "withheld: 0 cells of pure water, at least 9 needed"
    )
    assert one(found, "ecology.turbidity")["detail"].startswith("withheld: the scene has no bands for it")
    assert found.loc[found["indicator"] != "ecology.spm", "value"].isna().all()
    assert one(found, "ecology.spm")["value"] == pytest.approx(4)
    assert (found["flag"].eq(9) == found["value"].isna()).all()


def test_black_water_is_an_area_of_inner_cells():
    boi = np.full(HERE.shape, 0.01)
    boi[3:8, 3:8] = 0.2
    boi[4:6, 4:7] = 0.02
    boi[7, 7] = np.nan
    row = one(black_ha(view(boi=boi)), "ecology.black_ha")
    assert row["value"] == pytest.approx(6 * 0.36)
    assert (row["n_valid"], row["n_expected"]) == (24, 25)


def test_the_water_surface_is_the_wet_share_of_the_mapped_body():
    wet = np.ones(HERE.shape)
    wet[2:9, 2:4] = 0  # two of seven columns fell dry
    wet[2, 4:9] = np.nan
    row = one(water_ha(view(water=wet)), "ecology.water_ha")
    assert row["value"] == pytest.approx((44 - 14) / 44 * 49 * 0.36)
    wet[2:5] = np.nan
    assert one(water_ha(view(water=wet)), "ecology.water_ha")["detail"].startswith("withheld: 57% of cells usable")


@pytest.mark.parametrize("function", [water_quality, black_ha, water_ha])
def test_rows_have_the_form_of_the_table(function):
    metas = {entry.meta.id: entry.meta for entry in declared(ecology_water) if entry.function is function}
    for layers in ({}, {"chla": 5.0, "turbidity": 3.0, "spm": 2.0, "boi": 0.2, "water": 1.0}):
        frame = function(view(**layers))
        assert list(frame.columns) == TABLES["indicators"].columns
        assert set(frame["indicator"]) == set(metas)
        assert (frame["unit"] == frame["indicator"].map(lambda i: metas[i].unit)).all()
        assert frame.loc[frame["subject"] == "lake", "value"].notna().all() == bool(layers)
