"""What departments reported -> inputs and local prices of an account, by the table gep_form_uses.csv.

A target that needs several items (output less intermediate consumption) is given only where all of them were reported.
What does not apply somewhere is nought in a sum and no figure in a mean; means have a row of the district beside those
of its townships. Nothing is filled in: what is missing stays missing, and the account says so.
"""

from functools import cache

import numpy as np
import pandas as pd

from domain.catalogue import TABLES_DIR, read_table
from domain.errors import CatalogueError
from domain.forms import forms
from domain.records import TABLES

REPORTED = "reported"
#: A target that ends so is one quantity an object, by its name.
_EACH = ":*"
#: The item of the forms that is a series over years: the consumer price index, last year = 100.
INDEX = "cpi"
_KEYS = ["zone", "ecosystem", "target"]
_DISTRICT = 6  # digits of a district's code (GB/T 2260)


@cache
def uses() -> pd.DataFrame:
    """Item of a form -> target: into (quantity, price), ecosystem, factor, combine (sum, mean), weight (an item or "").

    Raises:
        CatalogueError: a row names an item no form has, or says something else that cannot be; all at once.
    """
    frame = read_table(
        TABLES_DIR / "gep_form_uses.csv",
        columns=["item", "into", "target", "ecosystem", "factor", "combine", "weight", "note"],
        key=["item", "target"],
    )
    items = {item.id for form in forms().values() for item in form.items}
    problems = [
        f"gep_form_uses.csv:{r['line']}: {r['item']}: {what}"
        for r in frame.to_dict("records")
        for what, wrong in (
            ("no form has this item", r["item"] not in items),
            (f"no form has the weight {r['weight']!r}", r["weight"] not in items | {""}),
            (f"into {r['into']!r}", r["into"] not in ("quantity", "price")),
            (f"combine {r['combine']!r}", r["combine"] not in ("sum", "mean")),
        )
        if wrong
    ]
    if problems:
        raise CatalogueError(problems)
    return frame.assign(factor=frame["factor"].astype(float))


def inputs_of(statistics: pd.DataFrame) -> pd.DataFrame:
    """Figures of the table `statistics` as rows of `gep_inputs`, in the units of the account.

    Args:
        statistics: rows of any years and zones.

    Returns:
        One row per zone, ecosystem, year and quantity; sums over the objects of a zone, or their (weighted) mean.
    """
    found = _combined(statistics, "quantity")
    return TABLES["gep_inputs"].frame(
        pd.DataFrame(
            {
                "zone": found["zone"],
                "ecosystem": found["ecosystem"],
                "year": found["year"],
                "quantity": found["target"],
                "value": found["value"],
                "unit": found["unit"],
                "n_valid": found["n"],
                "n_expected": found["n"],
                "method": REPORTED,
                "source": found["source"],
            }
        )
    )


def prices_of(statistics: pd.DataFrame) -> pd.DataFrame:
    """Local prices and costs among the figures, with the columns of gep_prices.csv; the set is `reported`."""
    found = _combined(statistics, "price")
    names = [str(target).partition(":") for target in found["target"]]
    return pd.DataFrame(
        {
            "parameter": [name[0] for name in names],
            "item": [name[2] for name in names],
            "ecosystem": found["ecosystem"],
            "region": found["zone"],
            "year": found["year"].astype(float),
            "value": found["value"],
            "low": np.nan,
            "high": np.nan,
            "distribution": "",
            "unit": found["unit"],
            "set": REPORTED,
            "source": found["source"],
            "status": "confirmed",
            "note": "",
        }
    )


def _combined(statistics: pd.DataFrame, into: str) -> pd.DataFrame:
    """zone, ecosystem, year, target, value, unit, n, source of each target all of whose items are there."""
    rules = uses()
    rules = rules[rules["into"] == into]
    absent = statistics["state"] == "not applicable"
    known = statistics.assign(value=statistics["value"].where(~absent, 0.0), absent=absent)
    known = known[known["value"].notna()]
    weights = known[["zone", "year", "object", "item", "value"]]
    weights = weights.rename(columns={"item": "weight", "value": "heaviness"})
    rows = known.merge(rules, on="item").merge(weights, on=["zone", "year", "object", "weight"], how="left")
    rows = rows[(rows["combine"] == "sum") | ~rows["absent"]]
    rows = rows[(rows["weight"] == "") | rows["heaviness"].notna()]
    means = rows[(rows["combine"] == "mean") & (rows["zone"].str.len() > _DISTRICT)]
    rows = pd.concat([rows, means.assign(zone=means["zone"].str[:_DISTRICT])], ignore_index=True)
    rows = rows.sort_values(["zone", "year", "target", "item", "object", "cell"])
    rows["heaviness"] = np.where(rows["weight"] == "", 1.0, rows["heaviness"])
    rows["rule"] = rows["target"]
    rows["target"] = [
        t.replace(_EACH, f":{o}" if o else "") for t, o in zip(rows["target"], rows["object"], strict=True)
    ]
    rows["part"] = rows["value"] * rows["factor"]
    rows["share"] = rows["part"] * rows["heaviness"]
    grouped = rows.groupby([*_KEYS, "year"], sort=True)
    out = grouped.agg(
        total=("part", "sum"),
        shared=("share", "sum"),
        heavy=("heaviness", "sum"),
        combine=("combine", "first"),
        rule=("rule", "first"),
        n=("part", "size"),
        n_items=("item", "nunique"),
        source=("cell", lambda cells: f"{cells.iloc[0]} (+{len(cells) - 1})" if len(cells) > 1 else cells.iloc[0]),
    ).reset_index()
    needed = rules.groupby("target")["item"].nunique()
    out = out[out["n_items"] == out["rule"].map(needed)]
    mean = out["shared"] / out["heavy"].where(out["heavy"] > 0)
    out["value"] = np.where(out["combine"] == "sum", out["total"], mean)
    out["unit"] = out["rule"].map(_units())
    return _everywhere(out[out["value"].notna()]).reset_index(drop=True)


def _everywhere(found: pd.DataFrame) -> pd.DataFrame:
    """With the noughts of objects that lie in another zone: a zone that reported knows that they are not in it."""
    each = found["rule"].str.endswith(_EACH)
    parts = [found[~each]]
    for _, ours in found[each].groupby(["rule", "year"], sort=True):
        names = [t for t in dict.fromkeys(ours["target"]) if ":" in t] or [ours["target"].iloc[0]]
        zones = ours.drop_duplicates("zone")
        for name in names:
            there = ours[ours["target"] == name]
            parts += [there, zones[~zones["zone"].isin(there["zone"])].assign(target=name, value=0.0)]
    return pd.concat(parts)


@cache
def _units() -> dict[str, str]:
    """Unit of each target, from gep_quantities.csv and gep_prices.csv.

    Raises:
        CatalogueError: a target is neither a quantity nor a price of those tables.
    """
    from processing.gep.values import read

    quantities = dict(zip(read("gep_quantities")["quantity"], read("gep_quantities")["unit"], strict=True))
    prices = {(r["parameter"], r["item"]): str(r["unit"]) for r in read("gep_prices").to_dict("records")}
    units: dict[str, str] = {}
    problems = []
    for row in uses().to_dict("records"):
        name, _, item = str(row["target"]).partition(":")
        unit = quantities.get(name) if row["into"] == "quantity" else prices.get((name, item))
        if unit is None:
            problems.append(f"gep_form_uses.csv:{row['line']}: {row['target']}: no such {row['into']}")
        units[str(row["target"])] = str(unit)
    if problems:
        raise CatalogueError(problems)
    return units
