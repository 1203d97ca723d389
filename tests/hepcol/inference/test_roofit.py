"""Shapes, likelihoods and errors against RooFit's."""

import itertools
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import hepcol
from hepcol.inference.fit import fit
from hepcol.inference.lineshapes import BreitWigner, Chebychev, CrystalBall, DoubleCrystalBall, Line, Smeared, Width
from hepcol.inference.model import YIELD
from hepcol.inference.models import at_collision_energy
from hepcol.inference.record import Status
from hepcol.inference.spectrum import Spectrum
from processors.zee import ZeeProcessor
from processors.zee.fits import original

if find_spec("ROOT") is None:
    pytest.skip("ROOT is not installed", allow_module_level=True)

LOW, HIGH = 84.0, 98.0
EDGES = np.linspace(LOW, HIGH, 51)
POINTS = np.linspace(LOW + 0.01, HIGH - 0.01, 71)
OF_THE_PEAK = 1e-4
WORSE = 0.01  # of a likelihood

# RooFFTConvPdf takes both shapes at the centres of its bins. Two centres add up to an edge, but the sum is kept at
# the next lower centre: the fold comes out half a bin too low. A quadrature, RooFit's own or scipy's (of
# test_lineshapes), has no such shift.
HALF_A_BIN = 0.5 * (118.0 - 64.0) / 10_000


def parameters(**values):
    """All combinations of the values."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


SIGMAS, ALPHAS, POWERS, WIDTHS = (0.3, 1.0, 2.8, 5.0), (0.5, 1.3, 3.0), (1.5, 5.1, 20.0), (1.0, 2.4955, 4.0)
NARROW_AND_WIDE = (0.3, 2.8, 5.0)
TAILS = parameters(alpha=ALPHAS, n=POWERS)
DOUBLE_TAILS = [
    {"alpha_low": 0.5, "n_low": 1.5, "alpha_high": 3.0, "n_high": 20.0},
    {"alpha_low": 2.0, "n_low": 5.0, "alpha_high": 2.0, "n_high": 5.0},
    {"alpha_low": 3.0, "n_low": 20.0, "alpha_high": 0.5, "n_high": 1.5},
    {"alpha_low": 1.0, "n_low": 5.0, "alpha_high": 1.5, "n_high": 2.0},
]


def combined(*lists):
    return [{name: value for part in parts for name, value in part.items()} for parts in itertools.product(*lists)]


SHAPES = {
    "Crystal Ball": (
        ["response", "crystal ball"],
        Smeared(Line(), CrystalBall()),
        combined(parameters(mean=(90.3, 91.188), sigma=SIGMAS), TAILS),
    ),
    "double Crystal Ball": (
        ["response", "double crystal ball"],
        Smeared(Line(), DoubleCrystalBall()),
        combined(parameters(mean=(90.3, 91.188), sigma=SIGMAS), DOUBLE_TAILS),
    ),
    **{
        f"Breit-Wigner, {width}": (
            ["resonance", width.value],
            BreitWigner(width),
            parameters(mass=(88.0, 91.188), width=WIDTHS),
        )
        for width in Width
    },
    "Chebychev": (
        ["chebychev"],
        Chebychev(LOW, HIGH),
        parameters(c1=(-0.3, 0.01), c2=(-0.01, 0.2), c3=(-0.1, 0.01)),
    ),
    "Breit-Wigner and Crystal Ball": (
        ["smeared", "non-relativistic", "crystal ball", "quadrature"],
        Smeared(BreitWigner(Width.NON_RELATIVISTIC), CrystalBall()),
        combined(parameters(mass=(91.188,), width=WIDTHS, sigma=NARROW_AND_WIDE), TAILS[::2]),
    ),
    "running Breit-Wigner and double Crystal Ball": (
        ["smeared", "running", "double crystal ball", "quadrature"],
        Smeared(BreitWigner(Width.RUNNING), DoubleCrystalBall()),
        combined(parameters(mass=(91.188,), width=(1.0, 4.0), sigma=NARROW_AND_WIDE), DOUBLE_TAILS[::2]),
    ),
}
FOURIER = (
    ["smeared", "non-relativistic", "crystal ball", "fourier"],
    Smeared(BreitWigner(Width.NON_RELATIVISTIC), CrystalBall()),
    parameters(mass=(91.188,), width=WIDTHS, sigma=(1.0, 2.8, 5.0), alpha=(1.3,), n=(5.1,)),
)

# Where all is signal c1 to c3 have no effect, and the likelihood is flat: these variations do not converge at once
VARIATIONS = (55, 66)
BEAM_EVENTS, BEAM_MASS, BEAM_SIGMA = 1_000_000, 91.0, 2 * np.sqrt(2)

WEIGHTED_MODEL = {"mean": 91.0, "sigma": 1.4, "alpha_low": 1.5, "n_low": 5.0, "alpha_high": 2.0, "n_high": 5.0}
WEIGHTED_FREE = ("mean", "sigma")


def measured():
    """Spectra for the fit of the original study."""
    beam = np.random.default_rng(1).normal(BEAM_MASS, BEAM_SIGMA, BEAM_EVENTS)
    (result,) = hepcol.run(ZeeProcessor(variations=67, electrons="generator"), "zee-fcc").result.values()
    filled = result.histograms["m_ee"].to_hist()
    return {
        "beam": Spectrum(EDGES, np.histogram(beam, EDGES)[0].astype(float)),
        **{f"generator {number}": Spectrum.of(filled[{"variation": number}]) for number in VARIATIONS},
    }


def weighted(weights, rng):
    """A spectrum of weighted events, drawn from the model."""
    shape = np.diff(Smeared(Line(), DoubleCrystalBall()).cumulative(EDGES, WEIGHTED_MODEL))
    bins = rng.choice(len(shape), len(weights), p=shape / shape.sum())
    return Spectrum(EDGES, *(np.bincount(bins, column, len(shape)) for column in (weights, weights**2)))


WEIGHTED = {
    "constant": weighted(np.full(10_000, 0.37), np.random.default_rng(2)),
    "exponential": weighted(np.random.default_rng(3).exponential(1.0, 10_000), np.random.default_rng(2)),
}


@pytest.fixture(scope="module")
def spectra():
    return measured()


@pytest.fixture(scope="module")
def ours(spectra):
    """Our fits of the original study's model."""
    return {name: fit(original(spectrum), spectrum) for name, spectrum in spectra.items()}


@pytest.fixture(scope="module")
def roofit(spectra, ours):
    """Answers of RooFit, all from one process."""
    shapes = {**SHAPES, "Fourier": FOURIER}
    tasks = {
        **{
            name: ("heights", {"shape": shape, "parameters": sets, "points": POINTS.tolist()})
            for name, (shape, _, sets) in shapes.items()
        },
        **{
            name: (
                "original",
                {
                    "contents": spectrum.contents.tolist(),
                    "mean": start(original(spectrum), "mass"),
                    "ours": {**ours[name].values, "mass": ours[name].values["mass"] + HALF_A_BIN},
                },
            )
            for name, spectrum in spectra.items()
        },
        **{
            name: (
                "weighted",
                {
                    "contents": spectrum.contents.tolist(),
                    "variances": spectrum.variances.tolist(),
                    "start": WEIGHTED_MODEL,
                    "free": WEIGHTED_FREE,
                },
            )
            for name, spectrum in WEIGHTED.items()
        },
    }
    script = Path(__file__).with_name("run_roofit.py")
    done = subprocess.run(
        [sys.executable, script], input=json.dumps(tasks), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", SHAPES)
def test_shape_has_the_height_of_roofits(roofit, name):
    _, shape, sets = SHAPES[name]
    assert largest_difference(shape, sets, roofit[name]) < OF_THE_PEAK


def test_fold_has_the_height_of_roofits_fourier_transform_half_a_bin_aside(roofit):
    _, shape, sets = FOURIER
    moved = [{**values, "mass": values["mass"] - HALF_A_BIN} for values in sets]
    assert largest_difference(shape, moved, roofit["Fourier"]) < OF_THE_PEAK


def test_roofits_fourier_transform_is_half_a_bin_off_its_quadrature(roofit):
    key = "Breit-Wigner and Crystal Ball"
    _, _, sets = FOURIER
    common = [values for values in sets if values in SHAPES[key][2]]
    by_quadrature = [roofit[key][SHAPES[key][2].index(values)] for values in common]
    by_transform = [roofit["Fourier"][sets.index(values)] for values in common]
    for values, right, theirs in zip(common, by_quadrature, by_transform, strict=True):
        slope = np.gradient(right, POINTS)
        shift = np.sum(slope * (np.array(theirs) - right)) / np.sum(slope**2)
        assert shift == pytest.approx(HALF_A_BIN, rel=0.1), values


@pytest.mark.parametrize("name", ["beam", *(f"generator {number}" for number in VARIATIONS)])
def test_original_fit_is_as_likely_as_roofits(roofit, spectra, ours, name):
    spectrum, record, theirs = spectra[name], ours[name], roofit[name]
    assert theirs["status"] == 0
    assert record.status in (Status.CONVERGED, Status.AT_BOUND)
    entries = {YIELD: spectrum.contents.sum()}
    here = {**record.values, **entries}
    there = {**theirs["values"], **entries, "mass": theirs["values"]["mass"] - HALF_A_BIN}
    model = original(spectrum)
    assert half_deviance(model, spectrum, here) - half_deviance(model, spectrum, there) < WORSE
    assert theirs["at_ours"] - theirs["minimum"] < WORSE
    assert half_deviance(model, spectrum, here) == pytest.approx(record.deviance / 2, abs=1e-3)


@pytest.mark.parametrize(("name", "tolerance"), [("constant", 0.05), ("exponential", 0.1)])
def test_errors_of_weighted_events_are_those_of_roofit(roofit, name, tolerance):
    spectrum = WEIGHTED[name]
    model = at_collision_energy(spectrum, Line())
    tails = {key: {"start": WEIGHTED_MODEL[key], "fixed": True} for key in ("alpha_low", "alpha_high")}
    record = fit(model.changed(tails), spectrum)
    assert record.usable
    for parameter, (value, error) in roofit[name].items():
        found = record.estimates[parameter]
        assert found.error == pytest.approx(error, rel=tolerance), parameter
        assert found.value == pytest.approx(value, abs=0.05 * error), parameter


def start(model, name):
    return next(parameter.start for parameter in model.parameters if parameter.name == name)


def normalised(shape, values):
    """Density at the points; the range holds all of it."""
    low, high = shape.cumulative(np.array([LOW, HIGH]), values)
    return shape.density(POINTS, values) / (high - low)


def largest_difference(shape, sets, theirs):
    """Of two densities, relative to the peak, for any set of parameters."""
    heights = [normalised(shape, values) for values in sets]
    return max(np.max(np.abs(h - t)) / np.max(h) for h, t in zip(heights, theirs, strict=True))


def half_deviance(model, spectrum, values):
    """Minus the logarithm of Poisson's likelihood, relative to a perfect expectation."""
    expected, found = model.expected(spectrum.edges, values), spectrum.contents
    ratio = np.log(np.where(found > 0, found / expected, 1.0))
    return float(np.sum(expected - found + found * ratio))
