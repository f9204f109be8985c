"""Airflow asked to run when something arrived: one run at a time, the next as soon as that one is at work.

A run that waits will see everything that came before it begins; so while one waits, no other is asked for.
"""

import asyncio
import os
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from ingest.gateway.settings import Ask

_POLL_S = 0.5
_PATIENCE_S = 30.0  # between tries when Airflow does not answer; its own schedule goes on meanwhile
_LONGEST_S = 600.0
_WAITING = {"queued", "scheduled", ""}


class Asking:
    """One Airflow, asked over its REST API."""

    def __init__(
        self, ask: Ask, told: Callable[[str], None], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Ask nothing yet; `told` is called with what is the case, for the health page."""
        self.ask, self._told = ask, told
        self._arrived = asyncio.Event()
        self._client = httpx.AsyncClient(base_url=ask.url, timeout=10.0, trust_env=False, transport=transport)
        self.asked = 0

    def arrived(self) -> None:
        """Say that there is something new to take in."""
        self._arrived.set()

    async def run(self) -> None:
        """Ask whenever something arrived, until cancelled."""
        async with self._client:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                try:
                    await self._once()
                except (httpx.HTTPError, ValueError, KeyError) as error:
                    self._told(f"no answer: {type(error).__name__} {error}".strip())
                    self._arrived.set()  # what arrived is still to be taken in
                    await asyncio.sleep(_PATIENCE_S)

    async def _once(self) -> None:
        """Ask for a run and wait until it is at work: what comes from then on needs another."""
        run_id = f"gateway-{uuid.uuid4().hex[:12]}"
        await self._send("POST", f"/api/v2/dags/{self.ask.dag}/dagRuns", {"dag_run_id": run_id, "logical_date": None})
        self.asked += 1
        self._told("")
        waited = 0.0
        while waited < _LONGEST_S:
            await asyncio.sleep(_POLL_S)
            waited += _POLL_S
            run = await self._send("GET", f"/api/v2/dags/{self.ask.dag}/dagRuns/{run_id}", None)
            if str(run.get("state") or "") not in _WAITING:
                return

    async def _send(self, method: str, path: str, content: dict[str, Any] | None) -> dict[str, Any]:
        answer = await self._client.request(method, path, json=content)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            await self._sign_in()
            answer = await self._client.request(method, path, json=content)
        if answer.status_code != httpx.codes.CONFLICT:  # a repeated question finds what the first one made
            answer.raise_for_status()
        return dict(answer.json())

    async def _sign_in(self) -> None:
        """A token for a name and a password, or without them where Airflow lets everybody in (a private one)."""
        if self.ask.user:
            secret = os.environ.get(self.ask.password_env, "")
            answer = await self._client.post("/auth/token", json={"username": self.ask.user, "password": secret})
        else:
            answer = await self._client.get("/auth/token")
        self._client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
