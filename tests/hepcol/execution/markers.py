"""Processors that mark every event and fail as a plan says, and the files and checks that belong to them.

Tests load this file by its path, as a user's own processor, so that it travels to workers and commands find it.
"""

import ctypes
import json
import os
import signal
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import awkward as ak
import hist
import numpy as np
import uproot
from coffea.processor import ProcessorABC
from coffea.processor.accumulator import column_accumulator, defaultdict_accumulator

from hepcol.chunkfiles import ChunkFile
from hepcol.histograms import Histogram
from hepcol.ledger import ChunkRecord, FileRecord, Status, from_json
from hepcol.result import DatasetResult, Result
from hepcol.rowsample import RowSample, keys_of
from hepcol.sums import ExactSum

PLAN = "plan.json"
MAX_WEIGHT = 2.0**40
CRASH = GeneratorExit  # nothing that a run expects: it ends as if it were killed, but for what is cleaned up
AXES = (hist.axis.Regular(20, 0, 40, name="value"),)


def write_file(folder, first, entries=100, baskets=5, compression=uproot.ZLIB(1)):  # noqa: B008  (as uproot's own)
    """Write a file whose events are numbered from ``first``, which its name says."""
    path = folder / f"events_{first:06d}.root"
    with uproot.recreate(path, compression=compression) as file:
        file.mktree("events", {"entry": np.int64, "value": np.float64})
        for part in np.array_split(np.arange(first, first + entries), baskets):
            file["events"].extend({"entry": part, "value": np.sqrt(part)})
    return path


def write_files(folder, files=3, entries=100):
    """Write files whose events are numbered through."""
    return [write_file(folder, number * entries, entries) for number in range(files)]


def corrupt(path, basket, branch="entry"):
    """Turn bytes over in a basket of a file; return its entries."""
    with uproot.open(path) as file:
        found = file["events"][branch]
        cursor = found.basket_key(basket).data_cursor.index
        start, stop = found.entry_offsets[basket : basket + 2]
    content = bytearray(path.read_bytes())
    for position in range(cursor + 12, cursor + 30):
        content[position] ^= 0x5A
    path.write_bytes(content)
    return int(start), int(stop)


def plan(folder, *faults):
    """Plan faults: what, in the chunk that has an event, and how often; without a number, always."""
    names = ("fault", "entry", "times")
    told = [dict(zip(names, fault, strict=False)) for fault in faults]
    folder.mkdir(exist_ok=True)
    for token in folder.glob("fired-*"):
        token.unlink()
    (folder / f"{PLAN}.new").write_text(json.dumps(told))
    (folder / f"{PLAN}.new").replace(folder / PLAN)
    return str(folder)


def inject(folder, entries):
    """Do what is planned for a chunk."""
    if not (folder and (Path(folder) / PLAN).exists()):
        return
    for number, planned in enumerate(json.loads((Path(folder) / PLAN).read_text())):
        if planned["entry"] in entries and _is_due(Path(folder), number, planned.get("times")):
            FAULTS[planned["fault"]](Path(folder))


def _is_due(folder, number, times):
    """Whether a fault is to happen once more, whichever process asks."""
    for fired in range(times or 0):
        try:
            (folder / f"fired-{number}-{fired}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return True
    return times is None


def _raise(error):
    raise error


def _fill_memory(_):
    """Take memory until somebody ends it, at most 4 GB."""
    taken = []
    for _ in range(40):
        taken.append(np.ones(100_000_000 // 8))
        time.sleep(0.05)
    time.sleep(10)


def _swap(folder):
    """Put other files in place of those that the run is about to read."""
    for other in (folder / "others").iterdir():
        other.replace(folder.parent / other.name)


def _fill_disk(folder):
    """Leave no room on the file system of the output folder."""
    with suppress(OSError), (folder / "disk" / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(512))


def _interrupt(_):
    """Interrupt this process as Ctrl-C does."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


def _wait(folder):
    """Say that a chunk has begun, and wait until it may go on."""
    (folder / "started").touch()
    deadline = time.monotonic() + 30
    while not (folder / "go").exists() and time.monotonic() < deadline:
        time.sleep(0.02)


FAULTS = {
    "error": lambda _: _raise(RuntimeError("a bug of this processor")),
    "timeout": lambda _: _raise(TimeoutError("the storage did not answer")),
    "reset": lambda _: _raise(ConnectionResetError(104, "Connection reset by peer")),
    "exit": lambda _: _raise(SystemExit("a library gave up")),
    "SIGKILL": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "SIGSEGV": lambda _: ctypes.string_at(0),
    "interrupt": _interrupt,
    "crash": lambda _: _raise(CRASH()),
    "swap": _swap,
    "full": _fill_disk,
    "memory": _fill_memory,
    "wait": _wait,
    "slow": lambda _: time.sleep(0.1),
}


def weights_of(entry):
    """Weights of both signs over many orders of magnitude."""
    return np.where(entry % 7 == 0, -1.0, 1.0) * 10.0 ** (entry % 9 - 4) * (1 + entry / 3)


def numbers_of(events, faults):
    """Numbers and values of the events of a chunk, after its faults."""
    entry = np.asarray(events.entry)
    inject(faults, entry)
    return entry, np.asarray(events.value)


@dataclass(frozen=True)
class Marked(ProcessorABC):
    """Marks events in a result of hepcol."""

    faults: str = ""

    def process(self, events):
        entry, value = numbers_of(events, self.faults)
        weight = weights_of(entry)
        part = DatasetResult(
            len(entry),
            ExactSum.of(weight, MAX_WEIGHT),
            {"all": len(entry)},
            {"entries": int(entry.sum()), "squares": int((entry**2).sum())},
            {
                "value": Histogram.fill(AXES, value),
                "weighted": Histogram.fill(AXES, value, weight=weight, max_weight=MAX_WEIGHT),
            },
        )
        return Result({events.metadata["dataset"]: part})


@dataclass(frozen=True)
class Foreign(ProcessorABC):
    """Marks events in what other people's processors return, and counts how often postprocess is called."""

    faults: str = ""

    def process(self, events):
        entry, value = numbers_of(events, self.faults)
        # small integers, whose sums are exact
        weighted = hist.Hist(*AXES, storage=hist.storage.Weight()).fill(value, weight=entry % 7 - 2.0)
        seen = defaultdict_accumulator(int)
        seen["odd"] += int((entry % 2).sum())
        return {
            "n": len(entry),
            "entries": int(entry.sum()),
            "weighted": weighted,
            "by number": {"value": hist.Hist(*AXES, storage=hist.storage.Int64()).fill(value)},
            "columns": column_accumulator(entry),
            "seen": seen,
            "files": defaultdict(int, {Path(events.metadata["filename"]).name: len(entry)}),
        }

    def postprocess(self, accumulator):
        accumulator["postprocessed"] = accumulator.get("postprocessed", 0) + 1
        accumulator["mean"] = accumulator["entries"] / accumulator["n"]
        return accumulator


@dataclass(frozen=True)
class Filed(ProcessorABC):
    """Marks events in files of chunks and in a sample of rows."""

    faults: str = ""
    kind: str = "numbers"
    sign: int = 1

    def process(self, events):
        entry, _ = numbers_of(events, self.faults)
        told = events.metadata
        counts = {"events": len(entry), "odd": int((entry % 2).sum())}
        files = (
            ChunkFile.of(told, self.kind, ".bin", (self.sign * entry.astype(np.int64)).tobytes(), counts),
            ChunkFile.of(told, "texts", ".tar.txt", " ".join(map(str, entry)).encode()),
        )
        keys = keys_of("one for all", entry)  # and so known from the number
        rows = {
            "entry": entry,
            "up to it": ak.Array([range(n % 4) for n in entry]) if len(entry) else ak.Array([[0]])[:0],
        }
        part = DatasetResult(
            len(entry),
            ExactSum.of(np.ones(len(entry))),
            {"all": len(entry)},
            {"entries": int(entry.sum())},
            samples={"rows": RowSample.of(10, keys, rows)},
            files=files,
        )
        return Result({told["dataset"]: part})


class Own:
    """Adds up, and has no place in an archive."""

    def __init__(self, n):
        self.n = n

    def __add__(self, other):
        return Own(self.n + other.n)


@dataclass(frozen=True)
class Unstorable(ProcessorABC):
    """Returns something of its own."""

    faults: str = ""

    def process(self, events):
        entry, _ = numbers_of(events, self.faults)
        return {"own": Own(len(entry)), "entries": int(entry.sum())}


def read_ledger(path):
    """Records of files and of chunks."""
    records = [from_json(line) for line in path.read_text().splitlines()]
    return (
        [record for record in records if isinstance(record, FileRecord)],
        [record for record in records if isinstance(record, ChunkRecord)],
    )


def check_account(files, chunks, entries, events):
    """Hold the markers of a result against the ledger: each event of a done chunk once, each other one listed.

    Parameters
    ----------
    files, chunks : sequence
        The ledger.
    entries, events : int
        Sum of the numbers of the events in the result, and how many they are.
    """
    for file in files:
        if file.entries is None:
            assert file.error
            continue
        ranges = sorted((c.start, c.stop) for c in chunks if (c.dataset, c.path) == (file.dataset, file.path))
        edges = [0, *(stop for _, stop in ranges)]
        assert all(start == before for before, (start, _) in zip(edges, ranges, strict=False)), ranges
        assert edges[-1] == file.entries, (file.path, ranges)
        assert all(first < last for first, last in pairwise(edges))
    done = [chunk for chunk in chunks if chunk.status is Status.DONE]
    assert events == sum(chunk.events for chunk in done)
    firsts = [int(Path(chunk.path).stem.rpartition("_")[2]) for chunk in done]
    expected = (sum(range(f + c.start, f + c.stop)) for f, c in zip(firsts, done, strict=True))
    assert entries == sum(expected)
    assert all(chunk.error or chunk.message for chunk in chunks if chunk.status is not Status.DONE)


def check_run(run):
    """Hold the markers in the result of a run against its ledger."""
    if run.result is None:
        check_account(run.files, run.chunks, 0, 0)
    elif isinstance(run.result, Result):
        parts = run.result.values()
        check_account(run.files, run.chunks, sum(p.tallies["entries"] for p in parts), sum(p.events for p in parts))
    else:
        n = run.result["own"].n if "own" in run.result else run.result["n"]
        check_account(run.files, run.chunks, run.result["entries"], n)
    return run


def check_folder(folder):
    """Hold the markers in an output folder against the ledger there; return the summary."""
    summary = json.loads((folder / "summary.json").read_text())
    parts = summary.get("datasets", {}).values()
    entries = sum(part["tallies"]["entries"] for part in parts)
    check_account(*read_ledger(folder / "ledger.jsonl"), entries, sum(part["events"] for part in parts))
    return summary


def largest(events):
    """What does not merge with what it gives for no events."""
    value = np.asarray(events.value)
    return {"n": len(value), "first": value[:2].reshape(1, 2) if len(value) else value}


@dataclass(frozen=True)
class Third:
    """A cut that every third event passes, and that fails as a plan says."""

    faults: str = ""

    def __call__(self, events):
        entries = ak.to_numpy(events.entry)
        if len(entries) > 1:  # not where an event is tried before the run
            inject(self.faults, entries)
        return entries % 3 == 0
