"""Offsets of graphs into flat arrays, which kernels trust, and the rows that are chosen of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]


def check_offsets(name: str, offsets: Any, whose: str) -> None:
    """Refuse what are no offsets: a kernel would read beyond the arrays.

    Raises
    ------
    InputError
        If they are not int64, do not begin at 0, or decrease.
    """
    if not isinstance(offsets, np.ndarray) or offsets.dtype != np.int64 or offsets.ndim != 1 or not len(offsets):
        raise InputError(f"{name} of {whose} is {told(offsets)}, expected int64[graphs + 1]")
    if offsets[0] != 0:
        raise InputError(f"{name} of {whose} begins with {offsets[0]}, expected 0")
    steps = np.diff(offsets)
    if steps.min(initial=0) < 0:
        where = int(np.argmax(steps < 0))
        raise InputError(
            f"{name} of {whose} decreases from {offsets[where]} to {offsets[where + 1]} at graph {where}, expected "
            "offsets that do not"
        )


def check_array(name: str, array: Any, dtype: type, shape: tuple[int, ...], whose: str) -> None:
    """Refuse an array of another type or shape.

    Raises
    ------
    InputError
        If it is.
    """
    if np.shape(array) != shape:
        raise InputError(f"{name} of {whose} has the shape {np.shape(array)}, expected {shape}")
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        raise InputError(f"{name} of {whose} is {told(array)}, expected {np.dtype(dtype)}")


def chosen(which: Any, count: int) -> Integers:
    """Numbers of the graphs that are chosen of ``count``.

    Parameters
    ----------
    which : int, slice, sequence of int, or bool[count]
        Which; numbers below 0 count from the end.

    Raises
    ------
    InputError
        If it is something else, or there is no such graph.
    """
    if isinstance(which, slice):
        return np.arange(count)[which]
    rows = np.asarray(which)
    if rows.ndim == 0 and rows.dtype.kind in "iu":
        rows = rows[np.newaxis]
    if rows.shape == (0,) and rows.dtype.kind == "f":  # what numpy makes of an empty list
        rows = rows.astype(np.int64)
    if rows.ndim != 1 or rows.dtype.kind not in "iub" or (rows.dtype.kind == "b" and len(rows) != count):
        raise InputError(
            f"graphs are chosen by a number, a slice, a list of numbers or a mask of {count}, got "
            f"{told(which) if np.ndim(which) else repr(which)}"
        )
    if rows.dtype.kind == "b":
        return np.flatnonzero(rows)
    missing = rows[(rows < -count) | (rows >= count)]
    if len(missing):
        raise InputError(f"graph {missing[0]} is none of the {count} graphs, 0 to {count - 1}")
    return np.arange(count)[rows]


def told(given: Any) -> str:
    """Describe what was given instead of an array."""
    if isinstance(given, np.ndarray):
        return f"{given.dtype}[{', '.join(map(str, given.shape))}]"
    return type(given).__name__


def owner_of(offsets: Integers, position: int) -> int:
    """Return the number of what the element at a position is of."""
    return int(np.searchsorted(offsets, position, side="right")) - 1


def taken(offsets: Integers, rows: Integers) -> tuple[Integers, Integers]:
    """Positions of the elements of some rows, one after another, and offsets into them."""
    counts = np.diff(offsets)[rows]
    taken = np.concatenate([[0], np.cumsum(counts)])
    return np.arange(taken[-1]) + np.repeat(offsets[:-1][rows] - taken[:-1], counts), taken


def joined(offsets: Sequence[Integers]) -> Integers:
    """Offsets of rows that are put one after another."""
    counts = np.concatenate([np.diff(part) for part in offsets])
    return np.concatenate([[0], np.cumsum(counts)])
