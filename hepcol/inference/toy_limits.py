"""CLs limits from toys: pretended data instead of asymptotic distributions, which few events do not follow."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from hepcol.inference.arrays import FloatArray
from hepcol.inference.histfactory import quiet_pyhf
from hepcol.inference.limit_record import SIGMAS, Limit
from hepcol.inference.limits import failure, upper_limit
from hepcol.inference.record import Status
from hepcol.inference.signal_profile import ScaledModel
from hepcol.inference.toy_crossings import Crossings, Tails, bracket

POINTS = 8
_REPLICAS = 100  # of the toys, for the statistical errors
_MARGIN = 1.5  # beyond the outermost limits that are expected
_CURVE = 30  # asymptotic CLs, of which toys only find the deviation
_MAX_FAILED = 0.01  # of the toys: those that fail may be a choice
_MAX_OPEN = 0.1  # of the replicas may not reach a limit before its error is not known
_CLOSE = 1.25  # between the signal strengths on both sides of a limit, before more of them are tried
_BESIDE = (0.92, 1.08)  # a limit: where more are tried
_SAME = 0.02  # relative, of signal strengths
_TIE = 1e-6  # between test statistics of equal data, which fits find to their precision
_QUANTILES = norm.cdf(SIGMAS)
_MAIN = {"observed": 0, "expected": 1 + SIGMAS.index(0)}  # limits that there must be, and their curves


@dataclass(frozen=True, eq=False)
class Toys:
    """Test statistics at a signal strength.

    Parameters
    ----------
    observed : float
        That of the data.
    signal, background : float64[n]
        Those of toys with the signal, and without it.
    failed : int
        Toys that could not be fitted, and are in neither.
    """

    observed: float
    signal: FloatArray
    background: FloatArray
    failed: int = 0

    def cls(self) -> FloatArray:
        """Return CLs of the data, NaN if no toy without signal is beyond, and its quantiles among these toys."""
        signal, background = np.sort(self.signal), np.sort(self.background)
        expected = np.quantile(_cls(background, signal, background), _QUANTILES)
        return np.array([_cls(np.array([self.observed]), signal, background)[0], *expected])

    def tails(self) -> tuple[FloatArray, FloatArray]:
        """Count the toys with signal, and without, beyond the data and beyond the quantiles of those without."""
        signal, background = np.sort(self.signal), np.sort(self.background)
        # fewer events have a larger test statistic
        quantiles = np.quantile(background, 1 - _QUANTILES, method="inverted_cdf")
        values = np.array([self.observed, *quantiles])
        return _beyond(signal, values).astype(np.float64), _beyond(background, values).astype(np.float64)

    def replica(self, draws: np.random.Generator) -> "Toys":
        """Draw as many toys from these toys, with replacement."""
        return Toys(
            self.observed,
            draws.choice(self.signal, len(self.signal)),
            draws.choice(self.background, len(self.background)),
        )


def toy_limit(spec: dict[str, Any], number: int, seed: int, points: int = POINTS) -> Limit:
    """Find the observed and expected limits with toys, at signal strengths around the asymptotic limits.

    Parameters
    ----------
    spec : dict
        A workspace with a signal.
    number : int
        Toys at each signal strength and hypothesis.
    seed : int
        Equal seeds give equal toys.
    points : int
        Signal strengths at the beginning; up to as many more are tried near the limits.

    Returns
    -------
    Limit
        With the statistical errors of the limits, from replicas of the toys. An outer expected limit for which there
        are too few toys, or that the signal strengths do not reach, is None.
    """
    asymptotic = upper_limit(spec, _CURVE, _MARGIN)
    if not asymptotic.usable:
        return _failed(asymptotic.status, f"no asymptotic limit to begin from: {asymptotic.message}", number, seed)
    around = [limit for limit in (asymptotic.observed, *asymptotic.expected) if limit is not None]
    begin = np.geomspace(min(around) / _MARGIN, max(around) * _MARGIN, points)
    with quiet_pyhf(), seeded(seed):
        scaled = ScaledModel.of(spec)
        search = _Search(scaled, number, Crossings.from_scan(asymptotic.scan, asymptotic.observed, asymptotic.expected))
        try:
            for strength in begin:
                search.draw(float(strength))
            if search.failed <= search.allowed:
                search.refine(points)
        except _fit_failure() as error:
            return _failed(Status.NOT_CONVERGED, f"data at the tested strengths: {failure(error)}", number, seed)
    return search.limit(seed)


class _Search:
    """Toys at signal strengths, and the limits that they give."""

    def __init__(self, scaled: ScaledModel, number: int, crossings: Crossings) -> None:
        self._scaled, self._number, self._crossings = scaled, number, crossings
        self._found: dict[float, Toys] = {}

    @property
    def failed(self) -> int:
        """Toys that could not be fitted."""
        return sum(toys.failed for toys in self._found.values())

    @property
    def allowed(self) -> float:
        """Toys that may fail."""
        return _MAX_FAILED * self._drawn

    @property
    def _drawn(self) -> int:
        return 2 * self._number * len(self._found)

    def draw(self, strength: float) -> None:
        """Draw toys at a signal strength."""
        toys = draw_toys(self._scaled.model, self._scaled.data, strength / self._scaled.unit, self._number)
        self._found = dict(sorted({**self._found, strength: toys}.items()))

    def refine(self, most: int) -> None:
        """Draw toys at more signal strengths, until those beside the observed limit and the median are close."""
        for _ in range(most):
            proposed = [strength for curve in _MAIN.values() for strength in self._wanted(curve)]
            for strength in proposed:
                if most > 0:
                    self.draw(strength)
                    most -= 1
            if not proposed or most <= 0:
                return

    def _wanted(self, curve: int) -> list[float]:
        """Choose signal strengths that a limit needs yet."""
        tails, strengths = self._tails(), np.array(list(self._found))
        limit = self._crossings.find(curve, tails)
        if not math.isfinite(limit):
            limit = self._crossings.starts[curve]
        sides = bracket(strengths, limit)
        if sides is not None and sides[1] < _CLOSE * sides[0] and not self._crossings.complaint(curve, tails, limit):
            return []
        return [side * limit for side in (*_BESIDE, 1.0) if np.min(np.abs(strengths / (side * limit) - 1)) > _SAME][:2]

    def _tails(self, draws: np.random.Generator | None = None) -> Tails:
        """Count toys beyond the data, or those of a replica."""
        chosen = [toys if draws is None else toys.replica(draws) for toys in self._found.values()]
        signal, background = (np.array(counts) for counts in zip(*(toys.tails() for toys in chosen), strict=True))
        return Tails(np.array(list(self._found)), signal, background)

    def limit(self, seed: int) -> Limit:
        """Find the limits and their errors."""
        scan = {strength: tuple(map(float, toys.cls())) for strength, toys in self._found.items()}
        if self.failed > self.allowed:
            message = f"{self.failed} of {self._drawn} toys could not be fitted"
            return _failed(Status.NOT_CONVERGED, message, self._number, seed, scan, self.failed)
        tails, draws = self._tails(), np.random.Generator(np.random.Philox(seed))
        limits = self._crossings.all(tails)
        replicas = np.array([self._crossings.all(self._tails(draws)) for _ in range(_REPLICAS)])
        errors = np.array([_spread(column) for column in replicas.T])
        limits = np.where(np.isfinite(errors) & ~np.array(self._crossings.few(tails, limits)), limits, math.nan)
        errors = np.where(np.isfinite(limits), errors, math.nan)
        status, message = Status.CONVERGED, ""
        for name, curve in _MAIN.items():
            if not math.isfinite(limits[curve]):
                status, message = self._why(name, curve, tails)
                break
        observed, *expected = (float(limit) if math.isfinite(limit) else None for limit in limits)
        return Limit(
            status,
            message,
            "toys",
            observed,
            tuple(expected),
            scan,
            tuple(map(float, errors)),
            self._number,
            self.failed,
            seed,
            tails={strength: (int(k), int(n)) for strength, k, n in zip(self._found, *tails.of_data, strict=True)},
        )

    def _why(self, name: str, curve: int, tails: Tails) -> tuple[Status, str]:
        """Say why there is no limit."""
        limit = self._crossings.find(curve, tails)
        few = self._crossings.complaint(curve, tails, limit if math.isfinite(limit) else self._crossings.starts[curve])
        if few or math.isfinite(limit):  # a limit without an error has too few, too
            return Status.TOO_FEW_ENTRIES, f"too few toys: {name} limit: {few or 'its error is not known'}"
        reach = f"{tails.strengths[0]:.4g} to {tails.strengths[-1]:.4g}"
        return Status.AT_BOUND, f"{name} limit: it is not among the signal strengths from {reach}"


def draw_toys(model: Any, data: Sequence[float], strength: float, number: int) -> Toys:
    """Draw toys with and without signal from fits of the data, as pyhf's ToyCalculator does, and fit each of them.

    Here a toy whose fit fails is counted, there it ends everything; and its quantiles fail with numpy 2.4
    (pyhf 0.7.6 asks np.percentile for what that no longer has).
    """
    import pyhf

    config = model.config
    how = config.suggested_init(), config.suggested_bounds(), config.suggested_fixed()
    statistic = pyhf.infer.test_statistics.qmu_tilde
    samples = [
        model.make_pdf(pyhf.infer.mle.fixed_poi_fit(poi, data, model, *how)).sample((number,))
        for poi in (strength, 0.0)
    ]
    failed = 0
    found: list[list[float]] = [[], []]
    for sample, values in zip(samples, found, strict=True):
        for toy in sample:
            try:
                value = float(statistic(strength, toy, model, *how))
            except pyhf.exceptions.FailedMinimization:
                value = math.nan
            if math.isfinite(value):
                values.append(value)
            else:
                failed += 1
    observed = float(statistic(strength, pyhf.tensorlib.astensor(data), model, *how))
    return Toys(observed, np.array(found[0]), np.array(found[1]), failed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed numpy's global random numbers, which pyhf draws from, and put them back afterwards."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _spread(values: FloatArray) -> float:
    """Return the standard deviation of the limits of replicas; NaN if many have none."""
    there = values[np.isfinite(values)]
    return float(there.std(ddof=1)) if len(there) > (1 - _MAX_OPEN) * len(values) else math.nan


def _beyond(toys: FloatArray, values: FloatArray) -> Any:
    """Count the sorted toys at or beyond values."""
    return len(toys) - np.searchsorted(toys, values - _TIE * (1 + np.abs(values)), side="left")


def _cls(values: FloatArray, signal: FloatArray, background: FloatArray) -> FloatArray:
    """Return CLs of test statistics, from sorted toys with and without signal; NaN beyond those without it."""
    tails = [_beyond(toys, values) / len(toys) for toys in (signal, background)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(tails[1] > 0, tails[0] / tails[1], math.nan)


def _fit_failure() -> type[Exception]:
    from pyhf.exceptions import FailedMinimization

    return FailedMinimization


def _failed(
    status: Status,
    message: str,
    number: int,
    seed: int,
    scan: dict[float, tuple[float, ...]] | None = None,
    failed: int = 0,
) -> Limit:
    nothing = (None,) * len(SIGMAS)
    return Limit(status, message, "toys", None, nothing, scan or {}, (), number, failed, seed)
