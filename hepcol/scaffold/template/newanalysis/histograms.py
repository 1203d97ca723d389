"""The histograms and the cutflow: axes are data; the loop over variations is here, and only here."""

from collections.abc import Mapping
from functools import reduce
from operator import add

import hist
import numpy as np
from hepcol import Histogram
from hepcol.histograms import Axes, variation_axis
from hepcol.selection import apply
from hepcol.units import GeV

from newanalysis.observables import FloatArray
from newanalysis.regions import REGIONS, Z_PEAK

REGION = hist.axis.StrCategory([region.name for region in REGIONS], name="region", overflow=False)
AXES = (
    hist.axis.Regular(60, 70 * GeV, 100 * GeV, name="m_ee", label="$m_{ee}$ [GeV]"),
    hist.axis.Regular(50, 0 * GeV, 100 * GeV, name="leading_energy", label="leading electron energy [GeV]"),
    hist.axis.Regular(50, 0 * GeV, 100 * GeV, name="subleading_energy", label="subleading electron energy [GeV]"),
)


def fill(observed: Mapping[str, Mapping[str, FloatArray]], weights: FloatArray) -> dict[str, Histogram]:
    """Histogram the observables, given by variation, in all regions."""
    variations = variation_axis(observed)
    selected = {name: apply(REGIONS, columns) for name, columns in observed.items()}
    found = {}
    for axis in AXES:
        axes: Axes = (variations, REGION, axis)
        parts = (
            Histogram.fill(axes, name, passed.region.name, columns[axis.name][passed.rows], weight=weights[passed.rows])
            for name, columns in observed.items()
            for passed in selected[name]
        )
        found[axis.name] = reduce(add, parts)
    return found


def cutflow(columns: Mapping[str, FloatArray]) -> dict[str, int]:
    """Count the events that pass each cut of the Z peak, and those before it."""
    (passed,) = apply([Z_PEAK], columns)
    steps = passed.steps()
    counts = {cut.label: int(np.count_nonzero(steps > k)) for k, cut in enumerate(Z_PEAK.cuts)}
    return {"all events": len(steps), **counts}
