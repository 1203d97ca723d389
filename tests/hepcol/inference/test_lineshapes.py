"""Line shapes against scipy, numba-stats and the formulas of their docstrings."""

import itertools
import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import voigt_profile

from hepcol.inference.constants import Z_MASS, Z_WIDTH
from hepcol.inference.lineshapes import (
    BreitWigner,
    Chebychev,
    CrystalBall,
    DoubleCrystalBall,
    Line,
    Shifted,
    Smeared,
    Width,
)

LOW, HIGH = 84.0, 98.0
X = np.linspace(LOW, HIGH, 141)
EDGES = np.linspace(LOW, HIGH, 51)

DOUBLE = Smeared(Line(), DoubleCrystalBall())
SINGLE = Smeared(Line(), CrystalBall())
CONVOLVED = {width: Smeared(BreitWigner(width), DoubleCrystalBall()) for width in Width}

TAILS = {
    "as the original study": (1.3, 5.1, math.inf, 5.0),
    "both sides": (2.0, 5.0, 2.0, 5.0),
    "long": (0.5, 1.5, 3.0, 20.0),
}
DOUBLE_VALUES = [
    {"mean": 91.0, "sigma": sigma, "alpha_low": al, "n_low": nl, "alpha_high": ah, "n_high": nh}
    for sigma in (0.3, 2.8)
    for al, nl, ah, nh in TAILS.values()
]
CHEBYCHEV_VALUES = {"c1": 0.3, "c2": -0.2, "c3": 0.1}
RESONANCE_VALUES = [{"mass": mass, "width": width} for mass in (88.0, Z_MASS) for width in (0.5, Z_WIDTH, 4.0)]

# Of the highest: the sum over true masses against quadrature. At the longest tail, n = 1.5, half of the difference is
# from true masses above 590 GeV, which are left out.
DENSITY, BIN = 3e-6, 2e-6


def tails(values):
    """Arguments of numba-stats' double Crystal Ball after x; at 30 standard deviations it has no tail, too."""
    sigma, far = values["sigma"], 30.0
    low, high = ((min(values[f"alpha_{side}"], far), values[f"n_{side}"], sigma) for side in ("low", "high"))
    return (*low, *high, values.get("mean", 0.0))


def integral(shape, values, low, high):
    """Integral of the density, by scipy; pieces end at the edges of bins, so that no peak is overlooked."""
    points = [low, *X[np.searchsorted(X, low, "right") : np.searchsorted(X, high)], high]

    def density(x):
        return shape.density(np.array([x]), values)[0]

    return sum(quad(density, *piece, epsabs=1e-13, epsrel=1e-12)[0] for piece in itertools.pairwise(points))


CLOSED_FORMS = [
    *((SINGLE, {"mean": 91.0, "sigma": sigma, "alpha": 1.3, "n": 5.1}) for sigma in (0.3, 2.8)),
    *((DOUBLE, values) for values in DOUBLE_VALUES),
    *((BreitWigner(width), values) for width in Width for values in RESONANCE_VALUES[::2]),
    (Chebychev(LOW, HIGH), CHEBYCHEV_VALUES),
]


@pytest.mark.parametrize(("shape", "values"), CLOSED_FORMS)
def test_density_integrates_to_the_cumulative(shape, values):
    for low, high in ((LOW, 90.1), (90.1, 91.7), (91.7, HIGH)):
        below, above = shape.cumulative(np.array([low, high]), values)
        assert above - below == pytest.approx(integral(shape, values, low, high), abs=1e-9)


@pytest.fixture(scope="module")
def numba_stats():
    """As plain Python: to compile it takes 3 s, at each import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)
        import numba_stats
        from numba_stats import crystalball, crystalball_ex  # noqa: F401

        return numba_stats


@pytest.mark.parametrize("values", DOUBLE_VALUES)
def test_double_crystal_ball_is_that_of_numba_stats(values, numba_stats):
    theirs = numba_stats.crystalball_ex
    np.testing.assert_allclose(DOUBLE.density(X, values), theirs.pdf(X, *tails(values)), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(DOUBLE.cumulative(X, values), theirs.cdf(X, *tails(values)), atol=1e-13)


@pytest.mark.parametrize("sigma", [0.3, 2.8])
@pytest.mark.parametrize(("alpha", "n"), [(0.5, 1.5), (1.3, 5.1), (3.0, 20.0)])
def test_crystal_ball_is_that_of_numba_stats(sigma, alpha, n, numba_stats):
    values = {"mean": 91.0, "sigma": sigma, "alpha": alpha, "n": n}
    parameters = (alpha, n, 91.0, sigma)
    theirs = numba_stats.crystalball
    np.testing.assert_allclose(SINGLE.density(X, values), theirs.pdf(X, *parameters), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(SINGLE.cumulative(X, values), theirs.cdf(X, *parameters), atol=1e-13)


@pytest.mark.parametrize("values", DOUBLE_VALUES)
@pytest.mark.parametrize("side", ["low", "high"])
def test_height_and_slope_are_continuous_where_a_tail_begins(values, side):
    alpha = values[f"alpha_{side}"]
    if math.isinf(alpha):
        return
    sigma, sign = values["sigma"], 1 if side == "high" else -1
    around = values["mean"] + sign * sigma * (alpha + 1e-5 * np.array([-2, -1, 1, 2]))
    heights = DOUBLE.density(around, values)
    steps = np.diff(heights) / np.diff(around)
    assert heights[1] == pytest.approx(heights[2], rel=1e-4)
    assert steps[0] == pytest.approx(steps[2], rel=1e-3)


@pytest.mark.parametrize("sigma", [0.1, 1.4, 6.0])
def test_without_tails_it_is_a_gaussian(sigma):
    values = {
        "mean": 91.0,
        "sigma": sigma,
        "alpha_low": math.inf,
        "n_low": 5.0,
        "alpha_high": math.inf,
        "n_high": 5.0,
        "alpha": math.inf,
        "n": 5.0,
    }
    gaussian = stats.norm(91.0, sigma)
    for shape in (SINGLE, DOUBLE):
        np.testing.assert_allclose(shape.density(X, values), gaussian.pdf(X), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(shape.cumulative(X, values), gaussian.cdf(X), atol=1e-14)


FORMULAS = {
    Width.NON_RELATIVISTIC: lambda m, mass, width: 1 / ((m - mass) ** 2 + width**2 / 4),
    Width.FIXED: lambda m, mass, width: m / ((m**2 - mass**2) ** 2 + mass**2 * width**2),
    Width.RUNNING: lambda m, mass, width: m / ((m**2 - mass**2) ** 2 + m**4 * width**2 / mass**2),
}


@pytest.mark.parametrize("width", Width)
@pytest.mark.parametrize("values", RESONANCE_VALUES)
def test_breit_wigner_is_its_formula(width, values):
    def formula(m):
        return FORMULAS[width](m, values["mass"], values["width"])

    pieces = [LOW, *np.linspace(values["mass"] - 1, values["mass"] + 1, 21), HIGH]
    total = sum(quad(formula, *piece, epsabs=0, epsrel=1e-12)[0] for piece in itertools.pairwise(pieces))
    below = BreitWigner(width).cumulative(np.array([LOW, HIGH]), values)
    heights = BreitWigner(width).density(X, values) / (below[1] - below[0])
    np.testing.assert_allclose(heights, formula(X) / total, rtol=1e-9)


def test_running_width_is_a_fixed_one_of_a_lower_mass():
    # D. Bardin et al., Phys. Lett. B 206 (1988) 539: both by the factor 1 / sqrt(1 + Gamma^2 / M^2), 34 MeV at the Z
    factor = 1 / math.sqrt(1 + (Z_WIDTH / Z_MASS) ** 2)
    running = BreitWigner(Width.RUNNING).density(X, {"mass": Z_MASS, "width": Z_WIDTH})
    fixed = BreitWigner(Width.FIXED).density(X, {"mass": Z_MASS * factor, "width": Z_WIDTH * factor})
    np.testing.assert_allclose(running, fixed, rtol=1e-12)
    assert Z_MASS * (1 - factor) == pytest.approx(0.034, abs=2e-4)


@pytest.mark.parametrize("width", [0.5, Z_WIDTH, 4.0])
@pytest.mark.parametrize("sigma", [0.1, 0.2, 0.5, 1.0, 1.9, 2.8, 4.2, 6.0])
def test_resonance_and_gaussian_are_scipys_voigt_profile(sigma, width):
    values = {"mass": Z_MASS, "width": width, "sigma": sigma, "alpha": math.inf, "n": 5.0}
    got = Smeared(BreitWigner(Width.NON_RELATIVISTIC), CrystalBall()).density(X, values)
    expected = voigt_profile(X - Z_MASS, sigma, width / 2)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9 * expected.max())


def convolution(kind, values, response):
    """A resonance folded with a response, by scipy's quadrature in the true mass.

    The resonance is flat in the angle whose tangent is its variable; pieces end where the response bends.
    """
    mass, width, sigma = values["mass"], values["width"], values["sigma"]
    if kind is Width.NON_RELATIVISTIC:
        centre, half, power = mass, width / 2, 1
    else:
        factor = 1 / (1 + (width / mass) ** 2) if kind is Width.RUNNING else 1.0
        centre, half, power = mass**2 * factor, mass * width * factor, 2
    start = -math.pi / 2 if power == 1 else math.atan(-centre / half)

    def angle(m):
        return math.atan((math.copysign(abs(m) ** power, m) - centre) / half)

    def folded(x):
        bends = [-values["alpha_low"], values["alpha_high"], *(-40, -8, -3, 0, 3, 8, 40)]
        inside = {angle(x - sigma * t) for t in bends if math.isfinite(t)}
        pieces = [start, *sorted(a for a in inside if a > start), math.pi / 2]

        def integrand(a):
            variable = centre + half * math.tan(a)
            return response(x - (variable if power == 1 else math.sqrt(max(variable, 0.0))))

        return sum(
            quad(integrand, *piece, epsabs=1e-11, epsrel=1e-9)[0] / math.pi for piece in itertools.pairwise(pieces)
        )

    return folded


CONVOLUTIONS = [
    (Width.NON_RELATIVISTIC, "as the original study", 1.0, 0.3),
    (Width.NON_RELATIVISTIC, "as the original study", 1.0, 2.4),
    (Width.NON_RELATIVISTIC, "as the original study", 4.0, 0.7),
    (Width.NON_RELATIVISTIC, "long", 4.0, 0.1),
    (Width.NON_RELATIVISTIC, "long", 0.5, 6.0),
    (Width.FIXED, "both sides", Z_WIDTH, 1.0),
    (Width.RUNNING, "both sides", Z_WIDTH, 0.5),
    (Width.RUNNING, "both sides", Z_WIDTH, 2.8),
    (Width.RUNNING, "long", 4.0, 0.3),
    (Width.RUNNING, "long", 0.5, 4.2),
]


@pytest.mark.parametrize(("kind", "which", "width", "sigma"), CONVOLUTIONS)
def test_convolution_is_that_of_quadrature(kind, which, width, sigma, numba_stats):
    names = ("alpha_low", "n_low", "alpha_high", "n_high")
    values = {"mass": Z_MASS, "width": width, "sigma": sigma, **dict(zip(names, TAILS[which], strict=True))}
    arguments, theirs = tails(values), numba_stats.crystalball_ex
    masses = np.array([84.14, 87.0, 89.9, 90.77, 91.05, 91.33, 92.17, 94.0, 97.86])
    folded = convolution(kind, values, lambda d: theirs.pdf(np.array([d]), *arguments)[0])
    expected = np.array([folded(x) for x in masses])
    got = CONVOLVED[kind].density(masses, values)
    assert np.max(np.abs(got - expected)) < DENSITY * expected.max()

    def in_bin(d):
        return np.diff(theirs.cdf(np.array([d - 0.14, d + 0.14]), *arguments))[0]

    folded = convolution(kind, values, in_bin)
    expected = np.array([folded(x) for x in masses[2:6]])
    below, above = (CONVOLVED[kind].cumulative(masses[2:6] + half, values) for half in (-0.14, 0.14))
    assert np.max(np.abs(above - below - expected)) < BIN * expected.max()


@pytest.mark.parametrize("kind", Width)
def test_a_narrow_response_leaves_the_resonance(kind):
    values = {"mass": Z_MASS, "width": Z_WIDTH, "sigma": 0.01, "alpha": 4.0, "n": 5.0}
    got = Smeared(BreitWigner(kind), CrystalBall()).density(X, values)
    expected = BreitWigner(kind).density(X, values)
    assert np.max(np.abs(got - expected)) < 1e-3 * expected.max()
    # of the second order in sigma
    curvature = np.gradient(np.gradient(expected, X), X)
    assert np.max(np.abs(got - expected)) < 3 * 0.01**2 * np.max(np.abs(curvature))


@pytest.mark.parametrize("kind", Width)
def test_sums_of_finer_nodes_give_the_same_bins(monkeypatch, kind):
    """From 0.1 to 6 GeV, with all tails: what quadrature could only spot-check."""

    class Finer(BreitWigner):
        def nodes(self, values, sigma):
            return BreitWigner.nodes(self, values, sigma / 8)

    for sigma in (0.1, 0.3, 0.7, 1.0, 2.3, 4.2, 6.0):
        for width in (0.5, 4.0):
            for alpha_low, n_low, alpha_high, n_high in TAILS.values():
                values = {"mass": 90.3, "width": width, "sigma": sigma, "alpha_low": alpha_low, "n_low": n_low}
                values |= {"alpha_high": alpha_high, "n_high": n_high}
                coarse, fine = (
                    np.diff(Smeared(truth, DoubleCrystalBall()).cumulative(EDGES, values))
                    for truth in (BreitWigner(kind), Finer(kind))
                )
                difference = coarse / coarse.sum() - fine / fine.sum()
                assert 0 < np.max(np.abs(difference)) < 1e-6 * np.max(fine / fine.sum())


def test_a_shift_moves_all_masses():
    values = {"mass": 91.0, "width": 2.5, "sigma": 1.2, "alpha": 1.5, "n": 5.0, "shift": 0.4}
    resonance = BreitWigner(Width.NON_RELATIVISTIC)
    moved = Smeared(Shifted(resonance), CrystalBall())
    assert moved.names == ("shift", "mass", "width", "sigma", "alpha", "n")
    expected = Smeared(resonance, CrystalBall()).cumulative(X, {**values, "mass": 91.4})
    np.testing.assert_allclose(moved.cumulative(X, values), expected, atol=1e-12)


def test_what_is_remembered_is_of_the_same_shape_masses_and_values():
    values = {"mean": 91.0, "sigma": 1.0, "alpha": 1.5, "n": 5.0, "yield": 7.0}
    first = SINGLE.cumulative(X, values)
    assert SINGLE.cumulative(X, {**values, "yield": 8.0}) is first
    assert not first.flags.writeable
    others = [
        SINGLE.cumulative(X, {**values, "sigma": 1.1}),
        SINGLE.cumulative(X + 0.1, values),
        Smeared(Shifted(Line()), CrystalBall()).cumulative(X, {**values, "shift": 0.1}),
    ]
    for other in others:
        assert np.max(np.abs(other - first)) > 1e-3


def test_chebychev_is_its_polynomials():
    background = Chebychev(LOW, HIGH)
    u = 2 * (X - LOW) / (HIGH - LOW) - 1
    c1, c2, c3 = CHEBYCHEV_VALUES.values()
    expected = 1 + c1 * u + c2 * (2 * u**2 - 1) + c3 * (4 * u**3 - 3 * u)
    np.testing.assert_allclose(background.density(X, CHEBYCHEV_VALUES), expected, rtol=1e-12)


positive = st.floats(0.1, 6.0)
alphas = st.one_of(st.floats(0.3, 4.0), st.just(math.inf))
powers = st.floats(1.1, 50.0)
truths = st.sampled_from([Line(), *(BreitWigner(width) for width in Width)])


@given(truths, st.floats(86.0, 96.0), positive, st.floats(0.5, 4.0), alphas, powers, alphas, powers)
def test_cumulative_rises_from_zero_to_one(truth, mass, sigma, width, alpha_low, n_low, alpha_high, n_high):
    values = {"mean": mass, "mass": mass, "width": width, "sigma": sigma}
    values |= {"alpha_low": alpha_low, "n_low": n_low, "alpha_high": alpha_high, "n_high": n_high}
    shape = Smeared(truth, DoubleCrystalBall())
    below = shape.cumulative(np.linspace(60.0, 120.0, 301), values)
    assert np.all(np.diff(below) >= 0)
    assert below[0] >= 0
    assert below[-1] <= 1
    assert np.all(shape.density(X, values) >= 0)


@given(st.floats(86.0, 96.0), positive, st.floats(0.5, 4.0), alphas, powers, alphas, powers)
def test_mirrored_tails_mirror_the_shape(mass, sigma, width, alpha_low, n_low, alpha_high, n_high):
    values = {"mean": mass, "mass": mass, "width": width, "sigma": sigma}
    values |= {"alpha_low": alpha_low, "n_low": n_low, "alpha_high": alpha_high, "n_high": n_high}
    mirror = {**values, "alpha_low": alpha_high, "n_low": n_high, "alpha_high": alpha_low, "n_high": n_low}
    for shape in (DOUBLE, CONVOLVED[Width.NON_RELATIVISTIC]):
        heights = shape.density(X, values)
        np.testing.assert_allclose(
            heights, shape.density(2 * mass - X, mirror), rtol=0, atol=1e-10 * np.max(heights, initial=1e-3)
        )
        if shape is DOUBLE:
            np.testing.assert_allclose(
                shape.cumulative(X, values), 1 - shape.cumulative(2 * mass - X, mirror), rtol=0, atol=1e-10
            )


@given(st.floats(0.1, 10.0), st.floats(80.0, 100.0))
def test_scaling_both_masses_and_widths_changes_nothing(scale, mass):
    values = {"mean": mass, "mass": mass, "width": 2.0, "sigma": 1.5}
    values |= {"alpha_low": 1.5, "n_low": 5.0, "alpha_high": 2.0, "n_high": 3.0}
    scaled = {
        name: value * scale if name in ("mean", "mass", "width", "sigma") else value for name, value in values.items()
    }
    for width in Width:
        np.testing.assert_allclose(
            BreitWigner(width).cumulative(X * scale, scaled), BreitWigner(width).cumulative(X, values), atol=1e-11
        )
    np.testing.assert_allclose(DOUBLE.cumulative(X * scale, scaled), DOUBLE.cumulative(X, values), atol=1e-11)
