"""The profile likelihood of a signal strength, and CLs by its asymptotic distributions.

A. L. Read, J. Phys. G 28 (2002) 2693; G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554; both as pyhf has them.
"""

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.stats import norm

from hepcol.inference.histfactory import SIGNAL_STRENGTH, model_and_data
from hepcol.inference.limit_record import SIGMAS, Curves
from hepcol.inference.record import Status
from hepcol.inference.templates import FLOOR
from hepcol.inference.yield_likelihood import YieldLikelihood, expectations, highest

_NOISE = 1e-3  # of -2 ln L: a fit with a fixed signal strength that is better by more shows that the free one failed
_BEYOND_REASON = 50.0  # -2 ln L ratios (7 standard deviations) that a second minimiser has to find, too
_SMALLEST = 1e-300


class NotFoundError(Exception):
    """A limit was not found; with its status."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, eq=False)
class ScaledModel:
    """A model whose signal is about as large as its limit, so that results do not depend on its size.

    Parameters
    ----------
    model, data
        As pyhf has them.
    unit : float
        The signal strength that is 1 here.
    high : float
        The largest signal strength, in these units.
    background : float
        Events of the background in the region that tells most of the signal.
    """

    model: Any
    data: list[float]
    unit: float
    high: float
    background: float

    @classmethod
    def of(cls, spec: dict[str, Any]) -> Self:
        """Scale the signal of a workspace to the events that its best region could not hide.

        Raises
        ------
        NotFoundError
            If there is no signal.
        """
        first, data = model_and_data(spec)
        background, signal = expectations(first)
        if not (signal > 2 * FLOOR).any():
            raise NotFoundError(Status.AT_BOUND, "the signal has no events in any region")
        units = (3 + 2 * np.sqrt(background)) / np.maximum(signal, _SMALLEST)
        unit, high = float(np.min(units)), highest(first, data)
        scaled = deepcopy(spec)
        for channel in scaled["channels"]:
            for sample in channel["samples"]:
                if SIGNAL_STRENGTH in [modifier["name"] for modifier in sample["modifiers"]]:
                    sample["data"] = [events * unit for events in sample["data"]]
        for parameter in scaled["measurements"][0]["config"]["parameters"]:
            if parameter["name"] == SIGNAL_STRENGTH:
                parameter["bounds"] = [[0.0, high / unit]]
        model, data = model_and_data(scaled)
        return cls(model, data, unit, high / unit, float(background[np.argmin(units)]))

    @property
    def how(self) -> tuple[list[float], list[tuple[float, float]], list[bool]]:
        """Starts, bounds and what is fixed, as pyhf's functions take them."""
        config = self.model.config
        return config.suggested_init(), config.suggested_bounds(), config.suggested_fixed()

    def asimov(self, pyhf: Any, strength: float) -> Any:
        """Return the data that are expected at a signal strength, once the rest is fitted to the data."""
        return pyhf.infer.calculators.generate_asimov_data(strength, self.data, self.model, *self.how)


class Profile:
    """The profile likelihood of the signal strength.

    SLSQP may stop far from the minimum and call that a success: what is not believable Minuit has to find, too.
    """

    def __init__(self, pyhf: Any, scaled: ScaledModel, data: Any) -> None:
        self._mle, self._scaled, self._data = pyhf.infer.mle, scaled, data
        values, deviance = self._mle.fit(data, scaled.model, return_fitted_val=True)
        self.best, self._deviance = float(values[scaled.model.config.poi_index]), float(deviance)

    def exclusion(self, strength: float) -> float:
        """Return q-tilde: 0 if the best signal strength is larger."""
        return 0.0 if self.best > strength else self._ratio(strength)

    def excess(self) -> float:
        """Return q0: 0 if the best signal strength is not above 0."""
        return self._ratio(0.0) if self.best > 0 else 0.0

    def _ratio(self, strength: float) -> float:
        _, there = self._mle.fixed_poi_fit(strength, self._data, self._scaled.model, return_fitted_val=True)
        there = float(there)
        if not -_NOISE < there - self._deviance < _BEYOND_REASON:
            there = self._repeat(strength, there)
        return max(there - self._deviance, 0.0) if math.isfinite(there) else math.nan

    def _repeat(self, strength: float, there: float) -> float:
        """Fit again with Minuit, freely and with the signal strength; the lower minima are right."""
        likelihood = YieldLikelihood(self._scaled.model, self._data)
        poi = likelihood.poi
        free = likelihood.minimise(errors=False)
        if free.valid and free.fval < self._deviance:
            self.best, self._deviance = float(free.values[poi]), float(free.fval)
        fixed = likelihood.minimise(likelihood.at(poi, strength), fixed=poi, errors=False)
        found = [value for value in (there, float(fixed.fval) if fixed.valid else math.nan) if math.isfinite(value)]
        return min(found, default=math.nan)


class Asymptotic:
    """CLs by the asymptotic distributions of q-tilde.

    pyhf.infer.hypotest gives the same; three of its five fits do not depend on the signal strength, and are made once.
    """

    def __init__(self, pyhf: Any, scaled: ScaledModel) -> None:
        self._profiles = [Profile(pyhf, scaled, data) for data in (scaled.data, scaled.asimov(pyhf, 0.0))]

    def __call__(self, strength: float) -> Curves:
        """Return the observed CLs and the expected ones, with eq. 66 to 69 of Cowan et al."""
        q, q_asimov = (profile.exclusion(strength) for profile in self._profiles)
        root = math.sqrt(q_asimov)
        if not root:  # no signal to speak of
            return (1.0,) * (1 + len(SIGMAS))
        observed = math.sqrt(q) - root if q <= q_asimov else (q - q_asimov) / (2 * root)
        # at N standard deviations fewer events CLs is lower: the order of SIGMAS
        return tuple(_ratio(t + root, t) for t in (observed, *(-sigma for sigma in SIGMAS)))


def _ratio(numerator: float, denominator: float) -> float:
    """Return the ratio of what is beyond two numbers of standard deviations, which both may be next to nothing."""
    return float(np.exp(norm.logsf(numerator) - norm.logsf(denominator)))
