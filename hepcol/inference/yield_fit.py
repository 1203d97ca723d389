"""Maximum-likelihood fits of yields: pulls, constraints, correlations, predictions, and what each parameter does."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from iminuit import Minuit

from hepcol.inference.arrays import FloatArray
from hepcol.inference.histfactory import SIGNAL_STRENGTH, STATISTICS, model_and_data, quiet_pyhf
from hepcol.inference.record import Status, json_number

_NEAR_BOUND = 1e-4  # of the distance between the bounds
_REPEATS = 3
_TOLD = 3  # parameters at bounds
_CALLS = 200_000
_DISTANCE = 1e-3  # Minuit's tolerance: 2e-6 of -2 ln L
_LOWEST = 0.5  # of the signal strength at which a region would have nothing left: it may be negative in a fit


@dataclass(frozen=True)
class Parameter:
    """A parameter of the model and what the fit found.

    Parameters
    ----------
    value, error : float
        Best value and standard error.
    start : float
        Value before the fit.
    width : float
        Its uncertainty before the fit; 0 if nothing but data tells it.
    at_bound : bool
        Whether the value is at a bound, so that the error means little.
    """

    value: float
    error: float
    start: float
    width: float
    at_bound: bool = False

    @property
    def is_constrained(self) -> bool:
        """Whether the parameter was known before."""
        return self.width > 0

    @property
    def pull(self) -> float:
        """How far the fit moved it, in its uncertainty before; NaN if there was none."""
        return (self.value - self.start) / self.width if self.is_constrained else math.nan

    @property
    def constraint(self) -> float:
        """Its error relative to its uncertainty before; NaN if there was none."""
        return self.error / self.width if self.is_constrained else math.nan


@dataclass(frozen=True)
class Impact:
    """What a parameter does to the signal strength: the changes when it is fixed one error up and down.

    Parameters
    ----------
    status : Status
        Whether the fits worked.
    up, down : float
        With its error after the fit; NaN where a fit failed.
    up_before, down_before : float
        With its uncertainty before; 0 if there was none.
    """

    status: Status
    up: float
    down: float
    up_before: float
    down_before: float

    @property
    def size(self) -> float:
        """The larger change, for the ranking; those that failed come first."""
        largest = max(abs(self.up), abs(self.down))
        return largest if math.isfinite(largest) else math.inf


@dataclass(frozen=True)
class Prediction:
    """Expected events in a region: of each sample, and in all with their uncertainty."""

    samples: Mapping[str, float]
    total: float
    error: float


@dataclass(frozen=True, eq=False)
class YieldFit:
    """A fit of the model.

    Parameters
    ----------
    status : Status
        How it ended.
    message : str
        Why it may not be used; empty if it may.
    parameters : mapping of str to Parameter
        What it found; empty if it did not converge.
    correlation : float64[n, n]
        Their correlation, in their order; NaN where there is no covariance.
    deviance : float
        -2 ln L at the minimum, with pyhf's normalisation.
    p_value : float
        Goodness of fit against the saturated model; NaN without degrees of freedom.
    before, after : mapping of str to Prediction
        Expected events by region, before the fit (signal strength 1) and after.
    impacts : mapping of str to Impact
        The ranking: parameters by the size of their impact on the signal strength; empty if it was not asked for.
    """

    status: Status
    message: str
    parameters: Mapping[str, Parameter]
    correlation: FloatArray
    deviance: float
    p_value: float
    before: Mapping[str, Prediction]
    after: Mapping[str, Prediction]
    impacts: Mapping[str, Impact]

    @property
    def usable(self) -> bool:
        """Whether the values and errors may be used, and the ranking, if there is one."""
        return self.status is Status.CONVERGED and all(
            impact.status is Status.CONVERGED for impact in self.impacts.values()
        )

    @property
    def signal_strength(self) -> Parameter | None:
        """The signal strength; None of a fit without signal, or of one that failed."""
        return self.parameters.get(SIGNAL_STRENGTH)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        return {
            "status": self.status.value,
            "message": self.message,
            "parameters": {
                name: {
                    "value": json_number(found.value),
                    "error": json_number(found.error),
                    "start": found.start,
                    "width": found.width,
                    "pull": json_number(found.pull),
                    "constraint": json_number(found.constraint),
                    "at_bound": found.at_bound,
                }
                for name, found in self.parameters.items()
            },
            "correlation": [[json_number(value) for value in row] for row in self.correlation],
            "deviance": json_number(self.deviance),
            "p_value": json_number(self.p_value),
            "before": {region: _told(prediction) for region, prediction in self.before.items()},
            "after": {region: _told(prediction) for region, prediction in self.after.items()},
            "impacts": {
                name: {
                    "status": impact.status.value,
                    "up": json_number(impact.up),
                    "down": json_number(impact.down),
                    "up_before": json_number(impact.up_before),
                    "down_before": json_number(impact.down_before),
                }
                for name, impact in self.impacts.items()
            },
        }


def fit_yields_model(
    spec: dict[str, Any], *, ranking: bool = False, report: Callable[[int, int], None] = lambda _done, _total: None
) -> YieldFit:
    """Fit the model of a workspace to its data.

    Parameters
    ----------
    spec : dict
        The workspace, with a signal or without. The signal strength may be negative, so that its error means something.
    ranking : bool
        Whether to find the impact of each parameter on the signal strength, if the fit converges.
    report : callable
        Told how many impacts of how many are found.
    """
    with quiet_pyhf():
        model, data = model_and_data(spec)
        likelihood = _Likelihood(model, data)
        minuit = likelihood.minimise()
        status, message = likelihood.judge(minuit)
        if status is Status.AT_BOUND and likelihood.poi is not None and minuit.values[likelihood.poi] < 0:
            # with next to no events more negative signal is always better: say what no signal gives
            likelihood.bounds[likelihood.poi] = (0.0, likelihood.bounds[likelihood.poi][1])
            minuit = likelihood.minimise()
            status, message = likelihood.judge(minuit)
        before = _predict(model, likelihood.starts, likelihood.widths, np.eye(len(likelihood.starts)))
        if status is Status.NOT_CONVERGED:
            nothing = np.full((len(likelihood.names),) * 2, math.nan)
            return YieldFit(status, message, {}, nothing, math.nan, math.nan, before, {}, {})
        values, errors = np.array(minuit.values), np.array(minuit.errors)
        correlation = _correlation(minuit)
        ranked = ranking and likelihood.poi is not None and status is Status.CONVERGED
        impacts = _rank(likelihood, values, errors, report) if ranked else {}
        return YieldFit(
            status,
            message,
            likelihood.parameters(minuit),
            correlation,
            float(minuit.fval),
            _goodness(model, data, float(minuit.fval)),
            before,
            _predict(model, values, errors, correlation),
            impacts,
        )


class _Likelihood:
    """-2 ln L of a model, and its parameters before a fit."""

    def __init__(self, model: Any, data: list[float]) -> None:
        from cabinetry.model_utils import asimov_parameters, prefit_uncertainties

        self.model, self._data = model, np.array(data)
        # a staterror has one parameter per bin, and our channels have one bin
        self.names = [name.removesuffix("[0]") for name in model.config.par_names]
        self.starts = np.array(asimov_parameters(model))
        self.widths = np.array(prefit_uncertainties(model))
        self.bounds = [tuple(pair) for pair in model.config.suggested_bounds()]
        self.poi = model.config.poi_index
        if self.poi is not None:
            self.bounds[self.poi] = (_lowest(model), self.bounds[self.poi][1])

    def __call__(self, values: FloatArray) -> float:
        """Return -2 ln L."""
        return float(-2 * self.model.logpdf(values, self._data)[0])

    def minimise(self, starts: FloatArray | None = None, fixed: int | None = None, errors: bool = True) -> Minuit:
        """Find the minimum, with a parameter fixed at its start if asked for."""
        minuit = Minuit(self, self.starts if starts is None else starts, name=self.names)
        minuit.limits = self.bounds
        minuit.fixed = self.model.config.suggested_fixed()
        if fixed is not None:
            minuit.fixed[fixed] = True
        minuit.errordef = Minuit.LEAST_SQUARES  # -2 ln L rises by 1 within an error
        minuit.tol = _DISTANCE
        minuit.strategy = 1 if errors else 0
        for _ in range(_REPEATS):
            minuit.migrad(ncall=_CALLS)
            if errors:
                minuit.hesse()
            if minuit.valid:
                break
        return minuit

    def judge(self, minuit: Minuit) -> tuple[Status, str]:
        """Say how a fit ended, the worst first."""
        minimum = minuit.fmin
        if minimum is None or not minimum.is_valid or not math.isfinite(minimum.fval):
            return Status.NOT_CONVERGED, "no minimum found" + (f", distance {minimum.edm:.2g}" if minimum else "")
        bound = [f"{name} = {p.value:.4g}" for name, p in self.parameters(minuit).items() if p.at_bound]
        if bound:
            more = f" and {len(bound) - _TOLD} more" if len(bound) > _TOLD else ""
            return Status.AT_BOUND, f"at a bound: {', '.join(bound[:_TOLD])}{more}"
        if minuit.covariance is None or not minimum.has_accurate_covar or minimum.has_made_posdef_covar:
            return Status.NO_COVARIANCE, "the likelihood has no proper curvature at its minimum"
        return Status.CONVERGED, ""

    def parameters(self, minuit: Minuit) -> dict[str, Parameter]:
        """Take the parameters from a fit."""
        found = {}
        for k, name in enumerate(self.names):
            value, (low, high) = float(minuit.values[k]), self.bounds[k]
            at_bound = not minuit.fixed[k] and min(value - low, high - value) < _NEAR_BOUND * (high - low)
            if at_bound:  # Minuit only comes near it
                value = low if value - low < high - value else high
            error = 0.0 if minuit.fixed[k] else float(minuit.errors[k])
            found[name] = Parameter(value, error, float(self.starts[k]), float(self.widths[k]), at_bound)
        return found


def _rank(
    likelihood: _Likelihood, values: FloatArray, errors: FloatArray, report: Callable[[int, int], None]
) -> dict[str, Impact]:
    """Find the impact of each parameter, each fit beginning at the best one.

    cabinetry.fit.ranking does the same from a cold start, and as a whole fails with one of its fits.
    """
    chosen = [k for k in range(len(values)) if k != likelihood.poi and errors[k] > 0]
    impacts = {}
    for done, k in enumerate(chosen, 1):
        changes = [_change(likelihood, values, k, sign * errors[k]) for sign in (1, -1)]
        width = likelihood.widths[k]
        before = [_change(likelihood, values, k, sign * width) if width else 0.0 for sign in (1, -1)]
        worked = all(map(math.isfinite, (*changes, *before)))
        status = Status.CONVERGED if worked else Status.NOT_CONVERGED
        impacts[likelihood.names[k]] = Impact(status, *changes, *before)
        report(done, len(chosen))
    return dict(sorted(impacts.items(), key=lambda item: -item[1].size))


def _change(likelihood: _Likelihood, values: FloatArray, k: int, by: float) -> float:
    """Find how the signal strength changes with a parameter fixed elsewhere; NaN if that cannot be fitted."""
    starts = values.copy()
    starts[k] = np.clip(starts[k] + by, *likelihood.bounds[k])
    minuit = likelihood.minimise(starts, fixed=k, errors=False)
    return float(minuit.values[likelihood.poi] - values[likelihood.poi]) if minuit.valid else math.nan


def _lowest(model: Any) -> float:
    """Choose the lowest signal strength, at which all regions have events yet."""
    start = list(model.config.suggested_init())
    start[model.config.poi_index] = 0.0
    background = np.asarray(model.expected_actualdata(start))
    start[model.config.poi_index] = 1.0
    signal = np.asarray(model.expected_actualdata(start)) - background
    with np.errstate(divide="ignore"):
        return -_LOWEST * float(np.min(np.where(signal > 0, background / signal, math.inf)))


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


def is_statistical(name: str) -> bool:
    """Whether a parameter is the statistical error of the simulation."""
    return name.startswith(f"{STATISTICS}_")


def _told(prediction: Prediction) -> dict[str, Any]:
    return {
        "samples": {name: json_number(events) for name, events in prediction.samples.items()},
        "total": json_number(prediction.total),
        "error": json_number(prediction.error),
    }
