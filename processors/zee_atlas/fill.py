"""From candidates to histograms: every variation calibrates, selects and fills, in one pass over blocks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calib.egamma import EgammaCalibration
from hepcol import threads
from hepcol.histograms import Histogram, variation_axis
from hepcol.sums import limbs_of, sums_of_limbs
from hepcol.units import GeV, MeV
from processors.zee_atlas.electrons import Candidates, Column, Floats, Integers
from processors.zee_atlas.kernels import pairs as kernels
from processors.zee_atlas.observables import EDGES, ENDCAP_ELECTRONS, LEADING_ETA, OBSERVABLES
from processors.zee_atlas.selection import CRACK, MASS, MIN_PT

_NO_LIMBS = np.empty((0, 0, 0))
BLOCK = 4096  # electrons; of 160 variations that is 3 MB, what stays in a core's cache

CUTS = kernels.Cuts(float(MIN_PT.above or 0.0), float(MASS.above or 0.0), float(MASS.below or 0.0))


@dataclass(frozen=True, eq=False)
class Filled:
    """What was filled.

    Parameters
    ----------
    histograms : Histograms
        By variation.
    steps : int64[m]
        Step of :mod:`processors.zee_atlas.kernels.pairs` that each event passes, nominally.
    bins : int64[m, 6]
        Region and bins of those that are selected, nominally.
    """

    histograms: kernels.Histograms
    steps: Integers
    bins: Integers

    @property
    def selected(self) -> Integers:
        """Events that are selected, nominally."""
        return np.flatnonzero(self.steps == kernels.SELECTED)


def empty(variations: int, limbs: int) -> kernels.Histograms:
    """Histograms of some variations, without entries."""
    shape = (variations, kernels.N_REGIONS, len(OBSERVABLES), kernels.N_BINS + 2)
    return kernels.Histograms(np.zeros(shape, dtype=np.int64), np.zeros((*shape, limbs)))


def fill_kinematic(
    tool: EgammaCalibration | None, systematics: Sequence[str], candidates: Candidates, limbs: Floats
) -> Filled:
    """Calibrate the candidates nominally and in some variations, and fill what passes.

    Parameters
    ----------
    tool : EgammaCalibration, optional
        The calibration; without one, momenta are those that are stored.
    systematics : sequence of str
        Official names of variations; without any, the nominal one alone.
    candidates : Candidates
        The electrons.
    limbs : float64[m, k]
        Limbs of the weights of their events.
    """
    events = len(candidates.row)
    steps, bins = np.zeros(events, dtype=np.int64), np.zeros((events, len(OBSERVABLES) + 1), dtype=np.int64)
    prepared = prepare(candidates)

    def fill(part: slice) -> kernels.Histograms:
        filled = empty(1 + len(systematics), limbs.shape[1])
        inside = slice(int(candidates.offsets[part.start]), int(candidates.offsets[part.stop]))
        columns = {name: column[inside] for name, column in candidates.columns.items()}
        offsets = candidates.offsets[part.start : part.stop + 1] - inside.start
        blocks = _stored(columns) if tool is None else tool.blocks(columns, None, systematics, BLOCK, offsets)
        for electrons, momenta in blocks:
            edges = np.searchsorted(offsets, (electrons.start, electrons.stop))
            first, last = part.start + int(edges[0]), part.start + int(edges[1])
            own = slice(inside.start + electrons.start, inside.start + electrons.stop)
            kernels.fill_varied(
                momenta,
                kernels.Electrons(
                    candidates.offsets[first : last + 1] - own.start,
                    prepared.charge[own],
                    prepared.eta[own],
                    prepared.phi[own],
                    prepared.in_endcap[own],
                    prepared.eta_bin[own],
                ),
                limbs[first:last],
                CUTS,
                EDGES,
                filled,
                steps[first:last],
                bins[first:last],
            )
        return filled

    (counts, sums), *others = threads.over_parts(events, fill)
    for more_counts, more_sums in others:
        counts += more_counts
        sums += more_sums  # exact: limbs leave room for all terms
    counts[1:] += counts[0]
    sums[1:] += sums[0]
    return Filled(kernels.Histograms(counts, sums), steps, bins)


def _stored(columns: Mapping[str, Column]) -> Iterator[tuple[slice, kernels.Momenta]]:
    """Yield what is stored as the only block of momenta."""
    pt = columns["pt"]
    yield slice(0, len(pt)), np.array(pt[np.newaxis], dtype=np.float32)


def prepare(candidates: Candidates) -> kernels.Electrons:
    """Return candidates as kernels take them."""
    eta_s2 = np.abs(candidates.columns["cl_eta_s2"].astype(np.float64))
    eta = candidates.columns["eta"].astype(np.float64)
    return kernels.Electrons(
        candidates.offsets,
        candidates.charge,
        eta,
        candidates.columns["phi"].astype(np.float64),
        (eta_s2 > CRACK[0]).astype(np.int64),
        (LEADING_ETA.index(eta) + 1).astype(np.int64),
    )


def fill_weights(filled: Filled, weights: Floats, max_weight: float) -> kernels.Histograms:
    """Fill what is selected nominally with the weights of other variations, ``[variations, selected]``."""
    limbs = limbs_of(weights.reshape(-1), max_weight).reshape(*weights.shape, -1) if weights.size else _NO_LIMBS
    histograms = empty(len(weights), filled.histograms.sums.shape[-1])
    kernels.fill_weighted(filled.bins, filled.selected, limbs, histograms)
    return histograms


def to_histograms(
    variations: Sequence[str], histograms: Sequence[kernels.Histograms], max_weight: float, terms: int
) -> dict[str, Histogram]:
    """Return histograms of each observable by variation and region.

    Parameters
    ----------
    variations : sequence of str
        Names of the variations.
    histograms : sequence
        What was filled, in their order.
    max_weight : float
        Bound on the weights.
    terms : int
        Number of events that were filled.
    """
    counts = np.concatenate([one.counts for one in histograms])
    sums = np.concatenate([one.sums for one in histograms])
    axis = variation_axis(variations)
    return {
        observable.name: Histogram(
            (axis, ENDCAP_ELECTRONS, observable),
            np.ascontiguousarray(counts[:, :, number]),
            *sums_of_limbs(sums[:, :, number], max_weight, terms),
        )
        for number, observable in enumerate(OBSERVABLES)
    }


def leading_two(pt: kernels.Momenta, candidates: Candidates) -> tuple[Integers, Floats]:
    """Return the two candidates of highest pt of each event, and their pt [GeV]."""
    which = np.empty((len(candidates.row), 2), dtype=np.int64)
    kernels.leading_two(np.ascontiguousarray(pt), candidates.offsets, which)
    return which, pt[which].astype(np.float64) * (MeV / GeV)
