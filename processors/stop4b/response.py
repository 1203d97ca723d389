"""How the kinematic variations change objects: a table, whose formulas ``kernels.responses`` has.

Stand-ins for ATLAS' recommendations, as the object files of :mod:`samples` say of themselves: the formulas are those
by which the trees of the flat files were made.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from hepcol.kernels._jit import Floats, Integers
from processors.stop4b.systematics import KINEMATIC, NOMINAL

JER_STREAM, SOFT_STREAM, NAMESPACE = "stop4b.JER", "stop4b.soft_term", "stop4b"


class Change(IntEnum):
    """What a variation changes; the formulas are in :mod:`processors.stop4b.kernels.responses`."""

    NOTHING = 0
    ELECTRON_SCALE = 1
    ELECTRON_RESOLUTION = 2
    MUON_SCALE = 3
    MUON_RESOLUTION = 4
    MUON_CURVATURE = 5
    JET_SCALE = 6
    JET_RESOLUTION = 7
    SOFT_SCALE = 8
    SOFT_PARALLEL = 9
    SOFT_PERPENDICULAR = 10


class JetScale(IntEnum):
    """Scales of jets, in the order in which the kernel has them."""

    GROUPED_1 = 0
    GROUPED_2 = 1
    GROUPED_3 = 2
    FLAVOUR = 3
    HIGH_ENERGY = 4
    NEGATIVE_ETA = 5
    POSITIVE_ETA = 6


@dataclass(frozen=True)
class Response:
    """How objects change in a variation.

    Parameters
    ----------
    change : Change
        What changes.
    size : float
        By how much, with the sign of the direction: relative; per GeV for a curvature; GeV for a soft term.
    which : int
        Number of the jet scale or of the draw.
    """

    change: Change
    size: float = 0.0
    which: int = 0


def _both(name: str, change: Change, size: float, which: int = 0) -> dict[str, Response]:
    return {f"{name}__1up": Response(change, size, which), f"{name}__1down": Response(change, -size, which)}


_JETS = {
    "JET_GroupedNP_1": JetScale.GROUPED_1,
    "JET_GroupedNP_2": JetScale.GROUPED_2,
    "JET_GroupedNP_3": JetScale.GROUPED_3,
    "JET_Flavor_Response": JetScale.FLAVOUR,
    "JET_EtaIntercalibration_NonClosure_highE": JetScale.HIGH_ENERGY,
    "JET_EtaIntercalibration_NonClosure_negEta": JetScale.NEGATIVE_ETA,
    "JET_EtaIntercalibration_NonClosure_posEta": JetScale.POSITIVE_ETA,
}
_JET_RESOLUTIONS = {
    "DataVsMC_MC16": 0.30,
    "EffectiveNP_1": 0.35,
    "EffectiveNP_2": 0.35,
    "EffectiveNP_3": 0.30,
    "EffectiveNP_4": 0.30,
    "EffectiveNP_5": 0.25,
    "EffectiveNP_6": 0.25,
    "EffectiveNP_7restTerm": 0.20,
}
RESPONSES: dict[str, Response] = {
    NOMINAL.name: Response(Change.NOTHING),
    **_both("EG_SCALE_ALL", Change.ELECTRON_SCALE, 1.0),
    **_both("EG_RESOLUTION_ALL", Change.ELECTRON_RESOLUTION, 0.10),
    **_both("MUON_SCALE", Change.MUON_SCALE, 1.0),
    **_both("MUON_ID", Change.MUON_RESOLUTION, 0.03),
    **_both("MUON_MS", Change.MUON_RESOLUTION, 0.05),
    **_both("MUON_SAGITTA_RESBIAS", Change.MUON_CURVATURE, 1e-4),
    "MUON_SAGITTA_RHO__1up": Response(Change.MUON_CURVATURE, 5e-5),
    "MUON_SAGITTA_RHO__1down": Response(Change.NOTHING),  # as in the original's files (SPEC 7, bug 12)
    **{
        variation: response
        for name, which in _JETS.items()
        for variation, response in _both(name, Change.JET_SCALE, 1.0, which).items()
    },
    **{
        f"JET_JER_{name}__1up": Response(Change.JET_RESOLUTION, size, draw)
        for draw, (name, size) in enumerate(_JET_RESOLUTIONS.items())
    },
    "MET_SoftTrk_ScaleUp": Response(Change.SOFT_SCALE, 0.10),
    "MET_SoftTrk_ScaleDown": Response(Change.SOFT_SCALE, -0.10),
    "MET_SoftTrk_ResoPara": Response(Change.SOFT_PARALLEL, 2.0, 0),
    "MET_SoftTrk_ResoPerp": Response(Change.SOFT_PERPENDICULAR, 2.0, 1),
}
# The soft term first: then what was computed for the nominal objects is still there. Jets last, likewise.
_ORDER = (Change.SOFT_SCALE, Change.SOFT_PARALLEL, Change.SOFT_PERPENDICULAR)
VARIATIONS: tuple[str, ...] = (
    NOMINAL.name,
    *sorted(
        (variation.name for systematic in KINEMATIC for variation in systematic.variations),
        key=lambda name: (RESPONSES[name].change not in _ORDER, RESPONSES[name].change),
    ),
)


def tables(variations: tuple[str, ...] = VARIATIONS) -> tuple[Integers, Floats]:
    """Change and number, ``int64[n, 2]``, and sizes, ``float64[n]``, of some variations."""
    chosen = [RESPONSES[name] for name in variations]
    return (
        np.array([(response.change, response.which) for response in chosen], dtype=np.int64),
        np.array([response.size for response in chosen]),
    )
