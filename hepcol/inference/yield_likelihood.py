"""The likelihood of yields with its minimum by Minuit, and how far the signal strength may go."""

import math
from typing import Any

import numpy as np
from iminuit import Minuit
from scipy.special import gammaln, xlogy

from hepcol.inference.arrays import FloatArray
from hepcol.inference.record import Status
from hepcol.inference.templates import FLOOR
from hepcol.inference.yield_record import Parameter

_NEAR_BOUND = 1e-4  # of the distance between the bounds
_REPEATS = 3
_TOLD = 3  # parameters at bounds
_CALLS = 200_000
_DISTANCE = 1e-3  # Minuit's tolerance: 2e-6 of -2 ln L
_LOWEST = 0.99  # of the signal strength at which a region would have nothing left: it may be negative in a fit
_NOWHERE = 1e9  # -2 ln L where it is not a number
_BEYOND = 50.0, 3.0  # events, and parts of what is there: more signal than that is not to be found


class YieldLikelihood:
    """-2 ln L of a model, and its parameters before a fit."""

    def __init__(self, model: Any, data: list[float]) -> None:
        from cabinetry.model_utils import asimov_parameters, prefit_uncertainties

        self.model = model
        self._observed, self._auxiliary = np.split(np.array(data, dtype=np.float64), [model.config.nmaindata])
        self._constant = gammaln(self._observed + 1)
        # a staterror has one parameter per bin, and our channels have one bin
        self.names = [name.removesuffix("[0]") for name in model.config.par_names]
        self.starts = np.array(asimov_parameters(model))
        self.widths = np.array(prefit_uncertainties(model))
        self.bounds = [tuple(pair) for pair in model.config.suggested_bounds()]
        self.poi = model.config.poi_index

    def __call__(self, values: FloatArray) -> float:
        """Return -2 ln L; below next to no events it rises, so that a fit finds its way back."""
        events = np.asarray(self.model.expected_actualdata(values), dtype=np.float64)
        there = np.maximum(events, FLOOR)
        missing = there - events
        # the Poisson term goes on as its tangent, which few data give too flat a one
        slopes = np.maximum(self._observed / there - 1, 1.0)
        poisson = there - xlogy(self._observed, there) + self._constant + missing * slopes + missing**2
        constraints = self.model.constraint_logpdf(self._auxiliary, values) if len(self._auxiliary) else 0.0
        found = float(2 * np.sum(poisson) - 2 * constraints)
        return found if math.isfinite(found) else _NOWHERE

    def at(self, k: int, value: float) -> FloatArray:
        """Return where fits start, with one parameter elsewhere."""
        starts = self.starts.copy()
        starts[k] = value
        return starts

    def fewest(self, minuit: Minuit) -> float:
        """Return the expected events of the region that has fewest."""
        return float(np.min(self.model.expected_actualdata(np.array(minuit.values))))

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
        if minimum is None or not minimum.is_valid or not minimum.fval < _NOWHERE:
            return Status.NOT_CONVERGED, "no minimum found" + (f", distance {minimum.edm:.2g}" if minimum else "")
        bound = [f"{name} = {p.value:.4g}" for name, p in self.parameters(minuit).items() if p.at_bound]
        if bound:
            more = f" and {len(bound) - _TOLD} more" if len(bound) > _TOLD else ""
            return Status.AT_BOUND, f"at a bound: {', '.join(bound[:_TOLD])}{more}"
        if minuit.covariance is None or not minimum.has_accurate_covar or minimum.has_made_posdef_covar:
            return Status.NO_COVARIANCE, "the likelihood has no proper curvature at its minimum"
        return Status.CONVERGED, ""

    def is_at_bound(self, minuit: Minuit, k: int) -> bool:
        """Whether a parameter was free and has come to a bound."""
        value, (low, high) = float(minuit.values[k]), self.bounds[k]
        return not minuit.fixed[k] and min(value - low, high - value) < _NEAR_BOUND * (high - low)

    def parameters(self, minuit: Minuit) -> dict[str, Parameter]:
        """Take the parameters from a fit."""
        found = {}
        for k, name in enumerate(self.names):
            value, (low, high) = float(minuit.values[k]), self.bounds[k]
            at_bound = self.is_at_bound(minuit, k)
            if at_bound:  # Minuit only comes near it
                value = low if value - low < high - value else high
            error = 0.0 if minuit.fixed[k] else float(minuit.errors[k])
            found[name] = Parameter(value, error, float(self.starts[k]), float(self.widths[k]), at_bound)
        return found


def expectations(model: Any) -> tuple[FloatArray, FloatArray]:
    """Return the events of background and signal in each region, before a fit and at a signal strength of 1."""
    start = list(model.config.suggested_init())
    start[model.config.poi_index] = 0.0
    background = np.asarray(model.expected_actualdata(start), dtype=np.float64)
    start[model.config.poi_index] = 1.0
    return background, np.asarray(model.expected_actualdata(start), dtype=np.float64) - background


def highest(model: Any, data: Any) -> float:
    """Choose the largest signal strength: that of the workspace, or more if the signal is weak."""
    background, signal = expectations(model)
    observed = np.array(data[: model.config.nmaindata])
    allowed = float(model.config.suggested_bounds()[model.config.poi_index][1])
    there = signal > 2 * FLOOR
    if not there.any():
        return allowed
    return max(allowed, float(np.min((_BEYOND[0] + _BEYOND[1] * (observed + background)[there]) / signal[there])))


def lowest(model: Any) -> float:
    """Choose the lowest signal strength, at which all regions have events yet."""
    background, signal = expectations(model)
    there = signal > 2 * FLOOR
    return -_LOWEST * float(np.min(background[there] / signal[there])) if there.any() else 0.0
