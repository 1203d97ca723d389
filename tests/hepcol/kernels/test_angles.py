import numpy as np
import vector

from hepcol.kernels import angles


def test_delta_r_agrees_with_vector():
    rng = np.random.default_rng(1)
    px, py, pz = rng.normal(0, 30, (3, 5000, 2))
    first, second = (vector.array({"px": px[:, k], "py": py[:, k], "pz": pz[:, k]}) for k in (0, 1))
    np.testing.assert_allclose(angles.delta_r(px, py, pz), first.deltaR(second), rtol=1e-13)


def test_a_direction_along_the_beam_is_not_finite():
    zero, one = np.zeros((1, 2)), np.array([[1.0, -1.0]])
    assert not np.isfinite(angles.delta_r(zero, zero, one))[0]


def test_pseudorapidity_is_that_of_numpy():
    px, py, pz = np.random.default_rng(3).normal(size=(3, 500, 2))
    pz[0] = 0.0
    expected = np.arcsinh(pz / np.hypot(px, py))
    # asinh is good to 1e-15 absolutely; its argument is rounded relatively
    np.testing.assert_allclose(angles.pseudorapidity(px, py, pz), expected, rtol=1e-15, atol=2e-15)
    assert angles.pseudorapidity(px[:1], py[:1], pz[:1]).tolist() == [[0.0, 0.0]]


def test_pseudorapidity_is_infinite_along_the_beam_and_no_number_at_rest():
    zero = np.zeros((1, 2))
    assert angles.pseudorapidity(zero, zero, np.array([[45.0, -45.0]])).tolist() == [[np.inf, -np.inf]]
    assert np.isnan(angles.pseudorapidity(zero, zero, zero)).all()
