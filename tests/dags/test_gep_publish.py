"""A real Airflow with personal accounts: an account goes out only when somebody else approved it, else nothing does."""

import json
import time

import pytest

from console.orchestrator import airflow, environment_of
from store.home import Home
from tests.processing.gep.report.given import NOW, inputs

pytestmark = [pytest.mark.airflow, pytest.mark.slow]
DAG = "gep_publish"
#: How long the task waits for an answer, hours: long enough for five drafts on a busy machine.
PATIENCE_H = 0.05
ENDED = ("success", "failed", "skipped", "upstream_failed")


def until(what, timeout_s=240):
    deadline = time.monotonic() + timeout_s
    while not (found := what()):
        assert time.monotonic() < deadline, "time was up"
        time.sleep(0.5)
    return found


@pytest.mark.timeout(900)
def test_only_somebody_elses_approval_publishes(tmp_path):
    home = Home.open(tmp_path / "home")
    home.lake.upsert("gep_inputs", inputs(), now=NOW, why="test")
    told = environment_of(home.root, None, None, retries=0) | {"SANYAN_APPROVAL_HOURS": str(PATIENCE_H)}

    def published(profile):
        return (home.root / "files" / "gep" / "2025" / profile / "published").is_dir()

    with airflow(tmp_path / "airflow", told, people=("zhang", "li", "wang")) as zhang:
        zhang.ready([DAG])
        li, wang = zhang.person("li"), zhang.person("wang")

        def start(who, profile, **conf):
            run = who.trigger(DAG, {"partition": "2025", "profile": profile, "draws": 0, **conf})
            # The question is there an instant before the task waits for its answer.
            until(lambda: (s := who.state(DAG, run, "approve")) in ("awaiting_input", *ENDED) and s)
            time.sleep(3)  # nobody answers before the question is on the page
            return run, who.asked(DAG, run, "approve")

        def ended(run):
            return until(lambda: (s := zhang.state(DAG, run, "publish")) in ENDED and s)

        late, _ = start(zhang, "db33-2025")  # nobody answers
        run, asked = start(zhang, "db33-2020")
        assert "莲都区" in asked["subject"]
        assert "db33-2020" in asked["body"]
        assert "编制人 | zhang" in asked["body"]
        assert "无法核算的项" in asked["body"]
        assert zhang.state(DAG, run, "publish") in ("None", "scheduled", "no_status")
        assert not published("db33-2020")
        li.answer(DAG, run, "approve", "Approve", reason="只发布已核算部分")
        assert ended(run) == "success"
        folder = home.root / "files" / "gep" / "2025" / "db33-2020" / "published"
        manifest = json.loads((folder / "package" / "manifest.json").read_text(encoding="utf-8"))
        assert (manifest["author"], manifest["approver"]) == ("zhang", "li")
        assert manifest["reason"] == "只发布已核算部分"
        assert (folder / "report_zh.pdf").is_file()

        refused = {}
        refused["trial-2022"], _ = start(zhang, "trial-2022")
        zhang.answer(DAG, refused["trial-2022"], "approve", "Approve", reason="I wrote it")  # the author himself
        refused["gbt46869-2025"], _ = start(li, "gbt46869-2025", author="zhang")
        li.answer(DAG, refused["gbt46869-2025"], "approve", "Approve", reason="in another's name")  # who started it
        refused["hj1173-2021"], _ = start(zhang, "hj1173-2021")
        wang.answer(DAG, refused["hj1173-2021"], "approve", "Reject", reason="")
        assert [ended(refused[p]) for p in ("trial-2022", "gbt46869-2025", "hj1173-2021")] == [
            "failed", "failed", "skipped",
        ]  # fmt: skip

        changed, _ = start(zhang, "garze-2010")
        home.lake.upsert("gep_inputs", inputs(hot_days=141.0), now=NOW, why="corrected")
        li.answer(DAG, changed, "approve", "Approve", reason="seen before the correction")
        assert ended(changed) == "failed"
        assert ended(late) == "upstream_failed"
        for profile in (*refused, "db33-2025", "garze-2010"):
            assert not published(profile), profile
