"""kill -9 at any moment, then run again: the same tables as if nothing had happened.

A fresh process imports everything once and forks a child for each try, so that a try is the work and not the imports.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline import tables

ROOT = Path(__file__).resolve().parents[1]
#: Eyes, and how many kills; at most five of them on one home before it is left to finish.
SOME = ((("ground",), 5), (("human",), 5), (("sky",), 1))
MANY = ((("ground",), 30), (("human",), 14), (("sky",), 6))

NURSERY = """
import json, os, random, signal, sys, time, traceback
from datetime import timedelta
from pathlib import Path
from store.home import Home
import dags.warm
from tests.pipeline import START, run

feeds, folder, plans = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
END = START + timedelta(hours=2)
chance, told = random.Random(20260818), []

def child(home, eyes):
    pid = os.fork()
    if pid == 0:
        try:
            run(Home.open(home), feeds, START, END, eyes=tuple(eyes))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid

def finish(home, eyes):
    begun = time.monotonic()
    _, status = os.waitpid(child(home, eyes), 0)
    assert status == 0, status
    return time.monotonic() - begun

for number, (eyes, wanted) in enumerate(plans):
    whole, killed, homes = finish(folder / f"{number}-reference", eyes), 0, 0
    while killed < wanted:
        home = folder / f"{number}-home-{homes}"
        homes += 1
        for _ in range(5):
            pid = child(home, eyes)
            time.sleep(chance.uniform(0.0, whole))
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            if not os.WIFSIGNALED(status):
                break  # it was faster
            killed += 1
        finish(home, eyes)
    told.append({"killed": killed, "homes": homes})
print("@@" + json.dumps(told))
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("plans", [SOME, pytest.param(MANY, marks=pytest.mark.slow)], ids=["some", "many"])
def test_killed_at_random_points_and_run_again_gives_the_same_tables(small_feeds, tmp_path, plans):
    done = subprocess.run(
        [sys.executable, "-c", NURSERY, str(small_feeds), str(tmp_path), json.dumps(plans)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.split("@@", 1)[1])
    assert sum(plan["killed"] for plan in told) >= sum(wanted for _, wanted in plans)
    for number, plan in enumerate(told):
        reference = tables(tmp_path / f"{number}-reference")
        for home in range(plan["homes"]):
            again = tables(tmp_path / f"{number}-home-{home}")
            assert again.keys() == reference.keys()
            for name in reference:
                assert again[name] == reference[name], (number, home, name)
