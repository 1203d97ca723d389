"""Output folders to make pages of, without a run."""

import struct
import zlib

import hist
import numpy as np

from hepcol.ledger import ChunkRecord, FileRecord, Status, close
from hepcol.outputfolder import OutputFolder
from hepcol.spectra import collect
from hepcol.store import plot_paths

DATASET = "<b>z & co</b>"
VARIATIONS = ("nominal", "JES__1up", "JES__1down")
FILES = [
    FileRecord(DATASET, "a<i>.root", "events", 200, "uuid-a", "FCCSchema", size=3_100_000),
    FileRecord(DATASET, "lost.root", error="FileNotFoundError", message="lost.root: no such <file>"),
]


def histograms():
    axes = (
        hist.axis.StrCategory(VARIATIONS, name="variation"),
        hist.axis.Regular(4, 0, 4, name="x", label="x [GeV]"),
    )
    made = hist.Hist(*axes, storage=hist.storage.Int64())
    for number, name in enumerate(VARIATIONS):
        made.fill(name, np.repeat([0.5, 1.5], [50 + number, 20]))
    steps = hist.Hist(hist.axis.StrCategory(["all", "cut"], name="step"), storage=hist.storage.Weight())
    steps.fill(["all", "all", "cut"], weight=[1.5, 2.5, 1.0])
    return {DATASET: {"x": made, "cutflow": steps}}


def chunks(failed=False):
    return [
        ChunkRecord(
            DATASET, "a<i>.root", "events", start, start + 100, Status.FAILED if failed and start else Status.DONE,
            *(("ValueError", "bad <b>bold</b>", "Traceback: <script>alert(1)</script>") if failed and start else ()),
            worker=f"host:{start}", wall_s=0.5 + start, cpu_s=0.25, compile_s=1.0, started=1e9 + start,
        )
        for start in (0, 100)
    ]  # fmt: skip


def write_run(path, *, complete=True, executor="iterative", plots=True, **more):
    """Write the folder of a run; an incomplete one lacks a file and a chunk.

    With plots, which here show nothing, and in one process there is nothing to draw for a page, which takes time.
    """
    files, records = FILES[: 1 if complete else 2], chunks(failed=not complete)
    closure = close(files, records)
    cutflow = {"all": 200, "<cut>": 70}
    part = {"events": 200, "sum_weights": 150.5, "selected": 70, "cutflow": cutflow, "tallies": {"odd": 3}}
    summary = {
        "complete": closure.complete,
        "warnings": ["beware of <b>"],
        "events": closure.summary(),
        "chunks": {"done": 2 if complete else 1, "failed": 0 if complete else 1, "skipped": 0},
        "executor": executor,
        "workers": 2,
        "compile_s": 1.0,
        "cpu_s": 0.5,
        "bytes_read": 1_500_000,
        "empty_files": [],
        "selected": 70,
        "datasets": {DATASET: part},
        "stopped": "",
        "values": {},
        "wall_s": 1234.5,
        "start_s": 1.0,
        "open_s": 2.0,
        "process_s": 1230.0,
        "write_s": 1.5,
        "events_per_s": 0.16,
        "not_written": {},
        **more,
    }
    provenance = {
        "processor": "mine:Processor",
        "options": {"cut": "x < 3 && y > 2", "long": "o" * 5000},
        "created": "2026-11-26T01:24:20+00:00",
        "command": ["hepcol", "run"],
        "packages": {"hepcol": "0.1.0"},
        "git_commit": "e347098",
        "cpu": "a CPU",
        "files": [
            {"dataset": f.dataset, "path": f.path, "uuid": f.uuid, "entries": f.entries, "error": f.error}
            for f in files
        ],
    }
    with OutputFolder.prepare(path, True) as folder:
        folder.write_histograms(collect(histograms()))
        folder.finish(summary, provenance, [*files, *records])
    if plots:
        (png,) = (plot for plot in plot_paths(path, (DATASET, "x")) if plot.suffix == ".png")
        png.parent.mkdir(parents=True, exist_ok=True)
        png.write_bytes(picture())
    return path


def picture(width=300, height=200):
    """A white picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff" * width) * height)
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def write_picture(path):
    """Write some picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture())
