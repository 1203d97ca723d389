"""The likelihood of a spectrum, as Minuit is to minimise it, and what weights change about its curvature."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hepcol.inference.arrays import FloatArray
from hepcol.inference.model import YIELD, Model
from hepcol.inference.spectrum import Spectrum

_LEAST_EXPECTED = 1e-300  # a logarithm of less has no value
_STEP = 0.03  # of a derivative, in errors


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Poisson's likelihood of every bin; of weighted events, that of the sums of weights divided by a typical weight.

    One weight for all bins: scaled by the weights of its own bin (G. Bohm, G. Zech, Nucl. Instrum. Meth. A 748 (2014)
    1) a bin with a single event of small weight would count for many. With exponential weights, 80 events in a bin,
    that shifted a fitted width by twice its error.

    Parameters
    ----------
    model : Model
        The model; all bins of the spectrum are its range.
    spectrum : Spectrum
        The bins; the sum of weights is positive.
    """

    model: Model
    spectrum: Spectrum

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters."""
        return tuple(parameter.name for parameter in self.model.parameters)

    @cached_property
    def units(self) -> FloatArray:
        """What Minuit counts each parameter in: the yield in entries.

        Where a second derivative is not positive, as of a parameter in a flat direction near its bound, Minuit adds
        0.5 to all of them and does not tell (MnPosDef). That of a yield of thousands would be lost in it: its error
        was 2.
        """
        entries = float(self.spectrum.contents.sum())
        return np.array([entries if name == YIELD else 1.0 for name in self.names])

    def expected(self, numbers: Sequence[float] | FloatArray) -> FloatArray:
        """Return the expected sum of weights in each bin for what Minuit has."""
        values = dict(zip(self.names, (np.asarray(numbers) * self.units).tolist(), strict=True))
        return np.maximum(self.model.expected(self.spectrum.edges, values), _LEAST_EXPECTED)

    @cached_property
    def _logarithm(self) -> FloatArray:
        """Logarithm of the contents; without it where they are not positive the deviance has another zero, no more."""
        contents = self.spectrum.contents
        return np.log(np.where(contents > 0, contents, 1.0))

    def __call__(self, *numbers: float) -> float:
        """Return the deviance: twice the negative logarithm, relative to a perfect expectation."""
        if not all(map(math.isfinite, numbers)):  # as Minuit tries where a curvature has failed
            return math.inf
        expected, contents = self.expected(numbers), self.spectrum.contents
        terms = expected - contents + contents * (self._logarithm - np.log(expected))
        return float(2 * terms.sum() / self.spectrum.weight)

    def covariance(
        self, numbers: FloatArray, errors: FloatArray, free: Sequence[int], curvature: FloatArray
    ) -> FloatArray:
        """Return the covariance of the free parameters.

        For weighted events it is ``C K C``, with ``C`` from the curvature and ``K`` what the score spreads given the
        sums of squared weights (C. Langenbruch, Eur. Phys. J. C 82 (2022) 393).

        Parameters
        ----------
        numbers, errors : float64[n]
            What Minuit has for all parameters.
        free : sequence of int
            Positions of the free ones.
        curvature : float64[n_free, n_free]
            Their covariance as the curvature of the likelihood has it.
        """
        if self.spectrum.variances is None:
            return curvature
        slopes = np.stack([self._slope(numbers, number, errors[number]) for number in free])
        spread = (slopes * self.spectrum.variances) @ slopes.T / self.spectrum.weight**2
        return np.asarray(curvature @ spread @ curvature)

    def _slope(self, numbers: FloatArray, number: int, error: float) -> FloatArray:
        """Return the derivative of the logarithm of the expectation by a parameter."""
        parameter, unit = self.model.parameters[number], self.units[number]
        sides = []
        for step in (-_STEP * error, _STEP * error):
            moved = numbers.copy()
            moved[number] = np.clip(moved[number] + step, parameter.lower / unit, parameter.upper / unit)
            sides.append((moved[number], np.log(self.expected(moved))))
        (low, below), (high, above) = sides
        return np.asarray((above - below) / (high - low))
