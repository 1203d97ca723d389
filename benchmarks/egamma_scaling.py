"""The calibration of electrons on two threads and on two Dask workers, against one of each."""

import functools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.egamma_electrons import electrons, part
from benchmarks.egamma_subjects import Found, fill, tool_of

SLICES = 20


@functools.cache
def _prepared(model: str, area: str, count: int) -> tuple[Any, Any]:
    """Make tool and electrons, once in a process."""
    return tool_of(model, area), electrons(count, model, simulated=True)


def _slice(columns: Any, number: int) -> Any:
    count = len(columns["pt"])
    return part(columns, number * count // SLICES, (number + 1) * count // SLICES)


def _histograms(model: str, area: str, count: int, number: int) -> Any:
    """Fill the histograms of all variations from a slice of the electrons: little to transfer."""
    tool, columns = _prepared(model, area, count)
    return fill(tool, _slice(columns, number))


def _blocks(model: str, area: str, count: int, number: int) -> int:
    """Calculate all variations of a slice, block by block, and no more."""
    tool, columns = _prepared(model, area, count)
    return sum(block.size for _, block in tool.blocks(_slice(columns, number)))


def threads(model: str, area: str, count: int) -> Found:
    """Time slices on two threads against one: all variations with and without histograms."""
    given = model, area, count
    _blocks(*given, 0)
    found: Found = {}
    for name, work in (("blocks", _blocks), ("histograms", _histograms)):
        times = {1: 0.0, 2: 0.0}
        results = {}
        for workers in times:
            with ThreadPoolExecutor(workers) as pool:
                begun = time.perf_counter()
                parts = list(pool.map(functools.partial(work, *given), range(SLICES)))
                times[workers] = time.perf_counter() - begun
                results[workers] = np.sum(parts, axis=0)
        assert np.array_equal(results[1], results[2])
        found[f"{name}_speed_up"] = times[1] / times[2]
        found |= {f"{name}_one_us": times[1] / count * 1e6, f"{name}_two_us": times[2] / count * 1e6}
        found["total_s"] = found.get("total_s", 0.0) + times[2]
    return found


def dask(model: str, area: str, count: int) -> Found:
    """Time slices on two Dask workers of one thread against one; they make the electrons themselves before."""
    from distributed import Client, LocalCluster

    given = model, area, count
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(_blocks, *given, 0)
        addresses = sorted(client.scheduler_info()["workers"])
        times, results = [], []
        for chosen in (addresses[:1], addresses):
            begun = time.perf_counter()
            futures = [
                client.submit(_histograms, *given, number, workers=chosen[number % len(chosen)], pure=False)
                for number in range(SLICES)
            ]
            results.append(np.sum(client.gather(futures), axis=0))
            times.append(time.perf_counter() - begun)
    assert np.array_equal(*results)
    one, two = (seconds / count * 1e6 for seconds in times)
    return {
        "total_s": times[1],
        "histograms_speed_up": one / two,
        "histograms_one_us": one,
        "histograms_two_us": two,
    }
