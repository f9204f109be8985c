import numpy as np
import pytest

from processing.indicators.soil import ELEMENTS, risk, soil_risk
from tests.processing.observed import local, observed, series, stations


def categories(values, ph, land):
    row = np.array([[values.get(e, np.nan) for e in ELEMENTS]])
    found = risk(row, np.array([ph]), np.array([land]))
    return found.category[0], [e for e, m in zip(ELEMENTS, found.because[0], strict=True) if m]


@pytest.mark.parametrize(
    ("ph", "expected"),
    [
        (5.5, (2, ["Cd", "Pb", "Cu"])),
        (5.6, (2, ["Cu"])),
        (6.5, (2, ["Cu"])),
        (6.6, (1, [])),
        (7.5, (1, [])),
        (7.6, (1, [])),
    ],
)
def test_a_value_on_the_edge_of_a_ph_band_belongs_below(ph, expected):
    assert categories({"Cd": 0.35, "Pb": 95, "Cu": 60}, ph, "paddy") == expected


def test_a_value_equal_to_a_limit_is_not_above_it():
    assert categories({"Cd": 0.3}, 5.0, "paddy") == (1, [])
    assert categories({"Cd": 1.5}, 5.0, "paddy") == (2, ["Cd"])
    assert categories({"Cd": 1.51}, 5.0, "paddy") == (3, ["Cd"])


def test_elements_without_an_intervention_value_never_give_strict_control():
    assert categories({"Zn": 9000, "Ni": 9000, "Cu": 9000}, 6.0, "other") == (2, ["Cu", "Ni", "Zn"])


def test_land_use_picks_the_limits():
    assert categories({"Cu": 120}, 6.0, "orchard") == (1, [])
    assert categories({"Cu": 120}, 6.0, "paddy") == (2, ["Cu"])
    assert categories({"Hg": 0.9}, 6.0, "upland") == (1, [])
    assert categories({"Hg": 0.9}, 6.0, "paddy") == (2, ["Hg"])


def sample(ph, **elements):
    rows = [series("s", f"soil_{e}", [x], "2026-08-19 00:00", period="P1D", medium="soil") for e, x in elements.items()]
    return observed(series("s", "soil_pH", [ph], "2026-08-19 00:00", period="P1D", medium="soil"), *rows)


def test_a_sample_above_intervention():
    got = soil_risk(sample(5.2, Cd=2.15, Pb=168), stations(station_id="s", zone="paddy")).iloc[0]
    assert (got["value"], got["grade"], got["detail"], got["n_valid"]) == (3, "严格管控类", "Cd", 2)
    assert (got["time"], got["period"], got["edition"]) == (local("2026-08-19 00:00"), "P1D", "GB 15618-2018")


def test_without_ph_nothing_can_be_said():
    got = soil_risk(sample(np.nan, Cd=2.15), stations(station_id="s", zone="paddy")).iloc[0]
    assert np.isnan(got["value"])
    assert (got["detail"], got["flag"]) == ("soil pH missing", 9)
