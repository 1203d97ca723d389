"""Fits of yields: against cabinetry, and what they say when they fail."""

import math
from dataclasses import replace

import numpy as np
import pytest
from iminuit import Minuit

from hepcol.inference.histfactory import model_and_data, workspace
from hepcol.inference.record import Status
from hepcol.inference.yield_fit import fit_yields_model
from hepcol.inference.yields import SampleYield, Yields


@pytest.fixture(scope="module")
def spec(small_yields):
    return workspace(small_yields, "signal", signal_error=0.15)


@pytest.fixture(scope="module")
def fitted(spec):
    return fit_yields_model(spec, ranking=True)


def cabinetry_bounds(model, fitted):
    bounds = model.config.suggested_bounds()
    bounds[model.config.poi_index] = (-0.2, 50)
    return bounds


def test_values_errors_and_goodness_are_those_of_cabinetry(spec, fitted):
    from cabinetry.fit import fit

    model, data = model_and_data(spec)
    found = fit(model, data, goodness_of_fit=True, par_bounds=cabinetry_bounds(model, fitted), tolerance=1e-3)
    assert fitted.status is Status.CONVERGED
    values = np.array([[p.value, p.error] for p in fitted.parameters.values()])
    np.testing.assert_allclose(values[:, 0], found.bestfit, atol=2e-3)
    np.testing.assert_allclose(values[:, 1], found.uncertainty, rtol=1e-2)
    np.testing.assert_allclose(fitted.correlation, found.corr_mat, atol=1e-2)
    assert fitted.p_value == pytest.approx(found.goodness_of_fit, rel=1e-3)
    assert [name.removesuffix("[0]") for name in found.labels] == list(fitted.parameters)


def test_the_ranking_is_that_of_cabinetry(spec, fitted):
    from cabinetry.fit import ranking

    model, data = model_and_data(spec)
    found = ranking(model, data, par_bounds=cabinetry_bounds(model, fitted), tolerance=1e-3)
    for label, up, down, before in zip(
        found.labels, found.postfit_up, found.postfit_down, found.prefit_up, strict=True
    ):
        impact = fitted.impacts[label.removesuffix("[0]")]
        assert (impact.up, impact.down, impact.up_before) == pytest.approx((up, down, before), abs=3e-3)
    sizes = [impact.size for impact in fitted.impacts.values()]
    assert sizes == sorted(sizes, reverse=True)


def test_pulls_and_constraints_are_relative_to_what_was_known(fitted):
    jes, gamma, factor = (fitted.parameters[name] for name in ("JES", "staterror_SRA", "mu_ttbar"))
    assert (jes.start, jes.width) == (0, 1)
    assert (jes.pull, jes.constraint) == (jes.value, jes.error)
    assert gamma.start == 1
    assert gamma.pull == pytest.approx((gamma.value - 1) / gamma.width)
    assert not factor.is_constrained
    assert math.isnan(factor.pull)


def test_the_prediction_is_of_all_samples_before_and_after(fitted, small_yields):
    before = fitted.before["SRA"]
    assert before.samples == pytest.approx({"ttbar": 4, "VV": 3, "Fakes": 4, "signal": 3})
    assert before.total == pytest.approx(14)
    after = fitted.after["CR"]
    assert after.total == pytest.approx(95, abs=3)
    assert 0 < after.error < 12


def test_the_strength_of_a_signal_may_be_negative_in_a_fit(small_yields):
    few = replace(small_yields, data={"SRA": 8, "SRB": 14, "CR": 95})
    found = fit_yields_model(workspace(few, "signal"))
    assert found.status is Status.CONVERGED
    assert found.signal_strength.value < 0


def test_backgrounds_alone_are_fitted_without_a_signal(small_yields):
    found = fit_yields_model(workspace(small_yields, None), ranking=True)
    assert found.status is Status.CONVERGED
    assert found.signal_strength is None
    assert found.impacts == {}
    assert set(found.before["SRA"].samples) == {"ttbar", "VV", "Fakes"}


def one_region(observed, signal=5.0):
    """Make a region with a large, a middling and a statistical uncertainty."""
    background = SampleYield(
        {"SR": 12.8}, {"SR": 1.0}, {"big": {"SR": (20.48, 7.68)}, "mid": {"SR": (15.36, 10.24)}}, is_data_driven=True
    )
    return workspace(
        Yields(
            ("SR",), 0.017, {"SR": observed}, {"bkg": background, "signal": SampleYield({"SR": signal})}, ("signal",)
        ),
        "signal",
    )


def test_an_ordinary_deficit_is_a_fit_with_errors_and_impacts():
    found = fit_yields_model(one_region(7), ranking=True)
    assert (found.status, found.usable) == (Status.CONVERGED, True)
    strength = found.signal_strength
    assert strength.value == pytest.approx((7 - 12.8) / 5, abs=0.01)
    # 40 to 60 %, 20 % and 1 event of 12.8, and the data's own
    assert strength.error == pytest.approx(1.45, abs=0.15)
    assert found.impacts["mid"].up == pytest.approx(-0.51, abs=0.03)
    assert found.impacts["mid"].down == pytest.approx(0.51, abs=0.03)


def test_an_impact_at_which_the_strength_stops_is_no_number():
    found = fit_yields_model(one_region(7), ranking=True)
    big = found.impacts["big"]  # 60 % more background would need less signal than takes away all events
    assert big.status is Status.AT_BOUND
    assert math.isnan(big.up)
    assert big.down == pytest.approx(1.02, abs=0.05)
    assert found.to_json()["impacts"]["big"]["up"] is None
    assert found.usable
    again = fit_yields_model(one_region(1), ranking=True)
    assert again.impacts["big"].down > 0.5  # from where the start leaves no events


@pytest.mark.parametrize("observed", [0, 1, 2, 4])
def test_a_deficit_leaves_no_events_at_most(observed):
    found = fit_yields_model(one_region(observed))
    assert found.usable
    assert found.after["SR"].total >= 0.9 * observed
    assert found.signal_strength.at_bound == bool(found.remark)


def test_a_weak_signal_is_fitted_like_a_strong_one():
    weak, strong = fit_yields_model(one_region(30, 0.05)), fit_yields_model(one_region(30, 5.0))
    assert weak.status is strong.status is Status.CONVERGED
    assert weak.signal_strength.value / 100 == pytest.approx(strong.signal_strength.value, rel=1e-2)


def test_no_events_at_all_are_a_remark(small_yields):
    none = replace(small_yields, data={"SRA": 0, "SRB": 0, "CR": 95})
    found = fit_yields_model(workspace(none, "signal"), ranking=True)
    assert (found.status, found.message, found.usable) == (Status.CONVERGED, "", True)
    assert found.remark.startswith("mu_SIG = 0 is at its bound")
    assert (found.signal_strength.value, found.signal_strength.at_bound) == (
        0,
        True,
    )  # not below, where no events are best
    assert found.impacts == {}


def test_another_parameter_at_a_bound_is_not_usable(small_yields):
    many = replace(small_yields, data={"SRA": 10, "SRB": 19, "CR": 95_000})
    found = fit_yields_model(workspace(many, "signal"))
    assert found.status is Status.AT_BOUND
    assert found.message.startswith("at a bound: mu_ttbar = 10")
    assert not found.usable


def test_a_fit_that_does_not_converge_says_so(spec, monkeypatch):
    monkeypatch.setattr("hepcol.inference.yield_likelihood._CALLS", 3)
    found = fit_yields_model(spec, ranking=True)
    assert found.status is Status.NOT_CONVERGED
    assert found.message.startswith("no minimum found")
    assert (found.parameters, found.after, found.impacts) == ({}, {}, {})
    assert found.before["SRA"].total == pytest.approx(14)
    assert found.to_json()["correlation"][0][0] is None


def test_a_ranking_with_a_failed_fit_is_not_usable(spec, monkeypatch):
    valid = Minuit.valid.fget
    monkeypatch.setattr(Minuit, "valid", property(lambda self: valid(self) and not self.fixed["JES"]))
    found = fit_yields_model(spec, ranking=True)
    assert found.status is Status.CONVERGED
    assert next(iter(found.impacts)) == "JES"
    assert found.impacts["JES"].status is Status.NOT_CONVERGED
    assert not found.usable
    assert found.to_json()["impacts"]["JES"]["up"] is None
