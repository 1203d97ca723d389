"""Pairs of electrons with any momenta, and histograms of what is seen of them in all variations.

A variation of the energy scale leaves most electrons as they are, and those that it changes mostly in their bins. So a
variation is filled as what it moves against the nominal one. Sums of weights are of limbs, which are exact, so that it
is the same bits: filling each variation by itself takes 6 times as long.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hepcol.kernels._jit import Floats, Integers, kernel
from hepcol.kernels.binning import bin_number
from hepcol.kernels.blocks import inlined
from hepcol.kernels.geometry import direction, mass
from hepcol.units import GeV, MeV

N_OBSERVABLES, N_REGIONS, N_BINS = 5, 3, 50
SOFT, HARD, OPPOSITE, SELECTED = 0, 1, 2, 3  # steps that a pair passes
_MEV = MeV / GeV
_NOWHERE = -1

Momenta = npt.NDArray[np.float32]


class Electrons(NamedTuple):
    """Candidates of the events of a block.

    Parameters
    ----------
    offsets : int64[events + 1]
        Where the electrons of each event begin.
    charge, eta, phi : float64[n]
        Charge and direction.
    in_endcap : int64[n]
        1 in the endcaps, 0 in the barrel.
    eta_bin : int64[n]
        Bin of eta.
    """

    offsets: Integers
    charge: Floats
    eta: Floats
    phi: Floats
    in_endcap: Integers
    eta_bin: Integers


class Cuts(NamedTuple):
    """Bounds that are not accepted themselves [GeV]."""

    min_pt: float
    min_mass: float
    max_mass: float


class Histograms(NamedTuple):
    """What is filled: variations, regions, observables, bins with flow, and of the sums limbs."""

    counts: Integers
    sums: Floats


@inlined
def opening_of(e: Electrons, i: int, j: int) -> float:
    """Mass of two electrons, taken as massless, over 2 sqrt(pt1 pt2): what no variation changes."""
    x1, y1 = direction(e.phi[i])
    x2, y2 = direction(e.phi[j])
    return 0.5 * mass(1.0, 1.0, e.eta[i] - e.eta[j], x1 - x2, y1 - y2)


@inlined
def choose_pair(pt: Momenta, e: Electrons, event: int, min_pt: float) -> tuple[int, int, int]:
    """Step that the hard electrons of an event pass, and, if there are two, the leading and the subleading one."""
    first = second = _NOWHERE
    hard = 0
    for k in range(e.offsets[event], e.offsets[event + 1]):
        if np.float64(pt[k]) * _MEV > min_pt:
            hard += 1
            second = first if hard == 1 else k
            first = k if hard == 1 else first
    if hard != 2:  # noqa: PLR2004  (a pair)
        return SOFT, _NOWHERE, _NOWHERE
    if pt[second] > pt[first]:
        first, second = second, first
    return OPPOSITE if e.charge[first] * e.charge[second] < 0 else HARD, first, second


@inlined
def find_bins(
    pt: Momenta, e: Electrons, pair: tuple[int, int], opening: float, cuts: Cuts, edges: Floats, bins: Integers
) -> bool:
    """Find region and bins of a pair; whether its mass is accepted."""
    i, j = pair
    pt_i, pt_j = np.float64(pt[i]) * _MEV, np.float64(pt[j]) * _MEV
    m_ee = 2.0 * math.sqrt(pt_i * pt_j) * opening
    if not cuts.min_mass < m_ee < cuts.max_mass:
        return False
    bins[0] = e.in_endcap[i] + e.in_endcap[j]
    bins[1] = bin_number(m_ee, edges[0, 0], edges[0, 1], N_BINS)
    bins[2] = bin_number(pt_i, edges[1, 0], edges[1, 1], N_BINS)
    bins[3] = bin_number(pt_j, edges[2, 0], edges[2, 1], N_BINS)
    bins[4] = e.eta_bin[i]
    bins[5] = e.eta_bin[j]
    return True


@inlined
def add(h: Histograms, variation: int, bins: Integers, observable: int, limbs: Floats, event: int, sign: int) -> None:
    """Add an event to the bin of an observable, or take it away."""
    region, number = bins[0], bins[observable + 1]
    h.counts[variation, region, observable, number] += sign
    for limb in range(limbs.shape[1]):
        h.sums[variation, region, observable, number, limb] += sign * limbs[event, limb]


@inlined
def move(h: Histograms, variation: int, old: Integers, new: Integers, limbs: Floats, event: int) -> None:
    """Move an event from its bins to others."""
    for observable in range(N_OBSERVABLES):
        if old[0] != new[0] or old[observable + 1] != new[observable + 1]:
            add(h, variation, old, observable, limbs, event, -1)
            add(h, variation, new, observable, limbs, event, 1)


@inlined
def differs(pt: Momenta, other: Momenta, start: int, stop: int) -> bool:
    """Whether the momenta of an event differ."""
    found = False
    for k in range(start, stop):
        found |= pt[k] != other[k]
    return found


@inlined
def fill_nominal(
    pt: Momenta,
    e: Electrons,
    limbs: Floats,
    cuts: Cuts,
    edges: Floats,
    h: Histograms,
    steps: Integers,
    nominal: Integers,
    pairs: Integers,
    openings: Floats,
) -> None:
    """Fill the nominal histograms, and note the pair of each event and what it passes."""
    for event in range(len(steps)):
        step, i, j = choose_pair(pt, e, event, cuts.min_pt)
        if step == OPPOSITE:
            pairs[event, 0], pairs[event, 1] = i, j
            openings[event] = opening_of(e, i, j)
            if find_bins(pt, e, (i, j), openings[event], cuts, edges, nominal[event]):
                step = SELECTED
                for observable in range(N_OBSERVABLES):
                    add(h, 0, nominal[event], observable, limbs, event, 1)
        steps[event] = step


@kernel
def fill_varied(
    pt: npt.NDArray[np.float32],
    e: Electrons,
    limbs: Floats,
    cuts: Cuts,
    edges: Floats,
    h: Histograms,
    steps: Integers,
    nominal: Integers,
) -> None:
    """Fill the nominal histograms, and of each variation what differs from them.

    Parameters
    ----------
    pt : float32[variations, n]
        Calibrated momenta [MeV], the nominal ones first.
    e : Electrons
        The electrons.
    limbs : float64[events, k]
        What to sum beside the entries: limbs of weights and of their squares, or nothing.
    cuts : Cuts
        What pairs have to pass.
    edges : float64[5, 2]
        Ranges of the axes; of eta they are in ``eta_bin``.
    h : Histograms
        To be filled.
    steps : int64[events]
        Is filled with the step that each event passes in the nominal variation.
    nominal : int64[events, 6]
        Is filled with region and bins of those that are selected in it.
    """
    n_events = len(steps)
    pairs, openings = np.full((n_events, 2), _NOWHERE, dtype=np.int64), np.empty(n_events)
    fill_nominal(pt[0], e, limbs, cuts, edges, h, steps, nominal, pairs, openings)
    bins = np.empty(N_OBSERVABLES + 1, dtype=np.int64)
    for variation in range(1, pt.shape[0]):
        for event in range(n_events):
            if not differs(pt[variation], pt[0], e.offsets[event], e.offsets[event + 1]):
                continue
            step, i, j = choose_pair(pt[variation], e, event, cuts.min_pt)
            selected = False
            if step == OPPOSITE:
                # mostly it is the nominal pair, which may have changed places
                known = (i == pairs[event, 0] and j == pairs[event, 1]) or (
                    i == pairs[event, 1] and j == pairs[event, 0]
                )
                opening = openings[event] if known else opening_of(e, i, j)
                selected = find_bins(pt[variation], e, (i, j), opening, cuts, edges, bins)
            if selected and steps[event] == SELECTED:
                move(h, variation, nominal[event], bins, limbs, event)
            elif selected:
                for observable in range(N_OBSERVABLES):
                    add(h, variation, bins, observable, limbs, event, 1)
            elif steps[event] == SELECTED:
                for observable in range(N_OBSERVABLES):
                    add(h, variation, nominal[event], observable, limbs, event, -1)


@kernel
def fill_weighted(nominal: Integers, selected: Integers, limbs: Floats, h: Histograms) -> None:
    """Fill events with other weights into the bins that they have.

    Parameters
    ----------
    nominal : int64[events, 6]
        Region and bins of each.
    selected : int64[k]
        Which events.
    limbs : float64[variations, k, l]
        Limbs of their weights in each variation.
    h : Histograms
        To be filled.
    """
    for variation in range(limbs.shape[0]):
        for k in range(len(selected)):
            for observable in range(N_OBSERVABLES):
                add(h, variation, nominal[selected[k]], observable, limbs[variation], k, 1)


@kernel
def masses(e: Electrons, which: Integers, pt: Floats, out: Floats) -> None:
    """Masses of pairs, ``which[n, 2]`` of the electrons, with momenta ``pt[n, 2]``."""
    for n in range(len(out)):
        out[n] = 2.0 * math.sqrt(pt[n, 0] * pt[n, 1]) * opening_of(e, which[n, 0], which[n, 1])


@kernel
def leading_two(pt: Momenta, offsets: Integers, which: Integers) -> None:
    """Fill ``which[events, 2]`` with the two electrons of highest pt of each event, which has two; first on a tie."""
    for event in range(len(which)):
        first, second = offsets[event], offsets[event] + 1
        if pt[second] > pt[first]:
            first, second = second, first
        for k in range(offsets[event] + 2, offsets[event + 1]):
            if pt[k] > pt[first]:
                first, second = k, first
            elif pt[k] > pt[second]:
                second = k
        which[event, 0], which[event, 1] = first, second
