"""Which errors pass by themselves, so that trying again is worth it, and which do not."""

import errno
import socket

from hepcol.errors import GivenUp, UnreadableFile

_PASSING = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.EIO,
        errno.EMFILE,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOTCONN,
        errno.EPIPE,
        errno.EREMOTEIO,
        errno.ESHUTDOWN,
        errno.ESTALE,  # NFS: the server has forgotten an open file
        errno.ETIMEDOUT,
    }
)
# Packages whose errors come from the network; what they raise for a missing file is a FileNotFoundError
_NETWORK = ("aiohttp", "botocore", "fsspec", "requests", "s3fs", "urllib3", "XRootD", "fsspec_xrootd")
# Code that runs while a file is read. What it raises has no class in common: of corrupt baskets alone there are
# zlib.error, cramjam's DecompressionError, and ValueError and TypeError of numpy, of awkward and for LZ4's checksum.
_READERS = ("uproot", "awkward._nplikes.virtual")
_TO_STAY = (GivenUp, UnreadableFile, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
# What uproot says of a file that is shorter than it was, or than it should be
_SHORT = "expected Chunk of length"


def is_transient(error: BaseException) -> bool:
    """Tell whether an error may be gone when the same is tried again.

    Those of the network and of the operating system may: time-outs, connections that break, I/O errors. A missing
    file, a missing branch, corrupt data and errors of a processor are there to stay.
    """
    if isinstance(error, _TO_STAY):
        return False
    if isinstance(error, (ConnectionError, TimeoutError, InterruptedError, BlockingIOError)):
        return True
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    if type(error).__module__.partition(".")[0] in _NETWORK:
        return True
    if not isinstance(error, OSError):
        return False
    # without a number it was raised by a library, such as XRootD's bindings, on a failed request
    return error.errno in _PASSING if error.errno is not None else not str(error).startswith(_SHORT)


def is_of_the_file(error: BaseException) -> bool:
    """Tell whether an error may be of the file where it was read, so that a replica is worth a try."""
    return isinstance(error, (OSError, EOFError)) or is_transient(error) or _was_reading(error)


def _was_reading(error: BaseException) -> bool:
    """Whether an error was raised while a file was read."""
    trace = error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__"))
        if any(name == reader or name.startswith(f"{reader}.") for reader in _READERS):
            return True
        trace = trace.tb_next
    return False
