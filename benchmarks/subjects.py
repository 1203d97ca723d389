"""The Python sides of the comparison, each for a process of its own; prints one JSON object, as the RDataFrame's do."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.measurement import STARTED

TREE = "events"
CHUNK = 100_000
KERNEL_REPEATS = 7


def hepcol_run(path: Path, processor: Any, dask: int | None) -> dict[str, Any]:
    """Time ``hepcol.run``."""
    import hepcol

    run_analysis = hepcol.run  # imports what it needs
    executor = {"executor": "dask", "workers": dask} if dask else {}
    started, start = _since_start(), time.perf_counter()
    run = run_analysis(processor, path, **executor)
    total = time.perf_counter() - start
    return {"start_s": started, "total_s": total, "compile_s": run.summary["compile_s"]} | _found(run.result)


def coffea_run(path: Path, processor: Any, dask: int | None) -> dict[str, Any]:
    """Time coffea's own Runner with the same processor, as its documentation has it."""
    from coffea.nanoevents import FCCSchema
    from coffea.processor import IterativeExecutor, Runner

    started, start = _since_start(), time.perf_counter()
    with _dask_executor(dask) if dask else nullcontext(IterativeExecutor(status=False)) as executor:
        runner = Runner(executor=executor, schema=FCCSchema, chunksize=CHUNK)
        result = runner({"zee": [str(path)]}, processor, treename=TREE)
        total = time.perf_counter() - start  # without the end of the cluster, which hepcol's time includes
    return {"start_s": started, "total_s": total} | _found(result)


def uproot_read(path: Path, processor: Any, plain: bool) -> dict[str, Any]:
    """Time uproot alone: the branches that the processor reads, chunk by chunk."""
    import uproot

    from hepcol.events import reading

    branches = _branches(path, processor)
    how = reading(str(path)) if plain else {}
    started, start = _since_start(), time.perf_counter()
    with uproot.open({str(path): None}, **how) as file:
        tree = file[TREE]
        for first in range(0, tree.num_entries, CHUNK):
            tree.arrays(branches, entry_start=first, entry_stop=first + CHUNK, how=dict)
    return {"start_s": started, "total_s": time.perf_counter() - start}


def parts(path: Path, processor: Any) -> dict[str, Any]:
    """Time the parts of a chunk that is in memory: the selection, ours and awkward's, and the kernel."""
    from hepcol.events import open_events
    from hepcol.origin import Origin
    from processors.zee.electrons import select_pairs

    events = open_events(path, stop=CHUNK)
    processor.warm_up()
    pairs = select_pairs(events, processor.electrons)  # reads the columns, which stay
    origin = Origin("benchmark", slice(0, len(events)), np.arange(len(events), dtype=np.uint64))
    smearing = processor.smearing
    kernel = _median(lambda: smearing.fill(pairs, (origin,), np.empty((len(pairs.event), 0))))
    found: dict[str, Any] = {
        "select_s": _median(lambda: select_pairs(events, processor.electrons)),
        "kernel_ns": kernel / len(pairs.event) / processor.variations * 1e9,
    }
    if processor.electrons == "generator":
        assert np.array_equal(_select_by_awkward(events), np.stack([pairs.event, *pairs.obj.T]))
        found["select_by_awkward_s"] = _median(lambda: _select_by_awkward(events))
    return found


def _select_by_awkward(events: Any) -> Any:
    """Choose the generated pair as one writes it with awkward: event, leading and subleading electron."""
    import awkward as ak

    particles = events.Particle
    index = ak.local_index(particles.px, axis=1)
    is_electron = (abs(particles.PDG) == 11) & (particles.generatorStatus == 1)
    momentum = [ak.values_astype(particles[name][is_electron], np.float64) for name in ("px", "py", "pz", "mass")]
    energy = np.sqrt(sum(component * component for component in momentum))
    charge, index = particles.charge[is_electron], index[is_electron]
    leading = ak.argmax(energy, axis=1, keepdims=True)
    opposite = charge * ak.flatten(charge[leading]) < 0
    partner = ak.argmax(energy[opposite], axis=1, keepdims=True)
    chosen = ak.concatenate([index[leading], index[opposite][partner]], axis=1)
    selected = ~ak.is_none(ak.flatten(partner))
    return np.stack([np.flatnonzero(selected), *ak.to_numpy(chosen[selected]).T])


def _median(work: Callable[[], Any]) -> float:
    """Median time of some repetitions."""
    times = []
    for _ in range(KERNEL_REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _branches(path: Path, processor: Any) -> list[str]:
    """Branches that the processor reads, by reading them of a few events."""
    from hepcol.events import open_file, read_events
    from hepcol.formats import identify

    log: list[Any] = []
    with open_file(path) as file:
        metadata = {"dataset": "zee", "entrystart": 0, "fileuuid": str(file.file.uuid)}
        processor.process(read_events(file, identify(file), 0, 100, metadata, processor.required_columns, log))
    return sorted({access.branch for access in log})


@contextmanager
def _dask_executor(workers: int) -> Iterator[Any]:
    """coffea's Dask executor on a local cluster, as its documentation has it."""
    from coffea.processor import DaskExecutor
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield DaskExecutor(client=client, status=False)


def _found(result: Any) -> dict[str, Any]:
    """Describe what was found, for the comparison of subjects with each other."""
    (dataset,) = result.values()
    m_ee = dataset.histograms["m_ee"].to_hist()[0, :]
    centers, counts = m_ee.axes[0].centers, m_ee.values()
    mean = float(np.average(centers, weights=counts))
    counts_of = {name: dataset.histograms[name].counts for name in ("e1", "e2", "m_ee")}
    return {
        "cutflow": dataset.cutflow,
        "m_ee": [mean, float(np.sqrt(np.average((centers - mean) ** 2, weights=counts)))],
        "counts": counts_of,
    }


def _since_start() -> float:
    """Time since this process was started, by the clock of the one that started it [s]."""
    return time.time() - float(os.environ.get(STARTED, "nan"))


@click.command()
@click.argument("subject", type=click.Choice(["hepcol", "coffea", "uproot", "uproot-plain", "parts"]))
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--electrons", default="generator")
@click.option("--variations", type=click.IntRange(min=1), default=100)
@click.option("--dask", type=click.IntRange(min=1), help="Workers of a local cluster.")
@click.option("--counts", "counts_file", type=click.Path(path_type=Path), help="Write the entries as .npz.")
def main(subject: str, path: Path, electrons: str, variations: int, dask: int | None, counts_file: Path | None) -> None:
    """Time one subject on one file."""
    from processors.zee import ZeeProcessor

    processor = ZeeProcessor(electrons=electrons, variations=variations)
    run: dict[str, Callable[[], dict[str, Any]]] = {
        "hepcol": lambda: hepcol_run(path, processor, dask),
        "coffea": lambda: coffea_run(path, processor, dask),
        "uproot": lambda: uproot_read(path, processor, plain=False),
        "uproot-plain": lambda: uproot_read(path, processor, plain=True),
        "parts": lambda: parts(path, processor),
    }
    found = run[subject]()
    counts = found.pop("counts", None)
    if counts_file is not None and counts is not None:
        np.savez_compressed(counts_file, allow_pickle=False, **counts)
    click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
