import numpy as np
import prcoords
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.coordinates import Box, place, system, to_wgs84

BOX = Box.around([119.53, 28.10, 120.16, 28.73], 0.1)
METRE = 1 / 111_000


def one(x, y, name):
    lon, lat = to_wgs84(np.array([x]), np.array([y]), [name])
    return float(lon[0]), float(lat[0])


# 28.4517 N 119.9229 E as two independent packages (eviltransform, prcoords) shift it: reference/feeds/grid_reports.md
@pytest.mark.parametrize(
    ("name", "lon", "lat"),
    [("GCJ-02", 119.927304, 28.448289), ("BD09", 119.933879, 28.454008), ("WGS84", 119.9229, 28.4517)],
)
def test_liandu_point_of_the_reference(name, lon, lat):
    assert one(lon, lat, name) == pytest.approx((119.9229, 28.4517), abs=1.5e-6)


@given(st.floats(100, 125), st.floats(22, 45), st.sampled_from(["gcj02", "bd09"]))
def test_the_inverse_undoes_the_shift_within_a_centimetre(lon, lat, name):
    shift = {"gcj02": prcoords.wgs_gcj, "bd09": prcoords.wgs_bd}[name]
    moved_lat, moved_lon = shift((lat, lon))
    assert one(moved_lon, moved_lat, name) == pytest.approx((lon, lat), abs=METRE / 100)


def test_the_shift_is_half_a_kilometre_so_it_matters():
    lon, lat = one(119.927304, 28.448289, "gcj02")
    assert 500 < np.hypot((119.927304 - lon) * np.cos(np.radians(28.45)), 28.448289 - lat) / METRE < 650


@pytest.mark.parametrize(
    ("spelling", "known"),
    [("GCJ-02", "gcj02"), ("gcj02", "gcj02"), ("BD-09", "bd09"), ("CGCS2000", "wgs84"), ("EPSG:4326", "wgs84"),
     ("WGS 84", "wgs84"), ("EPSG:4549", "epsg:4549"), ("EPSG:99999", ""), ("", ""), ("local grid", "")],
)  # fmt: skip
def test_spellings_of_systems(spelling, known):
    assert system(spelling) == known


def test_an_unknown_system_is_flagged_and_not_guessed():
    lon, lat, flags = place(np.array([119.9]), np.array([28.45]), [""], BOX)
    assert np.isnan([lon[0], lat[0]]).all()
    assert flags.tolist() == [4]


def test_plane_coordinates_go_through_their_projection():
    # CGCS2000 3-degree zone, central meridian 120 E: false easting 500 km
    lon, lat = one(500_000, 3_148_000, "EPSG:4549")
    assert lon == pytest.approx(120, abs=1e-9)
    assert 28.4 < lat < 28.5


@pytest.mark.parametrize(
    ("x", "y", "flag", "expected"),
    [
        (119.9, 28.45, 2, (119.9, 28.45)),
        (28.45, 119.9, 3, (119.9, 28.45)),  # exchanged
        (0, 0, 4, None),
        (np.nan, 28.45, 4, None),
        (-77.0, 39.0, 4, None),  # another country
        (1e308, -1e308, 4, None),
    ],
)
def test_positions_are_taken_put_right_or_refused(x, y, flag, expected):
    lon, lat, flags = place(np.array([x]), np.array([y]), ["WGS84"], BOX)
    assert flags.tolist() == [flag]
    assert np.isnan(lon[0]) if expected is None else (lon[0], lat[0]) == expected


def test_an_exchanged_gcj_point_is_shifted_after_it_was_put_right():
    lon, lat, flags = place(np.array([28.448289]), np.array([119.927304]), ["GCJ02"], BOX)
    assert (lon[0], lat[0]) == pytest.approx((119.9229, 28.4517), abs=1.5e-6)
    assert flags.tolist() == [3]


def test_no_points_are_no_error():
    lon, lat, flags = place(np.array([]), np.array([]), [], BOX)
    assert len(lon) == len(lat) == len(flags) == 0
