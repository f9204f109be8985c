"""What the indicator of newly bare ground counts: patches of one day, and where there was something to compare."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Clearing:
    """Patches on one day: `labels` numbers them from 1; `comparable` cells had a view before."""

    labels: np.ndarray
    comparable: np.ndarray
    n: int
