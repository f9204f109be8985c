"""AND, OR and NOT over inputs of one subject, in the logic of three values: true, false, not known (Kleene 1938)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alerts.conditions import Composition, Input, OnAll, OnAny, OnNot
from alerts.judging import Judged
from alerts.lifecycle import Bools, Ints
from alerts.samples import Samples


@dataclass(frozen=True, slots=True)
class _Truth:
    """What is known of each moment: true, false, neither."""

    true: Bools
    false: Bools


@dataclass(frozen=True, slots=True)
class _At:
    """One input at every moment: the position of the sample that counts, -1 where there is none."""

    samples: Samples
    judged: Judged
    at: Ints
    arrived: Bools  # whether the sample ends at the moment

    def known(self, what: Bools) -> _Truth:
        there = self.at >= 0
        return _Truth(there & what[self.at], there & ~what[self.at]) if len(what) else _Truth(there, there)


def compose(on: Composition, parts: Sequence[tuple[Samples, Judged]], stale_after: int) -> tuple[Samples, Judged]:
    """The samples of a composition: one at every moment at which a value of any input ends and something is known.

    An input counts with its newest value that ends less than `stale_after` before. The value and threshold told are
    those of the first part, from left to right, that is true and not negated; else of the first that is known.

    Args:
        on: the composition.
        parts: samples and judgements of its inputs, from left to right.
        stale_after: microseconds.
    """
    subjects = tuple(sorted({s for samples, _ in parts for s in samples.subjects}))
    place = {s: i for i, s in enumerate(subjects)}
    own = [np.array([place[s] for s in x.subjects], dtype=np.int64)[x.subject] for x, _ in parts]
    pairs = np.unique(np.c_[np.concatenate(own), np.concatenate([x.end for x, _ in parts])], axis=0)
    subject, end = pairs[:, 0], pairs[:, 1]
    inputs = [_newest(x, judged, mine, subject, end, stale_after) for (x, judged), mine in zip(parts, own, strict=True)]
    breach = _truth(on, iter(inputs).__next__, lambda i, _negated: i.known(i.judged.breach))
    held = _truth(on, iter(inputs).__next__, lambda i, negated: i.known(i.judged.breach if negated else i.judged.held))
    chosen = _chosen(inputs, _told(on), len(end))
    kept = (breach.true | breach.false) & (chosen >= 0)
    out = _of_chosen(inputs, chosen, kept)
    start = np.max([np.where(i.arrived, _take(i.samples.start, i.at), np.iinfo(np.int64).min) for i in inputs], axis=0)
    samples = Samples(subjects, subject[kept], start[kept], end[kept], out[0])
    excess = np.abs(out[0] - out[1]) / np.maximum(np.abs(out[1]), 1e-12)
    level = np.zeros(int(kept.sum()), dtype=np.int64)
    return samples, Judged(out[1], breach.true[kept], excess, level, (breach.true | held.true)[kept])


def _newest(samples: Samples, judged: Judged, own: Ints, subject: Ints, end: Ints, stale_after: int) -> _At:
    """The sample of each moment: of several with one end the one that starts first."""
    order = np.lexsort((-samples.start, samples.end, own))
    first = int(min(samples.end.min(initial=0), end.min(initial=0)))
    width = int(max(samples.end.max(initial=0), end.max(initial=0))) - first + 1
    key = own[order] * width + samples.end[order] - first
    at = np.searchsorted(key, subject * width + end - first, side="right") - 1
    found = np.where(at >= 0, order[np.maximum(at, 0)] if len(order) else -1, -1)
    mine = (found >= 0) & (_take(own, found) == subject) & (end - _take(samples.end, found) < stale_after)
    found = np.where(mine, found, -1).astype(np.int64)
    return _At(samples, judged, found, mine & (_take(samples.end, found) == end))


def _take(values: np.ndarray, at: Ints) -> np.ndarray:
    """Values at positions; where the position is -1 any value."""
    return values[at] if len(values) else np.zeros(len(at), dtype=values.dtype)


def _truth(
    part: Composition | Input, following: Callable[[], _At], leaf: Callable[[_At, bool], _Truth], negated: bool = False
) -> _Truth:
    match part:
        case Input():
            return leaf(following(), negated)
        case OnNot(not_=inner):
            found = _truth(inner, following, leaf, not negated)
            return _Truth(found.false, found.true)
        case OnAll(all=parts):
            found_ = [_truth(p, following, leaf, negated) for p in parts]
            return _Truth(np.all([f.true for f in found_], axis=0), np.any([f.false for f in found_], axis=0))
        case OnAny(any=parts):
            found_ = [_truth(p, following, leaf, negated) for p in parts]
            return _Truth(np.any([f.true for f in found_], axis=0), np.all([f.false for f in found_], axis=0))


def _told(part: Composition | Input, negated: bool = False) -> list[bool]:
    """Of each input, whether it is not negated."""
    match part:
        case Input():
            return [not negated]
        case OnNot(not_=inner):
            return _told(inner, not negated)
        case OnAll(all=parts) | OnAny(any=parts):
            return [t for p in parts for t in _told(p, negated)]


def _chosen(inputs: Sequence[_At], told: Sequence[bool], n: int) -> Ints:
    """The input whose value is told at each moment; -1 where no one's is known."""
    out = np.full(n, -1, dtype=np.int64)
    ours = [(number, i) for number, i in enumerate(inputs) if told[number]][::-1]
    for number, i in ours:
        out[i.at >= 0] = number
    for number, i in ours:
        out[i.known(i.judged.breach).true] = number
    return out


def _of_chosen(inputs: Sequence[_At], chosen: Ints, kept: Bools) -> tuple[np.ndarray, np.ndarray]:
    """Value and threshold of the chosen input at the kept moments."""
    value, threshold = np.full((2, len(chosen)), np.nan)
    for number, i in enumerate(inputs):
        mine = chosen == number
        value[mine] = i.samples.value[i.at[mine]]
        threshold[mine] = i.judged.threshold[i.at[mine]]
    return value[kept], threshold[kept]
