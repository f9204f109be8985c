"""What is uncertain in an account and how it is drawn: one factor a row of the tables and one a quantity of the inputs.

Draw 0 is the central estimate; the others are a Latin hypercube with a seed, so the same seed gives the same bytes.
A row says its own distribution and range, or it has those of its status (gep_uncertainty.csv, start values).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from scipy.stats import norm, qmc

from processing.gep.values import Row, read

#: Draws of a normal beyond this many standard deviations are not made.
_REACH = 3.0


@dataclass(frozen=True, slots=True)
class Factor:
    """One uncertain number: its value and how it is drawn."""

    name: str
    value: float
    distribution: str  # uniform, triangular, normal, fixed
    low: float
    high: float
    status: str = ""

    def draw(self, share: np.ndarray) -> np.ndarray:
        """Values at shares 0..1 of its distribution."""
        if self.distribution == "fixed" or self.low == self.high:
            return np.full(share.shape, self.value)
        if self.distribution == "uniform":
            return self.low + share * (self.high - self.low)
        if self.distribution == "triangular":
            return self._triangular(share)
        reach = norm.cdf(_REACH)
        sd = (self.high - self.low) / (2 * _REACH)
        return self.value + sd * norm.ppf((1 - reach) + share * (2 * reach - 1))

    def _triangular(self, share: np.ndarray) -> np.ndarray:
        low, top, high = self.low, self.value, self.high
        cut = (top - low) / (high - low)
        rising = low + np.sqrt(share * (high - low) * (top - low))
        falling = high - np.sqrt((1 - share) * (high - low) * (high - top))
        return np.where(share < cut, rising, falling)


@cache
def _by_status() -> Mapping[str, tuple[str, float]]:
    frame = read("gep_uncertainty")
    return {str(r.status): (str(r.distribution), float(str(r.half_width_pct)) / 100) for r in frame.itertuples()}


def of_row(row: Row) -> Factor:
    """The factor of a row of the tables: its own range, else that of its status around its value."""
    distribution, width = _by_status()[row.status]
    low, high = row.low, row.high
    if np.isnan(low):
        half = abs(row.value) * width
        low, high = row.value - half, row.value + half
    return Factor(row.key, row.value, row.distribution or distribution, low, high, row.status)


@cache
def _spreads() -> Mapping[str, float]:
    frame = read("gep_quantities")
    return {str(r.quantity): float(str(r.cv_pct or 0)) / 100 for r in frame.itertuples()}


def of_input(name: str) -> Factor:
    """The factor that multiplies an input: normal around 1 with the spread of its quantity, not below 0."""
    cv = _spreads().get(name, 0.0)
    return Factor(
        f"input/{name}", 1.0, "normal" if cv else "fixed", max(0.0, 1 - _REACH * cv), 1 + _REACH * cv, "input"
    )


@dataclass
class Draws:
    """Values of every factor: the central one and `n` draws. Factors are met in a first pass and drawn in a second."""

    n: int
    seed: int
    factors: dict[str, Factor] = field(default_factory=dict)
    _values: dict[str, np.ndarray] = field(default_factory=dict)

    def meet(self, factor: Factor) -> np.ndarray:
        """The values of a factor (draw), the central one alone before it is drawn."""
        self.factors.setdefault(factor.name, factor)
        return self._values.get(factor.name, np.array([factor.value]))

    def draw(self) -> None:
        """Draw every factor met so far."""
        names = sorted(self.factors)
        if not self.n or not names:
            return
        shares = qmc.LatinHypercube(d=len(names), rng=np.random.default_rng(self.seed)).random(self.n)
        self.give({name: self.factors[name].draw(shares[:, k]) for k, name in enumerate(names)})

    def give(self, drawn: Mapping[str, np.ndarray]) -> None:
        """Use these draws; a factor that is not named stays at its value."""
        self.n = len(next(iter(drawn.values())))
        for name, factor in self.factors.items():
            values = drawn.get(name, np.full(self.n, factor.value))
            self._values[name] = np.concatenate([[factor.value], values])

    def table(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The factors that vary, and their draws (draw, factor) without the central one."""
        names = tuple(n for n in sorted(self._values) if np.ptp(self._values[n]) > 0)
        return names, np.column_stack([self._values[n][1:] for n in names]) if names else np.zeros((self.n, 0))
