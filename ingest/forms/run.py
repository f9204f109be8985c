"""The shell of the forms: empty ones out, filled ones in, and who has delivered what."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from domain.errors import FeedUnavailable
from domain.forms import Form, forms
from domain.records import TABLES, Rejection
from domain.times import LOCAL, day_start
from ingest.forms import plan
from ingest.forms.problems import Problem
from ingest.forms.reading import NOT_APPLICABLE, Figure, Reading, read
from ingest.forms.template import template
from store.home import Home
from store.lake import Written
from store.scope import Scope

FEED = "gep"


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of one file."""

    name: str
    reading: Reading
    raw_ref: str
    written: Written | None  # None when the file was refused


def write_forms(
    home: Home, folder: Path, *, year: int, region: str | None = None, departments: Sequence[str] = ()
) -> list[Path]:
    """Write the empty forms of a year into a folder, one workbook each.

    Args:
        home: its registry knows the district and its townships.
        folder: where to; made when it is not there.
        year: of the figures.
        region: the district (default) or one township.
        departments: only theirs.

    Raises:
        KeyError: the region is not known.
    """
    known = plan.zones(home.registry)
    wanted = region or next(iter(known))
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for form in forms().values():
        if departments and form.department not in departments:
            continue
        path = folder / plan.file_name(form, wanted, year)
        path.write_bytes(template(form, wanted, year, known))
        out.append(path)
    return out


def collect(home: Home, paths: Iterable[Path], *, now: datetime, year: int | None = None) -> Iterator[Collected]:
    """Take filled forms in, file by file; a file with any problem gives no figure and a rejection per problem.

    A form that is delivered again replaces what the earlier one said; replaced figures stay in `superseded`.

    Raises:
        FeedUnavailable: a file is not there or cannot be read.
    """
    known = plan.zones(home.registry)
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise FeedUnavailable(f"{path}: {error.strerror or error}; give a file or folder that is there") from error
        raw_ref = home.files.archive(content, path.suffix.lower() or ".bin")
        reading = read(content, forms=forms(), known=known, now=now, year=year)
        if reading.problems:
            home.ledger.reject([rejection(p, reading, path.name, raw_ref, now) for p in reading.problems])
            _mark(home, reading, "rejected", 0, now)
            yield Collected(path.name, reading, raw_ref, None)
            continue
        assert reading.form is not None  # noqa: S101 - a reading without problems has its form
        figures = [*reading.figures, *nowhere(reading, reading.form, known)]
        frame = TABLES["statistics"].frame(rows(reading, reading.form, figures, raw_ref, now))
        where: dict[str, list[str | int]] = {
            "form": [reading.form.id],
            "year": [reading.year],
            "zone": [code for code in known if code.startswith(reading.region)],
        }
        why = f"{path.name} collected"
        written = home.lake.upsert("statistics", frame, now=now, why=why, replace=Scope(where=where))
        _mark(home, reading, "received", len(frame), now)
        yield Collected(path.name, reading, raw_ref, written)


def nowhere(reading: Reading, form: Form, known: Mapping[str, plan.Zone]) -> Iterator[Figure]:
    """Townships of the region that a form of objects names no object of: it says that there is none."""
    if form.rows != "object":
        return
    named = {figure.zone for figure in reading.figures}
    for code in known:
        inside = code.startswith(reading.region) and (code != next(iter(known)))
        if inside and code not in named:
            for item in form.items:
                yield Figure(code, "", item, math.nan, NOT_APPLICABLE, plan.DATA)


def rows(
    reading: Reading, form: Form, figures: Iterable[Figure], raw_ref: str, now: datetime
) -> list[dict[str, object]]:
    """Figures as rows of the table `statistics`."""
    return [
        {
            "zone": figure.zone,
            "year": reading.year,
            "item": figure.item.id,
            "object": figure.object,
            "value": figure.value,
            "unit": figure.item.unit,
            "state": figure.state,
            "form": form.id,
            "department": form.department,
            "document": reading.document,
            "received_at": now,
            "cell": f"{raw_ref}#{figure.cell}",
        }
        for figure in figures
    ]


def rejection(problem: Problem, reading: Reading, name: str, raw_ref: str, now: datetime) -> Rejection:
    """A problem as a rejection that names the file, the cell and the remedy in both languages."""
    said = " / ".join(f"{problem.what(lang)}: {problem.remedy(lang)}" for lang in ("zh", "en"))
    return Rejection(
        feed=f"{FEED}.{reading.form.id}" if reading.form else FEED,
        received_at=now,
        reason=problem.reason.value,
        detail=f"{name}: {problem.place}: {said}" if problem.place else f"{name}: {said}",
        raw_ref=raw_ref,
    )


def completeness(home: Home, *, year: int, now: datetime) -> pd.DataFrame:
    """Who has delivered what for a year: one row a form of the district.

    Returns:
        form, department, state (complete, incomplete, refused, missing), n_zones (townships with figures), n_expected,
        n_empty (required figures that are missing), received_at (NaT when nothing came), due (a date), n_overdue_days
        (0 when it is complete or not yet due).
    """
    known = plan.zones(home.registry)
    district = next(iter(known))
    figures = home.lake.read("statistics", where={"year": [year]})
    refused = _refused(home, year)
    out = []
    for form in forms().values():
        ours = figures[figures["form"] == form.id]
        expected = plan.rows_of(form, district, known)
        n_expected, n_zones, n_empty = _filled(form, ours, len(expected))
        state = "complete" if n_zones >= n_expected and not n_empty and len(ours) else "incomplete"
        if ours.empty:
            state = "refused" if form.id in refused else "missing"
        late = max(0, (now.astimezone(LOCAL).date() - form.due_on(year)).days) if state != "complete" else 0
        out.append(
            {
                "form": form.id,
                "department": form.department,
                "state": state,
                "n_zones": n_zones,
                "n_expected": n_expected,
                "n_empty": n_empty,
                "received_at": ours["received_at"].max() if len(ours) else refused.get(form.id, pd.NaT),
                "due": form.due_on(year),
                "n_overdue_days": late,
            }
        )
    return pd.DataFrame(out)


def _filled(form: Form, figures: pd.DataFrame, n_rows: int) -> tuple[int, int, int]:
    """Rows expected, rows with figures, required figures missing among them."""
    required = [item.id for item in form.items if item.required]
    if form.rows == "object":
        figures = figures[figures["object"] != ""]
    there = figures.drop_duplicates(["zone", "object"])
    n_expected = max(1, len(there)) if form.rows == "object" else n_rows
    n_there = int(figures["item"].isin(required).sum())
    return n_expected, len(there), max(0, len(required) * n_expected - n_there)


def _span(year: int) -> tuple[datetime, datetime]:
    start = day_start(datetime(year, 1, 1, tzinfo=LOCAL).date())
    return start, day_start(datetime(year + 1, 1, 1, tzinfo=LOCAL).date())


def _mark(home: Home, reading: Reading, state: str, n_records: int, now: datetime) -> None:
    if reading.form is None or not 1990 <= reading.year <= now.year:
        return
    start, end = _span(reading.year)
    feed, refused = f"{FEED}.{reading.form.id}", len(reading.problems)
    home.coverage.mark(feed, start, end, state, n_records=n_records, n_rejected=refused, detail="", now=now)


def _refused(home: Home, year: int) -> Mapping[str, datetime]:
    """Forms whose only answer for a year was refused, and when."""
    start, end = _span(year)
    seen = home.coverage.read(start=start, end=end + timedelta(seconds=1))
    ours = seen[seen["feed"].str.startswith(f"{FEED}.") & (seen["state"] == "rejected") & (seen["start"] == start)]
    return dict(zip(ours["feed"].str.removeprefix(f"{FEED}."), ours["asked_at"], strict=True))
