"""Progress on the terminal, of fits and their like."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class CountBar:
    """Counts what is done, such as fits, if there is a terminal to draw on.

    Parameters
    ----------
    what : str
        What is being done.
    visible : bool
        Whether to draw.
    """

    def __init__(self, what: str, visible: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not visible,
        )
        self._task = self._bar.add_task(what, total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def count(self, done: int, total: int) -> None:
        """Show how many are done."""
        self._bar.update(self._task, completed=done, total=total)

    def stage(self, description: str) -> None:
        """Name what is being done."""
        self._bar.update(self._task, description=description, refresh=True)
