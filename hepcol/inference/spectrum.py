"""The bins that are fitted."""

from dataclasses import dataclass

import hist
import numpy as np

from hepcol.errors import InputError
from hepcol.inference.arrays import FloatArray

_ENOUGH = 100.0  # entries that tell a typical weight
_TOLERANCE = 1e-6  # of a bin: how far a bound of the range may be from an edge


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Sums of weights in consecutive bins.

    Parameters
    ----------
    edges : float64[n + 1]
        Edges of the bins.
    contents : float64[n]
        Sums of weights.
    variances : float64[n], optional
        Sums of squared weights; None for counts.
    """

    edges: FloatArray
    contents: FloatArray
    variances: FloatArray | None = None

    @classmethod
    def of(cls, histogram: hist.Hist, range_: tuple[float, float] | None = None) -> "Spectrum":
        """Take the bins of a one-dimensional histogram that lie in a range.

        Raises
        ------
        InputError
            If the histogram has more dimensions or no errors, or the range does not consist of bins of it.
        """
        if histogram.ndim != 1:
            raise InputError(f"histogram {histogram.name or ''} has {histogram.ndim} dimensions; a fit takes one")
        axis = histogram.axes[0]
        first, last = cut(axis, range_)
        contents = np.asarray(histogram.values(), dtype=np.float64)[first:last]
        weighted = histogram.storage_type in (hist.storage.Weight, hist.storage.WeightedMean)
        if not weighted and not np.array_equal(contents, np.round(contents)):
            raise InputError(
                f"histogram of {axis.name} holds sums of weights without their squares, so a fit has no errors; "
                "expected the storage Int64 or Weight"
            )
        variances = np.asarray(histogram.variances(), dtype=np.float64)[first:last] if weighted else None
        bad = np.flatnonzero(~np.isfinite(contents))
        if len(bad):
            raise InputError(f"histogram of {axis.name}: bin {first + bad[0]} holds {contents[bad[0]]}, no number")
        return cls(np.asarray(axis.edges[first : last + 1], dtype=np.float64), contents, variances)

    @property
    def range(self) -> tuple[float, float]:
        """First and last edge."""
        return float(self.edges[0]), float(self.edges[-1])

    @property
    def weight(self) -> float:
        """Typical weight: the sum of squared weights over the sum of weights; one for counts."""
        total = float(self.contents.sum())
        return 1.0 if self.variances is None or total <= 0 else float(self.variances.sum()) / total

    @property
    def weights(self) -> FloatArray:
        """Typical weight around each bin: of as many bins as have a hundred entries, or of all."""
        typical = np.full(len(self.contents), self.weight)
        if self.variances is None:
            return typical
        sums, squares = (np.concatenate(([0.0], np.cumsum(column))) for column in (self.contents, self.variances))
        last = len(self.contents)
        for number in range(last):
            for reach in range(last):
                low, high = max(0, number - reach), min(last, number + reach + 1)
                total, square = sums[high] - sums[low], squares[high] - squares[low]
                if total > 0 and square > 0 and total * total >= _ENOUGH * square:
                    typical[number] = square / total
                    break
        return typical

    @property
    def errors(self) -> FloatArray:
        """Standard errors of the contents."""
        return np.sqrt(self.contents if self.variances is None else self.variances)

    def __add__(self, other: "Spectrum") -> "Spectrum":
        """Add the contents of the same bins; with weights if either has them."""
        counts = self.variances is None and other.variances is None
        variances = None if counts else self.errors**2 + other.errors**2
        return Spectrum(self.edges, self.contents + other.contents, variances)


def cut(axis: hist.axis.AxisProtocol, range_: tuple[float, float] | None) -> tuple[int, int]:
    """Return the bins of an axis that make up a range: the first, and the one after the last.

    Raises
    ------
    InputError
        If the range is empty or its bounds are no edges.
    """
    edges = np.asarray(axis.edges)
    if range_ is None:
        return 0, len(edges) - 1
    low, high = range_
    if not low < high:
        raise InputError(f"range {low:g} {high:g}: the first number has to be smaller")
    found = []
    for bound in range_:
        nearest = int(np.argmin(np.abs(edges - bound)))
        if abs(edges[nearest] - bound) > _TOLERANCE * (edges[1] - edges[0]):
            raise InputError(
                f"range {low:g} {high:g}: {bound:g} is no edge of the {len(edges) - 1} bins of {axis.name} "
                f"from {edges[0]:g} to {edges[-1]:g}; the nearest is {edges[nearest]:.10g}"
            )
        found.append(nearest)
    return found[0], found[1]
