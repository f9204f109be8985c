"""Devices that send to a gateway which is killed again and again, and send again what nobody answered.

    python -m tests.ingest.gateway.crashes ROOT KILLS SEED

The parent loads everything once and plays the devices; the gateway is a child of it, ended by the timer's signal, which
like SIGKILL no line of Python hears. Prints how often it was killed and the QN of every packet that was answered.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ingest.gateway.serve import Gateway
from ingest.gateway.settings import Listen
from ingest.gateway.stream import cut
from store.home import Home
from tests.ingest.gateway.given import MN, packet, settings

DEVICES = 3
FIRST = 20260820100300000


def gateway(root: Path, port: int, after_s: float | None) -> int:
    """A child that serves until it is killed, or told to stop when no time is given; returns its number."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        told = settings(listen=[Listen(port=port).model_dump()], rotate=0.02)
        place, feeds = Home.open(root / "home"), str(root / "feeds")
        one = Gateway(place, told, root=feeds, name="test", clock=lambda: datetime.now(UTC))
        asyncio.run(one.run(lambda _: signal.setitimer(signal.ITIMER_REAL, after_s or 0)))
        code = 0
    finally:
        os._exit(code)


def listening(port: int, pid: int) -> bool:
    """Wait until the gateway listens; false when it was killed meanwhile."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return True
        time.sleep(0.005)
    return False


def exchange(port: int, numbers: list[int]) -> Iterator[int]:
    """One packet of each device at once; yields the numbers that were answered."""
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5)) for _ in numbers]
        for one, number in zip(lines, numbers, strict=True):
            one.sendall(packet(str(number), mn=f"{MN[:-1]}{number % DEVICES + 1}"))
        for one, number in zip(lines, numbers, strict=True):
            answer = b""
            while not answer.endswith(b"\r\n"):
                part = one.recv(4096)
                if not part:
                    break
                answer += part
            if str(number).encode() in answer:
                yield number


def main() -> None:
    """Kill, send, and say what was answered."""
    root, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    cut(packet(), {})  # loaded once, for every child
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answered: list[int] = []
    killed, number = 0, FIRST
    pid = gateway(root, port, rng.uniform(0.001, 0.5))
    while killed < kills or not answered:
        wanted = list(range(number, number + DEVICES))
        while wanted:
            if not listening(port, pid):
                if not os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
                    raise RuntimeError("the gateway ended by itself")
                killed += 1
                pid = gateway(root, port, rng.uniform(0.001, 0.5) if killed < kills else None)
                continue
            got = list(exchange(port, wanted))
            answered += got
            wanted = [n for n in wanted if n not in got]
        number += DEVICES
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    sys.stdout.write(json.dumps({"killed": killed, "answered": answered}) + "\n")


if __name__ == "__main__":
    main()
