"""Workers that are jobs of HTCondor."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from hepcol.execution.clusters.batch import Batch
from hepcol.execution.clusters.quantities import Memory
from hepcol.execution.clusters.queues import HTCONDOR, Queue


class HTCondor(Batch):
    """Workers that are jobs of HTCondor, which has no queues, and projects as a directive.

    Parameters
    ----------
    disk : size
        Disk of a job.
    job_extra_directives : mapping
        Further lines of the submit description, such as ``MY.JobFlavour: '"workday"'``.
    """

    kind: Literal["htcondor"] = "htcondor"
    disk: Memory = 1000**3
    job_extra_directives: Mapping[str, str | int | bool] = {}  # type: ignore[assignment]  # not lines, but pairs

    @model_validator(mode="after")
    def _check_names(self) -> "HTCondor":
        for name in ("queue", "project"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: HTCondor has none; use job_extra_directives, such as accounting_group: NAME")
        return self

    @property
    def batch_system(self) -> Queue:
        """HTCondor's commands."""
        return HTCONDOR

    def classes(self) -> tuple[type, type]:
        """Return dask-jobqueue's classes."""
        from dask_jobqueue.htcondor import HTCondorCluster, HTCondorJob

        return HTCondorCluster, HTCondorJob

    def job_arguments(self) -> dict[str, Any]:
        """Give what HTCondor takes more; how long a job runs is an attribute that sites read, as CERN's."""
        return {
            "disk": f"{self.disk}B",
            "job_extra_directives": {"MY.MaxRuntime": round(self.walltime), **self.job_extra_directives},
        }
