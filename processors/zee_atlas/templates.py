"""What the calibration from the Z peak is made of: m_ee of data, and of simulation on a grid, by pair of regions.

Both are of energies that no table from Z -> ee has been applied to. Where electrons i and j are scaled by
1 + alpha and smeared by c of their own, the mass of the pair scales by sqrt((1 + alpha_i) (1 + alpha_j)), and its
relative variance gains (c_i^2 + c_j^2) / 4 (arXiv:1812.03848): one scale and one constant term that both
electrons have in common stand for two of each.
"""

from dataclasses import dataclass

import hist
import numpy as np

from calib.egamma.columns import flat_columns
from hepcol.histograms import Histogram
from hepcol.random import normals, stream_key
from hepcol.sums import sums_of_limbs
from hepcol.units import MeV
from processors.zee_atlas.electrons import Candidates, Floats, Integers
from processors.zee_atlas.fill import CUTS, leading_two, prepare
from processors.zee_atlas.kernels import pairs, templates
from processors.zee_atlas.observables import M_EE
from processors.zee_atlas.regions import PAIRS, pair_of
from processors.zee_atlas.selection import N_ELECTRONS

STREAM = "zee_atlas.in_situ"
DATA, TEMPLATES = "in_situ_data", "in_situ_templates"
_ALPHA_STEP, _ALPHAS = 0.003, 21
_CONSTANT_STEP, _CONSTANTS = 0.005, 9
# Points of the grid are the centres of bins
ALPHA = hist.axis.Regular(
    _ALPHAS,
    -_ALPHA_STEP * _ALPHAS / 2,
    _ALPHA_STEP * _ALPHAS / 2,
    name="alpha",
    label="energy scale $\\alpha$",
    flow=False,
)
CONSTANT = hist.axis.Regular(
    _CONSTANTS,
    -_CONSTANT_STEP / 2,
    _CONSTANT_STEP * (_CONSTANTS - 0.5),
    name="constant",
    label="constant term",
    flow=False,
)
MARGIN = 0.15  # of pt: what scale and 3.5 standard deviations of the smearing at the end of the grid take away
PAIR = hist.axis.Integer(0, len(PAIRS), name="pair", label="pair of regions of $\\eta$", flow=False)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of electrons in regions of eta.

    Parameters
    ----------
    event : int64[n]
        Events, as positions among those of the candidates.
    which : int64[n, 2]
        Both electrons among the candidates.
    pt : float64[n, 2]
        Of both [GeV].
    mass : float64[n]
        Of the pair [GeV].
    number : int64[n]
        Pair of regions.
    """

    event: Integers
    which: Integers
    pt: Floats
    mass: Floats
    number: Integers


def find_pairs(candidates: Candidates, pt: pairs.Momenta, margin: float) -> Pairs:
    """Choose the events with exactly two hard electrons, of opposite charge, both in a region.

    Parameters
    ----------
    candidates : Candidates
        The electrons.
    pt : float32[n]
        Their momenta [MeV].
    margin : float
        How far below the cut a pt may be: of electrons that are scaled later.
    """
    which, leading = leading_two(pt, candidates)
    bound = CUTS.min_pt * (1 - margin)
    hard = np.add.reduceat(pt.astype(np.float64) * MeV > bound, candidates.offsets[:-1]) if len(which) else np.empty(0)
    eta = candidates.columns["cl_eta_calo"].astype(np.float64)
    number = pair_of(eta[which])
    event = np.flatnonzero((hard == N_ELECTRONS) & (candidates.charge[which].prod(axis=1) < 0) & (number >= 0))
    mass = np.empty(len(event))
    pairs.masses(prepare(candidates), np.ascontiguousarray(which[event]), np.ascontiguousarray(leading[event]), mass)
    return Pairs(event, which[event], leading[event], mass, number[event])


def fill_data(found: Pairs, weight: Floats | None, max_weight: float) -> Histogram:
    """Histogram m_ee by pair of regions."""
    inside = (found.mass > CUTS.min_mass) & (found.mass < CUTS.max_mass)
    return Histogram.fill(
        (PAIR, M_EE),
        found.number[inside],
        found.mass[inside],
        weight=None if weight is None else weight[found.event[inside]],
        max_weight=max_weight,
    )


def fill_templates(found: Pairs, candidates: Candidates, seed: int, limbs: Floats, max_weight: float) -> Histogram:
    """Histogram m_ee by pair of regions, scale and constant term.

    Parameters
    ----------
    found : Pairs
        The pairs.
    candidates : Candidates
        The electrons.
    seed : int
        Seed of the random numbers.
    limbs : float64[m, k]
        Limbs of the weights of the events.
    max_weight : float
        Bound on the weights.
    """
    order = np.argsort(found.number, kind="stable")
    event, which = found.event[order], found.which[order]
    drawn = np.empty(which.shape)
    for namespace, own in flat_columns(candidates.columns).samples():  # as the calibration's random numbers
        key = stream_key(seed, STREAM, namespace)
        chosen = slice(None) if own is None else own[which[:, 0]]
        event_number, index = (candidates.columns[name][which[chosen]] for name in ("event_number", "index"))
        drawn[chosen] = normals(key, event_number, index, 0)
    shape = (len(PAIRS), ALPHA.size, CONSTANT.size, M_EE.size + 2)
    counts, sums = np.zeros(shape, dtype=np.int64), np.zeros((*shape, limbs.shape[1]))
    templates.fill_templates(
        np.ascontiguousarray(found.pt[order]),
        found.mass[order],
        drawn,
        found.number[order],
        np.ascontiguousarray(limbs[event]),
        ALPHA.centers,
        CONSTANT.centers,
        tuple(CUTS),
        (float(M_EE.edges[0]), float(M_EE.edges[-1]), M_EE.size),
        counts,
        sums,
    )
    return Histogram((PAIR, ALPHA, CONSTANT, M_EE), counts, *sums_of_limbs(sums, max_weight, len(event)))
