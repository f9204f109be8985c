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


NOW = datetime(2026, 4, 1, tzinfo=UTC)


def sent(form, *, year=2025, seed=1, manner="whole"):
    return fill(template(form, "331102", year, KNOWN), form, COUNTY, year=year, seed=seed, manner=manner)


@pytest.mark.parametrize("name", list(forms()))
def test_every_form_comes_back_whole(name):
    got = read(sent(forms()[name]), forms=forms(), known=KNOWN, now=NOW, year=2025)
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


def test_some_leave_cells_empty_and_some_write_words():
    form = forms()["timber"]
    got = read(sent(form, manner="incomplete"), forms=forms(), known=KNOWN, now=NOW, year=2025)
    assert got.problems == ()
    assert got.n_empty == sum(item.required for item in form.items)
    got = read(sent(form, manner="careless"), forms=forms(), known=KNOWN, now=NOW, year=2025)
    assert len(got.problems) == len(form.items)
    assert got.figures == ()


def test_places_differ_more_than_years():
    def figures(year):
        book = load_workbook(io.BytesIO(sent(forms()["crops"], year=year)))[plan.DATA]
        return [book.cell(row, 3).value for row in range(plan.FIRST, 20)]

    one, two = figures(2024), figures(2025)
    assert one != two
    assert all(abs(b / a - 1) < 0.15 for a, b in zip(one, two, strict=True))
