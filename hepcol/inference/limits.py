"""CLs upper limits on a signal strength, and the significance of a signal.

CLs: A. L. Read, J. Phys. G 28 (2002) 2693; test statistics and their asymptotic distributions: G. Cowan et al.,
Eur. Phys. J. C 71 (2011) 1554; both as pyhf has them.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import toms748

from hepcol.inference.histfactory import build_workspace, quiet_pyhf
from hepcol.inference.limit_record import LEVEL, SIGMAS, Curves, Discovery, Limit
from hepcol.inference.record import Status
from hepcol.inference.signal_profile import Asymptotic, NotFoundError, Profile, ScaledModel
from hepcol.inference.yields import SampleYield, Yields

ONE_EVENT = "one_event"
_ACCURACY = 1e-4  # relative, of a limit
_RISE = 0.02  # relative, that CLs may rise with the signal strength before a scan is not believed
_SMALLEST = 1e-300
_FEW = 5.0  # events, below which the asymptotic distributions are off
_STEPS = 60  # doublings or halvings


def upper_limit(spec: dict[str, Any], points: int = 0, reach: float = 1.0) -> Limit:
    """Find the observed and expected limits with the asymptotic distributions.

    Parameters
    ----------
    spec : dict
        A workspace with a signal.
    points : int
        Further signal strengths at which CLs is found for a curve.
    reach : float
        The largest of them, in units of the largest limit.
    """
    with quiet_pyhf() as pyhf:
        scan, lost = _Scan(lambda _: (), 1.0), dict[int, Exception]()
        try:
            scaled = ScaledModel.of(spec)
            asymptotic = Asymptotic(pyhf, scaled)
            scan = _Scan(lambda strength: asymptotic(strength / scaled.unit), scaled.high * scaled.unit)
            scan.bracket(scaled.unit)
        except (NotFoundError, pyhf.exceptions.FailedMinimization) as error:
            return _not_found(error, scan)
        found = _roots(scan, lost, pyhf.exceptions.FailedMinimization)
        for curve in (0, 1 + SIGMAS.index(0)):
            if curve in lost:
                return replace(_not_found(lost[curve], scan), observed=found[0], expected=tuple(found[1:]))
        limits = [limit for limit in found if limit is not None]
        for strength in np.linspace(0, reach * max(limits), points + 1)[1:]:
            with suppress(NotFoundError, pyhf.exceptions.FailedMinimization):
                scan.at(float(strength))
        return Limit(
            Status.CONVERGED,
            "",
            "asymptotic",
            found[0],
            tuple(found[1:]),
            scan.points,
            remark=_few_events(scaled.background),
        )


def _roots(scan: "_Scan", lost: dict[int, Exception], failure_of_fit: type[Exception]) -> list[float | None]:
    """Find the limits that there are, and why others are not."""
    found: list[float | None] = []
    for curve in range(1 + len(SIGMAS)):
        try:
            found.append(scan.root(curve))
        except (NotFoundError, failure_of_fit) as error:
            lost[curve] = error
            found.append(None)
    return found


def discover(spec: dict[str, Any]) -> Discovery:
    """Find the significance of the data against no signal (q0), and that expected with the signal at a strength of 1.

    Parameters
    ----------
    spec : dict
        A workspace with a signal.
    """
    with quiet_pyhf() as pyhf:
        try:
            scaled = ScaledModel.of(spec)
            observed = Profile(pyhf, scaled, scaled.data).excess()
            expected = Profile(pyhf, scaled, scaled.asimov(pyhf, 1 / scaled.unit)).excess()
        except NotFoundError as error:
            return Discovery(error.status, str(error))
        except pyhf.exceptions.FailedMinimization as error:
            return Discovery(Status.NOT_CONVERGED, failure(error))
    if not math.isfinite(observed + expected):
        return Discovery(Status.NOT_CONVERGED, "the p-value is not a number")
    return Discovery(Status.CONVERGED, "", math.sqrt(observed), math.sqrt(expected))


def limit_of_events(yields: Yields, region: str) -> Limit:
    """Find the limit on the events of any signal in one region (S95), with no uncertainty of the signal.

    Parameters
    ----------
    yields : Yields
        Expected and observed events; control regions are taken to be free of the signal.
    region : str
        The region.
    """
    return upper_limit(events_workspace(yields, region))


def events_workspace(yields: Yields, region: str) -> dict[str, Any]:
    """Make the workspace whose signal strength is the number of signal events in one region."""
    controls = set(yields.control_regions.values()) - {region}
    regions = tuple(other for other in yields.regions if other == region or other in controls)
    nominal = {other: float(other == region) for other in yields.regions}
    one = yields.with_signal(ONE_EVENT, SampleYield(nominal, is_data_driven=True))
    return build_workspace(one, ONE_EVENT, regions=regions).spec


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
                raise NotFoundError(Status.NOT_CONVERGED, f"CLs at a signal strength of {strength:.4g} is not a number")
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
            raise NotFoundError(Status.AT_BOUND, f"{_name(curve)} limit: {reached}")
        if above > min(below):
            raise NotFoundError(
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
            raise NotFoundError(
                Status.NOT_CONVERGED, f"{_name(curve)} limit: CLs does not fall with the signal strength"
            )


def _few_events(background: float) -> str:
    """Say that the asymptotic distributions do not hold."""
    return f"few events ({background:.2g} expected without signal): use --toys" if background < _FEW else ""


def _name(curve: int) -> str:
    return "observed" if curve == 0 else f"expected ({SIGMAS[curve - 1]:+d} sigma)"


def _not_found(error: Exception, scan: _Scan) -> Limit:
    status = error.status if isinstance(error, NotFoundError) else Status.NOT_CONVERGED
    return Limit(status, _why(error), "asymptotic", None, (None,) * len(SIGMAS), scan.points)


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, NotFoundError) else failure(error)


def failure(error: Exception) -> str:
    """Say on one line that a fit failed, and why."""
    return " ".join(f"fit failed: {error}".split())
