"""Clusters as configuration: this machine, batch systems, Kubernetes, gateways."""

from hepcol.execution.clusters.address import Address
from hepcol.execution.clusters.cluster import Cluster, Connected
from hepcol.execution.clusters.configuration import cluster_of
from hepcol.execution.clusters.gateway import Gateway
from hepcol.execution.clusters.htcondor import HTCondor
from hepcol.execution.clusters.kubernetes import Kubernetes
from hepcol.execution.clusters.local import Local
from hepcol.execution.clusters.pbs import Pbs
from hepcol.execution.clusters.size import Size
from hepcol.execution.clusters.slurm import Slurm

__all__ = [
    "Address",
    "Cluster",
    "Connected",
    "Gateway",
    "HTCondor",
    "Kubernetes",
    "Local",
    "Pbs",
    "Size",
    "Slurm",
    "cluster_of",
]
