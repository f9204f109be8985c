"""Tables in the form of SEEA EA: supply and use of services, extent, condition and assets.

SEEA EA values by exchange, without consumer surplus: parts that hold it are marked, and services that SEEA EA does not
know (oxygen, negative ions, abiotic energy) are told apart by the column `seea`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from processing.gep.account import Account
from processing.gep.statement import statement
from processing.gep.values import ALL, lineage, read

_KEY = ["service", "part", "item"]


def supply(of: Account, *, level: int = 1) -> pd.DataFrame:
    """Which ecosystem supplies what: service, part, item, unit, ecosystem, quantity, value_cny, low, high, marks.

    A service that is known for a whole zone alone is supplied by the ecosystem that gep_services.csv names for it.
    """
    frame = statement(of, ("ecosystem", "service", "part", "item"), level=level, complete_only=True)
    services = read("gep_services").set_index("service")
    welfare = {f.part for f in of.flows if f.line.price is not None and f.line.price.meta.welfare}
    return frame[[*_KEY, "unit", "quantity", "value_cny", "low", "high"]].assign(
        ecosystem=suppliers(frame),
        seea_class=frame["service"].map(services["seea_class"]),
        seea=frame["service"].map(services["seea"]).eq("yes") & ~frame["part"].isin(welfare),
        welfare=frame["part"].isin(welfare),
    )


def suppliers(flows: pd.DataFrame) -> pd.Series:
    """The ecosystem of each flow (service, ecosystem); that of gep_services.csv where a whole zone alone is known."""
    given = flows["service"].map(read("gep_services").set_index("service")["ecosystem"])
    return flows["ecosystem"].where((flows["ecosystem"] != ALL) | (given == ""), given)


def use(of: Account) -> pd.DataFrame:
    """Which economic unit uses what: service, part, item, unit, user, quantity, value_cny; adds up to the supply."""
    frame = statement(of, ("service", "part", "item"), complete_only=True)
    shares: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for row in read("gep_users").itertuples():
        shares.setdefault((str(row.service), str(row.item)), []).append((str(row.user), float(str(row.share))))
    rows = [
        {c: row[c] for c in (*_KEY, "unit")}
        | {"user": user, "quantity": row["quantity"] * share, "value_cny": row["value_cny"] * share}
        for row in frame.to_dict("records")
        for user, share in shares.get((row["service"], row["item"])) or shares[row["service"], ""]
    ]
    return pd.DataFrame(rows, columns=[*_KEY, "unit", "user", "quantity", "value_cny"])


def matrix(frame: pd.DataFrame, columns: str, values: str = "value_cny") -> pd.DataFrame:
    """Supply or use as a table: a row a service, a column an ecosystem or user, with totals.

    Args:
        frame: from `supply` or `use`.
        columns: `ecosystem` or `user`.
        values: what is in the cells.
    """
    table = frame.pivot_table(index="service", columns=columns, values=values, aggfunc="sum", sort=False)
    order = [s for s in read("gep_services")["service"] if s in table.index]
    table = table.loc[order].fillna(0.0)
    table["total"] = table.sum(axis=1)
    return pd.concat([table, table.sum().to_frame("total").T])


def extent(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Extent account: zone, ecosystem, opening_ha, additions_ha, reductions_ha, closing_ha.

    Args:
        before: zone, ecosystem, area_m2 at the opening.
        after: at the closing.

    Two maps by class tell net changes only; with cell by cell changes use `extent_of_changes`.
    """
    key = ["zone", "ecosystem"]
    frame = before.merge(after, on=key, how="outer", suffixes=("_before", "_after")).fillna(0.0)
    opening, closing = frame["area_m2_before"] / 1e4, frame["area_m2_after"] / 1e4
    change = closing - opening
    return frame[key].assign(
        opening_ha=opening,
        additions_ha=change.clip(lower=0),
        reductions_ha=-change.clip(upper=0),
        closing_ha=closing,
    )


def extent_of_changes(changes: pd.DataFrame) -> pd.DataFrame:
    """Extent account from cell by cell changes: zone, origin, target, area_m2 (also where nothing changed)."""
    areas = changes.assign(ha=changes["area_m2"] / 1e4)
    moved = areas[areas["origin"] != areas["target"]]
    sides = {
        "opening_ha": areas.groupby(["zone", "origin"])["ha"].sum(),
        "additions_ha": moved.groupby(["zone", "target"])["ha"].sum(),
        "reductions_ha": moved.groupby(["zone", "origin"])["ha"].sum(),
        "closing_ha": areas.groupby(["zone", "target"])["ha"].sum(),
    }
    table = pd.DataFrame({name: side.rename_axis(["zone", "ecosystem"]) for name, side in sides.items()})
    return table.fillna(0.0).reset_index()


def condition(before: pd.DataFrame, after: pd.DataFrame, reference: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Condition account: variables against reference levels, as indicators 0..1.

    Args:
        before: zone, ecosystem, quantity, value of condition variables (cover, NPP, quality index) at the opening.
        after: at the closing.
        reference: variable -> (level of the indicator 0, level of the indicator 1).

    Returns:
        zone, ecosystem, variable, opening, closing, change, opening_indicator, closing_indicator; NaN stays NaN.
    """
    key = ["zone", "ecosystem", "quantity"]
    frame = before[[*key, "value"]].merge(after[[*key, "value"]], on=key, how="outer", suffixes=("_before", "_after"))
    frame = frame[frame["quantity"].isin(list(reference))]
    low = frame["quantity"].map({n: level[0] for n, level in reference.items()}).astype(float)
    high = frame["quantity"].map({n: level[1] for n, level in reference.items()}).astype(float)
    opening, closing = frame["value_before"].astype(float), frame["value_after"].astype(float)
    return frame[["zone", "ecosystem"]].assign(
        variable=frame["quantity"],
        opening=opening,
        closing=closing,
        change=closing - opening,
        opening_indicator=((opening - low) / (high - low)).clip(0, 1),
        closing_indicator=((closing - low) / (high - low)).clip(0, 1),
    )


def present_value(flow: np.ndarray, *, discount: float, years: int) -> np.ndarray:
    """Value of an asset, CNY: a constant yearly flow at the ends of `years` years, discounted (SEEA EA 10.3)."""
    return np.asarray(flow) * (1 - (1 + discount) ** -years) / discount if discount else np.asarray(flow) * years


def assets(causes: pd.DataFrame, *, discount: float, years: int) -> pd.DataFrame:
    """Monetary asset account by ecosystem from a decomposition of the change of flows (`change.decomposition`).

    Args:
        causes: ecosystem, service, value_before, value_after, area, quantity, price.
        discount: rate a year.
        years: how long flows are expected.

    Returns:
        ecosystem (level I), opening, additions and reductions (of area), enhancement and degradation (of quantity),
        revaluation (of price), closing; CNY, closing = opening + all changes.
    """
    top = [lineage(str(e))[-2] if e != ALL else ALL for e in suppliers(causes)]
    columns = ("value_before", "area", "quantity", "price", "value_after")
    worth = {c: present_value(causes[c].to_numpy(float), discount=discount, years=years) for c in columns}
    frame = pd.DataFrame(
        {
            "ecosystem": top,
            "opening": worth["value_before"],
            "additions": worth["area"].clip(min=0),
            "reductions": worth["area"].clip(max=0),
            "enhancement": worth["quantity"].clip(min=0),
            "degradation": worth["quantity"].clip(max=0),
            "revaluation": worth["price"],
            "closing": worth["value_after"],
        }
    )
    return frame.groupby("ecosystem", as_index=False, sort=True).sum()
