"""Histograms whose merged content does not depend on how the events were cut into chunks."""

from collections.abc import Iterable
from dataclasses import dataclass

import hist
import numpy as np
import numpy.typing as npt

from hepcol.sums import DEFAULT_BOUND, LIMBS, ExactSum, quanta, split

IntArray = npt.NDArray[np.int64]
VARIATION = "variation"
COUNTS = "counts"  # of an axis: what its bins count
CATEGORIES = (hist.axis.StrCategory, hist.axis.IntCategory)  # axes without edges
_MIN_SQUARE = 2.0**20  # quanta
Axes = tuple[hist.axis.AxisProtocol, ...]


@dataclass(frozen=True, eq=False)
class Histogram:
    """Entries, and for weighted events exact sums of the weights, over the bins of some axes.

    Parameters
    ----------
    axes : tuple of hist axes
        The axes.
    counts : int64, one dimension an axis, flow bins included
        Entries.
    weights, squares : ExactSum, optional
        Sums of the weights and of their squares, shaped as ``counts``; None if every event counts one.
    """

    axes: Axes
    counts: IntArray
    weights: ExactSum | None = None
    squares: ExactSum | None = None

    @classmethod
    def fill(
        cls,
        axes: Axes,
        *values: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
        max_weight: float = DEFAULT_BOUND,
    ) -> "Histogram":
        """Histogram the events of a chunk.

        Parameters
        ----------
        axes : tuple of hist axes
            None of them growing.
        *values : array
            One for each axis, or one string for a category axis.
        weight : float64[n], optional
            Weights of the events.
        max_weight : float
            Declared bound on ``|weight|``, the same for every chunk.

        Raises
        ------
        ValueError
            If a weight is NaN or above ``max_weight``.
        """
        counts = hist.Hist(*axes, storage=hist.storage.Int64())
        counts.fill(*values)
        entries = np.array(counts.view(flow=True))
        if weight is None:
            return cls(axes, entries)
        arrays = (value for value in values if not isinstance(value, str))
        weights = np.broadcast_to(np.asarray(weight, dtype=np.float64), np.broadcast_shapes(*map(np.shape, arrays)))
        return cls(
            axes,
            entries,
            _fill_exactly(axes, values, weights, max_weight),
            _fill_exactly(axes, values, weights * weights, max_weight * max_weight),
        )

    def __add__(self, other: "Histogram") -> "Histogram":
        """Merge; the axes have to be equal."""
        if self.axes != other.axes:
            raise ValueError(f"histograms with different axes do not merge: {self.axes} and {other.axes}")
        counts = self.counts + other.counts
        if self.weights is None and other.weights is None:
            return Histogram(self.axes, counts)
        (weights, squares), (other_weights, other_squares) = self._sums_like(other), other._sums_like(self)
        return Histogram(self.axes, counts, weights + other_weights, squares + other_squares)

    def _sums_like(self, other: "Histogram") -> tuple[ExactSum, ExactSum]:
        """Return the sums of weights and squares; events that only count have the weight one."""
        if self.weights is not None and self.squares is not None:
            return self.weights, self.squares
        if other.weights is None or other.squares is None:
            raise ValueError("neither histogram has weights")
        entries = int(self.counts.sum())
        return (
            ExactSum.of_ones(self.counts, other.weights.bound, entries),
            ExactSum.of_ones(self.counts, other.squares.bound, entries),
        )

    @property
    def resolves_squares(self) -> bool:
        """Whether the bound on the weights leaves six digits of their squares, on average."""
        if self.squares is None:
            return True
        least = _MIN_SQUARE * quanta(self.squares.bound)[-1] * float(self.counts.sum())
        return float(self.squares.value.sum()) >= least

    @property
    def entries(self) -> "Histogram":
        """The entries alone, without the weights."""
        return Histogram(self.axes, self.counts)

    def to_hist(self) -> hist.Hist:
        """Return a ``hist.Hist``: of integers, or of weights with their variances."""
        if self.weights is None or self.squares is None:
            counted = hist.Hist(*self.axes, storage=hist.storage.Int64())
            counted.view(flow=True)[...] = self.counts
            return counted
        weighted = hist.Hist(*self.axes, storage=hist.storage.Weight())
        weighted.view(flow=True)["value"] = self.weights.value
        weighted.view(flow=True)["variance"] = self.squares.value
        return weighted


def counted(axis: hist.axis.AxisProtocol) -> str:
    """Return what the bins of an axis count: events, unless it was made with ``__dict__={COUNTS: "jets"}``."""
    return str(axis.__dict__.get(COUNTS, "events"))


def variation_axis(names: Iterable[str]) -> hist.axis.StrCategory:
    """Return the axis that tells variations apart, first in every histogram.

    Examples
    --------
    >>> variation_axis(["nominal", "SCALE__1up"]).name
    'variation'
    """
    return hist.axis.StrCategory(list(names), name=VARIATION, overflow=False)


def observables(histogram: hist.BaseHist) -> list[str]:
    """Names of the axes of numbers: integers are observed where nothing else is, and are categories otherwise."""
    continuous = [axis.name for axis in histogram.axes if not axis.traits.discrete]
    return continuous or [axis.name for axis in histogram.axes if not isinstance(axis, CATEGORIES)]


def inclusive(histogram: hist.Hist) -> hist.Hist:
    """Add up a histogram over its categories, but the variations."""
    observed = observables(histogram)
    kept = [axis.name for axis in histogram.axes if axis.name == VARIATION or axis.name in observed]
    return histogram if len(kept) == histogram.ndim or not kept else histogram.project(*kept)


def _fill_exactly(
    axes: Axes, values: tuple[npt.ArrayLike, ...], weight: npt.NDArray[np.float64], bound: float
) -> ExactSum:
    """Sum weights over bins, limb by limb."""
    limbs = split(weight, bound)
    sums = []
    for limb in range(LIMBS):
        filled = hist.Hist(*axes, storage=hist.storage.Double())
        filled.fill(*values, weight=limbs[:, limb])
        sums.append(filled.view(flow=True))
    return ExactSum(bound, np.stack(sums, axis=-1), len(weight))
