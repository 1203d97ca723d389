"""hepcol's side of the comparison of the stop four-body search, one subject a process; prints one JSON object last."""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measurement import STARTED

PROCESS = "Wt"  # the sample of the comparison
CHUNK = 100_000
COFFEA = "coffea"  # in the place of an executor

EXECUTORS: dict[str, dict[str, Any]] = {
    "one process": {"executor": "iterative"},
    "futures": {"executor": "futures"},
    "dask": {"executor": "dask"},
}


def coffea(*paths: str) -> None:
    """Run the search in coffea's own Runner, over the datasets that its processor arranges; print times and yields."""
    from coffea.nanoevents import BaseSchema
    from coffea.processor import IterativeExecutor, Runner

    from hepcol.fileset import resolve
    from processors.stop4b import Stop4bProcessor

    processor = Stop4bProcessor()
    started, start = time.time() - float(os.environ[STARTED]), time.perf_counter()
    files = [str(file) for path in paths for file in sorted(Path(path).glob("**/*.root"))]
    datasets = {
        name: {"files": {file.path: file.tree for file in dataset.files}, "metadata": dict(dataset.metadata)}
        for name, dataset in processor.arrange(resolve(files)).items()
    }
    runner = Runner(executor=IterativeExecutor(status=False), schema=BaseSchema, chunksize=CHUNK)
    result = runner(datasets, processor)
    found = {
        "start_s": started,
        "loop_s": time.perf_counter() - start,
        "total_s": time.time() - float(os.environ[STARTED]),
        "rows": sum(part.events for part in result.values()),
        "yields": yields(result, dict.fromkeys(result, PROCESS)),
    }
    print(json.dumps(found))


def main(executor: str, workers: int, *paths: str) -> None:
    """Run the search over files and print its times and yields."""
    import hepcol
    from processors.stop4b import Stop4bProcessor

    run = hepcol.run  # imports what it needs
    processor = Stop4bProcessor()
    started, start = time.time() - float(os.environ[STARTED]), time.perf_counter()
    how = EXECUTORS[executor] | ({"workers": workers} if workers > 1 else {})
    files = [str(file) for path in paths for file in sorted(Path(path).glob("**/*.root"))]
    done = run(processor, files, **how)
    seconds = time.perf_counter() - start
    found = {
        "start_s": started,
        "loop_s": seconds,
        "total_s": time.time() - float(os.environ[STARTED]),
        "compile_s": done.summary["compile_s"],
        "rows": done.summary["events"]["processed"],
        "yields": yields(done.result, dict.fromkeys(done.result, PROCESS)),
    }
    print(json.dumps(found))


def yields(result: Any, samples: Mapping[str, str]) -> dict[str, Any]:
    """Raw events, sums of weights and of their squares by sample, variation and region, over all campaigns.

    ``samples`` tells the sample of each dataset.
    """
    found: dict[str, Any] = {}
    for dataset, part in result.items():
        histogram = part.histograms["yields"]
        _, regions, variations = histogram.axes
        counts = histogram.counts.sum(axis=0)
        sums, squares = (one.value.sum(axis=0) for one in (histogram.weights, histogram.squares))
        for v, variation in enumerate(variations):
            of_variation = found.setdefault(samples[dataset], {}).setdefault(variation, {})
            for r, region in enumerate(regions):
                events, total, square = of_variation.get(region, (0, 0.0, 0.0))
                of_variation[region] = [
                    events + int(counts[r, v]),
                    total + float(sums[r, v]),
                    square + float(squares[r, v]),
                ]
    return found


if __name__ == "__main__":
    if sys.argv[1] == COFFEA:
        coffea(*sys.argv[2:])
    else:
        main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
