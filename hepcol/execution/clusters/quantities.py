"""Durations and sizes of memory, as a cluster's file gives them: with their units."""

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from hepcol.errors import InputError

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_BYTES = {f"{prefix}B": 1000**power for power, prefix in enumerate(("k", "M", "G", "T"), 1)}
_BYTES |= {f"{prefix}iB": 1024**power for power, prefix in enumerate(("K", "M", "G", "T"), 1)}
_LONGEST, _MOST = 1e8, 1e15  # three years, and a petabyte: more is a mistake
_CLOCK = re.compile(r"(?:(\d+)-)?(\d{1,3}):([0-5]\d):([0-5]\d)")
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")


def _seconds(given: Any) -> Any:
    """Read a duration."""
    if clock := _CLOCK.fullmatch(str(given).strip()):
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        found = float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    else:
        found = _amount(given, _SECONDS)
    if not 0 < found < _LONGEST:
        quotes = "; YAML takes 12:00:00 for a number unless it is in quotes" if type(given) is int else ""
        raise ValueError(
            f"expected a duration with its unit, such as '90 s', '2 h' or '02:00:00', got {given!r:.60}{quotes}"
        )
    return found


def _bytes(given: Any) -> Any:
    """Read a size of memory."""
    found = _amount(given, _BYTES)
    if not 0 < found < _MOST:
        raise ValueError(f"expected an amount with its unit, such as '2 GB' or '512 MiB', got {given!r:.60}")
    return int(found)


def _amount(given: Any, units: dict[str, int]) -> float:
    """Read a number with a unit; not a number, if it is none."""
    amount = _AMOUNT.fullmatch(str(given).strip())
    return float(amount[1]) * units.get(amount[2], math.nan) if amount else math.nan


Duration = Annotated[float, BeforeValidator(_seconds)]
"""Seconds, from ``"90 s"``, ``"30 min"``, ``"2 h"``, ``"1 d"``, ``"02:00:00"`` or ``"1-00:00:00"``."""

Memory = Annotated[int, BeforeValidator(_bytes)]
"""Bytes, from ``"2 GB"`` or ``"512 MiB"``."""


def clock(seconds: float) -> str:
    """Write a duration as batch systems read it."""
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{left:02}"


def parse_memory(text: str) -> int:
    """Read a size of memory that stands by itself [bytes].

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return int(_bytes(text))
    except ValueError as error:
        raise InputError(f"memory: {error}") from error
