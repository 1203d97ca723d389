"""The comparison of the calibration of electrons: its passes by model, correctionlib, scaling, and the start."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import figures, report
from benchmarks.measurement import measure

MODELS = "es2018_R21_v1", "es2022_R22_PRE", "es2023_R22_Run2_v1", "es2024_Run3_v0"
QUICK_MODELS, NEWEST = MODELS[2:], MODELS[-1]
SYNTHETIC = "synthetic"
WITHOUT_FAST = "es2022_R22_PRE"
MARKS = report.marks("egamma")

CPP = "timing of the C++ tool on the synthetic area, g++ 12 -O2, AMD EPYC VM"
PACKAGES = "hepcol", "numba", "numpy", "uproot", "correctionlib", "dask", "distributed"


class Pass(NamedTuple):
    """A pass over electrons: its subject and name, and the most that it may take [us per electron].

    ``cpp`` is what the C++ tool takes for the same [us per electron], by model, measured elsewhere: see :data:`CPP`.
    ``aimed`` are the models that the aim is for.
    """

    subject: str
    name: str
    aim: float | None = None
    cpp: tuple[float | None, ...] = ()
    aimed: tuple[str, ...] = MODELS


PASSES = (
    Pass("data", "data, nominal", 0.15, (0.128, 0.122, 0.150, 0.146)),
    Pass("unsmeared", "full simulation, nominal, not smeared"),
    Pass("counter", "full simulation, nominal, `counter`", 0.15),
    Pass("atlas", "full simulation, nominal, `atlas`", 0.5, (1.644, 1.630, 1.645, 1.624)),
    Pass("fast", "fast simulation, nominal, `counter`", None, (1.624, None, 1.687, 1.548)),
    Pass("1NP", "all of 1NP_v1, `counter`", 3.0),
    Pass("1NP-atlas", "all of 1NP_v1, `atlas`", 3.0, (134.5, 129.8, 144.1, 134.7)),
    Pass("FULL", "all of FULL_v1, `counter`", 8.0, aimed=(NEWEST,)),
    Pass("FULL-atlas", "all of FULL_v1, `atlas`", 8.0, (340.8, 345.0, 347.4, 380.8), aimed=(NEWEST,)),
    Pass("FULL-histograms", "all of FULL_v1, `counter`, into histograms"),
)


class Quantity(NamedTuple):
    """Something else that is measured, of the newest model."""

    subject: str
    key: str
    name: str
    unit: str = ""
    aim: float | None = None


_US, _AS_FAST = "us per electron", "times as fast as 1"
QUANTITIES = (
    Quantity("correctionlib", "us", "data, nominal, beside correctionlib", _US),
    Quantity("correctionlib", "scale_us", "the scale from Z -> ee by itself, `alpha`", _US),
    Quantity("correctionlib", "correctionlib_us", "correctionlib: the same scale, by eta and pt", _US),
    Quantity("lookups", "data_percent", "look-ups of bins in the nominal pass of data", "% of it"),
    Quantity("lookups", "nominal_percent", "look-ups of bins in the nominal pass of simulation, `counter`", "% of it"),
    Quantity("lookups", "all_percent", "look-ups of bins in all of FULL_v1, `counter`", "% of it"),
    Quantity("lookups", "all_lookups", "look-ups of bins in all of FULL_v1", "per electron"),
    Quantity("threads", "blocks_speed_up", "all of FULL_v1, block by block, 2 threads", _AS_FAST),
    Quantity("threads", "histograms_speed_up", "all of FULL_v1 into histograms, 2 threads", _AS_FAST),
    Quantity("dask", "histograms_speed_up", "all of FULL_v1 into histograms, 2 Dask workers", _AS_FAST),
    Quantity("start", "start_s", "a new process until 1000 electrons are calibrated", "s", 2.0),
    Quantity("start", "more_s", "and all of FULL_v1 of them", "s"),
    Quantity("cold", "total_s", "both, when nothing is compiled yet", "s", 20.0),
)


class Case(NamedTuple):
    """A subject of a model."""

    subject: str
    model: str


Samples = dict[Case, list[dict[str, Any]]]


def plan(quick: bool) -> list[Case]:
    """List what is measured: the start last, when kernels are compiled."""
    models = QUICK_MODELS if quick else MODELS
    cases = [Case(one.subject, model) for one in PASSES for model in models]
    cases = [case for case in cases if case != Case("fast", WITHOUT_FAST)]
    return [*cases, *(Case(subject, NEWEST) for subject in dict.fromkeys(one.subject for one in QUANTITIES))]


def run(
    electrons: int, area: str, repeats: int, cases: list[Case], scratch: Path, progress: Callable[[int, int, str], None]
) -> Samples:
    """Measure all cases ``repeats`` times, interleaved.

    Raises
    ------
    BenchmarkError
        If a subject fails, such as by a wrong answer.
    InputError
        If the area lacks something.
    """
    from calib.egamma import EgammaCalibration

    folder = area if area == SYNTHETIC else str(Path(area).resolve())  # subjects run elsewhere
    for model in {case.model for case in cases}:
        EgammaCalibration(model, area=area)  # an area that lacks something, before anything is measured
    samples: Samples = {case: [] for case in cases}
    done = 0
    for repeat in range(repeats):
        for case in cases:
            progress(done, repeats * len(cases), ", ".join(case))
            is_cold = case.subject == "cold"
            subject = "start" if is_cold else case.subject
            command = ("-m", "benchmarks.egamma_subjects", subject, case.model, folder, str(electrons))
            cache = scratch / f"cold-{repeat}" if is_cold else None
            samples[case].append(measure(", ".join(case), command, cache))
            done += 1
    progress(done, done, "")
    return samples


def describe(samples: Samples, electrons: int, area: str, repeats: int) -> dict[str, Any]:
    """Collect everything that was measured, and on what."""
    return {
        **report.surroundings(PACKAGES),
        "electrons": electrons,
        "area": area,
        "repeats": repeats,
        "cases": [{**case._asdict(), "samples": every} for case, every in samples.items()],
        "aims": [{"what": name, "at_most": aim, "median": worst} for name, aim, worst in aims(samples)],
        "cpp": {"source": CPP, "us": {one.name: dict(zip(MODELS, one.cpp, strict=True)) for one in PASSES if one.cpp}},
    }


def aims(samples: Samples) -> Iterator[tuple[str, float, float]]:
    """What is asked: name, the most that it may be, and its median, of the worst model."""
    for one in PASSES:
        medians = [
            figures.median(samples[case], "us")
            for case in samples
            if case.subject == one.subject and case.model in one.aimed
        ]
        if one.aim is not None and medians:
            yield one.name, one.aim, max(medians)
    for quantity in QUANTITIES:
        every = samples.get(Case(quantity.subject, NEWEST))
        if quantity.aim is not None and every:
            yield quantity.name, quantity.aim, figures.median(every, quantity.key)


def markdown(samples: Samples, description: dict[str, Any]) -> str:
    """Write the tables for people."""
    versions, machine = description["versions"], description["machine"]
    area = f"{SYNTHETIC} (not physics)" if description["area"] == SYNTHETIC else description["area"]
    verdicts = {
        name: f"at most {aim:g}: {'met' if worst <= aim else '**missed**'}" for name, aim, worst in aims(samples)
    }
    lines = [
        (
            f"{description['electrons']:,} electrons, area {area}, one thread; medians "
            f"of {description['repeats']} interleaved runs (smallest to largest) on {machine['cpu']}, "
            f"{machine['cores']} cores, {description['date']}; numba {versions['numba']}, numpy {versions['numpy']}, "
            f"correctionlib {versions['correctionlib']}."
        ),
        "",
        *_pass_table(samples, verdicts),
        "",
        f"*C++*: {CPP}; **on another machine, not interleaved**.",
        "",
        *_quantity_table(samples, verdicts),
    ]
    return "\n".join(lines) + "\n"


def _pass_table(samples: Samples, verdicts: dict[str, str]) -> list[str]:
    models = [model for model in MODELS if any(case.model == model for case in samples)]
    every = {model: samples.get(Case("FULL", model), []) for model in models}
    counts = [f"{model}, FULL_v1: {sample[0]['variations']}" if sample else model for model, sample in every.items()]
    rows = [f"| us per electron | {' | '.join(counts)} | aim |", f"|---|{'--:|' * len(models)}---|"]
    for one in PASSES:
        cells = (figures.spread(samples.get(Case(one.subject, model), []), "us") for model in models)
        rows.append(f"| {one.name} | {' | '.join(cells)} | {verdicts.get(one.name, '')} |")
        if one.cpp:
            times = dict(zip(MODELS, one.cpp, strict=True))
            cells = (f"*{times[model]:g}*" if times[model] else "" for model in models)
            rows.append(f"| *C++ tool, elsewhere* | {' | '.join(cells)} | |")
    return rows


def _quantity_table(samples: Samples, verdicts: dict[str, str]) -> list[str]:
    rows = [f"| {NEWEST} | | | aim |", "|---|--:|---|---|"]
    for one in QUANTITIES:
        found = figures.spread(samples.get(Case(one.subject, NEWEST), []), one.key)
        rows.append(f"| {one.name} | {found} | {one.unit} | {verdicts.get(one.name, '')} |")
    memory = figures.spread(samples.get(Case("FULL", NEWEST), []), "peak_mb")
    return [*rows, f"| peak memory of FULL_v1 in chunks, with the electrons | {memory} | MB | |"]


def write(folder: Path, samples: Samples, description: dict[str, Any]) -> str:
    """Write ``egamma.json`` and ``egamma.md`` into a folder; return the Markdown."""
    return figures.write(folder, "egamma", markdown(samples, description), description)
