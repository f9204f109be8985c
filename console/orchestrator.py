"""A private Airflow on this machine: SQLite metadata, loopback only, no account; started and stopped by one command."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import tenacity

from domain.errors import PipelineError

DAGS = Path(__file__).resolve().parent.parent / "dags"
_BIN = Path(sys.executable).parent
_SERVERS = ("api-server", "scheduler", "dag-processor")


@dataclass(frozen=True)
class Airflow:
    """A running Airflow and its REST API."""

    url: str
    client: httpx.Client
    logs: Path

    def ready(self, dag_ids: Sequence[str], *, timeout_s: float = 120) -> None:
        """Wait until the scheduler is healthy and the DAGs are known.

        Raises:
            PipelineError: not within the time; the text names the log folder.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._healthy() and set(dag_ids) <= self._known():
                return
            time.sleep(0.5)
        raise PipelineError(f"Airflow did not come up within {timeout_s:.0f} s; its logs are in {self.logs}")

    def backfill(self, dag_id: str, first: str, last: str) -> None:
        """Ask for every partition of a DAG from `first` to `last` (ISO 8601), in order, one at a time."""
        self.unpause(dag_id)
        told = {
            "dag_id": dag_id,
            "from_date": first,
            "to_date": last,
            "run_backwards": False,
            "dag_run_conf": {},
            "reprocess_behavior": "completed",
            "max_active_runs": 1,
        }
        self._ask("POST", "/api/v2/backfills", told)

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start one run by hand; returns its id."""
        self.unpause(dag_id)
        run_id = f"by-hand-{uuid.uuid4().hex[:12]}"  # named here, so that a repeated question starts no second run
        told = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        self._ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", told)
        return run_id

    def person(self, name: str) -> "Airflow":
        """The same Airflow as another person with an account sees it."""
        client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        client.headers["Authorization"] = f"Bearer {_token(client, self.logs.parent, name)}"
        return Airflow(self.url, client, self.logs)

    def asked(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any] | None:
        """What a task asks a person, None as long as it does not."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        answer = self.client.get(path)
        return dict(answer.json()) if answer.is_success else None

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, **values: Any) -> None:
        """Answer what a task asks."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        self._ask("PATCH", path, {"chosen_options": [option], "params_input": values})

    def state(self, dag_id: str, run_id: str, task_id: str) -> str:
        """The state of one task of a run."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        return str(self._ask("GET", path, None).json()["state"])

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run."""
        self._ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def run_state(self, dag_id: str, run_id: str) -> str:
        """The state of one run: queued, running, success, failed."""
        return str(self._ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}", None).json()["state"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """All runs of a DAG."""
        return list(self._ask("GET", f"/api/v2/dags/{dag_id}/dagRuns?limit=1000", None).json()["dag_runs"])

    def _ask(self, method: str, path: str, content: Mapping[str, Any] | None) -> httpx.Response:
        """One question, repeated while the server is busy: SQLite has one writer and says so with a 500.

        That a thing exists already (409) is what a repeated question finds when the first had arrived.

        Raises:
            PipelineError: refused, or busy for too long.
        """
        answer = self._patient(method, path, content)
        if answer.is_error and answer.status_code != httpx.codes.CONFLICT:
            raise PipelineError(f"Airflow refused {method} {path}: {answer.text[:500]}; its logs are in {self.logs}")
        return answer

    @tenacity.retry(
        retry=tenacity.retry_if_result(lambda answer: answer.is_server_error)
        | tenacity.retry_if_exception_type(httpx.TransportError),
        stop=tenacity.stop_after_attempt(20),
        wait=tenacity.wait_fixed(1),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    def _patient(self, method: str, path: str, content: Mapping[str, Any] | None) -> httpx.Response:
        return self.client.request(method, path, json=content)

    def wait(
        self, expected: Mapping[str, int], *, timeout_s: float, progress: Callable[[str, float], None] | None = None
    ) -> None:
        """Wait until each DAG has ended as many runs well as `expected` says.

        Raises:
            PipelineError: a run failed or time was up; the text names the run and the log folder.
        """
        deadline = time.monotonic() + timeout_s
        left = dict(expected)
        while left:
            if time.monotonic() > deadline:
                raise PipelineError(f"{', '.join(left)}: not finished in {timeout_s:.0f} s; logs are in {self.logs}")
            for dag_id, n in list(left.items()):
                done = self._succeeded(dag_id)
                if progress is not None:
                    progress(dag_id, min(1.0, done / n))
                if done >= n:
                    del left[dag_id]
            time.sleep(0.5)

    def _succeeded(self, dag_id: str) -> int:
        runs = self.runs(dag_id)
        failed = [r["dag_run_id"] for r in runs if r["state"] == "failed"]
        if failed:
            raise PipelineError(f"{dag_id}: run {failed[0]} failed; task logs are in {self.logs / f'dag_id={dag_id}'}")
        return sum(r["state"] == "success" for r in runs)

    def _healthy(self) -> bool:
        try:
            health = self.client.get("/api/v2/monitor/health").json()
        except (httpx.HTTPError, ValueError):
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler"))

    def _known(self) -> set[str]:
        answer = self.client.get("/api/v2/dags", params={"limit": 100})
        return {d["dag_id"] for d in answer.json()["dags"]} if answer.is_success else set()


@contextmanager
def airflow(
    home: Path, environment: Mapping[str, str], *, keep: bool = False, people: Sequence[str] = ()
) -> Iterator[Airflow]:
    """Start Airflow in the folder `home` and stop it at the end.

    Args:
        home: AIRFLOW_HOME; made when it is not there.
        environment: variables the tasks shall see.
        keep: leave it running at the end.
        people: who has an account of its own, all administrators; their passwords are made and kept in the folder. The
            first one asks. Without people everybody is the same user.

    Raises:
        PipelineError: the database cannot be made.
    """
    port = _free_port()
    home.mkdir(parents=True, exist_ok=True)
    env = _environment(home, port) | _accounts(home, people) | dict(environment)
    _prepare(home, env)
    servers = [_serve(name, port, home, env) for name in _SERVERS]
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            client.headers["Authorization"] = f"Bearer {_token(client, home, people[0] if people else '')}"
            yield Airflow(url, client, home / "logs")
    finally:
        if not keep:
            _stop(servers)


def environment_of(home: Path, feeds: str | None, until: str | None, *, retries: int = 2) -> dict[str, str]:
    """What the tasks are told: where to remember, where to read, and where a replayed archive ends."""
    told = {
        "SANYAN_HOME": str(home),
        "SANYAN_FEEDS": feeds,
        "SANYAN_REPLAY_UNTIL": until,
        "SANYAN_RETRIES": str(retries),
    }
    return {name: value for name, value in told.items() if value}


def _environment(home: Path, port: int) -> dict[str, str]:
    """Everything an embedded Airflow needs to be told; proxies would stand between its own parts."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(DAGS / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__MP_START_METHOD": "fork" if sys.platform == "linux" else "spawn",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONWARNINGS": "ignore",
    }


#: Read by every part of Airflow when it starts; only the scheduler, the parent of all workers, is warmed.
_LOCAL_SETTINGS = """import sys

if "scheduler" in sys.argv:
    import dags.warm  # noqa: F401
"""


def _prepare(home: Path, env: Mapping[str, str]) -> None:
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "airflow_local_settings.py").write_text(_LOCAL_SETTINGS, encoding="utf-8")
    done = subprocess.run(
        [str(_BIN / "airflow"), "db", "migrate"], env=dict(env), capture_output=True, text=True, check=False
    )
    (home / "db-migrate.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise PipelineError(f"Airflow could not make its database; see {home / 'db-migrate.log'}")


def _serve(name: str, port: int, home: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = [str(_BIN / "airflow"), name] + (["--port", str(port)] if name == "api-server" else [])
    with (home / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            command, env=dict(env), cwd=home, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def _accounts(home: Path, people: Sequence[str]) -> dict[str, str]:
    """Personal accounts of Airflow's simple auth manager."""
    if not people:
        return {}
    _passwords(home).write_text(json.dumps({name: secrets.token_urlsafe(16) for name in people}), encoding="utf-8")
    return {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:admin" for name in people),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords(home)),
    }


def _passwords(home: Path) -> Path:
    return home / "passwords.json"


def _token(client: httpx.Client, home: Path, person: str) -> str:
    """A token of the loopback API; retried until the server listens."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            answer = _asked_in(client, home, person)
            if answer.is_success:
                return str(answer.json()["access_token"])
        except httpx.TransportError:
            time.sleep(0.3)
    raise PipelineError(f"the Airflow API did not answer; see {home / 'api-server.log'}")


def _asked_in(client: httpx.Client, home: Path, person: str) -> httpx.Response:
    if not person:
        return client.get("/auth/token")
    password = json.loads(_passwords(home).read_text(encoding="utf-8"))[person]
    return client.post("/auth/token", json={"username": person, "password": password})


def _stop(servers: Sequence[subprocess.Popen[bytes]]) -> None:
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        for server in servers:
            if server.poll() is None:
                os.killpg(server.pid, wanted)
        for server in servers:
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
