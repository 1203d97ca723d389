import hist
import numpy as np
import pytest

from hepcol.errors import InputError
from hepcol.inference.spectrum import Spectrum

MASSES = np.array([84.1, 84.1, 90.0, 91.0, 91.1, 97.9, 20.0, 200.0])
WEIGHTS = np.array([1.0, 2.0, 0.5, -1.0, 3.0, 0.25, 9.0, 9.0])
AXIS = hist.axis.Regular(50, 84.0, 98.0, name="m_ee")


def filled(storage, weights=None):
    return hist.Hist(AXIS, storage=storage).fill(MASSES, weight=weights)


def test_takes_counts_without_overflow():
    spectrum = Spectrum.of(filled(hist.storage.Int64()))
    np.testing.assert_array_equal(spectrum.contents, np.histogram(MASSES, AXIS.edges)[0])
    np.testing.assert_array_equal(spectrum.errors, np.sqrt(spectrum.contents))
    assert spectrum.contents.dtype == np.float64
    assert spectrum.variances is None
    assert spectrum.weight == 1.0
    assert spectrum.range == (84.0, 98.0)


def test_takes_sums_of_weights_and_of_their_squares():
    spectrum = Spectrum.of(filled(hist.storage.Weight(), WEIGHTS))
    inside = slice(0, 6)
    np.testing.assert_allclose(
        spectrum.contents, np.histogram(MASSES[inside], AXIS.edges, weights=WEIGHTS[inside])[0], rtol=1e-15
    )
    squares = np.histogram(MASSES[inside], AXIS.edges, weights=WEIGHTS[inside] ** 2)[0]
    np.testing.assert_allclose(spectrum.variances, squares, rtol=1e-15)
    np.testing.assert_allclose(spectrum.errors, np.sqrt(squares), rtol=1e-15)
    assert spectrum.weight == pytest.approx(np.sum(WEIGHTS[inside] ** 2) / np.sum(WEIGHTS[inside]))


def test_whole_numbers_are_counts_in_whatever_storage():
    assert Spectrum.of(filled(hist.storage.Double())).variances is None


def test_rejects_sums_of_weights_without_squares():
    with pytest.raises(InputError, match="m_ee holds sums of weights without their squares"):
        Spectrum.of(filled(hist.storage.Double(), WEIGHTS))


def test_rejects_two_dimensions():
    histogram = hist.Hist(AXIS, hist.axis.Regular(2, 0, 1, name="other"), storage=hist.storage.Int64())
    with pytest.raises(InputError, match="has 2 dimensions; a fit takes one"):
        Spectrum.of(histogram)


@pytest.mark.parametrize(
    ("range_", "first", "last"),
    [((84.0, 98.0), 0, 50), ((86.8, 95.2), 10, 40), ((84.0 + 0.28 * 3, 84.0 + 0.28 * 4), 3, 4), (None, 0, 50)],
)
def test_range_takes_whole_bins(range_, first, last):
    histogram = filled(hist.storage.Int64())
    spectrum = Spectrum.of(histogram, range_)
    np.testing.assert_array_equal(spectrum.edges, AXIS.edges[first : last + 1])
    np.testing.assert_array_equal(spectrum.contents, histogram.values()[first:last])


def test_range_allows_for_the_rounding_of_a_typed_number():
    # 84 + 23 * 0.28 is no double, and the axis has its own rounding
    assert Spectrum.of(filled(hist.storage.Int64()), (90.44, 98.0)).edges[0] == AXIS.edges[23]


@pytest.mark.parametrize("range_", [(86.9, 95.2), (80.0, 95.2), (84.0, 99.0)])
def test_rejects_a_range_that_cuts_bins_and_names_the_nearest_edge(range_):
    wrong, nearest = {86.9: (86.9, 86.8), 80.0: (80, 84), 84.0: (99, 98)}[range_[0]]
    message = rf"{wrong:g} is no edge of the 50 bins of m_ee from 84 to 98; the nearest is {nearest:g}$"
    with pytest.raises(InputError, match=message):
        Spectrum.of(filled(hist.storage.Int64()), range_)


@pytest.mark.parametrize("range_", [(95.2, 86.8), (91.0, 91.0), (float("nan"), 95.2)])
def test_rejects_a_range_without_bins(range_):
    with pytest.raises(InputError, match="the first number has to be smaller"):
        Spectrum.of(filled(hist.storage.Int64()), range_)


def test_a_sum_has_the_contents_and_variances_of_both():
    counts = Spectrum.of(filled(hist.storage.Int64()))
    weighted = Spectrum.of(filled(hist.storage.Weight(), WEIGHTS))
    assert (counts + counts).variances is None
    np.testing.assert_array_equal((counts + counts).contents, 2 * counts.contents)
    np.testing.assert_allclose((weighted + weighted).variances, 2 * weighted.variances)
    for mixed in (counts + weighted, weighted + counts):
        np.testing.assert_array_equal(mixed.contents, counts.contents + weighted.contents)
        np.testing.assert_allclose(mixed.variances, counts.contents + weighted.variances)


def test_nothing_has_the_weight_of_counts():
    empty = np.zeros(3)
    assert Spectrum(np.arange(4.0), empty, empty).weight == 1.0
