"""Random numbers that belong to a name and an hour, not to an order of drawing.

A value depends only on the seed, its names (station, parameter ...) and its own counter, so that any window of time
shows the same bytes. Only integer mixing, sums and products are used: no libm call, hence the same bits everywhere.
"""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ROOT_3 = 1.7320508075688772


def key(seed: int, *names: object) -> int:
    """A 64-bit key for the seed and names."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def uniform(stream: int, counters: Ints) -> Floats:
    """Uniform numbers in [0, 1), one per counter (any shape), independent between keys and counters (SplitMix64)."""
    with np.errstate(over="ignore"):
        z = np.uint64(stream) + counters.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def gauss(stream: int, counters: Ints) -> Floats:
    """Nearly normal numbers of mean 0 and variance 1 within +-3.47 (sum of four uniforms)."""
    parts = uniform(stream, counters[..., None] * 4 + np.arange(4))
    return (parts[..., 0] + parts[..., 1] + parts[..., 2] + parts[..., 3] - 2) * _ROOT_3


def wander(stream: int, hours: Ints, step: int) -> Floats:
    """A smooth random path: `gauss` at every `step` hours, joined by smoothstep curves."""
    base = np.floor_divide(hours, step)
    t = (hours - base * step) / step
    t = t * t * (3 - 2 * t)
    return gauss(stream, base) * (1 - t) + gauss(stream, base + 1) * t
