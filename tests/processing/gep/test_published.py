"""Published accounts, made again by their profiles."""

import csv
import os
from pathlib import Path

import pandas as pd
import pytest

from processing.gep.published import inputs_of, page, recomputed, studies, study_account

PROJECT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("SANYAN_SHARED", PROJECT / ".." / "shared"))
PUBLISHED = SHARED / "reference" / "gep" / "published_results.csv"


@pytest.mark.parametrize("study", studies())
def test_every_reproducible_row_has_the_printed_digits(study):
    frame = recomputed(study)
    wanted = frame[frame["reproducible"]]
    assert len(wanted)
    assert wanted.loc[~wanted["how"].isin(["rounded", "rounded quantity", "cut"]), "row"].tolist() == []
    # What is not simply rounded says why.
    assert (wanted.loc[wanted["how"] != "rounded", "note_en"] != "").all()


@pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"{PUBLISHED} is absent: printed values are those of our table")
def test_our_printed_values_are_those_of_the_reference():
    with PUBLISHED.open(encoding="utf-8", newline="") as stream:
        reference = {int(r["id"]): r for r in csv.DictReader(stream)}
    ours = pd.concat([recomputed(study) for study in studies()]).set_index("row")
    assert {n for n, r in reference.items() if r["reproducible"] == "yes"} == set(ours.index[ours["reproducible"]])
    for n, row in ours.iterrows():
        assert row["value"] == reference[n]["value"]


@pytest.mark.parametrize("study", studies())
def test_unrounded_inputs_round_to_what_is_printed(study):
    from processing.gep.published import _table

    frame = _table("gep_study_inputs")
    solved = frame[(frame["study"] == study) & frame["note"].str.contains("rounds to")]
    for row in solved.to_dict("records"):
        decimals = len(row["printed"].partition(".")[2])
        # 31920.6 is printed as 31920.60: the file of the reference drops the last nought.
        value = float(row["value"]) / float(row["factor"])
        assert abs(value - float(row["printed"])) <= 0.5 * 10.0**-decimals, row


def test_ecosystems_add_up_to_the_printed_total():
    done = study_account("garze-2010")
    assert done.complete
    assert done.total / 1e8 == pytest.approx(7545.59, abs=0.01)
    assert inputs_of("garze-2010")["value"].notna().all()


def test_the_page_is_what_the_code_writes():
    assert (PROJECT / "docs" / "gep_published.md").read_text(encoding="utf-8") == page()
