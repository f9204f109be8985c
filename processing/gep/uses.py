"""What the six entries (六进) need of accounts: ranking, series, completion of targets, per area and per head."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from processing.gep.account import Account
from processing.gep.statement import statement

_KM2 = 1e6


def ranking(of: Account, population: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Townships by value (进考核, 进规划), with share, per area, per head and rank.

    What is known for the district as a whole stands in a row of the district itself without rank. Population comes
    from the input `population` unless it is given; where nobody gave it, the value per head is not known.
    """
    frame = statement(of, ("zone",), complete_only=True)[["zone", "value_cny", "low", "high"]]
    area = dict(zip(of.zoned.zones, of.zoned.area_m2.sum(axis=1) / _KM2, strict=True))
    people = dict(population) if population is not None else _population(of)
    frame["share_pct"] = 100 * frame["value_cny"] / frame["value_cny"].sum()
    frame["area_km2"] = frame["zone"].map(area)
    frame["cny_per_km2"] = frame["value_cny"] / frame["area_km2"].where(frame["area_km2"] > 0)
    frame["cny_per_head"] = frame["value_cny"] / frame["zone"].map(people).astype(float)
    inner = frame["zone"] != of.region
    inner |= of.zoned.zones == (of.region,)
    frame["rank"] = frame["value_cny"].where(inner).rank(ascending=False, method="min")
    return frame.sort_values(["rank", "zone"], na_position="last", ignore_index=True)


def _population(of: Account) -> dict[str, float]:
    taken = of.zoned.take("population", ("",))
    if taken is None or not taken.by_zone:
        return {}
    return dict(zip(of.zoned.zones, taken.values[:, 0, 0].tolist(), strict=True))


def series(accounts: Iterable[Account]) -> pd.DataFrame:
    """Yearly series by service (进监测): year, norm, price_base, service, quantity, unit, value_cny, low, high.

    Accounts of different norms or price bases stay apart by their columns: such a change is a break, not a trend.
    """
    frames = []
    for of in accounts:
        rows = statement(of, ("service", "part", "item"))
        base = "current" if of.base_year is None else str(of.base_year)
        columns = ["service", "part", "item", "quantity", "unit", "value_cny", "low", "high"]
        frames.append(rows[columns].assign(year=of.year, norm=of.profile.text.norm, price_base=base))
    return pd.concat(frames, ignore_index=True).sort_values(["norm", "price_base", "service", "part", "item", "year"])


def assessment(of: Account, last: Account, targets: Mapping[str, float]) -> pd.DataFrame:
    """Townships against last year and their targets (进考核), with growth and completion in %.

    Both accounts must have the same norm and price base, or growth would be that of prices or rules.

    Raises:
        ValueError: the norm or the price base differs, or both are at current prices.
    """
    if of.profile.id != last.profile.id or of.base_year != last.base_year:
        raise ValueError("the two accounts have not the same norm and price base; make both alike first")
    if of.base_year is None:
        raise ValueError("growth at current prices is that of prices too; make both accounts with the same base_year")
    now, then = (_by_zone(a) for a in (of, last))
    zones = sorted(set(now) | set(then))
    rows = []
    for zone in zones:
        value, before, target = now.get(zone, np.nan), then.get(zone, np.nan), targets.get(zone, np.nan)
        rows.append((zone, value, before, 100 * (value / before - 1), target, 100 * value / target))
    return pd.DataFrame(rows, columns=["zone", "value_cny", "last_cny", "growth_pct", "target_cny", "done_pct"])


def _by_zone(of: Account) -> dict[str, float]:
    frame = statement(of, ("zone",), complete_only=True)
    return dict(zip(frame["zone"], frame["value_cny"], strict=True))
