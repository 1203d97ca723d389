"""The fast kernels against numpy, operation by operation, and against their twins in double precision."""

import numpy as np
import pytest

from hepcol import random
from hepcol.kernels import single, smearing, smearing_single
from hepcol.sums import LIMBS, ExactSum, split

F = np.float32
EDGES = np.array([[0.0, 100.0], [0.0, 100.0], [84.0, 98.0]])
KEY = random.stream_key(7, "test", "file")
MAX_MIGRATED = 1e-4


def horner(coefficients, x):
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = coefficient + x * total
    return total


def normal_pair(first, second):
    """The operations of the kernel, one after another, each rounded to single precision by numpy."""
    bits = ((first >> 1).astype(np.int32).astype(F) + F(0.5)).view(np.int32)
    exponent = (bits - np.int32(0x3F3504F3)) >> 23
    f = (bits - (exponent << 23)).view(F) - F(1)
    radius = np.sqrt((31 - exponent).astype(F) * F(1.3862943611198906) + f * horner(single.LOG, f))
    w = (second << np.uint32(1)).view(np.int32).astype(F) * F(2.0**-32)
    y = w * w
    cosine = (horner(single.COS, y).view(np.uint32) ^ (second & np.uint32(0x80000000))).view(F)
    return radius * cosine, radius * (w * horner(single.SIN, y))


def normals(identity, obj, draw, key=KEY):
    counter = np.stack([identity[0], identity[1], obj, np.full_like(obj, draw // 4)], axis=1)
    words = np.ascontiguousarray(random.philox4x32(counter, [int(key) % 2**32, int(key) >> 32]).T)
    pair = normal_pair(*words[:2]) if draw % 4 < 2 else normal_pair(*words[2:])
    return pair[draw % 2]


def bin_numbers(values, histogram):
    low, high = EDGES[histogram]
    position = (values - F(low)) * F(50 / (high - low)) + F(1)
    position = np.where(position < F(51), position, F(51))  # NaN gives 51
    return np.where(position > F(0), position, F(0)).astype(np.int64)


def make(n, seed=1):
    rng = np.random.default_rng(seed)
    energy = rng.uniform(35, 55, (n, 2))
    cosine = rng.uniform(-1, -0.95, n)
    event = rng.integers(0, 2**40, n).astype(np.uint64)
    obj = rng.integers(0, 40, (2, n)).astype(np.uint64)
    identity = np.stack([event % 2**32, event >> np.uint64(32), *obj]).astype(np.uint32)
    return event, obj, identity, energy, cosine


def fill_single(identity, columns, replicas, limbs=None):
    limbs = np.empty((identity.shape[1], 0)) if limbs is None else limbs
    counts, sums = np.zeros((replicas, 3, 52), np.int64), np.zeros((replicas, 3, 52, limbs.shape[1]))
    smearing_single.smear_and_fill(identity, columns, limbs, KEY, EDGES, counts, sums)
    return counts, sums


def columns_of(energy, cosine, sigma):
    n = len(energy)
    return np.stack([energy[:, 0], energy[:, 1], np.full(n, sigma), np.full(n, sigma), 2 * (1 - cosine)]).astype(F)


@pytest.mark.parametrize("n", [1, 127, 128, 1000])
@pytest.mark.parametrize("replicas", [1, 4, 7])
def test_counts_are_those_of_numpy_bit_for_bit(n, replicas):
    _, _, identity, energy, cosine = make(n)
    x = columns_of(energy, cosine, 2.0)
    counts, _ = fill_single(identity, x, replicas)
    for draw in range(replicas):
        e1 = x[0] + x[2] * normals(identity, identity[2], draw)
        e2 = x[1] + x[3] * normals(identity, identity[3], draw)
        square = x[4] * e1 * e2
        mass = np.sqrt(np.where(square < 0, F(0), square))
        for histogram, values in enumerate((e1, e2, mass)):
            expected = np.bincount(bin_numbers(values, histogram), minlength=52)
            np.testing.assert_array_equal(counts[draw, histogram], expected)


def test_the_original_is_that_of_numpy_bit_for_bit():
    n, replicas = 1000, 5
    _, _, identity, energy, _ = make(n)
    total = energy.sum(axis=1)
    x = np.stack([energy[:, 0], energy[:, 1], np.full(n, 2.0), np.full(n, 2.0), total**2, 2 * total]).astype(F)
    keys = np.array([random.stream_key(7, name, "file") for name in ("e1", "e2", "m")])
    counts, sums = np.zeros((replicas, 3, 52), np.int64), np.zeros((replicas, 3, 52, 0))
    smearing_single.smear_and_fill_independently(identity, x, np.empty((n, 0)), keys, EDGES, counts, sums)
    for draw in range(replicas):
        e1 = x[0] + x[2] * normals(identity, identity[2], draw, keys[0])
        e2 = x[1] + x[3] * normals(identity, identity[3], draw, keys[1])
        shift = x[2] * normals(identity, identity[2], draw, keys[2]) + x[3] * normals(
            identity, identity[3], draw, keys[2]
        )
        mass = np.sqrt(np.maximum(x[4] + shift * (x[5] + shift), F(0)))
        for histogram, values in enumerate((e1, e2, mass)):
            expected = np.bincount(bin_numbers(values, histogram), minlength=52)
            np.testing.assert_array_equal(counts[draw, histogram], expected)


@pytest.mark.parametrize("sigma", [0.5, 2.0, 5.0])
def test_few_entries_differ_from_double_precision_and_without_bias(sigma):
    n, replicas = 20_000, 100
    event, obj, identity, energy, cosine = make(n)
    counts, _ = fill_single(identity, columns_of(energy, cosine, sigma), replicas)
    twin, none = np.zeros_like(counts), np.zeros((replicas, 3, 52, 0))
    mass, sigmas = np.full((n, 2), 0.000511), np.full((n, 2), sigma)
    pairs = (event, np.ascontiguousarray(obj.T), energy, mass, cosine)
    smearing.smear_and_fill(*pairs, sigmas, np.empty((n, 0)), KEY, EDGES, twin, none)
    migrated = np.abs(counts - twin).sum(axis=(0, 2)) / 2 / (n * replicas)
    assert (migrated < MAX_MIGRATED).all()
    assert migrated.any(), "the twins are not two: nothing was compared"
    shift = ((counts - twin) * np.arange(52)).sum(axis=(0, 2)) / (n * replicas)  # of the mean, in bins
    assert (np.abs(shift) < MAX_MIGRATED).all()


def test_normals_are_those_of_double_precision():
    draws = np.arange(400)
    identity = np.stack([np.arange(5000) % 2**32, np.zeros(5000)]).astype(np.uint32)
    for draw in draws[::57]:
        got = normals(identity, np.full(5000, 3, np.uint32), draw)
        expected = random.normals(KEY, np.arange(5000), 3, draw)
        np.testing.assert_allclose(got, expected, rtol=0, atol=2e-5)


def test_weights_are_summed_exactly():
    n, replicas = 777, 6
    _, _, identity, energy, cosine = make(n)
    weight = np.random.default_rng(3).normal(1, 2, n)
    limbs = np.concatenate([split(weight, 64.0), split(weight**2, 64.0**2)], axis=1)
    x = columns_of(energy, cosine, 2.0)
    counts, sums = fill_single(identity, x, replicas, limbs)
    for draw in range(replicas):
        numbers = bin_numbers(x[0] + x[2] * normals(identity, identity[2], draw), smearing.LEADING)
        for number in np.unique(numbers):
            inside = numbers == number
            assert counts[draw, smearing.LEADING, number] == inside.sum()
            exact = [ExactSum.of(weight[inside], 64.0), ExactSum.of(weight[inside] ** 2, 64.0**2)]
            expected = np.concatenate([one.limbs for one in exact])
            np.testing.assert_array_equal(sums[draw, smearing.LEADING, number], expected)


def test_the_kernel_has_a_column_for_each_limb():
    assert smearing_single.LIMB_COLUMNS == 2 * LIMBS


def test_nan_goes_to_the_overflow_and_an_energy_below_zero_to_the_underflow():
    _, _, identity, energy, cosine = make(2)
    energy[0, 0], energy[1, 0] = np.nan, -5.0
    counts, _ = fill_single(identity, columns_of(energy, cosine, 0.0), 1)
    assert counts[0, smearing.LEADING, [0, 51]].tolist() == [1, 1]
    assert counts[0, smearing.MASS, [0, 51]].tolist() == [1, 1]
    assert counts.sum() == 6


def test_does_not_depend_on_the_order_or_the_cut_of_the_events():
    _, _, identity, energy, cosine = make(1000)
    x = columns_of(energy, cosine, 2.0)
    whole, _ = fill_single(identity, x, 9)
    order = np.random.default_rng(5).permutation(1000)
    pieces = sum(
        fill_single(np.ascontiguousarray(identity[:, part]), np.ascontiguousarray(x[:, part]), 9)[0]
        for part in np.split(order, [1, 17, 400])
    )
    np.testing.assert_array_equal(pieces, whole)
