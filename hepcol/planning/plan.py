"""The plan of a run: what it would take on some workers, and the chunk size for it."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hepcol import fileset as filesets
from hepcol.errors import InputError
from hepcol.events import required_columns
from hepcol.execution.account import nothing_readable
from hepcol.execution.chunk import Probe, probe
from hepcol.execution.cutting import chunk_size, largest_chunk
from hepcol.fileset import Dataset, Fileset
from hepcol.ledger import FileRecord
from hepcol.planning.costs import Costs, Machine, Work
from hepcol.planning.model import Prediction, predict, recommend
from hepcol.planning.noop import SchedulerCosts, measure_scheduler
from hepcol.planning.trial import ChunkCosts, measure_chunks

SAMPLE = 8  # files that are looked into; of the others as many events are taken to be in each
RECORD_BYTES = 1_500.0  # of a chunk in client and scheduler: 335 MB became 341 MB from 1000 chunks to 8000
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT])i?B", re.ASCII)
_FACTORS = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


@dataclass(frozen=True)
class Plan:
    """What a run would take.

    Parameters
    ----------
    files : int
        How many files.
    sampled : int
        How many of them were looked into.
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
    trial : ChunkCosts
        What the chunks of the trial took.
    """

    files: int
    sampled: int
    work: Work
    machine: Machine
    costs: Costs
    best: Prediction
    usual: Prediction
    others: tuple[tuple[int, Prediction], ...]
    memory: float | None
    scatter: float
    scheduler: SchedulerCosts
    trial: ChunkCosts

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        described = asdict(self)
        described["events"] = self.work.events
        described["best"]["limit"], described["usual"]["limit"] = self.best.limit, self.usual.limit
        described["others"] = [{"workers": workers, **asdict(one)} for workers, one in self.others]
        del described["work"]
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
    limit = None if memory is None else parse_memory(memory)
    most = largest_chunk(processor)
    inputs = filesets.arranged(processor, filesets.resolve(files, tree, dataset))
    found, sampled = _look(processor, inputs)
    readable = [file for file in found if file.entries]
    if not readable:
        raise InputError(nothing_readable(found))
    count = sum(len(one.files) for one in inputs.values())
    entries = [file.entries or 0 for file in found if file.entries is not None]
    mean = round(sum(entries) / len(entries))
    work = Work(tuple(entries) + (mean,) * (count - sampled))
    scheduler = measure_scheduler()
    trial = measure_chunks(processor, inputs, readable, most)
    costs = costs_of(trial, scheduler)
    machine = Machine(workers, os.cpu_count() if local else None)
    best = recommend(costs, work, machine, limit, most)
    return Plan(
        *(count, sampled, work, machine, costs, best),
        predict(costs, work, machine, chunk_size(work.events, workers, most)),
        tuple(
            (number, recommend(costs, work, replace(machine, workers=number), limit, most))
            for number in sorted({1, max(1, workers // 4), max(1, workers // 2), workers, 2 * workers})
        ),
        *(limit, trial.scatter, scheduler, trial),
    )


def costs_of(trial: ChunkCosts, scheduler: SchedulerCosts) -> Costs:
    """Put together what was measured of chunks and of Dask."""
    return Costs(
        start_s=scheduler.start_s,
        write_s=trial.write_s,
        look_s=trial.look_s,
        warm_s=trial.warm_s,
        open_s=trial.open_s,
        chunk_s=trial.chunk_s,
        event_s=trial.event_s,
        task_s=scheduler.task_s,
        task_worker_s=scheduler.worker_s,
        merge_s=trial.merge_s,
        output_bytes=trial.output_bytes,
        output_event_bytes=trial.output_event_bytes,
        worker_bytes=scheduler.worker_bytes + trial.worker_bytes,
        event_bytes=trial.event_bytes,
        client_bytes=scheduler.client_bytes,
        record_bytes=RECORD_BYTES,
        waiting=trial.waiting,
    )


def parse_memory(text: str) -> float:
    """Read an amount of memory, such as ``2GB``.

    Raises
    ------
    InputError
        If it is none.
    """
    found = _MEMORY.fullmatch(text.strip())
    amount = float(found[1]) * _FACTORS[found[2]] if found else 0.0
    if amount <= 0:
        raise InputError(f"memory '{text}': expected an amount such as 2GB or 500MB")
    return amount


def _look(processor: Any, inputs: Fileset) -> tuple[list[FileRecord], int]:
    """Look into some of the files; return what is in them, and how many those were."""
    every = [(name, dataset, file) for name, dataset in inputs.items() for file in dataset.files]
    step = max(1, len(every) / SAMPLE)
    chosen = [every[int(number * step)] for number in range(min(SAMPLE, len(every)))]
    found = [record for name, dataset, file in chosen for record in probe(_probe(processor, name, dataset, file))]
    return found, len(chosen)


def _probe(processor: Any, name: str, dataset: Dataset, file: Any) -> Probe:
    return Probe("hepcol-plan", name, file, required_columns(processor, dataset.metadata))
