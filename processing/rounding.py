"""Rounding by GB/T 8170, exact on the decimal figures, for arrays.

A measured 2.675 is stored as the double nearest to it, which is a little less; `round` and `numpy.round` then answer
2.67. Here a number means the decimal figures it was written with (its shortest text), as a person reads it: the digit
five followed by nothing goes to the even neighbour, once. This is exact for numbers of up to 15 figures.
"""

import numpy as np

#: Decimals at which the noise of computed numbers is cut before they are rounded or compared.
NOISE = 9
_WHOLE = 2.0**53
_MOST = 22  # 10**22 is the largest power of ten that a double holds exactly


def scaled(values: np.ndarray, decimals: int) -> np.ndarray:
    """Values rounded half-even to `decimals` places and multiplied by 10**decimals: whole numbers as doubles.

    Args:
        values: any shape; NaN and infinities stay.
        decimals: places kept, 0 to 22.
    """
    x = np.atleast_1d(np.asarray(values, dtype=float))
    power = 10.0**decimals
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.rint(x * power)
        more = (near / power != x) & np.isfinite(near)  # what is not written with so few places already
    if more.any():
        near[more] = _nearest(x[more], near[more], power)
    return near.reshape(np.shape(values))


def _nearest(x: np.ndarray, near: np.ndarray, power: float) -> np.ndarray:
    """`near` put right by one where binary noise in x * power moved it over a tie."""
    # The tie above and below `near`, each the double nearest to its decimal: whole number / power of ten is one
    # correctly rounded division. Comparing with it decides what binary noise in x * power could get wrong.
    above, below = (2 * near + 1) / (2 * power), (2 * near - 1) / (2 * power)
    odd = np.mod(near, 2) == 1
    up = (x > above) | ((x == above) & odd)
    down = (x < below) | ((x == below) & odd)
    return np.asarray(near + up - down)


def round_half_even(values: np.ndarray, decimals: int) -> np.ndarray:
    """GB/T 8170: values (any shape) rounded once, half to even, to `decimals` places; NaN stays NaN."""
    near = scaled(values, decimals)
    # Doubles from 2**53 on hold no such figure that could be dropped.
    return np.where(np.abs(near) < _WHOLE, near / 10.0**decimals, values) + 0.0  # + 0.0 turns -0.0 into 0.0


def round_computed(values: np.ndarray, decimals: int) -> np.ndarray:
    """As `round_half_even`, for numbers that come out of a division: 3.1 / 4 is 0.775 and not a little less."""
    return round_half_even(round_half_even(values, NOISE), decimals)


def round_water(values: np.ndarray, decimals: int) -> np.ndarray:
    """As `round_half_even`, but a value that is not zero never becomes zero: it keeps one significant figure instead.

    Source: rounding rules for surface water, 总站水字〔2018〕87号 and 〔2020〕90号.
    """
    x = np.asarray(values, dtype=float)
    out = np.atleast_1d(round_half_even(x, decimals))
    flat = np.atleast_1d(x)
    lost = (out == 0) & (flat != 0)
    if lost.any():
        for place in range(decimals + 1, _MOST + 1):
            first = lost & (np.abs(flat) >= 1 / 10.0**place)  # the first figure that is not zero stands here
            out[first] = round_half_even(flat[first], place)
            lost &= ~first
            if not lost.any():
                break
    return out.reshape(x.shape)


def divide_half_even(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Whole numbers divided and rounded half-even to a whole number, in integers and so exactly.

    Args:
        numerator: int64, any sign.
        denominator: int64, positive.
    """
    whole, rest = np.divmod(numerator, denominator)
    twice = 2 * rest
    return np.asarray(whole + ((twice > denominator) | ((twice == denominator) & (whole % 2 == 1))))
