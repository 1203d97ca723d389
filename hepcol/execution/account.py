"""The account of a run: what it gave, what it lacks, and the summary of both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hepcol.chunkfiles import ChunkFile, Totals
from hepcol.filesums import SKIM, normalisation, notes_of
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
        parts.append(f"{closure.unknown_files} file{'s' if closure.unknown_files > 1 else ''} could not be read")
    reasons = [file.message for file in run.files if file.error]
    reasons += [f"{chunk.error}: {chunk.message}" for chunk in run.chunks if chunk.error]
    reasons += [run.summary["stopped"]] if run.summary["stopped"] else []
    reason = f" (first: {reasons[0]})" if reasons else ""
    return f"incomplete: {closure.processed} of {closure.files} events processed, {', '.join(parts)}{reason}"


def nothing_readable(found: list[FileRecord]) -> str:
    """Say in one line why there is not a single event to process."""
    messages = [file.message for file in found if file.error]
    empty = len(found) - len(messages)
    if not messages:
        return f"no events: {found[0].path} is empty" if empty == 1 else f"no events: all {empty} files are empty"
    if len(found) == 1:
        return messages[0]
    return f"no events: of {len(found)} files, {empty} are empty and {len(messages)} cannot be read: {messages[0]}"


# What awkward says of a field that is not there, as an attribute and as an item
_MISSING = (("AttributeError", "no field named "), ("awkward.errors.FieldNotFoundError", "no field "))


def lacks_a_column(chunks: list[ChunkRecord]) -> bool:
    """Whether every chunk failed because the events do not have a column: the wrong files, and no bug."""
    return all(
        any(chunk.error == error and chunk.message.startswith(start) for error, start in _MISSING) for chunk in chunks
    )


def _too_small_weights(result: Any) -> list[str]:
    """Say of which datasets the weights are so small for their bound that their squares are lost."""
    if not isinstance(result, Result):
        return []
    return [
        f"dataset '{name}': weights are too small for their bound: errors are not to be trusted; lower max_weight"
        for name, part in result.items()
        if not all(histogram.resolves_squares for histogram in part.histograms.values())
    ]


def check_counts(result: Any, closure: Closure) -> None:
    """Hold the events that a processor counted against the ledger.

    Raises
    ------
    RuntimeError
        If they differ: a bug in the processor.
    """
    if isinstance(result, Result):
        counted = sum(part.events for part in result.values())
        if counted != closure.processed:
            raise RuntimeError(f"the processor counted {counted} events, the ledger {closure.processed}")


def _warnings(found: list[FileRecord], chunks: list[ChunkRecord]) -> list[str]:
    """Say what is suspicious about files and workers."""
    none = [
        f"dataset '{chunk.dataset}' has no events, and no result: {chunk.error}: {chunk.message}"
        for chunk in chunks
        if chunk.error and not chunk.events
    ]
    return [*_copies(found), *_mixed(chunks), *none]


def _mixed(chunks: list[ChunkRecord]) -> list[str]:
    """Name workers that are not like the client."""
    workers: dict[str, set[str]] = {}
    for chunk in chunks:
        if chunk.unlike:
            workers.setdefault(chunk.unlike, set()).add(chunk.worker)
    return [
        f"{min(those)}{f' and {len(those) - 1} other workers' if len(those) > 1 else ''} had {differs}: "
        "what numpy or awkward compute may differ in the last bit"
        for differs, those in workers.items()
    ]


def _copies(found: list[FileRecord]) -> list[str]:
    """Name files that are copies, whose events would count twice and be smeared alike."""
    by_uuid: dict[str, list[str]] = {}
    for path, identity in dict.fromkeys((file.path, file.uuid) for file in found if file.uuid):
        by_uuid.setdefault(identity, []).append(path)
    return [
        f"{' and '.join(paths)} have the same UUID {identity}: copies are counted twice, and smeared alike"
        for identity, paths in by_uuid.items()
        if len(paths) > 1
    ]


def summarise(closure: Closure, result: Any, found: list[FileRecord], chunks: list[ChunkRecord]) -> dict[str, Any]:
    """Collect what ``summary.json`` says of a run, without how it was worked and its times."""
    by_worker: dict[str, float] = {}
    for chunk in chunks:
        by_worker[chunk.worker] = by_worker.get(chunk.worker, 0.0) + chunk.compile_s
    summary: dict[str, Any] = {
        "complete": closure.complete,
        "warnings": [*_warnings(found, chunks), *_too_small_weights(result)],
        "events": closure.summary(),
        "chunks": {status.value: sum(chunk.status is status for chunk in chunks) for status in Status},
        "compile_s": max(by_worker.values(), default=0.0),
        "cpu_s": sum(chunk.cpu_s for chunk in chunks),
        "bytes_read": sum(chunk.bytes_read for chunk in chunks) + sum(file.bytes_read for file in found),
        "requests": sum(chunk.requests for chunk in chunks) + sum(file.requests for file in found),
        "empty_files": [file.path for file in found if file.entries == 0],
        "selected": None,
    }
    if isinstance(result, Result):
        summary["selected"] = sum(part.selected for part in result.values())
        notes, files, done = notes_of(found), _by_dataset(found), _done(chunks)
        summary["datasets"] = {
            name: {
                "events": part.events,
                "sum_weights": (total := float(part.sum_weights.value)),
                "selected": part.selected,
                "cutflow": dict(part.cutflow),
                "tallies": dict(part.tallies),
                "normalisation": normalisation(
                    name,
                    those := files.get(name, []),
                    notes.get(name),
                    (part.events, total),
                    _all_done(those, done.get(name, 0)),
                ),
                **({"skim": {"cutflow": dict(notes[name].cutflow)}} if name in notes else {}),
            }
            for name, part in result.items()
        }
        summary["warnings"] += [*_not_whole(summary["datasets"]), *_other_weights(summary["datasets"], result)]
    return summary


def _by_dataset(found: Iterable[FileRecord]) -> dict[str, list[FileRecord]]:
    """Group files by their datasets."""
    files: dict[str, list[FileRecord]] = {}
    for file in found:
        files.setdefault(file.dataset, []).append(file)
    return files


def _done(chunks: Iterable[ChunkRecord]) -> dict[str, int]:
    """Count the events that were processed, by dataset."""
    events: dict[str, int] = {}
    for chunk in chunks:
        if chunk.status is Status.DONE:
            events[chunk.dataset] = events.get(chunk.dataset, 0) + chunk.events
    return events


def _all_done(files: Iterable[FileRecord], done: int) -> bool:
    """Whether all events of all files of a dataset were processed, of which ``done`` were."""
    entries = [file.entries for file in files]
    return None not in entries and done == sum(entry or 0 for entry in entries)


def _other_weights(datasets: Mapping[str, Any], result: Result) -> list[str]:
    """Say of which datasets all events that were skimmed are there, and do not weigh what they did then."""
    told = []
    for name, part in datasets.items():
        sums, here = part["normalisation"], float(result[name].sum_weights.value)
        if (
            sums["source"] == SKIM
            and sums["whole"]
            and sums["events"] == part["events"]
            and sums["sum_weights"] != here
        ):
            told.append(
                f"dataset '{name}': its events weigh {here:g} here and weighed {sums['sum_weights']:g} when they were "
                f"skimmed, by {sums['weight']}: make the skim with the weight of this analysis (select or weight)"
            )
    return told


def _not_whole(datasets: Mapping[str, Any]) -> list[str]:
    """Say of which datasets the sum of weights is not that of what was processed."""
    told = []
    for name, part in datasets.items():
        sums = part["normalisation"]
        if not sums["whole"]:
            more = f" and {len(sums['lacks']) - 1} more" if len(sums["lacks"]) > 1 else ""
            told.append(
                f"dataset '{name}' is not whole: {sums['lacks'][0]}{more} not there; its sum of weights, from "
                f"{sums['source']}, is not that of what is"
            )
    return told


def summarise_files(files: Sequence[ChunkFile]) -> dict[str, Any]:
    """Tell of each kind of files of chunks how many there are, and what is in them."""
    told = {}
    for kind in sorted({file.kind for file in files}):
        those = [file for file in files if file.kind == kind]
        told[kind] = {**Totals.of(those).told(), "suffixes": sorted({file.suffix for file in those})}
    return told
