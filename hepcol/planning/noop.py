"""What Dask costs for a chunk without work: of client and scheduler, and of a worker."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from coffea.processor.executor import WorkItem

from hepcol.execution.backends import Kind, open_backend
from hepcol.execution.chunk import LEDGER, OUT
from hepcol.execution.collector import Collector
from hepcol.ledger import ChunkRecord, Status, to_json

TASKS = 600
_WARM = 100  # tasks, before any is measured


@dataclass(frozen=True)
class SchedulerCosts:
    """What chunks without work took on a local cluster of one worker.

    Parameters
    ----------
    tasks : int
        How many.
    start_s : float
        To start the cluster.
    task_s : float
        Of client and scheduler, for each: processor time.
    worker_s : float
        Of the worker, for each: processor time.
    wall_s : float
        From one to the next.
    client_bytes, worker_bytes : float
        Memory of client and scheduler together, and of the worker. The client is taken to begin as large as a worker
        is, which has imported the same: this process may have been at other work before.
    """

    tasks: int
    start_s: float
    task_s: float
    worker_s: float
    wall_s: float
    client_bytes: float
    worker_bytes: float


def measure_scheduler(tasks: int = TASKS) -> SchedulerCosts:
    """Give a local cluster of one worker chunks without work; processor time, since others may be at work here."""
    import psutil

    here = psutil.Process()
    others = {process.pid for process in here.children(recursive=True)}
    before = here.memory_info().rss
    start = time.perf_counter()
    with open_backend(Kind.DASK, 1, None, lambda _: None, f"hepcol-{uuid.uuid4().hex}") as backend:
        started = time.perf_counter()
        numbers = count()
        _work(backend.executor, _WARM, numbers)
        workers = [process for process in here.children(recursive=True) if process.pid not in others]
        client_s, worker_s = _cpu_s([here]), _cpu_s(workers)
        begun = time.perf_counter()
        _work(backend.executor, tasks, numbers)
        ended = time.perf_counter()
        worker_bytes = float(max((process.memory_info().rss for process in workers), default=0))
        return SchedulerCosts(
            tasks,
            started - start,
            (_cpu_s([here]) - client_s) / tasks,
            (_cpu_s(workers) - worker_s) / tasks,
            (ended - begun) / tasks,
            worker_bytes + max(0.0, float(here.memory_info().rss - before)),
            worker_bytes,
        )


def _work(executor: Any, tasks: int, numbers: Iterator[int]) -> None:
    """Let an executor of hepcol's do tasks without work."""
    items = [_item(next(numbers)) for _ in range(tasks)]
    executor.copy(sink=Collector(items, lambda _: None))(items, nothing, None)


def _item(number: int) -> WorkItem:
    return WorkItem("nothing", "nothing.root", "events", number, number + 1, bytes(16), {})


def nothing(item: WorkItem) -> dict[str, Any]:
    """Give what a chunk gives, and tell of it as a chunk does, without any work."""
    from distributed import get_worker

    record = ChunkRecord(item.dataset, item.filename, item.treename, item.entrystart, item.entrystop, Status.DONE)
    get_worker().log_event("hepcol-nothing", to_json(record))
    return {OUT: len(item), LEDGER: [record]}


def _cpu_s(processes: Any) -> float:
    """Processor time of some processes."""
    return float(sum(sum(process.cpu_times()[:2]) for process in processes))
