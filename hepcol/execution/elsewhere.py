"""Other workers for a chunk that one has refused, as it is unlike the client."""

import time
from typing import Any

from hepcol.execution.environment import NEEDED
from hepcol.execution.workers import ask_workers

_STAYS_S = 1.0  # an answer, when many chunks are refused at once


class Elsewhere:
    """Tells which workers are like the client; those that are not are warned of, once.

    Parameters
    ----------
    client : distributed.Client
        A client of the cluster.
    warnings : list of str
        Where warnings go.
    """

    def __init__(self, client: Any, warnings: list[str]) -> None:
        self._client = client
        self._warnings = warnings
        self._asked: float | None = None
        self._fit: frozenset[str] = frozenset()
        self._unlike: dict[str, str] = {}

    def workers(self, avoided: frozenset[str]) -> frozenset[str]:
        """Return the workers that are like the client, but for some."""
        now = time.monotonic()
        if self._asked is None or now - self._asked > _STAYS_S:
            self._ask()
            self._asked = time.monotonic()
        return self._fit - avoided

    @property
    def found(self) -> bool:
        """Whether there was any worker that is unlike the client."""
        return bool(self._unlike)

    def warn(self, worker: str, reason: str) -> None:
        """Warn of a worker, the first time."""
        if worker and worker not in self._unlike:
            self._unlike[worker] = reason
            self._warnings.append(f"chunks that worker {worker} was given went to others: {reason}")

    def _ask(self) -> None:
        try:
            found = ask_workers(self._client)
        except Exception:  # noqa: BLE001  (whatever a worker says to that: then its chunks fail with their own reason)
            self._fit = frozenset()
            return
        others = found.unlike(NEEDED)
        for group in others:
            for worker in group.workers:
                self.warn(worker, f"it has {found.difference(group, NEEDED)}")
        self._fit = frozenset(worker for group in found.groups if group not in others for worker in group.workers)
