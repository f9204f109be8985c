"""Zonal statistics: cells of a layer summed by zone, exactly, whole or block by block.

The rule by which a cell belongs to a zone is part of every result (`processing.imagery.cells`). Values are summed as
whole multiples of a quantum (2**-20 unless told), so any order, block or number of workers gives the same bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import rasterio.features

from domain.registry import Zones
from processing.imagery.cells import Cells, cells_labelled
from processing.imagery.grid import WGS84, Grid, moved
from processing.imagery.zonal_kernel import LARGEST, accumulate

RULE = "cell centre"
#: How the rules of `cells` are named where people read them.
RULE_NAMES = {"centre": RULE, "fraction": "cell fraction"}
#: Values are summed in multiples of 2**-BITS; magnitudes must stay below 2**(31 - BITS).
BITS = 20


@dataclass(frozen=True, slots=True)
class Zonal:
    """Per zone, in the order of the zones: the mean of valid cells (NaN where there is none) and the counts."""

    mean: np.ndarray
    n_valid: np.ndarray
    n_expected: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """Share of valid cells; 0 for a zone without a cell."""
        return self.n_valid / np.where(self.n_expected > 0, self.n_expected, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What a block adds to the statistics of n zones. Sums of blocks are added with `+`, in any order."""

    bits: int
    counts: np.ndarray  # (n + 1, 2) cells that belong whole, and valid ones
    sums: np.ndarray  # (n + 1, 3) sum, low and high half of the sum of squares, in quanta
    extremes: np.ndarray  # (n + 1, 2) least and greatest value
    listed: np.ndarray  # positions in the list of partial cells that this block holds
    values: np.ndarray  # and their values

    @classmethod
    def none(cls, n: int, bits: int = BITS) -> "Sums":
        """Of no cell."""
        extremes = np.tile(np.array([np.inf, -np.inf]), (n + 1, 1))
        nowhere = np.zeros(0, dtype=np.int64), np.zeros(0)
        return cls(bits, np.zeros((n + 1, 2), np.int64), np.zeros((n + 1, 3), np.int64), extremes, *nowhere)

    def __add__(self, other: "Sums") -> "Sums":
        low = np.minimum(self.extremes[:, 0], other.extremes[:, 0])
        high = np.maximum(self.extremes[:, 1], other.extremes[:, 1])
        return Sums(
            self.bits,
            self.counts + other.counts,
            self.sums + other.sums,
            np.stack([low, high], axis=1),
            np.concatenate([self.listed, other.listed]),
            np.concatenate([self.values, other.values]),
        )


def sums(values: np.ndarray, cells: Cells, *, row: int = 0, column: int = 0, bits: int = BITS) -> Sums:
    """The sums of a block whose upper left cell lies at (row, column) of the grid of `cells`.

    Args:
        values: floats (y, x), NaN where missing.
        cells: of the whole grid.
        row: of the block's first cell.
        column: likewise.
        bits: values are rounded to multiples of 2**-bits.
    """
    height, width = values.shape
    out = Sums.none(cells.n, bits)
    plain = np.ascontiguousarray(values)
    runs = cells.rows(row, row + height)
    accumulate(plain, row, column, runs, float(2**bits), out.counts, out.sums, out.extremes)
    y, x = cells.edge[:, 0] - row, cells.edge[:, 1] - column
    listed = np.flatnonzero((y >= 0) & (y < height) & (x >= 0) & (x < width))
    found = plain[y[listed], x[listed]].astype(np.float64)
    return Sums(bits, out.counts, out.sums, out.extremes, listed, found)


def added(parts: Iterable[Sums], n: int, bits: int = BITS) -> Sums:
    """All blocks together."""
    whole = Sums.none(n, bits)
    for part in parts:
        whole = whole + part
    return whole


def table(total: Sums, cells: Cells, *, cell_ha: float) -> pd.DataFrame:
    """One row a zone, in the order of the zones.

    Columns: mean, sum (over cells, parts by their share), std (of the population), min, max, n_valid, n_expected,
    share, valid_ha (area of the valid cells) and rule. Where nothing is valid the numbers are NaN and the sum 0.

    Raises:
        ValueError: a value is too large for the quantum; sum it with fewer bits.
    """
    quantum = 2.0**-total.bits
    _fits(total)
    order = np.argsort(total.listed, kind="stable")
    at, seen = total.listed[order], np.isfinite(total.values[order])
    zone, weight, value = cells.edge[at, 2][seen] - 1, cells.weight[at][seen], total.values[order][seen]

    def parts(of: np.ndarray) -> np.ndarray:
        return np.bincount(zone, weights=of, minlength=cells.n).astype(float)  # of nothing it counts in whole numbers

    n = total.counts[1:, 1] + parts(weight)
    middle = parts(weight * value) / np.where(parts(weight) > 0, parts(weight), 1)
    apart = parts(weight * (value - middle[zone]) ** 2)
    first = total.sums[1:, 0] * quantum + parts(weight * value)
    some = np.where(n > 0, n, np.nan)
    mean = first / some
    low, high = total.extremes[1:, 0].copy(), total.extremes[1:, 1].copy()
    np.minimum.at(low, zone, value)
    np.maximum.at(high, zone, value)
    expected = total.counts[1:, 0] + np.bincount(cells.edge[:, 2] - 1, weights=cells.weight, minlength=cells.n)
    return pd.DataFrame(
        {
            "mean": mean,
            "sum": first,
            "std": np.sqrt(_spread(total, n, parts(weight), middle, apart) / some),
            "min": np.where(n > 0, low, np.nan),
            "max": np.where(n > 0, high, np.nan),
            "n_valid": n,
            "n_expected": expected,
            "share": n / np.where(expected > 0, expected, 1),
            "valid_ha": n * cell_ha,
            "rule": RULE_NAMES[cells.rule],
        }
    )


def statistics(
    values: np.ndarray, cells: Cells, *, cell_ha: float, quantiles: Sequence[float] = (), bits: int = BITS
) -> pd.DataFrame:
    """The statistics of a whole layer; see `table`. Quantiles are columns q05, q50 and so on."""
    frame = table(sums(values, cells, bits=bits), cells, cell_ha=cell_ha)
    if quantiles:
        found = _quantiles(values, cells, np.asarray(quantiles, dtype=float))
        for i, q in enumerate(quantiles):
            frame[f"q{100 * q:02.0f}"] = found[:, i]
    return frame


@lru_cache(maxsize=8)
def zone_raster(zones: Zones, grid: Grid) -> np.ndarray:
    """Number of the zone (1 = first) of each cell by its centre, 0 outside; int32, read-only.

    Where zones overlap the later one wins: for partitions such as townships; others have `cells`.
    """
    if not zones.ids:
        return _frozen(np.zeros(grid.shape, dtype=np.int32))
    shapes = [(moved(shape, WGS84, grid.crs), number) for number, shape in enumerate(zones.shapes, start=1)]
    return _frozen(
        rasterio.features.rasterize(
            shapes, out_shape=grid.shape, transform=grid.transform, fill=0, dtype="int32", all_touched=False
        )
    )


def zonal_mean(values: np.ndarray, zones: np.ndarray, n: int) -> Zonal:
    """Mean of the finite values of each zone.

    Args:
        values: floats of the grid's shape, NaN where missing.
        zones: zone numbers 1..n of the same shape, 0 outside.
        n: how many zones there are.
    """
    total, count, expected = zonal_sums(values, zones, n)
    return Zonal(total / np.where(count > 0, count, np.nan), count, expected)


def zonal_sums(values: np.ndarray, zones: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per zone the sum of finite values, how many they are, and how many cells there are.

    Parts of a grid may be summed apart and added: the result is the same to the last bit.
    """
    whole = sums(np.atleast_2d(values), cells_labelled(np.atleast_2d(zones), n))
    _fits(whole)
    return whole.sums[1:, 0] * 2.0**-BITS, whole.counts[1:, 1], whole.counts[1:, 0]


def zonal_count(zones: np.ndarray, n: int, where: np.ndarray | None = None) -> np.ndarray:
    """How many cells each zone has, or how many of those where `where` is True."""
    return np.bincount((zones if where is None else zones[where]).ravel(), minlength=n + 1)[1:]


def withheld(zonal: Zonal, share_min: float) -> np.ndarray:
    """True for zones of which too little was seen for a number: share of valid cells below the minimum, or no cell."""
    return (zonal.share < share_min) | (zonal.n_valid == 0)


def _fits(total: Sums) -> None:
    reached = np.abs(total.extremes[np.isfinite(total.extremes)]).max(initial=0)
    if reached * 2.0**total.bits >= LARGEST:
        raise ValueError(f"{reached:g} is too large to be summed in multiples of 2**-{total.bits}; use fewer bits")


def _spread(total: Sums, n: np.ndarray, weight: np.ndarray, middle: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Sum over the valid cells of the squared distance from the mean: of whole cells, of parts, and between them.

    The whole cells are summed in integers of any length, since a difference of large squares has no digits to lose.
    `middle` and `outer` are the mean of the partial cells and their squared distances from it.
    """
    out = outer.astype(float)
    one = 2**total.bits
    for i, (s1, low, high) in enumerate(total.sums[1:].tolist()):
        m = int(total.counts[i + 1, 1])
        if m:
            inner = (m * ((high << 32) + low) - s1 * s1) / (m * one * one)
            between = (middle[i] - s1 / (m * one)) ** 2 * m * weight[i] / n[i]
            out[i] += inner + between
    return out


def _quantiles(values: np.ndarray, cells: Cells, q: np.ndarray) -> np.ndarray:
    """(zone, q) weighted quantiles; with equal weights those of numpy's default (Hyndman and Fan, type 7)."""
    out = np.full((cells.n, len(q)), np.nan)
    by_zone = cells.runs[np.argsort(cells.runs[:, 3], kind="stable")]
    bounds = np.searchsorted(by_zone[:, 3], np.arange(1, cells.n + 2))
    for zone in range(cells.n):
        inner = [values[r, a:b] for r, a, b, _ in by_zone[bounds[zone] : bounds[zone + 1]].tolist()]
        mine = cells.edge[:, 2] == zone + 1
        edge = values[cells.edge[mine, 0], cells.edge[mine, 1]]
        value = np.concatenate([*inner, edge]).astype(np.float64)
        weight = np.concatenate([np.ones(len(value) - len(edge)), cells.weight[mine]])
        keep = np.isfinite(value)
        if keep.any():
            out[zone] = _weighted_quantiles(value[keep], weight[keep], q)
    return out


def _weighted_quantiles(value: np.ndarray, weight: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Linear between S_k = (k - 1) w_k + (n - 1) (w_1 + .. + w_(k-1)), as exactextract does it.

    Weights of equal values count in the order of the cells; the peer leaves that order open.
    """
    order = np.argsort(value, kind="stable")
    v, w = value[order], weight[order]
    k = np.arange(len(v))
    s = k * w + (len(v) - 1) * np.concatenate([[0.0], np.cumsum(w)[:-1]])
    return np.interp(q * s[-1], s, v)


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
