"""A local cluster of one worker, and what Dask costs there for a chunk without work."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from coffea.processor.executor import WorkItem

from hepcol.execution.backends import Backend, Kind, open_backend
from hepcol.execution.chunk import LEDGER, OUT, tell
from hepcol.execution.collector import Collector
from hepcol.ledger import ChunkRecord, Status

TASKS = 600
_WARM = 100  # tasks, before any is measured
_NEWS_S = 10.0  # for the last record to come


@dataclass(frozen=True)
class SchedulerCosts:
    """What chunks without work took on a local cluster of one worker.

    Parameters
    ----------
    tasks : int
        How many.
    told : int
        How many records of them came to the client.
    start_s, stop_s : float
        To start the cluster, and to end it.
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
    told: int
    start_s: float
    task_s: float
    worker_s: float
    wall_s: float
    client_bytes: float
    worker_bytes: float
    stop_s: float = 0.0


class OneWorker:
    """A local cluster of one worker.

    Parameters
    ----------
    backend : Backend
        The cluster.
    topic : str
        Which its worker tells records under.
    start_s : float
        What it took to start [s].
    before : set of int
        Processes that are no part of it.
    before_bytes : int
        Memory of this process before.
    records : list
        Records that have come.
    """

    def __init__(
        self,
        backend: Backend,
        topic: str,
        start_s: float,
        before: set[int],
        before_bytes: int,
        records: list[ChunkRecord],
    ) -> None:
        self.topic = topic
        self.stop_s = 0.0
        self._backend = backend
        self._start_s = start_s
        self._before = before
        self._before_bytes = before_bytes
        self._records = records

    @property
    def client(self) -> Any:
        """Dask's client of it."""
        return self._backend.executor.client

    def measure(self, tasks: int = TASKS) -> SchedulerCosts:
        """Give it chunks without work; processor time, since others may be at work here."""
        import psutil

        here, numbers = psutil.Process(), count()
        self._work(_WARM, numbers)
        workers = [process for process in here.children(recursive=True) if process.pid not in self._before]
        client_s, worker_s = _cpu_s([here]), _cpu_s(workers)
        begun = time.perf_counter()
        self._work(tasks, numbers)
        ended = time.perf_counter()
        worker_bytes = float(max((process.memory_info().rss for process in workers), default=0))
        return SchedulerCosts(
            tasks,
            len(self._records) - _WARM,
            self._start_s,
            (_cpu_s([here]) - client_s) / tasks,
            (_cpu_s(workers) - worker_s) / tasks,
            (ended - begun) / tasks,
            worker_bytes + max(0.0, float(here.memory_info().rss - self._before_bytes)),
            worker_bytes,
        )

    def _work(self, tasks: int, numbers: Iterator[int]) -> None:
        """Let an executor of hepcol's do tasks without work, each with what all need, as those of a run."""
        items = [_item(next(numbers)) for _ in range(tasks)]
        executor: Any = self._backend.executor.copy(sink=Collector(items, lambda _: None), heavy_input=self.topic)
        expected = len(self._records) + tasks
        executor(items, nothing, None)
        deadline = time.perf_counter() + _NEWS_S
        while len(self._records) < expected and time.perf_counter() < deadline:
            time.sleep(0.01)


@contextmanager
def one_worker() -> Iterator[OneWorker]:
    """Start it, and end it afterwards; ``stop_s`` is what that took."""
    import psutil

    topic, records = f"hepcol-{uuid.uuid4().hex}", list[ChunkRecord]()
    here = psutil.Process()
    before, before_bytes = {process.pid for process in here.children(recursive=True)}, here.memory_info().rss
    start = time.perf_counter()
    with open_backend(Kind.DASK, 1, None, records.append, topic) as backend:
        made = OneWorker(backend, topic, time.perf_counter() - start, before, before_bytes, records)
        yield made
        ended = time.perf_counter()
    made.stop_s = time.perf_counter() - ended


def measure_scheduler(tasks: int = TASKS) -> SchedulerCosts:
    """Start a local cluster of one worker, give it chunks without work, and end it."""
    with one_worker() as cluster:
        costs = cluster.measure(tasks)
    return replace(costs, stop_s=cluster.stop_s)


def _item(number: int) -> WorkItem:
    return WorkItem("nothing", "nothing.root", "events", number, number + 1, bytes(16), {})


def nothing(work: tuple[WorkItem, str]) -> dict[str, Any]:
    """Give what a chunk gives, and tell of it as a chunk does, without any work."""
    item, topic = work
    record = ChunkRecord(item.dataset, item.filename, item.treename, item.entrystart, item.entrystop, Status.DONE)
    tell(record, topic)
    return {OUT: len(item), LEDGER: [record]}


def _cpu_s(processes: Any) -> float:
    """Processor time of some processes."""
    return float(sum(sum(process.cpu_times()[:2]) for process in processes))
