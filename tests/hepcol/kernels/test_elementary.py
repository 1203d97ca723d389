import math

import numba
import numpy as np
import pytest

from hepcol.kernels import elementary


# the building blocks are inlined in kernels; here each is called over an array
@numba.vectorize
def log(x):
    return elementary.log(x)


@numba.vectorize
def sine(w):
    return elementary.sincospi(w)[0]


@numba.vectorize
def cosine(w):
    return elementary.sincospi(w)[1]


@numba.vectorize
def asinh(x):
    return elementary.asinh(x)


@numba.vectorize
def atan2(y, x):
    return elementary.atan2(y, x)


LAST_BITS = 4e-16


def test_log_agrees_with_libm():
    x = np.concatenate([np.geomspace(1e-300, 1e300, 10_001), np.linspace(0.5, 2, 10_001)])
    np.testing.assert_allclose(log(x), np.log(x), rtol=LAST_BITS, atol=LAST_BITS)
    assert log(1.0) == 0.0


def test_sine_and_cosine_of_half_a_turn_agree_with_libm():
    w = np.linspace(-0.5, 0.5, 10_001)
    np.testing.assert_allclose(sine(w), np.sin(math.pi * w), rtol=0, atol=LAST_BITS)
    np.testing.assert_allclose(cosine(w), np.cos(math.pi * w), rtol=0, atol=LAST_BITS)


def test_asinh_agrees_with_libm():
    x = np.concatenate([-np.geomspace(1e-9, 1e9, 1001), [0.0], np.geomspace(1e-9, 1e9, 1001)])
    np.testing.assert_allclose(asinh(x), np.arcsinh(x), rtol=LAST_BITS, atol=1e-15)


@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e3])
def test_atan2_agrees_with_libm_in_every_octant(radius):
    angle = np.linspace(-math.pi, math.pi, 4001)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    np.testing.assert_allclose(atan2(y, x), np.arctan2(y, x), rtol=0, atol=2 * LAST_BITS)
    assert atan2(0.0, 0.0) == 0.0
    assert atan2(0.0, -1.0) == math.pi
