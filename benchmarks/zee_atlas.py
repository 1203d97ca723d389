"""The comparison of Z -> ee in ATLAS: all variations in one pass or one by one, and RDataFrame without calibration."""

import math
import statistics
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import figures, report
from benchmarks.figures import Row
from benchmarks.measurement import BenchmarkError, measure, run_once, touch
from benchmarks.replicas import repeat_events
from benchmarks.zee_atlas_parts import OTHER, PARTS

TREE = "CollectionTree"
EVENTS, QUICK_EVENTS = 1_000_000, 100_000
ONE_BY_ONE, QUICK_ONE_BY_ONE = 8, 2  # variations that are run by themselves
WORKERS = 2
MARKS = report.marks("zee_atlas")
PACKAGES = "hepcol", "coffea", "awkward", "uproot", "numba", "numpy", "dask", "distributed"
MAX_US, MIN_RATIO = 20.0, 20.0
_TOLERANCE = 1e-12  # relative, of sums of weights
_NOT_TOLD = "rows", "entries", "sums", "cutflow"

RDATAFRAME = str(Path(__file__).parent / "rdataframe" / "zee_atlas.py")
HEPCOL = ("-m", "benchmarks.zee_atlas_subjects")

FULL, FULL_DASK, IN_SITU, DIVIDED, SINGLE = (
    "hepcol, FULL_v1 in one pass",
    "hepcol, FULL_v1 in one pass, 2 Dask workers",
    "hepcol, FULL_v1 in one pass, `in_situ=true`",
    "hepcol, FULL_v1 in one pass, watched",
    "hepcol, one by one",
)
NOMINAL, NOMINAL_DASK = "hepcol, nominal", "hepcol, nominal, 2 Dask workers"
COFFEA, COFFEA_FULL = "stock coffea, nominal", "stock coffea, FULL_v1 in one pass"
RDF, RDF_THREADS, RDF_DASK = (
    "RDataFrame, nominal",
    "RDataFrame, nominal, 2 threads",
    "RDataFrame, nominal, 2 Dask workers",
)
TIMES = {"total_s": "from the start of the process", "loop_s": "without starting Python or ROOT"}

Samples = dict[str, list[dict[str, Any]]]
Progress = Callable[[int, int, str], None]


def subjects(path: Path, one_by_one: int) -> dict[str, tuple[str, ...]]:
    """Arguments of Python of what is measured, by its name."""

    def hepcol(subject: str, number: int = 1) -> tuple[str, ...]:
        return (*HEPCOL, subject, str(number), str(path))

    return {
        FULL: hepcol("full"),
        SINGLE: hepcol("one_by_one", one_by_one),
        FULL_DASK: hepcol("full", WORKERS),
        IN_SITU: hepcol("in_situ"),
        DIVIDED: hepcol("divided"),
        NOMINAL: hepcol("nominal"),
        NOMINAL_DASK: hepcol("nominal", WORKERS),
        COFFEA: hepcol("coffea"),
        COFFEA_FULL: hepcol("coffea_full"),
        RDF: (RDATAFRAME, str(path)),
        RDF_THREADS: (RDATAFRAME, str(path), "--threads", str(WORKERS)),
        RDF_DASK: (RDATAFRAME, str(path), "--dask", str(WORKERS)),
    }


def prepare(source: Path, events: int) -> Path:
    """Repeat the events of a file until there are as many as wanted, and compile what RDataFrame and hepcol need."""
    _, repeated = repeat_events(source, TREE, events)
    run_once((RDATAFRAME, str(source)))
    commands = subjects(source, 1)
    for name in (FULL, IN_SITU, NOMINAL):
        measure(name, commands[name])
    return repeated


def run(path: Path, one_by_one: int, repeats: int, progress: Progress) -> Samples:
    """Measure all subjects ``repeats`` times, interleaved, and hold their results against each other each time.

    Raises
    ------
    BenchmarkError
        If a subject fails, or two of them disagree.
    """
    commands = subjects(path, one_by_one)
    samples: Samples = {name: [] for name in commands}
    done = 0
    for repeat in range(repeats):
        touch(path)
        # another order each time, so that what goes before does not favour anybody
        for name in commands if repeat % 2 == 0 else reversed(commands):
            progress(done, repeats * len(commands), name)
            sample = measure(name, commands[name])
            if "each_s" in sample:
                sample["scaled_s"] = sample["nominal_s"] + sample["kinematic"] * statistics.mean(sample["each_s"])
            samples[name].append(sample)
            done += 1
        check({name: every[-1] for name, every in samples.items()})
    progress(done, done, "")
    return samples


def check(found: dict[str, dict[str, Any]]) -> None:
    """Compare the results of a turn.

    Of all variations, each histogram has the bits of the run in one pass; of the nominal one without calibration,
    entries are equal and sums of weights are to 1e-12.

    Raises
    ------
    BenchmarkError
        If they differ.
    """
    for name in (FULL_DASK, IN_SITU, DIVIDED, SINGLE, COFFEA_FULL):
        for variation, bits in found[name]["rows"].items():
            if found[FULL]["rows"].get(variation) != bits:
                raise BenchmarkError(f"{name}: {variation} differs from that of {FULL}")
    for name in (NOMINAL_DASK, COFFEA, RDF, RDF_THREADS, RDF_DASK):
        for text in differences(found[NOMINAL], found[name]):
            raise BenchmarkError(f"{name}: {text}")


def differences(reference: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """Say in what nominal results differ."""
    if other["cutflow"] != reference["cutflow"]:
        yield f"cutflow {other['cutflow']}, hepcol's {reference['cutflow']}"
    if other["entries"] != reference["entries"]:
        yield "entries of m_ee differ from hepcol's"
    for name, expected in reference["sums"].items():
        pairs = zip(chain(*other["sums"][name]), chain(*expected), strict=True)
        if not all(math.isclose(*pair, rel_tol=_TOLERANCE, abs_tol=0.0) for pair in pairs):
            yield f"sums of weights of {name} differ from hepcol's"


def quantities(samples: Samples) -> list[Row]:
    """Return what the comparison is made for."""
    events = samples[FULL][0]["events"]

    def of(name: str, key: str) -> Any:
        return np.array([sample[key] for sample in samples[name]])

    def ratio(over: str, under: str) -> Iterator[Row]:
        for key, words in TIMES.items():
            yield Row(f"{over} / {under}, {words}", list(of(over, key) / of(under, key)))

    single = samples[SINGLE][0]
    variations, measured = single["kinematic"], len(single["each_s"])
    one_pass = of(FULL, "loop_s")
    return [
        Row(
            f"{variations} variations one by one ({measured} measured, scaled) and a nominal run / FULL_v1 in one pass",
            list(of(SINGLE, "scaled_s") / one_pass),
            at_least=MIN_RATIO,
        ),
        Row("FULL_v1 in one pass, an event and core", list(one_pass / events * 1e6), "us", at_most=MAX_US),
        Row("FULL_v1 in one pass, events in a second", list(events / one_pass)),
        Row("`in_situ=true`, more for an event", list((of(IN_SITU, "loop_s") - one_pass) / events * 1e6), "us"),
        *ratio(FULL, FULL_DASK),
        *ratio(NOMINAL, NOMINAL_DASK),
        *ratio(COFFEA, NOMINAL),
        *ratio(COFFEA_FULL, FULL),
        *ratio(RDF, NOMINAL),
        *ratio(RDF_THREADS, NOMINAL_DASK),
    ]


def collect(samples: Samples, file: str, repeats: int) -> dict[str, Any]:
    """Collect everything that was measured, and on what."""
    return {
        **report.surroundings(PACKAGES),
        "root": samples[RDF][0]["root"],
        "file": file,
        "events": samples[FULL][0]["events"],
        "variations": len(samples[FULL][0]["rows"]) - 1,
        "repeats": repeats,
        "subjects": {
            name: [{key: value for key, value in sample.items() if key not in _NOT_TOLD} for sample in every]
            for name, every in samples.items()
        },
        "quantities": [row._asdict() for row in quantities(samples)],
    }


def markdown(samples: Samples, description: dict[str, Any]) -> str:
    """Write the tables for people."""
    versions, machine = description["versions"], description["machine"]
    kinematic = samples[SINGLE][0]["kinematic"]
    lines = [
        (
            f"{description['events']:,} events of `{description['file']}`, es2022_R22_PRE with FULL_v1: "
            f"{kinematic} variations of momenta and {description['variations'] - kinematic} of scale factors; "
            "*nominal* is without calibration and scale factors. "
            f"Medians of {description['repeats']} interleaved runs (smallest to largest) on {machine['cpu']}, "
            f"{machine['cores']} cores, {description['date']}; ROOT {description['root']}, "
            f"uproot {versions['uproot']}, coffea {versions['coffea']}, numba {versions['numba']}. Checked in every "
            "run: one by one and on Dask, all histograms have the bits of those of one pass; RDataFrame has hepcol's "
            "entries of m_ee, and its sums of weights of all observables to 1e-12. *One by one* is in one process, "
            "whose start, as that of all, is not counted, and leaves out the variations of scale factors."
        ),
        "",
        "| | median (range) | | aim |",
        "|---|--:|---|---|",
        *(
            f"| {row.what} | {figures.spread_of(row.values)} | {row.unit} | {row.verdict} |"
            for row in quantities(samples)
        ),
        "",
        *_division(samples[DIVIDED]),
        "",
        "| | all [s] | without the start [s] | CPU [s] | memory [MB] |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, every in samples.items():
        if name == SINGLE:
            one = [seconds for sample in every for seconds in sample["each_s"]]
            lines.append(f"| hepcol, one variation and the nominal one | | {figures.spread_of(one)} | | |")
            lines.append(f"| {SINGLE}, scaled | | {figures.spread(every, 'scaled_s')} | | |")
        else:
            cells = (figures.spread(every, key) for key in ("total_s", "loop_s", "cpu_s", "peak_mb"))
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _division(every: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the rows of how the time divides."""
    yield "| FULL_v1 in one pass, watched | us an event | share |"
    yield "|---|--:|--:|"
    for part in (*PARTS, OTHER):
        cost = [sample["parts"][part] / sample["events"] * 1e6 for sample in every]
        share = statistics.median(sample["parts"][part] / sample["loop_s"] for sample in every)
        yield f"| {part} | {figures.spread_of(cost)} | {share:.0%} |"


def write(folder: Path, samples: Samples, description: dict[str, Any]) -> str:
    """Write ``zee_atlas.json`` and ``zee_atlas.md`` into a folder; return the Markdown."""
    return figures.write(folder, "zee_atlas", markdown(samples, description), description)
