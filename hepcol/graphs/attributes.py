"""What is known of the jets, in columns that all formats of files can have."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.graphs.recipe import EDGE_PREFIX, NODE_PREFIX

Array = npt.NDArray[Any]

_KINDS = "biuf"  # of numpy: truth values, integers, numbers
_SIZES = (4, 8)  # of the numbers, in bytes
# in files and arrays of records these are the nodes and edges, or how many there are
_TAKEN = ("node", "edge", "nodes", "edges", "nnode", "nedge")


def as_column(name: str, given: Any, count: int) -> Array:
    """Return a column of ``count`` jets, in the byte order of this machine.

    Raises
    ------
    InputError
        If it has another shape, or what is not in all formats of files: a name that is taken, texts, times, ...
    """
    if not isinstance(name, str) or not name or name in _TAKEN or name.startswith((NODE_PREFIX, EDGE_PREFIX)):
        raise InputError(
            f"column {name!r} of graphs: names must be texts, not {', '.join(_TAKEN)}, and not begin with "
            f"{NODE_PREFIX} or {EDGE_PREFIX}, which are names of nodes and edges in files"
        )
    if np.shape(given) != (count,):
        raise InputError(f"column {name} of graphs has the shape {np.shape(given)}, expected ({count},)")
    column = np.asarray(given)
    if column.dtype.kind not in _KINDS or (column.dtype.kind == "f" and column.dtype.itemsize not in _SIZES):
        raise InputError(
            f"column {name} of graphs is {column.dtype}, expected truth values, integers, float32 or float64"
        )
    missing = np.count_nonzero(np.ma.getmaskarray(given))
    if missing:
        raise InputError(f"column {name} of graphs has {missing} missing values, expected none")
    return column if column.dtype.isnative else column.astype(column.dtype.newbyteorder("="))
