"""The account of a run: what it gave, what it lacks, and the summary of both."""

from dataclasses import dataclass
from typing import Any

from hepcol.execution.backends import Backend
from hepcol.ledger import ChunkRecord, Closure, FileRecord, Status
from hepcol.result import Result


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


def nothing_text(found: list[FileRecord], chunks: list[ChunkRecord]) -> str:
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


def summarise(closure: Closure, result: Any, chunks: list[ChunkRecord], backend: Backend) -> dict[str, Any]:
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
