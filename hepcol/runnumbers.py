"""Numbers of runs and of luminosity blocks, as texts have them."""

import re

from hepcol.errors import InputError

MAX_RUN, MAX_BLOCK = 2**31 - 1, 2**32 - 1  # both fit into one number; lists end open ranges so
_WHOLE = re.compile(r"\s*0*([0-9]{1,10})\s*")  # more digits are above both


def read_number(text: str | None, where: str, most: int) -> int:
    """Read a whole number from 0 to ``most``.

    Raises
    ------
    InputError
        If it is none; it says where, and what was given.
    """
    found = _WHOLE.fullmatch(text or "")
    if found is None or int(found[1]) > most:
        raise InputError(f"{where}: expected a whole number from 0 to {most}, got {text!r}")
    return int(found[1])
