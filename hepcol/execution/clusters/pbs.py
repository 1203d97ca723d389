"""Workers that are jobs of PBS."""

from typing import Any, Literal

from hepcol.execution.clusters.batch import Batch
from hepcol.execution.clusters.quantities import clock
from hepcol.execution.clusters.queues import PBS, Queue


class Pbs(Batch):
    """Workers that are jobs of PBS.

    Parameters
    ----------
    resource_spec : str, optional
        What a job asks for, if not ``select=1:ncpus=CORES:mem=MEMORY``.
    """

    kind: Literal["pbs"] = "pbs"
    resource_spec: str | None = None

    @property
    def batch_system(self) -> Queue:
        """PBS's commands."""
        return PBS

    def classes(self) -> tuple[type, type]:
        """Return dask-jobqueue's classes."""
        from dask_jobqueue.pbs import PBSCluster, PBSJob

        return PBSCluster, PBSJob

    def job_arguments(self) -> dict[str, Any]:
        """Give what PBS takes more."""
        return {
            "queue": self.queue,
            "account": self.project,
            "walltime": clock(self.walltime),
            "resource_spec": self.resource_spec,
            "job_extra_directives": list(self.job_extra_directives),
        }
