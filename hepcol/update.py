"""What is told of a run while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Update:
    """What a run has done so far; of one that is continued, with what was done before.

    Parameters
    ----------
    result : Any
        What ``process`` returned for the chunks that are done, merged; before ``postprocess``, and None before the
        first. It is a copy: what is done to it does not change the result of the run.
    events_done, events_failed, events_total : int
        Events in ``result``, of chunks that failed, and in the files that can be read.
    chunks_done, chunks_failed, chunks_total : int
        Chunks, likewise.
    elapsed_s : float
        Since the first chunk was handed out [s].
    events_per_s : float
        Events that were done in that time, by it.
    workers : int
        Number of workers.
    mark : str
        What pictures should say of the run, such as that it is no physics.
    finished : bool
        Whether this is the last update: nothing more is done, be the run complete or not.
    """

    result: Any
    events_done: int
    events_failed: int
    events_total: int
    chunks_done: int
    chunks_failed: int
    chunks_total: int
    elapsed_s: float
    events_per_s: float
    workers: int
    mark: str
    finished: bool


Listener = Callable[[Update], object]
