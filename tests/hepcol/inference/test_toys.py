import numpy as np
import pytest
from scipy import stats

from hepcol.inference.lineshapes import DoubleCrystalBall, Line, Smeared
from hepcol.inference.model import YIELD, Component, Model, Parameter
from hepcol.inference.toys import asimov, toys

EDGES = np.linspace(84.0, 98.0, 51)
VALUES = {YIELD: 4000.0, "mean": 91.0, "sigma": 1.4, "alpha_low": 2.0, "n_low": 5.0, "alpha_high": 2.0, "n_high": 5.0}
SHAPE = Smeared(Line(), DoubleCrystalBall())
MODEL = Model(
    "test", "a double Crystal Ball", tuple(Parameter(*item) for item in VALUES.items()), (Component("signal", SHAPE),)
)
NUMBER = 2000


def contents(seed, number=NUMBER):
    return np.stack([toy.contents for toy in toys(MODEL, EDGES, VALUES, number, seed)])


def test_asimov_data_are_the_expectation():
    spectrum = asimov(MODEL, EDGES, VALUES)
    np.testing.assert_array_equal(spectrum.contents, MODEL.expected(EDGES, VALUES))
    assert spectrum.contents.sum() == pytest.approx(VALUES[YIELD], rel=1e-14)
    assert spectrum.variances is None


def test_a_seed_gives_the_same_toys_again():
    np.testing.assert_array_equal(contents(1, 5), contents(1, 5))
    assert np.any(contents(1, 5) != contents(2, 5))
    assert len(np.unique(contents(1, 5), axis=0)) == 5


def test_the_first_toys_do_not_depend_on_how_many_follow():
    np.testing.assert_array_equal(contents(1, 5), contents(1, 50)[:5])


def test_toys_are_counts_on_the_same_bins():
    (toy,) = toys(MODEL, EDGES, VALUES, 1, seed=1)
    assert toy.variances is None
    assert toy.contents.dtype == np.float64
    np.testing.assert_array_equal(toy.contents, np.round(toy.contents))
    np.testing.assert_array_equal(toy.edges, EDGES)


def test_bins_have_the_mean_the_variance_and_the_independence_of_poissons_distribution():
    expected, drawn = MODEL.expected(EDGES, VALUES), contents(1)
    pulls = (drawn.mean(axis=0) - expected) / np.sqrt(expected / NUMBER)
    assert stats.chi2.sf(np.sum(pulls**2), len(pulls)) > 0.01
    # the variance of the sample's variance, for Poisson's kurtosis of 1 / mean
    spread = np.sqrt((2 + 1 / expected) / NUMBER)
    deviations = (drawn.var(axis=0, ddof=1) / expected - 1) / spread
    assert stats.chi2.sf(np.sum(deviations**2), len(deviations)) > 0.01
    # were the number of entries fixed, their sum would not vary
    assert drawn.sum(axis=1).var() == pytest.approx(VALUES[YIELD], rel=0.1)
