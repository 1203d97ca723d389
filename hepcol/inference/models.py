"""Models of the mass of a lepton pair, whose width is the resolution."""

import math

import numpy as np

from hepcol.inference.constants import Z_MASS, Z_WIDTH
from hepcol.inference.lineshapes import (
    BreitWigner,
    CrystalBall,
    DoubleCrystalBall,
    Shifted,
    Smeared,
    Truth,
    Width,
)
from hepcol.inference.model import YIELD, Component, Model, Parameter
from hepcol.inference.spectrum import Spectrum
from hepcol.units import GeV

# Where a tail begins, in sigma. At the upper bound 6 entries of 10^5 are beyond: there is no tail. Below the lower
# one the core is no Gaussian any more.
NO_TAIL, LOWEST_ALPHA = 4.0, 1.0
TAIL_POWER = 5.0
_HALF_MAXIMUM = math.sqrt(2 * math.log(2))  # of a Gaussian, in sigma
_QUARTILES = 1.349  # between those of a Gaussian, in sigma
_MIN_SIGMA = 0.1  # of a bin: narrower than that no histogram can tell
_SHIFT = 5 * GeV
_AT_THE_Z = (86 * GeV, 96 * GeV)  # elsewhere pairs are not mainly from Z of little radiation


def at_collision_energy(spectrum: Spectrum, truth: Truth) -> Model:
    """Pairs from e+e- at one collision energy: a double Crystal Ball around it.

    Parameters
    ----------
    spectrum : Spectrum
        The spectrum, which tells where to start.
    truth : Truth
        Mass before the detector: :class:`hepcol.inference.radiation.Radiation`, or
        :class:`hepcol.inference.lineshapes.Line` where nothing radiates. Without radiation a Crystal Ball's tail
        would stand for it, and its core would come out 5 to 10 % too wide at the Z, for half of the pairs lose
        between 0.02 and 1 GeV.

    Returns
    -------
    Model
        With the parameters ``yield``, ``mean``, ``sigma`` and those of the truth and the tails. Tails are shared
        by all variations.
    """
    low, high = spectrum.range
    peak, sigma = starts(spectrum)
    own = {
        "radiation": Parameter("radiation", 1.0, 0.0, 3.0, fixed=True),
        "sqrt_s": Parameter("sqrt_s", Z_MASS, *_AT_THE_Z, "GeV", fixed=True),
    }
    parameters = (
        _yield(spectrum),
        Parameter("mean", peak, low, high, "GeV"),
        Parameter("sigma", sigma, *_sigma_bounds(spectrum), "GeV", other_start=_wide(spectrum)),
        *(own[name] for name in truth.names if name != "mean"),
        Parameter("alpha_low", NO_TAIL / 2, LOWEST_ALPHA, NO_TAIL, shared=True, absent=NO_TAIL),
        Parameter("n_low", TAIL_POWER, 1.1, 100.0, fixed=True),
        Parameter("alpha_high", NO_TAIL / 2, LOWEST_ALPHA, NO_TAIL, shared=True, absent=NO_TAIL),
        Parameter("n_high", TAIL_POWER, 1.1, 100.0, fixed=True),
    )
    shape = Smeared(truth, DoubleCrystalBall())
    title = "double Crystal Ball around " + ("sqrt(s) after radiation" if "radiation" in truth.names else "sqrt(s)")
    return Model("resolution", title, parameters, (Component("signal", shape),))


def at_resonance(spectrum: Spectrum) -> Model:
    """Pairs from a Z in proton collisions: its line shape, of PDG mass and width, folded with a Crystal Ball.

    Parameters
    ----------
    spectrum : Spectrum
        The spectrum, which tells where to start.

    Returns
    -------
    Model
        With the parameters ``yield``, ``shift`` of the mass scale, ``sigma``, ``alpha`` and ``n`` of the low tail.
    """
    _, width = starts(spectrum)
    bounds = _sigma_bounds(spectrum)
    # what is seen is about the quadratic sum of the resolution and the Z's own width
    sigma = math.sqrt(max(width**2 - (Z_WIDTH / 2 / _HALF_MAXIMUM) ** 2, (2 * bounds[0]) ** 2))
    parameters = (
        _yield(spectrum),
        Parameter("shift", 0.0, -_SHIFT, _SHIFT, "GeV"),
        Parameter("sigma", sigma, *bounds, "GeV", other_start=_wide(spectrum)),
        Parameter("mass", Z_MASS, 0.0, unit="GeV", fixed=True),
        Parameter("width", Z_WIDTH, 0.0, unit="GeV", fixed=True),
        Parameter("alpha", NO_TAIL / 2, LOWEST_ALPHA / 2, NO_TAIL, shared=True, absent=NO_TAIL),
        Parameter("n", TAIL_POWER, 1.1, 100.0, fixed=True),
    )
    shape = Smeared(Shifted(BreitWigner(Width.RUNNING)), CrystalBall())
    title = "Breit-Wigner of the Z, with running width, and a Crystal Ball"
    return Model("resolution", title, parameters, (Component("signal", shape),))


def starts(spectrum: Spectrum) -> tuple[float, float]:
    """Return where a spectrum peaks, and its sigma as the upper side of the peak shows it.

    The lower side may have a radiative tail.
    """
    edges, contents = spectrum.edges, spectrum.contents
    centres = (edges[:-1] + edges[1:]) / 2
    smooth = np.convolve(np.pad(contents, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    top = int(np.argmax(smooth))
    below_half = np.flatnonzero(smooth[top:] < smooth[top] / 2)
    half = (centres[top + below_half[0]] if len(below_half) else edges[-1]) - centres[top]
    low, high = _sigma_bounds(spectrum)
    return float(centres[top]), float(np.clip(half / _HALF_MAXIMUM, 2 * low, high / 2))


def _wide(spectrum: Spectrum) -> float:
    """Sigma as the quartiles of all entries show it, which a few of them cannot make small."""
    low, high = _sigma_bounds(spectrum)
    below = np.cumsum(np.maximum(spectrum.contents, 0))
    first, third = np.interp([0.25 * below[-1], 0.75 * below[-1]], below, spectrum.edges[1:])
    return float(np.clip((third - first) / _QUARTILES, 2 * low, high / 2))


def _yield(spectrum: Spectrum) -> Parameter:
    return Parameter(YIELD, float(spectrum.contents.sum()))


def _sigma_bounds(spectrum: Spectrum) -> tuple[float, float]:
    """From what bins can tell to half of the range."""
    low, high = spectrum.range
    return _MIN_SIGMA * float(np.diff(spectrum.edges).min()), (high - low) / 2
