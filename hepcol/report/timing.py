"""Where the time of a run went: stages, chunks, workers."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from hepcol.ledger import ChunkRecord, Status
from hepcol.report.blocks import Bars, Block, Facts, Paragraph, Table, folded
from hepcol.report.markup import TextTable
from hepcol.report.numbers import measured

STAGES = {"start": "start_s", "open files": "open_s", "process": "process_s", "write": "write_s"}
_MOST_WORKERS, _SLOWEST = 8, 5
_MEGABYTE = 1e6
_KEPT = 1e-6  # seconds that a chunk takes at least, for rates


def describe_times(summary: Mapping[str, Any], chunks: Sequence[ChunkRecord]) -> Iterator[Block]:
    """Tell the stages of a run, and what its chunks took."""
    yield Bars(stages(summary))
    yield Facts(
        [
            ("whole run", f"{summary['wall_s']:,.1f} s"),
            ("rate", f"{summary['events_per_s']:,.0f} events/s in the stage process"),
            ("compiled or loaded", f"{summary['compile_s']:,.1f} s, on the worker that took longest"),
            ("processor time", f"{summary['cpu_s']:,.1f} s in chunks"),
            ("read", read(summary)),
        ]
    )
    done = [chunk for chunk in chunks if chunk.status is Status.DONE and chunk.events]
    if not done:
        yield Paragraph("No chunk with events was done.", "note")
        return
    yield Table(chunk_table(done))
    workers = worker_table(chunks)
    yield from folded(workers.title, [Table(workers)], len(workers.rows) > _MOST_WORKERS)
    if len(done) > 2 * _SLOWEST:
        yield Table(slowest_table(done), texts=2)


def read(summary: Mapping[str, Any]) -> str:
    """Say what was asked of files, and how often servers were asked."""
    text = f"{summary['bytes_read'] / _MEGABYTE:,.1f} MB asked of files"
    requests = summary.get("requests", 0)  # runs of before did not count them
    return f"{text}, in {requests:,} requests to servers" if requests else text


def stages(summary: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Name the stages of a run, with their times and parts of the whole."""
    total = sum(summary[key] for key in STAGES.values()) or 1.0
    return [(name, f"{summary[key]:,.1f} s", summary[key] / total) for name, key in STAGES.items()]


def rates(chunks: Sequence[ChunkRecord]) -> list[float]:
    """Events per second of a worker in each chunk, without what was compiled."""
    return [chunk.events / max(chunk.wall_s, _KEPT) for chunk in chunks]


def chunk_table(chunks: Sequence[ChunkRecord]) -> TextTable:
    """Tabulate what chunks took that were done."""
    rows = [
        ("events", [float(chunk.events) for chunk in chunks]),
        ("wall time [s]", [chunk.wall_s for chunk in chunks]),
        ("processor time [s]", [chunk.cpu_s for chunk in chunks]),
        ("compiled or loaded [s]", [chunk.compile_s for chunk in chunks]),
        ("events/s of a worker", rates(chunks)),
    ]
    return TextTable(
        f"{len(chunks):,} chunks",
        ("of a chunk", "least", "median", "most", "all"),
        [
            (
                name,
                *(measured(value) for value in (min(values), median(values), max(values))),
                "" if "/s" in name else measured(sum(values)),
            )
            for name, values in rows
        ],
    )


def worker_names(chunks: Sequence[ChunkRecord]) -> dict[str, str]:
    """Name workers by numbers, in the order in which they began: those of processes differ from run to run."""
    ordered = sorted((chunk for chunk in chunks if chunk.worker), key=lambda chunk: (chunk.started, chunk.worker))
    names = dict.fromkeys(chunk.worker for chunk in ordered)
    return {worker: f"{number}: {worker.rpartition(':')[0]}" for number, worker in enumerate(names, 1)}


def worker_table(chunks: Sequence[ChunkRecord]) -> TextTable:
    """Tabulate what each worker has done."""
    names = worker_names(chunks)
    rows = []
    for worker, name in names.items():
        own = [chunk for chunk in chunks if chunk.worker == worker]
        wall = sum(chunk.wall_s for chunk in own)
        events = sum(chunk.events for chunk in own if chunk.status is Status.DONE)
        rows.append(
            (
                name,
                f"{len(own):,}",
                f"{events:,}",
                *(f"{time:,.2f}" for time in (sum(c.compile_s for c in own), wall, sum(c.cpu_s for c in own))),
                f"{events / max(wall, _KEPT):,.0f}",
            )
        )
    header = ("worker", "chunks", "events done", "compiled [s]", "wall [s]", "processor [s]", "events/s")
    return TextTable("workers", header, rows)


def slowest_table(chunks: Sequence[ChunkRecord]) -> TextTable:
    """Tabulate the chunks that took longest."""
    slowest = sorted(chunks, key=lambda chunk: -chunk.wall_s)[:_SLOWEST]
    return TextTable(
        "slowest chunks",
        ("dataset", "file", "entries", "events", "wall [s]", "processor [s]", "tries"),
        [
            (
                *(chunk.dataset, chunk.path, f"{chunk.start:,} to {chunk.stop:,}", f"{chunk.events:,}"),
                *(f"{chunk.wall_s:,.3f}", f"{chunk.cpu_s:,.3f}", f"{chunk.attempts}"),
            )
            for chunk in slowest
        ],
    )
