"""The hardest objects of each owner, and the constituents of jets from links, all one after another.

The jets, links and candidates of event ``k`` are ``offsets[k]`` up to ``offsets[k + 1]`` of their columns.
"""

import numpy as np

from hepcol.kernels._jit import Floats, Integers, kernel
from hepcol.kernels.pairs import harder

NOWHERE = -1


@kernel
def leading(pt: Floats, offsets: Integers, n_most: int) -> tuple[Integers, Integers]:
    """Positions of the ``n_most`` objects of highest pt of each owner, hardest first, and offsets of the owners.

    Of equal ones the first in the record comes first; with ``n_most`` below 0, all are taken. NaN comes last.
    """
    n_owners = len(offsets) - 1
    found = np.zeros(n_owners + 1, dtype=np.int64)
    for owner in range(n_owners):
        n = offsets[owner + 1] - offsets[owner]
        found[owner + 1] = found[owner] + (n if n_most < 0 else min(n, n_most))
    chosen = np.empty(found[n_owners], dtype=np.int64)
    for owner in range(n_owners):
        first, room = found[owner], found[owner + 1] - found[owner]
        count = 0
        for i in range(offsets[owner], offsets[owner + 1]):
            if count == room:
                if room == 0 or not harder(pt[i], pt[chosen[first + room - 1]]):
                    continue
                count -= 1
            place = first + count
            while place > first and harder(pt[i], pt[chosen[place - 1]]):
                chosen[place] = chosen[place - 1]
                place -= 1
            chosen[place] = i
            count += 1
    return chosen, found


@kernel
def linked(
    chosen: Integers,
    chosen_offsets: Integers,
    jet_offsets: Integers,
    link_jets: Integers,
    link_candidates: Integers,
    link_offsets: Integers,
    candidate_offsets: Integers,
) -> tuple[Integers, Integers, int]:
    """Positions of the candidates of chosen jets.

    Parameters
    ----------
    chosen, chosen_offsets : int64
        Positions of jets, and offsets of the events into them.
    jet_offsets : int64
        Of events into the jets.
    link_jets, link_candidates : int64
        Of each link, numbers of the jet and of the candidate in the event.
    link_offsets, candidate_offsets : int64
        Of events into the links and the candidates.

    Returns
    -------
    candidates, offsets, lost
        Positions of the candidates of each chosen jet, in the order of the links; offsets of the jets into them; and
        how many links, of any jet, lead nowhere.
    """
    n_chosen = len(chosen)
    offsets = np.zeros(n_chosen + 1, dtype=np.int64)
    wanted = np.full(len(link_jets), NOWHERE, dtype=np.int64)  # place of the jet of each link that is followed
    lost = 0
    for event in range(len(jet_offsets) - 1):
        n_jets = jet_offsets[event + 1] - jet_offsets[event]
        n_candidates = candidate_offsets[event + 1] - candidate_offsets[event]
        place_of = np.full(n_jets, NOWHERE, dtype=np.int64)
        for place in range(chosen_offsets[event], chosen_offsets[event + 1]):
            place_of[chosen[place] - jet_offsets[event]] = place
        for link in range(link_offsets[event], link_offsets[event + 1]):
            jet, candidate = link_jets[link], link_candidates[link]
            if not (0 <= jet < n_jets and 0 <= candidate < n_candidates):
                lost += 1
            elif place_of[jet] != NOWHERE:
                wanted[link] = place_of[jet]
                offsets[place_of[jet] + 1] += 1
    for place in range(n_chosen):
        offsets[place + 1] += offsets[place]
    candidates = np.empty(offsets[n_chosen], dtype=np.int64)
    filled = offsets[:-1].copy()
    for event in range(len(jet_offsets) - 1):
        for link in range(link_offsets[event], link_offsets[event + 1]):
            if wanted[link] != NOWHERE:
                candidates[filled[wanted[link]]] = candidate_offsets[event] + link_candidates[link]
                filled[wanted[link]] += 1
    return candidates, offsets, lost
