"""Limits: against the published ones, pyhf's own, and what they must do whatever the numbers."""

import json
import math
from dataclasses import replace

import numpy as np
import pyhf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import poisson

from hepcol.inference.histfactory import model_and_data, quiet_pyhf, workspace
from hepcol.inference.limits import _Scan, discover, events_workspace, limit_of_events, upper_limit
from hepcol.inference.record import Status
from hepcol.inference.signal_profile import Asymptotic, NotFoundError, ScaledModel
from hepcol.inference.toy_crossings import Crossings, Tails
from hepcol.inference.toy_limits import Toys, draw_toys, seeded, toy_limit
from hepcol.inference.yields import SampleYield, Yields

SIGNAL_ERROR = 0.15  # fixed beforehand: nothing is tuned to the published limits
POINTS = 15
POINT = "stop_400_320"


def one_region(signal=5.0, background=12.8, error=3.2, observed=10):
    systematics = {"bkg": {"SR": (background + error, background - error)}} if error else {}
    samples = {
        "bkg": SampleYield({"SR": background}, systematics=systematics, is_data_driven=True),
        "signal": SampleYield({"SR": signal}),
    }
    return Yields(("SR",), 0.017, {"SR": observed}, samples, ("signal",))


@pytest.fixture(scope="module")
def limits(published_yields):
    return {
        name: upper_limit(workspace(published_yields, name, signal_error=SIGNAL_ERROR))
        for name in published_yields.signals
    }


def test_limits_of_all_15_points_are_within_15_percent_of_the_published(published, limits):
    found = {name: limit.observed / point["mu_upper_limit"]
             for (name, limit), point in zip(limits.items(), published["points"], strict=True)}  # fmt: skip
    assert len(found) == POINTS
    assert {name: ratio for name, ratio in found.items() if not 0.85 < ratio < 1.15} == {}


def test_limits_on_events_are_within_10_percent_of_the_published(published, published_yields):
    for region, told in published["regions"].items():
        limit = limit_of_events(published_yields, region)
        assert limit.observed == pytest.approx(told["s95_observed"], rel=0.1)
        assert limit.expected[2] == pytest.approx(told["s95_expected"], rel=0.1)


def test_records_of_limits_are_whole(limits):
    limit = limits[POINT]
    assert (limit.status, limit.message, limit.usable) == (Status.CONVERGED, "", True)
    assert list(limit.expected) == sorted(limit.expected)
    told = limit.to_json()
    assert told["scan"][0] == {"strength": 0.0, "observed": 1.0, "expected": [1.0] * 5}
    assert [point["strength"] for point in told["scan"]] == sorted(point["strength"] for point in told["scan"])


def test_is_what_pyhf_finds_by_itself(published_yields, limits):
    model, data = model_and_data(workspace(published_yields, POINT, signal_error=SIGNAL_ERROR))
    observed, expected = pyhf.infer.intervals.upper_limits.upper_limit(data, model)
    assert limits[POINT].observed == pytest.approx(float(observed), rel=1e-3)
    assert limits[POINT].expected == pytest.approx([float(value) for value in expected], rel=1e-3)


@pytest.mark.parametrize("strength", [0.1, 0.6, 3.0])
@pytest.mark.parametrize("observed", [3, 13, 30])
def test_cls_is_that_of_pyhf_for_deficits_and_excesses(strength, observed):
    with quiet_pyhf():
        spec = workspace(one_region(observed=observed), "signal", signal_error=0.2)
        model, data = model_and_data(spec)
        expected = pyhf.infer.hypotest(strength, data, model, return_expected_set=True)
        scaled = ScaledModel.of(spec)
        found = Asymptotic(pyhf, scaled)(strength / scaled.unit)
    assert found == pytest.approx((float(expected[0]), *map(float, expected[1])), rel=1e-3)


def test_is_what_cabinetry_finds(published_yields, limits):
    from cabinetry.fit import limit

    found = limit(*model_and_data(workspace(published_yields, POINT, signal_error=SIGNAL_ERROR)), bracket=(0.01, 2))
    assert limits[POINT].observed == pytest.approx(found.observed_limit, rel=2e-2)  # its tolerance is 0.01
    assert limits[POINT].expected == pytest.approx(found.expected_limit, rel=3e-2)


def test_without_background_the_limit_is_three_events():
    spec = workspace(one_region(1.0, 1e-3, 1e-4, 0), "signal")
    toys = toy_limit(spec, 100, seed=3, points=4)
    # exp(-s) = 0.05; asymptotic formulas do not hold without events
    assert toys.observed == pytest.approx(-math.log(0.05), abs=max(3 * toys.errors[0], 0.3))


@pytest.fixture(scope="module")
def limit_of_one_region():
    return upper_limit(workspace(one_region(), "signal", signal_error=0.1))


@settings(max_examples=4)
@given(scale=st.floats(0.1, 8))
def test_more_signal_has_a_lower_limit_in_proportion(scale, limit_of_one_region):
    first = limit_of_one_region
    other = upper_limit(workspace(one_region(5.0 * scale), "signal", signal_error=0.1))
    assert other.observed * scale == pytest.approx(first.observed, rel=2e-3)
    assert np.array(other.expected) * scale == pytest.approx(np.array(first.expected), rel=2e-3)


def test_equal_names_correlate_regions_and_other_names_do_not(published_yields):
    def limit(names):
        background = published_yields.samples["bkg"]
        systematics = {}
        for name, region in zip(names, published_yields.regions, strict=True):
            events = background.nominal[region]
            systematics.setdefault(name, {})[region] = (1.3 * events, 0.7 * events)
        sample = replace(background, systematics=systematics)
        return upper_limit(
            workspace(replace(published_yields, samples={**published_yields.samples, "bkg": sample}), POINT)
        )

    # SRA has little signal, and its data tell the background of SRB, if both err together
    assert limit(["all", "all"]).median < 0.97 * limit(["a", "b"]).median


@pytest.mark.parametrize("signal", [0.3, 0.05, 1e-3])
def test_weak_signals_have_the_same_significance_and_limits_in_proportion(signal):
    strong, weak = (workspace(one_region(events, observed=30), "signal") for events in (5.0, signal))
    assert discover(weak).significance == pytest.approx(discover(strong).significance, abs=2e-3)
    limit = upper_limit(weak)
    assert limit.usable
    assert limit.observed * signal == pytest.approx(upper_limit(strong).observed * 5, rel=2e-3)


def test_says_that_no_allowed_strength_is_excluded():
    scan = _Scan(lambda _: (0.5,) * 6, 50.0)
    scan.bracket(1.0)
    with pytest.raises(
        NotFoundError, match=r"observed limit: CLs is 0\.5 at a signal strength of 50, the largest"
    ) as no:
        scan.root(0)
    assert no.value.status is Status.AT_BOUND


def test_an_outer_limit_that_is_not_reached_leaves_the_others_usable(monkeypatch):
    falling = lambda mu, at: math.exp(-3 * mu / at)

    def curves(self, strength):
        return (*(falling(strength, at) for at in (1.0, 0.5, 0.7, 1.0, 1.4)), 0.9)

    monkeypatch.setattr("hepcol.inference.limits.Asymptotic.__call__", curves)
    limit = upper_limit(workspace(one_region(), "signal"))
    assert (limit.status, limit.message, limit.usable) == (Status.CONVERGED, "", True)
    assert limit.expected[-1] is None
    assert limit.observed == pytest.approx(limit.median)


def test_a_signal_without_events_has_no_limit():
    spec = workspace(one_region(0.0), "signal")
    assert upper_limit(spec).message == discover(spec).message == "the signal has no events in any region"
    assert not upper_limit(spec).usable


@pytest.mark.parametrize(("signal", "background", "observed"), [(1000, 10, 1000), (1e5, 10, 100_000)])
def test_a_significance_without_a_p_value_is_a_number(signal, background, observed):
    found = discover(workspace(one_region(signal, background, 1.0, observed), "signal"))
    assert found.observed == 0.0  # next to nothing
    assert 50 < found.significance < 2000
    json.dumps(found.to_json(), allow_nan=False)


def test_cls_is_a_number_however_far_in_the_tail():
    with quiet_pyhf():
        scaled = ScaledModel.of(workspace(one_region(5, 100, 1.0, 20), "signal"))
        found = Asymptotic(pyhf, scaled)(0.9 * scaled.high)
    assert all(map(math.isfinite, found))
    assert max(found) < 1e-30


def test_a_fit_that_stops_too_early_is_repeated(monkeypatch):
    spec = workspace(one_region(), "signal")
    expected, fit = upper_limit(spec), pyhf.infer.mle.fixed_poi_fit

    def early(strength, *arguments, **options):
        found = fit(strength, *arguments, **options)
        return (found[0], found[1] + 1e4) if options.get("return_fitted_val") else found

    monkeypatch.setattr(pyhf.infer.mle, "fixed_poi_fit", early)
    assert upper_limit(spec).observed == pytest.approx(expected.observed, rel=1e-3)


def test_few_events_are_remarked():
    assert upper_limit(workspace(one_region(), "signal")).remark == ""
    few = upper_limit(workspace(one_region(1.0, 3.0, 0.5, 1), "signal"))
    assert few.usable
    assert few.remark == "few events (3 expected without signal): use --toys"


def test_a_curve_has_as_many_points_as_asked_for():
    limit = upper_limit(workspace(one_region(), "signal"), points=40, reach=1.15)
    top = 1.15 * limit.expected[-1]
    assert max(np.diff([strength for strength in limit.scan if strength <= top])) < 1.01 * top / 40


def test_a_fit_that_fails_is_a_status(monkeypatch):
    class Result:
        message = "Positive directional derivative\n for linesearch"

    def fail(*args, **options):
        raise pyhf.exceptions.FailedMinimization(Result)

    monkeypatch.setattr(pyhf.infer.mle, "fit", fail)
    monkeypatch.setattr(pyhf.infer.mle, "fixed_poi_fit", fail)
    spec = workspace(one_region(), "signal")
    limit = upper_limit(spec)
    assert (limit.status, limit.observed) == (Status.NOT_CONVERGED, None)
    assert limit.message == "fit failed: Positive directional derivative for linesearch"
    assert discover(spec).status is Status.NOT_CONVERGED
    toys = toy_limit(spec, 10, seed=1)
    assert (toys.status, toys.usable) == (Status.NOT_CONVERGED, False)
    assert toys.message.startswith("no asymptotic limit to begin from: fit failed")


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (lambda mu: 0.06 + 0.1 * mu, "observed limit: CLs does not fall with the signal strength"),
        (lambda mu: math.nan, "is not a number"),
    ],
)
def test_cls_that_rises_or_is_no_number_is_not_believed(monkeypatch, cls, message):
    def curves(self, strength):
        return (cls(strength) * (1 if strength < 2 else 0.01), *[cls(strength)] * 5)

    monkeypatch.setattr("hepcol.inference.limits.Asymptotic.__call__", curves)
    limit = upper_limit(workspace(one_region(), "signal"))
    assert limit.status is Status.NOT_CONVERGED
    assert message in limit.message


def test_the_p_value_of_an_excess_is_pyhfs():
    spec = workspace(one_region(observed=30), "signal")
    found = discover(spec)
    model, data = model_and_data(spec)
    assert found.observed == pytest.approx(float(pyhf.infer.hypotest(0.0, data, model, test_stat="q0")), rel=1e-3)
    assert found.significance == pytest.approx(2.88, abs=0.05)
    assert discover(workspace(one_region(observed=5), "signal")).observed == pytest.approx(0.5)


def test_limits_on_events_keep_the_control_regions(small_yields):
    spec = events_workspace(small_yields, "SRA")
    assert [channel["name"] for channel in spec["channels"]] == ["SRA", "CR"]
    assert [channel["samples"][0]["data"] for channel in spec["channels"]] == [[1.0], [1e-4]]
    limit = limit_of_events(small_yields, "SRA")
    assert limit.usable
    assert 5 < limit.observed < 11


def test_settings_of_pyhf_and_numpy_are_left_as_they_were():
    before, state = pyhf.get_backend(), np.random.get_state()[1].tolist()  # noqa: NPY002
    upper_limit(workspace(one_region(), "signal"))
    with seeded(5):
        pass
    assert pyhf.get_backend() == before
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def test_toys_are_those_of_pyhfs_calculator():
    with quiet_pyhf():
        model, data = model_and_data(workspace(one_region(), "signal"))
        with seeded(7):
            ours = draw_toys(model, data, 1.5, 40)
        calculator = pyhf.infer.calculators.ToyCalculator(data, model, ntoys=40, track_progress=False)
        with seeded(7):
            signal, background = calculator.distributions(1.5)
        np.testing.assert_array_equal(ours.signal, signal.samples)
        np.testing.assert_array_equal(ours.background, background.samples)
        cls = calculator.pvalues(calculator.teststatistic(1.5), signal, background)[2]
        of_toys = [calculator.pvalues(value, signal, background)[2] for value in background.samples]
    assert ours.tails()[0][0] / ours.tails()[1][0] == pytest.approx(cls)
    # as its expected_pvalues, which numpy 2.4 does not take
    expected = np.percentile(of_toys, [2.27501319, 15.86552539, 50.0, 84.13447461, 97.72498681])
    np.testing.assert_allclose(ours.cls(), [cls, *expected], rtol=1e-6)


def test_toys_agree_with_the_asymptotic_limit_where_there_are_ten_events(published_yields):
    spec = events_workspace(published_yields, "Stop4b_SRA")
    asymptotic, toys = upper_limit(spec), toy_limit(spec, 120, seed=2, points=4)
    assert toys.usable
    assert (toys.toys, toys.failed_toys, toys.seed) == (120, 0, 2)
    assert 0 < toys.errors[0] < 2
    # 3 statistical errors, and 5 % that the asymptotic formulas may be off
    for limit, other, error in ((asymptotic.observed, toys.observed, toys.errors[0]),
                                (asymptotic.expected[2], toys.expected[2], toys.errors[3])):  # fmt: skip
        assert abs(other - limit) < 3 * error + 0.05 * limit


def test_equal_seeds_give_equal_limits():
    spec = workspace(one_region(), "signal")
    first, again, other = (toy_limit(spec, 8, seed, points=2) for seed in (4, 4, 5))
    assert first.to_json() == again.to_json()
    assert first.scan != other.scan


def test_toys_that_cannot_be_fitted_are_counted_and_too_many_are_no_limit(monkeypatch):
    spec, statistic, calls = workspace(one_region(), "signal"), pyhf.infer.test_statistics.qmu_tilde, []

    def sometimes(*arguments):
        calls.append(1)
        if len(calls) % 7 == 0:
            raise pyhf.exceptions.FailedMinimization("no")
        return statistic(*arguments)

    expected = upper_limit(spec)
    monkeypatch.setattr("hepcol.inference.toy_limits.upper_limit", lambda *_: expected)
    monkeypatch.setattr(pyhf.infer.test_statistics, "qmu_tilde", sometimes)
    limit = toy_limit(spec, 12, seed=1, points=2)
    assert limit.status is Status.NOT_CONVERGED
    assert limit.message == f"{limit.failed_toys} of 48 toys could not be fitted"
    assert limit.failed_toys >= 4


@pytest.fixture
def quick_counting(monkeypatch):
    """Fit equal toys once: without systematics they are numbers of events."""
    statistic, known, specs = pyhf.infer.test_statistics.qmu_tilde, {}, {}

    def cached(strength, data, model, *how):
        if id(model) not in specs:
            specs[id(model)] = model, str(model.spec)  # kept, so that its id stays its own
        key = (strength, float(data[0]), specs[id(model)][1])
        if key not in known:
            known[key] = statistic(strength, data, model, *how)
        return known[key]

    monkeypatch.setattr(pyhf.infer.test_statistics, "qmu_tilde", cached)


@pytest.mark.parametrize(("background", "observed"), [(3.0, 1), (1.5, 0), (3.0, 7)])
def test_toys_find_the_exact_limit_of_counting(background, observed, quick_counting):
    def distance(signal):
        return poisson.cdf(observed, background + signal) / poisson.cdf(observed, background) - 0.05

    exact = brentq(distance, 0.1, 50)
    counting = replace(one_region(1.0, background, 0.0, observed), luminosity_error=0.0)
    limits = [toy_limit(workspace(counting, "signal"), 200, seed) for seed in range(1, 7)]
    assert all(limit.usable for limit in limits)
    found, errors = (
        np.array([getattr(limit, what) for limit in limits], dtype=object) for what in ("observed", "errors")
    )
    errors = np.array([error[0] for error in errors])
    assert found.mean() == pytest.approx(exact, abs=2.5 * errors.mean() / math.sqrt(len(limits)))
    assert np.all(np.abs(found - exact) < 3.5 * errors)  # each tells its error
    assert np.all(errors < 0.15 * exact)


def test_too_few_toys_are_told_as_such(quick_counting):
    spec = workspace(replace(one_region(1.0, 3.0, 0.0, 1), luminosity_error=0.0), "signal")
    limit = toy_limit(spec, 5, seed=1, points=3)
    assert limit.status is Status.TOO_FEW_ENTRIES
    assert limit.message.startswith("too few toys: observed limit: ")
    assert limit.observed is None
    json.dumps(limit.to_json(), allow_nan=False)


def test_cls_is_unknown_where_no_toy_without_signal_is_beyond():
    toys = Toys(9.0, np.arange(4.0), np.arange(4.0))
    assert math.isnan(toys.cls()[0])
    assert toys.tails()[1][0] == 0


CURVE = {mu: (math.exp(-mu),) * 6 for mu in np.linspace(0, 8, 60)}  # has the limit 2.996


def tails(strengths, counts, others=1000.0):
    counts = np.repeat(np.array(counts, dtype=float)[:, None], 6, axis=1)
    return Tails(np.array(strengths), counts, np.full_like(counts, others))


def test_crossings_are_of_a_curve_near_the_asymptotic_one():
    crossings = Crossings.from_scan(CURVE, 2.996, (2.996,) * 5)
    strengths = np.geomspace(1, 6, 9)
    exact = crossings.all(tails(strengths, 1000 * np.exp(-1.2 * strengths)))
    assert exact == pytest.approx([-math.log(0.05) / 1.2] * 6, rel=1e-2)


def test_a_count_of_0_is_no_cls_of_0():
    crossings = Crossings.from_scan(CURVE, 2.996, (2.996,) * 5)
    strengths = np.array([1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0])
    # of 100 toys; an accidental 0 at 2 would have been the limit of a curve through points
    found = crossings.find(0, tails(strengths, [22, 0, 8, 5, 3, 2, 1], others=100.0))
    assert 2.3 < found < 3.1
    assert math.isnan(crossings.find(0, tails(strengths, [22, 14, 8, 5, 3, 2, 1], others=0.0)))
    assert "toys without signal" in crossings.complaint(0, tails(strengths, [9] * 7, others=2.0), 3.0)
    assert "toys with signal" in crossings.complaint(0, tails(strengths, [1] * 7), 3.0)
