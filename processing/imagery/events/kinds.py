"""The kinds of events, one function each, found without a list.

A function becomes a kind by saying so where it is written:

    @event("clearing", group="ground", key="ndvi", shown=("ndvi", "bi"))
    def clearing(seen: Comparison) -> Change: ...

The decorator returns it unchanged. Kinds of one `group` compete for a patch: a burnt slope also lost its leaves.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from processing.imagery.events.season import counted, usual
from processing.imagery.events.views import ClearView, Ground, References

#: ground and canopy: change of land since the reference; water: state or change of water bodies.
Group = Literal["ground", "canopy", "water"]
Reference = Literal["before", "latest", "season", "summer"]


@dataclass(frozen=True, slots=True)
class Change:
    """Where something changed; all arrays have the grid's shape.

    `comparable`: cells that could be judged. `strength`: the weakest of the criteria as a share of its threshold (1 at
    the threshold, 2 twice as strong; only its values inside `changed` have a meaning).
    """

    changed: np.ndarray
    comparable: np.ndarray
    strength: np.ndarray


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event. `key` is the index whose return to its value before ends it; `shown` are told of a candidate."""

    id: str
    group: Group
    key: str
    shown: tuple[str, ...]
    since: Reference
    find: "Callable[[Comparison], Change]"


KINDS: dict[str, Kind] = {}

Finder = Callable[["Comparison"], Change]


def event(
    kind: str, *, group: Group, key: str, shown: tuple[str, ...], since: Reference = "before"
) -> Callable[[Finder], Finder]:
    """Register the function that finds a kind of event; the function is returned unchanged.

    Args:
        kind: id, as in imagery_event_land.csv and in the thresholds `<kind>_...`.
        group: kinds that compete for a patch.
        key: index whose return ends the event.
        shown: indices told before and after.
        since: the view it is compared with.
    """

    def register(function: Finder) -> Finder:
        KINDS[kind] = Kind(kind, group, key, shown, since, function)
        return function

    return register


class Shared:
    """Statistics of a county that is compared part by part: first every part adds its own, then all use the sum."""

    def __init__(self) -> None:
        self._sums: dict[Hashable, Any] = {}
        self.complete = False

    def taken(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The sum over the county once it is `complete`; before that the part's own, which is added."""
        if self.complete:
            return self._sums[key]
        made = make()
        self._sums[key] = self._sums[key] + made if key in self._sums else made
        return made


@dataclass(frozen=True)
class Comparison:
    """One day beside its references, with what the season did meanwhile; indices are made once.

    It may be a part of a county with some cells around it: `own` are then the cells that count for `shared`.
    """

    now: ClearView
    day: int
    references: References
    ground: Ground
    limits: Mapping[str, float]
    shared: Shared | None = None
    own: tuple[slice, slice] = (slice(None), slice(None))
    _counted: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)
    _beyond: dict[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def counted(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """A statistic over all cells of the county. `make` counts the cells of `own`; counts are added with `+`."""
        if key not in self._counted:
            self._counted[key] = make() if self.shared is None else self.shared.taken(key, make)
        return self._counted[key]

    @cached_property
    def groups(self) -> np.ndarray:
        """Surfaces that share a season."""
        return self.ground.groups()

    @cached_property
    def _land(self) -> np.ndarray:
        return (self.ground.townships > 0) & (self.ground.waters == 0)

    @cached_property
    def before(self) -> ClearView:
        """The land before: of the latest and the earlier view the greener (see References.greenest)."""
        return self.references.greenest(self.day, self.limits)

    def reference(self, since: Reference) -> ClearView:
        """The view of a name."""
        return self.before if since == "before" else getattr(self.references, since)

    def change(self, name: str, since: Reference = "before") -> np.ndarray:
        """An index now less the same before; NaN where one of them is not known."""
        return self.now.index(name) - self.reference(since).index(name)

    def beyond_season(self, name: str, since: Reference = "before") -> np.ndarray:
        """The change of an index beyond what its kind of surface did meanwhile, never stronger than the change itself.

        What all forest does is the season (leaves, haze, the angle of the sun); an event is what one place does. The
        change expected is the median over the cells of the same land cover whose view before is of the same day.
        """
        if (name, since) not in self._beyond:
            cells = self.change(name, since), self.groups, self.reference(since).day, self._land
            counts = self.counted(("season", name, since), lambda: counted(*(plane[self.own] for plane in cells)))
            delta, season = cells[0], usual(counts, *cells, self.limits)
            same_way = np.sign(season) == np.sign(delta)
            less = np.sign(delta) * np.maximum(np.abs(delta) - np.abs(season), 0)
            self._beyond[name, since] = np.where(same_way, less, delta)
        return self._beyond[name, since]

    def recent(self) -> np.ndarray:
        """True where the view before is recent enough to be compared with."""
        with np.errstate(invalid="ignore"):
            return self.day - self.before.day <= self.limits["clearing_gap_max_days"]
