"""The comparison of jet graphs and graph kernels: others' ways, from few to many jets, and from file to file."""

import importlib.util
import shutil
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import figures, published, report
from benchmarks.figures import Row
from benchmarks.graphs_jets import SAMPLE, events_file
from benchmarks.graphs_references import NMAX, K, R
from benchmarks.measurement import BenchmarkError, measure, touch
from hepcol.kernels.cache import cache_root

EVENTS, MANY_EVENTS = 17_000, 434_000  # of the original study
SIZES, QUICK_SIZES = (5_000, 20_000, 100_000, 300_000, 900_000), (5_000, 50_000)
CHUNKS, QUICK_CHUNKS = (2, 8, 32), (2, 8)
PARTITIONS = 1, 4, 16
PUBLISHED = {
    "graphs of 17k events": published.GRAPHS_17K,
    "graphs of 434k events": published.GRAPHS_434K,
    "isomorphism of 500 entries": published.GRAM_500,
}
WORKERS = {0: "this process", 1: "1 worker", 2: "2 workers"}
GRAPHS = 500
MARKS = report.marks("graphs")
PACKAGES = "hepcol", "coffea", "awkward", "uproot", "numba", "numpy", "dask", "distributed"
MAX_CPU_S = 5.0
ROOM = 2e9  # bytes: 0.5 GB of events, 0.4 GB of graphs, and some to spare
FILE, MANY_FILE = "{events}", "{many}"  # in arguments, where the files stand that are made before


class Extra(NamedTuple):
    """What others' ways need that hepcol does not: module and distribution."""

    module: str
    name: str


TORCH, PYG = Extra("torch", "torch"), Extra("torch_geometric", "torch-geometric")
PANDAS, NETWORKX = Extra("pandas", "pandas"), Extra("networkx", "networkx")
GRAKEL, JOBLIB = Extra("grakel", "grakel"), Extra("joblib", "joblib")
EXTRAS = TORCH, PYG, GRAKEL, NETWORKX, PANDAS, JOBLIB


class Case(NamedTuple):
    """What is measured: a subject of a module and its arguments, what it needs, and whether once is enough."""

    module: str
    subject: str
    arguments: tuple[str, ...]
    needs: tuple[Extra, ...] = ()
    once: bool = False

    @property
    def name(self) -> str:
        return " ".join((self.subject, *(one for one in self.arguments if one not in (FILE, MANY_FILE))))

    @property
    def missing(self) -> list[str]:
        """What is not installed of what it needs."""
        return [extra.name for extra in self.needs if importlib.util.find_spec(extra.module) is None]


Samples = dict[Case, list[dict[str, Any]]]
Progress = Callable[[int, int, str], None]


def plan(quick: bool) -> list[Case]:
    """List what is measured."""

    def beside(subject: str, needs: tuple[Extra, ...], *numbers: tuple[int, int]) -> Case:
        return Case("graphs_subjects", subject, tuple(str(few if quick else many) for many, few in numbers), needs)

    def scaling(subject: str, *arguments: Any, once: bool = False) -> Case:
        return Case("graphs_scaling", subject, tuple(map(str, arguments)), (), once)

    files = (FILE,) if quick else (FILE, MANY_FILE)
    return [
        beside("pandas", (PANDAS, NETWORKX), (2000, 500)),
        beside("joblib", (JOBLIB, PANDAS, NETWORKX), (2000, 500)),
        beside("awkward", (TORCH, PYG), (2000, 1000)),
        beside("torch", (TORCH,), (200, 50)),
        beside("padded", (), (2000, 1000)),
        beside("wl", (GRAKEL,), (GRAPHS, GRAPHS), (300, 100)),
        beside("paths", (GRAKEL,), (GRAPHS, 200)),
        beside("hashes", (NETWORKX,), (GRAPHS, 200)),
        beside("writing", (TORCH, PYG), (2000, 1000)),
        beside("awkward_events", (TORCH, PYG), (1000, 500)),
        *(scaling(f"events_{stored}", FILE) for stored in ("all", "nodes")),
        *(
            scaling(subject, size)
            for size in (QUICK_SIZES if quick else SIZES)
            for subject in ("build_near", "build_nearest")
        ),
        *(
            scaling("chunks", file, number, workers, once=file == MANY_FILE)
            for file in files
            for number in (QUICK_CHUNKS if quick else CHUNKS)
            for workers in WORKERS
        ),
        *(scaling("partitions", GRAPHS, number, workers, once=True) for number in PARTITIONS for workers in WORKERS),
    ]


@contextmanager
def prepared(cases: Sequence[Case]) -> Iterator[dict[str, Path]]:
    """Make the files of events that cases need, in the cache folder, where the large one does not stay.

    Raises
    ------
    BenchmarkError
        If there is no room for the large one, and what is made of it.
    """
    used = {argument for case in cases for argument in case.arguments}
    wanted = {name: events for name, events in ((FILE, EVENTS), (MANY_FILE, MANY_EVENTS)) if name in used}
    cache_root().mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache_root()).free
    if MANY_FILE in wanted and free < ROOM:
        raise BenchmarkError(
            f"{cache_root()}: {free / 1e9:.1f} GB free, {ROOM / 1e9:.1f} GB needed; --quick needs less"
        )
    files: dict[str, Path] = {}
    try:
        for name, events in wanted.items():
            _, files[name] = events_file(events)
        yield files
    finally:
        if MANY_FILE in files:
            files[MANY_FILE].unlink(missing_ok=True)


def run(cases: Sequence[Case], files: dict[str, Path], repeats: int, progress: Progress) -> Samples:
    """Measure all cases of which everything is installed ``repeats`` times, interleaved.

    Raises
    ------
    BenchmarkError
        If a subject fails, such as by another answer than hepcol's.
    """
    cases = [case for case in cases if not case.missing]
    samples: Samples = {case: [] for case in cases}
    turns = [(repeat, case) for repeat in range(repeats) for case in cases if not case.once or repeat == 0]
    for done, (_, case) in enumerate(turns):
        progress(done, len(turns), case.name)
        for name in set(case.arguments) & set(files):
            touch(files[name])
        arguments = (str(files.get(argument, argument)) for argument in case.arguments)
        samples[case].append(measure(case.name, ("-m", f"benchmarks.{case.module}", case.subject, *arguments)))
    progress(len(turns), len(turns), "")
    return samples


class Beside(NamedTuple):
    """Two times of a subject, of another's way and of hepcol, and the least that their ratio should be."""

    subject: str
    what: str
    other: str
    ours: str
    at_least: float | None = None


_NEAR, _NEAREST = ("dr_other_us", "dr_us"), ("knn_other_us", "knn_us")
BUILDING = (
    Beside("pandas", "pandas and a loop over pairs into networkx, dR", *_NEAR, 100),
    Beside("pandas", "the same, kNN", *_NEAREST, 100),
    Beside("joblib", "the same, dR, by joblib on 2 processes (wall time; hepcol on one)", *_NEAR),
    Beside("awkward", "loop over awkward, matrices of numpy, PyTorch Geometric, dR", *_NEAR, 40),
    Beside("awkward", "the same, kNN", *_NEAREST, 40),
    Beside("torch", "loop over pairs of torch scalars, dR, edges only", *_NEAR),
    Beside("padded", "numpy on 500 jets at once, filled up to the largest, dR", *_NEAR),
    Beside("padded", "the same, kNN", *_NEAREST),
    Beside("writing", "`torch.save` of what is collated, kNN; npz with edges", "other_us", "us"),
    Beside("writing", "the same; npz of nodes, of which reading makes the edges", "other_us", "nodes_us"),
)
COMPARING = (
    Beside("wl", "Weisfeiler-Lehman Gram matrix, h = 5: GraKeL, one call", "other_ms", "ms", 20),
    Beside("wl", "the same: GraKeL, a call for each pair, scaled", "all_pairs_ms", "ms", 1e4),
    Beside("paths", "shortest-path Gram matrix: GraKeL, one call", "other_ms", "ms"),
    Beside("hashes", "classes, h = 5: networkx's hash of each", "other_ms", "ms"),
)


def of(samples: Samples, subject: str) -> list[dict[str, Any]]:
    """Return what was found of the first case of a subject; nothing if it was left out."""
    return next((every for case, every in samples.items() if case.subject == subject), [])


def quantities(samples: Samples) -> Iterator[Row]:
    """Yield what the comparison is made for, of what was measured."""
    for one in (*BUILDING, *COMPARING):
        if every := of(samples, one.subject):
            ratios = [sample[one.other] / sample[one.ours] for sample in every]
            yield Row(one.what, ratios, "times as long", at_least=one.at_least)
    whole, others = of(samples, "events_all"), of(samples, "awkward_events")
    if whole:
        told = f"{whole[0]['events']:,} events from file to file, kNN: CPU of the process from its start"
        yield Row(told, [sample["all_cpu_s"] for sample in whole], "s", at_most=MAX_CPU_S)
    if whole and others:
        ratios = [other["us"] / sample["us"] for other, sample in zip(others, whole, strict=True)]
        yield Row("loop over awkward from file to `torch.save`, kNN, of a jet / hepcol", ratios, "times as long")
    for subject, rule in (("build_near", "dR"), ("build_nearest", "kNN")):
        scan = [every for case, every in samples.items() if case.subject == subject]
        if len(scan) > 1:
            jets = [every[0]["jets"] for every in scan]
            turns = zip(*([one["us"] for one in every] for every in scan), strict=True)
            ratios = [max(costs) / min(costs) for costs in turns]
            yield Row(f"cost of a jet from {min(jets):,} to {max(jets):,}, {rule}: largest / smallest", ratios)


def describe(samples: Samples, cases: Sequence[Case], repeats: int) -> dict[str, Any]:
    """Collect everything that was measured, and on what."""
    installed = [extra.name for extra in EXTRAS if importlib.util.find_spec(extra.module) is not None]
    return {
        **report.surroundings((*PACKAGES, *installed)),
        "sample": SAMPLE.name,
        "repeats": repeats,
        "left_out": {case.name: case.missing for case in cases if case.missing},
        "cases": [{"case": case.name, "samples": every} for case, every in samples.items()],
        "quantities": [row._asdict() for row in quantities(samples)],
    }


def markdown(samples: Samples, description: dict[str, Any]) -> str:
    """Write the tables for people."""
    versions, machine = description["versions"], description["machine"]
    untold = "python", "hepcol", "dask"
    named = ", ".join(f"{name} {number}" for name, number in versions.items() if name not in untold)
    lines = [
        (
            f"Jets of `{description['sample']}`, the two leading ones of each event, repeated where there are more: "
            f"of all constituents centre, turn and mirror (`center_rotate_flip`), the {NMAX} of highest pt as nodes, "
            f"joined where dR < {R} or to their {K} nearest. Others' ways do the same of the same jets in turns with "
            "hepcol, in one process on one core: CPU time, in memory, kernels compiled. Checked before: the same edges "
            f"(but for those within 1e-6 of the border: {_differing(samples)}), dR to 1e-6, Gram matrices exactly, the "
            f"same classes. Medians of {description['repeats']} interleaved runs (smallest to largest) on "
            f"{machine['cpu']}, {machine['cores']} cores, {description['date']}; {named}."
        ),
        "",
    ]
    if description["left_out"]:
        names = sorted({name for missing in description["left_out"].values() for name in missing})
        left_out = ", ".join(description["left_out"])
        lines += [f"**Left out**, as {', '.join(names)} (extra `graphs-bench`) is not installed: {left_out}.", ""]
    lines += [
        "| | median (range) | | aim |",
        "|---|--:|---|---|",
        *(
            f"| {row.what} | {figures.spread_of(row.values)} | {row.unit} | {row.verdict} |"
            for row in quantities(samples)
        ),
        "",
        *_times(samples, BUILDING, "a jet [us]", "jets"),
        "",
        *_times(samples, COMPARING, "all graphs [ms]", "graphs"),
        "",
        *_pairs(samples),
        *_scan(samples),
        "",
        *_files(samples),
        "",
        *_by_workers(samples),
    ]
    return "\n".join(lines) + "\n"


def _differing(samples: Samples) -> str:
    """Tell how many edges others have that hepcol has not, or the other way round."""
    found = [
        (sample[key], sample[key.replace("differing", "edges")])
        for every in samples.values()
        for sample in every[:1]
        for key in sample
        if key.endswith("_differing")
    ]
    return f"{sum(one for one, _ in found):,} of {sum(edges for _, edges in found):,}" if found else "not compared"


def _times(samples: Samples, beside: Sequence[Beside], what: str, number: str) -> Iterator[str]:
    yield f"| {what} | {number} | other | hepcol |"
    yield "|---|--:|--:|--:|"
    for one in beside:
        if every := of(samples, one.subject):
            cells = (figures.spread(every, key) for key in (one.other, one.ours))
            yield f"| {one.what} | {every[0][number]:,} | {' | '.join(cells)} |"


def _pairs(samples: Samples) -> Iterator[str]:
    """Say how the calls for pairs were scaled."""
    if every := of(samples, "wl"):
        one = every[0]
        yield (
            f"A call of GraKeL for a pair: {figures.spread(every, 'pair_ms')} ms, of {one['pairs']} random ones; "
            f"there are {one['all_pairs']:,}. GraKeL's graphs are made before, and hepcol's; labels, too."
        )
        yield ""


def _scan(samples: Samples) -> Iterator[str]:
    sizes = [case.arguments[0] for case in samples if case.subject == "build_near"]
    yield f"| jets, in chunks as a run has them | {' | '.join(f'{int(size):,}' for size in sizes)} |"
    yield f"|---|{'--:|' * len(sizes)}"
    for subject, rule in (("build_near", "dR"), ("build_nearest", "kNN")):
        scan = [every for case, every in samples.items() if case.subject == subject]
        for key, unit in (("us", "a jet [us]"), ("peak_mb", "memory of the process [MB]")):
            yield f"| {rule}: {unit} | {' | '.join(figures.spread(every, key) for every in scan)} |"


def _files(samples: Samples) -> Iterator[str]:
    """Yield the rows of runs from file to file."""
    columns = "run: wall [s]", "of which loading kernels", "run: CPU [s]", "CPU from the start [s]", "files [MB]"
    yield f"| from file to file, kNN | {' | '.join(columns)} |"
    yield f"|---|{'--:|' * len(columns)}"
    for subject, stored in (("events_all", "with edges"), ("events_nodes", "nodes")):
        if every := of(samples, subject):
            keys = "run_s", "compile_s", "run_cpu_s", "all_cpu_s", "megabytes"
            cells = " | ".join(figures.spread(every, key) for key in keys)
            yield f"| hepcol, {every[0]['events']:,} events, {stored} | {cells} |"
    if others := of(samples, "awkward_events"):
        jets = of(samples, "events_all")[0]["jets"]
        scaled = figures.spread_of([sample["us"] * 1e-6 * jets for sample in others])
        yield f"| loop over awkward, `torch.save`, of {others[0]['jets']:,} jets, scaled | | | {scaled} | | |"


def _by_workers(samples: Samples) -> Iterator[str]:
    """Yield the table of the original, with its figures."""
    rows: dict[tuple[str, str, int], dict[int, str]] = {}
    for case, every in samples.items():
        one = every[0]
        if case.subject == "chunks":
            key = (f"graphs of {one['events']:,} events, kNN, files of nodes", "chunks", one["chunks"])
            rows.setdefault(key, {})[one["workers"]] = figures.spread(every, "s")
        elif case.subject == "partitions":
            parts = "partition" if one["partitions"] == 1 else "partitions"
            key = (f"Gram matrix of {one['graphs']} graphs, h = 5, dR", parts, one["partitions"])
            rows.setdefault(key, {})[one["workers"]] = figures.number(statistics.median(x["s"] for x in every))
    yield f"| wall time [s] | | {' | '.join(WORKERS.values())} |"
    yield "|---|---|--:|--:|--:|"
    for (what, unit, number), cells in rows.items():
        yield f"| {what} | {number} {unit} | {' | '.join(cells.get(workers, '') for workers in WORKERS)} |"
    for what, told in PUBLISHED.items():
        times = {figure.where: f"*{figure.value:g} {figure.machine}*" for figure in told}
        one, many = times.get(published.ONE, ""), times.get(published.MANY, "")
        yield f"| *published: {what}* | *1000 chunks* | {one} | | {many} |"
    yield ""
    yield (
        "Workers of runs are local processes, which start, and import, within the time; those of the Gram matrix are "
        "of Dask, and there already. The published figures are of other jets on unknown machines, and their rule for "
        "edges and their kernel are not told: a ratio to them would measure nothing, so none is given."
    )


def write(folder: Path, samples: Samples, description: dict[str, Any]) -> str:
    """Write ``graphs.json`` and ``graphs.md`` into a folder; return the Markdown."""
    return figures.write(folder, "graphs", markdown(samples, description), description)
