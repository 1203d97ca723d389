"""Histograms and axes of ROOT as flat arrays, under- and overflow included."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """A ROOT ``TAxis``: bins 1 to ``n_bins``, 0 for underflow and ``n_bins + 1`` for overflow.

    Parameters
    ----------
    edges : array, ``n_bins + 1``
        Increasing.
    uniform : bool
        Whether the bins are equally wide, so that the edges, ``low + i * width``, need no search.
    """

    edges: Floats
    uniform: bool

    @property
    def n_bins(self) -> int:
        """Number of bins without under- and overflow."""
        return len(self.edges) - 1

    @property
    def centres(self) -> Floats:
        """``TAxis::GetBinCenter`` of bins 0 to ``n_bins + 1``; the outer two are extrapolated by the mean width."""
        width = (self.edges[-1] - self.edges[0]) / self.n_bins
        centres = self.edges[0] + (np.arange(self.n_bins + 2) - 0.5) * width
        if not self.uniform:
            centres[1:-1] = self.edges[:-1] + 0.5 * np.diff(self.edges)
        return np.asarray(centres)

    def find(self, x: npt.ArrayLike) -> Integers:
        """``TAxis::FindFixBin``: the numbers of the bins that hold ``x``; NaN is in the overflow.

        As of ROOT 6.38 (pull request 19033), where a bin holds its lower edge and not its upper one to the last bit.
        Before, ``1 + int(n (x - low) / (high - low))`` could be one off for a number on the edge of a uniform axis
        or one rounding beside.
        """
        points = np.asarray(x, dtype=np.float64)
        found = np.searchsorted(self.edges, points, side="right")
        return np.where(points < self.edges[-1], found, self.n_bins + 1).astype(np.int64)


@dataclass(frozen=True)
class Histogram:
    """A ``TH1`` or ``TProfile``.

    Parameters
    ----------
    axis : Axis
    contents, errors : array, ``n_bins + 2``
        ``GetBinContent`` (of a profile: the mean) and ``GetBinError`` of every bin.
    """

    axis: Axis
    contents: Floats
    errors: Floats


@dataclass(frozen=True)
class Histogram2D:
    """A ``TH2`` or ``TProfile2D``.

    Parameters
    ----------
    x, y : Axis
    contents, errors : array, ``x.n_bins + 2`` by ``y.n_bins + 2``
        ``GetBinContent`` (of a profile: the mean) and ``GetBinError`` of every bin.
    """

    x: Axis
    y: Axis
    contents: Floats
    errors: Floats


def axis_of(stored: Any) -> Axis:
    """Take what uproot read of a ``TAxis``."""
    edges = np.asarray(stored.member("fXbins"), dtype=np.float64)
    if len(edges):
        return Axis(edges, uniform=False)
    n_bins, low, high = (stored.member(name) for name in ("fNbins", "fXmin", "fXmax"))
    edges = low + np.arange(n_bins + 1) * ((high - low) / n_bins)
    edges[-1] = min(edges[-1], high)  # ROOT's overflow begins at the lower of the two
    return Axis(edges, uniform=True)


def histogram_of(stored: Any) -> Histogram:
    """Take what uproot read of a ``TH1`` or ``TProfile``."""
    return Histogram(axis_of(stored.member("fXaxis")), *_contents_and_errors(stored))


def histogram2d_of(stored: Any) -> Histogram2D:
    """Take what uproot read of a ``TH2`` or ``TProfile2D``."""
    x, y = (axis_of(stored.member(name)) for name in ("fXaxis", "fYaxis"))
    return Histogram2D(x, y, *_contents_and_errors(stored))


def _contents_and_errors(stored: Any) -> tuple[Floats, Floats]:
    contents = np.ascontiguousarray(stored.values(flow=True), dtype=np.float64)
    if stored.classname.startswith("TProfile"):
        errors = stored.errors(flow=True, error_mode=stored.member("fErrorMode"))
        return contents, np.ascontiguousarray(errors, dtype=np.float64)
    # not uproot's errors(): without Sumw2 it takes the root of a negative content
    squares = np.asarray(stored.member("fSumw2"), dtype=np.float64)
    if len(squares):
        # ROOT's bin number runs over x first
        return contents, np.ascontiguousarray(np.sqrt(squares.reshape(contents.shape[::-1]).T))
    return contents, np.sqrt(np.abs(contents))
