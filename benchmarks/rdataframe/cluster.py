"""A cluster of Dask on this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def local_cluster(workers: int | None, prepare: Callable[[], None] | None = None) -> Iterator[Any]:
    """Start a local cluster of Dask, if asked for, do something in each worker, and end it."""
    if workers is None:
        yield None
        return
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        if prepare is not None:
            client.run(prepare)
        yield client
