import hist
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepcol.histograms import Histogram, inclusive

AXES = (hist.axis.Regular(10, 0, 1, name="x"),)
events = st.lists(st.tuples(st.floats(-0.5, 1.5), st.floats(-8, 8)), max_size=50)


def fill(chunk, weighted=True):
    x, weight = np.array(chunk).reshape(-1, 2).T
    return Histogram.fill(AXES, x, weight=weight if weighted else None, max_weight=8)


@given(events, events, st.booleans())
def test_the_sum_of_chunks_is_the_whole(first, second, weighted):
    whole, parts = fill(first + second, weighted), fill(first, weighted) + fill(second, weighted)
    np.testing.assert_array_equal(whole.counts, parts.counts)
    assert whole.to_hist() == parts.to_hist()


def test_weights_and_variances_are_those_of_hist():
    rng = np.random.default_rng(1)
    x, weight = rng.uniform(-0.2, 1.2, 1000), rng.normal(1, 1, 1000)
    expected = hist.Hist(*AXES, storage=hist.storage.Weight()).fill(x, weight=weight)
    got = Histogram.fill(AXES, x, weight=weight).to_hist()
    np.testing.assert_allclose(got.values(flow=True), expected.values(flow=True), rtol=1e-12)
    np.testing.assert_allclose(got.variances(flow=True), expected.variances(flow=True), rtol=1e-12)


def test_events_that_only_count_merge_with_weighted_ones_as_weight_one():
    x = np.array([0.15, 0.25])
    mixed = Histogram.fill(AXES, x) + Histogram.fill(AXES, x, weight=np.array([0.5, 2.0]))
    assert mixed.to_hist().values()[1:3].tolist() == [1.5, 3.0]
    assert mixed.to_hist().variances()[1:3].tolist() == [1.25, 5.0]
    reverse = Histogram.fill(AXES, x, weight=np.array([0.5, 2.0])) + Histogram.fill(AXES, x)
    assert reverse.to_hist() == mixed.to_hist()


def test_does_not_merge_different_axes():
    other = (hist.axis.Regular(11, 0, 1, name="x"),)
    with pytest.raises(ValueError, match="different axes"):
        Histogram.fill(AXES, [0.5]) + Histogram.fill(other, [0.5])


def test_rejects_a_weight_over_the_bound():
    with pytest.raises(ValueError, match="weight 9"):
        Histogram.fill(AXES, [0.5], weight=[9.0], max_weight=8)


@pytest.mark.parametrize(
    ("weight", "bound", "resolved"), [(1.0, 2.0**30, True), (1e-6, 2.0**30, False), (1e-6, 1.0, True)]
)
def test_tells_whether_the_bound_leaves_something_of_the_squares(weight, bound, resolved):
    axis = hist.axis.Regular(2, 0, 1, name="x")
    filled = Histogram.fill((axis,), np.full(5, 0.3), weight=np.full(5, weight), max_weight=bound)
    assert filled.resolves_squares is resolved


@pytest.mark.parametrize("order", [("region", "m"), ("m", "region")])
def test_adds_up_over_categories_but_variations(order):
    axes = {"region": hist.axis.Integer(0, 3, name="region"), "m": hist.axis.Regular(2, 0, 2, name="m")}
    variation = hist.axis.StrCategory(["a", "b"], name="variation")
    filled = hist.Hist(variation, *(axes[name] for name in order), storage=hist.storage.Int64())
    filled.fill(variation="b", region=[0, 1, 2, 2], m=[0.5, 1.5, 1.5, 1.5])
    assert inclusive(filled).axes.name == ("variation", "m")
    assert inclusive(filled)["b", :].values().tolist() == [1, 3]
