"""Incidents as the console asks for them: the list a person sees, the layer of the map, the red ones."""

from collections.abc import Collection as Names
from dataclasses import dataclass
from typing import Any

import pandas as pd

from console.web.county import Collection, collection, feature, point
from console.web.site import Site
from store.ledger.incidents import count_incidents, list_incidents, read_incidents

#: What the list is filtered by, in the order of the address.
FILTERS = ("words", "handling", "severity", "kind", "township", "eye")

_TOLD = ("kind", "title_zh", "title_en", "severity", "handling", "confidence", "eyes", "assignee", "overdue")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which incidents are listed; "" does not matter."""

    words: str = ""
    handling: str = ""
    severity: str = ""
    kind: str = ""
    township: str = ""
    eye: str = ""
    past: bool = False  # closed and merged ones too

    def asked(self) -> dict[str, Any]:
        """As the ledger is asked."""
        named = {k: getattr(self, k) or None for k in FILTERS if k != "words"}
        return {**named, "text": self.words, "active": None if self.past else True}


def listed(site: Site, wanted: Filter, *, limit: int, offset: int = 0) -> pd.DataFrame:
    """Incidents sorted by what needs a person now."""
    return read_incidents(site.home.ledger, now=site.now(), limit=limit, offset=offset, **wanted.asked())


def counted(site: Site, wanted: Filter) -> int:
    """How many incidents fit."""
    return site.of_incidents(("count", wanted), lambda: count_incidents(site.home.ledger, **wanted.asked()))


def page(
    site: Site, wanted: Filter, *, limit: int, offset: int, columns: Names[str]
) -> tuple[list[dict[str, Any]], int]:
    """What `listed` lists as plain rows with some columns and `overdue`, and what `counted` counts."""
    asked = wanted.asked()
    return list_incidents(site.home.ledger, now=site.now(), limit=limit, offset=offset, columns=columns, **asked)


def red_now(site: Site) -> frozenset[str]:
    """The red incidents nobody has acknowledged."""
    found = read_incidents(site.home.ledger, now=site.now(), severity="red", handling="open", limit=1000)
    return frozenset(found["id"])


def titles(site: Site, ids: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Chinese and English titles of incidents that became red."""

    def read() -> dict[str, tuple[str, str]]:
        found = read_incidents(site.home.ledger, now=site.now(), severity="red", limit=1000)
        return {str(r["id"]): (str(r["title_zh"]), str(r["title_en"])) for r in found.to_dict("records")}

    named = site.of_incidents("reds", read)
    return {i: named.get(i, (i, i)) for i in ids}


def layer(site: Site) -> Collection:
    """Incidents that are not closed, where they have a place."""
    found = read_incidents(site.home.ledger, now=site.now(), limit=1000)
    placed = found[found["lon"].notna() & found["lat"].notna()]
    return collection(
        [feature(r["id"], point(r["lon"], r["lat"]), **{k: r[k] for k in _TOLD}) for r in placed.to_dict("records")]
    )
