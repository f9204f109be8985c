"""Airflow is asked once for what came together, again for what came later, and patiently when it does not answer."""

import asyncio
import json

import httpx

from ingest.gateway import asking
from ingest.gateway.asking import Asking
from ingest.gateway.settings import Ask


class Airflow:
    """A REST API that lets in who has a token, with runs that wait until they are let go."""

    def __init__(self):
        self.runs, self.state, self.down, self.asked = {}, "success", False, []

    def answer(self, request):
        self.asked.append(f"{request.method} {request.url.path}")
        if self.down:
            raise httpx.ConnectError("nobody")
        if request.url.path == "/auth/token":
            told = json.loads(request.content) if request.content else {}
            return httpx.Response(201, json={"access_token": told.get("username", "anybody")})
        if "Authorization" not in request.headers:
            return httpx.Response(401, json={})
        if request.method == "POST":
            told = json.loads(request.content)
            self.runs[told["dag_run_id"]] = request.headers["Authorization"]
            return httpx.Response(200, json=told)
        return httpx.Response(200, json={"state": self.state})


async def until(true):
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


def play(server, story, monkeypatch, **ask):
    monkeypatch.setattr(asking, "_POLL_S", 0.01)
    monkeypatch.setattr(asking, "_PATIENCE_S", 0.01)
    said = []

    async def go():
        told = Ask(url="http://airflow.invalid", **ask)
        one = Asking(told, said.append, httpx.MockTransport(server.answer))
        task = asyncio.create_task(one.run())
        await story(one)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(go())
    return said


def test_what_comes_while_a_run_waits_needs_no_other(monkeypatch):
    server = Airflow()
    server.state = "queued"

    async def story(one):
        one.arrived()
        await until(lambda: server.runs)
        for _ in range(5):
            one.arrived()
        await asyncio.sleep(0.05)
        assert len(server.runs) == 1
        server.state = "running"  # what came before is seen by it, or by the next
        await until(lambda: len(server.runs) == 2)
        await asyncio.sleep(0.05)
        assert len(server.runs) == 2

    play(server, story, monkeypatch)
    assert set(server.runs.values()) == {"Bearer anybody"}


def test_with_a_name_and_a_password(monkeypatch):
    monkeypatch.setenv("AIRFLOW_PW", "secret")
    server = Airflow()

    async def story(one):
        one.arrived()
        await until(lambda: server.runs)

    play(server, story, monkeypatch, user="gateway", password_env="AIRFLOW_PW")
    assert set(server.runs.values()) == {"Bearer gateway"}


def test_an_airflow_that_is_down_is_asked_again_until_it_is_there(monkeypatch):
    server = Airflow()
    server.down = True

    async def story(one):
        one.arrived()
        await until(lambda: len(server.asked) > 2)
        server.down = False
        await until(lambda: server.runs)

    said = play(server, story, monkeypatch)
    assert said[0].startswith("no answer: ConnectError")
    assert said[-1] == ""
