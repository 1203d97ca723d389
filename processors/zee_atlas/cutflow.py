"""The cutflow: events, and their weights, that pass each step."""

import hist
import numpy as np

from hepcol.histograms import Histogram
from hepcol.sums import limbs_of, sums_of_limbs
from processors.zee_atlas.electrons import Booleans, Floats, Found, Integers
from processors.zee_atlas.kernels import pairs as kernels
from processors.zee_atlas.selection import ALL, HARD, MASS, OPPOSITE

NAME = "cutflow"
_OF_PAIRS = {HARD: kernels.HARD, OPPOSITE: kernels.OPPOSITE, MASS.label: kernels.SELECTED}


def steps_of(found: Found, passed: Integers, events: int) -> dict[str, Booleans]:
    """Whether each event passes each step.

    Parameters
    ----------
    found : Found
        What was found in the events.
    passed : int64[m]
        Step of :mod:`processors.zee_atlas.kernels.pairs` that the candidates' events pass.
    events : int
        Number of events.
    """
    steps = {ALL: np.ones(events, dtype=np.bool_)} | found.steps
    for name, step in _OF_PAIRS.items():
        steps[name] = np.zeros(events, dtype=np.bool_)
        steps[name][found.candidates.row[passed >= step]] = True
    return steps


def fill(steps: dict[str, Booleans], weight: Floats | None, max_weight: float) -> Histogram:
    """Histogram the events by the steps that they pass; weights are those of whole events, without scale factors."""
    axes = (hist.axis.StrCategory(list(steps), name="step", label="step", overflow=False),)
    masks = list(steps.values())
    counts = np.array([np.count_nonzero(passed) for passed in masks])
    if weight is None:
        return Histogram(axes, counts)
    # filling by the names of the steps takes 3.4 us an event
    limbs = limbs_of(weight, max_weight)
    sums = np.array([limbs[passed].sum(axis=0) for passed in masks])
    return Histogram(axes, counts, *sums_of_limbs(sums, max_weight, int(counts.sum())))
