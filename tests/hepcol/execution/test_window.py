"""The cluster has a bounded number of chunks at a time, and their outputs come to the client in bounded parts."""

import sys
from pathlib import Path

import pytest
from coffea.processor.executor import WorkItem
from distributed import Client, LocalCluster
from distributed.diagnostics.plugin import SchedulerPlugin

import hepcol
from hepcol.execution import executors
from hepcol.execution.chunk import LEDGER, OUT
from hepcol.execution.collector import Collector
from hepcol.execution.executors import LedgerDaskExecutor
from hepcol.ledger import ChunkRecord, Status
from hepcol.options import find_processor

Marked = find_processor(f"{Path(__file__).with_name('markers.py')}:Marked")
m = sys.modules[Marked.__module__]

pytestmark = pytest.mark.timeout(60)
CHUNKS, WINDOW, TREE = 300, 6, 3


@pytest.fixture
def cluster():
    """Open a cluster in this process, where its scheduler can be looked at."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, silence_logs=50
    ) as made:
        yield made


class Watch(SchedulerPlugin):
    """Sees how many tasks a scheduler has, and how many of them wait for work or are at it."""

    def __init__(self, scheduler):
        self.scheduler, self.tasks, self.pending = scheduler, [], []

    def transition(self, key, start, finish, *args, **kwargs):
        self.tasks.append(len(self.scheduler.tasks))
        self.pending.append(sum(task.state not in ("memory", "released") for task in self.scheduler.tasks.values()))


def give(item):
    """Give the number of a chunk."""
    record = ChunkRecord(item.dataset, item.filename, item.treename, item.entrystart, item.entrystop, Status.DONE)
    return {OUT: [item.entrystart], LEDGER: [record]}


@pytest.fixture
def watched(cluster, monkeypatch):
    """Work on the chunks; return what came of it, and how many tasks the scheduler had."""
    monkeypatch.setattr(executors, "WINDOW", WINDOW)
    monkeypatch.setattr(executors, "_PER_THREAD", 1)
    items = [WorkItem("z", "none.root", "events", number, number + 1, bytes(16), {}) for number in range(CHUNKS)]
    sink, watch = Collector(items, lambda _: None), Watch(cluster.scheduler)
    with Client(cluster) as client:
        cluster.scheduler.add_plugin(watch, name="watch")
        executor = LedgerDaskExecutor(client=client, status=False, compression=None, sink=sink, treereduction=TREE)
        executor(items, give, None)
    return sink.result(), watch


def test_every_chunk_comes_back_once(watched):
    result, _ = watched
    assert sorted(result[OUT]) == list(range(CHUNKS))
    assert all(record.status is Status.DONE for record in result[LEDGER])


def test_the_scheduler_stays_small_whatever_the_number_of_chunks(watched):
    _, watch = watched
    merges = WINDOW  # that wait for workers, at most as many as there are chunks
    assert max(watch.pending) <= WINDOW + merges
    # with what made the outputs that have not come to the client, so that it could be made anew
    assert max(watch.tasks) <= WINDOW + merges + 2 * TREE**3


@pytest.mark.parametrize("window", [1, 4])
def test_a_chunk_that_ends_its_worker_is_found_out_while_others_are_to_come(tmp_path, window, monkeypatch):
    monkeypatch.setattr(executors, "WINDOW", window)
    monkeypatch.setattr(executors, "_PER_THREAD", 1)
    faults = m.plan(tmp_path / "faults", ("SIGSEGV", 20))
    run = m.check_run(
        hepcol.run(
            *(Marked(faults), m.write_files(tmp_path)),
            executor="dask",
            chunksize=20,
            allow_incomplete=True,
            backoff_s=0.01,
        )
    )
    assert [(chunk.start, chunk.stop) for chunk in run.chunks if chunk.status is Status.FAILED] == [(20, 40)]
    assert run.closure.processed == 280
