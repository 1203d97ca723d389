"""Electromagnetic radiation in e+e- -> Z -> l+l-: how much of sqrt(s) the lepton pair keeps, in leading logarithm.

Both initial and final state lose the fraction ``z`` of the squared mass with the density
``beta z^(beta - 1) (1 + (1 - z)^2) / 2``, ``beta = 2 alpha / pi (ln(s / m^2) - 1)`` (E. A. Kuraev, V. S. Fadin,
Sov. J. Nucl. Phys. 41 (1985) 466; the splitting function of the equivalent-photon approximation). Before the Z
the loss moves the collision off the resonance, which multiplies it by the Z's line shape
(ALEPH, DELPHI, L3, OPAL, SLD, Phys. Rept. 427 (2006) 257, section 1.5).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hepcol.inference.arrays import FloatArray
from hepcol.inference.constants import ALPHA, ELECTRON_MASS, Z_MASS, Z_WIDTH
from hepcol.units import GeV

_INITIAL_NODES = 60
# Losses of mass are told apart in steps that grow from 20 MeV to 12 % of the loss: finer than any resolution that
# is fitted, so that more steps change the expectation by less than 1e-4
_FIRST_LOSS = 0.02 * GeV
_GROWTH = 1.12


def radiator_exponent(sqrt_s: float) -> float:
    """Return beta at a collision energy [GeV]: 0.109 at the Z."""
    return 2 * ALPHA / math.pi * (math.log((sqrt_s / ELECTRON_MASS) ** 2) - 1)


@dataclass(frozen=True)
class Radiation:
    """Masses of lepton pairs at an e+e- collider at the Z, before the detector.

    The parameters are ``mean``, the collision energy as it is measured [GeV], and ``radiation``, the strength of
    the radiation of the final state relative to QED's; a detector that adds photons to their electron lowers it.

    Parameters
    ----------
    sqrt_s : float
        Collision energy [GeV] at which the radiation is computed.
    """

    sqrt_s: float
    names = ("mean", "radiation")

    def nodes(self, values: dict[str, float], _sigma: float) -> tuple[FloatArray, FloatArray]:
        """Return positions [GeV] and the weights that add up to one."""
        kept, weights = radiated(self.sqrt_s, values["radiation"])
        return values["mean"] * kept, weights


@lru_cache(maxsize=64)
def radiated(sqrt_s: float, strength: float) -> tuple[FloatArray, FloatArray]:
    """Return fractions of sqrt(s) that the pair keeps, and their probabilities.

    Parameters
    ----------
    sqrt_s : float
        Collision energy [GeV].
    strength : float
        Radiation of the final state relative to QED's.
    """
    edges = _loss_edges(sqrt_s)
    cumulative = kept_above(sqrt_s, strength, 1 - edges / sqrt_s)
    beta = radiator_exponent(sqrt_s) * (1 + strength)
    # in the first step the loss follows its power law, elsewhere it hardly changes within a step
    losses = np.concatenate(([_FIRST_LOSS * beta / (1 + beta)], (edges[1:-1] + edges[2:]) / 2))
    kept, weights = 1 - losses / sqrt_s, np.diff(cumulative)
    for array in (kept, weights):
        array.flags.writeable = False
    return kept, weights / cumulative[-1]


def kept_above(sqrt_s: float, strength: float, kept: FloatArray) -> FloatArray:
    """Return the probability that a pair keeps more than the fractions ``kept`` of sqrt(s)."""
    beta = radiator_exponent(sqrt_s)
    u, weights = np.polynomial.legendre.leggauss(_INITIAL_NODES)
    # with z = u^(1 / beta) the power law is flat in u
    initial = ((1 + u) / 2) ** (1 / beta)
    weights = weights * _splitting(initial) * _resonance(sqrt_s**2 * (1 - initial)) / _resonance(sqrt_s**2)
    final = 1 - np.asarray(kept)[:, np.newaxis] ** 2 / (1 - initial)
    probability = _final_cumulative(np.clip(final, 0, 1), beta * strength) @ weights
    return np.asarray(probability / (_final_cumulative(np.ones(1), beta * strength) * weights.sum()))


def _loss_edges(sqrt_s: float) -> FloatArray:
    """Edges of the steps in lost mass [GeV]."""
    steps = math.ceil(math.log(sqrt_s / _FIRST_LOSS) / math.log(_GROWTH))
    return np.concatenate(([0.0], np.geomspace(_FIRST_LOSS, sqrt_s, steps + 1)))


def _splitting(z: FloatArray) -> FloatArray:
    """Return the correction of the power law for hard photons."""
    return (1 + (1 - z) ** 2) / 2


def _final_cumulative(z: FloatArray, beta: float) -> FloatArray:
    """Integral of the density in ``z`` from zero."""
    return z**beta * (1 - beta * z / (beta + 1) + beta * z * z / (2 * (beta + 2)))


def _resonance(s: FloatArray | float) -> FloatArray:
    """Return the Z's line shape with running width."""
    return np.asarray(s / ((s - Z_MASS**2) ** 2 + (s * Z_WIDTH / Z_MASS) ** 2))
