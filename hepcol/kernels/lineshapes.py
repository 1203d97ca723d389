"""Line shapes: a response with power-law tails, summed over the positions that it smears.

The response is the double-sided Crystal Ball in ``t = (x - position) / sigma``: ``exp(-t^2 / 2)`` between
``-alpha_low`` and ``alpha_high``, and beyond them power laws that continue value and slope (J. E. Gaiser, thesis,
SLAC-R-255 (1982), appendix F; both sides as in RooCrystalBall). An infinite ``alpha`` leaves no tail.
Unlike the kernels that make results these use libm: a fit is no exact sum.
"""

import math

from hepcol.kernels._jit import Floats, inlined, kernel

_SQRT_HALF = math.sqrt(0.5)
_SQRT_HALF_PI = math.sqrt(0.5 * math.pi)


@inlined
def _tail(depth: float, alpha: float, n: float) -> float:
    """Height of a tail at ``depth`` standard deviations on its side; 1 at the centre's height."""
    return math.exp(-0.5 * alpha * alpha) * (1.0 + alpha / n * (depth - alpha)) ** -n


@inlined
def _tail_integral(depth: float, alpha: float, n: float) -> float:
    """Integral of a tail from ``depth`` outwards; ``n > 1``."""
    if alpha == math.inf:
        return 0.0
    return (n / alpha / (n - 1.0)) * math.exp(-0.5 * alpha * alpha) * (1.0 + alpha / n * (depth - alpha)) ** (1.0 - n)


@inlined
def _cumulative(t: float, alpha_low: float, n_low: float, alpha_high: float, n_high: float) -> float:
    """Integral of the response from minus infinity to ``t``."""
    if t < -alpha_low:
        return _tail_integral(-t, alpha_low, n_low)
    low = _tail_integral(alpha_low, alpha_low, n_low)
    from_low = math.erf(alpha_low * _SQRT_HALF)
    if t <= alpha_high:
        return low + _SQRT_HALF_PI * (from_low + math.erf(t * _SQRT_HALF))
    core = _SQRT_HALF_PI * (from_low + math.erf(alpha_high * _SQRT_HALF))
    return low + core + _tail_integral(alpha_high, alpha_high, n_high) - _tail_integral(t, alpha_high, n_high)


@kernel
def smeared_cumulative(
    x: Floats,
    positions: Floats,
    weights: Floats,
    sigma: float,
    alpha_low: float,
    n_low: float,
    alpha_high: float,
    n_high: float,
    out: Floats,
) -> None:
    """Fill ``out`` with the probability below ``x`` of positions with weights, each smeared by the response."""
    total = _cumulative(math.inf, alpha_low, n_low, alpha_high, n_high)
    for k in range(len(x)):
        below = 0.0
        for node in range(len(positions)):
            t = (x[k] - positions[node]) / sigma
            below += weights[node] * _cumulative(t, alpha_low, n_low, alpha_high, n_high)
        out[k] = below / total


@kernel
def smeared_density(
    x: Floats,
    positions: Floats,
    weights: Floats,
    sigma: float,
    alpha_low: float,
    n_low: float,
    alpha_high: float,
    n_high: float,
    out: Floats,
) -> None:
    """Fill ``out`` with the density at ``x`` of what :func:`smeared_cumulative` integrates."""
    total = _cumulative(math.inf, alpha_low, n_low, alpha_high, n_high)
    for k in range(len(x)):
        height = 0.0
        for node in range(len(positions)):
            t = (x[k] - positions[node]) / sigma
            if t < -alpha_low:
                height += weights[node] * _tail(-t, alpha_low, n_low)
            elif t > alpha_high:
                height += weights[node] * _tail(t, alpha_high, n_high)
            else:
                height += weights[node] * math.exp(-0.5 * t * t)
        out[k] = height / (total * sigma)
