"""A scheduler that is there already."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import field_validator, model_validator

from hepcol.errors import InputError
from hepcol.execution.clusters.cluster import (
    USER,
    Cluster,
    Connected,
    is_open_to_the_network,
    open_without_tls,
    without_password,
)
from hepcol.execution.clusters.connection import closing
from hepcol.execution.clusters.encryption import Tls

CONNECTION_TIMEOUT_S = 10
_SCHEMES = ("tcp://", "tls://", "ws://", "wss://", "ucx://", "inproc://")


class Address(Cluster):
    """A scheduler that somebody has started, with whatever workers it has.

    Parameters
    ----------
    address : str
        Where it listens.
    tls : Tls, optional
        Certificates, for ``tls://``.
    """

    kind: Literal["address"] = "address"
    address: str
    tls: Tls | None = None

    @field_validator("address")
    @classmethod
    def _is_one(cls, given: str) -> str:
        try:
            parts = urlsplit(given)
            has_port = bool(parts.hostname and parts.port) or parts.scheme == "inproc"
        except ValueError:  # of a port that is no number, or of brackets
            has_port = False
        if not (given.startswith(_SCHEMES) and has_port):
            raise ValueError(f"expected tcp://HOST:PORT or tls://HOST:PORT, got '{without_password(given)}'")
        return given

    @model_validator(mode="after")
    def _check(self) -> "Address":
        if self.address.startswith("tls://") and self.tls is None:
            raise ValueError(f"tls: {self.address} needs ca_file, cert and key")
        if self.tls is not None and not self.address.startswith(("tls://", "wss://")):
            raise ValueError(f"tls: means nothing to {self.address}; expected tls://HOST:PORT")
        return self

    @contextmanager
    def connect(self) -> Iterator[Connected]:
        """Connect to it; it stays when the run has ended."""
        from distributed import Client

        security = None if self.tls is None else self.tls.security()
        told = f"scheduler {without_password(self.address)}"
        try:
            client = Client(self.address, timeout=CONNECTION_TIMEOUT_S, security=security)
        except (OSError, ValueError, TypeError) as error:
            reason = str(error)
            for user in USER.findall(self.address):
                reason = reason.replace(user, "")
            raise InputError(f"{told}: no answer within {CONNECTION_TIMEOUT_S} s ({reason})") from error
        with closing(client):
            yield Connected(client, told, hint="start workers with dask worker ADDRESS, or see why they do not come")

    def preview(self) -> str:
        """Describe what would be connected to."""
        return f"the scheduler that listens at {without_password(self.address)}"

    def warnings(self) -> list[str]:
        """Warn of a scheduler that is open to the network."""
        if not is_open_to_the_network(self.address):
            return []
        return [open_without_tls(f"scheduler {without_password(self.address)}")]

    def told(self) -> dict[str, Any]:
        """Describe it for provenance, without a password."""
        return {**super().told(), "address": without_password(self.address), "tls": self.tls is not None}
