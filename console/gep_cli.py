"""`sanyan gep`: forms of the departments, accounts, profiles of norms, published accounts made again."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from console.forms_cli import app as forms_app
from console.gep_inputs_cli import app as inputs_app
from console.gep_parcel import app as parcel_app
from console.gep_report_cli import app as report_app
from console.gep_trace import app as trace_app
from domain.errors import PipelineError
from domain.texts import language, say

if TYPE_CHECKING:
    import pandas as pd

    from processing.gep.account import Account
    from processing.gep.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Gross ecosystem product. 生态产品总值（GEP）核算。")
app.add_typer(forms_app)
app.add_typer(parcel_app)
app.add_typer(report_app)
app.add_typer(trace_app)
app.add_typer(inputs_app)

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
_YI, _WAN = 1e8, 1e4


@app.command("account")
def make(
    year: Annotated[int, typer.Option(help="Year of the account.")],
    region: Annotated[str | None, typer.Option(help="A township's code; by default the district.")] = None,
    profile: Annotated[str, typer.Option(help="A profile of `sanyan gep profiles`, or a file.")] = "db33-2025",
    base_year: Annotated[int | None, typer.Option(help="Prices of this year (comparable prices).")] = None,
    draws: Annotated[int, typer.Option(help="Monte Carlo draws; 0 for none.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 20260818,
    dry: Annotated[bool, typer.Option("--dry", help="Show only; write nothing.")] = False,
    home: HomeOption = None,
) -> None:
    """Make the account of a year. 核算一年的生态产品总值。"""
    from console.cli import open_home, screen
    from processing.gep.annual import gep_account, in_order
    from processing.gep.uncertainty import drivers

    place = open_home(home)
    known = (str(place.registry.county["code"]), *place.registry.townships.ids)
    if region is not None and region not in known:
        raise PipelineError(say("account.no_region", region=region, known=", ".join(known)))
    made, given, counts = gep_account(
        place, year=year, profile=profile, now=datetime.now(UTC), base_year=base_year, draws=draws, seed=seed,
        write=not dry,
    )  # fmt: skip
    names = _names(place)
    zone = region if region in place.registry.townships.ids else None
    base = say("account.base_current") if base_year is None else say("account.base_year", year=base_year)
    name = names[zone or made.region]
    screen.print(say("account.head", name=name, year=year, profile=_title(made.profile), base=base), style="bold")
    if not made.profile.confirmed:
        note = made.profile.text.note_zh if language() == "zh" else made.profile.text.note_en
        screen.print(
            say("account.unconfirmed", status=_status(made.profile.text.status), note=note), style="yellow",
        )  # fmt: skip
    screen.print(_parts(made, zone))
    if zone is None:
        screen.print(_townships(made, names))
        screen.print(_total(made), style="bold")
    if draws > 1 and zone is None:
        told = drivers(made)
        clear = told["rank_correlation"].abs() > 2 / draws**0.5  # less is what chance alone makes of so many draws
        screen.print(_drivers(told[clear].head(8)))
    problems = in_order((*made.problems, *given.refused))
    if problems:
        parts = _part_names(made)
        rows = ((say(f"gep.problem.{p.kind}"), parts.get(p.part, p.part), escape(p.told())) for p in problems)
        screen.print(_table("account.title_problems", ("", "account.item", "account.what"), rows, right=()))
    if not dry:
        screen.print(
            say("account.written", new=counts.new, changed=counts.changed, unchanged=counts.unchanged,
                removed=counts.removed)
        )  # fmt: skip


@app.command("profiles")
def list_profiles(home: HomeOption = None) -> None:
    """The norms that accounts can be made by. 核算规范列表。"""
    from console.cli import open_home, screen
    from processing.gep.annual import known_profiles

    rows = []
    for profile in known_profiles(open_home(home)).values():
        text = profile.text
        valid = f"{text.valid_from} - {text.valid_to or ''}"
        rows.append((text.id, _title(profile), text.norm, valid, _status(text.status), len(profile.lines)))
    heads = ("", "account.profile_name", "account.norm", "account.valid", "account.status", "account.parts")
    screen.print(_table("account.title_profiles", heads, rows, right=(5,)))


@app.command()
def published(
    markdown: Annotated[bool, typer.Option("--markdown", help="The page docs/gep_published.md.")] = False,
) -> None:
    """Published accounts made again, beside what they print. 已发表账户的复算。"""
    from console.cli import screen
    from processing.gep.published import page, recomputed, studies

    if markdown:
        sys.stdout.write(page())
        return
    for study in studies():
        frame = recomputed(study)
        heads = ("account.row", "account.item", "account.printed", "account.ours", "account.how", "account.what")
        rows = [
            (r["row"], " ".join(x for x in (r["part"], r["item"], r["ecosystem"]) if x), r["value"],
             _figures(r["our_value"]), say(f"account.agrees.{(r['how'] or 'not').replace(' ', '_')}"),
             r[f"note_{language()}"])
            for r in frame.to_dict("records")
        ]  # fmt: skip
        screen.print(_table("account.title_published", heads, rows, right=(0, 2, 3), name=study))


def _names(place: "object") -> dict[str, str]:
    from store.home import Home

    if not isinstance(place, Home):
        raise TypeError("a home was expected")
    registry, lang = place.registry, language()
    townships = registry.townships
    inner = townships.names_zh if lang == "zh" else townships.names_en
    return {
        str(registry.county["code"]): str(registry.county[f"name_{lang}"]),
        **dict(zip(townships.ids, inner, strict=True)),
    }


def _title(profile: "Profile") -> str:
    return profile.text.name_zh if language() == "zh" else profile.text.name_en


def _status(status: str) -> str:
    return say(f"gep.status.{status.replace(' ', '_').replace('-', '_')}")


def _table(
    title: str, heads: tuple[str, ...], rows: Iterable[Iterable[object]], *, right: tuple[int, ...], **values: object
) -> Table:
    out = Table(title=say(title, **values), title_justify="left", header_style="bold", row_styles=("", "dim"))
    for n, head in enumerate(heads):
        out.add_column(say(head) if head else "", justify="right" if n in right else "left", overflow="fold")
    for row in rows:
        out.add_row(*(str(cell) for cell in row))
    return out


def _number(value: float, digits: int = 2) -> str:
    if value != value:  # noqa: PLR0124 - NaN
        return ""
    return f"{value:.2e}" if abs(value) >= 1e13 else f"{value:,.{digits}f}"


def _figures(value: float) -> str:
    return "" if value != value else f"{value:.6g}"  # noqa: PLR0124 - NaN


def _amount(value: float, unit: str) -> tuple[str, str]:
    """A quantity people can read: in units of ten thousand when it is large."""
    if 1e6 <= abs(value) < 1e13:
        return _number(value / _WAN), say("account.wan", unit=unit)
    return _number(value), unit


def _price_type(kind: str, year: str) -> str:
    slug = "".join(c if c.isalpha() else "_" for c in kind).strip("_")
    return f"{say(f'price_type.{slug}')} {year}" if kind else ""


def _parts(made: "Account", zone: str | None) -> Table:
    from processing.gep.statement import statement
    from processing.gep.values import read

    frame = statement(made, ("zone", "service", "part", "item") if zone else ("service", "part", "item"))
    frame = frame if zone is None else frame[frame["zone"] == zone]
    services = dict(zip(read("gep_services")["service"], read("gep_services")[f"name_{language()}"], strict=True))
    rows = [
        (services[r["service"]], _item(made, r), *_amount(r["quantity"], r["unit"]), _number(r["value_cny"] / _WAN),
         _number(r["low"] / _WAN), _number(r["high"] / _WAN), f"{r['formula']} {r['price_formula']}".strip(),
         _price_type(r["price_type"], r["price_year"]), _status(r["status"]), r["n_unconfirmed"])
        for r in frame.to_dict("records")
    ]  # fmt: skip
    heads = (
        "account.service", "account.item", "account.quantity", "account.unit", "account.value", "account.low",
        "account.high", "account.formula", "account.price_type", "account.status", "account.n_unconfirmed",
    )  # fmt: skip
    return _table("account.title_services", heads, rows, right=(2, 4, 5, 6, 10))


def _item(made: "Account", row: dict[str, str]) -> str:
    meta = made.part(row["part"]).line.quantity.meta
    name = meta.name_zh if language() == "zh" else meta.name_en
    return f"{name} {row['item']}".strip()


def _townships(made: "Account", names: dict[str, str]) -> Table:
    from processing.gep.uses import ranking

    rows = [
        (names.get(r["zone"], r["zone"]) if r["rank"] == r["rank"] else say("account.district"),
         _number(r["value_cny"] / _WAN), _number(r["low"] / _WAN), _number(r["high"] / _WAN), _number(r["share_pct"]),
         _number(r["cny_per_km2"] / _WAN), _number(r["cny_per_head"], 0), _number(r["rank"], 0))
        for r in ranking(made).to_dict("records")
    ]  # fmt: skip
    heads = (
        "account.zone", "account.value", "account.low", "account.high", "account.share", "account.per_km2",
        "account.per_head", "account.rank",
    )  # fmt: skip
    return _table("account.title_townships", heads, rows, right=(1, 2, 3, 4, 5, 6, 7))


def _part_names(made: "Account") -> dict[str, str]:
    metas = {line.part.part: line.quantity.meta for line in made.profile.lines}
    return {part: meta.name_zh if language() == "zh" else meta.name_en for part, meta in metas.items()}


def _parts_named(made: "Account") -> str:
    names = _part_names(made)
    return ("、" if language() == "zh" else ", ").join(names[part] for part in made.missing)


def _total(made: "Account") -> str:
    import numpy as np

    from processing.gep.statement import RANGE

    draws = made.draws_of_total()
    text = (
        say("account.total", value=_number(draws[0] / _YI))
        if made.complete
        else say("account.partial", value=_number(draws[0] / _YI), n=len(made.missing), missing=_parts_named(made))
    )
    if len(draws) < 2:
        return text
    low, high = np.quantile(draws[1:], RANGE) / _YI
    return text + say("account.range", low=_number(float(low)), high=_number(float(high)))


def _drivers(frame: "pd.DataFrame") -> Table:
    rows = [
        (r["factor"], f"{r['value']:.4g}", f"{r['low']:.4g}", f"{r['high']:.4g}", f"{r['rank_correlation']:.2f}",
         f"{100 * r['share']:.0f}")
        for r in frame.to_dict("records")
    ]  # fmt: skip
    heads = (
        "account.factor",
        "account.value_of",
        "account.low",
        "account.high",
        "account.correlation",
        "account.share",
    )
    return _table("account.title_drivers", heads, rows, right=(1, 2, 3, 4, 5))
