"""The rain of past years over the simulated county, day by day: long wet spells, plum rain, a few storms.

Monthly normals (tables/rain_months.csv) are rounded guesses for a valley at 28 N, not observations.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from functools import cache

import numpy as np

from domain.catalogue import read_table
from sample_feeds.chance import Floats
from sample_feeds.grids import Grid, noise
from sample_feeds.streams import stream
from sample_feeds.weather import TABLES

#: Shape of the amounts of wet days: small ones are common and a few are storms.
_SHAPE = 0.5
#: How much likelier rain is after rain.
_SPELL = 0.55


def rain_of(year: int, seed: int) -> Iterator[tuple[date, float]]:
    """Each day of a year and its mean rain over the county, mm."""
    wet_days, amounts = _normals()
    rng, wet = stream(seed, "rain of a year", year), False
    for month in range(1, 13):
        n = monthrange(year, month)[1]
        share = wet_days[month - 1] / n
        for day in range(1, n + 1):
            wet = bool(rng.random() < (share + _SPELL * (1 - share) if wet else share * (1 - _SPELL)))
            amount = rng.gamma(_SHAPE, amounts[month - 1] / wet_days[month - 1] / _SHAPE)
            yield date(year, month, day), float(amount) if wet else 0.0


def field(day: date, county_mm: float, grid: Grid, heights: np.ndarray, seed: int) -> np.ndarray:
    """Rain of a day on a grid in degrees, mm: more of it uphill, and patchy.

    Args:
        day: the day.
        county_mm: its mean over the county.
        grid: cells in degrees.
        heights: of the cells, m.
        seed: of the simulation.
    """
    patchy = np.exp(0.3 * noise(stream(seed, "rain", day.isoformat()), grid, 0.4) - 0.045)
    return np.asarray(np.round(county_mm * patchy * (0.88 + heights / 4000), 2), dtype=np.float32)


@cache
def _normals() -> tuple[Floats, Floats]:
    frame = read_table(TABLES / "rain_months.csv", columns=("month", "wet_days", "rain_mm"), key=["month"])
    return frame["wet_days"].to_numpy(dtype=float), frame["rain_mm"].to_numpy(dtype=float)
