"""The jobs of a cluster in a batch system: what becomes of them, and others in their place."""

import asyncio
import itertools
import logging
import re
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, SubprocessError
from typing import Any

from hepcol.execution.clusters.queues import JobState, Queue, kill_with_children

_LONGEST = 300  # of what a command or a log says, in characters
_LONGEST_S = 120.0  # for an answer of a command
_LAST_S = 15.0  # for one once the run ends
_POLL_S = 0.2
_REASON = re.compile(r"stderr:\n(.*?)\n*\Z", re.DOTALL)
log = logging.getLogger("hepcol.clusters")


class Jobs:
    """Jobs of a cluster that Dask makes in a batch system.

    Parameters
    ----------
    queue : Queue
        The batch system.
    log_directory : Path
        Where jobs write their logs.
    """

    def __init__(self, queue: Queue, log_directory: Path) -> None:
        self._queue = queue
        self._log_directory = log_directory
        self._cluster: Any = None
        self._wanted: int | None = None
        self._submitted: list[str] = []
        self._refusals: list[str] = []
        self._asked: dict[str, str] = {}
        self._states: dict[str, JobState] = {}
        self._without_worker: list[str] = []  # jobs that ended so
        self._began: dict[tuple[str, int], float] = {}  # when commands that have not answered were started
        self._ended = float("inf")

    def of(self, cluster: Any, wanted: int | None) -> None:
        """Follow the jobs of a cluster, of which there are to be always as many, or as many as Dask wants."""
        self._cluster, self._wanted = cluster, wanted

    def job_class(self, kind: type) -> type:
        """Return a class of jobs that are followed.

        Dask only logs that a job was refused, and then cannot close the cluster.
        """
        from distributed.core import Status

        jobs = self

        class Followed(kind):
            """A job that is followed."""

            async def start(self) -> None:
                """Submit it; one that is refused is there without a number, until it is submitted again."""
                try:
                    await super().start()
                except (RuntimeError, OSError, ValueError) as error:
                    jobs._refusals.append(_said(error))
                    self.status = Status.running
                else:
                    jobs._submitted.append(self.job_id)

            async def close(self) -> None:
                """Cancel it."""
                try:
                    await super().close()
                except OSError as error:
                    log.debug("a job was not cancelled, which is tried again at the end: %s", error)
                self.status = Status.closed

            @staticmethod
            async def _call(command: list[str], **_: Any) -> str:
                return await jobs.call(command)

        return Followed

    def cluster_class(self, kind: type) -> type:
        """Return a class of clusters whose jobs have a name each.

        Dask closes what has the name of a worker that was lost 15 s before, which would be the job in its place.
        """
        numbers = itertools.count()

        class Named(kind):
            """A cluster that gives no name twice."""

            def _new_worker_name(self, _number: int) -> str:
                return f"{self._name}-{next(numbers)}"

        Named.__name__ = kind.__name__
        return Named

    async def call(self, command: list[str]) -> str:
        """Return what a command of the batch system prints.

        Ctrl-C must not end it: what it has submitted would stay in the queue, and nobody would know its number.

        Raises
        ------
        RuntimeError
            If it fails, or does not answer.
        """
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, start_new_session=True)
        answer = asyncio.ensure_future(process.communicate())
        self._began[command[0], process.pid] = time.monotonic()
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=_POLL_S)
                now, began = time.monotonic(), self._began[command[0], process.pid]
                if now > min(began + _LONGEST_S, max(began, self._ended) + _LAST_S) and not answer.done():
                    raise RuntimeError(f"stderr:\nno answer within {now - began:.0f} s")
        finally:
            del self._began[command[0], process.pid]
            if process.returncode is None:
                kill_with_children(process.pid)
        told, errors = (text.decode(errors="replace") for text in answer.result())
        if process.returncode:
            raise RuntimeError(f"stderr:\n{errors or told}")
        return told

    def end(self) -> None:
        """Have no more patience with commands: the run ends."""
        self._ended = time.monotonic()

    def look(self) -> None:
        """Ask the batch system, and note which jobs have ended before their worker came."""
        self._asked = submitted = dict(self._numbers())  # before it is asked: it has to know of all of them
        states = self._queue.jobs()
        if states is None:
            return
        self._states = {number: states[number] for number in submitted.values() if number in states}
        with_worker = self._with_worker()
        for name, number in submitted.items():
            if number not in states and name not in with_worker and number not in self._without_worker:
                self._without_worker.append(number)

    @property
    def all_failed(self) -> bool:
        """Whether there is none that a worker may come of."""
        there = self._cluster.workers
        gone = [name for name, job in list(there.items()) if job.job_id is None or job.job_id in self._without_worker]
        return bool(there) and len(gone) == len(there)

    @property
    def failures(self) -> int:
        """How many jobs were refused, or ended before their worker came."""
        return len(self._refusals) + len(self._without_worker)

    def replace(self) -> None:
        """Submit others for jobs that are gone, and for those that were refused."""
        cluster = self._cluster
        wanted = self._wanted if self._wanted is not None else len(cluster.worker_spec)
        with_worker = self._with_worker()
        for name, job in list(cluster.workers.items()):
            # of one that was submitted since the batch system was asked, nothing is known
            known = job.job_id is None or name in self._asked
            if known and name not in with_worker and job.job_id not in self._states:
                cluster.workers.pop(name, None)
                cluster.worker_spec.pop(name, None)
        cluster.scale(jobs=wanted)

    def describe(self) -> str:
        """Say in one line what is known of jobs without workers."""
        parts, now = [], time.monotonic()
        counts = Counter((state.state, state.reason) for state in self._states.values())
        for (state, reason), number in sorted(counts.items()):
            parts.append(f"{_jobs(number)} {state}{f' ({reason})' if reason else ''}")
        if self._refusals:
            parts.append(f"{_jobs(len(self._refusals))} refused by {self._queue.submit}: {self._refusals[-1]}")
        if self._without_worker:
            last = self._last_line(self._without_worker[-1])
            parts.append(f"{_jobs(len(self._without_worker))} ended without a worker{f': {last}' if last else ''}")
        waits = [now - began for (command, _), began in self._began.items() if command == self._queue.submit]
        if waits:
            parts.append(f"{self._queue.submit} has not answered for {max(waits):.0f} s")
        if not parts:
            parts = [f"{_jobs(len(self._submitted))} submitted, of which {self._queue.ask[0]} tells nothing"]
        return f"{'; '.join(parts)}; logs in {self._log_directory}"

    def cancel_left(self) -> None:
        """Cancel what is left of the jobs, whatever has ended the cluster."""
        left = self._queue.jobs()
        ours = [number for number in self._submitted if left is None or number in left]
        if not ours:
            return
        try:
            self._queue.cancel_jobs(ours)
        except (OSError, SubprocessError):
            left = self._queue.jobs()  # those that have ended by themselves meanwhile are no failure
            ours = [number for number in ours if left is None or number in left]
            if ours:
                log.warning("these jobs may be left, cancel them: %s %s", self._queue.cancel, " ".join(ours))

    def _numbers(self) -> list[tuple[str, str]]:
        """Names of workers, and the numbers of their jobs."""
        return [(name, job.job_id) for name, job in list(self._cluster.workers.items()) if job.job_id is not None]

    def _with_worker(self) -> set[str]:
        """Names of jobs that have a worker; of several in one job they end in a number."""
        connected = {str(worker["name"]) for worker in list(self._cluster.scheduler_info["workers"].values())}
        return connected | {name.rpartition("-")[0] for name in connected}

    def _last_line(self, number: str) -> str:
        """Last line that a job has written to its log of errors."""
        short = number.partition(".")[0]
        for pattern in (f"*-{number}.err", f"*-{short}.err", f"*.e{short}", f"*{short}.ER", f"*-{number}.out"):
            for file in self._log_directory.glob(pattern):
                with suppress(OSError):
                    lines = [line.strip() for line in file.read_text(errors="replace").splitlines() if line.strip()]
                    if lines:
                        return lines[-1][:_LONGEST]
        return ""


def _jobs(number: int) -> str:
    return f"{number} job{'s' if number != 1 else ''}"


def _said(error: BaseException) -> str:
    """Return what a command said of its failure."""
    found = _REASON.search(str(error))
    text = " ".join((found[1] if found else str(error)).split())
    return (text or type(error).__name__)[:_LONGEST]
