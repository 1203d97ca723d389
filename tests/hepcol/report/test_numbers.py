import math

import pytest

from hepcol.report.numbers import between, measured, probability, symbol


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (2.8557, 0.0584, "2.856 ± 0.058"),
        (2.8, 0.0999, "2.80 ± 0.10"),
        (986869.01, 993.4, "986,870 ± 990"),
        (91.26, 12.3, "91 ± 12"),
        (-0.001, 0.5, "0.00 ± 0.50"),
        (3e12, 4e10, "(3.000 ± 0.040)e12"),
        (2e-5, 3e-6, "(2.00 ± 0.30)e-5"),
        (2.39, None, "2.390"),
        (2.39, math.nan, "2.390"),
        (0.99999999, 0, "1.000"),
        (986869.3, 0, "986,869"),
        (5.0, 0, "5"),
        (0.0, 0, "0"),
        (None, 1, "-"),
        (math.nan, 1, "-"),
        (math.inf, None, "-"),
    ],
)
def test_errors_have_two_digits_and_values_the_same_decimals(value, error, text):
    assert measured(value, error) == text


def test_the_nearer_end_of_an_interval_has_two_digits():
    assert between(2.8412, -0.0521, 0.611) == ("2.841", "-0.052", "+0.611")


def test_a_small_probability_is_only_bounded():
    assert [probability(p) for p in (0.9, 0.0123, 0.0, math.nan)] == ["= 0.90", "= 0.012", "< 1e-6", ""]


def test_parameters_are_written_as_in_formulas():
    names = ("sigma", "alpha_low", "c1", "yield", "mean_shift")
    assert [symbol(name) for name in names] == [
        r"$\sigma$",
        r"$\alpha_{\mathrm{low}}$",
        r"$\mathit{c}_{\mathrm{1}}$",
        "yield",
        "mean shift",
    ]
