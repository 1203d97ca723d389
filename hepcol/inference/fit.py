"""Fit a model to a spectrum: extended binned likelihood on bin integrals, minimised by Minuit."""

import math
from collections.abc import Sequence

import numpy as np
from iminuit import Minuit
from iminuit.cost import ExtendedBinnedNLL
from scipy.special import chdtrc

from hepcol.inference.arrays import FloatArray
from hepcol.inference.model import Model
from hepcol.inference.record import Estimate, FitRecord, Status
from hepcol.inference.spectrum import Spectrum

MIN_EXPECTED = 5.0  # entries in a bin of chi2 (W. G. Cochran, Ann. Math. Statist. 23 (1952) 315)
_NEAR_BOUND = 1e-3  # of the allowed interval
_PEAK_POINTS = 2001
_PRECISION = 1e-12  # of the likelihood: expectations are differences of integrals


def fit(model: Model, spectrum: Spectrum, minos: Sequence[str] = ()) -> FitRecord:
    """Fit a model to a spectrum.

    The likelihood is Poisson's in every bin; for weighted events the scaled one, whose errors hold for sums of
    weights (G. Bohm, G. Zech, Nucl. Instrum. Meth. A 748 (2014) 1).

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
        message = f"{occupied} bins have entries, too few for {len(free)} free parameters"
        return _unfitted(model, spectrum, free, Status.TOO_FEW_ENTRIES, message)
    minuit = _minimise(model, spectrum)
    covariance = minuit.covariance
    estimates = {
        parameter.name: Estimate(
            minuit.values[parameter.name],
            0.0 if parameter.fixed else minuit.errors[parameter.name],
            parameter.fixed,
            not parameter.fixed and _at_bound(minuit.values[parameter.name], parameter.lower, parameter.upper),
        )
        for parameter in model.parameters
    }
    status, message = _status(minuit, estimates)
    if status in (Status.CONVERGED, Status.AT_BOUND):
        estimates |= _intervals(minuit, estimates, [name for name in minos if name in free])
    values = {name: estimate.value for name, estimate in estimates.items()}
    chi2, ndof = goodness(spectrum, model.expected(spectrum.edges, values), len(free))
    return FitRecord(
        model=model.name,
        range=spectrum.range,
        status=status,
        message=message,
        estimates=estimates,
        free=free,
        correlation=_correlation(covariance, minuit, free),
        entries=entries,
        deviance=math.nan if minuit.fval is None else float(minuit.fval),
        chi2=chi2,
        ndof=ndof,
        p_value=float(chdtrc(ndof, chi2)) if ndof > 0 else math.nan,
        peak=_peak(model, spectrum, values),
        distance=float(minuit.fmin.edm) if minuit.fmin else math.nan,
        calls=minuit.nfcn,
    )


def _minimise(model: Model, spectrum: Spectrum) -> Minuit:
    """Find the minimum and the curvature there."""
    names = [parameter.name for parameter in model.parameters]

    def expected_below(_edges: FloatArray, *numbers: float) -> FloatArray:
        expected = model.expected(spectrum.edges, dict(zip(names, numbers, strict=True)))
        return np.concatenate(([0.0], np.cumsum(expected)))

    data = (
        spectrum.contents if spectrum.variances is None else np.stack([spectrum.contents, spectrum.variances], axis=-1)
    )
    cost = ExtendedBinnedNLL(data, spectrum.edges, expected_below, name=names)
    minuit = Minuit(cost, *(parameter.start for parameter in model.parameters), name=names)
    for parameter in model.parameters:
        minuit.limits[parameter.name] = (parameter.lower, parameter.upper)
        minuit.fixed[parameter.name] = parameter.fixed
    minuit.precision = _PRECISION
    minuit.strategy = 1
    minuit.migrad()
    # with strategy 1 Hesse at times returned 2 for the error of the yield, whatever it was
    minuit.strategy = 2
    if not minuit.valid:
        minuit.simplex().migrad()
    minuit.hesse()
    return minuit


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


def _intervals(minuit: Minuit, estimates: dict[str, Estimate], names: Sequence[str]) -> dict[str, Estimate]:
    """Return the estimates of some parameters with Minos's intervals."""
    found = {}
    for name in names:
        before = estimates[name]
        lower = upper = math.nan
        try:
            minuit.minos(name)
        except RuntimeError:  # the minimum is not good enough to start from
            pass
        else:
            interval = minuit.merrors[name]
            lower = interval.lower if interval.lower_valid else math.nan
            upper = interval.upper if interval.upper_valid else math.nan
        found[name] = Estimate(before.value, before.error, before.fixed, before.at_bound, lower, upper)
    return found


def _correlation(covariance: FloatArray | None, minuit: Minuit, free: tuple[str, ...]) -> FloatArray:
    """Correlation of the free parameters."""
    if covariance is None:
        return np.full((len(free), len(free)), math.nan)
    index = [minuit.parameters.index(name) for name in free]
    matrix = np.asarray(covariance)[np.ix_(index, index)]
    scale = np.sqrt(np.diag(matrix))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(matrix / np.outer(scale, scale))


def goodness(spectrum: Spectrum, expected: FloatArray, free: int) -> tuple[float, int]:
    """Return Pearson's chi2 and its degrees of freedom, over bins merged until enough entries are expected.

    Without merging, bins where 0.1 entries are expected would spread chi2 more than its distribution allows for.
    """
    weight = spectrum.weight
    groups = _merged(expected, MIN_EXPECTED * weight)
    contents, expectation = (np.add.reduceat(column, groups) for column in (spectrum.contents, expected))
    if np.any(expectation <= 0):
        return math.nan, 0
    if spectrum.variances is None:
        variances = expectation
    else:
        summed, total = np.add.reduceat(spectrum.variances, groups), np.add.reduceat(spectrum.contents, groups)
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = np.where((total > 0) & (summed > 0), summed / total, weight)
        variances = expectation * scale
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
