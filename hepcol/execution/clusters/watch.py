"""Waits for workers, tells why none comes, and has jobs that are gone replaced."""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from hepcol.errors import InputError
from hepcol.execution.clusters.cluster import Connected
from hepcol.execution.clusters.connection import TELLS_AFTER_S

_LOOK_S = 1.0
_ASK_S = 5.0  # between two questions to the batch system, which others ask, too
_AGAIN_S = 10.0  # before jobs are submitted again; twice as long each further time that one of them failed
_LONGEST_S = 600.0
_TOLD_AGAIN_S = 300.0
log = logging.getLogger("hepcol.clusters")


class Watch:
    """Looks at a cluster while it is worked on.

    Parameters
    ----------
    connected : Connected
        The cluster.
    """

    def __init__(self, connected: Connected) -> None:
        self._connected = connected
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._asked = self._submitted = float("-inf")
        self._failures = self._rounds = 0
        self._without_since: float | None = time.monotonic()
        self._seen = False  # whether there has been a worker
        self._told = ("", float("-inf"))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def first_worker(self, timeout_s: float) -> None:
        """Wait for the first worker.

        Raises
        ------
        InputError
            If none comes in time, or none can come any more; it says what is known.
        """
        jobs, deadline = self._connected.jobs, time.monotonic() + timeout_s
        while self._workers() == 0:
            if jobs is not None and jobs.all_failed:
                raise InputError(f"{self._connected.place}: no worker can come: {jobs.describe()}")
            if time.monotonic() > deadline:
                raise InputError(f"{self._connected.place}: no worker came within {timeout_s:g} s: {self._known()}")
            self._ended.wait(0.1)

    def _workers(self) -> int:
        """Count the workers; of a scheduler that does not answer now, there are none."""
        try:
            return len(self._connected.client.scheduler_info(n_workers=-1)["workers"])
        except Exception:  # noqa: BLE001  (whatever the connection raises: it may come back)
            return 0

    def _known(self) -> str:
        """Say what is known of workers that do not come."""
        jobs = self._connected.jobs
        return jobs.describe() if jobs is not None else self._connected.hint or "it does not tell why"

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_S):
            try:
                self._look()
            except Exception:  # a watch that ends would leave the cluster without its care
                log.exception("the cluster could not be looked at")

    def _look(self) -> None:
        """Look once."""
        now, workers = time.monotonic(), self._workers()
        if workers:
            self._seen, self._without_since = True, None
        elif self._without_since is None:
            self._without_since = now
        self._care_for_jobs(now, workers)
        if self._without_since is not None and now - self._without_since >= TELLS_AFTER_S:
            self._tell(now, now - self._without_since)

    def _care_for_jobs(self, now: float, workers: int) -> None:
        """Ask the batch system, and replace jobs that are gone."""
        jobs, wanted = self._connected.jobs, self._connected.workers
        if jobs is None or (wanted is not None and workers >= wanted) or now - self._asked < _ASK_S:
            return
        self._asked = now
        jobs.look()
        # of the first jobs none is tried again: if none gives a worker, the run ends
        if self._seen and now - self._submitted >= min(_AGAIN_S * 2**self._rounds, _LONGEST_S):
            failures = jobs.failures
            self._rounds = self._rounds + 1 if failures > self._failures else 0
            self._failures, self._submitted = failures, now
            jobs.replace()

    def _tell(self, now: float, since: float) -> None:
        """Tell why there is no worker, once, and again if that changes or takes long."""
        known = self._known()
        before, told = self._told
        if known != before or now - told > _TOLD_AGAIN_S:
            self._told = known, now
            log.warning("%s: no worker for %.0f s: %s", self._connected.place, since, known)
