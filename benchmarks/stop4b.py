"""The comparison of the stop four-body search: hepcol from trees and from objects, and versions of RDataFrame."""

import math
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import figures, report
from benchmarks.measurement import BenchmarkError, measure, touch
from benchmarks.stop4b_subjects import COFFEA, PROCESS
from hepcol.kernels.cache import cache_root

EVENTS, QUICK_EVENTS = 62_000, 6_000  # stored events of each campaign: 164k rows in the nominal tree of all
CAMPAIGNS = "mc16a", "mc16d", "mc16e"
WORKERS = 2
FLAT, OBJECTS = "flat", "objects"
MARKS = report.marks("stop4b")
MAX_MEMORY_MB = 1500
PACKAGES = "hepcol", "coffea", "awkward", "uproot", "numba", "numpy", "dask", "distributed"
_TOLERANCE = 1e-12  # relative, of sums of weights

RDATAFRAME = str(Path(__file__).parent / "rdataframe" / "stop4b.py")
HEPCOL = ("-m", "benchmarks.stop4b_subjects")


class Subject(NamedTuple):
    """What is measured: its name, the form of its files, and its command without them."""

    name: str
    form: str
    command: tuple[str, ...]

    def arguments(self, folder: Path) -> tuple[str, ...]:
        """Arguments of Python, with the folder of its files."""
        options = self.command
        return (*options, str(folder)) if options[0] == "-m" else (options[0], str(folder), *options[1:])


def _rdataframe(mode: str, *more: str) -> tuple[str, ...]:
    return (RDATAFRAME, "--mode", mode, *more)


TREES_ONE, TREES_TWO, TREES_DASK = (
    "hepcol, 41 trees",
    "hepcol, 41 trees, 2 processes",
    "hepcol, 41 trees, 2 Dask workers",
)
ON_THE_FLY, ON_THE_FLY_TWO, ON_THE_FLY_DASK = (
    "hepcol, on the fly",
    "hepcol, on the fly, 2 processes",
    "hepcol, on the fly, 2 Dask workers",
)
COFFEA_TREES, COFFEA_OBJECTS = "stock coffea, 41 trees", "stock coffea, on the fly"
ORIGINAL, ORIGINAL_THREADS, BEST, BEST_THREADS, BEST_DASK = (
    "RDataFrame original",
    "RDataFrame original, 2 threads",
    "RDataFrame best",
    "RDataFrame best, 2 threads",
    "RDataFrame best, 2 Dask workers",
)
COMPILED, VARY = "RDataFrame compiled ahead", "RDataFrame Vary, on the fly, compiled ahead"
SUBJECTS = (
    Subject(TREES_ONE, FLAT, (*HEPCOL, "one process", "1")),
    Subject(TREES_TWO, FLAT, (*HEPCOL, "futures", str(WORKERS))),
    Subject(TREES_DASK, FLAT, (*HEPCOL, "dask", str(WORKERS))),
    Subject(ON_THE_FLY, OBJECTS, (*HEPCOL, "one process", "1")),
    Subject(ON_THE_FLY_TWO, OBJECTS, (*HEPCOL, "futures", str(WORKERS))),
    Subject(ON_THE_FLY_DASK, OBJECTS, (*HEPCOL, "dask", str(WORKERS))),
    Subject(COFFEA_TREES, FLAT, (*HEPCOL, COFFEA)),
    Subject(COFFEA_OBJECTS, OBJECTS, (*HEPCOL, COFFEA)),
    Subject(ORIGINAL, FLAT, _rdataframe("original")),
    Subject(ORIGINAL_THREADS, FLAT, _rdataframe("original", "--threads", str(WORKERS))),
    Subject(BEST, FLAT, _rdataframe("best")),
    Subject(BEST_THREADS, FLAT, _rdataframe("best", "--threads", str(WORKERS))),
    Subject(BEST_DASK, FLAT, _rdataframe("dask", "--workers", str(WORKERS))),
    Subject(COMPILED, FLAT, _rdataframe("compiled")),
    Subject(VARY, OBJECTS, _rdataframe("objects")),
)


class Target(NamedTuple):
    """A ratio of times: of which subjects, of which of their times, and the least that it should be."""

    over: str
    under: str
    key: str
    at_least: float | None = None


TARGETS = (
    Target(ORIGINAL, TREES_ONE, "total_s", 15.0),
    Target(BEST, TREES_ONE, "total_s", 3.0),
    Target(TREES_ONE, ON_THE_FLY, "loop_s", 5.0),
    Target(ORIGINAL, ON_THE_FLY, "total_s"),
    Target(BEST, ON_THE_FLY, "total_s"),
    Target(ORIGINAL, ON_THE_FLY, "loop_s"),
    Target(BEST, ON_THE_FLY, "loop_s"),
    Target(ORIGINAL, TREES_ONE, "loop_s"),
    Target(BEST, TREES_ONE, "loop_s"),
    Target(COMPILED, ON_THE_FLY, "total_s"),
    Target(COFFEA_TREES, TREES_ONE, "loop_s"),
    Target(COFFEA_OBJECTS, ON_THE_FLY, "loop_s"),
    Target(VARY, ON_THE_FLY, "loop_s"),
)
TIMES = {"total_s": "from the start of the process", "loop_s": "without starting Python or ROOT"}

Samples = dict[str, list[dict[str, Any]]]
Progress = Callable[[int, int, str], None]


def prepare(events: int, progress: Progress) -> dict[str, Path]:
    """Generate the sample in both forms, once, in the cache folder.

    Returns
    -------
    dict of str to Path
        Folders of the files, by form.
    """
    from samples.stop4b.sample import VERSION, Request, flatten, generate

    folder = cache_root() / "bench" / f"stop4b-{PROCESS}-{VERSION}-{events}"
    folders = {form: folder / form for form in (FLAT, OBJECTS)}
    for number, campaign in enumerate(CAMPAIGNS):
        flat, objects = (folders[form] / campaign / f"{PROCESS}.root" for form in (FLAT, OBJECTS))
        for path in (flat, objects):
            path.parent.mkdir(parents=True, exist_ok=True)
        if not objects.exists():
            request = Request(PROCESS, campaign, events, OBJECTS)
            generate(
                objects,
                request,
                progress=partial(_tell, progress, number * events, events * len(CAMPAIGNS), f"events of {campaign}"),
                workers=WORKERS,
            )
        if not flat.exists():
            progress((number + 1) * events, events * len(CAMPAIGNS), f"trees of {campaign}")
            flatten(objects, flat)
    progress(events * len(CAMPAIGNS), events * len(CAMPAIGNS), "kernels")
    for subject in SUBJECTS:
        if subject.name in (TREES_ONE, ON_THE_FLY):  # compiled before anything is timed
            measure(subject.name, subject.arguments(folders[subject.form]))
    return folders


def _tell(progress: Progress, before: int, total: int, what: str, done: int, _: int) -> None:
    progress(before + done, total, what)


def run(folders: dict[str, Path], repeats: int, progress: Progress) -> Samples:
    """Measure all subjects ``repeats`` times, interleaved, and hold their yields against each other.

    Raises
    ------
    BenchmarkError
        If a subject fails, or two of them disagree.
    """
    samples: Samples = {subject.name: [] for subject in SUBJECTS}
    done = 0
    for repeat in range(repeats):
        for path in sorted(file for folder in folders.values() for file in folder.glob("*/*.root")):
            touch(path)
        # another order each time, so that what goes before does not favour anybody
        for subject in SUBJECTS if repeat % 2 == 0 else reversed(SUBJECTS):
            progress(done, repeats * len(SUBJECTS), subject.name)
            sample = measure(subject.name, subject.arguments(folders[subject.form]))
            samples[subject.name].append(sample)
            done += 1
        if repeat == 0:
            check(samples)
    progress(done, done, "")
    return samples


def check(samples: Samples) -> None:
    """Compare the yields of all subjects with hepcol's from trees: events exactly, sums of weights to 1e-12.

    Raises
    ------
    BenchmarkError
        If they differ.
    """
    reference = samples[TREES_ONE][0]["yields"]
    for name, every in samples.items():
        if every:
            for text in differences(reference, every[0]["yields"]):
                raise BenchmarkError(f"{name}: {text}")


def differences(reference: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """Say in what yields differ."""
    for sample, variations in reference.items():
        for variation, regions in variations.items():
            for region, (events, *sums) in regions.items():
                found = other.get(sample, {}).get(variation, {}).get(region)
                where = f"{sample}, {variation}, {region}"
                if found is None:
                    yield f"{where}: nothing"
                elif found[0] != events:
                    yield f"{where}: {found[0]} events, hepcol has {events}"
                elif not all(
                    math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=0.0) for a, b in zip(found[1:], sums, strict=True)
                ):
                    yield f"{where}: sums {found[1:]}, hepcol's {sums}"


def ratios(samples: Samples) -> Iterator[tuple[Target, list[float]]]:
    """Ratio of each target in each repeat."""
    for target in TARGETS:
        over, under = ([sample[target.key] for sample in samples[name]] for name in (target.over, target.under))
        if over and under:
            yield target, [one / other for one, other in zip(over, under, strict=True)]


def describe(samples: Samples, folders: dict[str, Path], repeats: int) -> dict[str, Any]:
    """Collect everything that was measured, and on what."""
    sizes = {
        form: sum(path.stat().st_size for path in folder.glob("*/*.root")) / 1e6 for form, folder in folders.items()
    }
    return collect(samples, sizes, repeats)


def collect(samples: Samples, sizes: dict[str, float], repeats: int) -> dict[str, Any]:
    """Collect everything that was measured; ``sizes`` are those of the files by form [MB]."""
    return {
        **report.surroundings(PACKAGES),
        "root": _version_of_root(),
        "rows": {name: every[0]["rows"] for name, every in samples.items()},
        "megabytes": sizes,
        "repeats": repeats,
        "subjects": {
            name: [{key: value for key, value in sample.items() if key != "yields"} for sample in every]
            for name, every in samples.items()
        },
        "ratios": [
            {**target._asdict(), "ratios": found, "median": statistics.median(found)}
            for target, found in ratios(samples)
        ],
    }


def _version_of_root() -> str:
    from importlib.metadata import version

    return version("root")


def markdown(samples: Samples, description: dict[str, Any]) -> str:
    """Write the tables for people."""
    versions, machine = description["versions"], description["machine"]
    rows, sizes = description["rows"], description["megabytes"]
    lines = [
        (
            f"{PROCESS} of three campaigns: 41 trees with {rows[TREES_ONE]:,} rows ({sizes[FLAT]:.0f} MB, ZSTD), or "
            f"{rows[ON_THE_FLY]:,} events with their objects ({sizes[OBJECTS]:.0f} MB); two regions, 42 weight and 40 "
            f"kinematic variations. Medians of {description['repeats']} interleaved runs (smallest to largest) on "
            f"{machine['cpu']}, {machine['cores']} cores, {description['date']}; ROOT {description['root']}, "
            f"uproot {versions['uproot']}, coffea {versions['coffea']}, numba {versions['numba']}. All yields are "
            "equal: events exactly, sums of weights to 1e-12."
        ),
        "",
        "| ratio of times | median (range) | aim |",
        "|---|--:|---|",
    ]
    for target, found in ratios(samples):
        median = statistics.median(found)
        met = "" if target.at_least is None else "met" if median >= target.at_least else "**missed**"
        aim = "" if target.at_least is None else f"at least {target.at_least:g}: {met}"
        lines.append(f"| {target.over} / {target.under}, {TIMES[target.key]} | {figures.spread_of(found)} | {aim} |")
    lines += ["", "| | all [s] | without the start [s] | CPU [s] | memory [MB] |", "|---|--:|--:|--:|--:|"]
    for name, every in samples.items():
        cells = (figures.spread(every, key) for key in ("total_s", "loop_s", "cpu_s", "peak_mb"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    worst = max(
        sample["peak_mb"]
        for name in (TREES_TWO, TREES_DASK, ON_THE_FLY_TWO, ON_THE_FLY_DASK)
        for sample in samples[name]
    )
    verdict = "met" if worst < MAX_MEMORY_MB else "**missed**"
    lines += ["", f"Memory of a process of hepcol: at most {worst:.0f} MB; aim below {MAX_MEMORY_MB} MB: {verdict}."]
    return "\n".join(lines) + "\n"


def write(folder: Path, samples: Samples, description: dict[str, Any]) -> str:
    """Write ``stop4b.json`` and ``stop4b.md`` into a folder; return the Markdown."""
    return figures.write(folder, "stop4b", markdown(samples, description), description)
