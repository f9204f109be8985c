import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PipelineError
from processing.soil_surface import METHODS, surface

CORNERS = np.array([[0.0, 0], [1000, 0], [0, 1000], [1000, 1000], [500, 500]])
CADMIUM = np.array([0.1, 0.2, 0.3, 0.4, 0.9])


def test_a_sample_keeps_its_value_and_the_method_is_told():
    got = surface(CORNERS, CADMIUM, CORNERS, method="idw")
    assert got.values.tolist() == CADMIUM.tolist()
    assert (got.method, got.n_points) == ("idw", 5)
    assert "inverse distance" in got.described


def test_weights_fall_with_the_square_of_the_distance():
    line = np.array([[0.0, 0], [300, 0], [1e6, 0], [1e6, 1], [1e6, 2]])
    got = surface(line, np.array([1.0, 5, 0, 0, 0]), np.array([[100.0, 0]]), method="idw")
    assert got.values[0] == pytest.approx((1 / 100**2 + 5 / 200**2) / (1 / 100**2 + 1 / 200**2), rel=1e-6)
    assert surface(line, np.array([1.0, 5, 0, 0, 0]), np.array([[100.0, 0]]), method="nearest").values[0] == 1


def test_nothing_is_said_far_from_every_sample():
    got = surface(CORNERS, CADMIUM, np.array([[500.0, 501], [9000, 9000]]), method="idw", reach=500)
    assert np.isfinite(got.values).tolist() == [True, False]


@pytest.mark.parametrize(
    ("values", "method", "words"),
    [
        (CADMIUM, "kriging", "'kriging' is not known; name one of idw, nearest"),
        (np.where(CADMIUM > 0.8, np.nan, CADMIUM), "idw", "4 sample points have a value, a surface needs 5"),
    ],
)
def test_what_cannot_be_done_is_refused(values, method, words):
    with pytest.raises(PipelineError, match=words):
        surface(CORNERS, values, CORNERS, method=method)


@given(
    st.lists(st.floats(0, 100), min_size=5, max_size=20), st.sampled_from(sorted(METHODS)), st.integers(0, 2**32 - 1)
)
def test_a_surface_stays_between_its_samples_whatever_their_order(values, method, seed):
    random = np.random.default_rng(seed)
    points, at = random.uniform(0, 1e4, (len(values), 2)), random.uniform(0, 1e4, (30, 2))
    x = np.array(values)
    got = surface(points, x, at, method=method).values
    assert (got >= x.min() - 1e-9).all()
    assert (got <= x.max() + 1e-9).all()
    order = random.permutation(len(x))
    assert surface(points[order], x[order], at, method=method).values == pytest.approx(got)
