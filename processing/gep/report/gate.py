"""What stands against publishing an account: checks that a person must answer before anything goes out.

Nothing here changes a number. An account with objections is published only when the approver, who is not the author,
gives a reason, and the reason stands on its cover.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.texts import say
from processing.gep.account import Account
from processing.gep.statement import statement
from processing.gep.values import read

#: A district's area may differ this much from its map, and a year's total this much from the year before (own choice).
AREA_PCT, YEAR_PCT = 2.0, 30.0


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that stands against publishing."""

    kind: str
    values: tuple[tuple[str, object], ...] = ()

    def what(self, lang: str | None = None) -> str:
        """The objection in words."""
        return say(f"gep.objection.{self.kind}", lang, **dict(self.values))


def objections(
    account: Account, inputs: pd.DataFrame, *, map_km2: float = float("nan"), before: Account | None = None
) -> list[Objection]:
    """Everything that stands against publishing an account.

    Args:
        account: to be published.
        inputs: what it was made from (rows of gep_inputs).
        map_km2: area of the district by its map, NaN when it is not known.
        before: the account of the year before by the same profile.
    """
    found = [] if account.complete else [Objection("incomplete", (("n", len(account.missing)),))]
    found += _implausible(inputs)
    km2 = float(account.zoned.area_m2.sum() / 1e6)
    if np.isfinite(map_km2) and abs(km2 - map_km2) > AREA_PCT / 100 * map_km2:
        found.append(Objection("area", (("km2", f"{km2:,.1f}"), ("map_km2", f"{map_km2:,.1f}"))))
    by_zone = statement(account, by=("zone",), complete_only=True)["value_cny"].sum()
    if not np.isclose(by_zone, account.total, rtol=1e-9):
        found.append(Objection("sum", (("zones", f"{by_zone:,.0f}"), ("total", f"{account.total:,.0f}"))))
    if before is not None and before.total > 0:
        change = 100 * (account.total / before.total - 1)
        if abs(change) > YEAR_PCT:
            found.append(Objection("year", (("pct", f"{change:+.1f}"), ("year", before.year))))
    return found


def _implausible(inputs: pd.DataFrame) -> list[Objection]:
    """Inputs outside of the plausible range of their quantity."""
    table = read("gep_quantities").set_index("quantity")
    limits = table[["low", "high"]].apply(lambda c: pd.to_numeric(c.where(c != "")))
    names = inputs["quantity"].str.partition(":")[0] if len(inputs) else inputs["quantity"]
    low, high = (names.map(limits[side]) for side in ("low", "high"))
    bad = inputs[(inputs["value"] < low) | (inputs["value"] > high)]
    return [
        Objection(
            "implausible",
            (
                ("quantity", r["quantity"]),
                ("zone", r["zone"]),
                ("value", f"{r['value']:,.6g}"),
                ("low", f"{low[i]:g}"),
                ("high", f"{high[i]:g}"),
            ),
        )
        for i, r in zip(bad.index, bad.to_dict("records"), strict=True)
    ]
