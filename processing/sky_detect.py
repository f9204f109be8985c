"""The events of a county that is larger than memory: compared block by block, put together on planes of yes and no.

Each block is compared with some cells around it (`events.reach_m`), so that it finds what the whole would find there.
What all of the county must say (the season, reservoirs drawn down) is counted in a first round over the blocks and used
in a second one. Patches are then made on the whole planes of what changed; a county in one block needs one round.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import numpy as np

from processing.imagery.change import Clearing
from processing.imagery.events import (
    KINDS,
    Change,
    ClearView,
    Comparison,
    Found,
    Ground,
    References,
    Shared,
    cleared,
    judged,
    lit,
    patches,
    reach_m,
)
from processing.imagery.grid import Window, blocks
from processing.sky_views import StoredView
from store.planes import Planes

_CHANGED, _STRENGTH, _JUDGED, _COMPARABLE = "changed-{}", "strength-{}", "judged", "comparable-{}"


class _Cells:
    """A plane that is asked for the values of cells."""

    def __init__(self, planes: Planes, name: str) -> None:
        self._planes, self._name = planes, name

    def __getitem__(self, cells: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return self._planes.at(self._name, *cells)


@dataclass(frozen=True)
class _Whole(Comparison):
    """A county of which some cells are looked at: every view is one that is read by windows."""

    part: Callable[[Window], Comparison] = field(kw_only=True)

    @cached_property
    def before(self) -> ClearView:
        """See `Comparison.before`."""
        rows, columns = self.ground.waters.shape
        return StoredView((rows, columns), lambda window: self.part(window).before).as_view()


def found_on(
    bands_of: Callable[[Window], Mapping[str, np.ndarray]],
    day: int,
    references: Mapping[str, StoredView],
    ground: Ground,
    limits: Mapping[str, float],
    planes: Planes,
) -> tuple[Found, Clearing]:
    """All events of a day, as `events.detect` finds them, and what the indicator of bare ground counts.

    Args:
        bands_of: window -> reflectance by common name, NaN where not seen clear.
        day: days since 1970-01-01.
        references: the views to compare with, by the fields of `References`.
        ground: of the county.
        limits: imagery thresholds.
        planes: of the county, written to.
    """
    windows = blocks(planes.shape)
    shared = Shared() if len(windows) > 1 else None
    around = math.ceil(reach_m(limits) / ground.resolution) + 2

    def part(wide: Window, own: tuple[slice, slice] = (slice(None), slice(None))) -> Comparison:
        views = References(**{name: view.part(wide) for name, view in references.items()})
        return Comparison(lit(bands_of(wide), day, views), day, views, ground.part(wide), limits, shared, own)

    def compared(window: Window) -> tuple[Comparison, tuple[slice, slice]]:
        wide = window if shared is None else window.wider(around, planes.shape)
        return part(wide, window.inside(wide)), window.inside(wide)

    if shared is not None:
        for window in windows:
            seen, _ = compared(window)
            for kind in KINDS.values():
                kind.find(seen)
        shared.complete = True
    for window in windows:
        seen, own = compared(window)
        for name, kind in KINDS.items():
            change = kind.find(seen)
            for plane, values in (
                (_CHANGED, change.changed),
                (_COMPARABLE, change.comparable),
                (_STRENGTH, change.strength),
            ):
                planes.write(plane.format(name), window.row, window.column, values[own])
        planes.write(_JUDGED, window.row, window.column, judged(seen)[own])
    changes = {
        name: Change(
            planes.read(_CHANGED.format(name)),
            cast(np.ndarray, _Cells(planes, _COMPARABLE.format(name))),
            cast(np.ndarray, _Cells(planes, _STRENGTH.format(name))),
        )
        for name in KINDS
    }
    found = tuple(patches(changes, ground, limits))
    told = {
        name: replace(change, changed=cast(np.ndarray, _Cells(planes, _CHANGED.format(name))))
        for name, change in changes.items()
    }
    now = StoredView(planes.shape, lambda window: part(window).now).as_view()
    views = References(**{name: view.as_view() for name, view in references.items()})
    whole = _Whole(now, day, views, ground, limits, part=part)
    return Found(whole, told, found), cleared(found, planes.read(_JUDGED))
