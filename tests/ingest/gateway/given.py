"""Frames, settings and a gateway of the tests' own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.gateway.serve import Gateway
from ingest.gateway.settings import Listen, Settings
from sample_feeds.hj212_frames import frame
from store.home import Home

MN = "331102000000000000000001"  # of the sample county
STRANGER = "999999000000000000000009"
QN = "20260820100300000"


def packet(
    qn: str = QN, *, mn: str = MN, flag: int = 5, cn: int = 2061, pw: str = "123456", value: str = "12"
) -> bytes:
    """A frame of hour data that wants an answer unless `flag` says otherwise."""
    head = f"QN={qn};ST=22;CN={cn};PW={pw};MN={mn};Flag={flag};"
    return frame(f"{head}CP=&&DataTime=20260820090000;a34004-Avg={value},a34004-Flag=N&&".encode())


def answered(qn: str = QN, *, mn: str = MN, cn: int = 9014, flag: int = 4, pw: str = "123456") -> bytes:
    return frame(f"QN={qn};ST=91;CN={cn};PW={pw};MN={mn};Flag={flag};CP=&&&&".encode())


def settings(**told: Any) -> Settings:
    """Settings with one free port and files that close at once."""
    return Settings.model_validate({"listen": [Listen(port=0).model_dump()], "rotate": 0.05, **told})


@asynccontextmanager
async def gateway(
    root: Path, told: Settings | None = None, home: Home | None = None
) -> AsyncIterator[tuple[Gateway, int]]:
    """A gateway that runs, and its port; stopped at the end."""
    place = home or Home.open(root / "home")
    one = Gateway(place, told or settings(), root=str(root / "feeds"), name="test", clock=lambda: datetime.now(UTC))
    ready = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(one.run(ready.set_result))
    done, _ = await asyncio.wait({ready, running}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    if running in done:
        await running
    try:
        yield one, int(ready.result()[0].rsplit(":", 1)[1])
    finally:
        one.stop()
        await asyncio.wait_for(running, 30)


def kept(root: Path) -> bytes:
    """Everything the feed can read, in the order of the files' names."""
    return b"".join(p.read_bytes() for p in files(root))


def files(root: Path) -> list[Path]:
    found = (root / "feeds" / "ground" / "hj212").rglob("*.hj212")
    return sorted(p for p in found if ".gateway" not in p.parts)


def beside(root: Path) -> list[dict[str, Any]]:
    """The lines beside all files, each with the bytes it points at."""
    out = []
    for path in files(root):
        data = path.read_bytes()
        for line in path.with_suffix(".hj212.jsonl").read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            out.append(told | {"bytes": data[told["offset"] :][: told["length"]]})
    return out


def state(home: Path) -> dict[str, Any]:
    return dict(json.loads((home / "gateway" / "test.json").read_text(encoding="utf-8")))
