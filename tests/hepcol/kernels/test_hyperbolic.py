import numba
import numpy as np

from hepcol.kernels import elementary, hyperbolic


@numba.vectorize
def asinh(x):
    return hyperbolic.asinh(x)


@numba.vectorize
def elementary_asinh(x):
    return elementary.asinh(x)


def test_asinh_has_the_bits_of_the_elementary_one():
    x = np.concatenate([[0.0, -0.0], np.geomspace(1e-300, 1e150, 20_001), np.linspace(-12, 12, 20_001)])
    for values in (x, -x):
        assert asinh(values).tobytes() == elementary_asinh(values).tobytes()
