"""Pairs of electrons with any momenta, and histograms of what is seen of them in all variations.

A variation of the energy scale leaves most electrons as they are, and those that it changes mostly in their bins. So a
variation is filled as what it moves against the nominal one. Sums of weights are of limbs, which are exact, so that it
is the same bits: filling each variation by itself takes 6 times as long.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hepcol.kernels._jit import Floats, Integers, kernel
from hepcol.kernels.binning import bin_number
from hepcol.kernels.blocks import inlined
from hepcol.kernels.geometry import direction, mass

N_OBSERVABLES, N_REGIONS = 5, 3
SOFT, HARD, OPPOSITE, SELECTED = 0, 1, 2, 3  # steps that a pair passes
_MEV = 1e-3  # in GeV
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
    """

    offsets: Integers
    charge: Floats
    eta: Floats
    phi: Floats
    in_endcap: Integers


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
def pair_mass(e: Electrons, i: int, j: int, product: float) -> float:
    """Mass of two electrons, taken as massless, of which ``product`` is pt1 pt2."""
    x1, y1 = direction(e.phi[i])
    x2, y2 = direction(e.phi[j])
    return mass(product, 1.0, e.eta[i] - e.eta[j], x1 - x2, y1 - y2)


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
def observe(pt: Momenta, e: Electrons, event: int, cuts: Cuts, edges: Floats, bins: Integers) -> int:
    """Find the bins of an event, the region first; the step that it passes is returned."""
    step, i, j = choose_pair(pt, e, event, cuts.min_pt)
    if step < OPPOSITE:
        return step
    pt_i, pt_j = np.float64(pt[i]) * _MEV, np.float64(pt[j]) * _MEV
    m_ee = pair_mass(e, i, j, pt_i * pt_j)
    if not cuts.min_mass < m_ee < cuts.max_mass:
        return step
    bins[0] = e.in_endcap[i] + e.in_endcap[j]
    n_bins = 50
    bins[1] = bin_number(m_ee, edges[0, 0], edges[0, 1], n_bins)
    bins[2] = bin_number(pt_i, edges[1, 0], edges[1, 1], n_bins)
    bins[3] = bin_number(pt_j, edges[2, 0], edges[2, 1], n_bins)
    bins[4] = bin_number(e.eta[i], edges[3, 0], edges[3, 1], n_bins)
    bins[5] = bin_number(e.eta[j], edges[4, 0], edges[4, 1], n_bins)
    return SELECTED


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
        Ranges of the axes.
    h : Histograms
        To be filled.
    steps : int64[events]
        Is filled with the step that each event passes in the nominal variation.
    nominal : int64[events, 6]
        Is filled with region and bins of those that are selected in it.
    """
    n_events = len(steps)
    for event in range(n_events):
        steps[event] = observe(pt[0], e, event, cuts, edges, nominal[event])
        if steps[event] == SELECTED:
            for observable in range(N_OBSERVABLES):
                add(h, 0, nominal[event], observable, limbs, event, 1)
    bins = np.empty(N_OBSERVABLES + 1, dtype=np.int64)
    for variation in range(1, pt.shape[0]):
        for event in range(n_events):
            changed = False
            for k in range(e.offsets[event], e.offsets[event + 1]):
                changed |= pt[variation, k] != pt[0, k]
            if not changed:
                continue
            selected = observe(pt[variation], e, event, cuts, edges, bins) == SELECTED
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
        out[n] = pair_mass(e, which[n, 0], which[n, 1], pt[n, 0] * pt[n, 1])
