"""Clusters as their files describe them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hepcol.errors import InputError
from hepcol.execution.clusters.address import Address
from hepcol.execution.clusters.cluster import Cluster
from hepcol.execution.clusters.gateway import Gateway
from hepcol.execution.clusters.htcondor import HTCondor
from hepcol.execution.clusters.kubernetes import Kubernetes
from hepcol.execution.clusters.local import Local
from hepcol.execution.clusters.pbs import Pbs
from hepcol.execution.clusters.slurm import Slurm
from hepcol.tablefile import Row, read_table, understood

KINDS: dict[str, type[Cluster]] = {
    "local": Local,
    "address": Address,
    "slurm": Slurm,
    "htcondor": HTCondor,
    "pbs": Pbs,
    "kubernetes": Kubernetes,
    "gateway": Gateway,
}


class _Kind(Row):
    """What every file of a cluster has."""

    kind: str


def cluster_of(given: str | Path | Mapping[str, Any] | Cluster) -> Cluster:
    """Read and check a cluster.

    Parameters
    ----------
    given : str, Path, mapping or Cluster
        A YAML file, what is in one, or a cluster that has been made.

    Raises
    ------
    InputError
        If it cannot be read or understood, or something that it needs is not installed: it names the file, the key,
        the value, and what is accepted.
    """
    place: str | Path = "cluster"
    if isinstance(given, (str, Path)):
        place = given
        given = read_table(place, _Kind)
    if isinstance(given, Mapping):
        given = understood(place, given, _class_of(place, given))
    elif not isinstance(given, Cluster):
        raise InputError(f"cluster: expected a file, a mapping or a Cluster, got {given!r}")
    try:
        given.check()
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    return given


def _class_of(place: str | Path, given: Mapping[str, Any]) -> type[Cluster]:
    """Return the class of a cluster by its kind."""
    if "kind" not in given:
        raise InputError(f"{place}: kind: is missing; accepted: {', '.join(KINDS)}")
    kind = given["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"{place}: kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    return KINDS[kind]
