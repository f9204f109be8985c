"""The join: kill -9 at any moment, two at once, and a trail that cannot be changed unseen."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.incidents import actions
from alerts.incidents.run import join
from store.home import SAMPLE_COUNTY, Home
from store.ledger import incident_tables as book
from store.ledger.audit import check_chain, read_audit
from tests.alerts.incidents.given import HOUR
from tests.alerts.incidents.loop import NOW, answer, put, row, sent, spot
from tests.pipeline import tables

ROOT = Path(__file__).resolve().parents[3]
SPOTS = [spot(f"spot-grid-{n}", lon=119.60 + n / 100, at=n % 7) for n in range(8)]
MINE = ("incidents", "evidence", "tasks", "audit", "outbox")


#: A fresh process imports everything once and forks a child for each try, so that a try is the work and not the
#: imports. It never opens a lake itself: Delta's runtime does not survive a fork.
NURSERY = """
import json, os, random, signal, sys, time, traceback
from pathlib import Path
from alerts.incidents.run import join
from store.home import SAMPLE_COUNTY, Home
from tests.alerts.incidents.test_run import work

folder, chance = Path(sys.argv[1]), random.Random(20260818)

def child(root):
    pid = os.fork()
    if pid == 0:
        try:
            work(root)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid

def finish(*pids):
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        assert status == 0, status

finish(child(folder / "warm"))
begun = time.monotonic()
finish(child(folder / "reference"))
whole, killed = time.monotonic() - begun, 0
for home in range(3):
    for _ in range(3):
        pid = child(folder / f"killed-{home}")
        time.sleep(chance.uniform(0.0, whole))
        os.kill(pid, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    finish(child(folder / f"killed-{home}"))
finish(child(folder / "together"), child(folder / "together"))
print("@@" + json.dumps(killed))
"""


def work(root: Path) -> None:
    """Everything a shift does: reports come, incidents follow, nobody looks, levels are told."""
    home = Home.open(root, SAMPLE_COUNTY)
    put(home, "indicators", *SPOTS)
    join(home, now=NOW, channels=["log"])
    join(home, now=NOW + 200 * HOUR, channels=["log"])


def _home(root: Path) -> Path:
    put(Home.open(root, SAMPLE_COUNTY), "indicators", *SPOTS)
    return root


def _mine(root: Path) -> dict[str, str]:
    found = tables(Home.open(root, SAMPLE_COUNTY))
    return {name: found[name] for name in MINE}


def test_killed_at_random_points_or_two_at_once_give_the_same_tables(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", NURSERY, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert int(done.stdout.split("@@", 1)[1]) >= 3
    wanted = _mine(tmp_path / "reference")
    assert wanted["incidents"].count("\n") == len(SPOTS) + 1
    for name in ("killed-0", "killed-1", "killed-2", "together"):
        assert _mine(tmp_path / name) == wanted, name


def test_a_join_that_fails_midway_leaves_nothing(tmp_path, monkeypatch):
    home = Home.open(_home(tmp_path / "home"), SAMPLE_COUNTY)

    def broken(*_):
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(book, "move_evidence", broken)
        with pytest.raises(RuntimeError):
            join(home, now=NOW, channels=["log"])
    assert read_audit(home.ledger).empty
    assert join(home, now=NOW, channels=["log"]).incidents_new == len(SPOTS)


def test_the_trail_cannot_be_changed_and_a_forged_one_is_seen(tmp_path):
    home = Home.open(_home(tmp_path / "home"), SAMPLE_COUNTY)
    join(home, now=NOW, channels=["log"])
    for statement in ("UPDATE audit SET why = 'x'", "DELETE FROM audit"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), home.ledger.begin() as tx:
            tx.exec_driver_sql(statement)
    assert check_chain(home.ledger) == []
    home.ledger.engine.dispose()
    forged = sqlite3.connect(home.root / "ledger.sqlite")
    forged.execute("DROP TRIGGER audit_no_update")
    forged.execute("UPDATE audit SET who = 'somebody else' WHERE number = 2")
    forged.execute("DROP TRIGGER audit_no_delete")
    forged.execute("DELETE FROM audit WHERE number = 4")
    forged.commit()
    forged.close()
    said = check_chain(home.ledger)
    assert any("entry 2 was altered" in s for s in said)
    assert any("entry 4 is missing" in s for s in said)


def test_a_dispatch_that_was_not_delivered_goes_out_later(tmp_path):
    home = Home.open(_home(tmp_path / "home"), SAMPLE_COUNTY)
    join(home, now=NOW, channels=["log"])
    name = read_audit(home.ledger)["subject"].iloc[0]
    actions.dispatch(home, name, who="甲", now=NOW)
    blocked = home.root / "outgoing"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(NotADirectoryError):
        sent(home, NOW)
    blocked.unlink()
    (task,) = sent(home, NOW + HOUR)
    put(home, "reports", answer(task["taskId"], "说不清", at=NOW + 2 * HOUR))
    join(home, now=NOW + 3 * HOUR, channels=["log"])
    assert row(home, name)["outcome"] == "unclear"
