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
HOMES, KILLS = 10, 6

NURSERY = """
import json, os, random, signal, sys, time
from datetime import timedelta
from pathlib import Path
from store.home import Home
from tests.pipeline import START, run

feeds, folder = map(Path, sys.argv[1:3])
homes, kills, seed = map(int, sys.argv[3:6])
END = START + timedelta(hours=6)

def child(home):
    pid = os.fork()
    if pid == 0:
        try:
            run(Home.open(home), feeds, START, END)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid

begun = time.monotonic()
_, status = os.waitpid(child(folder / "reference"), 0)
whole = time.monotonic() - begun
assert status == 0, status
chance, killed = random.Random(seed), 0
for h in range(homes):
    home, tries = folder / f"home-{h}", 0
    while tries < kills:
        pid = child(home)
        time.sleep(chance.uniform(0.0, whole))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
        tries += 1
    _, status = os.waitpid(child(home), 0)
    assert status == 0, status
print("@@" + json.dumps({"killed": killed, "whole_s": whole}))
"""


@pytest.mark.timeout(900)
def test_killed_at_random_points_and_run_again_gives_the_same_tables(small_feeds, tmp_path):
    arguments = [str(small_feeds), str(tmp_path), str(HOMES), str(KILLS), "20260818"]
    done = subprocess.run(
        [sys.executable, "-c", NURSERY, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.split("@@", 1)[1])
    assert told["killed"] >= 50, told
    reference = tables(tmp_path / "reference")
    for number in range(HOMES):
        again = tables(tmp_path / f"home-{number}")
        assert again.keys() == reference.keys()
        for name in reference:
            assert again[name] == reference[name], (number, name)
