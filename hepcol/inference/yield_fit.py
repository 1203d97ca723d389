"""Maximum-likelihood fits of yields: pulls, constraints, correlations, predictions, and what each parameter does."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from iminuit import Minuit

from hepcol.inference.arrays import FloatArray
from hepcol.inference.histfactory import SIGNAL_STRENGTH, model_and_data, quiet_pyhf
from hepcol.inference.record import Status
from hepcol.inference.yield_likelihood import YieldLikelihood, highest, lowest
from hepcol.inference.yield_record import Impact, Prediction, YieldFit

_NOTHING = 0.01  # events in a region: the signal has taken away all that was there
_NO_SIGNAL = f"{SIGNAL_STRENGTH} = 0 is at its bound: data have too few events for less; no ranking"


def fit_yields_model(
    spec: dict[str, Any], *, ranking: bool = False, report: Callable[[int, int], None] = lambda _done, _total: None
) -> YieldFit:
    """Fit the model of a workspace to its data.

    Parameters
    ----------
    spec : dict
        The workspace, with a signal or without. The signal strength may be negative, so that its error means something;
        where with next to no events more negative signal is always better, it stays at 0, with a remark.
    ranking : bool
        Whether to find the impact of each parameter on the signal strength, if the fit converges.
    report : callable
        Told how many impacts of how many are found.
    """
    with quiet_pyhf():
        model, data = model_and_data(spec)
        likelihood = YieldLikelihood(model, data)
        poi = likelihood.poi
        if poi is not None:
            likelihood.bounds[poi] = (lowest(model), highest(model, data))
        minuit = likelihood.minimise()
        remark = ""
        if (
            poi is not None
            and minuit.values[poi] < 0
            and (likelihood.is_at_bound(minuit, poi) or likelihood.fewest(minuit) < _NOTHING)
        ):
            minuit, remark = likelihood.minimise(likelihood.at(poi, 0.0), fixed=poi), _NO_SIGNAL
        status, message = likelihood.judge(minuit)
        before = _predict(model, likelihood.starts, likelihood.widths, np.eye(len(likelihood.starts)))
        if status is Status.NOT_CONVERGED:
            nothing = np.full((len(likelihood.names),) * 2, math.nan)
            return YieldFit(status, message, {}, nothing, math.nan, math.nan, before, {}, {})
        parameters = likelihood.parameters(minuit)
        if remark:
            parameters[SIGNAL_STRENGTH] = replace(parameters[SIGNAL_STRENGTH], at_bound=True)
        values, errors = np.array(minuit.values), np.array([found.error for found in parameters.values()])
        correlation = _correlation(minuit)
        ranked = ranking and poi is not None and status is Status.CONVERGED and not remark
        return YieldFit(
            status,
            message,
            parameters,
            correlation,
            float(minuit.fval),
            _goodness(model, data, float(minuit.fval)),
            before,
            _predict(model, values, errors, correlation),
            _rank(likelihood, values, errors, report) if ranked else {},
            remark,
        )


def _rank(
    likelihood: YieldLikelihood, values: FloatArray, errors: FloatArray, report: Callable[[int, int], None]
) -> dict[str, Impact]:
    """Find the impact of each parameter, each fit beginning at the best one.

    cabinetry.fit.ranking does the same from a cold start, and as a whole fails with one of its fits.
    """
    chosen = [k for k in range(len(values)) if k != likelihood.poi and errors[k] > 0]
    impacts = {}
    for done, k in enumerate(chosen, 1):
        width = likelihood.widths[k]
        steps = [errors[k], -errors[k], width, -width]
        found = [_change(likelihood, values, k, step) if step else (Status.CONVERGED, 0.0) for step in steps]
        statuses = [status for status, _ in found]
        worst = next((s for s in (Status.NOT_CONVERGED, Status.AT_BOUND) if s in statuses), Status.CONVERGED)
        up, down, up_before, down_before = (change for _, change in found)
        impacts[likelihood.names[k]] = Impact(worst, up, down, up_before, down_before)
        report(done, len(chosen))
    return dict(sorted(impacts.items(), key=lambda item: -item[1].size))


def _change(likelihood: YieldLikelihood, values: FloatArray, k: int, by: float) -> tuple[Status, float]:
    """Find how the signal strength changes with a parameter fixed elsewhere; NaN if that cannot be told."""
    starts = values.copy()
    starts[k] = np.clip(starts[k] + by, *likelihood.bounds[k])
    minuit = likelihood.minimise(starts, fixed=k, errors=False)
    if not minuit.valid:
        return Status.NOT_CONVERGED, math.nan
    if likelihood.is_at_bound(minuit, likelihood.poi):
        return Status.AT_BOUND, math.nan
    return Status.CONVERGED, float(minuit.values[likelihood.poi] - values[likelihood.poi])


def _correlation(minuit: Minuit) -> FloatArray:
    """Return the correlation of all parameters; 0 with fixed ones, NaN if there is no covariance."""
    size = len(minuit.values)
    if minuit.covariance is None:
        return np.full((size, size), math.nan)
    return np.asarray(minuit.covariance.correlation(), dtype=np.float64)


def _goodness(model: Any, data: list[float], deviance: float) -> float:
    """Return the p-value against the model with a free parameter for each bin, as cabinetry does.

    R. D. Cousins, Generalization of chisquare goodness-of-fit test for binned data using saturated models (2013).
    """
    import pyhf
    from cabinetry.model_utils import asimov_parameters, unconstrained_parameter_count
    from scipy.stats import chi2

    bins = model.config.nmaindata
    freedom = bins - unconstrained_parameter_count(model)
    if freedom <= 0:
        return math.nan
    observed = pyhf.tensorlib.astensor(data[:bins])
    best = pyhf.tensorlib.astensor(asimov_parameters(model))
    constraints = model.constraint_logpdf(pyhf.tensorlib.astensor(data[bins:]), best) if len(data) > bins else 0.0
    saturated = float(pyhf.tensorlib.poisson_dist(observed).log_prob(observed).sum() + constraints)
    return float(chi2.sf(max(deviance + 2 * saturated, 0.0), freedom))


def _predict(model: Any, values: FloatArray, errors: FloatArray, correlation: FloatArray) -> dict[str, Prediction]:
    """Return the expected events by region, with the uncertainty that the parameters give them."""
    from cabinetry.fit.results_containers import FitResults
    from cabinetry.model_utils import prediction

    found = prediction(
        model, fit_results=FitResults(values, errors, model.config.par_names, np.ascontiguousarray(correlation), 0.0)
    )
    return {
        region: Prediction(
            {sample: events[0] for sample, events in zip(model.config.samples, yields, strict=True)},
            float(np.sum(yields)),
            float(errors_of[-1]),
        )
        for region, yields, errors_of in zip(
            model.config.channels, found.model_yields, found.total_stdev_model_channels, strict=True
        )
    }
