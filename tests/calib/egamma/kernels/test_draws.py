"""The normals of particles, against those of hepcol."""

import numpy as np
import pytest

from calib.egamma.kernels.draws import counter_normals
from hepcol.kernels import elementary
from hepcol.kernels.hyperbolic import log
from hepcol.random import normals, stream_key

KEY = stream_key(1, "egamma.smearing", "file")


@pytest.mark.parametrize("size", [2, 7, 100_000])
def test_are_the_first_draws_of_hepcol_bit_for_bit(size):
    rng = np.random.default_rng(size)
    event = rng.integers(0, 2**64, size, dtype=np.uint64)
    index = rng.integers(0, 2**32, size, dtype=np.uint64)
    out = np.empty(size)
    counter_normals(event, index, KEY, out)
    np.testing.assert_array_equal(out.view(np.int64), normals(KEY, event, index, 0).view(np.int64))


def test_take_any_key():
    event, index, out = np.arange(1000, dtype=np.uint64), np.zeros(1000, dtype=np.uint64), np.empty(1000)
    for key in (np.uint64(0), np.uint64(2**64 - 1)):
        counter_normals(event, index, key, out)
        np.testing.assert_array_equal(out, normals(key, event, index, 0))


def test_logarithm_has_the_bits_of_the_one_of_hepcol():
    """Uncompiled here, and compiled in the tests above."""
    for x in (2.0**-1022, 1e-300, 0.5, np.nextafter(np.sqrt(0.5), 0), np.sqrt(0.5), 1.0, 1.5, 1e300):
        assert log(x) == elementary.log(x)
