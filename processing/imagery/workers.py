"""Who computes the blocks of a scene: the threads of this process, or the workers of a dask cluster."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from processing.imagery.stream import Block, Job, Mapper, Part, Task


def threads(n: int) -> Mapper:
    """Blocks shared among threads: while one waits for a file, the others compute."""

    def run(task: Task, work: Job, todo: Sequence[Block]) -> Iterable[Part]:
        shared = _Shared(todo)
        with ThreadPoolExecutor(n) as pool:
            yield from pool.map(lambda _: task(work, shared), range(n))

    return run


def cluster(client: Any, per_task: int = 2) -> Mapper:
    """Blocks shared among the workers of a dask cluster, so many to a task; `client` is a distributed.Client."""

    def run(task: Task, work: Job, todo: Sequence[Block]) -> Iterable[Part]:
        lots = [todo[i : i + per_task] for i in range(0, len(todo), per_task)]
        sent = client.scatter(work, broadcast=True, hash=False)
        yield from client.gather([client.submit(task, sent, lot, pure=False) for lot in lots])

    return run


class _Shared(Iterator[Block]):
    """Blocks that several threads take from."""

    def __init__(self, todo: Sequence[Block]) -> None:
        self._left, self._lock = iter(todo), threading.Lock()

    def __next__(self) -> Block:
        with self._lock:
            return next(self._left)
