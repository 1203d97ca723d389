"""Closure: the fits of m_ee recover the resolution that was put in."""

import numpy as np
import pytest
from scipy.stats import kstest

import hepcol
from hepcol.inference.spectrum import Spectrum
from hepcol.inference.toys import toys
from hepcol.inference.variations import fit_variations
from processors.zee import ZeeProcessor
from processors.zee.fits import injected
from processors.zee.resolution import Resolution

VARIATIONS = 100


def fit_run(file, model="resolution", changes=None, **options):
    """Run the analysis and fit m_ee in all variations: the plan, and the records."""
    processor = ZeeProcessor(variations=VARIATIONS, **options)
    (result,) = hepcol.run(processor, file).result.values()
    m_ee = result.histograms["m_ee"].to_hist()
    spectra = [Spectrum.of(m_ee[number, :]) for number in range(VARIATIONS)]
    plan = processor.fits()[model]
    fits, _ = fit_variations(plan, spectra, changes=changes)
    return plan, fits


def results(fits):
    return np.array([[r.estimates["sigma"].value, r.estimates["sigma"].error] for _, r in fits])


def check_closure(plan, fits):
    assert all(record.usable for _, record in fits)
    value, error = results(fits).T
    pulls = (value - plan.expected) / error
    assert abs(pulls.mean()) < 0.3
    assert pulls.std(ddof=1) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("sigma", [0.5, 1, 2, 3])
def test_the_injected_resolution_is_recovered_at_generator_level(sigma):
    plan, fits = fit_run("zee-fcc", electrons="generator", sigma=sigma)
    assert plan.expected == pytest.approx(2**0.5 * sigma)
    check_closure(plan, fits)


@pytest.mark.parametrize("sigma", [0.5, 1, 2, 3])
def test_the_injected_resolution_is_recovered_on_the_reference_file(reference_file, sigma):
    """Its beams collide at 91.0 GeV."""
    check_closure(*fit_run(reference_file, electrons="generator", sigma=sigma, changes={"sqrt_s": {"start": 91.0}}))


def test_the_resolution_of_a_calorimeter_is_recovered():
    plan, fits = fit_run("zee-fcc", electrons="generator", stochastic=0.2, constant=0.01)
    assert plan.expected == pytest.approx(np.sqrt(2 * (0.2**2 * 45.594 + (0.01 * 45.594) ** 2)))
    value, _ = results(fits).T
    # electrons that have radiated are measured a little better, so the mean is a little lower
    assert value.mean() == pytest.approx(plan.expected, rel=0.02)


def test_toys_of_the_fitted_model_have_flat_p_values():
    _, fits = fit_run("zee-fcc", electrons="generator")
    model, record = fits[0]
    drawn = toys(model, np.linspace(84, 98, 51), record.values, 300, seed=3)
    plan = ZeeProcessor(electrons="generator").fits()["resolution"]
    p_values = np.array([fitted.p_value for _, fitted in fit_variations(plan, drawn)[0]])
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(p_values < 0.1) == pytest.approx(0.1, abs=0.06)


def test_the_fit_of_the_original_study_is_marked_wherever_it_sits_at_a_bound(reference_file):
    """On its own sample it returns 2.4 GeV where 2.83 GeV were put in."""
    plan, fits = fit_run(reference_file, "original", electrons="original")
    value, _ = results(fits).T
    assert np.median(value) < 0.9 * plan.expected
    for _, record in fits:
        if record.estimates["fraction"].value > 0.999 or record.estimates["width"].value < 1.003:
            assert not record.usable
    assert sum(record.usable for _, record in fits) < VARIATIONS / 4


def test_the_beams_that_the_original_study_smears_give_back_what_was_injected(reference_file):
    check_closure(*fit_run(reference_file, electrons="original"))


def test_smearing_both_electrons_adds_in_quadrature():
    assert injected(Resolution(sigma=2)) == pytest.approx(2.8284271247)
    assert injected(Resolution(constant=0.01)) == pytest.approx(2**0.5 * 0.01 * 91.188 / 2)
