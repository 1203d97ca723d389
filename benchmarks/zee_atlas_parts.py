"""How the time of zee_atlas divides: its functions, and those that it calls, are watched from outside."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

LOAD, READ, SELECT, CALIBRATE, FILL, WEIGHTS = PARTS = (
    "load compiled kernels",
    "read",
    "select",
    "calibrate",
    "fill",
    "weights",
)
OTHER = "other"


class Clock:
    """Seconds by part: what is called within another part is of its own, but for what loads kernels."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._running: list[str] = []
        self._since = 0.0

    @property
    def total(self) -> float:
        """Seconds of all parts."""
        return sum(self.seconds.values())

    @contextmanager
    def running(self, part: str) -> Iterator[None]:
        """Count what is done here as a part."""
        if LOAD in self._running:
            yield
            return
        self._switch()
        self._running.append(part)
        try:
            yield
        finally:
            self._switch()
            self._running.pop()

    def _switch(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def replace(self, owner: Any, name: str, part: str) -> None:
        """Watch a function of a module, or a method of a class."""
        function = getattr(owner, name)

        @wraps(function)
        def watched(*arguments: Any, **options: Any) -> Any:
            with self.running(part):
                return function(*arguments, **options)

        setattr(owner, name, watched)

    def replace_generator(self, owner: Any, name: str, part: str) -> None:
        """Watch a function that yields: its work is what is done until it yields."""
        function: Callable[..., Iterator[Any]] = getattr(owner, name)

        @wraps(function)
        def watched(*arguments: Any, **options: Any) -> Iterator[Any]:
            generator = function(*arguments, **options)
            while True:
                with self.running(part):
                    item = next(generator, self)
                if item is self:
                    return
                yield item

        setattr(owner, name, watched)

    def watch(self) -> None:
        """Watch a run of zee_atlas in this process and thread."""
        from coffea.nanoevents.mapping import UprootSourceMapping

        from calib.egamma import EgammaCalibration
        from hepcol.execution import chunk
        from processors.zee_atlas import cutflow, electrons, fill, processor

        self.replace(processor.ZeeAtlasProcessor, "warm_up", LOAD)
        self.replace(UprootSourceMapping, "extract_column", READ)
        self.replace(chunk, "read_events", READ)
        for name in ("check_form", "find_electrons"):
            self.replace(electrons, name, SELECT)
        self.replace_generator(EgammaCalibration, "blocks", CALIBRATE)
        self.replace(EgammaCalibration, "calibrate", CALIBRATE)
        self.replace(processor, "limbs_of", FILL)
        for name in ("fill_kinematic", "to_histograms"):
            self.replace(fill, name, FILL)
        for name in ("steps_of", "fill"):
            self.replace(cutflow, name, FILL)
        self.replace(processor, "event_weights", WEIGHTS)
        self.replace(processor.ZeeAtlasProcessor, "_weigh", WEIGHTS)
        self.replace(fill, "fill_weights", WEIGHTS)
