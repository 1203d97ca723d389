"""CLs limits from toys: pretended data instead of asymptotic distributions, which few events do not follow."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from hepcol.inference.arrays import FloatArray
from hepcol.inference.histfactory import model_and_data, quiet_pyhf
from hepcol.inference.limits import LEVEL, SIGMAS, Limit, failure, upper_limit
from hepcol.inference.record import Status

POINTS = 8
_REPLICAS = 100  # of the toys, for the statistical errors
_MARGIN = 1.5  # beyond the outermost limits that are expected
_MAX_FAILED = 0.01  # of the toys: those that fail may be a choice
_MAX_OPEN = 0.1  # of the replicas may not reach a limit before its error is not known
_SMALLEST = 1e-300
_QUANTILES = norm.cdf(SIGMAS)


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
        """Return CLs of the data, and its quantiles among toys without signal."""
        signal, background = np.sort(self.signal), np.sort(self.background)
        expected = np.quantile(_cls(background, signal, background), _QUANTILES)
        return np.array([_cls(np.array([self.observed]), signal, background)[0], *expected])

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
        Signal strengths.

    Returns
    -------
    Limit
        With the statistical errors of the limits, from replicas of the toys. An outer expected limit that they do not
        reach is None.
    """
    asymptotic = upper_limit(spec)
    if not asymptotic.usable:
        return _failed(asymptotic.status, f"no asymptotic limit to begin from: {asymptotic.message}", number, seed)
    around = [limit for limit in (asymptotic.observed, *asymptotic.expected) if limit is not None]
    with quiet_pyhf():
        model, data = model_and_data(spec)
        high = min(max(around) * _MARGIN, model.config.suggested_bounds()[model.config.poi_index][1])
        strengths = [float(value) for value in np.geomspace(min(around) / _MARGIN, high, points)]
        with seeded(seed):
            try:
                found = [draw_toys(model, data, strength, number) for strength in strengths]
            except _fit_failure() as error:
                return _failed(Status.NOT_CONVERGED, f"data at the tested strengths: {failure(error)}", number, seed)
    return _limit(strengths, found, number, seed)


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


def _limit(strengths: list[float], found: list[Toys], number: int, seed: int) -> Limit:
    """Find the limits and their errors from toys at some signal strengths."""
    failed = sum(toys.failed for toys in found)
    cls = np.array([toys.cls() for toys in found])
    scan = {strength: tuple(map(float, values)) for strength, values in zip(strengths, cls, strict=True)}
    if failed > _MAX_FAILED * 2 * number * len(found):
        message = f"{failed} of {2 * number * len(found)} toys could not be fitted"
        return _failed(Status.NOT_CONVERGED, message, number, seed, scan, failed)
    limits = crossings(strengths, cls)
    draws = np.random.Generator(np.random.Philox(seed))
    replicas = np.array(
        [crossings(strengths, np.array([toys.replica(draws).cls() for toys in found])) for _ in range(_REPLICAS)]
    )
    errors = np.array([_spread(column) for column in replicas.T])
    status, message = Status.CONVERGED, ""
    for name, limit in (("observed", limits[0]), ("expected", limits[1 + SIGMAS.index(0)])):
        if not math.isfinite(limit):
            reach = f"{strengths[0]:.4g} to {strengths[-1]:.4g}"
            status, message = Status.AT_BOUND, f"{name} CLs does not cross {LEVEL} at signal strengths from {reach}"
    observed, *expected = (float(limit) if math.isfinite(limit) else None for limit in limits)
    return Limit(
        status, message, "toys", observed, tuple(expected), scan, tuple(map(float, errors)), number, failed, seed
    )


def _spread(values: FloatArray) -> float:
    """Return the standard deviation of the limits of replicas; NaN if many have none."""
    there = values[np.isfinite(values)]
    return float(there.std(ddof=1)) if len(there) > (1 - _MAX_OPEN) * len(values) else math.nan


def _cls(values: FloatArray, signal: FloatArray, background: FloatArray) -> FloatArray:
    """Return CLs of test statistics, from sorted toys with and without signal."""
    tails = [(len(toys) - np.searchsorted(toys, values, side="left")) / len(toys) for toys in (signal, background)]
    with np.errstate(invalid="ignore", divide="ignore"):
        # beyond all toys without signal there are none with it, either: excluded
        return np.where(tails[1] > 0, tails[0] / tails[1], 0.0)


def crossings(strengths: Sequence[float], cls: FloatArray) -> FloatArray:
    """Find where curves of CLs, ``[points, curves]``, fall to the level, between points on a logarithmic scale.

    NaN where a curve does not cross it within the points.
    """
    falling = np.minimum.accumulate(np.log(np.maximum(cls, _SMALLEST)), axis=0)
    goal = math.log(LEVEL)
    found = np.full(cls.shape[1], math.nan)
    for curve in range(cls.shape[1]):
        values = falling[:, curve]
        after = int(np.argmax(values < goal))
        if values[after] < goal and after > 0:
            before = after - 1
            part = (values[before] - goal) / (values[before] - values[after])
            found[curve] = strengths[before] + part * (strengths[after] - strengths[before])
    return found


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
