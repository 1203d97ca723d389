"""The comparison of skims: ten columns of a tenth of the events, by hepcol and by RDataFrame's Snapshot."""

import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import numpy as np

from benchmarks import figures, report
from benchmarks.figures import Row
from benchmarks.measurement import CHECKOUT, BenchmarkError, measure, touch
from benchmarks.replicas import repeat_events

EVENTS, QUICK_EVENTS = 1_000_000, 50_000
MARKS = report.marks("skim")
PACKAGES = "hepcol", "coffea", "awkward", "uproot", "numpy"
SNAPSHOT = str(CHECKOUT / "benchmarks" / "rdataframe" / "snapshot.py")
HERE, TWO = "hepcol", "hepcol, 2 Dask workers"
LEAST_ZEE, LEAST_STOP4B = 3.0, 1.0


class Input(NamedTuple):
    """What is skimmed: the cut in both languages, and the columns by both names."""

    name: str
    tree: str
    cut: str
    cut_of_root: str
    columns: tuple[str, ...]
    least: float


_PARTICLE = tuple(
    f"ReconstructedParticles.{name}"
    for name in ("energy", "momentum.x", "momentum.y", "momentum.z", "mass", "charge", "type")
)
ZEE = Input(
    "Zee, EDM4hep",
    "events",
    "any(ReconstructedParticles.pz > 41.67)",  # a column that is stored, so that both read the same
    "ROOT::VecOps::Any(ReconstructedParticles.momentum.z > 41.67)",
    (*_PARTICLE, "Electron#0.index", "Electron#0.collectionID", "Particle.PDG"),
    LEAST_ZEE,
)
STOP4B = Input(
    "stop4b, nominal tree",
    "Wt_WEIGHTS",
    "MET > 362.5",
    "MET > 362.5",
    ("eventNumber", "campaign", "weight", "WeightEvents", "MET", "METsig", "jet1pT", "lep1pT", "lep2pT", "nbjet"),
    LEAST_STOP4B,
)

# Name of each subject, and how RDataFrame works there: nothing for hepcol, which takes a number of workers
SUBJECTS: dict[str, tuple[str, int] | int] = {
    HERE: 0,
    TWO: 2,
    "Snapshot": ("columns", 1),
    "Snapshot, 2 threads": ("columns", 2),
    "Snapshot, other branches off": ("restricted", 1),
    "Snapshot, other branches off, 2 threads": ("restricted", 2),
}

Samples = dict[tuple[str, str], list[dict[str, Any]]]
Progress = Callable[[int, int, str], None]


def prepare(source: Path, events: int, progress: Progress) -> dict[str, Path]:
    """Make the files, once, in the cache folder; ``source`` is of Zee."""
    from benchmarks import stop4b

    folders = stop4b.prepare(stop4b.EVENTS if events > QUICK_EVENTS else stop4b.QUICK_EVENTS, progress)
    flat = folders[stop4b.FLAT] / next(iter(stop4b.CAMPAIGNS)) / f"{stop4b.PROCESS}.root"
    inputs = ((ZEE, source), (STOP4B, flat))
    return {one.name: repeat_events(path, one.tree, events)[1] for one, path in inputs}


def run(files: dict[str, Path], repeats: int, progress: Progress) -> Samples:
    """Measure all subjects ``repeats`` times, interleaved, and hold their files against each other.

    Raises
    ------
    BenchmarkError
        If a subject fails, or two files do not have the same.
    """
    samples: Samples = {(one.name, subject): [] for one in (ZEE, STOP4B) for subject in SUBJECTS}
    turns = [(repeat, one, subject) for repeat in range(repeats) for one in (ZEE, STOP4B) for subject in SUBJECTS]
    with tempfile.TemporaryDirectory() as folder:
        for done, (repeat, one, subject) in enumerate(turns):
            progress(done, len(turns), f"{one.name}: {subject}")
            touch(files[one.name])
            place = Path(folder) / subject.replace(" ", "_")
            samples[one.name, subject].append(measure(subject, _command(one, subject, files[one.name], place)))
            if repeat == 0:
                _check(one, subject, place, Path(folder) / HERE)
            if subject != HERE:
                _remove(place)
    progress(len(turns), len(turns), "")
    return samples


def _command(one: Input, subject: str, file: Path, place: Path) -> tuple[str, ...]:
    how = SUBJECTS[subject]
    if isinstance(how, int):
        return ("-m", "benchmarks.skim_subjects", str(file), str(place), one.tree, one.cut, str(how), *one.columns)
    mode, threads = how
    given = ("--tree", one.tree, "--cut", one.cut_of_root, "--threads", str(threads), "--columns", *one.columns)
    return (SNAPSHOT, mode, str(file), str(place), *given)


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()


def _check(one: Input, subject: str, place: Path, ours: Path) -> None:
    """See that a file has what hepcol's has; the order of the events is not that of two threads of ROOT."""
    import uproot

    def read(path: Path) -> list[ak.Array]:
        if not path.is_dir():
            with uproot.open({path: one.tree}) as tree:
                return [tree[f"column_{number}"].array() for number in range(len(one.columns))]
        (file,) = (path / "events").rglob("*.root")
        with uproot.open({file: one.tree}) as tree:
            return [tree[name].array() for name in one.columns]

    found, expected = read(place), read(ours)
    is_mixed = subject.endswith("threads")
    for name, column, other in zip(one.columns, found, expected, strict=True):
        flat, others = (np.asarray(ak.flatten(array, axis=None)) for array in (column, other))
        same = np.array_equal(np.sort(flat), np.sort(others)) if is_mixed else np.array_equal(flat, others)
        if len(column) != len(other) or not same:
            raise BenchmarkError(f"{one.name}: {subject} has other values of {name} than hepcol")


def quantities(samples: Samples) -> Iterator[Row]:
    """Ratios of times, and their aims."""
    for one in (ZEE, STOP4B):
        ours = samples[one.name, HERE]
        for subject, how in SUBJECTS.items():
            if isinstance(how, int):
                continue
            aim = one.least if subject == "Snapshot, 2 threads" else None
            for key, what in (("loop_s", "from the call"), ("total_s", "of the whole process")):
                pairs = zip(samples[one.name, subject], ours, strict=True)
                ratios = [theirs[key] / mine[key] for theirs, mine in pairs]
                yield Row(f"{one.name}: {subject} / hepcol, {what}", ratios, "", aim if key == "loop_s" else None)


def describe(samples: Samples, repeats: int) -> dict[str, Any]:
    """Collect everything that was measured, and on what."""
    return {
        **report.surroundings(PACKAGES),
        "root": _version_of_root(),
        "repeats": repeats,
        "subjects": [{"input": name, "subject": subject, "samples": all_} for (name, subject), all_ in samples.items()],
        "quantities": [row._asdict() for row in quantities(samples)],
    }


def _version_of_root() -> str:
    from importlib.metadata import version

    return version("root")


def markdown(samples: Samples, description: dict[str, Any]) -> str:
    """Write the tables for people."""
    versions, machine = description["versions"], description["machine"]
    passed = {one.name: samples[one.name, HERE][0]["events"] for one in (ZEE, STOP4B)}
    lines = [
        (
            f"Ten columns of what passes a cut: {passed[ZEE.name]:,} events of Zee (ee_Z_ee repeated), "
            f"{passed[STOP4B.name]:,} of the nominal tree of stop4b. Medians of {description['repeats']} interleaved "
            f"runs (smallest to largest) on {machine['cpu']}, {machine['cores']} cores, {description['date']}; ROOT "
            f"{description['root']}, uproot {versions['uproot']}, awkward {versions['awkward']}. All files have the "
            "same values, hepcol's in the order of the events."
        ),
        "",
        "| ratio of times | median (range) | aim |",
        "|---|--:|---|",
    ]
    lines += [f"| {row.what} | {figures.spread_of(row.values)} | {row.verdict} |" for row in quantities(samples)]
    for one in (ZEE, STOP4B):
        lines += ["", f"| {one.name} | all [s] | from the call [s] | CPU [s] | memory [MB] | file [MB] |"]
        lines.append("|---|--:|--:|--:|--:|--:|")
        for subject in SUBJECTS:
            every = samples[one.name, subject]
            cells = [figures.spread(every, key) for key in ("total_s", "loop_s", "cpu_s", "peak_mb")]
            size = statistics.median(sample["size"] for sample in every) / 1e6
            lines.append(f"| {subject} | {' | '.join(cells)} | {size:.1f} |")
    return "\n".join(lines) + "\n"


def write(folder: Path, samples: Samples, description: dict[str, Any]) -> str:
    """Write ``skim.json`` and ``skim.md`` into a folder; return the Markdown."""
    return figures.write(folder, "skim", markdown(samples, description), description)
