"""The comparison of the Z -> ee study: hepcol, stock coffea, uproot alone, and versions of RDataFrame."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measurement import BenchmarkError, measure, run_once, touch
from benchmarks.replicas import repeat_events
from samples.rootfile import replacing

GENERATOR, RECONSTRUCTED, ORIGINAL = "generator", "reconstructed", "original"
VARIATIONS = 100
SCAN = (1, 10, 50, 100, 1000)
WORKERS = 2

# Subjects by their names in the tables: arguments, and whether they read a file of flat columns
PYTHON = ("-m", "benchmarks.subjects")
RDATAFRAME_FOLDER = Path(__file__).parent / "rdataframe"
RDATAFRAME = (str(RDATAFRAME_FOLDER / "study.py"),)
HEPCOL, HEPCOL_DASK, HEPCOL_COLD = "hepcol", "hepcol, 2 Dask workers", "hepcol, first run: compiles"
COFFEA, COFFEA_DASK = "stock coffea", "stock coffea, 2 Dask workers"
UPROOT, UPROOT_PLAIN, PARTS = "uproot alone, same columns", "uproot alone, plain reads", "parts"
AS_ORIGINAL, AS_ORIGINAL_THREADS, AS_ORIGINAL_DASK, BEST, BEST_THREADS, BEST_DASK = (
    "RDataFrame original",
    "RDataFrame original, 2 threads",
    "RDataFrame original, 2 Dask workers",
    "RDataFrame best",
    "RDataFrame best, 2 threads",
    "RDataFrame best, 2 Dask workers",
)
COLUMNS = "RDataFrame columns"
FLAT = "RDataFrame best, flat columns"
ACTION, ACTION_THREADS = "RDataFrame action", "RDataFrame action, 2 threads"
EQUAL, EQUAL_THREADS = "RDataFrame equal", "RDataFrame equal, 2 threads"
EQUAL_FLAT = "RDataFrame equal, flat columns"

_COMMANDS: dict[str, tuple[str, ...]] = {
    HEPCOL: (*PYTHON, "hepcol"),
    HEPCOL_COLD: (*PYTHON, "hepcol"),
    HEPCOL_DASK: (*PYTHON, "hepcol", "--dask", str(WORKERS)),
    COFFEA: (*PYTHON, "coffea"),
    COFFEA_DASK: (*PYTHON, "coffea", "--dask", str(WORKERS)),
    UPROOT: (*PYTHON, "uproot"),
    UPROOT_PLAIN: (*PYTHON, "uproot-plain"),
    PARTS: (*PYTHON, "parts"),
    AS_ORIGINAL: (*RDATAFRAME, "--json", "--version", "original"),
    AS_ORIGINAL_THREADS: (*RDATAFRAME, "--json", "--version", "original", "--threads", str(WORKERS)),
    AS_ORIGINAL_DASK: (*RDATAFRAME, "--json", "--version", "original", "--dask", str(WORKERS)),
    COLUMNS: (*RDATAFRAME, "--json", "--version", "columns"),
    BEST: (*RDATAFRAME, "--json", "--version", "best"),
    BEST_THREADS: (*RDATAFRAME, "--json", "--version", "best", "--threads", str(WORKERS)),
    BEST_DASK: (*RDATAFRAME, "--json", "--version", "best", "--dask", str(WORKERS)),
    FLAT: (*RDATAFRAME, "--json", "--version", "flat"),
    ACTION: (*RDATAFRAME, "--json", "--version", "action"),
    ACTION_THREADS: (*RDATAFRAME, "--json", "--version", "action", "--threads", str(WORKERS)),
    EQUAL: (*RDATAFRAME, "--json", "--version", "equal"),
    EQUAL_THREADS: (*RDATAFRAME, "--json", "--version", "equal", "--threads", str(WORKERS)),
    EQUAL_FLAT: (*RDATAFRAME, "--json", "--version", "equal-flat"),
}
_ON_FLAT_FILES = (FLAT, EQUAL_FLAT)
# Every count of these has to be equal
_ALIKE = (HEPCOL, HEPCOL_COLD, HEPCOL_DASK, COFFEA, COFFEA_DASK, EQUAL, EQUAL_THREADS, EQUAL_FLAT)


class Case(NamedTuple):
    """What is measured: a subject with a selection and a number of variations."""

    subject: str
    electrons: str
    variations: int


Samples = dict[Case, list[dict[str, Any]]]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Target:
    """A ratio that the comparison has to show.

    Parameters
    ----------
    what : str
        In words.
    numerator, denominator : Case
        What is divided by what.
    quantities : tuple of str, str
        Their measured quantities.
    at_least, at_most : float, optional
        The bound.
    """

    what: str
    numerator: Case
    denominator: Case
    quantities: tuple[str, str] = ("total_s", "total_s")
    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, ratio: float) -> bool:
        """Whether a ratio is within the bound."""
        if self.at_least is not None:
            return ratio >= self.at_least
        return self.at_most is not None and ratio <= self.at_most

    @property
    def has_bound(self) -> bool:
        """Whether a bound was set, or the ratio is only told."""
        return self.at_least is not None or self.at_most is not None

    @property
    def bound(self) -> str:
        """The bound in words."""
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"


def _headline(subject: str, variations: int = VARIATIONS) -> Case:
    return Case(subject, GENERATOR, variations)


_OURS = _headline(HEPCOL)
_LOOP_AND_KERNEL = ("loop_ns", "kernel_ns")

TARGETS = (
    Target(f"{AS_ORIGINAL} / hepcol, one process", _headline(AS_ORIGINAL), _OURS, at_least=20),
    Target(f"{BEST} / hepcol, one process", _headline(BEST), _OURS, at_least=10),
    Target(f"{BEST_THREADS} / {HEPCOL_DASK}", _headline(BEST_THREADS), _headline(HEPCOL_DASK), at_least=5),
    Target(f"event loop of {FLAT} / hepcol's kernel", _headline(FLAT), _headline(PARTS), _LOOP_AND_KERNEL, at_least=40),
    Target(f"event loop of {EQUAL_FLAT} / hepcol's kernel", _headline(EQUAL_FLAT), _headline(PARTS), _LOOP_AND_KERNEL),
    Target(f"{COLUMNS} / hepcol, one process", _headline(COLUMNS), _OURS),
    Target(f"{ACTION} / hepcol, one process", _headline(ACTION), _OURS),
    Target(f"{EQUAL} / hepcol, one process", _headline(EQUAL), _OURS),
    Target(f"{COFFEA} / hepcol, one process", _headline(COFFEA), _OURS),
    Target(f"hepcol / {UPROOT}", _OURS, _headline(UPROOT), at_most=2),
    Target(f"hepcol / {UPROOT_PLAIN}", _OURS, _headline(UPROOT_PLAIN)),
    Target("hepcol, 1000 variations / 100 variations", _headline(HEPCOL, 1000), _OURS, at_most=3),
)


# At 100 variations
_HEADLINE = (
    *(HEPCOL, HEPCOL_DASK, COFFEA, UPROOT, UPROOT_PLAIN, PARTS),
    *(AS_ORIGINAL, COLUMNS, BEST, BEST_THREADS, FLAT, ACTION, EQUAL, EQUAL_FLAT),
)
_MORE = (
    *(HEPCOL_COLD, COFFEA_DASK, BEST_DASK, ACTION_THREADS, EQUAL_THREADS),
    *(AS_ORIGINAL_THREADS, AS_ORIGINAL_DASK),
)
_RECONSTRUCTED = (
    *(HEPCOL, HEPCOL_DASK, COFFEA, UPROOT),
    *(AS_ORIGINAL, BEST, BEST_THREADS, ACTION, EQUAL),
)
_ORIGINAL = (HEPCOL, HEPCOL_DASK, AS_ORIGINAL, BEST, EQUAL)


def plan(quick: bool) -> list[Case]:
    """List what is measured."""
    cases = [Case(subject, GENERATOR, VARIATIONS) for subject in _HEADLINE]
    if quick:
        cases.append(Case(HEPCOL, GENERATOR, max(SCAN)))
    else:
        cases += [Case(subject, GENERATOR, VARIATIONS) for subject in _MORE]
        cases += [Case(subject, RECONSTRUCTED, VARIATIONS) for subject in _RECONSTRUCTED]
        cases += [Case(subject, ORIGINAL, VARIATIONS) for subject in _ORIGINAL]
        for variations in SCAN:
            cases += [Case(subject, GENERATOR, variations) for subject in (HEPCOL, EQUAL)]
        # linear in the variations: 1000 would take from one minute to twelve
        cases += [Case(subject, GENERATOR, 10) for subject in (AS_ORIGINAL, COLUMNS, BEST)]
    return list(dict.fromkeys(cases))


@dataclass(frozen=True)
class Inputs:
    """The file of all events, and those of flat columns by selection."""

    events: Path
    flat: dict[str, Path]


def prepare(source: Path, events: int, cases: Sequence[Case]) -> tuple[int, Inputs]:
    """Repeat the events of a file until there are as many as wanted, once, in the cache folder.

    Returns
    -------
    events : int
        How many there are: a multiple of the file's.
    inputs : Inputs
        The files.
    """
    count, repeated = repeat_events(source, "events", events)
    flat = {}
    for electrons in dict.fromkeys(electrons for subject, electrons, _ in cases if subject in _ON_FLAT_FILES):
        flat[electrons] = repeated.parent / f"{repeated.stem}-{electrons}-{_state_of(RDATAFRAME_FOLDER)}.root"
        if not flat[electrons].exists():
            with replacing(flat[electrons], force=True) as part:
                run_once((*RDATAFRAME, str(repeated), "--electrons", electrons, "--prepare", str(part)))
    for electrons in dict.fromkeys(case.electrons for case in cases):  # kernels are compiled before anything is timed
        measure(f"{HEPCOL}, {electrons}", (*_COMMANDS[HEPCOL], str(source.resolve()), "--electrons", electrons))
    return count, Inputs(repeated, flat)


def run(inputs: Inputs, scratch: Path, repeats: int, cases: Sequence[Case], progress: Progress) -> Samples:
    """Measure all cases ``repeats`` times, interleaved, and hold their results against each other.

    Raises
    ------
    BenchmarkError
        If a subject fails, or two of them disagree on the events that are selected or on the mass.
    """
    samples: Samples = {case: [] for case in cases}
    done = 0
    for repeat in range(repeats):
        for file in (inputs.events, *inputs.flat.values()):
            touch(file)
        # another order each time, so that what goes before does not favour anybody
        for case in cases if repeat % 2 == 0 else reversed(cases):
            progress(done, repeats * len(cases), ", ".join(map(str, case)))
            samples[case].append(_measure(case, inputs, scratch, repeat))
            done += 1
        if repeat == 0:
            _check(samples)
    progress(done, done, "")
    return samples


def _measure(case: Case, inputs: Inputs, scratch: Path, repeat: int) -> dict[str, Any]:
    """Run a case once; the first time, keep the counts of those that have to be equal."""
    path = inputs.flat[case.electrons] if case.subject in _ON_FLAT_FILES else inputs.events
    options = ("--electrons", case.electrons, "--variations", str(case.variations))
    counts = scratch / "counts.npz"
    is_compared = repeat == 0 and case.subject in _ALIKE
    sample = measure(
        ", ".join(map(str, case)),
        (*_COMMANDS[case.subject], str(path), *options, *(("--counts", str(counts)) if is_compared else ())),
        scratch / f"cold-{repeat}" if case.subject == HEPCOL_COLD else None,
    )
    if "loop_s" in sample:
        sample["loop_ns"] = sample["loop_s"] / sample["events"] / case.variations * 1e9
    if is_compared:
        with np.load(counts) as loaded:
            sample["counts"] = {name: loaded[name] for name in loaded.files}
        counts.unlink()
    return sample


def _state_of(folder: Path) -> str:
    """Short hash of the sources in a folder."""
    sources = sorted(path for path in folder.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def _check(samples: Samples) -> None:
    """Compare the results: events of the selections, mass in the first variation, and every count of ``equal``."""
    for case, (first, *_) in samples.items():
        reference = samples.get(case._replace(subject=HEPCOL))
        if reference is None or "m_ee" not in first:
            continue
        ours = reference[0]
        cutflow, expected = list(first["cutflow"].values()), list(ours["cutflow"].values())
        if cutflow and cutflow != expected:
            raise BenchmarkError(f"{case.subject}, {case.electrons}: cutflow {cutflow}, hepcol's {expected}")
        mean, (our_mean, width) = first["m_ee"][0], ours["m_ee"]
        # six standard deviations of the difference of two means
        if not abs(mean - our_mean) <= 6.0 * width * np.sqrt(2.0 / max(1, expected[-1])):
            raise BenchmarkError(f"{case.subject}, {case.electrons}: mean mass {mean} GeV, hepcol's {our_mean} GeV")
        for name, counts in ours["counts"].items() if case.subject in _ALIKE else ():
            if not np.array_equal(counts, first["counts"].get(name, ())):
                raise BenchmarkError(f"{case.subject}, {case.electrons}: counts of {name} differ from hepcol's")


def ratios(samples: Samples) -> Iterator[tuple[Target, list[float]]]:
    """Ratio of each target in each repeat, for those that were measured."""
    for target in TARGETS:
        sides = zip((target.numerator, target.denominator), target.quantities, strict=True)
        over, under = ([sample[quantity] for sample in samples.get(case, [])] for case, quantity in sides)
        if over and under:
            yield target, [one / other for one, other in zip(over, under, strict=True)]
