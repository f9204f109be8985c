import numpy as np
import pytest

from processing.water_indices import black_odorous, river_status, tli


def test_few_sections_have_no_shares():
    with pytest.raises(ValueError, match="averaged"):
        river_status(np.array([1, 2, 3, 4]))


@pytest.mark.parametrize(
    ("good", "bad", "status"),
    [(90, 0, "优"), (75, 25, "良好"), (74, 19, "轻度污染"), (74, 20, "中度污染"), (60, 40, "重度污染")],
)
def test_every_mix_of_classes_has_one_status(good, bad, status):
    classes = np.array([2] * good + [6] * bad + [4] * (100 - good - bad))
    assert river_status(classes)[2] == status


def test_weights_are_renormalised_over_what_is_measured():
    alone = tli({"chla": 5, "TP": float("nan")})
    assert alone == ({"chla": 42.48}, 42.48, "中营养")
    assert tli({})[2] == ""


def test_the_worst_indicator_grades_black_and_odorous_water():
    assert black_odorous(do=1.9) == "轻度黑臭"
    assert black_odorous(do=1.9, nh3n=15.1) == "重度黑臭"
    assert black_odorous() == "无黑臭"
