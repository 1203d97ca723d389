"""The fused kernels against numpy: the same draws, the same formulas written anew, filled by hist."""

import hist
import numpy as np
import pytest

from hepcol import random
from hepcol.kernels import smearing
from hepcol.sums import LIMBS, split

EDGES = np.array([[0.0, 100.0], [0.0, 100.0], [84.0, 98.0]])
KEY = random.stream_key(7, "test", "file")
ELECTRON_MASS = 0.000511


def make_pairs(n, seed=1):
    rng = np.random.default_rng(seed)
    energy = rng.uniform(20, 60, (n, 2))
    mass = np.full((n, 2), ELECTRON_MASS)
    cosine = rng.uniform(-1, -0.9, n)
    event = rng.integers(0, 2**63, n).astype(np.uint64)
    obj = rng.integers(0, 40, (n, 2)).astype(np.uint64)
    return event, obj, energy, mass, cosine


def draws(event, obj, replicas, key=KEY):
    return random.normals(key, event[:, None, None], obj[:, None, :], np.arange(replicas)[None, :, None])


def fill(values, edges, weight=None):
    """Counts, or sums of weights, ``[replicas, bins + 2]`` of ``values[n, replicas]``."""
    storage = hist.storage.Int64() if weight is None else hist.storage.Double()
    filled = []
    for column in values.T:
        one = hist.Hist(hist.axis.Regular(50, *edges), storage=storage)
        filled.append(one.fill(column, weight=weight).view(flow=True))
    return np.stack(filled)


def spectra(event, obj, energy, mass, cosine, resolution, replicas):
    z = draws(event, obj, replicas)
    e1, e2 = (energy[:, None, k] + resolution[:, None, k] * z[:, :, k] for k in (0, 1))
    m1, m2 = mass[:, None, 0], mass[:, None, 1]
    p1, p2 = np.sqrt(np.maximum(e1 * e1 - m1 * m1, 0)), np.sqrt(np.maximum(e2 * e2 - m2 * m2, 0))
    square = m1 * m1 + m2 * m2 + 2 * (e1 * e2 - p1 * p2 * cosine[:, None])
    return e1, e2, np.sqrt(np.maximum(square, 0))


@pytest.mark.parametrize("replicas", [1, 4, 7])
def test_counts_are_those_of_numpy_bit_for_bit(replicas):
    event, obj, energy, mass, cosine = make_pairs(2000)
    resolution = np.full_like(energy, 2.0)
    counts, sums = np.zeros((replicas, 3, 52), np.int64), np.zeros((replicas, 3, 52, 0))
    smearing.smear_and_fill(event, obj, energy, mass, cosine, resolution, np.empty((2000, 0)), KEY, EDGES, counts, sums)
    for k, values in enumerate(spectra(event, obj, energy, mass, cosine, resolution, replicas)):
        np.testing.assert_array_equal(counts[:, k], fill(values, EDGES[k]))


def test_weights_are_summed_limb_by_limb():
    n, replicas = 500, 5
    event, obj, energy, mass, cosine = make_pairs(n)
    resolution = 0.05 * energy
    weight = np.random.default_rng(3).normal(1, 2, n)
    limbs = split(weight, 64.0)
    counts, sums = np.zeros((replicas, 3, 52), np.int64), np.zeros((replicas, 3, 52, LIMBS))
    smearing.smear_and_fill(event, obj, energy, mass, cosine, resolution, limbs, KEY, EDGES, counts, sums)
    for k, values in enumerate(spectra(event, obj, energy, mass, cosine, resolution, replicas)):
        for limb in range(LIMBS):
            np.testing.assert_array_equal(sums[:, k, :, limb], fill(values, EDGES[k], limbs[:, limb]))


def test_the_original_draws_anew_for_each_histogram():
    n, replicas = 1000, 6
    event, obj, energy, _, _ = make_pairs(n)
    resolution, p_square = np.full_like(energy, 2.0), np.zeros(n)
    keys = np.array([random.stream_key(7, name, "file") for name in ("e1", "e2", "m")])
    counts, sums = np.zeros((replicas, 3, 52), np.int64), np.zeros((replicas, 3, 52, 0))
    smearing.smear_and_fill_independently(
        event, obj, energy, p_square, resolution, np.empty((n, 0)), keys, EDGES, counts, sums
    )
    z1, z2, y = (draws(event, obj, replicas, key) for key in keys)
    e1 = energy[:, None, 0] + 2 * z1[:, :, 0]
    e2 = energy[:, None, 1] + 2 * z2[:, :, 1]
    total = (energy[:, None, 0] + 2 * y[:, :, 0]) + (energy[:, None, 1] + 2 * y[:, :, 1])
    for k, values in enumerate((e1, e2, np.sqrt(total * total))):
        np.testing.assert_array_equal(counts[:, k], fill(values, EDGES[k]))


def test_nan_goes_to_the_overflow_and_an_energy_below_zero_to_the_underflow():
    event, obj, energy, mass, cosine = make_pairs(2)
    energy[0, 0], energy[1, 0] = np.nan, -5.0
    counts, sums = np.zeros((1, 3, 52), np.int64), np.zeros((1, 3, 52, 0))
    smearing.smear_and_fill(
        event, obj, energy, mass, cosine, np.zeros_like(energy), np.empty((2, 0)), KEY, EDGES, counts, sums
    )
    assert counts[0, smearing.LEADING, [0, 51]].tolist() == [1, 1]
    assert counts[0, smearing.MASS, [0, 51]].tolist() == [1, 1]
    assert counts.sum() == 6


def test_does_not_depend_on_the_order_or_the_cut_of_the_events():
    pairs = make_pairs(1000)
    resolution = np.full((1000, 2), 2.0)
    whole, none = np.zeros((9, 3, 52), np.int64), np.zeros((9, 3, 52, 0))
    smearing.smear_and_fill(*pairs, resolution, np.empty((1000, 0)), KEY, EDGES, whole, none)
    pieces = np.zeros_like(whole)
    order = np.random.default_rng(5).permutation(1000)
    for part in np.split(order, [1, 17, 400]):
        columns = [column[part] for column in (*pairs, resolution)]
        smearing.smear_and_fill(*columns, np.empty((len(part), 0)), KEY, EDGES, pieces, none)
    np.testing.assert_array_equal(pieces, whole)
