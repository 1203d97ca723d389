"""What variations share, and that the fits of a run do not depend on how they were shared out."""

import numpy as np
import pytest

from hepcol.inference.lineshapes import Line
from hepcol.inference.models import NO_TAIL, at_collision_energy, at_resonance
from hepcol.inference.plan import FitPlan
from hepcol.inference.spectrum import Spectrum
from hepcol.inference.toys import toys
from hepcol.inference.variations import fit_variations

EDGES = np.linspace(84, 98, 51)
ENTRIES = 4000


def around_the_collision_energy(spectrum):
    return at_collision_energy(spectrum, Line())


def plan_of(build):
    return FitPlan("m_ee", build, "sigma", "resolution", "GeV")


def drawn(build, number, seed=7, **values):
    """Toys of a model with given parameters."""
    flat = Spectrum(EDGES, np.full(50, ENTRIES / 50))
    model = build(flat)
    defaults = {parameter.name: parameter.start for parameter in model.parameters}
    return toys(model, EDGES, {**defaults, **values}, number, seed)


GAUSSIAN = {"mean": 91.0, "sigma": 1.5, "alpha_low": NO_TAIL, "alpha_high": NO_TAIL}


def test_no_tail_is_found_where_there_is_none():
    fits, shared = fit_variations(
        plan_of(around_the_collision_energy), drawn(around_the_collision_energy, 20, **GAUSSIAN)
    )
    assert shared.usable
    assert shared.estimates["alpha_low"].fixed
    assert shared.values["alpha_low"] == shared.values["alpha_high"] == NO_TAIL
    assert all(record.usable and record.free == ("yield", "mean", "sigma") for _, record in fits)


def test_tails_are_found_where_there_are_some_and_the_width_of_the_core_with_them():
    spectra = drawn(around_the_collision_energy, 40, **{**GAUSSIAN, "alpha_low": 1.2, "alpha_high": 1.5})
    fits, shared = fit_variations(plan_of(around_the_collision_energy), spectra)
    for side, alpha in (("alpha_low", 1.2), ("alpha_high", 1.5)):
        found = shared.estimates[side]
        assert abs(found.value - alpha) < 4 * found.error
        assert 0 < found.error < 0.05
    assert all(record.usable for _, record in fits)
    results = np.array([[r.estimates["sigma"].value, r.estimates["sigma"].error] for _, r in fits])
    pulls = (results[:, 0] - 1.5) / results[:, 1]
    assert abs(pulls.mean()) < 0.5
    assert pulls.std(ddof=1) == pytest.approx(1, abs=0.3)


def test_few_variations_keep_what_they_share_free_so_that_errors_include_it():
    spectra = drawn(around_the_collision_energy, 20, **{**GAUSSIAN, "alpha_low": 1.2, "alpha_high": 1.5})
    many, _ = fit_variations(plan_of(around_the_collision_energy), spectra)
    one, _ = fit_variations(plan_of(around_the_collision_energy), spectra[:1])
    assert one[0][1].free == ("yield", "mean", "sigma", "alpha_low", "alpha_high")
    assert many[0][1].free == ("yield", "mean", "sigma")
    assert one[0][1].estimates["sigma"].error > 1.1 * many[0][1].estimates["sigma"].error


def test_a_z_in_proton_collisions_comes_back_with_its_resolution():
    spectra = drawn(at_resonance, 30, shift=-0.3, sigma=1.8, alpha=1.4)
    fits, shared = fit_variations(plan_of(at_resonance), spectra)
    assert abs(shared.values["sigma"] - 1.8) < 4 * shared.estimates["sigma"].error
    assert abs(shared.values["shift"] + 0.3) < 4 * shared.estimates["shift"].error
    results = np.array([[r.estimates["sigma"].value, r.estimates["sigma"].error] for _, r in fits if r.usable])
    assert len(results) == 30
    assert abs(((results[:, 0] - 1.8) / results[:, 1]).mean()) < 0.6


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_do_not_depend_on_the_number_of_workers(workers):
    spectra = drawn(around_the_collision_energy, 12, **GAUSSIAN)
    expected, _ = fit_variations(plan_of(around_the_collision_energy), spectra, workers=1)
    found, _ = fit_variations(plan_of(around_the_collision_energy), spectra, workers=workers)
    assert [record.values for _, record in found] == [record.values for _, record in expected]


def test_a_doubtful_fit_of_the_sum_is_passed_on_to_every_variation():
    """A sigma that may not be as large as it is ends at its bound."""

    def build(spectrum):
        model = at_collision_energy(spectrum, Line())
        return model.changed({"sigma": {"upper": 1.0, "start": 0.9}, "alpha_low": {"absent": None}})

    fits, shared = fit_variations(plan_of(build), drawn(around_the_collision_energy, 12, **GAUSSIAN))
    assert not shared.usable
    assert not any(record.usable for _, record in fits)
    assert all("the sum of all variations" in record.message for _, record in fits)


def test_progress_is_told_fit_by_fit():
    told = []
    spectra = drawn(around_the_collision_energy, 12, **GAUSSIAN)
    fit_variations(plan_of(around_the_collision_energy), spectra, report=lambda *counts: told.append(counts))
    assert told == [(done, 12) for done in range(13)]


def test_empty_variations_are_marked_and_do_not_stop_the_others():
    spectra = drawn(around_the_collision_energy, 11, **GAUSSIAN)
    spectra[3] = Spectrum(EDGES, np.zeros(50))
    fits, _ = fit_variations(plan_of(around_the_collision_energy), spectra)
    assert [record.usable for _, record in fits] == [number != 3 for number in range(11)]
    assert fits[3][1].status == "too few entries"


@pytest.mark.parametrize(("side", "other"), [("alpha_low", "alpha_high"), ("alpha_high", "alpha_low")])
@pytest.mark.parametrize("seed", range(4))
def test_a_tail_on_one_side_is_found_and_the_other_side_has_none(side, other, seed):
    spectra = drawn(around_the_collision_energy, 30, seed, **{**GAUSSIAN, side: 1.3})
    fits, shared = fit_variations(plan_of(around_the_collision_energy), spectra)
    assert shared.usable
    assert abs(shared.values[side] - 1.3) < 4 * shared.estimates[side].error
    assert shared.estimates[other].fixed
    assert shared.values[other] == NO_TAIL
    values = np.array([record.values["sigma"] for _, record in fits])
    assert values.mean() == pytest.approx(1.5, abs=0.02)
    assert np.mean([record.p_value < 0.05 for _, record in fits]) < 0.25


def test_twenty_events_do_not_end_in_a_narrow_peak_of_a_few_of_them():
    spectra = [
        Spectrum(EDGES, np.histogram(draw, EDGES)[0].astype(float))
        for draw in np.random.default_rng(5).normal(91, 2.83, (100, 20))
    ]
    fits, _ = fit_variations(plan_of(around_the_collision_energy), spectra)
    usable = [record for _, record in fits if record.usable]
    assert len(usable) > 60
    assert all(record.values["sigma"] > 1 for record in usable)
