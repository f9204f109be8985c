"""`sanyan gep parcel`: the account of a polygon, and what a planned change gains or loses."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from shapely.geometry.base import BaseGeometry

from domain.errors import PipelineError
from domain.texts import language, say

app = typer.Typer()

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
_WAN = 1e4


@app.command("parcel")
def parcel_account(
    polygon: Annotated[Path, typer.Argument(help="GeoJSON, WGS 84.")],
    year: Annotated[int, typer.Option(help="Year of the account.")],
    profile: Annotated[str, typer.Option(help="A profile of `sanyan gep profiles`, or a file.")] = "db33-2025",
    origin: Annotated[str | None, typer.Option("--from", help="An ecosystem that is to change.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="What it becomes.")] = None,
    draws: Annotated[int, typer.Option(help="Monte Carlo draws; 0 for none.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 20260818,
    home: HomeOption = None,
) -> None:
    """The account of a parcel, or the gain or loss of a planned change. 地块核算与变更损益。"""
    from console.cli import open_home, screen
    from processing.gep.annual import gep_account, on_parcel

    place = open_home(home)
    shape_ = _polygon(polygon, place.registry.county)
    for ecosystem in (origin, target):
        _known(ecosystem)
    made = gep_account(
        place, year=year, profile=profile, now=datetime.now(UTC), draws=draws, seed=seed, write=False
    )[0]  # fmt: skip
    on = on_parcel(place, made, shape_, origin=origin or "", target=target or "")
    kinds = "，".join(f"{_name(k)} {v:.2f}" for k, v in on.areas.items())
    screen.print(say("account.parcel", ha=f"{on.ha:.2f}", kinds=kinds))
    if on.missing_pct >= 1:
        screen.print(say("parcel.share", pct=f"{on.missing_pct:.0f}"), style="yellow")
    found, value = on.found, f"{on.found.value_cny / _WAN:,.2f}"
    if origin and target:
        head = say("account.parcel_change", origin=_name(origin), target=_name(target), value=value)
    else:
        head = say("account.parcel_value", value=value)
    names = {f.part: f.line.quantity.meta for f in made.flows}
    screen.print(_table(found.rows, names))
    screen.print(head, style="bold")
    screen.print(say("account.left_out", parts="、".join(_title(names[p]) for p in found.left_out)), style="dim")
    for what in found.unknown:
        screen.print(what, style="yellow")


def _polygon(path: Path, county: Mapping[str, Any]) -> BaseGeometry:
    from processing.gep.polygon import read

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(f"{path}: {error}") from None
    try:
        return read(text, tuple(county["bbox"]))
    except PipelineError as error:
        raise PipelineError(f"{path}: {error}") from None


def _known(ecosystem: str | None) -> None:
    from processing.gep.values import parents

    if ecosystem is not None and ecosystem not in parents():
        raise PipelineError(say("account.no_class", name=ecosystem, known=", ".join(parents())))


def _name(ecosystem: str) -> str:
    from processing.gep.values import read

    frame = read("gep_ecosystems").set_index("ecosystem")
    return str(frame.loc[ecosystem, f"name_{language()}"])


def _title(meta: Any) -> str:
    return str(meta.name_zh if language() == "zh" else meta.name_en)


def _table(rows: Any, names: dict[str, Any]) -> Table:
    out = Table(title=say("account.title_parcel"), title_justify="left", header_style="bold", row_styles=("", "dim"))
    heads = ("item", "quantity", "unit", "value", "low", "high")
    for head in heads:
        out.add_column(say(f"account.{head}"), justify="left" if head in ("item", "unit") else "right", overflow="fold")
    for r in rows[rows["quantity"] != 0].to_dict("records"):
        cells = [_number(r["quantity"]), r["unit"], *(_number(r[c] / _WAN) for c in ("value_cny", "low", "high"))]
        out.add_row(f"{_title(names[r['part']])} {r['item']}".strip(), *cells)
    return out


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN
        return ""
    return f"{value:.3e}" if abs(value) >= 1e13 else f"{value:,.2f}"
