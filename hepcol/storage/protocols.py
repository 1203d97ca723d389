"""How files on servers are asked for: what the modules of HTTP, S3 and XRootD have in common."""

from typing import Protocol

from hepcol.errors import InputError
from hepcol.storage.addresses import HTTP, is_incomplete, protocol
from hepcol.storage.ranges import Ranges


class Remote(Protocol):
    """A file on a server.

    Parameters
    ----------
    path : str
        Its name, as in messages.
    server : str
        Who is asked.
    gap : int
        Bytes that are read without need rather than asking once more.
    longest : int
        Bytes of one request.
    requests, received : int
        What was asked of the server, and the bytes that came.
    silence_s : float, optional
        How long the server may be silent, where the user has said so to its library.
    """

    path: str
    server: str
    gap: int
    longest: int
    requests: int
    received: int
    silence_s: float | None

    async def begin(self, head: int) -> tuple[int, bytes]:
        """Return the size of the file and its first bytes."""
        ...

    async def read(self, ranges: Ranges) -> list[bytes]:
        """Return what is in ranges of bytes."""
        ...

    async def greet(self) -> None:
        """Ask the server for an answer, whatever it is."""
        ...

    async def close(self) -> None:
        """Let the file go."""
        ...


def remote(path: str) -> Remote:
    """Return the file of a name that :func:`hepcol.storage.addresses.is_served` accepts.

    Raises
    ------
    InputError
        If a package is not installed that it needs, or the name lacks what is secret in its address.
    """
    if is_incomplete(path):
        raise InputError(
            f"{path}: what is hidden is stored nowhere: name the file again with its whole address, as in a new run, "
            "or with --resume in that which is to be continued"
        )
    kind = protocol(path)
    if kind in HTTP:
        from hepcol.storage.web import Http

        return Http(path)
    if kind == "s3":
        from hepcol.storage.s3 import S3

        return S3(path)
    from hepcol.storage.xrootd import XRootD

    return XRootD(path)
