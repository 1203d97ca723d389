"""Where CLs of toys falls to the level of a limit: a smooth curve through counts, of which some may be 0."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.interpolate import PchipInterpolator

from hepcol.inference.arrays import FloatArray
from hepcol.inference.limit_record import LEVEL

_NEAR = 2.0  # times the limit, up or down: the signal strengths of a fit
_FEWEST_SIGNAL, _FEWEST_BACKGROUND = 10, 5  # toys beyond the data: at all of these, and on both sides of the limit
_TILT = 3.0  # standard deviation that a deviation's slope is thought to have, so that few toys do not turn the curve
_STEPS, _CHANGE = 30, 1e-9  # of Newton's method
_ROUNDS, _SETTLED = 8, 1e-3  # of what is near a limit, as the limit moves
_GRID = 400  # points between which a limit is looked for
_SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class Tails:
    """Toys beyond the data.

    Parameters
    ----------
    strengths : float64[points]
        The signal strengths, in their order.
    signal, background : float64[points, curves]
        Toys with the signal and without it, for the data and for each expectation.
    """

    strengths: FloatArray
    signal: FloatArray
    background: FloatArray

    @property
    def of_data(self) -> tuple[FloatArray, FloatArray]:
        """Those beyond the data, with the signal and without it."""
        return self.signal[:, 0], self.background[:, 0]


@dataclass(frozen=True, eq=False)
class Crossings:
    """Finds limits from toys, as deviations from asymptotic curves of CLs.

    ln CLs is the asymptotic one and a straight line, fitted to the counts of toys with signal as Poisson numbers.
    A count of 0 is a number like others there, not a CLs of 0; where no toy without signal is beyond, CLs is unknown.

    Parameters
    ----------
    curves : sequence of PchipInterpolator
        Asymptotic ln CLs, observed and expected, as functions of the signal strength.
    starts : sequence of float
        Asymptotic limits; NaN where there is none.
    """

    curves: Sequence[PchipInterpolator]
    starts: Sequence[float]

    @classmethod
    def from_scan(
        cls, scan: Mapping[float, Sequence[float]], observed: float | None, expected: Sequence[float | None]
    ) -> Self:
        """Take the curves from an asymptotic limit."""
        strengths, values = np.array(list(scan)), np.array(list(scan.values()))
        logarithms = np.log(np.maximum(values, _SMALLEST))
        curves = [PchipInterpolator(strengths, column) for column in logarithms.T]
        return cls(curves, [math.nan if limit is None else limit for limit in (observed, *expected)])

    def all(self, tails: Tails) -> FloatArray:
        """Find the limits of all curves; NaN where there is none among the strengths."""
        return np.array([self.find(curve, tails) for curve in range(len(self.curves))])

    def few(self, tails: Tails, limits: FloatArray) -> list[bool]:
        """Say for which limits there are too few toys."""
        return [bool(self.complaint(curve, tails, float(limit))) for curve, limit in enumerate(limits)]

    def find(self, curve: int, tails: Tails) -> float:
        """Find a limit; NaN if it is not among the signal strengths."""
        limit = self.starts[curve]
        for _ in range(_ROUNDS):
            if not math.isfinite(limit):
                return math.nan
            before, limit = limit, self._cross(curve, tails, limit)
            if abs(limit - before) < _SETTLED * before:
                break
        return limit if tails.strengths[0] < limit < tails.strengths[-1] else math.nan

    def complaint(self, curve: int, tails: Tails, limit: float) -> str:
        """Say of which toys there are too few for a limit; nothing if there are enough."""
        if not math.isfinite(limit):
            return ""
        near, sides = _near(tails.strengths, limit), bracket(tails.strengths, limit)
        signal = int(tails.signal[near, curve].sum())
        beside = np.isin(tails.strengths, sides if sides is not None else tails.strengths[near])
        background = int(tails.background[beside, curve].min(initial=_FEWEST_BACKGROUND))
        for number, fewest, what in (
            (background, _FEWEST_BACKGROUND, "without signal"),
            (signal, _FEWEST_SIGNAL, "with signal"),
        ):
            if number < fewest:
                return f"{number} toys {what} are beyond the data near it, of {fewest} that it needs"
        return ""

    def _cross(self, curve: int, tails: Tails, centre: float) -> float:
        """Fit the deviation near a signal strength, and find where the curve falls to the level for the last time."""
        counts, others = tails.signal[:, curve], tails.background[:, curve]
        chosen = _near(tails.strengths, centre) & (others > 0)
        if not chosen.any() or not counts[chosen].any():
            return math.nan
        strengths = tails.strengths[chosen]
        offset = np.log(others[chosen]) + self.curves[curve](strengths)
        shift, tilt = _deviation(counts[chosen], offset, strengths / centre - 1)
        grid = np.geomspace(centre / _NEAR, centre * _NEAR, _GRID)
        values = self.curves[curve](grid) + shift + tilt * (grid / centre - 1) - math.log(LEVEL)
        falls = np.flatnonzero((values[:-1] >= 0) & (values[1:] < 0))
        if not len(falls):
            return float(grid[-1] if values[-1] >= 0 else grid[0])
        last = falls[-1]
        part = values[last] / (values[last] - values[last + 1])
        return float(grid[last] + part * (grid[last + 1] - grid[last]))


def bracket(strengths: FloatArray, limit: float) -> tuple[float, float] | None:
    """Return the signal strengths on both sides of a limit, if there are some."""
    after = int(np.searchsorted(strengths, limit))
    return (float(strengths[after - 1]), float(strengths[after])) if 0 < after < len(strengths) else None


def _near(strengths: FloatArray, limit: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray((strengths > limit / _NEAR) & (strengths < limit * _NEAR))


def _deviation(counts: FloatArray, offset: FloatArray, x: FloatArray) -> tuple[float, float]:
    """Fit ``exp(offset + shift + tilt x)`` to Poisson numbers, by Newton's method."""
    design = np.stack([np.ones_like(x), x], axis=1)
    prior = np.diag([0.0, 1 / _TILT**2])
    found = np.array([math.log(counts.sum()) - np.logaddexp.reduce(offset), 0.0])
    for _ in range(_STEPS):
        rates = np.exp(offset + design @ found)
        step = np.linalg.solve(
            design.T @ (rates[:, None] * design) + prior, design.T @ (counts - rates) - prior @ found
        )
        found = found + step * min(1.0, 1 / np.abs(step).max(initial=1.0))
        if np.abs(step).max() < _CHANGE:
            break
    return float(found[0]), float(found[1])
