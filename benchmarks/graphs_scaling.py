"""Jet graphs from few to many jets, whole runs from file to file, and both steps by chunks and workers."""

import functools
import itertools
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.graphs_jets import JETS_PER_EVENT, jets_of, part
from benchmarks.graphs_references import NEAR, NEAREST, K
from benchmarks.graphs_subjects import LEVELS, OPTIONS, Found, labelled, on_one_core
from benchmarks.measurement import STARTED

KERNEL_REPEATS = 5


def build(count: int, rule: str) -> Found:
    """Time the graphs of so many jets, in chunks as a run cuts them, each forgotten when the next one comes."""
    import hepcol.graphs
    from hepcol.execution.cutting import chunk_size
    from processors.jet_graphs import JetGraphsProcessor

    on_one_core()
    jets = jets_of(count)
    events = math.ceil(count / JETS_PER_EVENT)
    size = chunk_size(events, 1, JetGraphsProcessor.max_chunk) * JETS_PER_EVENT
    # a virtual machine may get its memory when it is first touched: not what is measured
    hepcol.graphs.build(part(jets, 0, min(size, count)), edges=rule, **OPTIONS)
    begun, edges = time.process_time(), 0
    for first in range(0, count, size):
        edges += hepcol.graphs.build(part(jets, first, min(first + size, count)), edges=rule, **OPTIONS).edges
    seconds = time.process_time() - begun
    return {"jets": count, "chunk": size, "us": seconds / count * 1e6, "edges": edges / count}


def processor_of(stored: str) -> Any:
    """Make the processor, with the edges of nearest neighbours."""
    from processors.jet_graphs import JetGraphsProcessor

    return JetGraphsProcessor(edges=NEAREST, k=K, stored=stored)


def events(path: str, stored: str) -> Found:
    """Time a run from file to file: of this process from its start, and of the run by itself."""
    import hepcol

    run = hepcol.run  # imports what it needs
    on_one_core()
    before, begun = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="hepcol-bench-") as folder:
        done = run(processor_of(stored), path, output=Path(folder) / "run")
        seconds = time.perf_counter() - begun
        used = time.process_time()
        written = sum(file.stat().st_size for file in Path(folder).rglob("*.npz"))
    (result,) = done.result.values()
    assert done.summary["events"]["processed"] == result.events
    return {
        "events": result.events,
        "jets": result.tallies["graphs"],
        "run_s": seconds,
        "compile_s": done.summary["compile_s"],
        "run_cpu_s": used - before,
        "all_cpu_s": used,
        "megabytes": written / 1e6,
        "us": (used - before) / result.tallies["graphs"] * 1e6,
    }


def chunks(path: str, number: str, workers: str) -> Found:
    """Time a run in so many chunks on so many processes; with 0, in this one."""
    import hepcol
    from hepcol.events import open_file

    with open_file(path) as file:
        total = file["Events"].num_entries
    run = hepcol.run  # imports what it needs
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="hepcol-bench-") as folder:
        done = run(
            processor_of("nodes"),
            path,
            **({"executor": "futures", "workers": int(workers)} if int(workers) else {}),
            chunksize=math.ceil(total / int(number)),
            output=Path(folder) / "run",
        )
        seconds = time.perf_counter() - begun
    assert done.summary["events"]["processed"] == total
    return {"events": total, "chunks": done.summary["chunks"]["done"], "workers": int(workers), "s": seconds}


def partitions(count: int, number: str, workers: str) -> Found:
    """Time the Gram matrix of graphs in so many partitions on so many Dask workers, or with 0 in this process."""
    import numpy as np

    from hepcol.graphs import gram

    graphs, _ = labelled(count)
    edges = np.linspace(0, count, int(number) + 1).astype(int).tolist()
    parts = [graphs[start:stop] for start, stop in itertools.pairwise(edges)]
    expected = gram(graphs, h=LEVELS)
    times = []
    with _computing(int(workers)) as compute:
        for _ in range(1 + KERNEL_REPEATS):
            begun = time.perf_counter()
            found = compute(parts)
            times.append(time.perf_counter() - begun)
            assert np.array_equal(found, expected)
    return {"graphs": count, "partitions": int(number), "workers": int(workers), "s": statistics.median(times[1:])}


@contextmanager
def _computing(workers: int) -> Iterator[Callable[[list[Any]], Any]]:
    """Give a function that makes the Gram matrix of partitions, sent to Dask workers or not."""
    from hepcol.graphs import gram

    if not workers:
        yield functools.partial(gram, h=LEVELS)
        return
    import dask
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):

        def compute(parts: list[Any]) -> Any:
            # by other keys each time: what was sent before may just be forgotten
            sent = client.scatter(parts, hash=False)
            return client.compute(gram([dask.delayed(one, pure=False) for one in sent], h=LEVELS)).result()

        yield compute


SUBJECTS: dict[str, Callable[..., Found]] = {
    "build_near": lambda count: build(int(count), NEAR),
    "build_nearest": lambda count: build(int(count), NEAREST),
    "events_all": lambda path: events(path, "all"),
    "events_nodes": lambda path: events(path, "nodes"),
    "chunks": chunks,
    "partitions": lambda count, *given: partitions(int(count), *given),
}


def main(subject: str, *given: str) -> None:
    """Measure a subject and print what it took."""
    found = SUBJECTS[subject](*given)
    print(json.dumps(found | {"total_s": time.time() - float(os.environ[STARTED])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
