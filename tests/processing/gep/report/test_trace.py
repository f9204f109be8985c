"""A number leads back to its formula, parameters and inputs, and to nothing else."""

import pytest

from processing.gep.report.trace import Cell, trace
from tests.processing.gep.report.given import TOWNS, county, inputs, made


@pytest.fixture(scope="module")
def account():
    return made(draws=0)


def told(account, cell, lang="zh"):
    return [(step.kind, step.text, step.source) for _, step in trace(account, inputs(), cell, county(), lang).lines()]


def test_a_cell_names_its_inputs_in_its_zone_alone(account):
    lines = told(account, Cell(part="climate_regulation.vegetation", zone=TOWNS[1], ecosystem="evergreen_broadleaf"))
    text = "\n".join(f"{t} {s}" for _, t, s in lines)
    assert "公式 K1" in text
    assert county().zones[TOWNS[1]] in text
    assert county().zones[TOWNS[0]] not in text
    assert 'table=1,2 "x"' in text  # the source of the input
    assert "常绿阔叶林 = 60,000,000" in text
    assert "水田" not in text
    assert "电价 2025 = 0.538 元/千瓦时" in text
    kinds = [k for k, _, _ in lines]
    assert kinds[0] == "value"
    assert {"quantity", "price", "formula", "input", "parameter"} <= set(kinds)


def test_value_is_quantity_times_price_in_words(account):
    first = told(account, Cell(part="crops"), "en")[0][1]
    assert "600,000,003 CNY" in first
    assert "× 1 CNY/CNY" in first


def test_a_level_of_ecosystems_and_a_result_of_another_part(account):
    assert "森林" in told(account, Cell.read(f"climate_regulation.vegetation/{TOWNS[0]}/forest"))[0][1]
    with pytest.raises(KeyError, match="glacier"):
        told(account, Cell.read(f"climate_regulation.vegetation/{TOWNS[0]}/glacier"))
    with pytest.raises(KeyError):
        told(account, Cell(part="nothing"))


def test_words_of_a_cell():
    assert Cell.read("a") == Cell("a")
    assert Cell.read("a//forest") == Cell("a", "", "forest")
    assert Cell.read("a/1/forest/SO2") == Cell("a", "1", "forest", "SO2")
