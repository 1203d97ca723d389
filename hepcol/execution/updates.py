"""Updates of a run that goes on: how often they come, and what becomes of their errors."""

import copy
import time
from collections.abc import Iterable, Sequence
from typing import Any

from hepcol.execution.chunk import class_name, one_line
from hepcol.ledger import ChunkRecord, Status
from hepcol.update import Listener, Update

SHORTEST_S = 0.3  # from one update to the next
SHARE = 0.02  # of the time of a run, for updates
_BRIEFEST_S = 1e-6


class Updates:
    """Tells a listener how far a run is, as often as that is cheap.

    Parameters
    ----------
    listener : function of Update, optional
        Who is told.
    before : sequence of ChunkRecord
        What earlier runs have done, which is in the output from the start.
    events : int
        Events in the files.
    chunks : int
        Chunks of the whole run, with those of earlier ones.
    mark : str
        What pictures should say.
    """

    def __init__(
        self,
        listener: Listener | None = None,
        before: Sequence[ChunkRecord] = (),
        events: int = 0,
        chunks: int = 0,
        mark: str = "",
    ) -> None:
        self.warnings: list[str] = []
        self._listener = listener
        self._before = before
        self._events, self._chunks, self._mark = events, chunks, mark
        self._start = time.perf_counter()
        self._next = self._start
        self._spent = 0.0
        self._costs: list[float] = []
        self._told = -1

    def due(self, ended: int) -> bool:
        """Whether to tell that so many chunks have ended: there is news, and time to pay for it.

        Once all have ended, the last update is about to come.
        """
        news = self._told < ended < self._chunks - len(self._before)
        return self._listener is not None and news and time.perf_counter() >= self._next

    def tell(
        self, out: Any, records: Sequence[ChunkRecord], workers: int, *, spent_s: float = 0.0, finished: bool = False
    ) -> None:
        """Tell what there is, unless that is what was told before.

        Parameters
        ----------
        out : Any
            The merged output.
        records : sequence of ChunkRecord
            Of the chunks that are in it, and of those that failed.
        workers : int
            Number of workers.
        spent_s : float
            What was spent already to get there [s].
        finished : bool
            Whether this is the last update, which always comes.
        """
        if self._listener is None:
            return
        start = time.perf_counter()
        news = finished or len(records) > self._told
        if news:
            self._told = len(records)
            try:
                self._listener(self._update(copy.deepcopy(out), records, workers, finished))
            except Exception as error:  # noqa: BLE001  (whatever it is, the run goes on)
                self._listener = None
                self.warnings.append(f"on_update failed, no updates since: {class_name(error)}: {one_line(error)}")
        now = time.perf_counter()
        cost = now - start + spent_s
        self._spent += cost
        if news:
            self._costs = [*self._costs[-1:], cost]
        # once the next one and the last one, which always comes, are paid for, too; the first picture takes longer
        self._next = max(now + SHORTEST_S, self._start + (self._spent + 2 * min(self._costs, default=0.0)) / SHARE)

    def _update(self, out: Any, records: Sequence[ChunkRecord], workers: int, finished: bool) -> Update:
        """Count events and chunks."""
        done = _of(records, Status.DONE)
        failed, before = _of(records, Status.FAILED), _of(self._before, Status.DONE)
        elapsed = time.perf_counter() - self._start
        return Update(
            result=out,
            events_done=_events(before) + _events(done),
            events_failed=_events(failed),
            events_total=self._events,
            chunks_done=len(before) + len(done),
            chunks_failed=len(failed),
            chunks_total=self._chunks,
            elapsed_s=elapsed,
            events_per_s=_events(done) / max(elapsed, _BRIEFEST_S),
            workers=workers,
            mark=self._mark,
            finished=finished,
        )


def _of(records: Iterable[ChunkRecord], status: Status) -> list[ChunkRecord]:
    return [record for record in records if record.status is status]


def _events(records: Iterable[ChunkRecord]) -> int:
    return sum(record.events for record in records)
