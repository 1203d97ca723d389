"""Constituents of jets from links: which candidates each jet has, all jets one after another.

The jets, links and candidates of event ``k`` are ``offsets[k]`` up to ``offsets[k + 1]`` of their columns.
"""

import numpy as np

from hepcol.kernels._jit import Floats, Integers, kernel


@kernel
def leading(pt: Floats, offsets: Integers, n_jets: int) -> tuple[Integers, Integers]:
    """Positions of the ``n_jets`` jets of highest pt in each event, hardest first, and offsets of the events into them.

    On a tie the first one is taken; with ``n_jets`` below 0, all are. NaN comes last.
    """
    n_events = len(offsets) - 1
    chosen = np.empty(len(pt), dtype=np.int64)
    found = np.zeros(n_events + 1, dtype=np.int64)
    count = 0
    for event in range(n_events):
        first = count
        for jet in range(offsets[event], offsets[event + 1]):
            place = count
            while place > first and not pt[chosen[place - 1]] >= pt[jet] and pt[jet] == pt[jet]:
                chosen[place] = chosen[place - 1]
                place -= 1
            chosen[place] = jet
            count += 1
            if 0 <= n_jets < count - first:
                count -= 1
        found[event + 1] = count
    return chosen[:count], found


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
    lost = 0
    for event in range(len(jet_offsets) - 1):
        n_jets = jet_offsets[event + 1] - jet_offsets[event]
        n_candidates = candidate_offsets[event + 1] - candidate_offsets[event]
        rank = np.full(n_jets, -1, dtype=np.int64)
        for place in range(chosen_offsets[event], chosen_offsets[event + 1]):
            rank[chosen[place] - jet_offsets[event]] = place
        for link in range(link_offsets[event], link_offsets[event + 1]):
            jet, candidate = link_jets[link], link_candidates[link]
            if not (0 <= jet < n_jets and 0 <= candidate < n_candidates):
                lost += 1
            elif rank[jet] >= 0:
                offsets[rank[jet] + 1] += 1
    for place in range(n_chosen):
        offsets[place + 1] += offsets[place]
    candidates = np.empty(offsets[n_chosen], dtype=np.int64)
    filled = offsets[:-1].copy()
    for event in range(len(jet_offsets) - 1):
        n_jets = jet_offsets[event + 1] - jet_offsets[event]
        n_candidates = candidate_offsets[event + 1] - candidate_offsets[event]
        rank = np.full(n_jets, -1, dtype=np.int64)
        for place in range(chosen_offsets[event], chosen_offsets[event + 1]):
            rank[chosen[place] - jet_offsets[event]] = place
        for link in range(link_offsets[event], link_offsets[event + 1]):
            jet, candidate = link_jets[link], link_candidates[link]
            if 0 <= jet < n_jets and 0 <= candidate < n_candidates and rank[jet] >= 0:
                candidates[filled[rank[jet]]] = candidate_offsets[event] + candidate
                filled[rank[jet]] += 1
    return candidates, offsets, lost
