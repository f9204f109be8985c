"""The accounts of SEEA EA as tables of the report: extent, condition, supply and use, assets.

An account between an opening and a closing needs the year before; without it the tables have the closing alone and say
so. Supply and use are of one year.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from domain.texts import say
from processing.gep import seea
from processing.gep.account import Account
from processing.gep.report.names import item, unit
from processing.gep.report.tables import (
    SUM,
    YI,
    Column,
    Table,
    column,
    ecosystem_names,
    part_name,
    part_names,
    scaled_unit,
    service_names,
    table,
    yi,
)
from processing.gep.values import ALL, lineage, read

_SIDES = {"supply": "ecosystem", "use": "user"}


def monetary(account: Account, lang: str, side: str) -> Table:
    """The monetary supply or use table: services by ecosystems or by users, 亿元, with totals.

    Args:
        account: the account.
        lang: zh or en.
        side: supply or use.
    """
    across = _SIDES[side]
    wide = seea.matrix(_flows(account, side), across) / YI
    columns, wide = _laid(wide, lang, across, {k: v for k, v in service_names(lang).items() if k in wide.index})
    return table(f"{side}_money", lang, columns, wide, bold=(len(wide) - 1,), note=_exchange_note(account, lang))


def physical(account: Account, lang: str, side: str) -> Table:
    """The physical supply or use table: a row a part and item in its own unit, columns ecosystems or users."""
    across = _SIDES[side]
    flows = _flows(account, side)
    flows = flows[flows["unit"] != "CNY"].copy()
    flows["key"] = (flows["part"] + " " + flows["item"]).str.strip()
    display = read("gep_services").set_index("service")["display"]
    flows["scale"] = [float(display[s]) for s in flows["service"]]
    names = {
        r["key"]: f"{part_name(account, r['part'], lang)} {item(r['item'], lang)}".strip()
        for r in flows.to_dict("records")
    }
    units = {r["key"]: scaled_unit(r["unit"], r["scale"], lang) for r in flows.to_dict("records")}
    flows["amount"] = flows["quantity"] / flows["scale"]
    wide = flows.pivot_table(index="key", columns=across, values="amount", aggfunc="sum", sort=False)
    wide = wide.assign(total=wide.sum(axis=1))
    columns, wide = _laid(wide, lang, across, names)
    wide.insert(1, "unit", [units[k] for k in wide.index])
    columns = (Column("name", say("gep.column.part", lang)), column("unit", lang), *columns[1:])
    return table(f"{side}_quantity", lang, columns, wide, note=say("gep.note.physical", lang))


def _flows(account: Account, side: str) -> pd.DataFrame:
    return seea.supply(account) if side == "supply" else seea.use(account)


def _laid(
    wide: pd.DataFrame, lang: str, across: str, rows: Mapping[str, str]
) -> tuple[tuple[Column, ...], pd.DataFrame]:
    """Columns in the order of their table, names for rows, and what is nought everywhere left empty."""
    if across == "ecosystem":
        names = {**ecosystem_names(lang), ALL: say("gep.unplaced", lang)}
    else:
        names = {u: _user(u, lang) for u in read("gep_users")["user"]}
    keys = [k for k in names if k in wide.columns and wide[k].abs().sum() > 0]
    out = wide[[*keys, "total"]].rename(columns={"total": SUM})
    out = out.where(out != 0)
    out.insert(0, "name", [rows.get(str(k), say("gep.sum", lang)) for k in out.index])
    return (
        Column("name", say("gep.column.service", lang)),
        *(Column(k, names[k], "", 2) for k in keys),
        Column(SUM, say("gep.sum", lang), "", 2),
    ), out


def _user(user: str, lang: str) -> str:
    return say(f"gep.user.{user.replace(' ', '_')}", lang)


def _exchange_note(account: Account, lang: str) -> str:
    """What SEEA EA would leave out: services it does not know, values with consumer surplus."""
    flows = seea.supply(account).drop_duplicates("part")
    other = flows[~flows["seea"] & ~flows["welfare"]]["part"]
    surplus = flows[flows["welfare"]]["part"]
    notes = [say("gep.note.yi", lang)]
    for key, parts in (("gep.note.not_seea", other), ("gep.note.surplus", surplus)):
        if len(parts):
            notes.append(say(key, lang, parts=part_names(account, parts, lang)))
    return " ".join(notes)


def extent(changes: pd.DataFrame | None, before: pd.DataFrame | None, account: Account, lang: str) -> Table:
    """The extent account by ecosystem, km2: opening, additions, reductions, net change, closing.

    Args:
        changes: zone, origin, target, area_m2 cell by cell, None when there are not two maps.
        before: inputs of the year before, None without.
        account: of the year.
        lang: zh or en.
    """
    kept: tuple[str, ...] = ("opening_ha", "additions_ha", "reductions_ha", "closing_ha")
    if changes is not None:
        frame, note = seea.extent_of_changes(changes), say("gep.note.extent_cells", lang)
    elif before is not None and len(opening := _areas(before, account)):
        frame, note = seea.extent(opening, _areas(account.zoned.frame, account)), say("gep.note.extent_net", lang)
    else:
        frame, note = seea.extent(_areas(account.zoned.frame, account), _areas(account.zoned.frame, account)), ""
        kept, note = ("closing_ha",), say("gep.note.no_opening", lang, year=account.year - 1)
    names = ecosystem_names(lang)
    sums = frame.groupby("ecosystem")[list(kept)].sum() / 100
    sums = sums.loc[[k for k in names if k in sums.index]]
    total = sums.sum()
    rows = sums.assign(name=[names[k] for k in sums.index])
    rows.loc[SUM] = {**total, "name": say("gep.sum", lang)}
    columns = [
        column("name", lang),
        *(Column(key, say(f"gep.column.{key.removesuffix('_ha')}", lang), "km²", 2) for key in kept),
    ]
    if "opening_ha" in kept:
        rows["net"] = rows["closing_ha"] - rows["opening_ha"]
        columns.insert(-1, Column("net", say("gep.column.net", lang), "km²", 2))
    return table("extent_account", lang, columns, rows, bold=(len(rows) - 1,), note=note)


def _areas(frame: pd.DataFrame, account: Account) -> pd.DataFrame:
    """Areas of the finest ecosystems that a frame of inputs has: zone, ecosystem, area_m2."""
    for name, factor in (("area_m2", 1.0), ("area_ha", 1e4)):
        rows = frame[
            (frame["quantity"] == name) & frame["zone"].isin(account.zoned.zones) & (frame["ecosystem"] != ALL)
        ]
        if len(rows):
            return pd.DataFrame(
                {"zone": rows["zone"], "ecosystem": rows["ecosystem"], "area_m2": rows["value"] * factor}
            )
    return pd.DataFrame(columns=["zone", "ecosystem", "area_m2"])


def condition(before: pd.DataFrame | None, now: pd.DataFrame, account: Account, lang: str) -> Table:
    """The condition account: variables by ecosystem of level I at opening and closing, and as indicators 0 to 1.

    Means over townships are weighted by the area of the ecosystem there.
    """
    known = read("gep_condition").set_index("variable")
    reference = {str(v): (float(r["low"]), float(r["high"])) for v, r in known.iterrows()}
    opening, closing = (_means(f, account, tuple(reference)) for f in (before, now))
    frame = seea.condition(opening, closing, reference)
    order = {v: n for n, v in enumerate(reference)}
    names = ecosystem_names(lang)
    place = {e: n for n, e in enumerate(names)}
    frame = frame.assign(v=frame["variable"].map(order), e=frame["ecosystem"].map(place)).sort_values(["v", "e"])
    rows = frame.assign(
        name=[known.loc[v, f"name_{lang}"] for v in frame["variable"]],
        ecosystem=[names[e] for e in frame["ecosystem"]],
        unit=[unit(str(known.loc[v, "unit"]), lang) for v in frame["variable"]],
        reference=[f"{reference[v][0]:g} – {reference[v][1]:g}" for v in frame["variable"]],
    )
    sides = ("opening", "closing", "change", "opening_indicator", "closing_indicator")
    kept = [k for k in sides if rows[k].notna().any()]
    columns = [
        Column("name", say("gep.column.variable", lang)),
        column("ecosystem", lang),
        column("unit", lang),
        *(column(k, lang, digits=2) for k in kept),
        column("reference", lang),
    ]
    note = say("gep.note.condition", lang)
    if "opening" not in kept:
        note = say("gep.note.no_opening", lang, year=account.year - 1) + " " + note
    return table("condition_account", lang, columns, rows, note=note)


def _means(frame: pd.DataFrame | None, account: Account, variables: tuple[str, ...]) -> pd.DataFrame:
    """Means of the district by ecosystem of level I, weighted by area: zone, ecosystem, quantity, value."""
    out = pd.DataFrame(columns=["zone", "ecosystem", "quantity", "value"])
    if frame is None:
        return out
    rows = frame[frame["quantity"].isin(variables)].copy()
    rows = rows[rows["value"].notna()]
    whole = rows[rows["zone"].isin([account.region])]
    told = set(zip(whole["ecosystem"], whole["quantity"], strict=True))
    towns = rows[rows["zone"].isin(account.zoned.zones)]
    pairs = zip(towns["ecosystem"], towns["quantity"], strict=True)
    towns = towns[np.array([pair not in told for pair in pairs], dtype=bool)]
    area = _areas(frame, account)
    area = area.assign(ecosystem=[_top(str(e)) for e in area["ecosystem"]])
    sums = {**area.groupby(["zone", "ecosystem"])["area_m2"].sum().to_dict()}
    sums |= {(z, ALL): v for z, v in area.groupby("zone")["area_m2"].sum().to_dict().items()}
    towns = towns.assign(
        ecosystem=[_top(str(e)) for e in towns["ecosystem"]],
        weight=[sums.get((z, _top(str(e))), 0.0) for z, e in zip(towns["zone"], towns["ecosystem"], strict=True)],
    )
    towns = towns.assign(part=towns["value"] * towns["weight"])
    grouped = towns.groupby(["ecosystem", "quantity"])[["part", "weight"]].sum().reset_index()
    grouped = grouped.assign(value=grouped["part"] / grouped["weight"].where(grouped["weight"] > 0))
    found = pd.concat([whole, grouped], ignore_index=True).reindex(columns=out.columns)
    return found.assign(zone=account.region)


def _top(ecosystem: str) -> str:
    return lineage(ecosystem)[-2] if ecosystem != ALL else ALL


def assets(causes: pd.DataFrame | None, account: Account, lang: str) -> Table:
    """The monetary asset account by ecosystem, 亿元: present value of the flows, opening to closing by cause.

    Args:
        causes: of the change from the year before (`change.decomposition`), None without.
        account: of the year.
        lang: zh or en.
    """
    discount, years = _setting("asset_discount_pct") / 100, int(_setting("asset_life_years"))
    alone = causes is None
    frame = seea.assets(_unchanged(account) if causes is None else causes, discount=discount, years=years)
    names = ecosystem_names(lang)
    place = {e: n for n, e in enumerate(names)}
    frame = frame.sort_values("ecosystem", key=lambda c: c.map(place), ignore_index=True)
    money = [c for c in frame if c != "ecosystem"]
    frame[money] /= YI
    frame.loc[len(frame)] = {"ecosystem": SUM, **frame[money].sum()}
    rows = frame.assign(name=[names.get(e, say("gep.sum", lang)) for e in frame["ecosystem"]])
    kept = ["closing"] if alone else money
    columns = [column("name", lang), *(column(k, lang, yi(lang), 2) for k in kept)]
    mark = say("gep.status.start_value", lang)
    note = say("gep.note.assets", lang, rate=f"{100 * discount:g}", years=years, mark=mark)
    if alone:
        note = say("gep.note.no_opening", lang, year=account.year - 1) + " " + note
    return table("asset_account", lang, columns, rows, bold=(len(rows) - 1,), note=note)


def _setting(name: str) -> float:
    frame = read("gep_parameters")
    return float(frame.loc[frame["parameter"] == name, "value"].iloc[0])


def _unchanged(account: Account) -> pd.DataFrame:
    """An account beside itself: nothing changed, so that only what it is worth is left."""
    flows = seea.supply(account)
    worth = flows["value_cny"].fillna(0.0)
    nought = np.zeros(len(flows))
    out = flows[["ecosystem", "service"]].assign(value_before=worth, value_after=worth)
    return out.assign(area=nought, quantity=nought, price=nought)
