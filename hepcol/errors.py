"""The error that a user can mend."""


class InputError(ValueError):
    """What the user gave is wrong; the command line prints it on one line, without a traceback."""
