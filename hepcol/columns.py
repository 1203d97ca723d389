"""Jagged columns as the flat arrays that kernels take."""

from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def offsets_of(column: ak.Array) -> IntArray:
    """Offsets of the events in a jagged column: the objects of event ``k`` are ``offsets[k]`` to ``offsets[k + 1]``."""
    counts = ak.to_numpy(ak.num(column, axis=1))
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def flat(column: ak.Array, dtype: npt.DTypeLike | None = None) -> npt.NDArray[Any]:
    """Return the objects of all events one after another, as a numpy array."""
    return np.asarray(ak.to_numpy(ak.flatten(column, axis=1)), dtype=dtype)
