"""Where the work is done: this process, local processes, or Dask."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from coffea.processor.executor import ExecutorBase

from hepcol.errors import InputError
from hepcol.execution import openfiles
from hepcol.execution.chunk import Listener, listen
from hepcol.execution.executors import (
    LedgerDaskExecutor,
    LedgerFuturesExecutor,
    LedgerIterativeExecutor,
    Pools,
    serve,
)
from hepcol.execution.workers import PROCESSOR, ask_for_code, ask_workers, refuse
from hepcol.ledger import ChunkRecord, from_json

if TYPE_CHECKING:
    from hepcol.execution.clusters import Cluster, Connected


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
    warnings : sequence of str
        What is dangerous about where the work is done.
    """

    kind: Kind
    executor: ExecutorBase
    workers: int
    dashboard: str | None = None
    warnings: Sequence[str] = ()


def open_backend(
    kind: Kind,
    workers: int,
    scheduler: str | None,
    listener: Listener,
    topic: str,
    lost_after_s: float | None = None,
    cluster: "Cluster | None" = None,
    processor: Any = None,
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
    lost_after_s : float, optional
        How long a Dask cluster may be without any worker before the run ends; by default what the cluster says.
    cluster : Cluster, optional
        A cluster to be used instead of a local one.
    processor : class or function, optional
        The kind of processor, whose modules workers need.

    Raises
    ------
    InputError
        If an option does not fit the executor, or the scheduler does not answer.
    """
    if scheduler is not None and kind is not Kind.DASK:
        raise InputError(f"a scheduler ({scheduler}) needs the executor dask, got {kind}")
    if cluster is not None and kind is not Kind.DASK:
        raise InputError(f"a cluster ({cluster.kind}) needs the executor dask, got {kind}")
    if workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}")
    if kind is Kind.DASK:
        return _dask(workers, scheduler, cluster, listener, topic, lost_after_s, processor)
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
    workers: int,
    scheduler: str | None,
    cluster: Any,
    listener: Listener,
    topic: str,
    lost_after_s: float | None,
    kind: Any,
) -> Iterator[Backend]:
    """Work on a cluster: one that is configured, that of an existing scheduler, or a local one."""
    from hepcol.execution.clusters import Address, Local, Size
    from hepcol.execution.clusters.watch import Watch
    from hepcol.storage.handover import handed_over

    made = cluster
    if made is None and scheduler is not None:  # what is wrong with it is said when it does not answer
        made = Address.model_construct(address=scheduler)
    elif made is None:
        made = Local(workers=Size(minimum=workers, maximum=workers))
    lost_after_s = made.no_worker_timeout if lost_after_s is None else lost_after_s
    with made.connect() as connected:
        if made.kind == "local":
            _send(connected.client, made.upload)
            yield from _follow(connected, listener, topic, lost_after_s, tuple(made.warnings()))
            return
        with Watch(connected) as watch:
            if cluster is not None:
                watch.first_worker(lost_after_s)
            refuse(connected.place, ask_workers(connected.client))
            _send(connected.client, made.upload)
            refuse(connected.place, ask_for_code(connected.client, kind), (PROCESSOR,))
            with handed_over(connected.client):
                yield from _follow(connected, listener, topic, lost_after_s, tuple(made.warnings()))


def _send(client: Any, upload: Sequence[str]) -> None:
    """Send modules of the user to the workers that are there and to those that will be."""
    if upload:
        from hepcol.execution.clusters.plugin import Upload

        client.register_plugin(Upload(upload))


def _follow(
    connected: "Connected", listener: Listener, topic: str, lost_after_s: float, warnings: tuple[str, ...]
) -> Iterator[Backend]:
    """Listen to the records that the workers tell."""
    client = connected.client

    def hear(event: tuple[float, Any]) -> None:
        record = from_json(event[1])
        if isinstance(record, ChunkRecord):
            listener(record)

    client.subscribe_topic(topic, hear)
    try:
        workers = connected.workers or len(client.scheduler_info(n_workers=-1)["workers"])
        told = list(warnings)
        executor = LedgerDaskExecutor(
            client=client,
            status=False,
            compression=None,
            lost_after_s=lost_after_s,
            lifetime_s=connected.lifetime_s,
            warnings=told,
        )
        # of a cluster that is going to have workers, at least one
        yield Backend(Kind.DASK, executor, max(1, workers), client.dashboard_link, told)
    finally:
        if client.status == "running":
            client.unsubscribe_topic(topic)
