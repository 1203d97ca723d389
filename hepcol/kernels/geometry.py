"""Directions, distances, rapidities and masses."""

import math

from hepcol.kernels.blocks import inlined
from hepcol.kernels.elementary import asinh, sincospi
from hepcol.kernels.hyperbolic import exp


@inlined
def direction(phi: float) -> tuple[float, float]:
    """Return cosine and sine of an azimuth within (-3 pi / 2, 3 pi / 2)."""
    w = phi / math.pi
    sign = 1.0
    if w > 0.5:  # noqa: PLR2004
        w, sign = w - 1.0, -1.0
    elif w < -0.5:  # noqa: PLR2004
        w, sign = w + 1.0, -1.0
    sine, cosine = sincospi(w)
    return sign * cosine, sign * sine


@inlined
def angle(first: float, second: float) -> float:
    """Angle between two azimuths, 0 to pi."""
    difference = abs(first - second)
    return 2.0 * math.pi - difference if difference > math.pi else difference


@inlined
def hypot(x: float, y: float) -> float:
    """Length of a vector; libm's differs in the last bit between CPUs."""
    return math.sqrt(x * x + y * y)


@inlined
def distance(y1: float, phi1: float, y2: float, phi2: float) -> float:
    """Distance in rapidity and azimuth."""
    return hypot(y1 - y2, angle(phi1, phi2))


@inlined
def rapidity(pt: float, eta: float, mass: float) -> float:
    """Rapidity of a jet, which no variation changes: its mass scales with its momentum."""
    grown = exp(eta)
    ratio = mass / pt
    return asinh(0.5 * (grown - 1.0 / grown) / math.sqrt(1.0 + ratio * ratio))


@inlined
def mass(pt1: float, pt2: float, d_eta: float, d_x: float, d_y: float) -> float:
    """Mass of two massless leptons, of whose directions in the transverse plane ``d_x``, ``d_y`` is the difference.

    2 pt1 pt2 (cosh d_eta - cos d_phi), as a sum of squares, which do not cancel.
    """
    grown = exp(0.5 * d_eta)
    half_eta = 0.5 * (grown - 1.0 / grown)
    return 2.0 * math.sqrt(pt1 * pt2) * hypot(half_eta, 0.5 * hypot(d_x, d_y))
