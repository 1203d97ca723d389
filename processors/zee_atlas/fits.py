"""The fits of m_ee: where the peak is, and how wide."""

from dataclasses import replace

from hepcol.inference.models import at_resonance
from hepcol.inference.plan import FitPlan
from hepcol.units import GeV
from processors.zee_atlas.observables import M_EE

RANGE = (80 * GeV, 100 * GeV)  # beyond, radiation and virtual photons are more than a Breit-Wigner has


def plans() -> dict[str, FitPlan]:
    """Return the fits: of one model, the resolution and the position of the peak."""
    resolution = FitPlan(
        observable=M_EE.name,
        build=at_resonance,
        parameter="sigma",
        quantity="resolution of $m_{ee}$",
        unit="GeV",
        is_whole=False,
        range=RANGE,
    )
    position = replace(resolution, parameter="shift", quantity="shift of the peak of $m_{ee}$")
    return {"resolution": resolution, "position": position}
