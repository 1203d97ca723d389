"""Exponential, logarithm and hyperbolic functions that LLVM vectorises: no call, no branch, the same bits on every CPU.

``+ - * /`` and operations on the bits of a number alone: 1 ns each in a loop. With ``math.frexp`` or ``math.ldexp``,
which are calls into libm, 8 ns.
"""

import math
from typing import Any

import numpy as np

from hepcol.kernels._jit import inlined
from hepcol.kernels.elementary import polynomial

_LOG2_E = 1.4426950408889634
# ln 2 in two parts, of which the first has 32 zeros at its end: a multiple of it is exact
_LN_2_HIGH, _LN_2_LOW = 0.6931471803691238, 1.9082149292705877e-10
# exp(r) for |r| <= ln(2) / 2: the first neglected term is 2e-18
_EXP_SERIES = tuple(1.0 / math.factorial(k) for k in range(15))
_LARGEST = 708.0
# log(m) as in elementary
_LN_2 = 0.6931471805599453
_LOG_SERIES = tuple(1.0 / (2 * k + 1) for k in range(12))
# An integer is at the end of the bits of its sum with 1.5 * 2^52
_SHIFT, _SHIFT_BITS = 1.5 * 2.0**52, 0x4338000000000000
_SQRT_HALF_BITS, _MANTISSA, _BIAS = 0x3FE6A09E667F3BCD, 52, 1023


@inlined
def _bits_of(x: float) -> Any:
    """Return the bits of a number, as an integer."""
    return np.float64(x).view(np.int64)


@inlined
def _from_bits(bits: Any) -> Any:
    """Return the number that bits are of."""
    return np.int64(bits).view(np.float64)


@inlined
def exp(x: float) -> float:
    """Exponential for ``|x| <= 708``, relative error below 3e-16; beyond, infinity or 0; NaN for NaN."""
    clipped = min(x, _LARGEST)
    clipped = max(clipped, -_LARGEST)
    shifted = clipped * _LOG2_E + _SHIFT
    k = shifted - _SHIFT
    r = (clipped - k * _LN_2_HIGH) - k * _LN_2_LOW
    found = polynomial(_EXP_SERIES, r) * _from_bits((_bits_of(shifted) + _BIAS) << _MANTISSA)
    found = math.inf if x > _LARGEST else found
    return 0.0 if x < -_LARGEST else found


@inlined
def log(x: float) -> float:
    """Natural logarithm, the bits of :func:`hepcol.kernels.elementary.log`; infinite at 0, NaN below.

    Numbers below 2.3e-308 count as 0; NaN for infinity and NaN.
    """
    bits = _bits_of(x)
    exponent = (bits - _SQRT_HALF_BITS) >> _MANTISSA
    mantissa = _from_bits(bits - (exponent << _MANTISSA))
    s = (mantissa - 1.0) / (mantissa + 1.0)
    k = _from_bits(exponent + _SHIFT_BITS) - _SHIFT
    found = k * _LN_2 + 2.0 * s * polynomial(_LOG_SERIES, s * s)
    found = found if x < math.inf else math.nan
    found = found if x >= _SMALLEST else -math.inf
    return math.nan if x < 0.0 or x != x else found  # noqa: PLR0124  (NaN)


_SMALLEST = 2.0**-1022


@inlined
def cosh(x: float) -> float:
    """Hyperbolic cosine; relative error below 5e-16."""
    e = exp(abs(x))
    return 0.5 * e + 0.5 / e


@inlined
def asinh(x: float) -> float:
    """Inverse hyperbolic sine, the bits of :func:`hepcol.kernels.elementary.asinh`."""
    magnitude = log(abs(x) + math.sqrt(x * x + 1.0))
    return -magnitude if x < 0.0 else magnitude
