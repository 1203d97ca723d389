"""The fits of m_ee: the resolution, and the fit of the original study."""

import math

import numpy as np

from hepcol.inference.constants import Z_MASS
from hepcol.inference.lineshapes import BreitWigner, Chebychev, CrystalBall, Line, Smeared, Width
from hepcol.inference.model import YIELD, Component, Model, Parameter
from hepcol.inference.models import at_collision_energy
from hepcol.inference.plan import FitPlan
from hepcol.inference.radiation import Radiation
from hepcol.inference.spectrum import Spectrum
from processors.zee.electrons import Electrons
from processors.zee.observables import E1, E2, M_EE
from processors.zee.resolution import Resolution

SQRT_S = Z_MASS  # what is injected changes with its root, or not at all


def plans(electrons: Electrons, resolution: Resolution) -> dict[str, FitPlan]:
    """Return the fits of an analysis of some electrons, smeared with some resolution."""

    def build(spectrum: Spectrum) -> Model:
        if electrons is Electrons.ORIGINAL:  # the beams, which have not radiated
            return at_collision_energy(spectrum, Line())
        model = at_collision_energy(spectrum, Radiation())
        if electrons is Electrons.GENERATOR:
            return model
        # reconstruction and isolation choose among the photons, alike in all variations
        return model.changed({"radiation": {"fixed": False, "shared": True}})

    is_whole = electrons is not Electrons.RECONSTRUCTED  # the detector adds its own resolution
    common = {
        "observable": M_EE.name,
        "parameter": "sigma",
        "quantity": "resolution of $m_{ee}$",
        "unit": "GeV",
        "expected": injected(resolution),
        "expected_label": "injected" if is_whole else "smearing alone",
        "is_whole": is_whole,
        "against": (E1.name, E2.name),
    }
    return {"resolution": FitPlan(build=build, **common), "original": FitPlan(build=original, **common)}


def injected(resolution: Resolution) -> float:
    """Resolution of m_ee [GeV] that smearing both electrons of a Z at rest gives: m_ee is the sum of their energies."""
    return math.sqrt(2) * float(resolution.at(np.array(SQRT_S / 2)))


def original(spectrum: Spectrum) -> Model:
    """Return the model of the original study, with all its starts and bounds.

    A Breit-Wigner folded with a Crystal Ball, and a Chebychev background. It is ill-posed: the beams have one
    energy, so nothing is a Breit-Wigner, and width and share of the signal end at their bounds.
    """
    low, high = spectrum.range
    centres = (spectrum.edges[:-1] + spectrum.edges[1:]) / 2
    mean = float(np.average(centres, weights=spectrum.contents)) if spectrum.contents.sum() > 0 else SQRT_S
    mean = min(max(mean, low), high)  # negative weights may push it out
    parameters = (
        Parameter(YIELD, float(spectrum.contents.sum())),
        Parameter("mass", mean, low, high, "GeV"),
        Parameter("width", 2.49, 1.0, 4.0, "GeV"),
        Parameter("sigma", 2.6, 1.0, 5.0, "GeV"),
        Parameter("alpha", 1.3, fixed=True),
        Parameter("n", 5.1, fixed=True),
        Parameter("fraction", 0.9, 0.0, 1.0),
        *(Parameter(name, 0.0, -0.01, 0.01) for name in ("c1", "c2", "c3")),
    )
    signal = Smeared(BreitWigner(Width.NON_RELATIVISTIC), CrystalBall())
    return Model(
        "original",
        "Breit-Wigner and Crystal Ball, Chebychev background: the original study's, ill-posed",
        parameters,
        (Component("signal", signal, "fraction"), Component("background", Chebychev(low, high))),
    )
