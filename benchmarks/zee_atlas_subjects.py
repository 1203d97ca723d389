"""hepcol's side of the comparison of Z -> ee in ATLAS, one subject a process; prints one JSON object last."""

import hashlib
import json
import os
import random
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from benchmarks.measurement import STARTED

SCALE_FACTORS = "zee-atlas"
TREE = "CollectionTree"
CHUNK = 100_000
SEED = 1  # of which variations are run one by one

Found = dict[str, Any]


def processor_of(**options: Any) -> Any:
    """Make the processor, for events that are there many times."""
    from processors.zee_atlas import ZeeAtlasProcessor

    return ZeeAtlasProcessor(duplicates="keep", **options)


def timed(processor: Any, path: str, workers: int) -> tuple[Any, Found]:
    """Run a processor, and tell what it found and the times."""
    import hepcol

    run = hepcol.run  # imports what it needs
    started, start = time.time() - float(os.environ[STARTED]), time.perf_counter()
    done = run(processor, path, **({"executor": "dask", "workers": workers} if workers > 1 else {}))
    seconds = time.perf_counter() - start
    (result,) = done.result.values()
    events = done.summary["events"]["processed"]
    return result, {"start_s": started, "loop_s": seconds, "compile_s": done.summary["compile_s"], "events": events}


def nominal(path: str, workers: int) -> Found:
    """Run without calibration and variations; tell what RDataFrame finds, too."""
    result, found = timed(processor_of(calibrated=False, systematics="none"), path, workers)
    return found | _details(result)


def _details(result: Any) -> Found:
    """Tell what RDataFrame finds, too."""
    names = [name for name, one in result.histograms.items() if one.axes[0].name == "variation"]
    sums = {name: result.histograms[name].weights.value[0].tolist() for name in names}
    entries = result.histograms["m_ee"].counts[0].tolist()
    return {"cutflow": result.cutflow, "entries": entries, "sums": sums}


def full(path: str, workers: int, **options: Any) -> Found:
    """Run with all variations in one pass."""
    result, found = timed(processor_of(scale_factors=SCALE_FACTORS, **options), path, workers)
    return found | {"rows": rows_of(result)}


def coffea(processor: Any, path: str) -> tuple[Any, Found]:
    """Run a processor in coffea's own Runner, as its documentation has it."""
    from coffea.nanoevents import PHYSLITESchema
    from coffea.processor import IterativeExecutor, Runner

    started, start = time.time() - float(os.environ[STARTED]), time.perf_counter()
    runner = Runner(executor=IterativeExecutor(status=False), schema=PHYSLITESchema, chunksize=CHUNK)
    files = {"zee": {"files": [path], "metadata": {"form": "simulation"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the schema, one for each branch that it has no place for
        result = runner(files, processor, treename=TREE)["zee"]
    seconds = time.perf_counter() - start
    return result, {"start_s": started, "loop_s": seconds, "events": result.events}


def coffea_nominal(path: str, _: int) -> Found:
    """Run without calibration and variations in coffea's own Runner."""
    result, found = coffea(processor_of(calibrated=False, systematics="none"), path)
    return found | _details(result)


def coffea_full(path: str, _: int) -> Found:
    """Run with all variations in one pass in coffea's own Runner."""
    result, found = coffea(processor_of(scale_factors=SCALE_FACTORS), path)
    return found | {"rows": rows_of(result)}


def one_by_one(path: str, count: int) -> Found:
    """Run nominally, and some variations of momenta one by one: what is in a process already is loaded once."""
    names = processor_of().tool.systematics
    chosen = random.Random(SEED).sample(names, min(count, len(names)))
    nominal, found = timed(processor_of(scale_factors=SCALE_FACTORS, systematics="none"), path, 1)
    rows, each = rows_of(nominal), []
    for name in chosen:
        result, more = timed(processor_of(scale_factors=SCALE_FACTORS, systematics=name), path, 1)
        rows |= {name: rows_of(result)[name]}
        each.append(more["loop_s"])
    return found | {"nominal_s": found["loop_s"], "each_s": each, "kinematic": len(names), "rows": rows}


def divided(path: str, _: int) -> Found:
    """Run with all variations, and tell how the time divides."""
    from benchmarks.zee_atlas_parts import OTHER, Clock

    clock = Clock()
    clock.watch()
    result, found = timed(processor_of(scale_factors=SCALE_FACTORS), path, 1)
    return found | {"parts": clock.seconds | {OTHER: found["loop_s"] - clock.total}, "rows": rows_of(result)}


def rows_of(result: Any) -> dict[str, str]:
    """Short hashes of the histograms of each variation."""
    histograms = [one for one in result.histograms.values() if one.axes[0].name == "variation"]
    return {
        variation: hashlib.sha256(
            b"".join(
                array[row].tobytes()
                for one in histograms
                for array in (one.counts, one.weights.value, one.squares.value)
            )
        ).hexdigest()[:16]
        for row, variation in enumerate(histograms[0].axes[0])
    }


SUBJECTS: dict[str, Callable[[str, int], Found]] = {
    "nominal": nominal,
    "full": full,
    "coffea": coffea_nominal,
    "coffea_full": coffea_full,
    "in_situ": lambda path, workers: full(path, workers, in_situ=True),
    "one_by_one": one_by_one,
    "divided": divided,
}


def main(subject: str, number: int, path: str) -> None:
    """Run a subject; ``number`` is that of the workers, or of the variations."""
    found = SUBJECTS[subject](path, number)
    print(json.dumps(found | {"total_s": time.time() - float(os.environ[STARTED])}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
