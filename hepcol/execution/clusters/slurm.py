"""Workers that are jobs of Slurm."""

from typing import Any, Literal

from hepcol.execution.clusters.batch import Batch
from hepcol.execution.clusters.quantities import clock
from hepcol.execution.clusters.queues import SLURM, Queue


class Slurm(Batch):
    """Workers that are jobs of Slurm; ``queue`` is the partition, ``project`` the account."""

    kind: Literal["slurm"] = "slurm"

    @property
    def batch_system(self) -> Queue:
        """Slurm's commands."""
        return SLURM

    def classes(self) -> tuple[type, type]:
        """Return dask-jobqueue's classes."""
        from dask_jobqueue.slurm import SLURMCluster, SLURMJob

        return SLURMCluster, SLURMJob

    def job_arguments(self) -> dict[str, Any]:
        """Give what Slurm takes more."""
        return {
            "queue": self.queue,
            "account": self.project,
            "walltime": clock(self.walltime),
            "job_extra_directives": list(self.job_extra_directives),
        }
