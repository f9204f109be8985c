import os
from pathlib import Path

import pytest

from tests.oracles.__main__ import main
from tests.oracles.evaluate import evaluate, same
from tests.oracles.functions import FUNCTIONS

OURS = Path(__file__).parent / "examples.csv"
OURS_GEP = Path(__file__).parent / "gep_examples.csv"
SHARED = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared"))
WORKED = SHARED / "reference" / "standards" / "worked_examples.csv"
WORKED_GEP = SHARED / "reference" / "gep" / "worked_examples.csv"


@pytest.mark.parametrize("path", [OURS, OURS_GEP], ids=lambda p: p.stem)
def test_every_example_worked_by_hand_agrees(path):
    assert [(o.id, o.expected, o.got) for o in evaluate(path) if not o.agrees] == []


def test_every_function_has_an_example():
    assert {o.function for path in (OURS, OURS_GEP) for o in evaluate(path)} == set(FUNCTIONS)


@pytest.mark.skipif(not WORKED.is_file(), reason=f"{WORKED} is absent: the 216 worked examples are not compared")
def test_every_worked_example_of_the_standards_agrees():
    outcomes = list(evaluate(WORKED))
    assert len(outcomes) == 216
    assert [(o.id, o.expected, o.got) for o in outcomes if not o.agrees] == []


@pytest.mark.skipif(not WORKED_GEP.is_file(), reason=f"{WORKED_GEP} is absent: the 91 GEP examples are not compared")
def test_every_worked_example_of_the_gep_norms_agrees():
    outcomes = list(evaluate(WORKED_GEP))
    assert len(outcomes) == 91
    assert [(o.id, o.expected, o.got) for o in outcomes if not o.agrees] == []


def test_the_command_prints_agreement_and_differences(tmp_path, capsys):
    assert main([str(OURS)]) == 0
    head = OURS.read_text(encoding="utf-8").splitlines()[0]
    path = tmp_path / "wrong.csv"
    lines = ['X1,s,iaqi,"{""pollutant"": ""PM2.5"", ""averaging"": ""24h"", ""conc"": 35}",51,n', "X2,s,nothing,{},1,n"]
    path.write_text("\n".join([head, *lines]), encoding="utf-8")
    assert main([str(path)]) == 1
    printed = capsys.readouterr().out
    for part in ("expected 51", "got      50", "unknown function 'nothing'", "0 of 2 agree"):
        assert part in printed


def test_a_file_that_cannot_be_read_is_told(tmp_path, capsys):
    path = tmp_path / "bad.csv"
    path.write_text("id,standard,function,inputs_json,expected_json,note\nX,s,iaqi,{,1,n\n", encoding="utf-8")
    assert main([str(path)]) == 2
    assert f"{path}:2" in capsys.readouterr().out
    path.write_text("id\nX\n", encoding="utf-8")
    assert main([str(path)]) == 2
    assert main([]) == 2


@pytest.mark.parametrize(
    ("expected", "got", "equal"),
    [(1.0, 1, True), (True, 1, False), (None, 0, False), ([1, 2], [1], False), ({"a": 1}, {"a": 1, "b": 2}, False)],
)
def test_results_are_compared_as_json(expected, got, equal):
    assert same(expected, got) is equal
