"""The bearer token of the client, handed to workers of a Dask cluster, new ones included, and renewed as it changes.

It is in no task, and so in nothing that is written of a run; Dask keeps it in the memory of its scheduler. Workers
that this process starts have its environment, and find a token as it does.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from distributed.diagnostics.plugin import WorkerPlugin

from hepcol.storage import tokens

NAME = "hepcol-bearer-token"
LOOK_S = 20.0  # between two looks at the token of the client

_log = logging.getLogger("hepcol")
_given: list[str] = []  # the token that this process was given as a worker, in the memory of it alone


class BearerToken(WorkerPlugin):  # type: ignore[misc]  # distributed is untyped
    """A token for workers, where hepcol and the XRootD client look for it."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def setup(self, worker: Any) -> None:  # noqa: ARG002  (Dask gives it)
        """Take the token, unless this process is the client or found the same by itself."""
        if tokens.token() != self.token:
            os.environ[tokens.VARIABLE] = self.token
            _given[:] = [self.token]


def _forget() -> None:
    """Let a worker forget the token that it was given."""
    if _given and os.environ.get(tokens.VARIABLE) == _given[0]:
        del os.environ[tokens.VARIABLE]
    _given.clear()


def is_private(address: str) -> bool:
    """Whether nobody else can read what is sent by way of a scheduler: it is encrypted, or stays on this machine."""
    parts = urlsplit(address)
    return parts.scheme in ("tls", "wss", "inproc") or tokens.is_loopback(parts.hostname or "")


@contextmanager
def handed_over(client: Any) -> Iterator[None]:
    """Let the workers of a cluster have the token of this process, if there is one, until the end of the block.

    Parameters
    ----------
    client : distributed.Client
        A client of the cluster. Without TLS, or on another machine, its workers have to find tokens themselves.
    """
    token = tokens.token()
    if not token:
        yield
        return
    address = client.scheduler.address
    if not is_private(address):
        _log.warning(
            "the bearer token is not sent to the workers of %s, which is not encrypted: they look for one themselves; "
            "use a scheduler with TLS, or name a file that they can read by BEARER_TOKEN_FILE",
            address,
        )
        yield
        return
    done = threading.Event()
    client.register_plugin(BearerToken(token), name=NAME)
    renewal = threading.Thread(target=_renew, args=(client, token, done), name="hepcol-token", daemon=True)
    renewal.start()
    try:
        yield
    finally:
        done.set()
        renewal.join()
        if client.status == "running":
            client.unregister_worker_plugin(NAME)
            client.run(_forget, on_error="ignore")


def _renew(client: Any, token: str, done: threading.Event) -> None:
    """Hand over each new token."""
    while not done.wait(LOOK_S):
        now = tokens.token()
        if not now or now == token or client.status != "running":
            continue
        try:
            client.register_plugin(BearerToken(now), name=NAME)
            token = now
        except Exception as error:  # noqa: BLE001  (the scheduler may be busy: the next look is soon)
            _log.warning("the new bearer token did not reach the workers: %s", type(error).__name__)
