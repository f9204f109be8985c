"""Runs one stage of the alerts again and again in children that are killed at a random moment of it.

    python -m tests.alerts.crashes evaluate|deliver HOME KILLS SEED LAST_HOUR

The parent loads everything once and touches no data, so that a child is a fork that begins at the stage itself. Each
child is ended by the timer's signal, which like SIGKILL no line of Python hears.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from alerts import notifiers
from alerts.run import deliver, evaluate
from domain.registry import Registry
from store.home import SAMPLE_COUNTY, Home
from store.ledger.outbox import read_outbox
from tests.alerts.conftest import hours

notifiers.kinds()


def killed(work: Callable[[], object], after_s: float | None) -> bool:
    """Whether a child that works was killed; with no time given it never is.

    Raises:
        RuntimeError: the child failed by itself.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            if after_s is not None:
                signal.setitimer(signal.ITIMER_REAL, max(after_s, 1e-6))
            work()
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        raise RuntimeError("a child failed by itself")
    return False


def evaluating(place: Callable[[], Home], kills: int, rng: np.random.Generator, last: int) -> int:
    """Hour by hour; each hour is evaluated until a child gets through, at the latest the fifth, which has no timer."""
    done, took, hour = 0, 0.3, 1
    tries = 0
    while done < kills or hour <= last:
        now = hours(min(hour, last))
        begun = time.monotonic()
        wants = done < kills and tries < 4
        if killed(partial(_evaluate, place, now), rng.uniform(0, took) if wants else None):
            done, tries = done + 1, tries + 1
            continue
        took = max(0.05, time.monotonic() - begun) if not wants else took
        hour, tries = hour + 1, 0
        if hour > last and done < kills:
            hour = last  # nothing more to find; kill on
    return done


def _evaluate(place: Callable[[], Home], now: datetime) -> None:
    evaluate(place(), now=now)


def delivering(place: Callable[[], Home], kills: int, rng: np.random.Generator, now: datetime) -> int:
    """Until everything is sent; a child has time for a few messages."""
    done = 0
    while True:
        if killed(lambda: deliver(place(), now=now), rng.uniform(0, 0.12) if done < kills else None):
            done += 1
        elif done >= kills or read_outbox(place().ledger, "pending").empty:
            return done


def main() -> None:
    """One stage, as the arguments say; prints how many children were killed."""
    stage, root, kills, seed, last = sys.argv[1:]
    registry = Registry.load(Path(os.environ.get("SANYAN_REGISTRY", str(SAMPLE_COUNTY))))
    rng = np.random.default_rng(int(seed))

    def place() -> Home:
        return Home(Path(root), registry)

    if stage == "evaluate":
        done = evaluating(place, int(kills), rng, int(last))
    else:
        done = delivering(place, int(kills), rng, hours(int(last)))
    print(json.dumps({"killed": done}))


if __name__ == "__main__":
    main()
