"""Weighted sampling by an exponential race."""

import numpy as np

from hepcol.kernels._jit import Floats, Unsigned, kernel
from hepcol.kernels.hyperbolic import log

_LOW_BITS = np.uint64(11)  # which a mantissa has no room for


@kernel
def arrive(keys: Unsigned, weights: Floats, times: Floats) -> None:
    """Fill ``times[n]`` with when rows arrive that come at rates ``weights`` above 0: ``-ln(u) / weight``.

    ``u`` in (0, 1) are the upper 53 bits of the keys. Efraimidis and Spirakis, "Weighted random sampling with a
    reservoir", Information Processing Letters 97 (2006) 181, doi:10.1016/j.ipl.2005.11.003: the first to arrive are a
    sample without replacement with these weights.
    """
    for n in range(len(keys)):
        u = (np.float64(keys[n] >> _LOW_BITS) + 0.5) * 2.0**-53
        times[n] = -log(u) / weights[n]
