"""The errors that callers tell apart."""


class InputError(ValueError):
    """What the user gave is wrong; the command line prints it on one line, without a traceback."""


class UnfitWorker(InputError):  # noqa: N818  (what a worker is)
    """A worker has other code or versions than the client.

    Parameters
    ----------
    message : str
        What it has.
    address : str
        Its address in a Dask cluster.
    """

    def __init__(self, message: str, address: str = "") -> None:
        super().__init__(message)
        self.address = address


class UnreadableFile(OSError):  # noqa: N818  (what is said of a file)
    """A file is truncated, has changed, or is no ROOT file: trying again does not help."""


class StorageError(OSError):
    """What a server of files said, or that it did not, on one line that names the file."""


class NoAnswer(StorageError):  # noqa: N818  (likewise)
    """A server does not answer, or not as it should: trying again may help.

    Attributes
    ----------
    server, path : str
        Who is silent, and for which file; empty if the server has answered that it cannot.
    """

    server = ""
    path = ""


class GivenUp(NoAnswer):
    """A server has not answered for so long that it is not asked again for a while."""


class Missing(StorageError, FileNotFoundError):  # noqa: N818
    """A server has no such file."""


class Refused(StorageError, PermissionError):  # noqa: N818
    """A server does not give a file to this user."""
