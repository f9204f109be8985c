import pytest

from processing.soil_indices import construction_land, fertility_grade, hakanson, igeo, nemerow


@pytest.mark.parametrize(
    ("value", "land", "words"),
    [(20, 1, "未超过筛选值"), (20.1, 1, "超过筛选值"), (120.1, 1, "超过管制值"), (130, 2, "超过筛选值")],
)
def test_construction_land(value, land, words):
    assert construction_land("砷", value, land) == words


def test_unknown_names_are_refused():
    with pytest.raises(KeyError):
        construction_land("xx", 1, 1)
    with pytest.raises(KeyError):
        fertility_grade("xx", 1)


def test_classes_hold_on_their_edges_whatever_the_noise():
    assert igeo(0.105, 0.07) == (0.0, 0)
    assert nemerow([0.7, 0.7])[1] == "清洁(安全)"
    assert hakanson({"Zn": 40.0}, {"Zn": 1.0})[1] == {"Zn": "中等"}


@pytest.mark.parametrize(("value", "grade"), [(40.1, 1), (40, 2), (30, 2), (29.9, 3), (6, 5), (5.9, 6)])
def test_fertility(value, grade):
    assert fertility_grade("有机质", value) == grade
