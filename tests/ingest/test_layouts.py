import pytest

from domain.errors import CatalogueError
from ingest import layouts

GOOD = """id: own
title: t
source: s
format: csv
glob: "*.csv"
columns:
  PM2.5: {parameter: PM2.5, unit: ug/m3}
time: {text: [t], format: "%Y-%m-%d %H:%M"}
stations:
  prefix: own
  column: station
  attributes: {medium: air}
"""


def refused(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as error:
        layouts.read_layout(path)
    return error.value.problems


@pytest.mark.parametrize("name", layouts.names())
def test_every_layout_at_hand_is_one(name):
    layout = layouts.find(name)
    assert layout.id == name
    assert layout.feed == f"history/{name}"
    assert layout.source
    assert layout.title


def test_a_layout_of_somebody_is_found_by_its_path(tmp_path):
    (tmp_path / "own.yaml").write_text(GOOD, encoding="utf-8")
    assert layouts.find(str(tmp_path / "own.yaml")).columns["PM2.5"].unit == "ug/m3"


def test_an_unknown_layout_names_those_at_hand():
    with pytest.raises(CatalogueError, match=r"no such layout; the known ones are .*lishui_air.*prsa"):
        layouts.find("nowhere")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("title: t", "titel: t", 2, "unknown key"),
        ("title: t\n", "", 1, "the key is missing"),
        ("parameter: PM2.5", "parameter: PM99", 1, "parameter 'PM99' is not in domain/tables/parameters.csv"),
        ("unit: ug/m3", "unit: ppb", 1, "no conversion from 'ppb' to 'ug/m3'"),
        ("medium: air", "medium: water", 1, "PM2.5 is not measured in water"),
        ("medium: air", "kind: urban", 1, "stations.attributes.medium is needed"),
        ('text: [t], format: "%Y-%m-%d %H:%M"', "zone: Asia/Shanghai", 8, "exactly one of parts, text, fixed"),
        ('format: "%Y-%m-%d %H:%M"', 'period: "PT3H", format: "%Y"', 8, "time.period 'PT3H'"),
        ('format: "%Y-%m-%d %H:%M"', 'zone: Asia/Lishui, format: "%Y"', 8, "is no time zone"),
        ('text: [t], format: "%Y-%m-%d %H:%M"', "parts: {year: y, hour: h}", 8, "at least year, month and day"),
        ('text: [t], format: "%Y-%m-%d %H:%M"', "fixed: 2018-08-01 00:00:00", 8, "needs a zone"),
        ("  column: station", "  column: station\n  numbered: p-{}", 9, "one of column, file_pattern, numbered"),
        ("  column: station", "  file_pattern: PRSA_(.*)", 9, "needs a group"),
        ("format: csv", "format: xml", 1, "xml needs cells.record"),
        ("format: csv", "format: frames", 1, "`frames` and format frames go together"),
        ("format: csv", "shape: long\nformat: csv", 1, "value_column belongs to shape long"),
        ("id: own", "id: other", 1, "differs from the file name"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, old, new, line, said):
    assert old in GOOD
    problems = refused(tmp_path, GOOD.replace(old, new))
    assert any(said in p for p in problems), problems
    assert any(p.startswith(f"own.yaml:{line}:") for p in problems), problems


def test_one_parameter_comes_from_one_column(tmp_path):
    twice = GOOD.replace("columns:\n", "columns:\n  other: {parameter: PM2.5, unit: ug/m3}\n")
    assert any("comes from two columns" in p for p in refused(tmp_path, twice))
