"""Fit a model to a spectrum: extended binned likelihood on bin integrals, minimised by Minuit."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from iminuit import Minuit
from scipy.special import chdtrc

from hepcol.inference.arrays import FloatArray
from hepcol.inference.likelihood import Likelihood
from hepcol.inference.model import Model, Parameter
from hepcol.inference.record import Estimate, FitRecord, Status
from hepcol.inference.spectrum import Spectrum

MIN_EXPECTED = 5.0  # entries in a bin of chi2 (W. G. Cochran, Ann. Math. Statist. 23 (1952) 315)
FEW = 500.0  # entries; with fewer a fit begins at two places
_NEAR_BOUND = 1e-3  # of the allowed interval
_PEAK_POINTS = 2001
_PRECISION = 1e-12  # of the likelihood: expectations are differences of integrals
# Of the minimum, in units of 0.002. The likelihood of the original study is flat where parameters are at bounds: with
# Minuit's own 0.1, fits ended up to 1e-3 above the minimum, and 3 of 100 did not converge at once.
_DISTANCE = 0.01
_REPEATS = 3


def fit(model: Model, spectrum: Spectrum, minos: Sequence[str] = ()) -> FitRecord:
    """Fit a model to a spectrum.

    The likelihood is Poisson's in every bin; for weighted events its errors are corrected for them, see
    :class:`hepcol.inference.likelihood.Likelihood`.

    Parameters
    ----------
    model : Model
        The model; all bins of the spectrum are its range.
    spectrum : Spectrum
        The bins.
    minos : sequence of str
        Parameters whose intervals are found on the profile likelihood.

    Returns
    -------
    FitRecord
        Values and errors, and whether they may be used.
    """
    free = tuple(parameter.name for parameter in model.parameters if not parameter.fixed)
    entries = float(spectrum.contents.sum())
    occupied = int(np.count_nonzero(spectrum.contents))
    if occupied <= len(free) or entries <= 0:
        message = (
            f"the sum of weights is {entries:g}"
            if occupied > len(free)
            else f"{occupied} bins have entries, too few for {len(free)} free parameters"
        )
        return _unfitted(model, spectrum, free, Status.TOO_FEW_ENTRIES, message)
    likelihood = Likelihood(model, spectrum)
    minuit = _minimise(likelihood)
    if entries < FEW * spectrum.weight:
        minuit = min((minuit, *map(_minimise, _elsewhere(likelihood))), key=_rank)
    covariance, growth = _covariance(likelihood, minuit)
    estimates = {
        parameter.name: _estimate(minuit, parameter, unit, larger)
        for parameter, unit, larger in zip(model.parameters, likelihood.units, growth, strict=True)
    }
    status, message = _status(minuit, estimates)
    if status in (Status.CONVERGED, Status.AT_BOUND):
        scales = dict(zip(likelihood.names, likelihood.units * growth, strict=True))
        for name in (name for name in minos if name in free):
            lower, upper = _interval(minuit, name, scales[name])
            estimates[name] = replace(estimates[name], lower=lower, upper=upper)
    values = {name: estimate.value for name, estimate in estimates.items()}
    chi2, ndof = goodness(spectrum, model.expected(spectrum.edges, values), len(free))
    return FitRecord(
        model=model.name,
        range=spectrum.range,
        status=status,
        message=message,
        estimates=estimates,
        free=free,
        correlation=_correlation(covariance),
        entries=entries,
        deviance=math.nan if minuit.fval is None else float(minuit.fval),
        chi2=chi2,
        ndof=ndof,
        p_value=float(chdtrc(ndof, chi2)) if ndof > 0 else math.nan,
        peak=_peak(model, spectrum, values),
        distance=float(minuit.fmin.edm) if minuit.fmin else math.nan,
        calls=minuit.nfcn,
    )


def _minimise(likelihood: Likelihood) -> Minuit:
    """Find the minimum and the curvature there."""
    parameters, units = likelihood.model.parameters, likelihood.units
    starts = (parameter.start / unit for parameter, unit in zip(parameters, units, strict=True))
    minuit = Minuit(likelihood, *starts, name=likelihood.names)
    for parameter, unit in zip(parameters, units, strict=True):
        minuit.limits[parameter.name] = (parameter.lower / unit, parameter.upper / unit)
        minuit.fixed[parameter.name] = parameter.fixed
    minuit.errordef = Minuit.LEAST_SQUARES  # a deviance falls by 1 within an error
    minuit.precision = _PRECISION
    minuit.tol = _DISTANCE
    minuit.strategy = 1
    minuit.migrad()
    minuit.strategy = 2
    minuit.hesse()
    for _ in range(_REPEATS):
        if minuit.valid:
            break
        # Hesse found the minimum farther away than Migrad had thought
        minuit.migrad().hesse()
    return minuit


def _elsewhere(likelihood: Likelihood) -> list[Likelihood]:
    """Return the same likelihood with other starts: with few entries a few of them may look like a narrow peak."""
    others = {p.name: {"start": p.other_start} for p in likelihood.model.parameters if p.other_start is not None}
    free = {name: start for name, start in others.items() if not likelihood.model.parameter(name).fixed}
    return [Likelihood(likelihood.model.changed(free), likelihood.spectrum)] if free else []


def _rank(minuit: Minuit) -> tuple[bool, float]:
    """Order minima: the valid ones first, then by depth."""
    return not minuit.valid, math.inf if minuit.fval is None else float(minuit.fval)


def _covariance(likelihood: Likelihood, minuit: Minuit) -> tuple[FloatArray, FloatArray]:
    """Return the covariance of the free parameters in Minuit's units, and by what weights let each error grow.

    NaN where there is no covariance.
    """
    free = [number for number, parameter in enumerate(likelihood.model.parameters) if not parameter.fixed]
    growth = np.ones(len(likelihood.units))
    if minuit.covariance is None:
        return np.full((len(free), len(free)), math.nan), growth
    curvature = np.asarray(minuit.covariance)[np.ix_(free, free)]
    covariance = likelihood.covariance(np.array(minuit.values), np.array(minuit.errors), free, curvature)
    with np.errstate(invalid="ignore", divide="ignore"):
        growth[free] = np.sqrt(np.diag(covariance) / np.diag(curvature))
    return covariance, growth


def _estimate(minuit: Minuit, parameter: Parameter, unit: float, growth: float) -> Estimate:
    """Take the value and error of a parameter from Minuit."""
    value = float(minuit.values[parameter.name] * unit)
    if parameter.fixed:
        return Estimate(value, 0.0, fixed=True, at_bound=False)
    at_bound = _at_bound(value, parameter.lower, parameter.upper) and not _is_near(value, parameter, parameter.absent)
    return Estimate(value, float(minuit.errors[parameter.name] * unit * growth), fixed=False, at_bound=at_bound)


def _status(minuit: Minuit, estimates: dict[str, Estimate]) -> tuple[Status, str]:
    """Judge a fit, the worst first."""
    minimum = minuit.fmin
    if minimum is None or not minimum.is_valid or not math.isfinite(minimum.fval):
        reached = "call limit reached" if minimum and minimum.has_reached_call_limit else "no minimum found"
        return Status.NOT_CONVERGED, f"{reached}, distance {minimum.edm:.2g}" if minimum else reached
    at_bound = [f"{name} = {estimate.value:.4g}" for name, estimate in estimates.items() if estimate.at_bound]
    if at_bound:
        return Status.AT_BOUND, f"at a bound: {', '.join(at_bound)}"
    if minuit.covariance is None or not minimum.has_accurate_covar or minimum.has_made_posdef_covar:
        return Status.NO_COVARIANCE, "the likelihood has no proper curvature at its minimum"
    return Status.CONVERGED, ""


def _at_bound(value: float, lower: float, upper: float) -> bool:
    """Whether a value is at a bound, as near as Minuit's transformed parameters come to one."""
    span = upper - lower if math.isfinite(upper - lower) else max(1.0, abs(value))
    return min(value - lower, upper - value) < _NEAR_BOUND * span


def _is_near(value: float, parameter: Parameter, target: float | None) -> bool:
    """Whether a value is where its parameter has no effect, which is no failure."""
    return target is not None and abs(value - target) < _NEAR_BOUND * (parameter.upper - parameter.lower)


def _interval(minuit: Minuit, name: str, scale: float) -> tuple[float, float]:
    """Bounds of Minos's interval relative to the value; NaN where it failed."""
    try:
        minuit.minos(name)
    except RuntimeError:  # the minimum is not good enough to start from
        return math.nan, math.nan
    found = minuit.merrors[name]
    return (
        float(found.lower * scale) if found.lower_valid else math.nan,
        float(found.upper * scale) if found.upper_valid else math.nan,
    )


def _correlation(covariance: FloatArray) -> FloatArray:
    """Correlation of the free parameters."""
    scale = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(covariance / np.outer(scale, scale))


def goodness(spectrum: Spectrum, expected: FloatArray, free: int) -> tuple[float, int]:
    """Return Pearson's chi2 and its degrees of freedom, over bins merged until enough entries are expected.

    Without merging, bins where 0.1 entries are expected would spread chi2 more than its distribution allows for.
    The typical weight of a bin is that of a hundred entries around it: the few of one bin do not tell how they vary.
    """
    weights = spectrum.weights
    groups = _merged(expected / weights, MIN_EXPECTED)
    contents, expectation = (np.add.reduceat(column, groups) for column in (spectrum.contents, expected))
    if np.any(expectation <= 0):
        return math.nan, 0
    variances = np.add.reduceat(expected * weights, groups)
    ndof = len(groups) - free
    return (float(np.sum((contents - expectation) ** 2 / variances)), ndof) if ndof > 0 else (math.nan, 0)


def _merged(expected: FloatArray, enough: float) -> list[int]:
    """First bins of groups that expect enough; what is left over joins the last group."""
    starts, start, total = [], 0, 0.0
    for number, content in enumerate(expected):
        total += content
        if total >= enough:
            starts.append(start)
            start, total = number + 1, 0.0
    return starts or [0]


def _peak(model: Model, spectrum: Spectrum, values: dict[str, float]) -> float:
    """Where the density is highest: the vertex of the parabola through the three highest of many points."""
    edges = np.linspace(*spectrum.range, _PEAK_POINTS)
    heights = model.expected(edges, values)
    top = int(np.clip(np.argmax(heights), 1, len(heights) - 2))
    left, middle, right = heights[top - 1 : top + 2]
    curvature = left - 2 * middle + right
    shift = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    step = edges[1] - edges[0]
    return float(edges[top] + step * (0.5 + np.clip(shift, -0.5, 0.5)))


def _unfitted(model: Model, spectrum: Spectrum, free: tuple[str, ...], status: Status, message: str) -> FitRecord:
    """Record that there was nothing to fit."""
    nothing = np.full((len(free), len(free)), math.nan)
    return FitRecord(model.name, spectrum.range, status, message, {}, free, nothing, float(spectrum.contents.sum()))
