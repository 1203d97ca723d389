"""Compiling the kernels of the analysis, or loading them from the cache."""

import numpy as np

from processors.zee_atlas import fill
from processors.zee_atlas.electrons import Candidates
from processors.zee_atlas.kernels import pairs
from processors.zee_atlas.templates import fill_templates, find_pairs


def compile_kernels() -> None:
    """Compile all kernels but those of the calibration, for events with weights, by one pair of electrons."""
    of_each = {name: np.zeros(2) for name in ("eta", "phi", "cl_eta_s2", "cl_eta_calo")}
    numbers = {name: np.zeros(2, dtype=np.uint64) for name in ("event_number", "index")}
    candidates = Candidates(np.array([0]), np.array([0, 2]), np.array([1.0, -1.0]), of_each | numbers)
    pt = np.full((1, 2), 4.5e4, dtype=np.float32)
    limbs = np.ones((1, 8))
    histograms = fill.empty(1, 8)
    steps, bins = np.zeros(1, dtype=np.int64), np.zeros((1, 6), dtype=np.int64)
    pairs.fill_varied(pt, fill.prepare(candidates), limbs, fill.CUTS, fill.EDGES, histograms, steps, bins)
    pairs.fill_weighted(bins, steps[:0], limbs[np.newaxis], histograms)
    fill_templates(find_pairs(candidates, pt[0], 0.0), candidates, 0, limbs, 1.0)
