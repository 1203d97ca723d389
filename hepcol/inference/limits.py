"""CLs upper limits on a signal strength, and the significance of a signal.

CLs: A. L. Read, J. Phys. G 28 (2002) 2693; test statistics and their asymptotic distributions: G. Cowan et al.,
Eur. Phys. J. C 71 (2011) 1554; both as pyhf has them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import toms748
from scipy.stats import norm

from hepcol.inference.histfactory import build_workspace, model_and_data, quiet_pyhf
from hepcol.inference.record import Status, json_number
from hepcol.inference.yields import SampleYield, Yields

LEVEL = 0.05  # of CLs: the limit has 95 % confidence
SIGMAS = (-2, -1, 0, 1, 2)  # of the expected limits
ONE_EVENT = "one_event"
_ACCURACY = 1e-4  # relative, of a limit
_RISE = 0.02  # relative, that CLs may rise with the signal strength before a scan is not believed
_SMALLEST = 1e-300
_STEPS = 60  # doublings or halvings

Curves = tuple[float, ...]  # observed CLs, then the expected ones in the order of SIGMAS


@dataclass(frozen=True)
class Limit:
    """An upper limit.

    Parameters
    ----------
    status : Status
        How the search ended: converged; at bound, if signal strengths are not large enough for it; not converged.
    message : str
        Why it may not be used; empty if it may.
    method : str
        How CLs was found.
    observed : float or None
        The limit; None if it was not found.
    expected : tuple of float or None
        The limits expected without signal: at -2, -1, 0, 1 and 2 standard deviations.
    scan : mapping of float to tuple of float
        By signal strength, in its order: the observed CLs, then the expected ones.
    errors : tuple of float
        Statistical errors of the observed and the expected limits; empty if there are none.
    toys, failed_toys, seed : int
        Of toys: how many at each signal strength and hypothesis, how many in all could not be fitted, their seed.
    """

    status: Status
    message: str
    method: str
    observed: float | None
    expected: tuple[float | None, ...]
    scan: Mapping[float, Curves]
    errors: tuple[float, ...] = ()
    toys: int = 0
    failed_toys: int = 0
    seed: int | None = None

    @property
    def usable(self) -> bool:
        """Whether the limits may be used."""
        return self.status is Status.CONVERGED

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        toys = {"toys": self.toys, "failed_toys": self.failed_toys, "seed": self.seed} if self.toys else {}
        return {
            "status": self.status.value,
            "message": self.message,
            "method": self.method,
            "level": LEVEL,
            "observed": self.observed,
            "expected": list(self.expected),
            "errors": [json_number(error) for error in self.errors],
            **toys,
            "scan": [
                {
                    "strength": strength,
                    "observed": json_number(cls[0]),
                    "expected": [json_number(value) for value in cls[1:]],
                }
                for strength, cls in self.scan.items()
            ],
        }


@dataclass(frozen=True)
class Discovery:
    """How unlikely the data are without signal: p-value and significance, observed and expected with the signal."""

    status: Status
    message: str
    observed: float | None = None
    expected: float | None = None

    @property
    def significance(self) -> float | None:
        """Standard deviations of a Gaussian with the observed p-value beyond."""
        return None if self.observed is None else float(norm.isf(self.observed))

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        return {
            "status": self.status.value,
            "message": self.message,
            "p_value": self.observed,
            "significance": self.significance,
            "expected_p_value": self.expected,
            "expected_significance": None if self.expected is None else float(norm.isf(self.expected)),
        }


class _NotFoundError(Exception):
    """A limit was not found; with its status."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


def upper_limit(spec: dict[str, Any]) -> Limit:
    """Find the observed and expected limits with the asymptotic distributions.

    Parameters
    ----------
    spec : dict
        A workspace with a signal.
    """
    with quiet_pyhf() as pyhf:
        model, data = model_and_data(spec)
        high = model.config.suggested_bounds()[model.config.poi_index][1]
        scan = _Scan(lambda _: (), high)
        limits: list[float | None] = [None] * (1 + len(SIGMAS))
        status, message = Status.CONVERGED, ""
        try:
            scan = _Scan(_Asymptotic(pyhf, model, data), high)
            scan.bracket(_guess(model))
        except (_NotFoundError, pyhf.exceptions.FailedMinimization) as error:
            return _not_found(error, scan)
        for curve in range(len(limits)):
            try:
                limits[curve] = scan.root(curve)
            except (_NotFoundError, pyhf.exceptions.FailedMinimization) as error:
                failed = _not_found(error, scan)
                status, message = failed.status, failed.message
                if status is Status.NOT_CONVERGED:
                    return failed
        return Limit(status, message, "asymptotic", limits[0], tuple(limits[1:]), scan.points)


def discover(spec: dict[str, Any]) -> Discovery:
    """Find the p-value of the data without signal (q0), and that expected with the signal at a strength of 1.

    Parameters
    ----------
    spec : dict
        A workspace with a signal.
    """
    with quiet_pyhf() as pyhf:
        model, data = model_and_data(spec)
        try:
            found = pyhf.infer.hypotest(0.0, data, model, test_stat="q0", return_expected=True)
        except pyhf.exceptions.FailedMinimization as error:
            return Discovery(Status.NOT_CONVERGED, failure(error))
    observed, expected = (float(value) for value in found)
    if not math.isfinite(observed + expected):
        return Discovery(Status.NOT_CONVERGED, "the p-value is not a number")
    return Discovery(Status.CONVERGED, "", observed, expected)


def limit_of_events(yields: Yields, region: str, find: Callable[[dict[str, Any]], Limit] = upper_limit) -> Limit:
    """Find the limit on the events of any signal in one region (S95), with no uncertainty of the signal.

    Parameters
    ----------
    yields : Yields
        Expected and observed events; control regions are taken to be free of the signal.
    region : str
        The region.
    find : callable
        Finds the limit of a workspace.
    """
    return find(events_workspace(yields, region))


def events_workspace(yields: Yields, region: str) -> dict[str, Any]:
    """Make the workspace whose signal strength is the number of signal events in one region."""
    controls = set(yields.control_regions.values()) - {region}
    regions = tuple(other for other in yields.regions if other == region or other in controls)
    nominal = {other: float(other == region) for other in yields.regions}
    one = yields.with_signal(ONE_EVENT, SampleYield(nominal, is_data_driven=True))
    background = sum(max(sample.nominal[region], 0.0) for sample in yields.backgrounds.values())
    high = 50.0 + 3 * (yields.data[region] + background)
    return build_workspace(one, ONE_EVENT, regions=regions, bounds=(0.0, high)).spec


class _Asymptotic:
    """CLs by the asymptotic distributions of q-tilde.

    pyhf.infer.hypotest gives the same; three of its five fits do not depend on the signal strength, and are made once.
    """

    def __init__(self, pyhf: Any, model: Any, data: list[float]) -> None:
        self._mle, self._model = pyhf.infer.mle, model
        config = model.config
        how = config.suggested_init(), config.suggested_bounds(), config.suggested_fixed()
        asimov = pyhf.infer.calculators.generate_asimov_data(0.0, data, model, *how)
        self._free = [(sample, *self._fit(sample)) for sample in (data, asimov)]

    def __call__(self, strength: float) -> Curves:
        """Return the observed CLs and the expected ones, with eq. 66 to 69 of Cowan et al."""
        q, q_asimov = (self._statistic(strength, *free) for free in self._free)
        root = math.sqrt(q_asimov)
        if not root:  # no signal to speak of
            return (1.0,) * (1 + len(SIGMAS))
        observed = math.sqrt(q) - root if q <= q_asimov else (q - q_asimov) / (2 * root)
        # at N standard deviations fewer events CLs is lower: the order of SIGMAS
        return tuple(float(norm.sf(t + root) / norm.sf(t)) for t in (observed, *(-sigma for sigma in SIGMAS)))

    def _statistic(self, strength: float, data: Any, best: float, deviance: float) -> float:
        """Return q-tilde: 0 if the best signal strength is larger."""
        if best > strength:
            return 0.0
        _, there = self._mle.fixed_poi_fit(strength, data, self._model, return_fitted_val=True)
        return max(float(there) - deviance, 0.0) if math.isfinite(there) else math.nan

    def _fit(self, data: Any) -> tuple[float, float]:
        """Return the best signal strength and its -2 ln L."""
        values, deviance = self._mle.fit(data, self._model, return_fitted_val=True)
        return float(values[self._model.config.poi_index]), float(deviance)


class _Scan:
    """CLs at signal strengths, each found once."""

    def __init__(self, cls: Callable[[float], Curves], high: float) -> None:
        self._cls = cls
        self._high = high
        self._known: dict[float, Curves] = {0.0: (1.0,) * (1 + len(SIGMAS))}  # without signal, CLs+b is CLb

    @property
    def points(self) -> dict[float, Curves]:
        """What was found, in the order of the signal strengths."""
        return dict(sorted(self._known.items()))

    def at(self, strength: float) -> Curves:
        """Find CLs at a signal strength."""
        if strength not in self._known:
            found = self._cls(strength)
            if not all(map(math.isfinite, found)):
                raise _NotFoundError(
                    Status.NOT_CONVERGED, f"CLs at a signal strength of {strength:.4g} is not a number"
                )
            self._known[strength] = found
        return self._known[strength]

    def bracket(self, guess: float) -> None:
        """Go up until all limits are below, and down until all are above."""
        strength = min(guess, self._high)
        for _ in range(_STEPS):
            if max(self.at(strength)) < LEVEL or strength == self._high:
                break
            strength = min(2 * strength, self._high)
        strength = min(guess, self._high)
        for _ in range(_STEPS):
            if min(self.at(strength)) > LEVEL:
                break
            strength /= 2

    def root(self, curve: int) -> float:
        """Find where a curve falls to the level of confidence."""
        values = {strength: cls[curve] for strength, cls in self.points.items()}
        above = max(strength for strength, value in values.items() if value >= LEVEL)
        below = [strength for strength, value in values.items() if value < LEVEL]
        if not below:
            reached = f"CLs is {values[self._high]:.2g} at a signal strength of {self._high:g}, the largest allowed"
            raise _NotFoundError(Status.AT_BOUND, f"{_name(curve)} limit: {reached}")
        if above > min(below):
            raise _NotFoundError(
                Status.NOT_CONVERGED, f"{_name(curve)} limit: CLs does not fall with the signal strength"
            )
        found = toms748(self._distance, above, min(below), args=(curve,), rtol=_ACCURACY, xtol=_ACCURACY * min(below))
        self._check_falls(curve)
        return float(found)

    def _distance(self, strength: float, curve: int) -> float:
        return math.log(max(self.at(strength)[curve], _SMALLEST) / LEVEL)

    def _check_falls(self, curve: int) -> None:
        """Refuse a curve that rises: a fit has found a wrong minimum."""
        values = np.array([cls[curve] for cls in self.points.values()])
        if np.any(values[1:] > values[:-1] * (1 + _RISE) + LEVEL * _ACCURACY):
            raise _NotFoundError(
                Status.NOT_CONVERGED, f"{_name(curve)} limit: CLs does not fall with the signal strength"
            )


def _guess(model: Any) -> float:
    """About where the limit is: the events that a region alone could not hide, in units of its signal."""
    start = list(model.config.suggested_init())
    start[model.config.poi_index] = 0.0
    background = model.expected_actualdata(start)
    start[model.config.poi_index] = 1.0
    signal = model.expected_actualdata(start) - background
    return float(np.min((3 + 2 * np.sqrt(background)) / np.maximum(signal, _SMALLEST)))


def _name(curve: int) -> str:
    return "observed" if curve == 0 else f"expected ({SIGMAS[curve - 1]:+d} sigma)"


def _not_found(error: Exception, scan: _Scan) -> Limit:
    status = error.status if isinstance(error, _NotFoundError) else Status.NOT_CONVERGED
    return Limit(status, _why(error), "asymptotic", None, (None,) * len(SIGMAS), scan.points)


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, _NotFoundError) else failure(error)


def failure(error: Exception) -> str:
    """Say on one line that a fit failed, and why."""
    return " ".join(f"fit failed: {error}".split())
