"""Choice of an opposite-charge pair among the candidates of each event.

The objects of event ``k`` are ``offsets[k]`` up to ``offsets[k + 1]`` of every column.
"""

import math

import numpy as np

from hepcol.kernels._jit import Floats, Integers, inlined, kernel

NO_OBJECT = -1


@inlined
def _harder(energy: float, than: float) -> bool:
    """Whether ``energy`` is the higher one; NaN comes last."""
    return energy > than or (math.isnan(than) and not math.isnan(energy))


@kernel
def leading_pairs(energy: Floats, charge: Floats, candidate: Integers, offsets: Integers) -> Integers:
    """Choose the candidate of highest energy and its highest-energy partner of opposite charge.

    ``candidate`` lists the positions in the columns that may be chosen, event by event, delimited by
    ``offsets``. Returns ``pairs[n_events, 2]``, positions in the columns: ``NO_OBJECT`` where there is no
    such object. On a tie the object that is stored first is taken.
    """
    n_events = len(offsets) - 1
    pairs = np.full((n_events, 2), NO_OBJECT, dtype=np.int64)
    for event in range(n_events):
        leading = NO_OBJECT
        for n in range(offsets[event], offsets[event + 1]):
            i = candidate[n]
            if leading == NO_OBJECT or _harder(energy[i], energy[leading]):
                leading = i
        if leading == NO_OBJECT:
            continue
        partner = NO_OBJECT
        for n in range(offsets[event], offsets[event + 1]):
            i = candidate[n]
            if charge[i] * charge[leading] >= 0:
                continue
            if partner == NO_OBJECT or _harder(energy[i], energy[partner]):
                partner = i
        pairs[event, 0] = leading
        pairs[event, 1] = partner
    return pairs
