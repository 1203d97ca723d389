"""How long a run takes on some workers, from what its parts cost; and the chunk size that is best.

With ``n`` chunks on ``N`` workers, a chunk takes

    t = (n (chunk + task_worker + merge) + events * event + opened * open) / n

of a worker. The workers come to their end after ``ceil(n / N)`` of them, the last ones alone, and not before the
largest of all chunks has ended; client and scheduler cannot give them chunks faster than one every ``task``, nor can
they all have more than the cores that they share:

    process = warm + max(ceil(n / N) t, longest t, n task, (n t + n task) / cores) + last merges
    wall    = start + max(ceil(files / N) look, files * task) + process + write

On shared cores, ``warm`` is that of ``N / cores`` workers one after the other.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hepcol.errors import InputError
from hepcol.planning.costs import LARGEST, TREE, Costs, Machine, Work

GOOD = 1.02  # as fast as the best: then the smaller chunk, of which a lost worker takes less with it
_PER_DECADE = 20
_SMALLEST = 100  # events
_DIGITS = 2  # of a chunk size, for people


@dataclass(frozen=True)
class Prediction:
    """What a run would take.

    Parameters
    ----------
    chunksize : int
        Events in a chunk, about.
    chunks : int
        How many there are.
    wall_s : float
        Time of the run [s].
    process_s : float
        Of which the work on the chunks [s].
    efficiency : float
        Part of the time of the workers, during the whole run, in which they work on chunks.
    worker_bytes, client_bytes : float
        Memory of a worker, and of client and scheduler.
    parts : dict of str to float
        Where the time goes [s], by what limits it.
    """

    chunksize: int
    chunks: int
    wall_s: float
    process_s: float
    efficiency: float
    worker_bytes: float
    client_bytes: float
    parts: dict[str, float]

    @property
    def limit(self) -> str:
        """What takes most of the time."""
        return max(self.parts, key=lambda name: self.parts[name])


def predict(costs: Costs, work: Work, machine: Machine, chunksize: int) -> Prediction:
    """Predict what a run takes with chunks of a size."""
    pieces = work.pieces(chunksize)
    chunks, workers = sum(pieces), machine.workers
    events_s = work.events * costs.event_s
    opening_s = work.opened(chunksize, workers) * costs.open_s
    chunks_s = chunks * (costs.chunk_s + costs.task_worker_s)
    merging_s = chunks * costs.merge_s
    busy_s = events_s + opening_s + chunks_s + merging_s
    tasks_s = chunks * costs.task_s
    shared_s = 0.0 if machine.cores is None else (busy_s + tasks_s) / min(machine.cores, workers + 1)
    largest = work.largest(chunksize)
    longest_s = costs.chunk_s + costs.task_worker_s + costs.merge_s + costs.open_s + largest * costs.event_s
    rounds_s = max(math.ceil(chunks / workers) * busy_s / chunks, longest_s) if chunks else 0.0
    working_s = max(rounds_s, tasks_s, shared_s)
    last_s = _last_merges(chunks) * costs.merge_s
    warm_s = costs.warm_s * max(1.0, workers / (machine.cores or workers)) if chunks else 0.0
    process_s = warm_s + working_s + last_s
    looking_s = max(math.ceil(len(work.files) / workers) * costs.look_s, len(work.files) * costs.task_s)
    serial_s = costs.start_s + costs.write_s
    parts = {
        "start": serial_s + warm_s,
        "events": events_s / workers,
        "chunks": chunks_s / workers,
        "files": looking_s + opening_s / workers,
        "merging": merging_s / workers + last_s,
        "last chunks": max(0.0, rounds_s - busy_s / workers),
        "scheduler": working_s - rounds_s if tasks_s >= shared_s else 0.0,
        "cores": working_s - rounds_s if tasks_s < shared_s else 0.0,
    }
    if working_s > rounds_s and tasks_s == working_s:  # the workers wait for it: it is all that counts
        parts |= dict.fromkeys(("events", "chunks", "last chunks"), 0.0)
        parts |= {"files": looking_s, "merging": last_s, "scheduler": tasks_s}
    wall_s = serial_s + looking_s + process_s
    # a worker merges some outputs that have been merged before, up to what the client takes, into one as large
    merged_events = min(work.events, 2 * LARGEST * largest)
    output = costs.output_bytes + largest * costs.output_event_bytes
    total_output = costs.output_bytes + work.events * costs.output_event_bytes
    return Prediction(
        chunksize=chunksize,
        chunks=chunks,
        wall_s=wall_s,
        process_s=process_s,
        efficiency=busy_s / (workers * wall_s) if wall_s else 0.0,
        worker_bytes=costs.worker_bytes
        + largest * costs.event_bytes
        + (min(TREE, chunks) + 1) * costs.output_bytes
        + merged_events * costs.output_event_bytes,
        # the sum, what is added to it, and the new sum
        client_bytes=costs.client_bytes + chunks * costs.record_bytes + 2 * total_output + output,
        parts=parts,
    )


def _last_merges(chunks: int) -> int:
    """Count outputs that are merged one after the other after the last chunk: a path of the tree, and the client."""
    if chunks <= 1:
        return 0
    levels = math.ceil(math.log(min(chunks, LARGEST), TREE))
    return levels * min(TREE, chunks) + 1


def recommend(costs: Costs, work: Work, machine: Machine, memory: float | None, most: int) -> Prediction:
    """Choose the chunk size that takes least time, of those that fit into the memory of a worker.

    Parameters
    ----------
    costs, work, machine
        What is to be done, and where.
    memory : float, optional
        Memory of a worker [bytes].
    most : int
        Events that a chunk may have.

    Raises
    ------
    InputError
        If no size fits.
    """
    every = [predict(costs, work, machine, size) for size in _sizes(work, most)]
    fitting = [one for one in every if memory is None or one.worker_bytes <= memory]
    if not fitting:
        least = min(every, key=lambda one: one.worker_bytes)
        raise InputError(
            f"memory of {(memory or 0) / 1e9:.3g} GB per worker is too little: chunks of {least.chunksize:,} events "
            f"need {math.ceil(least.worker_bytes / 1e7) / 100:g} GB"
        )
    best = min(one.wall_s for one in fitting)
    chosen = next(one for one in fitting if one.wall_s <= GOOD * best)
    # the same chunks, by a size that says so: files that are no larger are one chunk each
    return [one for one in fitting if one.chunks == chosen.chunks and one.wall_s <= GOOD * best][-1]


def _sizes(work: Work, most: int) -> Iterator[int]:
    """Sizes to choose from, the smallest first: round ones, up to the largest file or what a chunk may have."""
    last = max(1, min(most, work.longest))
    size = float(min(_SMALLEST, last))
    found = 0
    while size < last:
        rounded = int(round(size, _DIGITS - len(str(int(size)))))
        if found < rounded < last:
            found = rounded
            yield found
        size *= 10 ** (1 / _PER_DECADE)
    yield last
