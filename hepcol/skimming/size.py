"""What a file of a skim is made of: a chunk, a file, or a dataset up to some size."""

import re
from dataclasses import dataclass

from hepcol.errors import InputError

CHUNK, FILE, SIZE = "chunk", "file", "size"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B", re.ASCII)
_FACTORS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_SMALLEST = 1e3


@dataclass(frozen=True)
class Per:
    """What a file is made of.

    Parameters
    ----------
    what : {"chunk", "file", "size"}
        A chunk, a file that was read, or the events of a dataset up to some size.
    size : int
        Bytes that a file has at least before another one is begun, not compressed.
    """

    what: str
    size: int = 0

    @classmethod
    def parse(cls, text: str) -> "Per":
        """Read what a user types: ``chunk``, ``file``, or a size such as ``500MB``.

        Raises
        ------
        InputError
            If it is something else.
        """
        if text in (CHUNK, FILE):
            return cls(text)
        found = _SIZE.fullmatch(text.strip())
        size = float(found[1]) * _FACTORS[found[2]] if found else 0.0
        if size < _SMALLEST:
            raise InputError(f"per '{text}': expected {CHUNK}, {FILE}, or a size of at least 1kB such as 500MB")
        return cls(SIZE, int(size))
