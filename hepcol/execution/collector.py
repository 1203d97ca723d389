"""What comes back from the chunks: merged, accounted for, and from time to time written down and shown."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from coffea.processor.executor import WorkItem

from hepcol.execution.chunk import LEDGER, OUT, class_name, one_line
from hepcol.execution.merging import merged
from hepcol.execution.updates import Updates
from hepcol.ledger import ChunkKey, ChunkRecord, Status

INTERRUPTED = "interrupted"


class Sink(Protocol):
    """Where an executor puts what comes back, and what tells it to stop."""

    workers: int
    """How many work; an executor that sees them come and go sets it."""

    heard: int
    """How many chunks were heard to end; one that is repeated counts again."""

    @property
    def stopped(self) -> str:
        """Why to stop; empty to go on."""

    def take(self, output: Any) -> None:
        """Take the output of an item, or the merged outputs of several."""

    def fail(self, item: Any, error: BaseException, attempts: int = 1) -> None:
        """Take note that an item gave nothing, such as when it ended its worker."""

    def stop(self, reason: str) -> None:
        """Stop for a reason; the first one stays."""

    def keep_up(self, fetch_all: Callable[[], None] = ..., fetch_some: Callable[[], None] = ...) -> None:
        """Write down and show what was taken, when it is time to.

        ``fetch_all`` lets the sink take before what is elsewhere, and ``fetch_some`` what is enough to be shown.
        """

    def result(self) -> Any:
        """Return what was taken."""


def key_of(item: WorkItem) -> ChunkKey:
    """Return what tells chunks apart."""
    return (item.dataset, item.filename, item.entrystart, item.entrystop)


def _all_here() -> None:
    """Fetch nothing."""


def _all_well(_: Any) -> None:
    """Find nothing wrong with an output."""


def _failed(record: ChunkRecord, error: BaseException, message: str) -> ChunkRecord:
    """Record that what a chunk gave is of no use."""
    if record.status is not Status.DONE:
        return record
    return replace(record, status=Status.FAILED, error=class_name(error), message=message)


class Collector:
    """Merges outputs and records of chunks in the client.

    Parameters
    ----------
    items : sequence of WorkItem
        The chunks.
    hear : function of ChunkRecord
        Is told of every chunk as it ends.
    out : Any
        What earlier runs gave, to be added to; None if there is nothing.
    max_failures : int, optional
        With more failed chunks than this the run stops.
    snapshot : function of (out, records), optional
        Writes what there is, every ``every_s`` seconds.
    check : function of an output
        Raises if something of it is not there.
    updates : Updates, optional
        Show what there is.
    workers : int
        How many work.
    """

    def __init__(
        self,
        items: Sequence[WorkItem],
        hear: Callable[[ChunkRecord], None],
        *,
        out: Any = None,
        max_failures: int | None = None,
        snapshot: Callable[[Any, list[ChunkRecord]], None] | None = None,
        every_s: float = 30.0,
        check: Callable[[Any], None] = _all_well,
        updates: Updates | None = None,
        workers: int = 1,
    ) -> None:
        self.items = items
        self.out = out
        self.extra: list[ChunkRecord] = []  # of chunks without events
        self.stopped = ""
        self.workers = workers
        self._hear = hear
        self._records: dict[ChunkKey, ChunkRecord] = {}
        self._heard: dict[ChunkKey, ChunkRecord] = {}
        self._failures = 0
        self._max_failures = max_failures
        self._snapshot = snapshot
        self._every_s = every_s
        self._check = check
        self._updates = updates or Updates()
        self._last = time.monotonic()
        self._unsaved = False
        self.heard = 0
        self._lock = threading.Lock()

    def hear(self, record: ChunkRecord) -> None:
        """Hear of a chunk as it ends, before its output comes; from any thread."""
        with self._lock:
            self.heard += 1
            before = self._heard.get(record.key)  # Dask repeats what a dying worker took with it
            self._heard[record.key] = record
            self._failures += (record.status is Status.FAILED) - (before is not None and before.status is Status.FAILED)
            failures = self._failures
        if before is None:
            self._hear(record)
        if self._max_failures is not None and failures > self._max_failures:
            self.stop(f"{failures} chunks failed, {self._max_failures} may")

    def take(self, output: Any) -> None:
        """Merge an output; one that does not merge is a failed chunk."""
        for record in self._merge(output):
            self.hear(record)
        self._unsaved = True

    def take_nothing(self, output: Any) -> None:
        """Merge the output of a chunk without events, whose failure is none of the run's."""
        for record in self._merge(output):
            self._hear(record)
            self.extra.append(record)

    def _merge(self, output: Any) -> list[ChunkRecord]:
        """Add an output to the others; return its records, as failed ones where it is not whole or does not merge."""
        records: list[ChunkRecord] = output[LEDGER]
        reason = ""
        try:
            if OUT in output:
                self._check(output[OUT])
                reason = "the output does not merge with that of other chunks: "
                self.out = output[OUT] if self.out is None else merged([self.out, output[OUT]])
        except Exception as error:  # noqa: BLE001  (whatever the processor's types raise)
            records = [_failed(record, error, f"{reason}{one_line(error)}") for record in records]
        self._records |= {record.key: record for record in records}
        return records

    def fail(self, item: Any, error: BaseException, attempts: int = 1) -> None:
        """Record a chunk that gave nothing."""
        record = ChunkRecord(
            *(item.dataset, item.filename, item.treename, item.entrystart, item.entrystop),
            status=Status.FAILED,
            error=class_name(error),
            message=one_line(error),
            attempts=attempts,
        )
        self._records[record.key] = record
        self.hear(record)

    def stop(self, reason: str) -> None:
        """Stop for a reason; the first one stays."""
        self.stopped = self.stopped or reason

    def keep_up(self, fetch_all: Callable[[], None] = _all_here, fetch_some: Callable[[], None] = _all_here) -> None:
        """Save and show what there is, when it is time to."""
        saving = self._snapshot is not None and time.monotonic() - self._last >= self._every_s
        showing = self._updates.due(len(self._heard))
        if not (saving or showing):
            return
        start = time.process_time()
        (fetch_all if saving else fetch_some)()
        # waiting for workers costs nothing, for they go on; what this process does to unpack, they did to pack
        spent_s = 2 * (time.process_time() - start)
        if saving:
            self.save()
        if showing and not self.stopped:
            self.show(spent_s=0.0 if saving else spent_s)

    def show(self, *, spent_s: float = 0.0, finished: bool = False) -> None:
        """Show what there is, which has taken some time already to be here."""
        with self._lock:  # records come from Dask's thread
            failed = {key: record for key, record in self._heard.items() if record.status is Status.FAILED}
        records = list((failed | self._records).values())
        try:
            self._updates.tell(self.out, records, self.workers, spent_s=spent_s, finished=finished)
        except KeyboardInterrupt:
            if self.stopped and not finished:  # the second one
                raise
            self.stop(INTERRUPTED)

    def save(self) -> None:
        """Write what there is."""
        if self._snapshot is not None and self._unsaved and self.out is not None:
            self._snapshot(self.out, self.done)
        self._last = time.monotonic()
        self._unsaved = False

    @property
    def done(self) -> list[ChunkRecord]:
        """Records of the chunks whose output is in ``out``."""
        return [record for record in self._records.values() if record.status is Status.DONE]

    def result(self) -> dict[str, Any]:
        """Return the output and a record of every chunk, in their order; without an output, none was done."""
        reason = self.stopped or "its output did not come back"
        records = []
        for item in self.items:
            heard = self._heard.get(key_of(item))
            # of a failure there is no output to wait for
            record = self._records.get(key_of(item), heard if heard and heard.status is Status.FAILED else None)
            if record is None:
                record = ChunkRecord(
                    *(item.dataset, item.filename, item.treename, item.entrystart, item.entrystop),
                    status=Status.SKIPPED,
                    message=reason,
                    attempts=0,
                )
            records.append(record)
        records += self.extra
        return {LEDGER: records} if self.out is None else {OUT: self.out, LEDGER: records}
