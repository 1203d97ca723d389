"""Line shapes: true masses, responses, the two folded, and backgrounds; all are densities in mass.

A shape has ``names``, its parameters, and gives ``density`` and ``cumulative`` (the integral from wherever it
likes) at masses [GeV] for ``values`` of them. Models normalise over the range that is fitted.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

import numpy as np

from hepcol.inference.arrays import FloatArray
from hepcol.kernels import lineshapes as kernels

Values = Mapping[str, float]
Tails = tuple[float, float, float, float]


class Shape(Protocol):
    """A density in mass."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""

    def density(self, x: FloatArray, values: Values) -> FloatArray:
        """Height at ``x`` [1 / GeV]."""

    def cumulative(self, x: FloatArray, values: Values) -> FloatArray:
        """Integral up to ``x``."""


class Truth(Protocol):
    """A distribution of true masses that a response can be folded with."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""

    def nodes(self, values: Values, sigma: float) -> tuple[FloatArray, FloatArray]:
        """Masses [GeV] and their weights, dense enough for a response of width ``sigma`` [GeV]."""


class Response(Protocol):
    """A response of width ``sigma`` around the true mass."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, ``sigma`` among them."""

    def tails(self, values: Values) -> Tails:
        """Where the tails begin, in sigma, and their powers: low side, high side."""


@dataclass(frozen=True)
class DoubleCrystalBall:
    """Gaussian core with a power-law tail on either side, see :mod:`hepcol.kernels.lineshapes`."""

    names = ("sigma", "alpha_low", "n_low", "alpha_high", "n_high")

    def tails(self, values: Values) -> Tails:
        """Return where the tails begin, and their powers."""
        return values["alpha_low"], values["n_low"], values["alpha_high"], values["n_high"]


@dataclass(frozen=True)
class CrystalBall:
    """Gaussian core with a power-law tail on the low side (J. E. Gaiser, SLAC-R-255, appendix F)."""

    names = ("sigma", "alpha", "n")

    def tails(self, values: Values) -> Tails:
        """Return where the tail begins, and its power; there is none on the high side."""
        return values["alpha"], values["n"], math.inf, values["n"]


@dataclass(frozen=True)
class Line:
    """One mass, ``mean``."""

    names = ("mean",)

    def nodes(self, values: Values, _sigma: float) -> tuple[FloatArray, FloatArray]:
        """Return the mass."""
        return np.array([values["mean"]]), np.ones(1)


class Width(StrEnum):
    """How the width of a resonance enters."""

    NON_RELATIVISTIC = "non-relativistic"
    FIXED = "fixed"
    RUNNING = "running"


_REACH = 8.0  # in asinh of half widths: 1500 half widths to either side
_MAX_STEP = 1 / 16
_SUPPORT = 15.0  # farther from the resonance than this, in GeV, spacing may exceed half of the response's width
_REMEMBERED = 64


@dataclass(frozen=True)
class BreitWigner:
    """A resonance of ``mass`` and ``width`` [GeV].

    Non-relativistic it is ``1 / ((m - M)^2 + Gamma^2 / 4)``. Else the squared propagator, a density in ``s = m^2``,
    with fixed width ``m / ((s - M^2)^2 + M^2 Gamma^2)`` or running ``m / ((s - M^2)^2 + s^2 Gamma^2 / M^2)`` (PDG,
    Resonances; and Phys. Rept. 427 (2006) 257, equation 1.38). Either is a Lorentzian: in ``m``, or in ``s``.
    """

    kind: Width
    names = ("mass", "width")

    def _lorentzian(self, values: Values) -> tuple[float, float]:
        """Centre and half width in the variable that it is a Lorentzian in."""
        mass, width = values["mass"], values["width"]
        match self.kind:
            case Width.NON_RELATIVISTIC:
                return mass, width / 2
            case Width.FIXED:
                return mass * mass, mass * width
            case Width.RUNNING:
                ratio = width / mass
                return mass * mass / (1 + ratio * ratio), mass * width / (1 + ratio * ratio)

    @property
    def _in_mass(self) -> bool:
        return self.kind is Width.NON_RELATIVISTIC

    def density(self, x: FloatArray, values: Values) -> FloatArray:
        """Height at ``x``; its integral over all of them is one."""
        centre, half = self._lorentzian(values)
        variable, slope = (x, 1.0) if self._in_mass else (x * x, 2 * x)
        return np.asarray(slope * half / math.pi / ((variable - centre) ** 2 + half * half))

    def cumulative(self, x: FloatArray, values: Values) -> FloatArray:
        """Integral up to ``x``."""
        centre, half = self._lorentzian(values)
        return np.asarray(np.arctan(((x if self._in_mass else x * x) - centre) / half) / math.pi)

    def nodes(self, values: Values, sigma: float) -> tuple[FloatArray, FloatArray]:
        """Return masses and weights: the midpoint rule in asinh of the distance, which converges exponentially."""
        centre, half = self._lorentzian(values)
        # Spacing is the distance times the step. For a Gaussian the error falls as exp(-2 (pi sigma / spacing)^2), but
        # where a tail begins the second derivative jumps, and it falls as the cube: bins are right to 3e-7 of the
        # highest for sigma of 0.1 to 6 GeV; twice the step costs half, and makes that 3e-6. Steps are powers of two,
        # so that the expectation is smooth in sigma between them.
        step = min(_MAX_STEP, 2.0 ** math.floor(math.log2(sigma / (_SUPPORT + 8 * sigma))) / 2)
        lowest = -_REACH if self._in_mass else max(-_REACH, -math.asinh(centre / half))
        grid = np.arange(lowest + step / 2, _REACH, step)
        variable = centre + half * np.sinh(grid)
        weights = step / (math.pi * np.cosh(grid))
        return (variable if self._in_mass else np.sqrt(np.maximum(variable, 0))), weights


@dataclass(frozen=True)
class Shifted:
    """Another truth, with all masses moved by ``shift`` [GeV]."""

    truth: Truth

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return ("shift", *self.truth.names)

    def nodes(self, values: Values, sigma: float) -> tuple[FloatArray, FloatArray]:
        """Return the moved masses."""
        positions, weights = self.truth.nodes(values, sigma)
        return positions + values["shift"], weights


@dataclass(frozen=True)
class Smeared:
    """True masses folded with a response.

    The response is integrated in closed form and the true masses are summed over: no grid in measured mass, no
    cyclic overlap, and bin integrals without quadrature (a Fourier transform on 10,000 points costs 3 times more).
    """

    truth: Truth
    response: Response

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return (*self.truth.names, *self.response.names)

    def density(self, x: FloatArray, values: Values) -> FloatArray:
        """Height at ``x``."""
        return self._sum(kernels.smeared_density, x, values)

    def cumulative(self, x: FloatArray, values: Values) -> FloatArray:
        """Integral up to ``x``; read-only, for it is remembered."""
        return _smeared_cumulative(
            self, np.asarray(x, dtype=np.float64).tobytes(), tuple(values[name] for name in self.names)
        )

    def _sum(self, kernel: Callable[..., None], x: FloatArray, values: Values) -> FloatArray:
        sigma = values["sigma"]
        positions, weights = self.truth.nodes(values, sigma)
        out = np.empty(len(x))
        kernel(np.ascontiguousarray(x, dtype=np.float64), positions, weights, sigma, *self.response.tails(values), out)
        return out


@lru_cache(maxsize=_REMEMBERED)
def _smeared_cumulative(shape: Smeared, x: bytes, numbers: tuple[float, ...]) -> FloatArray:
    """Return the integral up to ``x`` of a shape: for more than half of a fit's steps it is that of an earlier one.

    Steps in the yield, in shares and in the background do not change it.
    """
    values = dict(zip(shape.names, numbers, strict=True))
    out = shape._sum(kernels.smeared_cumulative, np.frombuffer(x), values)
    out.flags.writeable = False
    return out


@dataclass(frozen=True)
class Chebychev:
    """A background: one plus Chebychev polynomials of the first kind, on a range [GeV]."""

    low: float
    high: float
    names: tuple[str, ...] = ("c1", "c2", "c3")

    def _series(self, values: Values) -> np.polynomial.Chebyshev:
        coefficients = [1.0, *(values[name] for name in self.names)]
        return np.polynomial.Chebyshev(coefficients, domain=[self.low, self.high])

    def density(self, x: FloatArray, values: Values) -> FloatArray:
        """Height at ``x``, not normalised."""
        return np.asarray(self._series(values)(x))

    def cumulative(self, x: FloatArray, values: Values) -> FloatArray:
        """Integral up to ``x``."""
        return np.asarray(self._series(values).integ()(x))
