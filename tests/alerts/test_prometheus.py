"""Prometheus itself as the oracle of the lifecycle: random series with gaps, random `for` and `keep`, same hours.

`promtool` (Debian: apt-get install prometheus, 2.42 or newer) is only run here; without it the test says so.
Prometheus takes a missing sample for a condition that is not true, so it is given to us as a false one; with `keep` of
zero our own rule for want of data, with `stale_after` of one step, must come to the same.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from alerts.lifecycle import Bools, History, Ints, Policy, history

PROMTOOL = shutil.which("promtool")
HOURS = 24


@dataclass(frozen=True)
class Case:
    values: str  # T true, F false, _ missing, one an hour
    hold: int
    keep: int

    def rule(self, n: int) -> dict[str, object]:
        return {"alert": f"a{n}", "expr": f"v{n} > 0.5", "for": f"{self.hold}h", "keep_firing_for": f"{self.keep}h"}

    def series(self, n: int) -> dict[str, str]:
        text = " ".join({"T": "1", "F": "0", "_": "_"}[c] for c in self.values)
        return {"series": f"v{n}", "values": text}


def random_cases(seed: int, n: int, *, keep: bool) -> list[Case]:
    rng = np.random.default_rng(seed)
    cases = []
    for _ in range(n):
        # Long rows of one answer, so that `for` and `keep` are often just fulfilled or just not.
        runs = rng.choice(list("TTTFF_"), size=HOURS)
        text = "".join(c * k for c, k in zip(runs.tolist(), rng.integers(1, 5, size=HOURS), strict=True))[:HOURS]
        cases.append(Case(text, int(rng.integers(0, 6)), int(rng.integers(0, 6)) if keep else 0))
    return cases


def firing_hours(h: History) -> list[int]:
    hours: set[int] = set()
    for fired, ends in zip(h.fired_at, h.ends_at, strict=True):
        if fired >= 0:
            hours |= set(range(int(fired), int(ends) if ends >= 0 else HOURS))
    return sorted(hours)


def ours(case: Case, *, gaps: bool) -> list[int]:
    """The hours at which the alert fires, by our own lifecycle, for instants."""
    at = [i for i, c in enumerate(case.values) if c != "_" or not gaps]
    times: Ints = np.array(at, dtype=np.int64)
    breach: Bools = np.array([case.values[i] == "T" for i in at], dtype=bool)
    # `keep_firing_for` begins an evaluation later than `keep`.
    policy = Policy(stale_after=1 if gaps else HOURS, hold=case.hold, keep=case.keep + 1 if case.keep else 0)
    return firing_hours(history(np.zeros_like(times), times, times, breach, HOURS - 1, policy))


def promtool(folder: Path, cases: list[Case], expected: list[list[int]]) -> subprocess.CompletedProcess[str]:
    """Whether Prometheus fires each alert in exactly the expected hours."""
    rules = {"groups": [{"name": "g", "interval": "1h", "rules": [c.rule(n) for n, c in enumerate(cases)]}]}
    checks = [
        {"eval_time": f"{h}h", "alertname": f"a{n}", "exp_alerts": [{}] if h in hours else []}
        for n, hours in enumerate(expected)
        for h in range(HOURS)
    ]
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1h",
        "tests": [
            {"interval": "1h", "input_series": [c.series(n) for n, c in enumerate(cases)], "alert_rule_test": checks}
        ],
    }
    (folder / "rules.yml").write_text(json.dumps(rules))  # JSON is YAML
    (folder / "tests.yml").write_text(json.dumps(tests))
    return subprocess.run(
        [str(PROMTOOL), "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, check=False
    )


needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not on PATH (Debian: apt-get install prometheus)"
)


@needs_promtool
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("gaps", [False, True], ids=["missing is false", "missing is stale"])
def test_the_same_hours_fire_as_in_prometheus(tmp_path: Path, seed: int, gaps: bool) -> None:
    cases = random_cases(seed, 750, keep=not gaps)
    expected = [ours(c, gaps=gaps) for c in cases]
    assert sum(map(len, expected)) > 400, "the cases must say something"
    done = promtool(tmp_path, cases, expected)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@needs_promtool
def test_the_oracle_can_say_no(tmp_path: Path) -> None:
    case = Case("FTTTFF".ljust(HOURS, "F"), 1, 0)
    assert promtool(tmp_path, [case], [ours(case, gaps=True)]).returncode == 0
    assert promtool(tmp_path, [case], [[2]]).returncode != 0
