"""What changed since the last look, found once for everybody and told to every open page.

One look asks the log of the lake and two counters of the ledger; only when one of them moved is anything read. So the
number of people who watch does not change what the store has to do.
"""

import asyncio
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool

from console.web import county
from console.web.cases import red_now
from console.web.county import BaseMap
from console.web.site import Site
from store.ledger.alerts import committed
from store.ledger.incidents import newest_change
from store.ledger.suppressions import read_suppressions

#: How often the store is asked, and how often stations are judged silent although nothing came, seconds.
_EVERY_S, _SILENCE_S = 1.5, 60.0


@dataclass(frozen=True, slots=True)
class Change:
    """What is new: stations with their new state, what else must be read again, incidents that became red."""

    stations: list[dict[str, Any]]
    what: frozenset[str]  # reports, candidates, basemap, incidents, alerts, suppressions
    reds: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.stations or self.what)


@dataclass
class Watch:
    """Looks at one site and tells subscribers."""

    site: Site
    base: BaseMap
    subscribers: set[Callable[[Change], None]] = field(default_factory=set)
    _versions: dict[str, Any] = field(default_factory=dict)
    _stations: dict[str, dict[str, Any]] = field(default_factory=dict)
    _reds: frozenset[str] | None = None

    def look(self) -> Change:
        """Compare with the last look; the first finds everything new."""
        new = self._asked()
        what = frozenset(k for k, v in new.items() if self._versions.get(k) != v)
        self._versions = new
        if "basemap" in what:
            self.base.current()  # drawn before somebody waits for it
        stations = self._moved() if what & {"observations", "indicators", "alerts", "minute"} else []
        reds: tuple[str, ...] = ()
        if "incidents" in what:
            now = red_now(self.site)
            reds = () if self._reds is None else tuple(sorted(now - self._reds))
            self._reds = now
        return Change(stations, what - {"observations", "indicators", "minute"}, reds)

    async def run(self) -> None:
        """Look for ever."""
        change = await run_in_threadpool(self.look)
        # What is there now stays: the collector need not go through it again while somebody waits (0.2 s each time).
        gc.collect()
        gc.freeze()
        while True:
            # The sound goes out to everybody before anything is drawn anew for anybody.
            if change.reds:
                await self._tell(Change([], frozenset(), change.reds))
            if change:
                await self._tell(replace(change, reds=()))
            await asyncio.sleep(_EVERY_S)
            change = await run_in_threadpool(self.look)

    async def _tell(self, change: Change) -> None:
        """Tell every page, and after each leave as much time to others as drawing it anew has taken."""
        for tell in list(self.subscribers):
            begun = time.perf_counter()
            tell(change)
            await asyncio.sleep(time.perf_counter() - begun)  # what was said leaves before the next page is served

    def _asked(self) -> dict[str, Any]:
        lake, ledger = self.site.home.lake, self.site.home.ledger
        quiet = read_suppressions(ledger)
        return {
            "observations": self.site.observed.stand(),
            "indicators": self.site.computed.stand(),
            "reports": lake.version("reports"),
            "candidates": lake.version("candidates"),
            "basemap": lake.version("scenes"),
            "alerts": committed(ledger),
            "incidents": newest_change(ledger),
            "suppressions": len(quiet) + int((quiet["ended_by"] != "").sum()),
            "minute": int(time.monotonic() / timedelta(seconds=_SILENCE_S).total_seconds()),
        }

    def _moved(self) -> list[dict[str, Any]]:
        features = county.stations(self.site)["features"]
        moved = [f for f in features if self._stations.get(f["id"]) != f["properties"]]
        self._stations = {f["id"]: f["properties"] for f in features}
        return moved
