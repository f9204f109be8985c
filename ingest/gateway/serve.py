"""The gateway at work: ports and broker -> pieces -> admission -> journal -> answers; stopped by SIGTERM or SIGINT.

A device is answered when its bytes are on disk, never before. What is not answered a device sends again, and the keyed
upsert of the lake makes one of two.
"""

import asyncio
import contextlib
import signal
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from domain.errors import CatalogueError, StoreError
from domain.times import LOCAL
from ingest.decoders.hj212.options import Options
from ingest.feeds import Feed, for_registry
from ingest.gateway.asking import Asking
from ingest.gateway.health import FOLDER, MOST_DEVICES, Device, Health
from ingest.gateway.journal import Entry, Journal, drop
from ingest.gateway.mqtt import Subscription
from ingest.gateway.replies import Head, answer, head_of
from ingest.gateway.settings import Admission, Listen, Settings
from ingest.gateway.stream import Piece, cut
from ingest.gateway.writer import Writer
from store.home import Home

_READ = 64 * 1024
_STATE_S = 5.0
#: How long what is on its way may still come when the gateway is told to stop, and how long that may go on.
_LAST_S, _LAST_MOST_S = 0.2, 5.0


@dataclass
class _Connection:
    """One device's line."""

    number: int
    peer: str
    since: datetime
    devices: set[str] = field(default_factory=set)
    frames: int = 0
    size: int = 0
    timer: asyncio.Timeout | None = None


class Gateway:
    """One gateway of a home."""

    def __init__(self, home: Home, settings: Settings, *, root: str, name: str, clock: Callable[[], datetime]) -> None:
        """Prepare it; nothing listens yet.

        Raises:
            CatalogueError: the feed, the name, a password or a certificate is not as it must be.
            StoreError: another gateway of this name is running.
        """
        feed = _feed(home, settings.feed)
        self.settings, self.clock = settings, clock
        self.keys = Options(**feed.options).sm4_keys
        self.known = frozenset(home.registry.by_mn)
        self.admission = Admission.of(settings, home.registry)
        self.health = Health(name, home.root, clock())
        self.asking = Asking(settings.airflow, self._said("airflow")) if settings.airflow else None
        self.tls = [_tls(listen) for listen in settings.listen]
        work, place = drop(feed, root, name)
        own = home.root / FOLDER / "aside"
        self._writers = [
            Writer(Journal(work, place), settings, clock, self._visible, self._said("trouble")),
            Writer(Journal(own / name, _aside(own, name)), settings, clock, lambda _: None, self._said("trouble")),
        ]
        self._open: dict[int, _Connection] = {}
        self._by_address: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._numbers = 0

    async def run(self, ready: Callable[[list[str]], object] | None = None) -> None:
        """Serve until told to stop, then take in what is on its way, write it and close.

        Args:
            ready: called with the addresses that are listened at.

        Raises:
            CatalogueError: a port cannot be opened.
        """
        try:
            await self._served(ready)
        finally:
            for writer in self._writers:
                writer.journal.release()

    async def _served(self, ready: Callable[[list[str]], object] | None) -> None:
        loop = asyncio.get_running_loop()
        answer(head_of(cut(b"##0000FFFF\r\n", self.keys)[0][0].plain))  # what is loaded when first used is there
        writing = [self._task(w.run()) for w in self._writers]
        servers = [await self._listening(*way) for way in zip(self.settings.listen, self.tls, strict=True)]
        self.health.listening = [_name(s.getsockname()) for server in servers for s in server.sockets]
        broker = Subscription(self.settings.mqtt, self._message, self._said("mqtt")) if self.settings.mqtt else None
        aside = [self._task(self._telling())]
        if self.asking is not None:
            aside.append(self._task(self.asking.run()))
        for wanted in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(wanted, self._stop.set)
        if broker is not None:
            self._loop = loop
            broker.start()
        if ready is not None:
            ready(self.health.listening)
        await self._stop.wait()
        if broker is not None:
            await asyncio.to_thread(broker.stop)
        await self._ended(servers)
        for writer in self._writers:
            writer.stop()
        await asyncio.gather(*writing)
        for task in aside:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.health.write(self.clock(), running=False)

    async def _listening(self, listen: Listen, tls: ssl.SSLContext | None) -> asyncio.Server:
        try:
            return await asyncio.start_server(self._connected, listen.host, listen.port, ssl=tls, limit=_READ)
        except OSError as error:
            raise CatalogueError([f"gateway.yaml: listen: {listen.host}:{listen.port}: {error.strerror}"]) from error

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task of the gateway itself: when it ends, so does the gateway, and its error is told."""
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._stop.set())
        return task

    def stop(self) -> None:
        """Tell it to stop."""
        self._stop.set()

    async def _ended(self, servers: Sequence[asyncio.Server]) -> None:
        """No new connections; the open ones until nothing more is on its way."""
        for server in servers:
            server.close()
        now = asyncio.get_running_loop().time()
        for connection in self._open.values():
            if connection.timer is not None:
                connection.timer.reschedule(now + _LAST_S)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_MOST_S)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._follow(asyncio.current_task())
        peer = writer.get_extra_info("peername") or ("", 0)
        address = str(peer[0])
        refusal = self._refusal(address)
        if refusal:
            self.health.counts[f"refused_{refusal}"] += 1
            self.health.log(self.clock(), "refused", peer=_name(peer), why=refusal)
            writer.close()
            return
        line = writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._numbers += 1
        here = self._open[self._numbers] = _Connection(self._numbers, _name(peer), self.clock())
        self._by_address[address] += 1
        self.health.counts["connections"] += 1
        self.health.open = len(self._open)
        self.health.log(here.since, "connected", peer=here.peer, connection=here.number)
        why = "broken"
        try:
            why = await self._reading(here, reader, writer)
        except (ConnectionError, StoreError, ssl.SSLError, TimeoutError) as error:
            why = str(error) or type(error).__name__
        finally:
            del self._open[here.number]
            self._by_address[address] -= 1
            self.health.open = len(self._open)
            self.health.log(
                self.clock(),
                "ended",
                peer=here.peer,
                connection=here.number,
                why=why,
                devices=sorted(here.devices),
                frames=here.frames,
                bytes=here.size,
            )
            writer.close()

    def _follow(self, task: asyncio.Task[None] | None) -> None:
        """Remember a task until it ends, so that stopping waits for it."""
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _refusal(self, address: str) -> str:
        if not self.admission.lets_connect(address):
            return "network"
        full = len(self._open) >= self.settings.connections
        return "full" if full or self._by_address[address] >= self.settings.per_address else ""

    async def _reading(self, here: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Read until the end; returns why it ended."""
        rest, why = b"", ""
        while not why:
            data = b""
            try:
                async with asyncio.timeout(self._patience(bool(rest))) as here.timer:
                    data = await reader.read(_READ)
                why = "" if data else "closed by the device"
            except TimeoutError:
                why = "stopped" if self._stop.is_set() else "" if rest else "idle"
            here.timer = None
            here.size += len(data)
            pieces, rest = cut(rest + data, self.keys, final=not data)
            replies = await self._taken(pieces, here.peer, here)
            if replies:
                writer.write(b"".join(reply for _, reply in replies))
                async with asyncio.timeout(self.settings.idle.total_seconds()):
                    await writer.drain()
        return why

    def _patience(self, half: bool) -> float:
        if self._stop.is_set():
            return _LAST_S
        return (self.settings.quiet if half else self.settings.idle).total_seconds()

    async def _taken(self, pieces: Sequence[Piece], peer: str, here: _Connection | None) -> list[tuple[str, bytes]]:
        """Keep pieces; returns the answers to those that want one, with their MN, when all are safe.

        Raises:
            StoreError: the disk refused.
        """
        now = self.clock()
        kept: tuple[list[Entry], list[Entry]] = ([], [])
        replies, answered = [], []
        for piece in pieces:
            head = head_of(piece.plain) if piece.whole else Head()
            objection = self.admission.objection(head) if piece.whole else ""
            number = here.number if here is not None else 0
            entry = Entry(piece.content, now, peer, number, head.mn, objection)
            kept[bool(objection)].append(entry)
            device = self._noted(piece, head, objection, peer, here, now)
            reply = b"" if objection or device is None else answer(head)
            if reply and device is not None:
                replies.append((head.mn, reply))
                answered.append(device)
        await asyncio.gather(*(w.keep(part) for w, part in zip(self._writers, kept, strict=True)))
        for device in answered:
            self.health.counts["answered"] += 1
            device.answered += 1
        return replies

    def _noted(
        self, piece: Piece, head: Head, objection: str, peer: str, here: _Connection | None, now: datetime
    ) -> Device | None:
        """Count a piece (of which device, if it is a frame), and log a device that is new on its line."""
        if not piece.whole:
            self.health.counts["noise"] += bool(piece.content.strip())
            return None
        device = self.health.heard(head.mn, peer, now, known=head.mn in self.known)
        if objection:
            device.kept_aside += 1
            self.health.counts[f"aside_{objection}"] += 1
        if here is None:
            return device
        here.frames += 1
        if head.mn not in here.devices and len(here.devices) < MOST_DEVICES:
            here.devices.add(head.mn)
            self.health.log(now, "device", peer=peer, connection=here.number, mn=head.mn, known=device.known)
        return device

    def _message(self, topic: str, payload: bytes, safe: Callable[[Sequence[tuple[str, bytes]]], None]) -> None:
        """A message of the broker, called by its thread: the broker is told when it is safe."""

        async def take() -> None:
            self._follow(asyncio.current_task())
            pieces, _ = cut(payload, self.keys, final=True)
            self.health.counts["messages"] += 1
            try:
                replies = await self._taken(pieces, topic, None)
            except StoreError:
                return  # the broker sends it again
            safe(replies)

        asyncio.run_coroutine_threadsafe(take(), self._loop)

    def _visible(self, _path: Path) -> None:
        self.health.last_file_at = self.clock()
        self.health.counts["files"] += 1
        if self.asking is not None:
            self.asking.arrived()

    def _said(self, what: str) -> Callable[[str], None]:
        def say(text: str) -> None:
            setattr(self.health, what, text)

        return say

    async def _telling(self) -> None:
        while True:
            self.health.write(self.clock())
            await asyncio.sleep(_STATE_S)


def _feed(home: Home, name: str) -> Feed:
    known = for_registry(home.registry.root, only=name)
    if name not in known or known[name].decoder != "hj212":
        raise CatalogueError([f"gateway.yaml: feed: {name!r} is no feed of HJ 212 packets; it has {sorted(known)}"])
    return known[name]


def _aside(folder: Path, name: str) -> Callable[[datetime], Path]:
    """Where frames that may not come in are kept: by day and hour of Shanghai, for people to look at."""

    def place(moment: datetime) -> Path:
        local = moment.astimezone(LOCAL)
        since = local - local.replace(minute=0, second=0, microsecond=0)
        return folder / f"{local:%Y-%m-%d}" / f"{local:%H}-{since // timedelta(microseconds=1):010d}-{name}.hj212"

    return place


def _tls(listen: Listen) -> ssl.SSLContext | None:
    if listen.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(listen.certificate, listen.key)
    except OSError as error:
        raise CatalogueError([f"gateway.yaml: listen: {listen.certificate}: {error}"]) from error
    return context


def _name(peer: Sequence[object]) -> str:
    return f"[{peer[0]}]:{peer[1]}" if ":" in str(peer[0]) else f"{peer[0]}:{peer[1]}"
