"""A report as a sequence of headings, paragraphs, tables and pictures, which every writer lays out in its own way."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from domain.texts import say
from domain.times import LOCAL
from processing.charts_gep import Bar, bars, value_map
from processing.gep.account import Account
from processing.gep.report import annexes, tables
from processing.gep.report.between import change, ecosystem_accounts
from processing.gep.report.content import Block, Content, Document, Heading, Paragraph, Picture
from processing.gep.report.tables import WAN, YI
from processing.gep.report.trace import Cell, trace
from processing.gep.statement import categories, statement
from processing.gep.values import read


def document(content: Content, lang: str) -> Document:
    """The report in one language; the same content gives the same document."""
    account, county = content.account, content.county
    kind = say("gep.gep" if account.complete else "gep.part_of_gep", lang)
    title = say("gep.title", lang, region=county.name, year=account.year, kind=kind)
    blocks = [
        *_abstract(content, lang),
        *_district(content, lang),
        *_method(content, lang),
        *_results(content, lang),
        *_structure(content, lang),
        *ecosystem_accounts(content, lang),
        *change(content, lang),
        *_quality(content, lang),
        *_uses(lang),
    ]
    appended = (
        annexes.methods(account, lang),
        annexes.parameters(account, lang),
        annexes.sources(content.inputs, county, lang),
        annexes.detail(account, county, lang),
    )
    draft = say("gep.draft", lang) if content.issue.draft else ""
    return Document(
        lang,
        title,
        _norm(account, lang),
        _cover(content, lang),
        _warnings(content, lang),
        draft,
        tuple(blocks),
        appended,
        tuple((f.part, trace(account, content.inputs, Cell(f.part), county, lang)) for f in account.flows),
    )


def _norm(account: Account, lang: str) -> str:
    text = account.profile.text
    return text.name_zh if lang == "zh" else text.name_en


def _source(account: Account, lang: str) -> str:
    text = account.profile.text
    return (text.note_zh if lang == "zh" else text.source) or text.source


def _cover(content: Content, lang: str) -> tuple[tuple[str, str], ...]:
    account, issue = content.account, content.issue
    versions = ", ".join(f"{name} {version}" for name, version in sorted(issue.versions.items()))
    rows = {
        "region": f"{content.county.name} ({account.region})",
        "year": str(account.year),
        "norm": f"{account.profile.text.norm} [{account.profile.id}]",
        "prices": tables.price_base(account, lang),
        "author": issue.author,
        "approver": issue.approver or say("gep.none", lang),
        "reason": issue.reason,
        "made_at": issue.made_at.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M"),
        "software": issue.software,
        "versions": versions,
    }
    return tuple((say(f"gep.cover.{key}", lang), text) for key, text in rows.items() if text)


def _warnings(content: Content, lang: str) -> tuple[str, ...]:
    """What must be told on the cover."""
    account, profile = content.account, content.account.profile.text
    found = []
    if content.county.simulated:
        found.append(say("simulated", lang))
    if not account.profile.confirmed:
        note = profile.note_zh if lang == "zh" else profile.note_en
        found.append(say("gep.warning.profile", lang, status=tables.mark(profile.status, lang), note=note))
    n = int(statement(account, by=("part",))["n_unconfirmed"].gt(0).sum())
    if n:
        found.append(say("gep.warning.unconfirmed", lang, n=n, all=len(account.flows)))
    if not account.complete:
        shown = tables.part_names(account, account.missing, lang)
        found.append(say("gep.warning.incomplete", lang, parts=shown))
    if content.issue.draft:
        found.append(say("gep.warning.draft", lang))
    return tuple(found)


def _money(cny: float) -> str:
    return f"{cny / YI:,.2f}"


def _abstract(content: Content, lang: str) -> list[Block]:
    account, county = content.account, content.county
    total, km2 = account.total, float(account.zoned.area_m2.sum() / 1e6)
    low, high = tables.interval(account.draws_of_total())
    kind = say("gep.gep" if account.complete else "gep.part_of_gep", lang)
    out: list[Block] = [
        Heading(say("gep.heading.abstract", lang)),
        Paragraph(
            say(
                "gep.abstract.total", lang, region=county.name, year=account.year, kind=kind, value=_money(total),
                per_km2=f"{total / km2 / WAN:,.2f}" if km2 else "–",
            )
        ),
    ]  # fmt: skip
    if np.isfinite(low):
        draws = len(account.draws_of_total()) - 1
        out.append(Paragraph(say("gep.abstract.interval", lang, low=_money(low), high=_money(high), n=draws)))
    people = sum(county.population.values())
    if people and set(county.population) >= set(account.zoned.zones):
        out.append(Paragraph(say("gep.abstract.head", lang, people=f"{people:,.0f}", value=f"{total / people:,.0f}")))
    if np.isfinite(county.gdp_cny) and account.complete:
        out.append(Paragraph(say("gep.abstract.ggi", lang, value=f"{total / county.gdp_cny:.2f}")))
    parts = statement(account, by=("service",), complete_only=True).sort_values("value_cny", ascending=False)
    top = parts[parts["value_cny"] > 0].head(3)
    if len(top):
        names = tables.service_names(lang)
        share = {r["service"]: 100 * r["value_cny"] / total for r in top.to_dict("records")}
        joined = ("、" if lang == "zh" else ", ").join(f"{names[s]} {p:.1f} %" for s, p in share.items())
        out.append(Paragraph(say("gep.abstract.top", lang, services=joined)))
    towns = tables.townships(account, county, lang).rows
    towns = towns[towns["rank"].notna()]
    if len(towns) > 2:
        dense = towns.sort_values("per_km2", ascending=False)["name"].tolist()
        said = {"first": towns["name"][0], "second": towns["name"][1], "dense": dense[0], "thin": dense[-1]}
        out.append(Paragraph(say("gep.abstract.towns", lang, **said)))
    return [*out, *(Paragraph(text, loud=True) for text in _warnings(content, lang))]


def _district(content: Content, lang: str) -> list[Block]:
    extent = tables.extents(content.account, content.county, lang)
    km2 = float(content.account.zoned.area_m2.sum() / 1e6)
    n = len(content.account.zoned.zones)
    return [
        Heading(say("gep.heading.district", lang)),
        Paragraph(say("gep.district.text", lang, region=content.county.name, n=n, km2=f"{km2:,.2f}")),
        extent,
    ]


def _method(content: Content, lang: str) -> list[Block]:
    account = content.account
    switches = read("gep_switches").set_index(["switch", "option"])[f"name_{lang}"]
    rows = pd.DataFrame(
        [
            {"name": switches.get((name, option), option), "code": f"{name}={option}"}
            for name, option in sorted(account.profile.switches.items())
        ]
    )
    columns = [tables.Column("name", say("gep.column.switch", lang)), tables.column("code", lang)]
    return [
        Heading(say("gep.heading.method", lang)),
        Paragraph(say("gep.method.text", lang, norm=account.profile.text.norm, name=_norm(account, lang))),
        Paragraph(say("gep.method.source", lang, source=_source(account, lang))),
        tables.table("switches", lang, columns, rows),
    ]


def _results(content: Content, lang: str) -> list[Block]:
    account, county = content.account, content.county
    source = say("gep.figure.source", lang, norm=account.profile.text.norm, year=account.year)
    services = statement(account, by=("service",), complete_only=True)
    names = tables.service_names(lang)
    items = [
        Bar(names[r["service"]], r["value_cny"] / YI, r["low"] / YI, r["high"] / YI, categories()[r["service"]])
        for r in services[services["value_cny"].notna()].to_dict("records")
    ]
    towns = tables.townships(account, county, lang)
    per_km2 = dict(zip(towns.rows["zone"], towns.rows["per_km2"], strict=True))
    values = {code: float(per_km2.get(code, np.nan)) for code in county.zones}
    titles = {k: say(f"gep.figure.{k}", lang) for k in ("services", "map", "towns")}
    town_bars = [Bar(r["name"], r["value"]) for r in towns.rows.to_dict("records")]
    unit = say("gep.unit.wan_km2", lang)
    yi = tables.yi(lang)
    return [
        Heading(say("gep.heading.results", lang)),
        tables.summary(account, lang),
        Picture(
            "services", bars(items, title=titles["services"], unit=yi, source=source, lang=lang), titles["services"]
        ),
        towns,
        Picture("towns", bars(town_bars, title=titles["towns"], unit=yi, source=source, lang=lang), titles["towns"]),
        Picture(
            "map",
            value_map(content.registry, values, title=titles["map"], unit=unit, source=source, lang=lang),
            titles["map"],
        ),
    ]


def _structure(content: Content, lang: str) -> list[Block]:
    account, county = content.account, content.county
    protected = [] if content.protected is None else [content.protected]
    return [
        Heading(say("gep.heading.structure", lang)),
        tables.matrix(account, lang, down="service", across="ecosystem"),
        tables.matrix(account, lang, down="zone", across="service", county=county),
        *protected,
    ]


def _quality(content: Content, lang: str) -> list[Block]:
    out: list[Block] = [Heading(say("gep.heading.quality", lang)), Paragraph(say("gep.quality.text", lang))]
    found = annexes.problems(content.account, content.county, lang)
    if len(found.rows):
        out.append(found)
    else:
        out.append(Paragraph(say("gep.quality.none", lang)))
    return [*out, *(t for t in (content.drivers, content.completeness) if t is not None)]


def _uses(lang: str) -> list[Block]:
    uses = ("planning", "decision", "project", "trade", "monitoring", "assessment")
    rows = pd.DataFrame(
        [{"use": say(f"gep.use.{u}", lang), "product": say(f"gep.use.{u}.product", lang)} for u in uses]
    )
    columns: Sequence[tables.Column] = [tables.column(k, lang) for k in ("use", "product")]
    return [Heading(say("gep.heading.uses", lang)), tables.table("uses", lang, columns, rows)]
