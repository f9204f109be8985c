"""The kernel gives the flags of its twin, the functions of `qc`, whatever the values, gaps and thresholds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processing import qc
from processing.qc_kernel import LIMITS, TESTS, series_tests, summed_up

H = 3600
NAN = float("nan")
OF = {
    "fail_min": 0, "fail_max": 100, "suspect_min": NAN, "suspect_max": 90, "spike_suspect": 2, "spike_fail": 5,
    "spike_relative": 0.5, "rate_suspect": 2, "rate_fail": 6, "flat_suspect_n": 4, "flat_fail_n": 6,
    "flat_tolerance": 0, "flat_above": 0, "longest_s": 5 * H, "reach_s": 3 * H, "flat_reach_s": 6 * H,
    "step_s": H, "flat_least": 2,
}  # fmt: skip


def limits(**changed):
    return np.array([[float((OF | changed)[name]) for name in LIMITS]])


def twin(values, times, series, device, kind, table):
    """The same by the functions of `qc`, one after the other."""
    of = {name: table[kind, i] for i, name in enumerate(LIMITS)}
    flags = {"device": qc.device_test(device, values)}
    flags["range"] = qc.range_test(values, **{c: of[c] for c in LIMITS[:4]})
    sound = np.where((flags["device"] == 4) | (flags["range"] == 4), NAN, values)
    flags["spike"] = qc.spike_test(
        sound, times, series, suspect=of["spike_suspect"], fail=of["spike_fail"], relative=of["spike_relative"],
        reach=of["reach_s"],
    )  # fmt: skip
    flags["flat"] = qc.flat_test(
        sound, times, series, suspect_n=of["flat_suspect_n"], fail_n=of["flat_fail_n"], step=of["step_s"],
        least=OF["flat_least"], tolerance=of["flat_tolerance"], above=of["flat_above"], reach=of["flat_reach_s"],
    )  # fmt: skip
    assert flags["flat"].tolist() == flats(sound, times, series, of).tolist()
    calm = np.where(np.isin(flags["spike"], (3, 4)), NAN, sound)
    flags["rate"] = qc.rate_test(
        calm, times, series, suspect=of["rate_suspect"], fail=of["rate_fail"], reach=of["reach_s"]
    )
    flags["gap"] = qc.gap_test(values, times, series, longest=of["longest_s"])
    missing = np.isnan(values)
    for name in ("spike", "flat", "rate"):
        flags[name] = np.where((flags[name] == 9) & ~missing, 2, flags[name])
    return np.stack([flags[t] for t in TESTS])


def flats(values, times, series, of):
    """Every pair of first and last value of a window, one after the other."""
    out = np.where(np.isnan(values), 9, 2)
    there = np.flatnonzero(~np.isnan(values))
    for a in range(len(there)):
        for b in range(a, len(there)):
            window, i = there[a : b + 1], there[b]
            if series[there[a]] != series[i] or times[i] - times[there[a]] > qc.CONTEXT_S:
                break
            if b > a and times[i] - times[there[b - 1]] > of["flat_reach_s"][i]:
                break
            for name, flag in (("flat_suspect_n", 3), ("flat_fail_n", 4)):
                n, wide = of[name][i], times[i] - times[there[a]]
                if np.isnan(n) or np.isnan(of["flat_suspect_n"][i]) or wide < (n - 1) * H:
                    continue
                if len(window) < max(np.ceil(n / 2), of["flat_least"][i]):
                    continue
                x = values[window]
                still = x.max() - x.min() <= of["flat_tolerance"][i] and x.max() > of["flat_above"][i]
                for m in window:
                    out[m] = max(flag if still else 2, out[m], key=(2, 1, 3, 4).index)
                    out[m] = 1 if out[m] == 2 and flag == 3 else out[m]
    return out


rows = st.lists(
    st.tuples(
        st.one_of(st.just(NAN), st.integers(0, 3).map(float), st.sampled_from([9.0, 95.0, 101.0, -1.0])),
        st.sampled_from([1, 1, 1, 1, 2, 3, 5, 9, 30]),
        st.booleans(),
        st.sampled_from([2, 2, 2, 2, 4]),
    ),
    max_size=80,
)
changes = st.fixed_dictionaries(
    {
        "spike_suspect": st.sampled_from([NAN, 1, 2]), "spike_fail": st.sampled_from([NAN, 3, 5]),
        "spike_relative": st.sampled_from([NAN, 0, 1]), "rate_suspect": st.sampled_from([NAN, 1]),
        "rate_fail": st.sampled_from([NAN, 3]), "flat_suspect_n": st.sampled_from([NAN, 2, 3, 25]),
        "flat_fail_n": st.sampled_from([NAN, 4, 5]), "flat_tolerance": st.sampled_from([0, 1]),
        "flat_above": st.sampled_from([-np.inf, 0, 1]), "longest_s": st.sampled_from([NAN, 5 * H, 40 * H]),
        "fail_max": st.sampled_from([NAN, 100]), "fail_min": st.sampled_from([NAN, 0]),
        "suspect_max": st.sampled_from([NAN, 90]),
    }
)  # fmt: skip


@given(rows, changes, changes)
@settings(max_examples=400)
def test_the_kernel_equals_its_twin(given_rows, first, second):
    values = np.array([r[0] for r in given_rows], dtype=float)
    times = H * np.cumsum(np.array([r[1] for r in given_rows], dtype=np.int64))
    series = np.cumsum(np.array([r[2] and i % 7 == 0 for i, r in enumerate(given_rows)], dtype=np.int64))
    device = np.array([r[3] for r in given_rows], dtype=np.int8)
    table = np.concatenate([limits(**first), limits(**second)])
    kind = series % 2
    got = series_tests(values, times, series, device, kind, table)
    expected = twin(values, times, series, device, kind, table)
    for name, mine, theirs in zip(TESTS, got, expected, strict=True):
        assert mine.tolist() == theirs.tolist(), name


def test_nothing_gives_nothing():
    empty = np.zeros(0)
    got = series_tests(empty, empty.astype(int), empty.astype(int), empty.astype(np.int8), empty.astype(int), limits())
    assert got.shape == (6, 0)


flags = st.lists(st.lists(st.sampled_from([1, 2, 3, 4, 9]), min_size=6, max_size=6), max_size=30)


@given(flags, st.randoms(use_true_random=False))
def test_flags_are_summed_up_as_the_twin_does(given_flags, chance):
    table = np.array(given_flags, dtype=np.int8).reshape(-1, 6).T
    kind = np.array([chance.randrange(3) for _ in given_flags], dtype=np.int64)
    counted = np.array([chance.random() < 0.5 for _ in given_flags], dtype=bool)
    worst, marks, unjudged = summed_up(table, kind, counted, 3)
    assert worst.tolist() == qc.worst(table).tolist()
    assert marks.tolist() == (np.isin(table, (3, 4)) * (1 << np.arange(6))[:, None]).sum(axis=0).tolist()
    for k in range(3):
        assert unjudged[k].tolist() == (table[:, counted & (kind == k)] == 2).sum(axis=1).tolist()
