"""Tries whether a cluster is as its file says, before anything is run on it."""

import time
from pathlib import Path
from typing import Any

from hepcol.execution.clusters.configuration import cluster_of
from hepcol.execution.clusters.watch import Watch
from hepcol.execution.workers import ask_workers, refuse
from hepcol.report.environments import Trial


def try_cluster(given: str | Path | Any, start: bool = False) -> Trial:
    """Check a cluster, and open it if that is asked for.

    Parameters
    ----------
    given : str, Path, mapping or Cluster
        The cluster.
    start : bool
        Whether to open it, wait for a worker, compare it with the client, and close it.

    Raises
    ------
    InputError
        If something is not accepted, no worker comes, or workers are unlike the client.
    """
    cluster = cluster_of(given)
    name = given if isinstance(given, (str, Path)) else f"cluster {cluster.kind}"
    told = Trial(str(name), cluster.told(), cluster.preview(), tuple(cluster.warnings()))
    if not start:
        return told
    began = time.monotonic()
    with cluster.connect() as connected, Watch(connected) as watch:
        watch.first_worker(cluster.no_worker_timeout)
        waited_s = time.monotonic() - began
        found = ask_workers(connected.client)
        refuse(connected.place, found)
    return told.started(found.here, found.groups, waited_s)
