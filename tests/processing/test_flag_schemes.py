import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue import TABLES_DIR
from domain.errors import CatalogueError
from domain.records import Flag
from processing import flag_schemes
from processing.flag_schemes import (
    SCHEMES,
    Quality,
    lost,
    read_result_quality,
    result_quality,
    schemes,
    to_flags,
    to_marks,
)

flags_of_us = st.lists(st.sampled_from([int(f) for f in Flag]), max_size=20).map(lambda x: np.array(x, np.int8))


def marks_of(scheme):
    marks = st.sampled_from(sorted(schemes()[scheme].reads))
    numbers = st.one_of(st.floats(allow_nan=False), st.sampled_from([0.0, 25.0, 255.0])).map(str)
    return st.one_of(marks, numbers) if scheme == "SaQC" else marks


def test_the_schemes_are_those_of_the_table():
    assert sorted(schemes()) == sorted(SCHEMES)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(data=st.data())
def test_marks_come_back_as_they_were(scheme, data):
    marks = data.draw(st.lists(marks_of(scheme), max_size=12))
    assert to_marks(scheme, to_flags(scheme, marks), marks).tolist() == marks


@given(flags_of_us)
def test_flags_through_qartod_and_sensorthings_lose_nothing(flags):
    assert to_flags("QARTOD", to_marks("QARTOD", flags)).tolist() == flags.tolist()
    assert [read_result_quality(result_quality(Quality(int(f)))).flag for f in flags] == flags.tolist()
    assert not lost("QARTOD", flags).any()


@pytest.mark.parametrize("scheme", SCHEMES)
@given(flags=flags_of_us)
def test_what_would_be_lost_is_said_and_bad_never_becomes_good(scheme, flags):
    back = to_flags(scheme, to_marks(scheme, flags))
    assert ((back == flags) | lost(scheme, flags)).all()
    assert not ((flags == Flag.FAIL) & (back != Flag.FAIL)).any()
    assert not ((flags == Flag.MISSING) & (back == Flag.PASS)).any()


def test_a_mark_whose_flag_was_overruled_gives_way():
    assert to_marks("HJ212", np.array([4, 2, 4]), ["C", "C", ""]).tolist() == ["C", "N", "D"]


def test_what_the_words_mean():
    assert to_flags("HJ212", ["N", "C", "T"]).tolist() == [2, 4, 4]
    assert to_flags("SaQC", ["UNFLAGGED", "OK", "GOOD", "DOUBTFUL", "BAD"]).tolist() == [2, 1, 1, 3, 4]
    assert to_flags("SaQC", ["-inf", "0.0", "12.5", "25.0", "255.0", "inf"]).tolist() == [2, 1, 3, 3, 4, 4]
    assert lost("HJ212", np.array([1, 2, 3, 4, 9])).tolist() == [True, False, True, False, True]


def test_the_letters_mean_what_they_mean_at_the_door():
    door = pd.read_csv(TABLES_DIR / "hj212_flags.csv", dtype=str, keep_default_na=False)
    door = door[door["st"] == ""]
    assert to_flags("HJ212", door["mark"].tolist()).tolist() == door["flag"].astype(int).tolist()


@pytest.mark.parametrize(("scheme", "mark"), [("HJ212", "Z"), ("SaQC", "nan"), ("SaQC", "bad"), ("WMO", "1")])
def test_unknown_marks_are_refused(scheme, mark):
    with pytest.raises(ValueError, match=r"flag_schemes\.csv|not one of"):
        to_flags(scheme, [mark])


texts = st.text(max_size=10)


@given(st.sampled_from(list(Flag)), texts, st.sampled_from(["HJ212", "SaQC"]), texts)
def test_result_quality_comes_back_whole(flag, tests, scheme, mark):
    whole = Quality(int(flag), tests, scheme, mark)
    assert read_result_quality(result_quality(whole)) == whole


def test_result_quality_of_others():
    assert read_result_quality("4").flag == 4
    assert read_result_quality('"3"').flag == 3
    theirs = json.dumps([{"result": {"code": "DOUBTFUL", "scheme": "SaQC"}}])
    assert read_result_quality(theirs) == Quality(3, "", "SaQC", "DOUBTFUL")
    with pytest.raises(ValueError, match="no quality flag"):
        read_result_quality('[{"nameOfMeasure": "accuracy"}]')


def test_a_scheme_must_write_every_flag(tmp_path, monkeypatch):
    text = (TABLES_DIR / "flag_schemes.csv").read_text(encoding="utf-8")
    (tmp_path / "flag_schemes.csv").write_text(
        text.replace("HJ212,D,4,4,", "HJ212,D,4,,").replace("QARTOD,9,9,", "QARTOD,9,7,")
    )
    monkeypatch.setattr(flag_schemes, "TABLES_DIR", tmp_path)
    schemes.cache_clear()
    with pytest.raises(CatalogueError) as caught:
        schemes()
    assert len(caught.value.problems) == 2
    monkeypatch.undo()
    schemes.cache_clear()
