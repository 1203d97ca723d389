"""Where the work is done: this process, local processes, or Dask."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from coffea.processor.executor import ExecutorBase

from hepcol.errors import InputError
from hepcol.execution import openfiles
from hepcol.execution.chunk import Listener, class_name, listen
from hepcol.execution.environment import environment, unfit
from hepcol.execution.executors import (
    LOST_AFTER_S,
    LedgerDaskExecutor,
    LedgerFuturesExecutor,
    LedgerIterativeExecutor,
    Pools,
    serve,
)
from hepcol.ledger import ChunkRecord, from_json

CONNECTION_TIMEOUT_S = 10


class Kind(StrEnum):
    """The executors to choose from."""

    ITERATIVE = "iterative"
    FUTURES = "futures"
    DASK = "dask"


@dataclass(frozen=True)
class Backend:
    """A coffea executor that is ready to work.

    Parameters
    ----------
    kind : Kind
        Which executor it is.
    executor : ExecutorBase
        coffea's executor.
    workers : int
        Number of workers.
    dashboard : str, optional
        Link to the Dask dashboard.
    """

    kind: Kind
    executor: ExecutorBase
    workers: int
    dashboard: str | None = None


def open_backend(
    kind: Kind,
    workers: int,
    scheduler: str | None,
    listener: Listener,
    topic: str,
    lost_after_s: float = LOST_AFTER_S,
) -> AbstractContextManager[Backend]:
    """Make a backend ready, and take it down afterwards.

    Parameters
    ----------
    kind : Kind
        Which executor.
    workers : int
        Number of local processes.
    scheduler : str, optional
        Address of an existing Dask scheduler, to be used instead of a local cluster.
    listener : function of ChunkRecord
        Is told of each chunk as it ends, from any thread.
    topic : str
        Name of the run, which its Dask workers send records under.
    lost_after_s : float
        How long a Dask cluster may be without any worker before the run ends.

    Raises
    ------
    InputError
        If an option does not fit the executor, or the scheduler does not answer.
    """
    if scheduler is not None and kind is not Kind.DASK:
        raise InputError(f"a scheduler ({scheduler}) needs the executor dask, got {kind}")
    if workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}")
    if kind is Kind.DASK:
        return _dask(workers, scheduler, listener, topic, lost_after_s)
    return _futures(workers) if kind is Kind.FUTURES else _iterative(listener)


@contextmanager
def _iterative(listener: Listener) -> Iterator[Backend]:
    """Work in this process."""
    listen(listener)
    try:
        with _silent_bars():
            yield Backend(Kind.ITERATIVE, LedgerIterativeExecutor(status=False, compression=None), 1)
    finally:
        listen(None)
        openfiles.forget_all()


@contextmanager
def _futures(workers: int) -> Iterator[Backend]:
    """Work in local processes; outputs bring their records with them."""
    import loky

    pools = Pools(partial(loky.ProcessPoolExecutor, max_workers=workers, initializer=serve, initargs=(os.getpid(),)))
    executor = LedgerFuturesExecutor(status=False, compression=None, workers=workers, pools=pools)
    done = False
    try:
        with _silent_bars():
            yield Backend(Kind.FUTURES, executor, workers)
            done = True
    finally:
        pools.close(kill=not done)


@contextmanager
def _silent_bars() -> Iterator[None]:
    """Keep coffea's own progress bars off the terminal, where hepcol's stands."""
    from coffea.util import coffea_console

    previous = coffea_console.quiet
    coffea_console.quiet = True
    try:
        yield
    finally:
        coffea_console.quiet = previous


@contextmanager
def _dask(
    workers: int, scheduler: str | None, listener: Listener, topic: str, lost_after_s: float
) -> Iterator[Backend]:
    """Work on a local Dask cluster, or on that of an existing scheduler."""
    method = ""
    if scheduler is None:
        with _interrupts_for_us_alone():
            method = _start_forkserver()  # imports what the workers need while we import what the client needs
    import dask
    from distributed import Client, LocalCluster

    if scheduler is None:
        # two deaths of a worker make a chunk a suspect, which is then tried alone
        ours = {"distributed.worker.multiprocessing-method": method, "distributed.scheduler.allowed-failures": 1}
        with dask.config.set(ours):
            with _interrupts_for_us_alone():
                cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    # any free port, so that two runs do not warn about each other's dashboard
                    dashboard_address=":0",
                    silence_logs=logging.ERROR,
                    # as it is now, and not as it was when the process that workers are forked from began
                    env=dict(os.environ),
                )
            with cluster, _closing(Client(cluster)) as client:
                yield from _follow(client, listener, topic, lost_after_s)
        return
    try:
        client = Client(scheduler, timeout=CONNECTION_TIMEOUT_S)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"scheduler {scheduler}: no answer within {CONNECTION_TIMEOUT_S} s ({error})") from error
    from hepcol.storage.handover import handed_over

    with _closing(client), handed_over(client):
        _check_workers(client, scheduler)
        yield from _follow(client, listener, topic, lost_after_s)


def _check_workers(client: Any, scheduler: str) -> None:
    """Refuse workers that have another hepcol or Python than the client, or none; others that join later are warned of.

    Raises
    ------
    InputError
        If there are such.
    """
    here = environment()
    for worker, there in client.run(environment, on_error="return").items():
        if isinstance(there, OSError):  # it died a moment ago; one that comes is looked at with its work
            continue
        reason = f"{class_name(there)}: {there}" if isinstance(there, BaseException) else unfit(here, there)
        if reason:
            raise InputError(f"scheduler {scheduler}: worker {worker} has {reason}; install what the client has there")


@contextmanager
def _closing(client: Any) -> Iterator[Any]:
    """Close a client in the end; of a scheduler that is gone, the run says it in one line, and Dask in fifty."""
    log = logging.getLogger("distributed.client")
    level = log.level
    try:
        yield client
    finally:
        if client.status != "running":
            log.setLevel(logging.CRITICAL)
        try:
            client.close()
        finally:
            log.setLevel(level)


def _start_forkserver() -> str:
    """Start the process that local workers are forked from, unless this process has one already.

    It stays until this process ends. Returns how to start workers, as :mod:`multiprocessing` names it.
    """
    import multiprocessing
    from multiprocessing import forkserver

    # what Dask gives to workers that it spawns, unless the user has set it: one thread, and hashes that agree; and no
    # import from the current folder, which Python would look in first, and we may have not
    defaults = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    defaults |= {"PYTHONHASHSEED": "6640", "PYTHONSAFEPATH": "1"}
    ours = [name for name in defaults if name not in os.environ]
    os.environ.update({name: defaults[name] for name in ours})
    try:
        multiprocessing.set_forkserver_preload(["hepcol.execution.preload"])
        forkserver.ensure_running()
    except OSError:  # no socket in a temporary folder of a long name, as batch systems have: workers are spawned
        return "spawn"
    finally:
        for name in ours:
            del os.environ[name]
    return "forkserver"


@contextmanager
def _interrupts_for_us_alone() -> Iterator[None]:
    """Let processes that start meanwhile ignore Ctrl-C, which a terminal sends to all: we stop them ourselves."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is ignored stays so in a new program
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _follow(client: Any, listener: Listener, topic: str, lost_after_s: float) -> Iterator[Backend]:
    """Listen to the records that the workers tell."""

    def hear(event: tuple[float, Any]) -> None:
        record = from_json(event[1])
        if isinstance(record, ChunkRecord):
            listener(record)

    client.subscribe_topic(topic, hear)
    try:
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        executor = LedgerDaskExecutor(client=client, status=False, compression=None, lost_after_s=lost_after_s)
        # of a cluster that is going to have workers, at least one
        yield Backend(Kind.DASK, executor, max(1, workers), client.dashboard_link)
    finally:
        if client.status == "running":
            client.unsubscribe_topic(topic)
