"""Choice of an opposite-charge pair among the candidates of each event.

The candidates of event ``k`` are ``offsets[k]`` up to ``offsets[k + 1]`` of every column.
"""

import math

import numpy as np

from hepcol.kernels._jit import Floats, Integers, inlined, kernel

NO_OBJECT = -1


@inlined
def harder(energy: float, than: float) -> bool:
    """Whether ``energy`` is the higher one; NaN comes last."""
    return energy > than or (math.isnan(than) and not math.isnan(energy))


@kernel
def leading_pairs(energy: Floats, charge: Floats, offsets: Integers) -> Integers:
    """Choose the candidate of highest energy and its highest-energy partner of opposite charge.

    Returns ``pairs[n_events, 2]``, positions in the columns: ``NO_OBJECT`` where there is no such candidate. On a
    tie the first one is taken.
    """
    n_events = len(offsets) - 1
    pairs = np.empty((n_events, 2), dtype=np.int64)
    for event in range(n_events):
        pairs[event, 0] = pairs[event, 1] = leading = NO_OBJECT
        for i in range(offsets[event], offsets[event + 1]):
            if leading == NO_OBJECT or harder(energy[i], energy[leading]):
                leading = i
        if leading == NO_OBJECT:
            continue
        partner = NO_OBJECT
        for i in range(offsets[event], offsets[event + 1]):
            if not charge[i] * charge[leading] < 0:  # a charge may be NaN
                continue
            if partner == NO_OBJECT or harder(energy[i], energy[partner]):
                partner = i
        pairs[event, 0] = leading
        pairs[event, 1] = partner
    return pairs
