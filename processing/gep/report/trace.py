"""From a number of an account back to what it was made from: formula, parameters, inputs, and the cells of forms."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.texts import say
from processing.gep.account import Account
from processing.gep.evaluate import Computed
from processing.gep.registered import Given, Parameter, Registered, Result, resolved
from processing.gep.report import names
from processing.gep.report.tables import County, ecosystem_names, mark
from processing.gep.values import ALL, Row, lineage

#: Inputs of one quantity that are told one by one; of more, how many there are and the first sources.
_MOST = 6


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a number was made from, and what that was made from in turn."""

    kind: str  # value, quantity, price, formula, parameter, input, result
    text: str
    source: str = ""  # as the archive has it; `printed` shortens its digests
    steps: tuple["Step", ...] = ()

    @property
    def printed(self) -> str:
        """The source as it is printed."""
        return names.source(self.source)

    def lines(self, depth: int = 0) -> Iterator[tuple[int, "Step"]]:
        """Depth and step, itself first."""
        yield depth, self
        for step in self.steps:
            yield from step.lines(depth + 1)


@dataclass(frozen=True, slots=True)
class Cell:
    """Which number: a part of the account, and where; empty words stand for all."""

    part: str
    zone: str = ""
    ecosystem: str = ""
    item: str = ""

    @classmethod
    def read(cls, text: str) -> "Cell":
        """`part`, `part/zone`, `part/zone/ecosystem` or `part/zone/ecosystem/item`; a word may be left empty."""
        return cls(*[*text.split("/"), "", "", ""][:4])


def trace(account: Account, inputs: pd.DataFrame, cell: Cell, county: County, lang: str) -> Step:
    """What a number of the account was made from.

    Args:
        account: the account.
        inputs: what it was made from (rows of gep_inputs, with method and source).
        cell: which number.
        county: names of townships.
        lang: zh or en.

    Raises:
        KeyError: the account has no such part, zone, ecosystem or item.
    """
    flow = account.part(cell.part)
    told = _Telling(account, inputs, cell, county, lang)
    value = _value(account, cell, county, lang)
    quantity = Step("quantity", say("gep.trace.quantity", lang), steps=told.of(flow.line.quantity, flow.quantity))
    steps = [quantity]
    if flow.line.price is not None:
        used = _Used(flow.price_rows)
        steps.append(Step("price", say("gep.trace.price", lang), steps=told.of(flow.line.price, used)))
    return Step("value", value, steps=tuple(steps))


def _value(account: Account, cell: Cell, county: County, lang: str) -> str:
    """The number itself in words: quantity times price."""
    flow = account.part(cell.part)
    of = flow.quantity
    zones = account.zoned.zones if of.by_zone else (account.region,)
    kinds = account.zoned.ecosystems if of.by_ecosystem else (ALL,)
    chosen = np.ix_(
        [cell.zone in ("", zone) for zone in zones],
        [cell.ecosystem == "" or cell.ecosystem in lineage(kind) for kind in kinds],
        [cell.item in ("", item) for item in of.items],
    )
    if not all(axis.size for axis in chosen):
        raise KeyError("/".join(w for w in (cell.part, cell.zone, cell.ecosystem, cell.item) if w))
    quantity = float(of.values[0][chosen].sum())
    value = np.nan if flow.value is None else float(flow.value[0][chosen].sum())
    meta, price = flow.line.quantity.meta, flow.line.price
    place = [county.zones.get(cell.zone, county.name), ecosystem_names(lang).get(cell.ecosystem or ALL, cell.ecosystem)]
    return say(
        "gep.trace.value", lang, name=meta.name_zh if lang == "zh" else meta.name_en,
        where=" · ".join([*place, names.item(cell.item, lang)]).strip(" ·"), year=account.year,
        quantity=_number(quantity), unit=names.unit(meta.unit, lang),
        price=_number(value / quantity if quantity else np.nan),
        price_unit=names.unit(price.meta.unit, lang) if price else "", value=_number(value),
    )  # fmt: skip


def _number(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


@dataclass(frozen=True)
class _Used:
    """Rows of a price, as those of a quantity are told."""

    used: tuple[tuple[Row, np.ndarray], ...]


@dataclass(frozen=True)
class _Telling:
    account: Account
    inputs: pd.DataFrame
    cell: Cell
    county: County
    lang: str

    def of(self, formula: Registered, computed: "Computed | _Used") -> tuple[Step, ...]:
        """The formula, and for each of its arguments where it is from."""
        meta = formula.meta
        name = meta.name_zh if self.lang == "zh" else meta.name_en
        text = say("gep.trace.formula", self.lang, id=meta.id, name=name, expression=meta.expression)
        out = [Step("formula", text, f"{meta.clause} [{mark(meta.status, self.lang)}]")]
        rows: dict[str, list[Row]] = {}
        for row, where in computed.used:
            if self._here(where):
                rows.setdefault(row.parameter, []).append(row)
        for argument in meta.arguments.values():
            of = resolved(argument, self.account.profile.switches)
            if isinstance(of, Given):
                out.append(self._input(of.name))
            elif isinstance(of, Parameter):
                out += self._rows(rows.pop(of.name.partition(":")[0], []))
            elif isinstance(of, Result):
                out.append(self._result(of.part))
        left = [row for name in rows if name.startswith("price_index") for row in rows[name]]
        return (*out, *self._rows(left))

    def _here(self, where: np.ndarray) -> bool:
        """Whether a row was used for the ecosystem of the cell."""
        kinds = self.account.zoned.ecosystems
        if not self.cell.ecosystem or len(where) != len(kinds):
            return True
        return bool(where[[self._inside(kind) for kind in kinds]].any())

    def _inside(self, kind: str) -> bool:
        return not self.cell.ecosystem or self.cell.ecosystem in lineage(kind)

    def _rows(self, rows: Iterable[Row]) -> list[Step]:
        kinds = ecosystem_names(self.lang)
        out = []
        for row in rows:
            if row.item and self.cell.item and row.item != self.cell.item:
                continue
            of = [names.item(row.item, self.lang), kinds[row.ecosystem] if row.ecosystem != ALL else ""]
            told = " ".join(w for w in (names.parameter(row.parameter, self.lang), *of, str(row.year or "")) if w)
            text = f"{told} = {row.value:g} {names.unit(row.unit, self.lang)}"
            out.append(Step("parameter", text, f"{row.source} · {row.set} [{mark(row.status, self.lang)}]"))
        return out

    def _result(self, part: str) -> Step:
        flow = self.account.part(part)
        meta = flow.line.quantity.meta
        name = meta.name_zh if self.lang == "zh" else meta.name_en
        return Step("result", name, steps=self.of(flow.line.quantity, flow.quantity))

    def _input(self, quantity: str) -> Step:
        rows = self.inputs[self.inputs["quantity"].str.partition(":")[0] == quantity]
        items = rows["quantity"].str.partition(":")[2]
        rows = rows[(items == self.cell.item) | (items == "") | (self.cell.item == "")]
        name = names.factor(f"input/{quantity}", self.lang)
        if self.cell.zone:
            own = rows[rows["zone"] == self.cell.zone]
            rows = own if len(own) else rows[rows["zone"] == self.account.region]
        kinds = {*lineage(self.cell.ecosystem)} if self.cell.ecosystem else None
        rows = rows[[kinds is None or self._inside(e) or e in kinds for e in rows["ecosystem"]]]
        steps = [self._given(row) for row in rows.head(_MOST).to_dict("records")]
        if len(rows) > _MOST:
            steps.append(Step("input", say("gep.trace.more", self.lang, n=len(rows) - _MOST)))
        text = say("gep.trace.input", self.lang, name=name, quantity=quantity, n=len(rows))
        return Step("input", text, steps=tuple(steps))

    def _given(self, row: Mapping[str, object]) -> Step:
        place = self.county.zones.get(str(row["zone"]), self.county.name)
        kind = "" if row["ecosystem"] == ALL else ecosystem_names(self.lang).get(str(row["ecosystem"]), "")
        of = names.item(str(row["quantity"]).partition(":")[2], self.lang)
        told = " · ".join(w for w in (place, kind, of) if w)
        text = f"{told} = {_number(float(str(row['value'])))} {names.unit(str(row['unit']), self.lang)}"
        return Step("input", text, f"{row['method']} · {row['source']}")
