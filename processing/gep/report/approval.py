"""What the approver is asked: what the account is, what it rests on, and what stands against it (Markdown)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domain.errors import PipelineError
from domain.texts import say
from processing.gep.report import tables
from processing.gep.report.run import Issued
from processing.gep.statement import statement

#: What an Airflow without accounts calls everybody.
_NOBODY = frozenset({"", "anonymous"})


def known(name: str) -> str:
    """A person's name.

    Raises:
        PipelineError: it is nobody's.
    """
    if name.strip().casefold() in _NOBODY:
        raise PipelineError(say("gep.error.unknown_person", name=name or "-"))
    return name


def approver_of(answer: Mapping[str, Any] | None, barred: Sequence[str]) -> str:
    """Who approved, if somebody did who may.

    Args:
        answer: of the human-in-the-loop task: chosen_options, responded_by_user (id, name); None when it was skipped.
        barred: who may not: the author, and who asked.

    Raises:
        PipelineError: nobody approved, or somebody unknown or barred.
    """
    if not answer or list(answer["chosen_options"]) != ["Approve"]:
        raise PipelineError(say("gep.error.nobody"))
    user = answer["responded_by_user"] or {}
    names = [str(user.get(key) or "") for key in ("name", "id")]
    approver = known(next((n for n in names if n.strip().casefold() not in _NOBODY), ""))
    kept_out = {b.strip().casefold() for b in barred}
    for name in names:
        if name.strip() and name.strip().casefold() in kept_out:
            raise PipelineError(say("gep.error.same_person", name=name))
    return approver


def question(issued: Issued, lang: str, *, where: str) -> str:
    """The question put to the approver.

    Args:
        issued: the draft that was made.
        lang: zh or en.
        where: where the files of the draft can be opened.
    """
    account, issue = issued.account, issued.issue
    low, high = tables.interval(account.draws_of_total())
    unconfirmed = int(statement(account, by=("part",))["n_unconfirmed"].gt(0).sum())
    text = account.profile.text
    facts = [
        ("region", f"{issued.name} ({account.region})"),
        ("year", str(account.year)),
        ("norm", f"{text.name_zh if lang == 'zh' else text.name_en} ({text.norm}) [{account.profile.id}]"),
        ("prices", tables.price_base(account, lang)),
        ("author", issue.author),
        ("total", _total(issued, lang, low, high)),
        (
            "confirmed",
            say("gep.ask.mark", lang, status=tables.mark(text.status, lang), n=unconfirmed, all=len(account.flows)),
        ),
        ("missing", tables.part_names(account, account.missing, lang) or say("gep.none", lang)),
        ("before", _before(issued, lang)),
        ("files", where),
        ("digest", issued.digest[:16]),
    ]
    rows = "\n".join(f"| {say(f'gep.ask.{key}', lang)} | {_cell(value)} |" for key, value in facts)
    head = f"| {say('gep.ask.item', lang)} | {say('gep.ask.content', lang)} |\n|---|---|"
    against = [f"{n}. {o.what(lang)}" for n, o in enumerate(issued.objections, start=1)]
    return "\n\n".join(
        [
            say("gep.ask.head", lang, region=issued.name, year=account.year),
            f"{head}\n{rows}",
            say("gep.ask.against" if against else "gep.ask.nothing_against", lang, n=len(against)),
            *(["\n".join(against)] if against else []),
            say("gep.ask.rules", lang, author=issue.author),
        ]
    )


def _total(issued: Issued, lang: str, low: float, high: float) -> str:
    key = "gep.ask.gep" if issued.account.complete else "gep.ask.part_of_gep"
    told = say(key, lang, value=f"{issued.account.total / tables.YI:,.2f}")
    if not np.isfinite(low):
        return told
    interval = say("gep.ask.interval", lang, low=f"{low / tables.YI:,.2f}", high=f"{high / tables.YI:,.2f}")
    return told + interval


def _before(issued: Issued, lang: str) -> str:
    years = issued.years
    if years is None:
        return say("gep.ask.no_before", lang, year=issued.account.year - 1)
    growths = [f"{100 * (now.total / then.total - 1):+.2f}" for then, now in (years.current, years.comparable)]
    return say(
        "gep.ask.growth", lang, year=years.before.year, current=growths[0], comparable=growths[1], base=years.base_year
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
