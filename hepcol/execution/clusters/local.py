"""Workers on this machine."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, Literal

from pydantic import Field

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
from hepcol.execution.clusters.quantities import Memory
from hepcol.execution.forkserver import interrupts_for_us_alone, start_forkserver


class Local(SizedCluster):
    """Workers on this machine, which are forked from a process that has imported what they need.

    Parameters
    ----------
    threads : int
        Threads of a worker, each of which processes a chunk.
    memory : size, optional
        What a worker may use before it is ended; by default its share of the machine's.
    local_directory : str, optional
        Where workers put what does not fit in memory.
    tls : Tls, optional
        Certificates.
    """

    recorded: ClassVar = ("kind", "workers", "threads", "memory")

    kind: Literal["local"] = "local"
    threads: int = Field(default=1, ge=1)
    memory: Memory | None = None
    local_directory: str | None = None
    tls: Tls | None = None

    def check(self) -> None:
        """Refuse options that have a key of their own."""
        self._arguments()

    @contextmanager
    def connect(self) -> Iterator[Connected]:
        """Start them, and end them afterwards."""
        with interrupts_for_us_alone():
            method = start_forkserver()  # imports what the workers need while we import what the client needs
        import dask
        from distributed import Client, LocalCluster

        # two deaths of a worker make a chunk a suspect, which is then tried alone
        ours = {"distributed.worker.multiprocessing-method": method, "distributed.scheduler.allowed-failures": 1}
        with dask.config.set(ours), ExitStack() as opened:
            with interrupts_for_us_alone():
                cluster = opened.enter_context(self._made(LocalCluster))
            client = opened.enter_context(closing(Client(cluster)))
            if not self.workers.is_fixed:
                resize(cluster, self.workers)
            yield Connected(client, "the local cluster", self.workers.maximum, ours=True)

    def _made(self, cluster_class: type) -> Any:
        """Make the cluster with its first workers."""
        try:
            return cluster_class(**self._arguments())
        except Exception as error:  # of files of TLS, of folders, of options, and of workers that die
            first: BaseException = error
            while first.__cause__ is not None:
                first = first.__cause__
            reason = " ".join(str(first).split()) or type(first).__name__
            # which Dask does not always tell of a worker that does not start
            given = f" (with options: {', '.join(self.options)})" if self.options else ""
            raise InputError(f"kind: {self.kind}: Dask does not start: {reason}{given}") from error

    def _arguments(self) -> dict[str, Any]:
        """Give what makes the cluster."""
        given = {
            "n_workers": self.workers.minimum,
            "threads_per_worker": self.threads,
            # any free port, so that two runs do not warn about each other's dashboard
            "dashboard_address": ":0",
            "silence_logs": logging.ERROR,
            # as it is now, and not as it was when the process that workers are forked from began
            "env": dict(os.environ),
        }
        if self.memory is not None:
            given["memory_limit"] = self.memory
        if self.local_directory is not None:
            given["local_directory"] = self.local_directory
        if self.tls is not None:
            given |= {"security": self.tls.security(), "protocol": "tls://"}
        self.refuse_options(*given)
        return {**given, **self.options}

    def warnings(self) -> list[str]:
        """Warn of a scheduler that options open to the network."""
        host = str(self.options.get("host") or self.options.get("ip") or "127.0.0.1").removeprefix("tcp://")
        interface = self.options.get("interface") or "lo"
        if (
            self.tls is not None
            or self.options.get("security")
            or (interface == "lo" and not is_open_to_the_network(f"tcp://{host}"))
        ):
            return []
        return [open_without_tls(f"the scheduler of cluster {self.kind}")]

    def preview(self) -> str:
        """Describe what would be started."""
        size = self.workers
        number = size.maximum if size.is_fixed else f"{size.minimum} to {size.maximum}"
        memory = f"{self.memory / 1e9:g} GB" if self.memory is not None else "a share of the machine's memory"
        threads = "one thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{number} processes on this machine, each with {threads} and {memory}"
