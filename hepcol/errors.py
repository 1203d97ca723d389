"""The errors that callers tell apart."""


class InputError(ValueError):
    """What the user gave is wrong; the command line prints it on one line, without a traceback."""


class UnreadableFile(OSError):  # noqa: N818  (what is said of a file)
    """A file is truncated, has changed, or is no ROOT file: trying again does not help."""
