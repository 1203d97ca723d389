"""Random numbers of the samples: hepcol's counter streams, by event number, object and number of the draw."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.random import normals, philox4x32, stream_key

__all__ = ["Floats", "normals", "stream_key", "uniforms"]

Floats = npt.NDArray[np.float64]

_WORD_BITS = np.uint64(32)
_WORD = np.uint64(0xFFFFFFFF)
_STEP = 2.0**-32


def uniforms(key: np.uint64, event: npt.ArrayLike, obj: npt.ArrayLike, draw: npt.ArrayLike) -> Floats:
    """Draw uniform numbers strictly between 0 and 1; the arguments broadcast against each other.

    The first word of Philox4x32-10 of the counter (event, object, draw), plus one half, over 2^32.
    """
    columns: Any = np.broadcast_arrays(*(np.asarray(column, dtype=np.uint64) for column in (event, obj, draw)))
    number, obj_index, draw_index = (column.ravel() for column in columns)
    counters = np.stack([number & _WORD, number >> _WORD_BITS, obj_index, draw_index], axis=1)
    words = philox4x32(counters, np.array([key & _WORD, key >> _WORD_BITS]))
    return ((words[:, 0].astype(np.float64) + 0.5) * _STEP).reshape(columns[0].shape)
