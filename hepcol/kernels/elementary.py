"""Elementary functions in double precision from ``+ - * / sqrt`` alone: the same bits on every CPU.

libm differs in the last bit between CPUs with and without fused multiply-add. Power series after range
reduction need no fitted coefficient; each is cut where the next term is below 1e-17 of the result.
"""

import math
from typing import Any

from hepcol.kernels._jit import inlined

_LN_2 = 0.6931471805599453
_SQRT_HALF = 0.7071067811865476

# log(m) = 2 s (1 + s^2/3 + s^4/5 + ...), s = (m - 1) / (m + 1), |s| <= 0.172
_LOG_SERIES = tuple(1.0 / (2 * k + 1) for k in range(12))
# atan(t) = t (1 - t^2/3 + t^4/5 - ...), after two halvings |t| <= tan(pi/16)
_ATAN_SERIES = tuple((-1.0) ** k / (2 * k + 1) for k in range(12))


def _trigonometric_series(first: float, offset: int, terms: int) -> tuple[float, ...]:
    """Coefficients of sin(pi w) or cos(pi w) in powers of w^2, from multiplications and divisions alone."""
    series = [first]
    for k in range(terms - 1):
        series.append(-series[-1] * math.pi * math.pi / ((2 * k + 1 + offset) * (2 * k + 2 + offset)))
    return tuple(series)


_SIN_SERIES = _trigonometric_series(math.pi, 1, 12)
_COS_SERIES = _trigonometric_series(1.0, 0, 12)


@inlined
def polynomial(coefficients: tuple[float, ...], x: float) -> float:
    """Horner's rule, lowest power first."""
    total = 0.0
    for k in range(len(coefficients) - 1, -1, -1):
        total = total * x + coefficients[k]
    return total


@inlined
def log(x: float) -> float:
    """Natural logarithm of a positive finite number; NaN for infinity and NaN."""
    mantissa, exponent = math.frexp(x)
    if mantissa < _SQRT_HALF:
        mantissa *= 2.0
        exponent -= 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    return exponent * _LN_2 + 2.0 * s * polynomial(_LOG_SERIES, s * s)


@inlined
def sincospi(w: float) -> tuple[float, float]:
    """Return ``sin(pi w), cos(pi w)`` for ``|w| <= 1/2``."""
    square = w * w
    return w * polynomial(_SIN_SERIES, square), polynomial(_COS_SERIES, square)


@inlined
def atan2(y: float, x: float) -> float:
    """Angle of the point ``(x, y)`` in ``[-pi, pi]``; 0 at the origin."""
    abs_x, abs_y = abs(x), abs(y)
    larger, smaller = max(abs_x, abs_y), min(abs_x, abs_y)
    if larger == 0.0:
        return 0.0
    t = smaller / larger
    t = t / (1.0 + math.sqrt(1.0 + t * t))
    t = t / (1.0 + math.sqrt(1.0 + t * t))
    angle = 4.0 * t * polynomial(_ATAN_SERIES, t * t)
    if abs_y > abs_x:
        angle = 0.5 * math.pi - angle
    if x < 0.0:
        angle = math.pi - angle
    return -angle if y < 0.0 else angle


@inlined
def asinh(x: float) -> Any:
    """Inverse hyperbolic sine; absolute error below 1e-15."""
    magnitude = log(abs(x) + math.sqrt(x * x + 1.0))
    return -magnitude if x < 0.0 else magnitude
