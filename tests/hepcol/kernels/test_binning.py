import hist
import numba
import numpy as np
import pytest

from hepcol.kernels.binning import bin_number


@numba.vectorize
def numbers(value, low, high, n_bins):
    return bin_number(value, low, high, n_bins)


@pytest.mark.parametrize(("n", "low", "high"), [(50, 84.0, 98.0), (50, 0.0, 100.0), (7, -0.1, 0.3)])
def test_agrees_with_boost_histogram_at_and_around_every_edge(n, low, high):
    axis = hist.axis.Regular(n, low, high)
    edges = axis.edges
    values = np.concatenate(
        [edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), [np.inf, -np.inf, np.nan, -0.0]]
    )
    np.testing.assert_array_equal(numbers(values, low, high, n), axis.index(values) + 1)
