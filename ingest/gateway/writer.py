"""The journal in an event loop: whoever has something waits until it is on disk; whatever came meanwhile goes together.

While the disk works nobody reads on who waits for it, so a slow disk slows the devices and fills no memory.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from domain.errors import StoreError
from ingest.gateway.journal import Entry, Journal
from ingest.gateway.settings import Settings

_PAUSE_S = 1.0  # between tries of a disk that refuses


class Writer:
    """One journal and its only writer."""

    def __init__(
        self,
        journal: Journal,
        settings: Settings,
        clock: Callable[[], datetime],
        visible: Callable[[Path], None],
        trouble: Callable[[str], None],
    ) -> None:
        """Write nothing yet.

        Args:
            journal: where to.
            settings: how often a file is closed.
            clock: the time.
            visible: called with each file the feed can read from now on.
            trouble: called with what the disk says when it refuses, and with "" when it is well.
        """
        self.journal, self.settings, self.clock = journal, settings, clock
        self._visible, self._trouble = visible, trouble
        self._waiting: list[tuple[Sequence[Entry], asyncio.Future[None]]] = []
        self._new = asyncio.Event()
        self._closed_at: datetime | None = None
        self._stopping = False

    async def keep(self, entries: Sequence[Entry]) -> None:
        """Return when the entries are safe.

        Raises:
            StoreError: the disk refused; they may be there or not, and nobody may be told that they are.
        """
        if not entries:
            return
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((entries, done))
        self._new.set()
        await done

    async def run(self) -> None:
        """Make visible what a killed gateway left behind, write until `stop`, then close the last file."""
        await self._close()
        self._closed_at = None
        while True:
            timeout = self._left()
            try:
                async with asyncio.timeout(timeout):
                    await self._new.wait()
            except TimeoutError:
                await self._close()
                continue
            self._new.clear()
            await self._batch()
            if self._stopping and not self._waiting:
                await self._close()
                return
            if self._due():
                await self._close()

    def stop(self) -> None:
        """Let `run` write what waits, and end."""
        self._stopping = True
        self._new.set()

    async def _batch(self) -> None:
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        entries = [e for part, _ in batch for e in part]
        try:
            await asyncio.to_thread(self.journal.write, entries, self.clock())
            problem = None
            self._trouble("")
        except OSError as error:
            problem = StoreError(f"{self.journal.work}: {error.strerror or error}")
            self._trouble(str(problem))
        for _, done in batch:
            if done.cancelled():
                continue
            if problem is None:
                done.set_result(None)
            else:
                done.set_exception(problem)

    def _due(self) -> bool:
        """Whether the open file should be closed now: it is large, or none was closed for long."""
        if not self.journal.size:
            return False
        return self.journal.size >= self.settings.rotate_bytes or self._left() == 0

    def _left(self) -> float | None:
        """How long the open file may stay open: until the pause between files is over, or the slot of the feed is."""
        if not self.journal.size:
            return None
        if self._closed_at is None:
            return 0
        now = self.clock()
        left = min(self._closed_at + self.settings.rotate - now, self.settings.rotate)
        if left <= timedelta(0) or self.journal.slot(now) != self.journal.slot(now + left):
            return 0
        return left.total_seconds()

    async def _close(self) -> None:
        """Make the open file visible, and what an earlier failure or a killed gateway left behind."""
        self._closed_at = now = self.clock()
        try:
            found = await asyncio.to_thread(lambda: [self.journal.close(), *self.journal.recover(now)])
        except OSError as error:
            self._trouble(f"{self.journal.work}: {error.strerror or error}")
            await asyncio.sleep(_PAUSE_S)
            return
        for path in found:
            if path is not None:
                self._visible(path)
