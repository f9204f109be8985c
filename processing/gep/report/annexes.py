"""The annexes, by which every number can be retraced: formulas, parameters, inputs, cells, and what is missing."""

from dataclasses import replace

import pandas as pd

from domain.texts import say
from processing.gep.account import Account
from processing.gep.report import names
from processing.gep.report.tables import (
    Column,
    County,
    Table,
    column,
    ecosystem_names,
    mark,
    part_name,
    service_names,
    table,
)
from processing.gep.statement import statement
from processing.gep.values import Row


def methods(account: Account, lang: str) -> Table:
    """Which formula each part was computed by, from which clause, and how far it is confirmed."""
    out = []
    for line in account.profile.lines:
        for formula in (line.quantity, line.price):
            if formula is not None:
                meta = formula.meta
                out.append(
                    {
                        "part": part_name(account, line.part.part, lang),
                        "formula": meta.id,
                        "name": meta.name_zh if lang == "zh" else meta.name_en,
                        "expression": meta.expression,
                        "unit": names.unit(meta.unit, lang),
                        "clause": meta.clause,
                        "mark": mark(meta.status, lang),
                    }
                )
    keys = ("part", "formula", "name", "expression", "unit", "clause", "mark")
    return table("methods", lang, [column(k, lang) for k in keys], pd.DataFrame(out))


def parameters(account: Account, lang: str) -> Table:
    """T3 and T10: every row of the tables that stands behind a number, with source and mark."""
    used: dict[Row, set[str]] = {}
    for flow in account.flows:
        for row, _ in (*flow.quantity.used, *flow.price_rows):
            used.setdefault(row, set()).add(part_name(account, flow.part, lang))
    ecosystems = ecosystem_names(lang)
    out = [
        {
            "code": row.parameter,
            "parameter": names.parameter(row.parameter, lang),
            "item": names.item(row.item, lang),
            "ecosystem": ecosystems.get(row.ecosystem, row.ecosystem),
            "amount": row.value,
            "unit": names.unit(row.unit, lang),
            "year": "" if row.year is None else str(row.year),
            "set": row.set,
            "source": names.source(row.source),
            "mark": mark(row.status, lang),
            "used_for": "; ".join(sorted(parts)),
        }
        for row, parts in sorted(used.items(), key=lambda pair: (pair[0].parameter, pair[0].item, pair[0].ecosystem))
    ]
    keys = ("code", "parameter", "item", "ecosystem", "amount", "unit", "year", "set", "source", "mark", "used_for")
    columns = [
        Column("amount", say("gep.column.amount", lang), "", 6)
        if k == "amount"
        else replace(column(k, lang), printed=k not in ("code", "set"))
        for k in keys
    ]
    return table("parameters", lang, columns, pd.DataFrame(out, columns=list(keys)))


def problems(account: Account, county: County, lang: str) -> Table:
    """What could not be computed or only in another way, and where."""
    out = [
        {
            "part": part_name(account, p.part, lang),
            "kind": say(f"gep.problem.{p.kind}", lang),
            "what": p.told(lang),
            "where": _where(p.zones, county, lang),
        }
        for p in account.problems
    ]
    keys = ("part", "kind", "what", "where")
    return table("problems", lang, [column(k, lang) for k in keys], pd.DataFrame(out, columns=list(keys)))


def _where(zones: tuple[str, ...], county: County, lang: str) -> str:
    """The townships a problem is of, their number when they are many, the district when it is of no one."""
    if not zones or set(zones) >= set(county.zones):
        return say("gep.where.all", lang)
    if len(zones) > 5:
        return say("gep.where.many", lang, n=len(zones))
    return ("、" if lang == "zh" else ", ").join(county.zones.get(z, county.name) for z in zones)


def detail(account: Account, county: County, lang: str) -> Table:
    """T2 and T4: every cell of the account, quantity times price; its codes lead back to formula and inputs."""
    rows = statement(account)
    services, ecosystems = service_names(lang), ecosystem_names(lang)
    counted = {flow.part for flow in account.valued()}
    out = rows.assign(
        zone_name=[county.zones.get(z, county.name) for z in rows["zone"]],
        ecosystem_name=[ecosystems.get(e, e) for e in rows["ecosystem"]],
        service_name=[services[s] for s in rows["service"]],
        part_name=[part_name(account, p, lang) for p in rows["part"]],
        item_name=[names.item(i, lang) for i in rows["item"]],
        unit=[names.unit(u, lang) for u in rows["unit"]],
        price_unit=[names.unit(u, lang) for u in rows["price_unit"]],
        mark=[mark(s, lang) for s in rows["status"]],
        counted=[say("gep.yes" if part in counted else "gep.no", lang) for part in rows["part"]],
    )
    text = ("zone", "zone_name", "ecosystem_name", "service_name", "part", "part_name", "item_name")
    after = ("formula", "price_formula", "price_type", "price_year", "mark")
    columns = (
        *(column(k, lang) for k in text),
        column("quantity", lang, digits=4),
        column("unit", lang),
        column("price", lang, digits=6),
        column("price_unit", lang),
        Column("value_cny", say("gep.column.value", lang), "CNY", 2),
        Column("low", say("gep.column.low", lang), "CNY", 2),
        Column("high", say("gep.column.high", lang), "CNY", 2),
        column("counted", lang),
        *(column(k, lang) for k in after),
        column("n_unconfirmed", lang, digits=0),
    )
    return table("detail", lang, columns, out)


def sources(inputs: pd.DataFrame, county: County, lang: str) -> Table:
    """T11: every input with its value, how it came about and where from."""
    ecosystems = ecosystem_names(lang)
    out = inputs.assign(
        name=[county.zones.get(z, county.name) for z in inputs["zone"]],
        ecosystem=[ecosystems.get(e, e) for e in inputs["ecosystem"]],
        quantity=[names.factor(f"input/{q}", lang) for q in inputs["quantity"]],
        code=inputs["quantity"],
        unit=[names.unit(u, lang) for u in inputs["unit"]],
        source=[names.source(s) for s in inputs["source"]],
        amount=inputs["value"],
    )
    text = ("name", "ecosystem", "quantity")
    columns = (
        *(Column("quantity", say("gep.column.input", lang)) if k == "quantity" else column(k, lang) for k in text),
        Column("code", say("gep.column.code", lang), printed=False),
        Column("amount", say("gep.column.amount", lang), "", 4),
        column("unit", lang),
        column("n_valid", lang, digits=0),
        column("n_expected", lang, digits=0),
        column("method", lang),
        column("source", lang),
    )
    return table("sources", lang, columns, out)
