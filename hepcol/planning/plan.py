"""The plan of a run: what it would take on some workers, and the chunk size for it."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hepcol import fileset as filesets
from hepcol.errors import InputError
from hepcol.execution import openfiles
from hepcol.execution.clusters.quantities import parse_memory
from hepcol.execution.cutting import chunk_size, largest_chunk
from hepcol.planning.costs import Costs, Machine, Work
from hepcol.planning.model import Prediction, predict, recommend
from hepcol.planning.noop import SchedulerCosts, one_worker
from hepcol.planning.sample import Sample, look
from hepcol.planning.trial import ChunkCosts, try_chunks, write_time
from hepcol.threads import available_cores

DATASETS = 4  # of which chunks are tried: those with most events; others are taken to be like these
# Of a chunk in client and scheduler: with names of usual length 0.86 kB (335 MB became 341 MB from 1000 chunks to
# 8000), and twice that with long ones
RECORD_BYTES = 1_500.0
_USUAL = 10_000  # events of a chunk, for what chunks of different datasets cost on average


@dataclass(frozen=True)
class Trial:
    """What was tried of a dataset.

    Parameters
    ----------
    dataset, path : str
        The dataset, and its file.
    work : Work
        What there is to do in all files of the dataset.
    costs : ChunkCosts
        What chunks took.
    """

    dataset: str
    path: str
    work: Work
    costs: ChunkCosts


@dataclass(frozen=True)
class Plan:
    """What a run would take.

    Parameters
    ----------
    files : int
        How many files.
    sampled : int
        How many of them were looked into.
    estimated : bool
        Whether there are others, or other trees of them, which are taken to be like these.
    unreadable : tuple of str
        Why those that could not be read could not; there is nothing to do in them.
    datasets : int
        How many datasets have events.
    work, machine, costs
        What is to be done, where, and what its parts cost.
    best : Prediction
        With the chunk size that is recommended.
    usual : Prediction
        With the one that a run chooses by itself.
    others : tuple of (int, Prediction)
        With the best chunk size, on other numbers of workers.
    memory : float, optional
        Memory that a worker may have [bytes].
    scatter : float
        How far the chunks of the trial were off the line through the quickest of each size.
    scheduler : SchedulerCosts
        What chunks without work took.
    trials : tuple of Trial
        What the chunks of the trial took.
    """

    files: int
    sampled: int
    estimated: bool
    unreadable: tuple[str, ...]
    datasets: int
    work: Work
    machine: Machine
    costs: Costs
    best: Prediction
    usual: Prediction
    others: tuple[tuple[int, Prediction], ...]
    memory: float | None
    scatter: float
    scheduler: SchedulerCosts
    trials: tuple[Trial, ...]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        described = asdict(self)
        described["events"] = self.work.events
        described["best"]["limit"], described["usual"]["limit"] = self.best.limit, self.usual.limit
        described["others"] = [{"workers": workers, **asdict(one)} for workers, one in self.others]
        del described["work"]
        for told, trial in zip(described["trials"], self.trials, strict=True):
            told["work"] = {"files": len(trial.work.files), "events": trial.work.events}
        return described


def plan(
    processor: Any,
    files: str | Path | Sequence[str | Path] | Mapping[str, Any],
    *,
    workers: int,
    memory: str | None = None,
    local: bool = False,
    tree: str | None = None,
    dataset: str | None = None,
) -> Plan:
    """Try a processor on a few chunks of files, and predict what a run over all of them takes.

    Parameters
    ----------
    processor, files, tree, dataset
        As for :func:`hepcol.run`.
    workers : int
        Workers of one thread each.
    memory : str, optional
        What a worker may have, such as ``"2GB"``.
    local : bool
        Whether the workers are processes of this machine, whose cores they share.

    Raises
    ------
    InputError
        If an option is wrong, no file can be read, a chunk of the trial fails, or none fits into the memory.
    """
    if workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}")
    limit = None if memory is None else float(parse_memory(memory))
    began = time.perf_counter()
    inputs = filesets.arranged(processor, filesets.resolve(files, tree, dataset))
    arranging_s = time.perf_counter() - began
    most = largest_chunk(processor)  # what it arranges may say how many
    try:
        sample = look(processor, inputs, f"hepcol-{uuid.uuid4().hex}")
        events = sample.events
        chosen = sorted(sample.largest, key=lambda name: events[name], reverse=True)[:DATASETS]
        tried = {name: sample.largest[name] for name in chosen}
        with one_worker() as cluster:
            scheduler = cluster.measure()
            found = try_chunks(cluster.client, cluster.topic, processor, inputs, tried, most)
        scheduler = replace(scheduler, stop_s=cluster.stop_s)
        writing_s = write_time(processor, inputs, chosen[0], tried[chosen[0]][0], tried[chosen[0]][1])
    finally:
        openfiles.forget_all()
    trials = tuple(Trial(name, tried[name][0].path, Work(tuple(sample.ranges[name])), found[name]) for name in chosen)
    costs = costs_of(trials, scheduler, arranging_s, writing_s)
    work = Work(tuple(ranges for every in sample.ranges.values() for ranges in every))
    machine = Machine(workers, available_cores() if local else None)
    return _planned(sample, trials, scheduler, costs, work, machine, limit, most)


def _planned(
    sample: Sample,
    trials: tuple[Trial, ...],
    scheduler: SchedulerCosts,
    costs: Costs,
    work: Work,
    machine: Machine,
    limit: float | None,
    most: int,
) -> Plan:
    """Predict what is to be told."""
    workers = machine.workers
    return Plan(
        files=sample.files,
        sampled=sample.looked,
        estimated=sample.estimated,
        unreadable=sample.unreadable,
        datasets=sum(events > 0 for events in sample.events.values()),
        work=work,
        machine=machine,
        costs=costs,
        best=recommend(costs, work, machine, limit, most),
        usual=predict(costs, work, machine, chunk_size(work.events, workers, most)),
        others=tuple(
            (number, recommend(costs, work, replace(machine, workers=number), limit, most))
            for number in sorted({1, max(1, workers // 4), max(1, workers // 2), workers, 2 * workers})
        ),
        memory=limit,
        scatter=max(one.costs.scatter for one in trials),
        scheduler=scheduler,
        trials=trials,
    )


def costs_of(trials: Sequence[Trial], scheduler: SchedulerCosts, arranging_s: float, writing_s: float) -> Costs:
    """Put together what was measured of chunks and of Dask.

    What an event takes counts by the events of datasets, what a file does by their files, and what a chunk does by
    their chunks of some size. Memory and outputs are those of the largest.
    """

    def mean(name: str, weight: Callable[[Work], float]) -> float:
        weights = [weight(one.work) for one in trials]
        values = (float(getattr(one.costs, name)) for one in trials)
        return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)

    def events(work: Work) -> float:
        return work.events

    def files(work: Work) -> float:
        return len(work.files)

    def chunks(work: Work) -> float:
        return sum(work.pieces(_USUAL))

    def most(name: str) -> float:
        return max(float(getattr(one.costs, name)) for one in trials)

    waiting_s, wall_s = (sum(getattr(one.costs, name) for one in trials) for name in ("waiting_s", "wall_s"))
    return Costs(
        start_s=arranging_s + scheduler.start_s,
        write_s=scheduler.stop_s + writing_s,
        look_s=mean("look_s", files),
        warm_s=most("warm_s"),  # each was measured on a worker of its own
        open_s=mean("open_s", files),
        chunk_s=mean("chunk_s", chunks),
        event_s=mean("event_s", events),
        task_s=scheduler.task_s,
        task_worker_s=scheduler.worker_s,
        merge_s=mean("merge_s", chunks),
        output_bytes=most("output_bytes"),
        output_event_bytes=most("output_event_bytes"),
        worker_bytes=max(scheduler.worker_bytes, most("worker_bytes")),
        event_bytes=most("event_bytes"),
        client_bytes=scheduler.client_bytes,
        record_bytes=RECORD_BYTES,
        waiting=waiting_s / wall_s,
    )
