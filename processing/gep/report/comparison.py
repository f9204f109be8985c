"""This year beside the year before, at current and at comparable prices, and what the change is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.texts import say
from processing.gep.account import Account
from processing.gep.change import EFFECTS, contributions, decomposition, incomparable
from processing.gep.price_index import LEVEL, LINK
from processing.gep.report.names import source, unit
from processing.gep.report.tables import YI, Column, County, Table, column, mark, part_names, service_names, table, yi
from processing.gep.uses import assessment
from processing.gep.values import Row


@dataclass(frozen=True)
class Years:
    """Two years by one profile, each at current prices and at those of one base year."""

    base_year: int
    current: tuple[Account, Account]  # the year before, and this one
    comparable: tuple[Account, Account]

    @property
    def before(self) -> Account:
        """The year before at current prices."""
        return self.current[0]


def uncompared(years: Years, lang: str) -> str:
    """The parts that are left out because one of the two years or price bases does not know them; "" for none."""
    parts = {p for pair in (years.current, years.comparable) for p in incomparable(*pair)}
    return part_names(years.current[1], sorted(parts), lang)


def growth(years: Years, lang: str) -> Table:
    """T4 and T5: services of two years at current and at comparable prices, with growth and contribution.

    A service that one side does not know has no figure, and is in no total.
    """
    sides = {"current": decomposition(*years.current), "comparable": decomposition(*years.comparable)}
    known = set(sides["current"]["part"]) & set(sides["comparable"]["part"])
    rows = pd.DataFrame(index=[s for s in service_names(lang) if s in set(sides["current"]["service"])])
    for name, causes in sides.items():
        sums = causes[causes["part"].isin(known)].groupby("service")[["value_before", "value_after"]].sum() / YI
        rows[f"{name}_before"], rows[f"{name}_after"] = sums["value_before"], sums["value_after"]
    rows = rows.dropna()
    comparable = sides["comparable"]
    points = contributions(comparable[comparable["part"].isin(known)]).set_index("service")["total_pp"]
    rows["points"] = points
    total = rows.sum()
    rows.insert(0, "service", [service_names(lang)[s] for s in rows.index])
    rows.loc["total"] = {"service": say("gep.sum", lang), **total}
    for name in sides:
        first = rows[f"{name}_before"]
        rows[f"{name}_growth"] = 100 * (rows[f"{name}_after"] / first.where(first != 0) - 1)
    years_told = tuple(str(a.year) for a in years.current)
    columns = [column("service", lang)]
    for name in sides:
        told = say(f"gep.column.{name}", lang, base=years.base_year)
        columns += [
            Column(f"{name}_before", f"{years_told[0]} {told}", yi(lang), 2),
            Column(f"{name}_after", f"{years_told[1]} {told}", yi(lang), 2),
            Column(f"{name}_growth", f"{say('gep.column.growth', lang)} {told}", "%", 2),
        ]
    columns.append(column("points", lang, "%", 2))
    note = say("gep.note.growth", lang, base=years.base_year)
    return table("growth", lang, columns, rows, bold=(len(rows) - 1,), note=note)


def change(years: Years, lang: str) -> Table:
    """The change of each service at current prices by cause, 亿元."""
    before, now = years.current
    causes = decomposition(before, now).groupby("service", sort=False)[["value_before", "value_after", *EFFECTS]].sum()
    names = service_names(lang)
    rows = (causes / YI).reset_index()
    rows["service"] = [names[s] for s in rows["service"]]
    total = rows.drop(columns="service").sum()
    rows.loc[len(rows)] = {"service": say("gep.sum", lang), **total}
    money = yi(lang)
    columns = (
        column("service", lang),
        Column("value_before", str(before.year), money, 2),
        *(Column(k, say(f"gep.cause.{k}", lang), money, 2) for k in EFFECTS),
        Column("value_after", str(now.year), money, 2),
    )
    return table("change", lang, columns, rows, bold=(len(rows) - 1,), note=say("gep.note.causes", lang))


def causes(years: Years, lang: str) -> pd.Series:
    """CNY by cause from the earlier total to this one; parts that only one of them has are one cause."""
    before, now = years.current
    found = decomposition(before, now)[list(EFFECTS)].sum()
    found["parts"] = now.total - before.total - float(np.sum(found.to_numpy()))
    return pd.Series({say(f"gep.cause.{k}", lang): float(v) for k, v in found.items()})


def index(account: Account, lang: str) -> Table | None:
    """The price indices that moved money to the prices of this account; None when none was needed."""
    used: set[Row] = set()
    for flow in account.flows:
        used |= {row for row, _ in (*flow.quantity.used, *flow.price_rows) if row.parameter in (LEVEL, LINK)}
    if not used:
        return None
    rows = pd.DataFrame(
        [
            {
                "year": str(r.year),
                "amount": r.value,
                "base": unit(r.unit, lang),
                "source": source(r.source),
                "mark": mark(r.status, lang),
            }
            for r in sorted(used, key=lambda r: (r.year or 0, r.parameter))
        ]
    )
    columns = (
        column("year", lang),
        Column("amount", say("gep.column.index", lang), "", 1),
        column("base", lang),
        column("source", lang),
        column("mark", lang),
    )
    return table("price_index", lang, columns, rows, note=say("gep.note.index", lang))


def assessed(years: Years, county: County, targets: Mapping[str, float], lang: str) -> Table:
    """Townships against the year before and their targets, at comparable prices."""
    frame = assessment(years.comparable[1], years.comparable[0], targets)
    frame = frame[frame["zone"].isin(years.current[1].zoned.zones)]
    order = frame["growth_pct"].rank(ascending=False, method="min")
    rows = frame.assign(
        name=[county.zones.get(z, z) for z in frame["zone"]],
        rank=order,
        value_before=frame["last_cny"] / YI,
        value_after=frame["value_cny"] / YI,
        target=frame["target_cny"] / YI,
    ).sort_values(["rank", "zone"])
    before, now = (str(a.year) for a in years.comparable)
    money = yi(lang)
    columns = [
        column("rank", lang, digits=0),
        column("name", lang),
        Column("value_before", before, money, 2),
        Column("value_after", now, money, 2),
        Column("growth_pct", say("gep.column.growth", lang), "%", 2),
    ]
    note = say("gep.note.assessed", lang, base=years.base_year)
    if targets:
        columns += [column("target", lang, money, 2), Column("done_pct", say("gep.column.done", lang), "%", 1)]
    else:
        note += " " + say("gep.note.no_targets", lang)
    return table("assessed", lang, columns, rows, note=note)
