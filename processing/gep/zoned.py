"""The inputs of an account as arrays by zone, ecosystem and item.

Rows are those of the table gep_inputs: zone, ecosystem, quantity, value. A quantity may carry an item after a colon
(`air_emission_t:SO2`); the ecosystem `all` speaks of the whole zone; rows of the district itself are used where its
zones have none. Missing stays NaN: nothing is filled but a mean from the ecosystem or district above, and that is said.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd

from processing.gep.said import Said, said
from processing.gep.values import ALL, lineage, read

_M2_PER_HA = 1e4


@dataclass(frozen=True)
class Taken:
    """One input: (zone, ecosystem, item), axes of length 1 where it does not depend on them."""

    values: np.ndarray
    by_zone: bool
    by_ecosystem: bool
    summed: bool  # a sum, that may be added over zones, or a mean
    notes: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Zoned:
    """The inputs of one year of a district.

    Args:
        frame: zone, ecosystem, quantity, value of the year.
        region: code of the district.
        zones: its parts that do not overlap; the district itself when there are none.
    """

    frame: pd.DataFrame
    region: str
    zones: tuple[str, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, region: str, zones: Iterable[str] | None = None) -> "Zoned":
        """The inputs with the zones that the rows name, the district itself when they name no other."""
        named = tuple(dict.fromkeys(frame["zone"])) if zones is None else tuple(zones)
        inner = tuple(sorted(z for z in named if z != region)) or (region,)
        return cls(frame, region, inner)

    @cached_property
    def _rows(self) -> Mapping[str, dict[str, dict[tuple[str, str], float]]]:
        """Quantity -> item -> (zone, ecosystem) -> value."""
        out: dict[str, dict[str, dict[tuple[str, str], float]]] = {}
        for row in self.frame[["zone", "ecosystem", "quantity", "value"]].itertuples(index=False):
            name, _, item = str(row.quantity).partition(":")
            out.setdefault(name, {}).setdefault(item, {})[str(row.zone), str(row.ecosystem)] = float(str(row.value))
        return out

    @cached_property
    def ecosystems(self) -> tuple[str, ...]:
        """The finest ecosystems that have an area, or without areas those that any sum is given for."""
        for name in ("area_m2", "area_ha"):
            if name in self._rows:
                return tuple(dict.fromkeys(e for _, e in self._rows[name][""] if e != ALL)) or (ALL,)
        sums = [i for n, items in self._rows.items() if _kind(n) == "sum" for i in items.values()]
        return tuple(dict.fromkeys(e for rows in sums for _, e in rows if e != ALL)) or (ALL,)

    @cached_property
    def area_m2(self) -> np.ndarray:
        """Area by zone and ecosystem, m2; 0 where a zone has none of it."""
        name, factor = ("area_m2", 1.0) if "area_m2" in self._rows else ("area_ha", _M2_PER_HA)
        rows = self._rows.get(name, {}).get("", {})
        return factor * np.array([[rows.get((z, e), 0.0) for e in self.ecosystems] for z in self.zones])

    def items(self, name: str) -> tuple[str, ...]:
        """The items that a quantity is given for; "" when it is given without."""
        return tuple(self._rows.get(name, {}))

    def method(self, name: str) -> str:
        """How a quantity was made, as its rows say; "" when they do not."""
        if "method" not in self.frame:
            return ""
        texts = self.frame.loc[self.frame["quantity"].str.partition(":")[0] == name, "method"]
        return str(texts.iloc[0]) if len(texts) else ""

    def take(self, name: str, items: tuple[str, ...]) -> Taken | None:
        """A quantity for these items; None when nobody gave it.

        A quantity without items speaks for all of them.
        """
        if name == "area_m2" and self.area_m2.any():
            return Taken(self.area_m2[..., np.newaxis], True, True, summed=True)
        rows = self._rows.get(name)
        if rows is None:
            return None
        chosen = items if any(i in rows for i in items) else ("",) if "" in rows else ()
        if not chosen:
            return None
        if _kind(name) == "sum":
            return self._sum(name, {i: rows.get(i, {}) for i in chosen})
        return self._mean(name, {i: rows.get(i, {}) for i in chosen})

    def _sum(self, name: str, rows: Mapping[str, Mapping[tuple[str, str], float]]) -> Taken:
        known = {key for of in rows.values() for key in of}
        inner = {(z, e) for z, e in known if z in self.zones}
        if any(e != ALL for _, e in inner):
            return self._sum_by_ecosystem(rows, inner)
        zones = [z for z in self.zones if (z, ALL) in inner]
        if len(zones) == len(self.zones):
            values = [[[of.get((z, ALL), np.nan) for of in rows.values()]] for z in self.zones]
            return Taken(np.array(values, dtype=float), True, False, summed=True)
        if (self.region, ALL) in known:
            values = [[[of.get((self.region, ALL), np.nan) for of in rows.values()]]]
            notes = (said("account.said.of_district", quantity=name),)
            return Taken(np.array(values, dtype=float), False, False, summed=True, notes=notes)
        values = [[[of.get((z, ALL), np.nan) for of in rows.values()]] for z in self.zones]
        return Taken(np.array(values, dtype=float), True, False, summed=True)

    def _sum_by_ecosystem(
        self, rows: Mapping[str, Mapping[tuple[str, str], float]], known: set[tuple[str, str]]
    ) -> Taken:
        """0 where an item of a zone and ecosystem is not given but others are, NaN where none is but there is area."""
        out = np.zeros((len(self.zones), len(self.ecosystems), len(rows)))
        for z, zone in enumerate(self.zones):
            for e, eco in enumerate(self.ecosystems):
                if (zone, eco) in known:
                    out[z, e] = [of.get((zone, eco), 0.0) for of in rows.values()]
                elif self.area_m2[z, e] > 0:
                    out[z, e] = np.nan
        return Taken(out, True, True, summed=True)

    def _mean(self, name: str, rows: Mapping[str, Mapping[tuple[str, str], float]]) -> Taken:
        known = {key for of in rows.values() for key in of}
        if not any(z in self.zones for z, _ in known):
            return self._mean_of_district(name, rows, known)
        by_ecosystem = any(e != ALL for _, e in known)
        ecosystems = self.ecosystems if by_ecosystem else (ALL,)
        out = np.full((len(self.zones), len(ecosystems), len(rows)), np.nan)
        borrowed: set[str] = set()
        for z, zone in enumerate(self.zones):
            for e, eco in enumerate(ecosystems):
                for i, of in enumerate(rows.values()):
                    place, out[z, e, i] = _nearest(of, (zone, self.region), eco)
                    if place == self.region != zone and (not by_ecosystem or self.area_m2[z, e] > 0):
                        borrowed.add(zone)
        notes = (said("account.said.district_mean", quantity=name, n=len(borrowed)),) if borrowed else ()
        return Taken(out, True, by_ecosystem, summed=False, notes=notes)

    def _mean_of_district(
        self, name: str, rows: Mapping[str, Mapping[tuple[str, str], float]], known: set[tuple[str, str]]
    ) -> Taken:
        by_ecosystem = any(e != ALL for _, e in known)
        ecosystems = self.ecosystems if by_ecosystem else (ALL,)
        values = [[[_nearest(of, (self.region,), e)[1] for of in rows.values()] for e in ecosystems]]
        inner = len(self.zones) if self.zones != (self.region,) else 0
        notes = (said("account.said.district_mean", quantity=name, n=inner),) if inner else ()
        return Taken(np.array(values, dtype=float), False, by_ecosystem, summed=False, notes=notes)


def _nearest(of: Mapping[tuple[str, str], float], zones: tuple[str, ...], ecosystem: str) -> tuple[str, float]:
    """Where a mean is known nearest to an ecosystem of a zone, and the mean; NaN when nowhere."""
    for zone in zones:
        for eco in lineage(ecosystem):
            value = of.get((zone, eco), np.nan)
            if not np.isnan(value):
                return zone, value
    return "", np.nan


def _kind(name: str) -> str:
    return _kinds().get(name, "mean")


@cache
def _kinds() -> Mapping[str, str]:
    frame = read("gep_quantities")
    return dict(zip(frame["quantity"], frame["kind"], strict=True))
