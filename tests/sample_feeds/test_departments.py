"""Simulated departments send forms that the bureau takes in whole."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from domain.forms import forms
from domain.registry import Registry
from ingest.forms import plan
from ingest.forms.reading import read
from ingest.forms.template import template
from sample_feeds.departments import fill

COUNTY = Registry.load(Path(__file__).resolve().parents[2] / "sample_feeds" / "county")
KNOWN = plan.zones(COUNTY)


def sent(form, *, year=2025, seed=1):
    return fill(template(form, "331102", year, KNOWN), form, COUNTY, year=year, seed=seed)


@pytest.mark.parametrize("name", list(forms()))
def test_every_form_comes_back_whole(name):
    got = read(sent(forms()[name]), forms=forms(), known=KNOWN, now=datetime(2026, 4, 1, tzinfo=UTC), year=2025)
    assert got.problems == ()
    assert got.n_empty == 0
    assert len(got.figures) >= len(forms()[name].items)


def test_the_same_seed_gives_the_same_bytes_and_another_other_figures():
    form = forms()["crops"]
    assert sent(form) == sent(form)
    assert sent(form) != sent(form, seed=2)
    assert sent(form) != sent(form, year=2024)


def test_areas_are_shares_of_the_township_and_people_live_in_town():
    book = load_workbook(io.BytesIO(sent(forms()["land"])))
    rows = [[c.value for c in r][:10] for r in book[plan.DATA].iter_rows(min_row=plan.FIRST, max_row=19)]
    totals = [sum(r[2:3] + r[4:]) for r in rows]  # paddy is part of cropland
    assert 1500 < sum(totals) < 5000
    society = load_workbook(io.BytesIO(sent(forms()["society"])))[plan.DATA]
    people = {society.cell(r, 2).value: society.cell(r, 3).value for r in range(plan.FIRST, 20)}
    assert 500_000 < sum(people.values()) < 620_000
    assert people["紫金街道"] / people["黄村乡"] > 3
