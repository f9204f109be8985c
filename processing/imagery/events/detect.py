"""From changed cells to patches: cells that touch are one patch, of one kind, and large enough to be looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from processing.imagery.change import Clearing
from processing.imagery.events.kinds import KINDS, Change, Comparison
from processing.imagery.events.views import ClearView, Ground, References, shaded

_EIGHT = np.ones((3, 3), dtype=bool)
_SQUARE = np.ones((2, 2), dtype=bool)


@dataclass(frozen=True, slots=True)
class Patch:
    """Cells of one event on one day: kind, rows and columns (in reading order), and the median strength."""

    kind: str
    rows: np.ndarray
    columns: np.ndarray
    strength: float


@dataclass(frozen=True, slots=True)
class Found:
    """What was found on one day: `changes` by kind for those who count areas, `patches` for those who look."""

    seen: Comparison
    changes: Mapping[str, Change]
    patches: tuple[Patch, ...]

    def cleared(self) -> Clearing:
        """Patches of clearings and dumps for those who count areas, numbered from 1 in the order of the patches.

        Comparable is all land that was seen and has a view before, also where no clearing is looked for.
        """
        return cleared(self.patches, judged(self.seen))


def cleared(found: Iterable[Patch], comparable: np.ndarray) -> Clearing:
    """`Found.cleared` from the patches of all kinds and where clearings could be `judged`."""
    chosen = [patch for patch in found if patch.kind in {"clearing", "dump"}]
    labels = np.zeros(comparable.shape, dtype=np.min_scalar_type(len(chosen)))
    for number, patch in enumerate(chosen, start=1):
        labels[patch.rows, patch.columns] = number
    return Clearing(labels, comparable, len(chosen))


def judged(seen: Comparison) -> np.ndarray:
    """True on land that was seen and has a recent view before."""
    known = np.isfinite(seen.change("ndvi")) & seen.recent() & (seen.ground.waters == 0)
    return np.asarray(known & (seen.ground.townships > 0))


def minimum_ha(kind: str, cell_ha: float, limits: Mapping[str, float]) -> float:
    """The smallest candidate of a kind, ha: its area or its number of cells, whichever is more."""
    return max(limits[f"{kind}_area_min_ha"], limits[f"{kind}_cells_min"] * cell_ha)


def stated_ha(kind: str, cell_ha: float, limits: Mapping[str, float]) -> float:
    """The size, ha, from which an event is promised to be found in one clear scene.

    Larger than the smallest candidate, since the cells along an edge mix and the 20 m bands blur two cells in.
    """
    return max(limits["stated_area_factor"] * minimum_ha(kind, cell_ha, limits), limits["stated_cells"] * cell_ha)


def detect(
    bands: Mapping[str, np.ndarray],
    day: int,
    references: References,
    ground: Ground,
    limits: Mapping[str, float],
    kinds: Iterable[str] = tuple(KINDS),
) -> Found:
    """All events of a day.

    Args:
        bands: reflectance by common name (see views.BANDS), NaN where not seen clear (y, x).
        day: days since 1970-01-01.
        references: the views to compare with.
        ground: zones and land cover.
        limits: imagery thresholds.
        kinds: which to look for.
    """
    seen = Comparison(lit(bands, day, references), day, references, ground, limits)
    changes = {kind: KINDS[kind].find(seen) for kind in kinds}
    return Found(seen, changes, tuple(patches(changes, ground, limits)))


def lit(bands: Mapping[str, np.ndarray], day: int, references: References) -> ClearView:
    """The view of a day alone, without what lies in a shadow that nobody marked."""
    dark = shaded(bands, references.latest)
    bright = {band: np.where(dark, np.float32("nan"), values) for band, values in bands.items()}
    return ClearView.never(dark.shape).after(bright, day)


def patches(changes: Mapping[str, Change], ground: Ground, limits: Mapping[str, float]) -> list[Patch]:
    """The patches of all kinds, by kind in the order of KINDS and then in reading order.

    Kinds of the group `ground` share their patches: one patch has the kind most of its cells have. Canopy events are
    looked for outside them. Blooms of one water body are one patch, however many rafts they drift in. A patch must be
    as large as `minimum_ha` where it is two cells wide, since lines of cells come from edges that moved a little.
    """
    cell_ha = ground.resolution**2 / 10_000
    ordered = [kind for kind in KINDS if kind in changes]
    shared = [kind for kind in ordered if KINDS[kind].group == "ground"]
    out: list[Patch] = []
    taken = np.zeros(ground.waters.shape, dtype=bool)
    if shared:
        union = np.logical_or.reduce([changes[kind].changed for kind in shared])
        # Every dump also lost its leaves: of the kinds that claim a cell the later, more special one has it.
        claim = np.zeros(union.shape, dtype=np.int8)
        for number, kind in enumerate(shared):
            claim[changes[kind].changed] = number
        wide = _wide(union)
        for cells in _cells(_labels(union, wide)):
            kind = shared[int(np.bincount(claim[cells]).argmax())]
            taken[cells] = True
            out += _kept(kind, cells, changes[kind], wide, cell_ha, limits)
    for kind in ordered:
        if kind in shared:
            continue
        changed = changes[kind].changed
        if KINDS[kind].group == "canopy":
            changed = changed & ~ndimage.binary_dilation(taken, _EIGHT)
        wide = _wide(changed)
        labels = _labels(changed, wide)
        if kind == "bloom":
            labels = np.where(labels > 0, ground.waters, 0)
        for cells in _cells(labels):
            out += _kept(kind, cells, changes[kind], wide, cell_ha, limits)
    return sorted(out, key=lambda p: (list(KINDS).index(p.kind), p.rows[0], p.columns[0]))


def _wide(changed: np.ndarray) -> np.ndarray:
    """The cells that lie in a square of two by two changed cells."""
    return np.asarray(ndimage.binary_opening(changed, _SQUARE))


def _labels(changed: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """Numbers of the patches that are somewhere two cells wide; 0 elsewhere."""
    labels, n = ndimage.label(changed, structure=_EIGHT)
    some = np.zeros(n + 1, dtype=bool)
    some[np.unique(labels[wide])] = True
    some[0] = False
    labels[~some[labels]] = 0
    return np.asarray(labels)


def _cells(labels: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of each label, in the order of the labels."""
    rows, columns = np.nonzero(labels)
    chosen = labels[rows, columns]
    order = np.argsort(chosen, kind="stable")
    edges = np.flatnonzero(np.diff(chosen[order])) + 1
    if chosen.size:
        yield from zip(np.split(rows[order], edges), np.split(columns[order], edges), strict=True)


def _kept(
    kind: str,
    cells: tuple[np.ndarray, np.ndarray],
    change: Change,
    wide: np.ndarray,
    cell_ha: float,
    limits: Mapping[str, float],
) -> list[Patch]:
    if wide[cells].sum() * cell_ha < minimum_ha(kind, cell_ha, limits) - 1e-9:
        return []
    inside = change.changed[cells]
    return [Patch(kind, cells[0], cells[1], float(np.median(change.strength[cells][inside])))]
