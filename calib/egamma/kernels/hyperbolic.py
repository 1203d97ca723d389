"""Exponential and hyperbolic cosine from ``+ - * /`` alone: the same bits on every CPU."""

import math

import numpy as np

from hepcol.kernels._jit import inlined
from hepcol.kernels.elementary import polynomial

_LOG2_E = 1.4426950408889634
# ln 2 in two parts, of which the first has 32 zeros at its end: a multiple of it is exact
_LN_2_HIGH, _LN_2_LOW = 0.6931471803691238, 1.9082149292705877e-10
# exp(r) for |r| <= ln(2) / 2: the first neglected term is 2e-18
_EXP_SERIES = tuple(1.0 / math.factorial(k) for k in range(15))
_LARGEST = 709.0


@inlined
def exp(x: float) -> float:
    """Exponential for ``|x| <= 709``, relative error below 3e-16; beyond, infinity or 0; NaN for NaN."""
    if not abs(x) <= _LARGEST:
        return x if math.isnan(x) else (math.inf if x > 0.0 else 0.0)
    k = np.floor(x * _LOG2_E + 0.5)
    r = (x - k * _LN_2_HIGH) - k * _LN_2_LOW
    return math.ldexp(polynomial(_EXP_SERIES, r), int(k))


@inlined
def cosh(x: float) -> float:
    """Hyperbolic cosine; relative error below 5e-16."""
    e = exp(abs(x))
    return 0.5 * e + 0.5 / e
