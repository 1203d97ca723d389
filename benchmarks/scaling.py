"""How runs scale: with workers, events, variations, files and chunks; what a scheduler can do; and the model of it."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import figures, report, scaling_plots
from benchmarks.measurement import BenchmarkError, measure, touch
from benchmarks.replicas import repeat_events
from benchmarks.scaling_model import Check, check, fit, predict_run
from hepcol.planning.costs import Costs, Machine
from hepcol.threads import available_cores

MARKS = report.marks("scaling")
PACKAGES = "hepcol", "coffea", "awkward", "uproot", "numba", "dask", "distributed"
PARTS = ("model", "shape", "scheduler", "many")
MOST_OVERHEAD_MS, MOST_MEMORY_MB = 15.0, 1000.0

Samples = dict["Case", list[dict[str, Any]]]


class Case(NamedTuple):
    """A run, chunks without work, or simulated workers."""

    kind: str
    events: int = 0
    files: int = 1
    processor: str = ""
    workers: int = 0
    chunksize: int = 0
    apart: bool = False
    tasks: int = 0
    sleep_s: float = 0.0


class Size(NamedTuple):
    """How much is measured."""

    events: int
    variations: tuple[int, ...]
    files: tuple[int, ...]
    fitted: tuple[int, ...]
    unseen: tuple[int, ...]
    simulated: tuple[int, ...]
    tasks: int
    many: int

    @property
    def usual(self) -> Case:
        """The run that others differ from in one thing."""
        return Case("run", self.events, 1, zee(max(self.variations)), 2, self.unseen[1])


def zee(variations: int) -> str:
    """Name the processor with its options."""
    return f"zee variations={variations}"


FULL = Size(400_000, (1, 10, 100), (1, 4, 16), (500, 2_000, 8_000), (1_000, 3_000, 5_000), (100, 300), 3_000, 10_000)
QUICK = Size(40_000, (1, 100), (1, 4), (500, 4_000), (1_000, 2_000, 3_000), (50, 100), 500, 500)
_SLEEP_S = 0.02  # of a chunk on a simulated worker
_NOOPS = 1_000
_SMALL = 4  # events of each of many chunks


def plan(size: Size, parts: Sequence[str], thousand: bool = False) -> list[Case]:
    """List the cases, each once."""
    usual = size.usual
    cases = []
    if "model" in parts:
        cases += [Case("noop", tasks=_NOOPS)]
        cases += [usual._replace(workers=1, chunksize=chunk) for chunk in size.fitted]
        cases += [usual._replace(chunksize=chunk) for chunk in size.unseen]
        cases += [usual._replace(kind="plan", workers=0, chunksize=0)]
    if "shape" in parts:
        cases += [usual, usual._replace(workers=1), usual._replace(events=2 * size.events)]
        cases += [usual._replace(events=size.events // 4), usual._replace(events=size.events // 2)]
        cases += [usual._replace(processor=zee(variations)) for variations in size.variations]
        cases += [usual._replace(files=files) for files in size.files]
    if "scheduler" in parts:
        cases += [Case("noop", tasks=_NOOPS)]
        cases += [
            Case("simulated", workers=workers, tasks=size.tasks, sleep_s=_SLEEP_S)
            for workers in (*size.simulated, *((1000,) if thousand else ()))
        ]
    if "many" in parts:
        many = Case("run", size.many * _SMALL, 1, "length", 2, _SMALL)
        cases += [many, many._replace(apart=True)]
    return list(dict.fromkeys(cases))


def once(case: Case) -> bool:
    """Whether a case is long, and measured once."""
    return case.processor == "length"


@contextmanager
def inputs(cases: Sequence[Case], source: Path, tree: str, scratch: Path) -> Iterator[dict[Case, list[str]]]:
    """Make the files of the cases; copies of one file where there are several."""
    made: dict[Case, list[str]] = {}
    copied: list[Path] = []
    for case in cases:
        if case.kind not in ("run", "plan"):
            continue
        _, file = repeat_events(source, tree, case.events // case.files)
        touch(file)
        copies = [scratch / f"{file.stem}-{number}.root" for number in range(1, case.files)]
        for copy in copies:
            if not copy.exists():
                shutil.copy(file, copy)
                copied.append(copy)
        made[case] = [str(file), *map(str, copies)]
    try:
        yield made
    finally:
        for copy in copied:
            copy.unlink()


def run(
    cases: Sequence[Case],
    files: dict[Case, list[str]],
    repeats: int,
    show: Callable[[int, int, str], None] = lambda *_: None,
) -> Samples:
    """Measure all cases, interleaved; those that take minutes, once."""
    samples: Samples = {case: [] for case in cases}
    turns = [(repeat, case) for repeat in range(repeats) for case in cases if not (repeat and once(case))]
    for number, (_, case) in enumerate(turns):
        show(number, len(turns), _name(case))
        samples[case].append(measure(_name(case), _command(case, files)))
    for case, every in samples.items():
        if case.kind == "run" and any(sample["events"] != every[0]["events"] for sample in every):
            raise BenchmarkError(f"{_name(case)}: runs processed different numbers of events")
    return samples


def _name(case: Case) -> str:
    """Say in a few words what a case is."""
    if case.kind == "run":
        return f"{case.processor}, {case.events:,} events, chunks of {case.chunksize:,}, {case.workers} workers"
    return f"{case.kind}, {case.workers} workers" if case.workers else case.kind


def _command(case: Case, files: dict[Case, list[str]]) -> tuple[str, ...]:
    """Return the arguments of Python that measure a case."""
    told: dict[str, Any] = {"tasks": case.tasks}
    if case.kind == "plan":
        told = {"files": files[case], "processor": case.processor}
    elif case.kind == "run":
        told = {"files": files[case], "processor": case.processor}
        told |= {"workers": case.workers, "chunksize": case.chunksize, "apart": case.apart}
    elif case.kind == "simulated":
        told |= {"workers": case.workers, "sleep_s": case.sleep_s}
    return ("-m", "benchmarks.scaling_subjects", case.kind, json.dumps(told))


def model(size: Size, samples: Samples) -> tuple[Costs, list[Check]] | None:
    """Fit the model and hold it against two workers, if that was measured."""
    usual = size.usual
    noop = Case("noop", tasks=_NOOPS)
    ones = {chunk: samples.get(usual._replace(workers=1, chunksize=chunk), []) for chunk in size.fitted}
    twos = {chunk: samples.get(usual._replace(chunksize=chunk), []) for chunk in size.unseen}
    plans = [Costs(**one["costs"]) for one in samples.get(usual._replace(kind="plan", workers=0, chunksize=0), [])]
    if noop not in samples or not all(ones.values()) or not all(twos.values()) or not plans:
        return None
    costs = fit(ones, samples[noop])
    return costs, check(costs, plans, twos, Machine(2, available_cores()))


def describe(size: Size, samples: Samples, repeats: int) -> dict[str, Any]:
    """Collect everything that was measured, and on what."""
    made = model(size, samples)
    return {
        **report.surroundings(PACKAGES),
        "repeats": repeats,
        "cases": [
            {
                **case._asdict(),
                "samples": [{key: value for key, value in one.items() if key != "records"} for one in every],
            }
            for case, every in samples.items()
        ],
        "costs": asdict(made[0]) if made else None,
        "checks": [
            {**one._asdict(), "ratio": one.ratio, "met": one.met, "planned_ratio": one.planned_ratio}
            for one in (made[1] if made else ())
        ],
    }


def markdown(size: Size, samples: Samples, description: dict[str, Any]) -> str:
    """Write the tables for people."""
    machine, versions = description["machine"], description["versions"]
    lines = [
        f"Zee on {size.events:,} events unless said otherwise; medians of {description['repeats']} interleaved runs",
        f"(smallest to largest) on {machine['cpu']}, {machine['cores']} cores, {description['date']};",
        f"distributed {versions['distributed']}, coffea {versions['coffea']}.",
        *_model_table(size, samples),
        *_shape_table(size, samples),
        *_scheduler_table(samples),
        *_many_table(samples),
    ]
    return "\n".join(lines) + "\n"


def _model_table(size: Size, samples: Samples) -> Iterator[str]:
    made = model(size, samples)
    if made is None:
        return
    costs, checks = made
    fitted = ", ".join(f"{chunk:,}" for chunk in size.fitted)
    yield from (
        "",
        f"The model, fitted to one worker with chunks of {fitted} events and to chunks without work, against two; and",
        "what `hepcol plan` says of the same runs, from its trial on a single worker:",
        "",
        "| chunk size | chunks | predicted [s] | measured [s] | ratio | within 20 % | `hepcol plan` [s] | ratio |",
        "|--:|--:|--:|--:|--:|---|--:|--:|",
    )
    for one in checks:
        yield (
            f"| {one.chunksize:,} | {one.chunks} | {figures.number(one.predicted_s)} | "
            f"{figures.spread_of(one.measured_s)} | {one.ratio:.2f} | {_met(one.met)} | "
            f"{figures.spread_of(one.planned_s)} | {one.planned_ratio:.2f} |"
        )
    yield from (
        "",
        (
            f"Fitted: {1e3 * costs.chunk_s:.3g} ms a chunk, {1e6 * costs.event_s:.3g} us an event, "
            f"{1e3 * costs.task_worker_s:.3g} ms of Dask a chunk on the worker and {1e3 * costs.task_s:.3g} ms on "
            f"client and scheduler, {costs.warm_s:.2g} s once a worker, {costs.start_s:.2g} s to start, "
            f"{costs.write_s:.2g} s to write."
        ),
    )


def _shape_table(size: Size, samples: Samples) -> Iterator[str]:
    usual = size.usual
    double = usual._replace(events=2 * size.events)
    rows = [
        ("1 worker", usual._replace(workers=1)),
        ("2 workers", usual),
        ("2 workers, twice the events", double),
        *(
            (f"2 workers, {size.events // part:,} events", usual._replace(events=size.events // part))
            for part in (2, 4)
        ),
        *((f"2 workers, {number} variations", usual._replace(processor=zee(number))) for number in size.variations),
        *((f"2 workers, {number} files", usual._replace(files=number)) for number in size.files),
    ]
    shown = [(name, case) for name, case in rows if case in samples and (case != usual or name == "2 workers")]
    if usual._replace(workers=1) not in samples or double not in samples:
        return
    yield from (
        "",
        f"Chunks of {usual.chunksize:,} events, {max(size.variations)} variations:",
        "",
        "| | time [s] | of which chunks [s] | CPU [s] |",
        "|---|--:|--:|--:|",
    )
    for name, case in shown:
        every = samples[case]
        cells = [figures.spread(every, key) for key in ("total_s", "process_s", "cpu_s")]
        yield f"| {name} | {' | '.join(cells)} |"
    ones, twos, doubles = samples[usual._replace(workers=1)], samples[usual], samples[double]
    strong = [one["process_s"] / two["process_s"] for one, two in zip(ones, twos, strict=True)]
    weak = [one["process_s"] / two["process_s"] for one, two in zip(ones, doubles, strict=True)]
    yield from (
        "",
        (
            f"Strong scaling, the chunks on two workers against one: {figures.spread_of(strong)} times as fast. Weak "
            f"scaling, twice the events on two workers: {figures.spread_of(weak)} of the speed on one."
        ),
    )


def _scheduler_table(samples: Samples) -> Iterator[str]:
    noop = samples.get(Case("noop", tasks=_NOOPS), [])
    simulated = [(case, every) for case, every in samples.items() if case.kind == "simulated"]
    if not simulated or not noop:
        return
    yield from (
        "",
        "What a chunk without work costs Dask [ms]; simulated workers are all in one process with the scheduler, so",
        "that their processor time is in it:",
        "",
        "| workers | processor time | from one to the next | workers allow | start [s] | memory [MB] |",
        "|---|--:|--:|--:|--:|--:|",
    )
    client, worker = (figures.spread_of([1e3 * one[key] for one in noop]) for key in ("task_s", "worker_s"))
    wall = figures.spread_of([1e3 * one["wall_s"] for one in noop])
    yield f"| 1, client and scheduler | {client} | {wall} | | | |"
    yield f"| 1, the worker | {worker} | | | | |"
    for case, every in simulated:
        cells = [figures.spread(every, key) for key in ("task_cpu_ms", "task_ms", "ideal_ms", "start_s", "memory_mb")]
        yield f"| {case.workers} simulated | {' | '.join(cells)} |"


def _many_table(samples: Samples) -> Iterator[str]:
    many = [(case, every[0]) for case, every in samples.items() if case.processor == "length"]
    if not many:
        return
    yield from (
        "",
        f"Many chunks of {_SMALL} events on two workers. Overhead of a chunk is the workers' time outside of reading",
        "and processing, from the first chunk to the last (and of the whole run, with its start); processor time that",
        "of all processes outside of chunks, start and all:",
        "",
        "| scheduler | chunks | time [s] | a chunk [ms] | overhead [ms] | processor [ms] | client, scheduler [MB] |",
        "|---|--:|--:|--:|--:|--:|--:|",
    )
    for case, one in many:
        memory = one["client_mb"] + (one["scheduler_mb"] or 0)
        told = f"{one['client_mb']:.0f}, {one['scheduler_mb']:.0f}" if case.apart else f"{memory:.0f} together"
        overhead, cpu_ms = one["overhead_ms"], 1e3 * (one["cpu_s"] - one["chunks_cpu_s"]) / one["chunks"]
        cells = [
            "apart" if case.apart else "in the client",
            f"{one['chunks']:,}",
            f"{one['total_s']:.0f}",
            f"{one['chunk_ms']:.3g}",
            f"{overhead:.3g} ({one['all_overhead_ms']:.3g}): {_met(overhead <= MOST_OVERHEAD_MS)}",
            f"{cpu_ms:.3g}",
            f"{told}: {_met(memory < MOST_MEMORY_MB)}",
        ]
        yield f"| {' | '.join(cells)} |"


def _met(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def write(folder: Path, size: Size, samples: Samples, description: dict[str, Any]) -> str:
    """Write ``scaling.md``, ``.json`` and, of the model, ``.png`` into a folder; return the Markdown."""
    made = model(size, samples)
    if made is not None:
        costs, _ = made
        scaling_plots.draw(
            folder / "scaling.png",
            scaling_plots.Points(
                {
                    workers: {
                        case.chunksize: [one["total_s"] for one in every]
                        for case, every in samples.items()
                        if case == size.usual._replace(workers=workers, chunksize=case.chunksize)
                    }
                    for workers in (1, 2)
                },
                lambda workers, chunk: (
                    predict_run(
                        costs, samples[size.usual][0]["events"], Machine(workers, available_cores()), chunk
                    ).wall_s
                ),
                set(size.fitted),
                costs,
            ),
        )
    return figures.write(folder, "scaling", markdown(size, samples, description), description)
