"""Run a processor over files and account for every event."""

import time
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from coffea.processor.executor import WorkItem

from hepcol import fileset as filesets
from hepcol.execution.account import IncompleteRun, Run, nothing_text, summarise
from hepcol.execution.backends import Backend, Kind, open_backend
from hepcol.execution.chunk import LEDGER, OUT, Task, probe
from hepcol.execution.progress import ProgressBar
from hepcol.execution.runner import LedgerRunner
from hepcol.ledger import ChunkRecord, FileRecord, close
from hepcol.provenance import describe
from hepcol.store import OutputFolder

MAX_CHUNK = 100_000
MIN_CHUNK = 1_000
CHUNKS_PER_WORKER = 4


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
            raise ValueError(nothing_text(found, chunks))
        result = _postprocess(processor, out[OUT])
        summary = summarise(closure, result, chunks, backend) | {
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
