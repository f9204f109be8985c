"""What came, durable on disk before anybody is answered, and visible to the feed as whole files.

A file is written in a folder the feed does not look into, `fsync`ed after every batch, and moved to its name among the
feed's files when it is closed: a reader never sees half a file. What a killed gateway leaves behind is moved there by
the next one. Beside each file lies `<name>.jsonl`: a line for each piece, with when, from whom and where in the file.
"""

import fcntl
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Self

from domain.errors import CatalogueError, StoreError
from ingest import fetch
from ingest.feeds import Feed

PART = ".part"
BESIDE = ".jsonl"
AIM = ".aim"


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece and where it came from."""

    content: bytes
    at: datetime
    peer: str  # address and port, or the topic of a message
    connection: int
    mn: str = ""
    why: str = ""  # why it was kept aside


class Journal:
    """The files of one gateway; one process at a time, which a lock sees to."""

    def __init__(self, work: Path, place: Callable[[datetime], Path]) -> None:
        """Open it.

        Args:
            work: folder for what is being written, on the same disk as the places.
            place: the name of a file for what comes at a moment; it must change with the feed's slot.

        Raises:
            StoreError: another gateway writes there.
        """
        self.work, self.place = work, place
        work.mkdir(parents=True, exist_ok=True)
        self._lock = (work / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise StoreError(f"{work}: another gateway writes there; stop it, or give this one a --name") from None
        self._part: _Part | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let another gateway write there."""
        self._lock.close()

    @property
    def size(self) -> int:
        """Bytes of the open file."""
        return 0 if self._part is None else self._part.size

    def slot(self, moment: datetime) -> tuple[Path, str]:
        """Which slot of the feed a moment lies in."""
        return _slot(self.place(moment))

    def write(self, entries: Sequence[Entry], now: datetime) -> None:
        """Write pieces; when it returns they survive a kill and a power cut.

        Raises:
            OSError: the disk refused; nothing may be answered. The pieces may be there half or whole.
        """
        folder = self.place(now).parent
        if self._part is not None and self._part.slot != self.slot(now):
            self.close()
        if self._part is None:
            folder.mkdir(parents=True, exist_ok=True)
            self._part = _Part.begun(self.work, self.place(now))
        try:
            self._part.write(entries)
        except OSError:
            self._part.abandon()  # it lies there for `recover`; the next batch begins another
            self._part = None
            raise

    def close(self) -> Path | None:
        """Make what was written visible to the feed; returns the file, None when there is none.

        Raises:
            OSError: the disk refused; it is tried again by `recover`.
        """
        part, self._part = self._part, None
        if part is None:
            return None
        part.shut()
        return self._visible(part.path, part.target)

    def recover(self, now: datetime) -> list[Path]:
        """Make visible what a gateway that died left behind, as arrived now: it is readable from now on."""
        self._together()
        left = sorted(self.work.glob(f"*{PART}"), key=lambda p: (p.stat().st_mtime_ns, p.name))
        found = []
        for path in left:
            if self._part is not None and path == self._part.path:
                continue
            if path.stat().st_size:
                found.append(self._visible(path, self.place(now)))
            else:
                path.with_suffix(BESIDE).unlink(missing_ok=True)
                path.unlink()
        return found

    def _together(self) -> None:
        """Take back lines that were moved by a gateway which died before it moved their file."""
        for aim in self.work.glob(f"*{AIM}"):
            told = aim.readlink()
            if aim.with_suffix(PART).exists() and told.exists():
                told.rename(aim.with_suffix(BESIDE))
            aim.unlink()

    def _visible(self, part: Path, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        n, free = 0, target
        while free.exists():
            n += 1
            free = target.with_stem(f"{target.stem}.{n}")
        beside, aim = part.with_suffix(BESIDE), part.with_suffix(AIM)
        if beside.exists():
            told = free.with_suffix(free.suffix + BESIDE)
            aim.symlink_to(told)  # a kill between the two moves must not part the file from its lines
            _sync(part.parent)
            beside.rename(told)
        part.rename(free)
        for folder in {free.parent, part.parent}:
            _sync(folder)
        aim.unlink(missing_ok=True)
        return free


class _Part:
    """One file that is being written, and the lines beside it."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path, self.target, self.slot, self.size = path, target, _slot(target), 0
        self._data: IO[bytes] = path.open("xb", buffering=0)
        self._beside: IO[str] = path.with_suffix(BESIDE).open("w", encoding="utf-8")

    @classmethod
    def begun(cls, work: Path, target: Path) -> "_Part":
        n, path = 0, work / f"{target.name}{PART}"
        while path.exists():
            n += 1
            path = work / f"{target.name}.{n}{PART}"
        part = cls(path, target)
        _sync(work)
        return part

    def write(self, entries: Sequence[Entry]) -> None:
        content = b"".join(e.content for e in entries)
        view = memoryview(content)
        while view:
            view = view[self._data.write(view) :]
        os.fsync(self._data.fileno())
        for entry in entries:
            self._beside.write(_line(entry, self.size))
            self.size += len(entry.content)
        self._beside.flush()

    def shut(self) -> None:
        self._data.close()
        self._beside.close()

    def abandon(self) -> None:
        self._data.close()
        self._beside.close()


def _line(entry: Entry, offset: int) -> str:
    told: dict[str, Any] = {**asdict(entry), "at": entry.at.isoformat(), "offset": offset, "length": len(entry.content)}
    del told["content"]
    return json.dumps({k: v for k, v in told.items() if v != ""}, ensure_ascii=False) + "\n"


def _slot(path: Path) -> tuple[Path, str]:
    """What two names of one slot share: the folder, and the part before stamp and gateway."""
    return path.parent, path.name.rsplit("-", 2)[0]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def drop(feed: Feed, root: str, name: str) -> tuple[Path, Callable[[datetime], Path]]:
    """Where a gateway of this name writes for a feed: the folder to work in, and the file for a moment.

    Raises:
        CatalogueError: the name is none, or the feed is not one of local files whose names have exactly one `*`, which
            takes the stamp.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise CatalogueError([f"gateway: the name {name!r} must be of a-z, 0-9 and _"])
    folder, _, last = feed.path.rpartition("/")
    if feed.transport != "files" or last.count("*") != 1 or "*" in folder or fetch.is_web(root):
        problem = f"feeds.yaml: feed {feed.id!r}: a gateway writes files whose path has one * in its last part, locally"
        raise CatalogueError([problem])

    def place(moment: datetime) -> Path:
        slot = next(feed.slots(moment, moment + timedelta(microseconds=1)))
        address = feed.address(root, slot)
        folder, _, last = address.rpartition("/")
        since = moment - slot[0]
        minutes, rest = divmod(since // timedelta(microseconds=1), 60_000_000)
        return fetch.local(folder) / last.replace("*", f"-{minutes:02d}{rest:08d}-{name}")

    fixed = feed.path.partition("{")[0].rpartition("/")[0]
    base = fetch.local(fixed) if feed.path.startswith("/") else fetch.local(root) / fixed
    return base / ".gateway" / name, place
