"""`sanyan gep inputs`: what an account of a year is made from, what is missing, and what would supply it."""

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from domain.texts import language, say

if TYPE_CHECKING:
    from processing.gep.channels import Way

app = typer.Typer()

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of lake, ledger and files (SANYAN_HOME).")]
_STYLES = {"there": "green", "gaps": "yellow", "missing": "red"}
#: Columns of the page docs/gep_inputs.md.
_HEADS = ("input", "unit", "comes from", "where to get it", "resolution", "needed by", "parts that need it")


@app.command("inputs")
def list_inputs(
    year: Annotated[int, typer.Option(help="Year of the account.")] = 0,
    profile: Annotated[str, typer.Option(help="A profile of `sanyan gep profiles`, or a file.")] = "db33-2025",
    missing: Annotated[bool, typer.Option("--missing", help="Only what is not there.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The page docs/gep_inputs.md.")] = False,
    home: HomeOption = None,
) -> None:
    """What an account needs, what is there, and what would supply the rest. 核算输入：已有、缺失及其来源。"""
    from console import screens
    from console.cli import open_home, screen

    if markdown:
        sys.stdout.write(page())
        return
    if not year:
        raise typer.BadParameter("--year")
    from processing.gep.annual import stock_of
    from processing.gep.channels import THERE, names

    place = open_home(home)
    known, lang = names(language()), language()
    county = str(place.registry.county["code"])
    found = stock_of(place, year, profile)
    states = {state: f"[{style}]{say(f'inputs.state.{state}')}[/]" for state, style in _STYLES.items()}
    rows = [
        (
            known[r["input"]],
            _services(r["parts"], lang),
            states[r["state"]],
            "" if isnan(r["coverage_pct"]) else f"{r['coverage_pct']:.0f} %",
            escape(_origin(r, lang) if r["state"] == THERE else _supply(r["input"], year, county, lang)),
        )
        for r in found.to_dict("records")
        if not (missing and r["state"] == THERE)
    ]
    columns = {"input": "left", "needed": "left", "state": "left", "coverage": "right", "supply": "left"}
    screen.print(screens.table("title.inputs", columns, rows))
    there = int((found["state"] == THERE).sum())
    screen.print(say("done.inputs", there=there, all=len(found), year=year, profile=profile))


def _services(parts: Iterable[str], lang: str) -> str:
    from processing.gep.values import read

    table = read("gep_services").set_index("service")[f"name_{lang}"]
    comma = say("inputs.comma", lang)
    return comma.join(dict.fromkeys(str(table[p.partition(".")[0]]) for p in parts))


def _origin(row: Mapping[str, Any], lang: str) -> str:
    """How an input that is there came, in a few words."""
    from domain.forms import forms
    from processing.gep.channels import names

    titles = {f.id: f.name_zh if lang == "zh" else f.name_en for f in forms().values()}
    called = {"form": titles, "derived": names(lang)}.get(row["kind"], {})
    kind = say(f"inputs.kind.{row['kind']}", lang)
    sources = say("inputs.plus", lang).join(called.get(s, s) for s in str(row["source"]).split(" + "))
    return f"{kind}: {sources}"


def _supply(name: str, year: int, county: str, lang: str) -> str:
    from processing.gep.channels import ways

    found = ways(name)
    return "\n".join(_how(way, year, county, lang) for way in found) or say("inputs.nowhere")


def _how(way: "Way", year: int, county: str, lang: str) -> str:
    """What a person does to bring an input in by one way."""
    from domain.forms import forms
    from processing.gep.channels import names

    where = way.where_zh if lang == "zh" else way.where_en
    if way.kind == "form":
        known = [forms()[f] for f in way.sources]
        told = say("inputs.comma", lang).join(f.name_zh if lang == "zh" else f.name_en for f in known)
        files = " ".join(f"gep_{year}_{county}_{f}.xlsx" for f in way.sources)
        return say("inputs.how.form", forms=told, files=files)
    if way.kind == "product":
        return say("inputs.how.product", where=where, command=_commands()[way.sources[0]])
    if way.kind == "stations":
        return say("inputs.how.stations", where=where)
    made_of = say("inputs.plus", lang).join(names(lang)[n] for n in way.sources)
    return say("inputs.how.derived", inputs=made_of)


@cache
def _commands() -> Mapping[str, str]:
    """Collection -> the command that brings it: an import by a layout, or a feed."""
    from domain.imagery import collections_of, products
    from ingest.feeds import load
    from ingest.layouts import find, names

    by_feed = {
        name: f"sanyan ingest {feed.id}"
        for feed in load().values()
        if feed.active and feed.search
        for collection in feed.search.collections
        for name in collections_of(collection)
    }
    known = [layout for layout in map(find, names()) if layout.rasters]
    own = next(layout.id for layout in known if layout.rasters and not layout.rasters.product)
    by_layout = {layout.rasters.product: f"sanyan history import {layout.id} …" for layout in known if layout.rasters}
    return dict.fromkeys(products(), f"sanyan history import {own} …") | by_feed | by_layout


def page() -> str:
    """docs/gep_inputs.md: every input of every norm, where it comes from and which parts need it."""
    from processing.gep.channels import names, needed, ways
    from processing.gep.profile import profiles
    from processing.gep.values import read

    norms = {name: needed(p) for name, p in profiles().items() if p.text.kind == "norm"}
    units = dict(zip(read("gep_quantities")["quantity"], read("gep_quantities")["unit"], strict=True))
    lines = [_INTRODUCTION, f"| {' | '.join(_HEADS)} |", f"|{'---|' * len(_HEADS)}"]
    for name in dict.fromkeys(n for of in norms.values() for n in of):
        by = [norm for norm, of in norms.items() if name in of]
        parts = dict.fromkeys(p for norm in by for p in norms[norm][name])
        known = ways(name)
        cells = (
            f"`{name}`<br>{names('en')[name]}",
            units.get(name, ""),
            "<br>".join(_source(w) for w in known),
            "<br>".join(w.where_en for w in known if w.where_en),
            "<br>".join(f"{w.resolution_m} m" for w in known if w.resolution_m),
            "all" if len(by) == len(norms) else ", ".join(by),
            ", ".join(parts),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _source(way: "Way") -> str:
    if way.kind == "form":
        return "form " + ", ".join(f"`{f}`" for f in way.sources)
    if way.kind == "product":
        return f"product `{way.sources[0]}`: `{_commands()[way.sources[0]]}`"
    if way.kind == "stations":
        return f"stations, indicator `{way.sources[0]}` of the year"
    return "made from " + ", ".join(f"`{s}`" for s in way.sources)


_INTRODUCTION = """# Where the inputs of an account come from

For the engineer who must bring a year together. `sanyan gep inputs --year 2025` says what of this a home has, what came
with too many gaps, and which form or product would supply the rest; `--profile` asks for another norm.

* **A form** is filled by its department: `sanyan gep forms --year 2025` writes it, `sanyan gep collect FILES` takes it
  in ([gep](gep.md)); `sanyan gep board --year 2025` says who is late.
* **A product** is a raster. Where the table names a feed it comes daily from a catalogue; where it names a layout,
  files are imported (`sanyan history import <layout> FOLDER`). Of several products the first that has the year is
  taken. Another catalogue or file name is an entry in `feeds.yaml` or a layout of your own
  ([sky_feeds](sky_feeds.md)).
* **Stations** judge a year only when they have it: two weeks of values judge nothing, and the bureau's own assessment
  (form `quality`) stands in their place.
* **Made from**: computed from the inputs named there; all of them are needed.
* Of several ways the first in the table counts; a department's figure is used only where the eyes have none.
* An input that is not there makes its part missing; nothing is filled in. Less than 80 % of the cells, or a day of rain
  missing, is a gap.

The simulated county has all that `db33-2025` needs for two years, as these products come (`sample_feeds/archives.py`,
`sample_feeds/departments.py`). This page is written by `sanyan gep inputs --markdown`; a test holds it to the profiles.
"""
