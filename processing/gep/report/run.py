"""The shell of reports: an account of the lake, in every form officials and machines read, as one folder of files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
from pyproj import Geod

from domain.errors import PipelineError
from domain.texts import LANGUAGES, say
from processing.gep.account import Account
from processing.gep.annual import Given, gep_account, given_of
from processing.gep.report import beside, package, tables
from processing.gep.report.comparison import Years
from processing.gep.report.content import Content, Document, Issue
from processing.gep.report.document import document
from processing.gep.report.gate import Objection, objections
from processing.gep.report.names import factor
from processing.gep.report.page import page
from processing.gep.report.spreadsheet import workbook
from processing.gep.report.tables import Table
from processing.gep.report.typeset import pdf
from processing.gep.report.word import word
from processing.gep.statement import statement
from processing.gep.uncertainty import drivers
from store.home import Home

FORMATS = ("xlsx", "docx", "pdf", "html", "package")
_TABLES = ("gep_inputs", "statistics", "scenes", "indicators", "flows")
#: Drivers of the uncertainty that are printed.
_DRIVERS = 10


@dataclass(frozen=True)
class Issued:
    """What was issued: the account and the files."""

    account: Account
    folder: Path
    files: tuple[Path, ...]
    issue: Issue
    name: str  # of the district, in the first language
    years: Years | None
    objections: tuple[Objection, ...]  # what stands against publishing it
    digest: str  # SHA-256 of its cells: two accounts with the same are the same


def report(
    home: Home,
    *,
    year: int,
    profile: str,
    author: str,
    now: datetime,
    approver: str = "",
    langs: Sequence[str] = ("zh",),
    formats: Sequence[str] = FORMATS,
    base_year: int | None = None,
    draws: int = 200,
    seed: int = 0,
    reason: str = "",
    completeness: pd.DataFrame | None = None,
    approved: str = "",
) -> Issued:
    """Make the account of a year and write its report under `gep/<year>/<profile>/` of the home.

    Args:
        home: the deployment.
        year: of the account.
        profile: id of a profile, or the path of one.
        author: who issues it.
        now: when.
        approver: who else looked at it and approves it; "" or the author makes it a draft.
        langs: zh, en.
        formats: of `FORMATS`.
        base_year: prices of this year; None for current prices.
        draws: of the Monte Carlo.
        seed: of the draws.
        reason: why it is published although something stands against it, in the approver's words.
        completeness: deliveries of the departments, to be printed.
        approved: digest of the draft that the approver saw; "" does not compare.

    Raises:
        PipelineError: no such profile, nothing given for the year, an unknown language or format; or it was to be
            approved and its author is its approver, or objections stand and no reason is given, or the account is no
            longer what the approver saw.
    """
    unknown = [*(set(langs) - set(LANGUAGES)), *(set(formats) - set(FORMATS))]
    if unknown:
        raise PipelineError(say("gep.error.unknown", found=", ".join(map(str, unknown))))
    versions = {name: home.lake.version(name) for name in _TABLES}
    made, given, _ = gep_account(home, year=year, profile=profile, now=now, base_year=base_year, draws=draws, seed=seed)
    last = given_of(home, year - 1)
    issue = Issue(author, now, software(), approver, versions, reason)
    years, unlike = beside.years_of(home, made, given, last)
    changes = beside.land_changes(home, year)
    against = objections(made, given.inputs, map_km2=_map_km2(home), before=None if years is None else years.before)
    digest = package.sha256(package.csv(statement(made)))
    if approver:
        _approved(issue, against, changed=bool(approved) and approved != digest)
    folder = f"gep/{year}/{made.profile.id}" + ("" if issue.draft else "/published")
    files: list[Path] = []
    for lang in langs:
        content = Content(
            account=made,
            county=beside.county_of(home, given, year, lang),
            registry=home.registry,
            inputs=given.inputs,
            issue=issue,
            completeness=_completeness(completeness, lang),
            drivers=_drivers(made, lang),
            protected=beside.protected(home, made, lang),
            years=years,
            unlike=unlike,
            before_inputs=None if last.inputs.empty else last.inputs,
            land_changes=changes,
            targets=beside.targets_of(home, year, made.zoned.zones),
        )
        files += _written(home, folder, document(content, lang), made, given, issue, formats, first=lang == langs[0])
    name = str(home.registry.county[f"name_{langs[0]}"])
    return Issued(made, home.files.path(folder), tuple(files), issue, name, years, tuple(against), digest)


def _approved(issue: Issue, against: list[Objection], *, changed: bool) -> None:
    """Fail closed: somebody else than the author, what was seen, and an answer to everything that stands against it."""
    if issue.draft:
        raise PipelineError(say("gep.error.same_person", name=issue.approver))
    if changed:
        raise PipelineError(say("gep.error.changed"))
    if against and not issue.reason.strip():
        what = "\n".join(o.what() for o in against)
        raise PipelineError(say("gep.error.objections", n=len(against), what=what))


def _map_km2(home: Home) -> float:
    geod = Geod(ellps="WGS84")
    shapes = home.registry.townships.shapes
    return float(sum(abs(geod.geometry_area_perimeter(shape)[0]) for shape in shapes) / 1e6)


def software() -> str:
    """Name and version of the software, for the cover and the manifest."""
    try:
        return f"sanyan {version('sanyan')}"
    except PackageNotFoundError:
        return "sanyan"


def _written(
    home: Home,
    folder: str,
    text: Document,
    made: Account,
    given: Given,
    issue: Issue,
    formats: Sequence[str],
    *,
    first: bool,
) -> list[Path]:
    name = f"{folder}/report_{text.lang}"
    writers: dict[str, Callable[[], bytes]] = {
        "xlsx": lambda: workbook(text, issue.made_at),
        "docx": lambda: word(text, issue.made_at),
        "pdf": lambda: pdf(text, issue.made_at),
        "html": lambda: page(text),
    }
    out = [home.files.write_bytes(f"{name}.{f}", make()) for f, make in writers.items() if f in formats]
    if first and "package" in formats:
        content = package.files(made, given, issue, text.title, text.tables)
        out += [home.files.write_bytes(f"{folder}/package/{n}", data) for n, data in content.items()]
    return out


def _completeness(frame: pd.DataFrame | None, lang: str) -> Table | None:
    if frame is None:
        return None
    from domain.forms import forms

    known = forms()
    rows = pd.DataFrame(
        [
            {
                "department": known[r["form"]].department_zh if lang == "zh" else known[r["form"]].department_en,
                "form": known[r["form"]].name_zh if lang == "zh" else known[r["form"]].name_en,
                "state": say(f"delivery.{r['state']}", lang),
                "n_valid": r["n_zones"],
                "n_expected": r["n_expected"],
                "n_missing": r["n_empty"],
            }
            for r in frame.to_dict("records")
        ]
    )
    columns = [tables.Column(k, say(f"column.{k}", lang)) for k in ("department", "form", "state")]
    columns += [tables.column(k, lang, digits=0) for k in ("n_valid", "n_expected", "n_missing")]
    return tables.table("completeness", lang, columns, rows)


def _drivers(made: Account, lang: str) -> Table | None:
    if made.draws.n < 2:
        return None
    frame = drivers(made).head(_DRIVERS)
    rows = frame.assign(
        factor=[factor(f, lang) for f in frame["factor"]],
        mark=[_mark(s, lang) for s in frame["status"]],
        share=100 * frame["share"],
    )
    columns = (
        tables.column("factor", lang),
        tables.column("amount", lang, digits=4),
        tables.column("low", lang, digits=4),
        tables.column("high", lang, digits=4),
        tables.column("mark", lang),
        tables.column("correlation", lang, digits=2),
        tables.column("share", lang, "%", 1),
    )
    return tables.table(
        "drivers",
        lang,
        columns,
        rows.assign(amount=rows["value"], correlation=rows["rank_correlation"]),
        note=say("gep.note.drivers", lang),
    )


def _mark(status: str, lang: str) -> str:
    return say("gep.status.input", lang) if status == "input" else tables.mark(status, lang)
