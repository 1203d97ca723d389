"""Run a processor over files and account for every event."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coffea.processor.executor import WorkItem

from hepcol import fileset as filesets
from hepcol import threads as kernel_threads
from hepcol.errors import InputError
from hepcol.events import required_columns
from hepcol.execution.account import (
    IncompleteRun,
    Run,
    lacks_a_column,
    nothing_readable,
)
from hepcol.execution.backends import Backend, Kind, open_backend
from hepcol.execution.chunk import BACKOFF_S, LEDGER, OUT, RETRIES, Task
from hepcol.execution.code import module_digests
from hepcol.execution.collector import INTERRUPTED, Collector
from hepcol.execution.conclusion import Account, chunk_order, conclude
from hepcol.execution.continuation import continued, joined, recounted
from hepcol.execution.cutting import cut_into_chunks, empty_chunks, largest_chunk, ranges_left
from hepcol.execution.environment import environment
from hepcol.execution.identity import identify, kind_of, told_of
from hepcol.execution.interrupts import interrupts
from hepcol.execution.performance import performance_report
from hepcol.execution.probing import probe_files
from hepcol.execution.progress import ProgressBar
from hepcol.execution.runner import LedgerRunner
from hepcol.execution.updates import Updates
from hepcol.filesums import notes_of
from hepcol.ledger import ChunkRecord, FileRecord, Status, close
from hepcol.outputfolder import Earlier, OutputFolder
from hepcol.provenance import describe
from hepcol.storage.addresses import addresses_of
from hepcol.update import Listener

if TYPE_CHECKING:
    from hepcol.execution.clusters import Cluster

SNAPSHOT_S = 30.0
DEFAULT_WORKERS = 2
_SHORTEST_S = 1e-6


def run(
    processor: Any,
    files: str | Path | Sequence[str | Path] | Mapping[str, Any],
    *,
    tree: str | None = None,
    dataset: str | None = None,
    executor: str | None = None,
    workers: int | None = None,
    threads: int = 1,
    scheduler: str | None = None,
    cluster: "str | Path | Mapping[str, Any] | Cluster | None" = None,
    chunksize: int | None = None,
    output: str | Path | None = None,
    force: bool = False,
    resume: bool = False,
    on_error: str = "continue",
    max_failures: int | None = None,
    retries: int = RETRIES,
    backoff_s: float = BACKOFF_S,
    lost_after_s: float | None = None,
    snapshot_s: float = SNAPSHOT_S,
    dask_report: bool = False,
    allow_incomplete: bool = False,
    progress: bool = False,
    on_update: Listener | None = None,
) -> Run:
    """Run a processor over files.

    Parameters
    ----------
    processor : ProcessorABC, or function of events
        Any coffea processor.
    files : str, Path, sequence of them, or mapping
        Files, globs, folders, a shipped sample, or a coffea fileset: see :func:`hepcol.fileset.resolve`.
    tree : str, optional
        Name of the event tree.
    dataset : str, optional
        Name of the dataset, if the files are one.
    executor : {"iterative", "futures", "dask"}, optional
        Where to work: in this process, in local processes, or on Dask. By default in this process, or on Dask if
        there is a scheduler.
    workers : int, optional
        Number of local processes, for futures and for a local Dask cluster; by default 2.
    threads : int
        Number of threads of the kernels, for work in this process; workers have one each.
    scheduler : str, optional
        Address of an existing Dask scheduler.
    cluster : str, Path, mapping or Cluster, optional
        A cluster to work on: a YAML file of one, or what is in such a file, see ``docs/clusters.md``.
    chunksize : int, optional
        Events in a chunk, about; by default what keeps all workers busy. The result does not depend on it.
    output : str or Path, optional
        Folder for the results.
    force : bool
        Whether to replace results that are in the folder; with ``resume``, whether to continue them even if the
        processor, its options, the files or versions have changed.
    resume : bool
        Whether to continue the run in the folder: process what it lacks, and add it.
    on_error : {"continue", "stop"}
        What to do when a chunk fails: go on with the others, or end with what there is.
    max_failures : int, optional
        How many chunks may fail before the run ends with what there is.
    retries : int
        How often a chunk is tried again after an error that may pass, such as a time-out.
    backoff_s : float
        How long to wait before that [s]; four times longer each further time.
    lost_after_s : float, optional
        How long a Dask cluster may be without any worker before the run ends with what there is [s]; by default 300 s,
        or what the cluster's ``no_worker_timeout`` says.
    snapshot_s : float
        How often what there is so far is written to the folder, to be continued from if the run is killed [s].
    dask_report : bool
        Whether to write Dask's own report on the work to the folder.
    allow_incomplete : bool
        Whether to return a run that did not process every event, instead of raising.
    progress : bool
        Whether to draw a progress bar on a terminal.
    on_update : function of hepcol.Update, optional
        Is told what there is so far: at the start, as chunks are done, and at the end, with all that is in the run.
        How often depends on what that costs: at most three times a second, and 2 % of the time, but for the first
        and the last in a run of a few seconds. After an error of its own it is not called again, and the run goes on;
        KeyboardInterrupt ends the run with what there is, as Ctrl-C does. :class:`hepcol.report.live.Live` draws a
        histogram.

    Returns
    -------
    Run
        The result and the account of it.

    Raises
    ------
    IncompleteRun
        If not every event was processed; the results are written, and marked.
    InputError
        If an option is wrong, no file can be read, or a column is not there; then nothing is written.

    Notes
    -----
    One run at a time in a process: coffea's executors leave no other way to hear of chunks as they end.
    """
    start = time.perf_counter()
    kind = _choice(executor, scheduler, cluster)
    if chunksize is not None and chunksize < 1:
        raise InputError(f"chunksize must be at least 1 event, got {chunksize}")
    if threads < 1 or (threads > 1 and kind is not Kind.ITERATIVE):
        raise InputError(f"threads must be 1, or more with the executor iterative, got {threads} with {kind}")
    for name, value in (("retries", retries), ("backoff_s", backoff_s), ("snapshot_s", snapshot_s)):
        if not value >= 0:
            raise InputError(f"{name} must be at least 0, got {value}")
    if lost_after_s is not None and not lost_after_s > 0:
        raise InputError(f"lost_after_s must be positive, got {lost_after_s} s")
    if resume and output is None:
        raise InputError("resume needs the output folder of the run that is to be continued")
    if dask_report and (kind is not Kind.DASK or output is None):
        raise InputError(
            f"dask_report needs the executor dask and an output folder, got {kind}, {output or 'no folder'}"
        )
    if not (on_update is None or callable(on_update)):
        raise InputError(f"on_update must be a function of an update, or None, got {on_update!r}")
    made = _cluster_of(cluster, scheduler, workers)
    how = _Conduct(
        chunksize, on_error, _allowed_failures(on_error, max_failures), retries, backoff_s, snapshot_s, force, on_update
    )
    inputs = filesets.arranged(processor, filesets.resolve(files, tree, dataset))
    session = _Session(processor, inputs, how, kind, made)
    with OutputFolder.prepare(output, force, resume) as folder, ProgressBar(progress) as bar:
        earlier = continued(folder, session.identity, force)
        with (
            kernel_threads.use(threads),
            open_backend(
                *(kind, DEFAULT_WORKERS if workers is None else workers, scheduler, session.hear, session.topic),
                *(lost_after_s, made, kind_of(processor)),
            ) as backend,
        ):
            session.started = time.perf_counter()
            if backend.dashboard:
                bar.note(f"Dask dashboard: {backend.dashboard}")
            with performance_report(backend, folder.dask_report if dask_report else None) as not_reported:
                worked = session.work(backend, folder, bar, earlier)
        closure = close(worked.found, worked.chunks)
        # before postprocess, which may change what the rest is to be added to
        folder.keep(worked.out, worked.provenance, worked.chunks, worked.found)
        at_work = backend.workers
        if made is not None:  # which may have had fewer than it could have
            at_work = min(at_work, len({chunk.worker for chunk in worked.chunks}))
        account = Account(
            *(worked.out, worked.found, worked.chunks, closure, backend.kind.value, at_work, worked.stopped)
        )
        concluded = conclude(account, processor)
        done = concluded.run
        gather = getattr(processor, "gather", None)
        if closure.complete and callable(gather):
            # before that, so that nothing has to be processed again if it is interrupted
            folder.snapshot(worked.out, worked.provenance, worked.chunks, worked.found)
            concluded.gather(folder, gather, inputs)
        concluded.write(folder)
        written = time.perf_counter()
        done.summary["mark"] = filesets.marks(inputs)
        done.summary["warnings"] += [
            *filesets.warnings(inputs),
            *(*worked.warnings, *folder.warnings, *not_reported, *backend.warnings),
        ]
        done.summary.update(
            {
                "wall_s": written - start,
                "start_s": session.started - start,
                "open_s": worked.opened - session.started,
                "process_s": worked.finished - worked.opened,
                "write_s": written - worked.finished,
                "events_per_s": worked.events / max(worked.finished - worked.opened, _SHORTEST_S),
                "not_written": concluded.not_written,
            }
        )
        concluded.finish(folder, worked.provenance)
    if not done.closure.complete and not allow_incomplete:
        raise IncompleteRun(done)
    return done


@dataclass(frozen=True)
class _Conduct:
    """How chunks are cut, tried, saved and shown; see :func:`run`."""

    chunksize: int | None
    on_error: str
    allowed_failures: int | None
    retries: int
    backoff_s: float
    snapshot_s: float
    force: bool
    on_update: Listener | None


@dataclass
class _Worked:
    """What the work on the chunks gave."""

    found: list[FileRecord]
    out: Any
    chunks: list[ChunkRecord]
    events: int
    stopped: str
    warnings: list[str]
    provenance: dict[str, Any]
    opened: float
    finished: float


class _Session:
    """The work of a run on its files and chunks."""

    def __init__(
        self, processor: Any, inputs: filesets.Fileset, how: _Conduct, kind: Kind, cluster: "Cluster | None"
    ) -> None:
        self.identity = identify(processor, inputs)
        self.topic = f"hepcol-{uuid.uuid4().hex}"
        self.started = 0.0
        self._processor = processor
        self._inputs = inputs
        self._how = how
        self._kind = kind
        self._cluster = cluster
        self._collector: Collector | None = None

    def hear(self, record: ChunkRecord) -> None:
        """Hear of a chunk as it ends; from any thread."""
        if self._collector is not None:
            self._collector.hear(record)

    def work(self, backend: Backend, folder: OutputFolder, bar: ProgressBar, earlier: Earlier) -> _Worked:
        """Open the files, cut what is left to do into chunks, and process them."""
        how = self._how
        bar.stage("open files")
        columns = {name: required_columns(self._processor, dataset.metadata) for name, dataset in self._inputs.items()}
        found = joined(
            probe_files(backend, self._inputs, columns, self.topic, how.retries, how.backoff_s), earlier, how.force
        )
        ranges = ranges_left(self._inputs, found, earlier.done)
        if how.force and earlier.done:
            found = recounted(found, ranges, earlier)
        for file in found:
            folder.record(file)
        notes_of(found)  # refuses skims that have the same events
        check_files = getattr(self._processor, "check_files", None)
        if callable(check_files):
            check_files(found)
        items = cut_into_chunks(
            *(self._inputs, found, ranges, how.chunksize, backend.workers), largest_chunk(self._processor)
        )
        empty = empty_chunks(self._inputs, found, {chunk.dataset for chunk in earlier.done})
        if not items and not earlier.done and any(file.error for file in found):
            raise InputError(nothing_readable(found))
        provenance = self._provenance(found, earlier)
        bar.start_chunks(len(items), sum(len(item) for item in items))
        opened = time.perf_counter()

        def heard_first(record: ChunkRecord) -> None:
            folder.record(record)
            bar.count(record)

        updates = Updates(
            how.on_update,
            before=earlier.done,
            events=sum(file.entries or 0 for file in found),
            chunks=len(earlier.done) + len(items) + len(empty),
            mark=filesets.marks(self._inputs),
        )
        self._collector = collector = Collector(
            items,
            heard_first,
            out=earlier.out,
            max_failures=how.allowed_failures,
            snapshot=lambda out, done: folder.snapshot(out, provenance, [*earlier.done, *done], found),
            every_s=how.snapshot_s,
            check=folder.check,
            updates=updates,
            workers=backend.workers,
        )
        if how.on_error == "stop" and any(file.error for file in found):
            collector.stop("a file cannot be read")
        files = [file for dataset in self._inputs.values() for file in dataset.files]
        replicas = {file.path: file.replicas for file in files if file.replicas}
        task = Task(
            *(self._processor, self.topic, replicas, how.retries, how.backoff_s),
            environment(),
            module_digests(kind_of(self._processor)),
            folder.deposit,
            addresses_of(place for file in files for place in (file.path, *file.replicas)),
        )
        with interrupts.followed(lambda: collector.stop(INTERRUPTED)):
            if items:
                collector.keep_up()  # before the first chunk, which may take long
                try:
                    LedgerRunner(executor=backend.executor.copy(sink=collector)).run(items, task)
                finally:  # whatever fails from here on, the work is not lost
                    collector.save()
            nothing = _of_nothing(backend, empty, task) if empty and not collector.stopped else []
        for output in nothing:  # last, as what comes of no events may not merge with anything
            collector.take_nothing(output)
        taken = collector.result()
        if (items or nothing) and not earlier.done and lacks_a_column(taken[LEDGER]):
            raise InputError(f"{taken[LEDGER][0].path}: {taken[LEDGER][0].message}")
        stopped, finished = collector.stopped, time.perf_counter()
        collector.show(finished=True)
        return _Worked(
            found,
            taken.get(OUT),
            sorted([*earlier.done, *taken[LEDGER]], key=chunk_order(found)),
            sum(record.events for record in taken[LEDGER] if record.status is Status.DONE),
            stopped,
            updates.warnings,
            provenance,
            opened,
            finished,
        )

    def _provenance(self, found: list[FileRecord], earlier: Earlier) -> dict[str, Any]:
        """Describe what makes the result."""
        return describe(
            self._processor,
            found,
            executor=self._kind.value,
            chunksize=self._how.chunksize,
            identity=self.identity,
            fileset=told_of(self._inputs),
            continued=bool(earlier.done),
            **({"cluster": self._cluster.told()} if self._cluster is not None else {}),
            **({"merged": list(earlier.merged)} if earlier.merged else {}),
        )


def _allowed_failures(on_error: str, max_failures: int | None) -> int | None:
    """Turn what to do on an error into a number of failed chunks; None for any number."""
    if on_error not in ("continue", "stop"):
        raise InputError(f"on_error must be continue or stop, got '{on_error}'")
    if max_failures is not None and max_failures < 0:
        raise InputError(f"max_failures must be at least 0, got {max_failures}")
    return 0 if on_error == "stop" else max_failures


def _choice(executor: str | None, scheduler: str | None, cluster: Any) -> Kind:
    """Turn the name of an executor into its kind."""
    if executor is None:
        return Kind.ITERATIVE if scheduler is None and cluster is None else Kind.DASK
    try:
        return Kind(executor)
    except ValueError:
        raise InputError(f"executor must be one of {', '.join(Kind)}, got '{executor}'") from None


def _cluster_of(cluster: Any, scheduler: str | None, workers: int | None) -> "Cluster | None":
    """Read and check a cluster, if there is one; what else says where to work would not be heeded."""
    if cluster is None:
        return None
    if scheduler is not None:
        raise InputError(f"expected a cluster or a scheduler, got both, the scheduler being {scheduler}")
    if workers is not None:
        raise InputError(f"the number of workers is that of the cluster, got workers = {workers}, too")
    from hepcol.execution.clusters import cluster_of

    return cluster_of(cluster)


def _of_nothing(backend: Backend, items: list[WorkItem], task: Task) -> list[dict[str, Any]]:
    """Process chunks without events; return the output of each."""
    outputs = []
    for item in items:  # one by one: their outputs may not merge with each other
        collector = Collector([item], lambda _: None)
        LedgerRunner(executor=backend.executor.copy(sink=collector)).run([item], task)
        outputs.append(collector.result())
    return outputs
