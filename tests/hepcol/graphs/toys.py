"""Jets for tests: a few prongs with soft radiation, some across phi = pi."""

import itertools

import numpy as np

from hepcol.graphs import Constituents


def toy_jets(n_jets=200, seed=1, most=70, **columns):
    """Jets of 0 to ``most`` constituents by decreasing pt, in single precision as files have it."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(3, most + 1, n_jets)
    few = [0, 1, 2, 3, most, 1][:n_jets]
    counts[: len(few)] = few
    offsets = np.concatenate([[0], np.cumsum(counts)])
    pt, eta, phi, mass = np.empty((4, offsets[-1]), dtype=np.float32)
    for jet, (start, stop) in enumerate(itertools.pairwise(offsets)):
        n = stop - start
        axis_eta, axis_phi = rng.uniform(-2, 2), (np.pi if jet % 3 == 0 else rng.uniform(-np.pi, np.pi))
        prongs = rng.normal(0, 0.3, (2, 2))
        chosen = rng.integers(0, 2, n)
        spread = rng.exponential(0.12, n) + 0.01
        angle = rng.uniform(0, 2 * np.pi, n)
        pt[start:stop] = np.sort(rng.pareto(1.2, n) * 3 + 0.5)[::-1]
        eta[start:stop] = axis_eta + prongs[chosen, 0] + spread * np.cos(angle)
        wrapped = axis_phi + prongs[chosen, 1] + spread * np.sin(angle)
        phi[start:stop] = (wrapped + np.pi) % (2 * np.pi) - np.pi
        mass[start:stop] = np.where(rng.uniform(size=n) < 0.5, 0.13957, 0)
    return Constituents(pt, eta, phi, offsets, mass, {name: f(offsets[-1], rng) for name, f in columns.items()})
