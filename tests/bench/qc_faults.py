"""Seeded hourly series with faults put in, and the truth of them; and how well flags find them."""

from dataclasses import dataclass

import numpy as np

from processing.screening import thresholds

ITEMS = ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3")
KINDS = ("range", "spike", "rate", "flat", "gap")
H = 3600

#: Mean, share of the daily swing, standard deviation of a day's noise as a share of the mean, decimals.
_SHAPES = {
    "PM2.5": (60, 0.15, 0.5, 0), "PM10": (100, 0.15, 0.45, 0), "SO2": (18, 0.2, 0.45, 0), "NO2": (45, 0.25, 0.35, 0),
    "CO": (1.1, 0.2, 0.4, 1), "O3": (70, 0.6, 0.3, 0),
}  # fmt: skip
_PER_YEAR = {"range": 6, "spike": 24, "rate": 12, "flat": 8, "gap": 10}
_CLEAR = 60  # hours around a fault without another


@dataclass(frozen=True)
class Faulty:
    """Rows of all series, ascending by series, then time.

    `kind` is the index in KINDS of a row's fault; -1 for a clean row, -2 for one that is neither.
    """

    values: np.ndarray
    times: np.ndarray
    series: np.ndarray
    item: np.ndarray  # index in ITEMS
    kind: np.ndarray


def faulty(stations: int, hours: int, seed: int) -> Faulty:
    """Clean series of every item at every station, with 2 % of values missing, and faults far from each other."""
    parts = []
    for s in range(stations):
        for i, item in enumerate(ITEMS):
            chance = np.random.default_rng((seed, s, i))
            values, kind, kept = _spoilt(_clean(item, hours, chance), item, chance)
            times = 1_420_041_600 + H * np.arange(hours)
            parts.append(
                (values[kept], times[kept], np.full(kept.sum(), s * len(ITEMS) + i), np.full(kept.sum(), i), kind[kept])
            )
    return Faulty(*(np.concatenate(p) for p in zip(*parts, strict=True)))


def _clean(item: str, hours: int, chance: np.random.Generator) -> np.ndarray:
    """A level that wanders over days, a daily swing and noise, rounded as instruments do."""
    mean, swing, spread, decimals = _SHAPES[item]
    slow, quick = _wander(hours, 0.985, chance), _wander(hours, 0.8, chance)
    day = 1 + swing * np.sin(2 * np.pi * (np.arange(hours) % 24 - 9) / 24)
    return np.round(
        np.maximum(mean * day * np.exp(spread * slow + 0.06 * quick - spread**2 / 2), 10.0**-decimals), decimals
    )


def _wander(n: int, memory: float, chance: np.random.Generator) -> np.ndarray:
    """An autoregressive series of unit variance."""
    from scipy.signal import lfilter

    return np.asarray(lfilter([np.sqrt(1 - memory**2)], [1, -memory], chance.normal(size=n)))


def _spoilt(values: np.ndarray, item: str, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values with missing ones and faults, the kind of each row's fault, and the rows that came at all."""
    limits, n = thresholds().loc[("air", item)], len(values)
    kind, kept = np.full(n, -1), np.ones(n, bool)
    lost = chance.random(n) < 0.02
    places = np.arange(_CLEAR, n - 2 * _CLEAR, 2 * _CLEAR)
    chance.shuffle(places)
    wanted = np.repeat(np.arange(len(KINDS)), [round(_PER_YEAR[k] * n / 8766) for k in KINDS])
    for at, k in zip(places, wanted, strict=False):
        if KINDS[k] == "gap":
            long = int(chance.integers(7, 48))
            kept[at : at + long] = False
            lost[at + long], kind[at + long] = False, k
            continue
        rows, new = _fault(KINDS[k], values[at - 1 : at + _CLEAR], limits, chance)
        values[at : at + len(new)] = np.round(new, _SHAPES[item][3])
        kind[at + rows] = k
        if KINDS[k] == "flat":  # clean values beside the run that happen to be the same are neither fault nor clean
            _disown(values, kind, at, at + len(new))
        lost[at - 1 : at + 1] = False
        if KINDS[k] == "flat" and chance.random() < 1 / 3:  # a bad line loses values of a stuck probe like any others
            lost[at : at + len(new)] |= chance.random(len(new)) < 0.2
        if KINDS[k] == "spike":
            lost[at + 1] = chance.random() < 0.2  # an instrument that hiccups often loses the next value too
            lost[at + 2] &= ~lost[at + 1]
    kind[:2] = -2  # whether something is missing before the first value cannot be known
    return np.where(lost, np.nan, values), kind, kept


def _disown(values: np.ndarray, kind: np.ndarray, first: int, end: int) -> None:
    while values[first - 1] == values[first]:
        first -= 1
        kind[first] = -2
    while values[end] == values[end - 1]:
        kind[end] = -2
        end += 1


def _fault(kind: str, around: np.ndarray, limits: object, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are the fault and the new values from its first row on; `around` begins one row before."""
    here = around[1:]
    of = limits.__getitem__  # type: ignore[attr-defined]
    if kind == "range":
        return np.array([0]), np.array(
            [of("fail_max") * chance.uniform(1.05, 2) if chance.random() < 0.5 else -here[0] - 1]
        )
    if kind == "spike":
        height = of("spike_suspect") * chance.uniform(1.1, 4)
        return np.array([0]), np.array([around[0:4].max() + height])
    if kind == "rate":
        step = of("rate_suspect") * chance.uniform(1.1, 4)
        fading = np.linspace(1, 0, 50)
        return np.array([0]), np.concatenate([[around[0] + step], here[1:50] + step * fading[1:]])
    long = int(chance.integers(of("flat_suspect_h") + 2, of("flat_suspect_h") + 24))
    return np.arange(long), np.full(long, max(here[0], np.nan_to_num(of("flat_above")) + 5))


def score(flagged: np.ndarray, truth: Faulty, kind: str) -> tuple[float, float]:
    """Share of the rows of this fault that are flagged, and share of the rows without any fault that are."""
    there = np.isfinite(truth.values)
    faults, clean = there & (truth.kind == KINDS.index(kind)), there & (truth.kind == -1)
    return float(flagged[faults].mean()), float(flagged[clean].mean())
