"""Workers of a Dask Gateway, as many JupyterHubs have one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from hepcol.errors import InputError
from hepcol.execution.clusters.cluster import Connected, SizedCluster, without_password
from hepcol.execution.clusters.connection import closing, told_while_waiting

_HINT = "the site's gateway tells why, or its pods do"


class Gateway(SizedCluster):
    """Workers of a Dask Gateway, which has certificates of its own; ``options`` are those that its site offers.

    Parameters
    ----------
    address : str, optional
        Where it is; by default what the configuration of Dask says, as on a JupyterHub.
    proxy_address, public_address : str, optional
        Where its schedulers and its dashboards are, if elsewhere.
    auth : str, optional
        ``basic``, ``kerberos`` or ``jupyterhub``; by default what the configuration says.
    """

    needs: ClassVar = ("dask_gateway", "gateway")

    kind: Literal["gateway"] = "gateway"
    address: str | None = None
    proxy_address: str | None = None
    public_address: str | None = None
    auth: Literal["basic", "kerberos", "jupyterhub"] | None = None

    def check(self) -> None:
        """Refuse it where it cannot be opened, and options that have a key of their own."""
        super().check()
        self.refuse_options(
            *("address", "proxy_address", "public_address", "auth", "shutdown_on_close"),
        )

    @contextmanager
    def connect(self) -> Iterator[Connected]:
        """Ask the gateway for a cluster, and end it afterwards."""
        from dask_gateway import GatewayCluster

        given = {name: getattr(self, name) for name in ("address", "proxy_address", "public_address", "auth")}
        given = {name: value for name, value in given.items() if value is not None}
        try:
            with told_while_waiting("cluster gateway", _HINT):
                cluster = GatewayCluster(shutdown_on_close=True, **given, **self.options)
        except Exception as error:  # of its own, of aiohttp, and ValueError of what is not configured
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"kind: gateway: no cluster ({type(error).__name__}: {reason})") from error
        with cluster:
            # its own adapting has no number of looks
            if self.workers.is_fixed:
                cluster.scale(self.workers.maximum)
            else:
                cluster.adapt(minimum=self.workers.minimum, maximum=self.workers.maximum)
            with closing(cluster.get_client(set_as_default=False)) as client:
                yield Connected(client, "cluster gateway", self.workers.maximum, hint=_HINT)

    def preview(self) -> str:
        """Describe what would be asked for."""
        where = without_password(self.address) if self.address else "that the configuration of Dask names"
        return f"a cluster of the gateway {where}, with the options {', '.join(self.options) or 'of the site'}"

    def told(self) -> dict[str, Any]:
        """Describe it for provenance, without a password."""
        return super().told() | ({"address": without_password(self.address)} if self.address else {})
