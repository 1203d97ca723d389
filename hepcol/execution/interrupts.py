"""Ctrl-C and SIGTERM while chunks are processed: the first ends the run with what there is, the second at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Turns signals into a request to stop.

    A signal that arrives while results are merged must not tear that apart: it is only noted. While one waits for a
    chunk in this process, within :meth:`breaking`, it raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self._stop: Callable[[], None] = lambda: None
        self._breaking = False
        self._seen = False

    @contextmanager
    def followed(self, stop: Callable[[], None]) -> Iterator[None]:
        """Call ``stop`` at the first signal meanwhile."""
        if threading.current_thread() is not threading.main_thread():  # only the main thread gets signals
            yield
            return
        self._stop, self._seen = stop, False
        previous = {number: signal.signal(number, self._handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def breaking(self) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt meanwhile."""
        self._breaking = True
        try:
            yield
        finally:
            self._breaking = False

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        again, self._seen = self._seen, True
        self._stop()
        if again or self._breaking:
            raise KeyboardInterrupt


interrupts = Interrupts()
