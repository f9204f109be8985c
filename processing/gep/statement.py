"""An account as rows: by zone, ecosystem, service, part and item, each with low, high, price, norm and status.

Sums are added draw by draw, and low and high are the 5 % and 95 % points of the sums: the range of a total is not the
sum of ranges. A sum of which a part is not known is not known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from processing.gep.account import Account, Flow
from processing.gep.registered import STATUSES
from processing.gep.values import ALL, lineage, read

DIMENSIONS = ("zone", "ecosystem", "category", "service", "part", "item")
COLUMNS = (
    *DIMENSIONS,
    "quantity",
    "unit",
    "quantity_low",
    "quantity_high",
    "price",
    "price_unit",
    "value_cny",
    "low",
    "high",
    "formula",
    "price_formula",
    "norm",
    "price_type",
    "price_year",
    "status",
    "n_unconfirmed",
)
#: Quantiles told as low and high.
RANGE = (0.05, 0.95)


@dataclass
class _Sum:
    """What has been added up for one row."""

    flows: dict[str, Flow] = field(default_factory=dict)
    quantity: np.ndarray | None = None
    value: np.ndarray | None = None
    prices: set[float] = field(default_factory=set)
    unconfirmed: set[str] = field(default_factory=set)
    kinds: set[tuple[str, str]] = field(default_factory=set)  # (part, unit): quantities of one kind can be added

    def add(self, flow: Flow, quantity: np.ndarray, value: np.ndarray | None, unconfirmed: frozenset[str]) -> None:
        self.flows[flow.part] = flow
        self.kinds.add((flow.part, flow.line.quantity.meta.unit))
        self.quantity = quantity if self.quantity is None else self.quantity + quantity
        if value is not None:
            self.value = value if self.value is None else self.value + value
        self.unconfirmed |= unconfirmed


def categories() -> Mapping[str, str]:
    """Service -> provisioning, regulating or cultural."""
    frame = read("gep_services")
    return dict(zip(frame["service"], frame["category"], strict=True))


def statement(
    account: Account,
    by: tuple[str, ...] = ("zone", "ecosystem", "service", "part", "item"),
    *,
    zones: Mapping[str, str] | None = None,
    level: int = 2,
    complete_only: bool = False,
) -> pd.DataFrame:
    """The rows of an account.

    Args:
        account: the account.
        by: which of DIMENSIONS are told apart; over the others it is summed. Quantities are only summed within a part.
        zones: zone -> the larger zone that it belongs to; all zones of the district by default when `zone` is left out.
        level: 1 sums ecosystems up to level I of HJ 1166.
        complete_only: leave out parts that are not known everywhere, as totals do.

    Returns:
        A frame with COLUMNS, ordered by its dimensions.
    """
    sums: dict[tuple[str, ...], _Sum] = {}
    of_service = categories()
    for flow in account.flows:
        if complete_only and not flow.complete:
            continue
        for place, quantity, value, e, i in _cells(account, flow):
            names = {
                "zone": (zones or {}).get(place[0], place[0]) if "zone" in by else account.region,
                "ecosystem": _level(place[1], level) if "ecosystem" in by else ALL,
                "category": of_service.get(flow.service, "") if {"category", "service", "part"} & set(by) else "",
                "service": flow.service if {"service", "part"} & set(by) else "",
                "part": flow.part if "part" in by else "",
                "item": place[2] if "item" in by else "",
            }
            key = tuple(names[d] for d in DIMENSIONS)
            sums.setdefault(key, _Sum()).add(flow, quantity, value, flow.unconfirmed(e, i))
    frame = pd.DataFrame([_row(account, key, of) for key, of in sums.items()], columns=list(COLUMNS))
    order = {s: n for n, s in enumerate(read("gep_services")["service"])}
    rank = frame["service"].map(order).fillna(-1)
    return frame.assign(rank=rank).sort_values(["zone", "rank", *DIMENSIONS[1:]], ignore_index=True)[list(COLUMNS)]


def _cells(
    account: Account, flow: Flow
) -> Iterator[tuple[tuple[str, str, str], np.ndarray, np.ndarray | None, int, int]]:
    """Zone, ecosystem and item of each cell with its draws of quantity and value; nought everywhere is left out."""
    of, value = flow.quantity, flow.value
    zones = account.zoned.zones if of.by_zone else (account.region,)
    ecosystems = account.zoned.ecosystems if of.by_ecosystem else (ALL,)
    for z, zone in enumerate(zones):
        for e, eco in enumerate(ecosystems):
            for i, item in enumerate(of.items):
                quantity = of.values[:, z, e, i]
                if not of.by_ecosystem or np.any(quantity != 0):
                    yield (zone, eco, item), quantity, None if value is None else value[:, z, e, i], e, i


def _level(ecosystem: str, level: int) -> str:
    return lineage(ecosystem)[-2] if level == 1 and ecosystem != ALL else ecosystem


def _row(account: Account, key: tuple[str, ...], of: _Sum) -> dict[str, object]:
    flows = list(of.flows.values())
    same = len(of.kinds) == 1
    quantity, value = of.quantity if same else None, of.value
    one = flows[0] if same else None
    low, high = _range(value)
    quantity_low, quantity_high = _range(quantity)
    central = np.nan if quantity is None else float(quantity[0])
    worth = np.nan if value is None else float(value[0])
    return dict(zip(DIMENSIONS, key, strict=True)) | {
        "quantity": central,
        "unit": one.line.quantity.meta.unit if one else "",
        "quantity_low": quantity_low,
        "quantity_high": quantity_high,
        "price": _price(one, central, worth),
        "price_unit": one.line.price.meta.unit if one and one.line.price else "",
        "value_cny": worth,
        "low": low,
        "high": high,
        "formula": " ".join(sorted({f.line.quantity.meta.id for f in flows})),
        "price_formula": " ".join(sorted({f.line.price.meta.id for f in flows if f.line.price})),
        "norm": account.profile.text.norm,
        "price_type": "; ".join(sorted({f.line.price.meta.price_type for f in flows if f.line.price})),
        "price_year": _year(account, flows),
        "status": max((f.status for f in flows), key=STATUSES.index),
        "n_unconfirmed": len(of.unconfirmed) + (not account.profile.confirmed),
    }


def _price(flow: Flow | None, quantity: float, value: float) -> float:
    """The price of a row: that of its part where it is one, else what value and quantity make it."""
    if flow is None or flow.price is None:
        return np.nan
    prices = np.unique(flow.price[0])
    if len(prices) == 1:
        return float(prices[0])
    return value / quantity if quantity else np.nan


def _year(account: Account, flows: list[Flow]) -> str:
    """Years of the prices: those of their rows, "?" for a row that tells none, else that of the account."""
    target = account.base_year or account.year
    found: set[str] = set()
    for flow in flows:
        if flow.price is not None:
            rows = [r for r, _ in flow.price_rows if r.unit.startswith("CNY")]
            found |= {str(target) if flow.moved else str(r.year or "?") for r in rows} or {str(target)}
    return " ".join(sorted(found))


def _range(values: np.ndarray | None) -> tuple[float, float]:
    if values is None or len(values) < 2:
        return np.nan, np.nan
    low, high = np.quantile(values[1:], RANGE)
    return float(low), float(high)
