"""Workers that are pods, by the operator of Dask in Kubernetes."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import yaml
from pydantic import Field

from hepcol.errors import InputError
from hepcol.execution.clusters.cluster import Connected, SizedCluster
from hepcol.execution.clusters.connection import closing, told_while_waiting
from hepcol.execution.clusters.quantities import Memory

_HIDDEN = "..."


class Kubernetes(SizedCluster):
    """Workers that are pods, made by the operator of Dask.

    Parameters
    ----------
    image : str
        Image of scheduler and workers, with the hepcol of the client in it.
    namespace : str, optional
        Where; by default that of the Kubernetes configuration.
    cores : float
        Cores of a worker.
    threads : int
        Threads of a worker.
    memory : size
        Memory of a worker.
    env : mapping
        Environment variables of scheduler and workers.
    """

    needs: ClassVar = ("dask_kubernetes", "kubernetes")
    recorded: ClassVar = ("kind", "workers", "image", "namespace", "cores", "threads", "memory")

    kind: Literal["kubernetes"] = "kubernetes"
    image: str
    namespace: str | None = None
    cores: float = Field(default=1, gt=0)
    threads: int = Field(default=1, ge=1)
    memory: Memory = 2 * 1000**3
    env: Mapping[str, str] = {}

    def check(self) -> None:
        """Refuse it where it cannot be opened, and options that have a key of their own."""
        super().check()
        self.refuse_options(
            *("custom_cluster_spec", "namespace", "quiet", "shutdown_on_close"),
            *("name", "image", "n_workers", "resources", "env", "worker_command"),
        )

    @contextmanager
    def connect(self) -> Iterator[Connected]:
        """Let the operator make the pods, and remove them afterwards."""
        from dask_kubernetes.operator import KubeCluster
        from distributed import Client

        spec = self.spec()
        name = spec["metadata"]["name"]
        given = {"custom_cluster_spec": spec, "namespace": self.namespace, "quiet": True, "shutdown_on_close": True}
        where = f"-n {self.namespace} " if self.namespace else ""
        hint = f"kubectl get pods {where}-l dask.org/cluster-name={name} tells why"
        try:
            with told_while_waiting("cluster kubernetes", hint):
                cluster = KubeCluster(**given, **self.options)
        except Exception as error:  # of several libraries, from no configuration to a refused request
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"kind: kubernetes: no cluster ({type(error).__name__}: {reason})") from error
        with cluster, closing(Client(cluster)) as client:
            if not self.workers.is_fixed:
                cluster.adapt(minimum=self.workers.minimum, maximum=self.workers.maximum)
            yield Connected(client, "cluster kubernetes", self.workers.maximum, hint=hint)

    def spec(self) -> dict[str, Any]:
        """Describe the cluster as the operator reads it."""
        from dask_kubernetes.operator import make_cluster_spec

        command = ["dask", "worker", "--nthreads", str(self.threads), "--memory-limit", str(self.memory)]
        amounts = {"cpu": f"{self.cores:g}", "memory": str(self.memory)}
        spec: dict[str, Any] = make_cluster_spec(
            name=f"hepcol-{uuid.uuid4().hex[:10]}",
            image=self.image,
            n_workers=self.workers.minimum,
            resources={"requests": amounts, "limits": amounts},
            env=dict(self.env),
            worker_command=command,
        )
        return spec

    def preview(self) -> str:
        """Return the specification, with the values of variables left out."""
        spec = self.spec()
        for part in ("scheduler", "worker"):
            for container in spec["spec"][part]["spec"]["containers"]:
                container["env"] = [{"name": one["name"], "value": _HIDDEN} for one in container["env"]]
        return str(yaml.safe_dump(spec, sort_keys=False))
