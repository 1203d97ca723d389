"""The calibration of electrons, timed: one subject, model and process at a time; prints one JSON object last.

Everything goes through the public interface, so that the work on columns is part of it. Nothing but the standard
library is imported before a subject runs: the start of a process is one of them.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.measurement import STARTED

CHUNK = 100_000  # electrons whose variations are arrays at one time, as in hepcol's runs
CHECKED = 5000  # a block and a part of one: kernels are compiled for both
PASSES, ENOUGH_S = 7, 2.0  # the median of so many passes, or of as many as take so long
AT_START = 1000
BINS, LOW, HIGH = 60, 0.0, 150_000.0  # MeV
# ROOT 6.40: TRandom3(seed).Gaus(0, 1)
GAUSSIANS = {1001: -0.24094253359362483, 1003: -0.6621605608757424, 4711: 1.9310743808319726}

Found = dict[str, Any]


def tool_of(model: str, area: str, decorrelation: str = "FULL_v1", **options: Any) -> Any:
    """Make a calibration; the one of the subjects unless options say otherwise."""
    from calib.egamma import EgammaCalibration

    return EgammaCalibration(model, decorrelation, **({"simulation": "full", "area": area} | options))


def spent(work: Callable[[], Any]) -> float:
    """Time of some work [s]."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def timed(*works: Callable[[], Any]) -> list[float]:
    """Median times of works that take turns [s]."""
    import statistics

    rounds: list[list[float]] = []
    while len(rounds) < PASSES and sum(map(sum, rounds)) < ENOUGH_S:
        rounds.append([spent(work) for work in works])
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def per_electron(seconds: float, count: int) -> Found:
    """Describe a time."""
    return {"total_s": seconds, "us": seconds / count * 1e6}


def nominal(model: str, area: str, count: int, simulated: bool = True, **options: Any) -> Found:
    """Time the nominal calibration; it equals the nominal row of all variations bit for bit."""
    import numpy as np

    from benchmarks.egamma_electrons import electrons, part

    tool = tool_of(model, area, "1NP_v1", **options)
    columns = electrons(count, model, simulated)
    few = part(columns, 0, CHECKED)
    found = tool.calibrate(few)
    assert np.isfinite(found).all()
    assert np.array_equal(found, tool.calibrate_all(few)["nominal"])
    if tool.smearing == "atlas":
        check_smearing(tool)
    (seconds,) = timed(lambda: tool.calibrate(columns))
    return per_electron(seconds, count)


def check_smearing(tool: Any) -> None:
    """Hold the smearing of electrons whose seeds are known against ROOT's random numbers."""
    import dataclasses

    import numpy as np

    from benchmarks.egamma_electrons import electrons, part

    one = part(electrons(1, tool.model, simulated=True), 0, 1)
    for seed, normal in GAUSSIANS.items():
        # the seed is 1 + 10^6 |phi| + 10^3 |eta| + event
        direction = {name: np.zeros(1, dtype=np.float32) for name in ("cl_phi", "cl_eta", "m")}
        given = {**one, **direction, "event_number": np.array([seed - 1], dtype=np.uint64)}
        double = dataclasses.replace(tool, dtype="float64")
        unsmeared = dataclasses.replace(double, smear=False).calibrate(given)
        data, simulated = tool.resolution(given), tool.resolution(given, constant_term=False)
        missing = np.sqrt(np.maximum(data**2 - simulated**2, 0.0))
        assert missing > 0
        assert np.allclose(double.calibrate(given), unsmeared * (1.0 + missing * normal), rtol=1e-9, atol=0)


def varied(model: str, area: str, count: int, decorrelation: str, **options: Any) -> Found:
    """Time all variations in one pass, an array for each chunk."""
    import numpy as np

    from benchmarks.egamma_electrons import electrons, part

    tool = tool_of(model, area, decorrelation, **options)
    columns = electrons(count, model, simulated=True)
    few = part(columns, 0, CHECKED)
    found = tool.calibrate_all(few)
    assert tuple(found) == ("nominal", *tool.systematics)
    assert np.array_equal(found["nominal"], tool.calibrate(few))
    first = tool.systematics[0]
    assert np.array_equal(found[first], tool.calibrate(few, systematic=first))
    assert not np.array_equal(found[first], found["nominal"])
    if tool.smearing == "atlas":
        check_smearing(tool)

    def all_chunks() -> None:
        for start in range(0, count, CHUNK):
            tool.calibrate_all(part(columns, start, start + CHUNK))

    (seconds,) = timed(all_chunks)
    return per_electron(seconds, count) | {"variations": len(tool.systematics)}


def histograms(model: str, area: str, count: int) -> Found:
    """Time all variations into a histogram each, without an array of them."""
    import numpy as np

    from benchmarks.egamma_electrons import electrons, part

    tool = tool_of(model, area)
    columns = electrons(count, model, simulated=True)
    few = part(columns, 0, CHECKED)
    expected = [np.bincount(_bins(row), minlength=BINS + 2) for row in tool.calibrate_all(few).values()]
    assert np.array_equal(fill(tool, few), expected)
    (seconds,) = timed(lambda: fill(tool, columns))
    return per_electron(seconds, count) | {"variations": len(tool.systematics)}


def fill(tool: Any, columns: Any) -> Any:
    """Count electrons by pt, one row for each variation; the first and last bins are beyond the range."""
    import numpy as np

    counts = np.zeros((1 + len(tool.systematics), BINS + 2), dtype=np.int64)
    for _, block in tool.blocks(columns):
        for row, pt in enumerate(block):
            counts[row] += np.bincount(_bins(pt), minlength=BINS + 2)
    return counts


def _bins(pt: Any) -> Any:
    import numpy as np

    width = np.float32((HIGH - LOW) / BINS)
    return np.clip((pt - np.float32(LOW)) / width + np.float32(1), 0, BINS + 1).astype(np.int64)


def correctionlib(model: str, area: str, count: int) -> Found:
    """Time the nominal calibration of data beside correctionlib with the same scale from Z -> ee, by eta and pt."""
    import numpy as np

    from benchmarks.egamma_electrons import electrons
    from calib.egamma.kernels import parts, slots

    tool = tool_of(model, area)
    columns = electrons(count, model, simulated=False, periods=slice(-1, None))  # the scale has one table for each
    newest = {name: column[:1] for name, column in columns.items()}
    edges = parts.edges(tool._tables, slots.ZEE_NEWEST)
    centres = (edges[1:] + edges[:-1]) / 2
    given = {name: np.repeat(column, len(centres)) for name, column in newest.items()} | {"cl_eta_calo": centres}
    correction = _correction(edges, 1.0 / (1.0 + tool.scale(given)))
    eta, pt = columns["cl_eta_calo"], columns["pt"]
    assert np.allclose(correction.evaluate(eta, pt), 1.0 / (1.0 + tool.scale(columns)), rtol=1e-14, atol=0)
    tool.calibrate(columns)
    calibrated, scale, corrected = timed(
        lambda: tool.calibrate(columns),
        lambda: tool.scale(columns),
        lambda: pt * correction.evaluate(eta, pt),
    )
    times = {"us": calibrated, "scale_us": scale, "correctionlib_us": corrected}
    return {"total_s": calibrated, **{name: seconds / count * 1e6 for name, seconds in times.items()}}


def _correction(edges: Any, factors: Any) -> Any:
    """Make a correction of two axes: bins in pt of 5 GeV, all alike."""
    import numpy as np
    from correctionlib import schemav2 as schema

    pt_edges = np.arange(20_000.0, 125_000.0, 5_000.0)
    made = schema.Correction(
        name="scale",
        version=1,
        inputs=[schema.Variable(name=name, type="real") for name in ("eta", "pt")],
        output=schema.Variable(name="factor", type="real"),
        data=schema.MultiBinning(
            nodetype="multibinning",
            inputs=["eta", "pt"],
            edges=[edges.tolist(), pt_edges.tolist()],
            content=np.repeat(factors, len(pt_edges) - 1).tolist(),
            flow="clamp",
        ),
    )
    return made.to_evaluator()


def start(model: str, area: str, _count: int) -> Found:
    """Time a new process until it has calibrated some electrons, and after that all variations of them."""
    tool = tool_of(model, area)
    from benchmarks.egamma_electrons import electrons

    columns = electrons(AT_START, model, simulated=True)
    first = tool.calibrate(columns)
    since = time.time() - float(os.environ[STARTED])
    begun = time.perf_counter()
    every = tool.calibrate_all(columns)
    more = time.perf_counter() - begun
    assert (first == every["nominal"]).all()
    foreign = {"coffea", "dask", "distributed"} & set(sys.modules)
    assert not foreign, f"imported: {', '.join(sorted(foreign))}"
    return {"total_s": since + more, "start_s": since, "more_s": more}


def _scaling(name: str) -> Callable[..., Found]:
    """Return a subject of several threads or processes."""

    def measured(model: str, area: str, count: int) -> Found:
        from benchmarks import egamma_scaling

        return getattr(egamma_scaling, name)(model, area, count)

    return measured


def _lookups(model: str, area: str, count: int) -> Found:
    from benchmarks.egamma_lookups import replay

    return replay(model, area, count)


SUBJECTS: dict[str, Callable[[str, str, int], Found]] = {
    "data": lambda *given: nominal(*given, simulated=False),
    "unsmeared": lambda *given: nominal(*given, smear=False),
    "counter": nominal,
    "atlas": lambda *given: nominal(*given, smearing="atlas"),
    "fast": lambda *given: nominal(*given, simulation="fast"),
    "1NP": lambda *given: varied(*given, "1NP_v1"),
    "1NP-atlas": lambda *given: varied(*given, "1NP_v1", smearing="atlas"),
    "FULL": lambda *given: varied(*given, "FULL_v1"),
    "FULL-atlas": lambda *given: varied(*given, "FULL_v1", smearing="atlas"),
    "FULL-histograms": histograms,
    "correctionlib": correctionlib,
    "lookups": _lookups,
    "threads": _scaling("threads"),
    "dask": _scaling("dask"),
    "start": start,
}


def main(subject: str, model: str, area: str, count: str) -> None:
    """Measure a subject and print what it took."""
    print(json.dumps(SUBJECTS[subject](model, area, int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
