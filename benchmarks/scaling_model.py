"""The model of hepcol.planning, fitted to runs on one worker and to chunks without work, and held against two."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hepcol.planning.costs import Costs, Machine, Work, line
from hepcol.planning.model import Prediction, predict

Sample = dict[str, Any]
WITHIN = 0.2


class Check(NamedTuple):
    """A prediction beside what was measured.

    Parameters
    ----------
    planned_s : list of float
        What ``hepcol plan`` says, each time that it was asked [s].
    """

    chunksize: int
    chunks: int
    predicted_s: float
    measured_s: list[float]
    planned_s: list[float]

    @property
    def ratio(self) -> float:
        """Predicted over measured."""
        return self.predicted_s / statistics.median(self.measured_s)

    @property
    def planned_ratio(self) -> float:
        """What ``hepcol plan`` says over measured."""
        return statistics.median(self.planned_s) / statistics.median(self.measured_s)

    @property
    def met(self) -> bool:
        """Whether it is within what is asked."""
        return abs(self.ratio - 1) <= WITHIN


def fit(runs: Mapping[int, Sequence[Sample]], noops: Sequence[Sample]) -> Costs:
    """Find what parts of a run cost, from runs of one file on one worker.

    Parameters
    ----------
    runs : dict of int to list
        Runs by their chunk size.
    noops : list
        Chunks without work on one worker.
    """
    every = [sample for samples in runs.values() for sample in samples]
    chunk_s, event_s = line([(size, statistics.median(map(_steady, samples))) for size, samples in runs.items()])
    first_s = [_first(sample, chunk_s, event_s) for sample in every]
    beside = [(sample["chunks"], _beside(sample)) for sample in every]
    once_s, task_worker_s = line(beside)
    return Costs(
        start_s=_median(every, "start_s"),
        write_s=_median(every, "write_s"),
        look_s=_median(every, "open_s"),
        warm_s=statistics.median(first_s) + once_s,
        open_s=0.0,  # of the one file, in the time of the first chunk
        chunk_s=chunk_s,
        event_s=event_s,
        task_s=_median(noops, "task_s"),
        task_worker_s=task_worker_s,  # with the merging
    )


def _in_order(sample: Sample) -> list[list[Any]]:
    """Sort the chunks of a run by when they began."""
    return sorted(sample["records"], key=lambda record: record[3])


def _steady(sample: Sample) -> float:
    """Mean time of a chunk after the first."""
    return statistics.fmean(record[1] for record in _in_order(sample)[1:])


def _first(sample: Sample, chunk_s: float, event_s: float) -> float:
    """How much longer the first chunk took than others do, with what was compiled."""
    events, wall_s, *_ = _in_order(sample)[0]
    compile_s = sum(record[2] for record in sample["records"])
    return max(0.0, wall_s - chunk_s - events * event_s) + float(compile_s)


def _beside(sample: Sample) -> float:
    """Time of the work on the chunks in which the one worker was not in one of them."""
    return max(1e-6, sample["process_s"] - sum(record[1] + record[2] for record in sample["records"]))


def _median(samples: Sequence[Sample], key: str) -> float:
    return float(statistics.median(sample[key] for sample in samples))


def check(
    costs: Costs, planned: Sequence[Costs], runs: Mapping[int, Sequence[Sample]], machine: Machine
) -> list[Check]:
    """Predict runs of one file by the fit and by plans, and hold the predictions against what they took."""
    checks = []
    for size, samples in runs.items():
        events = samples[0]["events"]
        predicted = predict_run(costs, events, machine, size)
        plans = [predict_run(one, events, machine, size).wall_s for one in planned]
        measured = [sample["total_s"] for sample in samples]
        checks.append(Check(size, predicted.chunks, predicted.wall_s, measured, plans))
    return checks


def predict_run(costs: Costs, events: int, machine: Machine, size: int) -> Prediction:
    """Predict a run of one file."""
    return predict(costs, Work.whole((events,)), machine, size)
