"""What a chunk costs beside the work on it: coffea's Runner and hepcol's, one subject a process."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coffea.processor.executor import WorkItem

CHUNKS = 20
NO_OPS = 400


def main(subject: str, path: str) -> None:
    """Measure a subject and print what it took."""
    print(json.dumps({"total_s": 0.0, **SUBJECTS[subject](path)}))


def _sums(outputs: dict[str, Any]) -> dict[str, list[int]]:
    """Return the entries of the histograms, which all subjects have to agree on."""
    (part,) = outputs.values()
    return {name: histogram.values().astype(int).tolist() for name, histogram in part["multiplicity"].items()}


def coffea(path: str) -> dict[str, Any]:
    """Run stock coffea over 20 chunks in this process."""
    from coffea.nanoevents import FCCSchema
    from coffea.processor import IterativeExecutor, Runner

    from examples.multiplicity import Multiplicity

    size = _entries(path) // CHUNKS
    runner = Runner(IterativeExecutor(status=False, compression=None), schema=FCCSchema, chunksize=size)
    started, wall = time.process_time(), time.perf_counter()
    out = runner({"z": {"files": {path: "events"}}}, Multiplicity())
    return {
        "process_s": time.process_time() - started,
        "total_s": time.perf_counter() - wall,
        "found": _sums(out),
    }


def hepcol(path: str) -> dict[str, Any]:
    """Run hepcol over the same chunks, files not seen before."""
    from examples.multiplicity import Multiplicity
    from hepcol.execution import run

    size = _entries(path) // CHUNKS
    started, wall = time.process_time(), time.perf_counter()
    done = run(Multiplicity(), {"z": {"files": {path: "events"}}}, chunksize=size)
    return {
        "process_s": time.process_time() - started,
        "total_s": time.perf_counter() - wall,
        "found": _sums(done.result),
    }


def hepcol_written(path: str) -> dict[str, Any]:
    """Run hepcol with an output folder: ledger, snapshots, histograms."""
    from examples.multiplicity import Multiplicity
    from hepcol.execution import run

    size = _entries(path) // CHUNKS
    with tempfile.TemporaryDirectory() as folder:
        started, wall = time.process_time(), time.perf_counter()
        done = run(Multiplicity(), {"z": {"files": {path: "events"}}}, chunksize=size, output=Path(folder) / "out")
        return {
            "process_s": time.process_time() - started,
            "total_s": time.perf_counter() - wall,
            "found": _sums(done.result),
        }


def _entries(path: str) -> int:
    import uproot

    with uproot.open(path) as file:
        return int(file["events"].num_entries)


def _items() -> list[WorkItem]:
    return [WorkItem("z", "none.root", "events", number, number + 1, bytes(16), {}) for number in range(NO_OPS)]


def nothing_of(item: WorkItem, sleep_s: float = 0.0) -> dict[str, Any]:
    """Give what a chunk gives, without any work."""
    from hepcol.execution.chunk import LEDGER, OUT
    from hepcol.ledger import ChunkRecord, Status

    if sleep_s:
        time.sleep(sleep_s)
    record = ChunkRecord(item.dataset, item.filename, item.treename, item.entrystart, item.entrystop, Status.DONE)
    return {OUT: len(item), LEDGER: [record]}


def _on_dask(work: Callable[[Any], Any]) -> dict[str, Any]:
    """Time work on a cluster of one worker, the second time that it is done."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        work(client)
        start = time.perf_counter()
        events = work(client)
        return {"total_s": time.perf_counter() - start, "found": events}


def coffea_no_op(_path: str) -> dict[str, Any]:
    """Give coffea's DaskExecutor chunks without work."""
    from coffea.processor import DaskExecutor

    def work(client: Any) -> int:
        out, _ = DaskExecutor(client=client, status=False)(_items(), nothing_of, None)
        return int(out["out"])

    return _on_dask(work)


def hepcol_no_op(_path: str) -> dict[str, Any]:
    """Give hepcol's executor chunks without work."""
    from hepcol.execution.collector import Collector
    from hepcol.execution.executors import LedgerDaskExecutor

    def work(client: Any) -> int:
        items = _items()
        sink = Collector(items, lambda _: None)
        LedgerDaskExecutor(client=client, status=False, compression=None, sink=sink)(items, nothing_of, None)
        return int(sink.result()["out"])

    return _on_dask(work)


SUBJECTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "coffea": coffea,
    "hepcol": hepcol,
    "hepcol-written": hepcol_written,
    "coffea-no-op": coffea_no_op,
    "hepcol-no-op": hepcol_no_op,
}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
