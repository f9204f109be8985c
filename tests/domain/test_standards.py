import numpy as np
import pytest

from domain import standards
from domain.errors import CatalogueError


def test_every_table_can_be_read():
    standards.check()
    standards.groundwater_bounds()


def test_every_row_has_a_source_and_a_confidence():
    for name in standards.SPECS:
        frame = standards.table(name)
        for column in {"source", "confidence"} & set(frame.columns):
            empty = frame[(frame[column] == "") & (frame["line"] > 0)]
            assert name == "air_rounding" or empty.empty, (name, empty)


def test_breakpoints_ascend():
    for standard in ("HJ 633-2012", "HJ 633-2026"):
        for pollutant, averaging in (("PM2.5", "24h"), ("O3", "8h"), ("SO2", "1h")):
            index, conc = standards.breakpoints(standard, pollutant, averaging)
            assert (np.diff(index) > 0).all()
            assert (np.diff(conc) > 0).all()
    with pytest.raises(KeyError):
        standards.breakpoints("HJ 633-2026", "PM2.5", "8h")


def test_groundwater_bounds_ascend():
    bounds = standards.groundwater_bounds().to_numpy(float)
    assert (bounds[:, 1:] >= bounds[:, :-1]).all()


@pytest.mark.parametrize(
    ("clause", "value", "expected"),
    [(">=75 % and <90 %", 75, True), (">=75 % and <90 %", 90, False), ("any", 5, True), ("-200 to 50", -200, True),
     (">0.5", 0.5, False), ("<=8.0", 8, True)],
)  # fmt: skip
def test_clauses_of_tables(clause, value, expected):
    assert bool(standards.within(clause, np.array(value))) is expected


def test_a_clause_nobody_understands_is_told():
    with pytest.raises(CatalogueError, match="not understood"):
        standards.within("about 5", np.array(5))


def write(folder, name, rows):
    header = standards.SPECS[name].columns.replace(" ", ",")
    (folder / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(standards, "TABLES_DIR", tmp_path)
    standards.table.cache_clear()
    yield tmp_path
    standards.table.cache_clear()


def test_unread_numbers_and_dates_are_all_listed(elsewhere):
    write(elsewhere, "noise_limits", ["GB 3096-2008,1,x,45,dB(A),,a,b", "GB 3096-2008,2,60,y,dB(A),,a,b"])
    with pytest.raises(CatalogueError) as error:
        standards.table("noise_limits")
    assert [p.split(": ")[0] for p in error.value.problems] == ["noise_limits.csv:2", "noise_limits.csv:3"]
    write(elsewhere, "editions", ["aqi,HJ 1,2020-13-01,,a,b"])
    with pytest.raises(CatalogueError, match="is not a date"):
        standards.table("editions")


def test_editions_may_not_overlap(elsewhere):
    write(elsewhere, "editions", ["aqi,HJ 1,2012-01-01,2026-03-01,a,b", "aqi,HJ 2,2026-03-01,,a,b"])
    with pytest.raises(CatalogueError, match=r"editions.csv:3: the validity overlaps"):
        standards.table("editions")


def test_missing_tables_are_listed_together(elsewhere):
    with pytest.raises(CatalogueError) as error:
        standards.check()
    assert len(error.value.problems) == len(standards.SPECS)
    assert elsewhere.exists()
