"""Natural logarithms of whole columns."""

import numpy as np

from hepcol.kernels._jit import Floats, kernel
from hepcol.kernels.hyperbolic import log


@kernel
def log_all(values: Floats) -> Floats:
    """Logarithm of each, with the same bits on every CPU; infinite at 0, NaN below."""
    found = np.empty(len(values))
    for i in range(len(values)):
        found[i] = log(values[i])
    return found
