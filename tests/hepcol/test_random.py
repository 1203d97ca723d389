import math

import numba
import numpy as np
import pytest

from hepcol import random
from hepcol.kernels.normal import normal_pair, normal_quad

# Random123 1.14, tests/kat_vectors, philox4x32 with 10 rounds
KNOWN_ANSWERS = [
    ((0x00000000,) * 4, (0x00000000,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
N_DRAWS = 100_000_000
PULL = 4.5  # two-sided probability 7e-6; the draws are fixed, so the test is, too


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers(counter, key, words):
    assert random.philox4x32(counter, key)[0].tolist() == list(words)


def test_philox_agrees_with_a_plain_loop():
    """Integers of Python, as the paper writes the rounds."""

    def plain(counter, key):
        c, k = list(counter), list(key)
        for _ in range(10):
            high_0, low_0 = divmod(0xD2511F53 * c[0], 2**32)
            high_1, low_1 = divmod(0xCD9E8D57 * c[2], 2**32)
            c = [high_1 ^ c[1] ^ k[0], low_1, high_0 ^ c[3] ^ k[1], low_0]
            k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
        return c

    rng = np.random.default_rng(1)
    counters, keys = rng.integers(0, 2**32, (100, 4)), rng.integers(0, 2**32, (100, 2))
    expected = [plain(c, k) for c, k in zip(counters.tolist(), keys.tolist(), strict=True)]
    assert random.philox4x32(counters, keys).tolist() == expected


def test_a_normal_is_box_muller_of_the_words():
    key = random.stream_key(1, "a", "b")
    event, obj, draw = 123456789012345, 17, 6
    counter = [event % 2**32, event >> 32, obj, draw // 4]
    words = random.philox4x32(counter, [int(key) % 2**32, int(key) >> 32])[0].tolist()
    first, second = words[2:]
    radius = math.sqrt(-2 * math.log(((first >> 1) + 0.5) / 2**31))
    # the low 31 bits are the angle from -pi/2 to pi/2, the top bit turns the cosine around
    low = second % 2**31
    angle = math.pi * (low if low < 2**30 else low - 2**31) / 2**31
    cosine = math.cos(angle) * (-1 if second >= 2**31 else 1)
    assert random.normals(key, event, obj, draw) == pytest.approx(radius * cosine, rel=1e-13)
    assert random.normals(key, event, obj, draw + 1) == pytest.approx(radius * math.sin(angle), rel=1e-13)


def test_draws_do_not_depend_on_the_order_or_the_company():
    key = random.stream_key(1, "zee", "uuid")
    together = random.normals(key, np.arange(1000)[:, None], np.arange(2), 5)
    alone = [[float(random.normals(key, n, i, 5)) for i in range(2)] for n in range(1000)]
    np.testing.assert_array_equal(together, alone)


def test_streams_differ_by_seed_name_and_namespace():
    keys = {
        int(random.stream_key(*arguments))
        for arguments in [
            (1, "a", "b"),
            (2, "a", "b"),
            (1, "b", "b"),
            (1, "a", "a"),
            (1, "a:1", "b"),
            (1, "a", "1:b"),
        ]
    }
    assert len(keys) == 6


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_rejects_a_seed_out_of_range(seed):
    with pytest.raises(ValueError, match=f"got {seed}"):
        random.stream_key(seed, "a", "b")


@numba.njit
def _statistics(key, n_events):
    """Sums of powers, of products of neighbours, and tail counts over events x 2 objects x 4 draws."""
    powers = np.zeros(5)
    products = np.zeros(3)  # with the next event, object and draw
    tails = np.zeros(3)  # beyond 4, 5 and 5.5
    largest = 0.0
    previous = 0.0
    for n in range(n_events):
        a = normal_quad(np.uint64(n), np.uint64(0), np.uint64(0), key)
        b = normal_quad(np.uint64(n), np.uint64(1), np.uint64(0), key)
        products[0] += previous * a[0]
        previous = a[0]
        for k in range(4):
            products[1] += a[k] * b[k]
            if k > 0:
                products[2] += a[k] * a[k - 1]
            for z in (a[k], b[k]):
                power = z
                for order in range(1, 5):
                    powers[order] += power
                    power *= z
                size = abs(z)
                largest = max(largest, size)
                tails[0] += size > 4.0
                tails[1] += size > 5.0
                tails[2] += size > 5.5
    return powers, products, tails, largest


def test_a_hundred_million_draws_are_normal():
    n_events = N_DRAWS // 8
    powers, products, tails, largest = _statistics(random.stream_key(1, "quality", "test"), n_events)
    # expectation and variance of z, z^2, z^3, z^4: moments 0, 1, 0, 3 and 1, 2, 15, 96
    for order, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        pull = (powers[order] - mean * N_DRAWS) / math.sqrt(variance * N_DRAWS)
        assert abs(pull) < PULL, f"moment {order}: {pull:.1f} standard deviations off"
    for name, total, terms in zip(("event", "object", "draw"), products, (1, 4, 3), strict=True):
        pull = total / math.sqrt(terms * n_events)
        assert abs(pull) < PULL, f"correlation with the next {name}: {pull:.1f} standard deviations"
    for bound, count in zip((4.0, 5.0, 5.5), tails, strict=True):
        expected = N_DRAWS * math.erfc(bound / math.sqrt(2))
        assert abs(count - expected) < PULL * math.sqrt(expected), f"beyond {bound}: {count} of {expected:.1f}"
    assert largest > 5.5


@numba.njit
def _normal_of_words(first, second):
    return normal_pair(np.uint64(first), np.uint64(second))


def test_the_normal_reaches_beyond_six_and_a_half():
    farthest, _ = _normal_of_words(0, 0)
    assert farthest == pytest.approx(math.sqrt(2 * math.log(2**32)), rel=1e-12)
    assert _normal_of_words(0, 2**31)[0] == -farthest
    nearest, _ = _normal_of_words(2**32 - 1, 0)
    assert 0 < nearest < 1e-4
