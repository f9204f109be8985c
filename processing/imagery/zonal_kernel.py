"""The loops under zonal statistics and cloud masks, compiled; they hold no lock, so threads share the cores.

Sums are kept as whole multiples of a quantum in 64-bit integers, squares in two of them, so that they are exact: any
order of cells, any cut into blocks and any number of workers gives the same bytes.
"""

import numpy as np
from numba import njit

#: Largest magnitude of a value in quanta; its square still fits.
LARGEST = 2.0**31
_LOW = 0xFFFFFFFF


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def accumulate(
    values: np.ndarray,
    row: int,
    column: int,
    runs: np.ndarray,
    scale: float,
    counts: np.ndarray,
    sums: np.ndarray,
    extremes: np.ndarray,
) -> None:
    """Add the cells of a block to the accumulators of their zones.

    Args:
        values: floats (y, x), NaN where missing.
        row: of the grid in which the block begins.
        column: likewise.
        runs: (m, 4) row, first column, column after the last and zone 1..n; rows lie in the block.
        scale: quanta in 1.
        counts: (n + 1, 2) cells and valid cells of each zone.
        sums: (n + 1, 3) sum, low and high half of the sum of squares, in quanta and squares of quanta.
        extremes: (n + 1, 2) least and greatest valid value.
    """
    columns = values.shape[1]
    for r in range(runs.shape[0]):
        line = values[runs[r, 0] - row]
        start, stop = max(runs[r, 1] - column, 0), min(runs[r, 2] - column, columns)
        if start >= stop:
            continue
        zone = runs[r, 3]
        n, total, low, high = 0, np.int64(0), np.int64(0), np.int64(0)
        least, greatest = np.inf, -np.inf
        for j in range(start, stop):
            value = float(line[j])
            if np.isfinite(value):
                quanta = np.int64(np.rint(value * scale))
                square = quanta * quanta
                n += 1
                total += quanta
                low += square & _LOW
                high += square >> 32
                least = min(least, value)
                greatest = max(greatest, value)
        counts[zone, 0] += stop - start
        counts[zone, 1] += n
        sums[zone, 0] += total
        sums[zone, 1] += low
        sums[zone, 2] += high
        extremes[zone, 0] = min(extremes[zone, 0], least)
        extremes[zone, 1] = max(extremes[zone, 1], greatest)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def difference(
    first: np.ndarray,
    second: np.ndarray,
    first_of: np.ndarray,
    second_of: np.ndarray,
    clear: np.ndarray,
    factor: int,
    out: np.ndarray,
) -> None:
    """(a - b) / (a + b) of two bands of digital numbers; NaN where not clear or where either is not above zero.

    The arithmetic is that of `indices.normalized_difference`, step by step in float32, so the bytes are the same.

    Args:
        first: digital numbers (y, x), uint16.
        second: likewise.
        first_of: float32 quantity of each of the 65536 numbers; NaN where it means nothing.
        second_of: likewise for the second band.
        clear: True where the ground is seen, from the same corner on, in cells `factor` times as large.
        factor: how many cells lie side by side in a cell of the mask.
        out: float32 of the same shape, written.
    """
    rows, columns = first.shape
    for i in range(rows):
        seen = clear[i // factor]
        for j in range(columns):
            a, b = first_of[first[i, j]], second_of[second[i, j]]
            if seen[j // factor] and a > 0 and b > 0:
                out[i, j] = (a - b) / (a + b)
            else:
                out[i, j] = np.nan


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def clear_cells(codes: np.ndarray, usable: np.ndarray, buffered: np.ndarray, reach: int) -> np.ndarray:
    """True on cells of a usable class that lie off every cell of a buffered class.

    Args:
        codes: scene classes (y, x), uint8.
        usable: for each of 256 codes whether it is clear.
        buffered: for each of 256 codes whether its neighbourhood is dropped.
        reach: greatest square of the distance, in cells, at which a neighbour is dropped; below 255**2.
    """
    rows, columns = codes.shape
    half = _half_widths(reach)
    away = _away(codes, buffered)
    out = np.empty((rows, columns), dtype=np.bool_)
    covered = np.zeros(columns + 1, dtype=np.int32)
    for i in range(rows):
        covered[:] = 0
        for j in range(columns):
            if away[i, j] < half.size:
                wide = half[away[i, j]]
                covered[max(j - wide, 0)] += 1
                covered[min(j + wide + 1, columns)] -= 1
        depth = 0
        for j in range(columns):
            depth += covered[j]
            out[i, j] = usable[codes[i, j]] and depth == 0
    return out


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _half_widths(reach: int) -> np.ndarray:
    """By rows from a buffered cell, how many cells it drops on either side."""
    far = 0
    while (far + 1) * (far + 1) <= reach:
        far += 1
    half = np.zeros(far + 1, dtype=np.int64)
    for d in range(far + 1):
        while (half[d] + 1) * (half[d] + 1) + d * d <= reach:
            half[d] += 1
    return half


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _away(codes: np.ndarray, buffered: np.ndarray) -> np.ndarray:
    """Rows from each cell to the nearest buffered one of its column; 255 for 255 and more."""
    rows, columns = codes.shape
    away = np.full((rows, columns), 255, dtype=np.uint8)
    for i in range(rows):
        for j in range(columns):
            if buffered[codes[i, j]]:
                away[i, j] = 0
            elif i > 0 and away[i - 1, j] < 255:
                away[i, j] = away[i - 1, j] + 1
    for i in range(rows - 2, -1, -1):
        for j in range(columns):
            if away[i + 1, j] < 254 and away[i + 1, j] + 1 < away[i, j]:
                away[i, j] = away[i + 1, j] + 1
    return away


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def tally(numbers: np.ndarray, codes: np.ndarray, dark: np.ndarray, factor: int, histograms: np.ndarray) -> None:
    """Count digital numbers, one for each cell of the classes: over dark cells and over all, 0 (nodata) left out.

    Args:
        numbers: digital numbers (y, x), uint16.
        codes: scene classes of the same area in cells `factor` times as large.
        dark: for each of 256 codes whether it is dark.
        factor: how many cells lie side by side in a cell of the classes.
        histograms: (2, 65536) counts over dark cells and over all, added to.
    """
    rows, columns = codes.shape
    for i in range(rows):
        for j in range(columns):
            number = numbers[i * factor, j * factor]
            if number > 0:
                histograms[1, number] += 1
                if dark[codes[i, j]]:
                    histograms[0, number] += 1
