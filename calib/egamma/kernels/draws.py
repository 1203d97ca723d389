"""Standard normals of particles, by Philox."""

import numpy as np

from hepcol.kernels._jit import Floats, Unsigned, kernel
from hepcol.kernels.normal import normal_pair
from hepcol.kernels.philox import draw_words

_FIRST = np.uint64(0)


@kernel
def counter_normals(event: Unsigned, index: Unsigned, key: np.uint64, out: Floats) -> None:
    """Fill ``out[n]`` with the first normal of a particle of an event, both uint64."""
    for n in range(len(out)):
        w0, w1, _, _ = draw_words(event[n], index[n], _FIRST, key)
        out[n] = normal_pair(w0, w1)[0]
