"""Ends of vegetation cover from composites: shown, kept, and then used by the eye for all days anew."""

import numpy as np
import pytest
from typer.testing import CliRunner

from console.cli import app
from processing import sky_fvc
from processing.imagery.tables import thresholds
from processing.sky import compute_sky
from tests.processing.skyland import GRID, NOW, home, put, surface

WHEN = "2026-08-14T02:36:00Z"
QUARTERS = ("2025-Q3", "2025-Q4", "2026-Q1", "2026-Q2")


def with_years(tmp_path):
    place = home(tmp_path)
    rng = np.random.default_rng(5)
    for quarter in QUARTERS:
        values = rng.uniform(0.3, 0.7, GRID.shape).astype("f4")
        place.files.write_cog(f"products/{quarter}/ndvi.tif", GRID.layer(values), nodata=np.nan)
    return place


def test_kept_ends_are_used_and_named(tmp_path):
    place = with_years(tmp_path)
    put(place, "A", WHEN, surface())
    compute_sky(place, now=NOW)
    start = place.files.read_raster("products/2026-08-14/fvc.tif").values
    found = sky_fvc.fit_fvc(place)
    assert found.quarters == (*QUARTERS, "2026-Q3")
    assert found.cover == ""
    assert sky_fvc.limits_of(place) == thresholds()
    assert "start values" in sky_fvc.basis(place)
    sky_fvc.keep(place, found)
    assert compute_sky(place, now=NOW).computed == 1  # all days anew
    after = place.files.read_raster("products/2026-08-14/fvc.tif").values
    ndvi = place.files.read_raster("products/2026-08-14/ndvi.tif").values
    ends = found.county
    expected = np.clip((ndvi - np.float32(ends.soil)) / np.float32(ends.vegetation - ends.soil), 0, 1)
    np.testing.assert_allclose(after, expected, atol=1e-6)
    assert np.nanmax(np.abs(after - start)) > 0.03
    assert compute_sky(place, now=NOW).computed == 0


def command(place, tmp_path, *words):
    given = {"SANYAN_LANG": "en", "SANYAN_REGISTRY": str(tmp_path / "registry"), "COLUMNS": "200"}
    return CliRunner().invoke(app, ["sky", "fvc", "--home", str(tmp_path / "home"), *words], env=given)


def test_the_command_shows_ends_and_keeps_those_of_a_whole_year(tmp_path):
    place = with_years(tmp_path)
    shown = command(place, tmp_path)
    assert shown.exit_code == 0, shown.output
    assert "all land" in shown.output
    assert "Found in 4 quarterly composites, 2025-Q3 to 2026-Q2" in shown.output
    assert sky_fvc.kept(place) is None
    assert command(place, tmp_path, "--keep").exit_code == 0
    assert sky_fvc.kept(place) == sky_fvc.fit_fvc(place)
    place.files.path("products/2026-Q2/ndvi.tif").unlink()
    few = command(place, tmp_path, "--keep")
    assert few.exit_code != 0


def test_nothing_from_nothing(tmp_path):
    place = home(tmp_path)
    assert sky_fvc.fit_fvc(place) is None
    assert "no quarterly composites" in command(place, tmp_path).output
    with pytest.raises(FileNotFoundError):
        place.files.path(sky_fvc.KEPT).read_text()
