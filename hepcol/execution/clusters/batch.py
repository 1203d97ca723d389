"""Workers that are jobs of a batch system, by dask-jobqueue."""

import os
import shutil
import signal
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar

import psutil
from pydantic import BeforeValidator, Field, field_validator, model_validator

from hepcol.errors import InputError
from hepcol.execution.clusters.cluster import (
    Connected,
    SizedCluster,
    is_open_to_the_network,
    open_without_tls,
    resize,
)
from hepcol.execution.clusters.connection import closing
from hepcol.execution.clusters.encryption import Tls
from hepcol.execution.clusters.jobs import Jobs
from hepcol.execution.clusters.quantities import Duration, Memory, _seconds, clock
from hepcol.execution.clusters.queues import Queue
from hepcol.execution.interrupts import SIGNALS

HOUR = 3600.0
_QUEUES_FOR_S = 24 * HOUR  # that a job may wait for its turn is no fault; what is known is told meanwhile
_LONGEST_MARGIN_S, _MARGIN = 300.0, 0.1  # before the walltime, by when a worker has ended
_SHORTEST_S = 60.0
_PORTS = 65535


def _or_off(given: Any) -> Any:
    """Read a duration that may be off, which YAML reads as no."""
    return 0.0 if given in (False, "off") else None if given is None else _seconds(given)


OrOff = Annotated[float | None, BeforeValidator(_or_off)]


class Batch(SizedCluster):
    """Workers that are jobs of a batch system.

    Parameters
    ----------
    cores : int
        Cores of a job.
    processes : int, optional
        Workers of a job; by default one for each core.
    memory : size
        Memory of a job.
    walltime : duration
        How long a job may run.
    lifetime : duration or off, optional
        When a worker takes no more work and ends; by default early enough before the walltime that none is cut off.
    stagger : duration, optional
        By how much that varies, so that they do not all end at once.
    queue, project : str, optional
        Queue or partition, and account.
    interface : str, optional
        Network interface of scheduler and workers.
    scheduler_host : str, optional
        Address that the scheduler listens at, if not that of the interface.
    scheduler_port, dashboard_port : int
        Their ports; 0 for any that is free.
    worker_ports : str, optional
        Ports of workers, where only some are open, such as ``10000:10100``.
    log_directory : str
        Where jobs write their logs.
    local_directory : str, optional
        Where workers put what does not fit in memory.
    python : str, optional
        The interpreter of workers; by default this one.
    job_name : str
        Name of jobs.
    job_script_prologue : tuple of str
        Lines of shell before the worker is started.
    job_extra_directives : tuple of str
        Further lines for the batch system.
    worker_extra_args : tuple of str
        Further arguments of ``dask worker``.
    death_timeout : duration
        When a worker without a scheduler ends.
    tls : Tls, optional
        Certificates; jobs read them from the same place.
    """

    needs: ClassVar = ("dask_jobqueue", "batch")
    recorded: ClassVar[tuple[str, ...]] = (
        *("kind", "workers", "cores", "processes", "memory", "walltime", "lifetime", "stagger"),
        *("queue", "project", "interface", "python"),
    )

    no_worker_timeout: Duration = _QUEUES_FOR_S
    cores: int = Field(default=1, ge=1)
    processes: int | None = Field(default=None, ge=1)
    memory: Memory = Field(default=2 * 1000**3, ge=1000**2)
    walltime: Duration = HOUR
    lifetime: OrOff = None
    stagger: OrOff = None
    queue: str | None = None
    project: str | None = None
    interface: str | None = None
    scheduler_host: str | None = None
    scheduler_port: int = Field(default=0, ge=0, le=_PORTS)
    dashboard_port: int = Field(default=0, ge=0, le=_PORTS)
    worker_ports: str | None = None
    log_directory: str = "hepcol-logs"
    local_directory: str | None = None
    python: str | None = None
    job_name: str = "hepcol"
    job_script_prologue: tuple[str, ...] = ()
    job_extra_directives: tuple[str, ...] = ()
    worker_extra_args: tuple[str, ...] = ()
    death_timeout: Duration = 60.0
    tls: Tls | None = None

    @field_validator("worker_ports")
    @classmethod
    def _is_range(cls, given: str | None) -> str | None:
        first, _, last = (given or "1:2").partition(":")
        if not (first.isdigit() and last.isdigit() and 0 < int(first) < int(last) <= _PORTS):
            raise ValueError(
                f"expected the first and the last of at least two ports, such as 10000:10100, got '{given}'"
            )
        return given

    @model_validator(mode="after")
    def _check(self) -> "Batch":
        if self.cores % self.workers_of_a_job:
            raise ValueError(
                f"processes: expected a divisor of the {self.cores} cores of a job, got {self.workers_of_a_job}"
            )
        if self.walltime < _SHORTEST_S:  # which batch systems may read as none
            raise ValueError(f"walltime: expected at least {_SHORTEST_S:g} s, got {self.walltime:g} s")
        lifetime, stagger = self.worker_lifetime()
        if lifetime <= stagger and self.lifetime != 0:  # by which a worker could end before it begins
            raise ValueError(
                f"stagger: expected less than the lifetime of {clock(max(lifetime, 0))}, got {clock(stagger)}"
            )
        if self.lifetime and self.lifetime + (self.stagger or 0) >= self.walltime:
            raise ValueError(
                f"lifetime: with its stagger it has to be shorter than the walltime of {clock(self.walltime)}, "
                f"got {clock(self.lifetime)} and {clock(self.stagger or 0)}"
            )
        return self

    @property
    @abstractmethod
    def batch_system(self) -> Queue:
        """The batch system."""

    @abstractmethod
    def classes(self) -> tuple[type, type]:
        """Return dask-jobqueue's classes of the cluster and of a job."""

    @abstractmethod
    def job_arguments(self) -> dict[str, Any]:
        """Give what this batch system takes more."""

    @property
    def workers_of_a_job(self) -> int:
        """How many workers a job has."""
        return self.processes or self.cores

    @property
    def jobs(self) -> int:
        """How many jobs there are of a cluster that always has as many."""
        return -(-self.workers.maximum // self.workers_of_a_job)

    def worker_lifetime(self) -> tuple[float, float]:
        """Seconds after which a worker ends by itself, and by how much that varies; nothing if it does not."""
        if self.lifetime == 0:
            return 0.0, 0.0
        margin = min(_LONGEST_MARGIN_S, _MARGIN * self.walltime)
        stagger = margin / 2 if self.stagger is None else self.stagger
        return self.lifetime or self.walltime - margin - stagger, stagger

    def check(self) -> None:
        """Refuse it where jobs cannot be submitted."""
        super().check()
        for name in (self.batch_system.submit, self.batch_system.cancel):
            if shutil.which(name) is None:
                raise InputError(f"kind: {self.kind}: needs {name}, which is not here: run where jobs are submitted")
        interfaces = psutil.net_if_addrs()
        if self.interface is not None and self.scheduler_host is None and self.interface not in interfaces:
            raise InputError(f"interface: expected one of {', '.join(interfaces)}, got '{self.interface}'")
        self._check_logs()
        self.preview()  # refuses options that dask-jobqueue does not take

    def _check_logs(self) -> None:
        """Refuse a folder of logs that cannot be made or written."""
        nearest = next(path for path in (self._logs(), *self._logs().parents) if path.exists())
        if not (self.log_directory and nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            raise InputError(
                f"log_directory: expected a folder that can be written, got '{self.log_directory}': {nearest} is none"
            )

    @contextmanager
    def connect(self) -> Iterator[Connected]:
        """Submit the jobs; none is left afterwards, whatever happens."""
        from distributed import Client

        cluster_class, job_class = self._imported()
        jobs = Jobs(self.batch_system, self._logs())
        cluster = self._made(jobs.cluster_class(cluster_class), jobs.job_class(job_class))
        try:
            jobs.of(cluster, self.jobs if self.workers.is_fixed else None)
            with closing(Client(cluster)) as client:
                self._ask_for_workers(cluster)
                lifetime_s = sum(self.worker_lifetime()) or None
                yield Connected(client, f"cluster {self.kind}", self.workers.maximum, jobs=jobs, lifetime_s=lifetime_s)
        finally:
            jobs.end()
            try:
                cluster.close()
            finally:
                jobs.cancel_left()

    def _imported(self) -> tuple[type, type]:
        """Import dask-jobqueue, which as it is imported makes Ctrl-C end the process in silence; that is undone."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        try:
            return self.classes()
        finally:
            for number, handler in before.items():
                if signal.getsignal(number) is not handler:
                    signal.signal(number, handler)

    def _ask_for_workers(self, cluster: Any) -> None:
        """Ask for the first workers at once; Dask's adapting would begin after it has looked around."""
        if self.workers.is_fixed:
            cluster.scale(jobs=self.jobs)
            return
        cluster.scale(self.workers.minimum)
        resize(cluster, self.workers)

    def _made(self, cluster_class: type, job_class: type) -> Any:
        """Make the cluster, without jobs yet."""
        try:
            return cluster_class(
                job_cls=job_class,
                scheduler_options=self._scheduler_options(),
                interface=self.interface,
                security=None if self.tls is None else self.tls.security(),
                **self._job_arguments(),
            )
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise InputError(f"kind: {self.kind}: Dask does not start: {' '.join(str(error).split())}") from error

    def preview(self) -> str:
        """Return what would be submitted, with a place for the scheduler's address."""
        logs = self._logs()
        made = [path for path in (logs, *logs.parents) if not path.exists()]  # by dask-jobqueue, as it looks
        given = self._job_arguments()
        if self.tls is not None:
            given |= {"security": self.tls.security(), "protocol": "tls://"}
        address = f"{'tls' if self.tls else 'tcp'}://SCHEDULER:PORT"
        try:
            job = self._imported()[1](address, name="NAME", interface=self.interface, **given)
        except OSError as error:
            raise InputError(f"log_directory: cannot be made: {error}") from error
        except (ValueError, TypeError) as error:
            raise InputError(f"options: {' '.join(str(error).split())}") from error
        finally:
            for path in filter(Path.is_dir, made):
                path.rmdir()
        return str(job.job_script())

    def warnings(self) -> list[str]:
        """Warn of a scheduler that is open to the network."""
        host = self.scheduler_host or ("127.0.0.1" if self.interface == "lo" else "network")
        if self.tls is not None or not is_open_to_the_network(f"tcp://{host}"):
            return []
        return [open_without_tls(f"the scheduler of cluster {self.kind}")]

    def told(self) -> dict[str, Any]:
        """Describe it for provenance."""
        return {**super().told(), "tls": self.tls is not None}

    def _logs(self) -> Path:
        return Path(self.log_directory).expanduser().absolute()

    def _scheduler_options(self) -> dict[str, Any]:
        """Give where the scheduler listens."""
        given = {"dashboard_address": f":{self.dashboard_port}", "port": self.scheduler_port}
        return given | ({"host": self.scheduler_host} if self.scheduler_host else {})

    def _job_arguments(self) -> dict[str, Any]:
        """Give what makes a job."""
        lifetime, stagger = self.worker_lifetime()
        arguments = ["--lifetime", f"{lifetime:.0f}s", "--lifetime-stagger", f"{stagger:.0f}s"] if lifetime else []
        given = {
            "cores": self.cores,
            "processes": self.workers_of_a_job,
            "memory": f"{self.memory}B",
            "log_directory": str(self._logs()),
            "local_directory": self.local_directory,
            "python": self.python,
            "job_name": self.job_name,
            "job_script_prologue": list(self.job_script_prologue),
            "worker_extra_args": [*arguments, *self._ports(), *self.worker_extra_args],
            "death_timeout": round(self.death_timeout),
            **self.job_arguments(),
        }
        self.refuse_options(*given, "job_cls", "scheduler_options", "interface", "security", "n_workers")
        return {**{name: value for name, value in given.items() if value is not None}, **self.options}

    def _ports(self) -> list[str]:
        """Give the ports of workers, and of the processes that watch over them: half of them each."""
        if self.worker_ports is None:
            return []
        first, last = map(int, self.worker_ports.split(":"))
        middle = (first + last) // 2
        return ["--worker-port", f"{first}:{middle}", "--nanny-port", f"{middle + 1}:{last}"]
