from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepcol.sums import DEFAULT_BOUND, LIMBS, MAX_TERMS, ExactSum, quanta, split

BOUND = 1000.0
weights = st.lists(st.floats(-BOUND, BOUND), max_size=60)


@given(weights, st.randoms(use_true_random=False))
def test_a_sum_does_not_depend_on_order_or_cut(values, random):
    whole = ExactSum.of(values, BOUND)
    shuffled = list(values)
    random.shuffle(shuffled)
    cut = random.randint(0, len(values))
    parts = ExactSum.of(shuffled[:cut], BOUND) + ExactSum.of(shuffled[cut:], BOUND)
    assert whole.limbs.tobytes() == parts.limbs.tobytes()
    assert whole.terms == parts.terms == len(values)


@given(weights)
def test_a_sum_is_that_of_rational_numbers_within_the_last_quantum(values):
    exact = sum((Fraction(value) for value in values), Fraction(0))
    got = sum((Fraction(limb) for limb in ExactSum.of(values, BOUND).limbs.tolist()), Fraction(0))
    assert abs(got - exact) <= len(values) * Fraction(quanta(BOUND)[-1]) / 2


def test_plain_sums_do_depend_on_order():
    values = np.random.default_rng(1).normal(1, 1, 10_000)
    plain = {
        float(np.add.reduce(np.array_split(values, n)[0])) + float(np.sum(values[len(np.array_split(values, n)[0]) :]))
        for n in range(2, 30)
    }
    exact = {float((ExactSum.of(values[:n], BOUND) + ExactSum.of(values[n:], BOUND)).value) for n in range(2, 30)}
    assert len(plain) > 1
    assert len(exact) == 1


def test_the_largest_sum_is_representable():
    for bound in (DEFAULT_BOUND, 1.0, 3.7, 1e-12, 1e12):
        first = split(bound, bound)
        total = first * (MAX_TERMS - 1)
        np.testing.assert_array_equal(total + quanta(bound) - total, quanta(bound))
        assert sum(Fraction(limb) for limb in first.tolist()) == Fraction(bound)


@pytest.mark.parametrize("value", [np.nan, np.inf, 10.5, -10.5])
def test_rejects_a_weight_over_the_bound(value):
    with pytest.raises(ValueError, match="1 of 2 weights are not numbers between -10 and 10"):
        split([1.0, value], 10.0)


@pytest.mark.parametrize("bound", [0.0, -1.0, np.inf, np.nan])
def test_rejects_a_bound_that_is_not_positive(bound):
    with pytest.raises(ValueError, match="must be positive and finite"):
        quanta(bound)


def test_rejects_more_terms_than_are_exact():
    half = ExactSum(1.0, np.zeros(LIMBS), MAX_TERMS // 2 + 1)
    with pytest.raises(ValueError, match="exact for at most"):
        half + half


def test_does_not_merge_sums_with_different_bounds():
    with pytest.raises(ValueError, match="2 and 4"):
        ExactSum.of([1], 2.0) + ExactSum.of([1], 4.0)
