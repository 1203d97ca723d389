"""Energy resolution: absolute, or that of a calorimeter."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Resolution:
    """Standard deviation of an energy, from terms that are added in quadrature.

    Parameters
    ----------
    sigma : float
        Absolute resolution [GeV].
    stochastic, noise, constant : float
        Terms a [sqrt(GeV)], b [GeV] and c of a calorimeter, a / sqrt(E) + b / E + c relative to E
        (PDG, Review of Particle Physics, Particle Detectors at Accelerators, Calorimeters).
    """

    sigma: float = 0.0
    stochastic: float = 0.0
    noise: float = 0.0
    constant: float = 0.0

    def at(self, energy: FloatArray) -> FloatArray:
        """Return the standard deviation [GeV] at an energy [GeV], by correctly rounded operations alone."""
        fixed = self.sigma * self.sigma + self.noise * self.noise
        linear = self.stochastic * self.stochastic
        quadratic = self.constant * self.constant
        return np.sqrt(fixed + energy * (linear + energy * quadratic))
