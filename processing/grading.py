"""One way to turn "this is suspect", "this fails", "this could be judged" into QARTOD flags."""

import numpy as np

from domain.records import Flag


def graded(
    values: np.ndarray, *, suspect: np.ndarray, fail: np.ndarray | bool = False, known: np.ndarray | bool = True
) -> np.ndarray:
    """QARTOD flags, int8, of the shape of `values`.

    Args:
        values: NaN where missing, which gets 9 whatever else is said.
        suspect: what gets 3.
        fail: what gets 4, suspect or not.
        known: what could be judged at all; the rest gets 2.
    """
    flags = np.where(fail, int(Flag.FAIL), np.where(suspect, int(Flag.SUSPECT), int(Flag.PASS)))
    flags = np.where(known, flags, int(Flag.NOT_EVALUATED))
    return np.where(np.isnan(values), int(Flag.MISSING), flags).astype(np.int8)
