"""Run a processor over files and account for every event."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from coffea.processor.executor import WorkItem

from hepcol import fileset as filesets
from hepcol.execution.backends import Backend, Kind, open_backend
from hepcol.execution.chunk import LEDGER, OUT, Task, probe
from hepcol.execution.progress import ProgressBar
from hepcol.execution.runner import LedgerRunner
from hepcol.ledger import ChunkRecord, Closure, FileRecord, Status, close
from hepcol.provenance import describe
from hepcol.result import Result
from hepcol.store import OutputFolder

MAX_CHUNK = 100_000
MIN_CHUNK = 1_000
CHUNKS_PER_WORKER = 4


@dataclass(frozen=True, eq=False)
class Run:
    """What a run gave.

    Parameters
    ----------
    result : Any
        The processor's output, merged over all chunks that were done.
    closure : Closure
        Events by what became of them.
    files : tuple of FileRecord
        What was found in each file.
    chunks : tuple of ChunkRecord
        What became of each chunk, in the order of the files.
    summary : dict
        What goes to ``summary.json``.
    """

    result: Any
    closure: Closure
    files: tuple[FileRecord, ...]
    chunks: tuple[ChunkRecord, ...]
    summary: dict[str, Any]


class IncompleteRun(RuntimeError):  # noqa: N818  (what is said of a run, not of an error)
    """Not every event was processed; carries the partial result."""

    def __init__(self, run: Run) -> None:
        super().__init__(missing_text(run))
        self.run = run


def missing_text(run: Run) -> str:
    """Say in one line what an incomplete run lacks, and the first reason."""
    closure = run.closure
    parts = [
        f"{number} events {what}"
        for number, what in (
            (closure.failed, "failed"),
            (closure.skipped, "skipped"),
            (closure.missing, "missing"),
        )
        if number
    ]
    if closure.unknown_files:
        parts.append(f"{closure.unknown_files} files could not be read")
    reasons = [file.message for file in run.files if file.error]
    reasons += [f"{chunk.error}: {chunk.message}" for chunk in run.chunks if chunk.error]
    reason = f" (first: {reasons[0]})" if reasons else ""
    return f"incomplete: {closure.processed} of {closure.files} events processed, {', '.join(parts)}{reason}"


def run(
    processor: Any,
    files: str | Path | Sequence[str | Path] | Mapping[str, Any],
    *,
    tree: str | None = None,
    dataset: str | None = None,
    executor: str | None = None,
    workers: int = 2,
    scheduler: str | None = None,
    chunksize: int | None = None,
    output: str | Path | None = None,
    force: bool = False,
    allow_incomplete: bool = False,
    progress: bool = False,
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
    workers : int
        Number of local processes, for futures and for a local Dask cluster.
    scheduler : str, optional
        Address of an existing Dask scheduler.
    chunksize : int, optional
        Events in a chunk, about; by default what keeps all workers busy. The result does not depend on it.
    output : str or Path, optional
        Folder for the results.
    force : bool
        Whether to replace results that are in the folder.
    allow_incomplete : bool
        Whether to return a run that did not process every event, instead of raising.
    progress : bool
        Whether to draw a progress bar on a terminal.

    Returns
    -------
    Run
        The result and the account of it.

    Raises
    ------
    IncompleteRun
        If not every event was processed; the results are written, and marked.
    ValueError
        If an option is wrong, or no event at all could be processed; then nothing is written.
    """
    start = time.perf_counter()
    kind = _choice(executor, scheduler)
    if chunksize is not None and chunksize < 1:
        raise ValueError(f"chunksize must be at least 1 event, got {chunksize}")
    inputs = filesets.resolve(files, tree, dataset)
    topic = f"hepcol-{uuid.uuid4().hex}"
    with OutputFolder.prepare(output, force) as folder, ProgressBar(progress) as bar:

        def hear(record: ChunkRecord) -> None:
            folder.record(record)
            bar.count(record)

        with open_backend(kind, workers, scheduler, hear, topic) as backend:
            started = time.perf_counter()
            if backend.dashboard:
                bar.note(f"Dask dashboard: {backend.dashboard}")
            bar.stage("open files")
            found = _probe(backend, inputs, tuple(getattr(processor, "columns", ())))
            for file in found:
                folder.record(file)
            items = _chunks(inputs, found, chunksize, backend.workers)
            bar.start_chunks(len(items), sum(len(item) for item in items))
            probed = time.perf_counter()
            if not items and any(file.entries == 0 for file in found):
                raise ValueError(f"no events: the files that can be read ({len(found)}) are empty")
            out = _process(backend, items, Task(processor, topic)) if items else {}
            finished = time.perf_counter()
        chunks = _in_order(items, out.get(LEDGER, []))
        closure = close(found, chunks)
        if OUT not in out:
            raise ValueError(_nothing(found, chunks))
        result = _postprocess(processor, out[OUT])
        summary = _summary(closure, result, chunks, backend) | {
            "wall_s": finished - start,
            "start_s": started - start,
            "open_s": probed - started,
            "process_s": finished - probed,
            "events_per_s": closure.processed / (finished - probed),
        }
        done = Run(result, closure, tuple(found), tuple(chunks), summary)
        folder.write(result, summary, describe(processor, found, executor=kind.value, chunksize=chunksize))
    if not closure.complete and not allow_incomplete:
        raise IncompleteRun(done)
    return done


def _choice(executor: str | None, scheduler: str | None) -> Kind:
    """Turn the name of an executor into its kind."""
    if executor is None:
        return Kind.ITERATIVE if scheduler is None else Kind.DASK
    try:
        return Kind(executor)
    except ValueError:
        raise ValueError(f"executor must be one of {', '.join(Kind)}, got '{executor}'") from None


def _probe(backend: Backend, inputs: filesets.Fileset, columns: tuple[Any, ...]) -> list[FileRecord]:
    """Open every file, on the workers, and tell what is in it, in the order of the fileset."""
    items = [(name, file, columns) for name, dataset in inputs.items() for file in dataset.files]
    if not items:
        raise ValueError("the fileset has no files")
    records, _ = backend.executor.copy(compression=None)(items, probe, [])
    found = {(record.dataset, record.path): record for record in records}
    return [found[name, file.path] for name, file, _ in items]


def _chunks(
    inputs: filesets.Fileset, found: list[FileRecord], chunksize: int | None, workers: int
) -> list[WorkItem]:
    """Cut the files that can be read into chunks of about equal size."""
    total = sum(file.entries for file in found if file.entries is not None)
    size = chunksize or max(MIN_CHUNK, min(MAX_CHUNK, -(-total // (CHUNKS_PER_WORKER * workers))))
    records = {(file.dataset, file.path): file for file in found}
    items = []
    for name, dataset in inputs.items():
        for file in dataset.files:
            record = records[name, file.path]
            if record.entries is None:
                continue
            for first, last in file.steps or ((0, record.entries),):
                items += [
                    WorkItem(
                        name,
                        file.path,
                        record.tree,
                        start,
                        stop,
                        uuid.UUID(record.uuid).bytes,
                        dict(dataset.metadata),
                    )
                    for start, stop in _cut(first, last, size)
                ]
    return items


def _cut(first: int, last: int, size: int) -> list[tuple[int, int]]:
    """Cut a range into pieces of about ``size``; an empty one into none, as coffea cannot read no events."""
    pieces = max(1, round((last - first) / size)) if last > first else 0
    edges = [first + (last - first) * piece // max(1, pieces) for piece in range(pieces + 1)]
    return list(pairwise(edges))


def _process(backend: Backend, items: list[WorkItem], task: Task) -> dict[str, Any]:
    """Process the chunks through coffea's Runner: the merged output and all records."""
    runner = LedgerRunner(executor=backend.executor)
    merged: dict[str, Any] = runner.run(items, task)
    return merged


def _in_order(items: list[WorkItem], records: list[ChunkRecord]) -> list[ChunkRecord]:
    """Sort records, which arrive in any order, as the chunks were cut."""
    position = {
        (item.dataset, item.filename, item.entrystart, item.entrystop): number
        for number, item in enumerate(items)
    }
    return sorted(records, key=lambda record: position[record.key])


def _postprocess(processor: Any, result: Any) -> Any:
    """Apply the processor's own postprocess, which may change its argument or return another."""
    postprocess = getattr(processor, "postprocess", None)
    changed = postprocess(result) if callable(postprocess) else None
    return result if changed is None else changed


def _nothing(found: list[FileRecord], chunks: list[ChunkRecord]) -> str:
    """Say in one line why not a single event was processed."""
    failed = next((chunk for chunk in chunks if chunk.error), None)
    if failed is not None:
        return (
            f"no event could be processed: {failed.error} in {failed.path}, entries {failed.start} to {failed.stop}: "
            f"{failed.message}"
        )
    messages = [file.message for file in found if file.error]
    return (
        messages[0]
        if len(messages) == 1
        else f"none of the {len(found)} files can be read: {'; '.join(messages[:3])}"
    )


def _summary(closure: Closure, result: Any, chunks: list[ChunkRecord], backend: Backend) -> dict[str, Any]:
    """Collect what ``summary.json`` says of a run, without its times."""
    by_worker: dict[str, float] = {}
    for chunk in chunks:
        by_worker[chunk.worker] = by_worker.get(chunk.worker, 0.0) + chunk.compile_s
    summary: dict[str, Any] = {
        "complete": closure.complete,
        "events": closure.summary(),
        "chunks": {status.value: sum(chunk.status is status for chunk in chunks) for status in Status},
        "executor": backend.kind.value,
        "workers": backend.workers,
        "compile_s": max(by_worker.values(), default=0.0),
        "cpu_s": sum(chunk.cpu_s for chunk in chunks),
        "bytes_read": sum(chunk.bytes_read for chunk in chunks),
    }
    if isinstance(result, Result):
        summary["selected"] = sum(part.selected for part in result.values())
        summary["datasets"] = {
            name: {
                "events": part.events,
                "sum_weights": float(part.sum_weights.value),
                "selected": part.selected,
                "cutflow": dict(part.cutflow),
                "tallies": dict(part.tallies),
            }
            for name, part in result.items()
        }
    return summary
