"""The progress of a run on the terminal."""

import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from hepcol.ledger import ChunkRecord, Status
from hepcol.report.numbers import human


class _Rate(ProgressColumn):
    """Events per second so far."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time if task.finished else task.elapsed
        if not elapsed or not task.completed:
            return Text("- ev/s")
        return Text(f"{human(task.completed / elapsed)} ev/s")


class ProgressBar:
    """Counts events and chunks, and draws them if there is a terminal to draw on.

    Parameters
    ----------
    visible : bool
        Whether to draw.
    """

    def __init__(self, visible: bool) -> None:
        self._lock = threading.Lock()  # records arrive from Dask's and from executors' threads
        self.events = dict.fromkeys(Status, 0)
        self._chunks = 0
        self._total_chunks = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[detail]}"),
            _Rate(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not visible,
        )
        self._task = self._bar.add_task("start", total=None, detail="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        if not self._bar.disable:
            self._bar.console.print(text, highlight=False, soft_wrap=True)

    def stage(self, description: str) -> None:
        """Name what is being done."""
        self._bar.update(self._task, description=description, refresh=True)

    def start_chunks(self, chunks: int, events: int) -> None:
        """Begin to count."""
        self._total_chunks = chunks
        self._bar.reset(self._task, total=events, description="process", detail=self._detail(events))

    def count(self, record: ChunkRecord) -> None:
        """Count a chunk."""
        with self._lock:
            self.events[record.status] += record.events
            self._chunks += 1
            total = self._bar.tasks[0].total or 0
            self._bar.update(self._task, completed=sum(self.events.values()), detail=self._detail(total))

    def _detail(self, total: float) -> str:
        """Say how far it is: events, chunks and what failed."""
        done, failed = human(sum(self.events.values())), human(self.events[Status.FAILED])
        return f"{done}/{human(total)} ev, {self._chunks}/{self._total_chunks} chunks, {failed} ev failed"
