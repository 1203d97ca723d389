"""Observables of the electron pairs and the axes of their histograms."""

from collections.abc import Sequence

import hist
import numpy as np

from hepcol.histograms import Axes, Histogram
from hepcol.kernels import angles
from hepcol.sums import ExactSum
from hepcol.units import GeV
from processors.zee.electrons import FloatArray, Pairs

N_BINS = 50
E1 = hist.axis.Regular(N_BINS, 0 * GeV, 100 * GeV, name="e1", label="leading electron energy [GeV]")
E2 = hist.axis.Regular(N_BINS, 0 * GeV, 100 * GeV, name="e2", label="subleading electron energy [GeV]")
M_EE = hist.axis.Regular(N_BINS, 84 * GeV, 98 * GeV, name="m_ee", label="$m_{ee}$ [GeV]")
DELTA_R = hist.axis.Regular(N_BINS, 0, 5, name="delta_r", label="$\\Delta R(e, e)$")

# in the order in which the smearing kernels fill them
SMEARED = (E1, E2, M_EE)
EDGES = np.array([[axis.edges[0], axis.edges[-1]] for axis in SMEARED])


def delta_r(pairs: Pairs) -> FloatArray:
    """Distance of the two electrons in pseudorapidity and azimuth."""
    return np.asarray(angles.delta_r(pairs.px, pairs.py, pairs.pz))


def cos_angle(pairs: Pairs) -> FloatArray:
    """Cosine of the opening angle; NaN where an electron is at rest."""
    product = _square_sum(pairs.px, pairs.py, pairs.pz)
    scalar = pairs.px[:, 0] * pairs.px[:, 1] + pairs.py[:, 0] * pairs.py[:, 1] + pairs.pz[:, 0] * pairs.pz[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(scalar / (np.sqrt(product[:, 0]) * np.sqrt(product[:, 1])))


def total_momentum_square(pairs: Pairs) -> FloatArray:
    """Squared momentum of the pair [GeV^2]."""
    return _square_sum(*(column[:, 0] + column[:, 1] for column in (pairs.px, pairs.py, pairs.pz)))


def _square_sum(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Sum the squares of three components."""
    return np.asarray(x * x + y * y + z * z)


def repeated(histogram: Histogram, axis: hist.axis.StrCategory) -> Histogram:
    """Repeat the histogram of an observable that no variation touches."""
    axes: Axes = (axis, *histogram.axes)
    counts = np.repeat(histogram.counts[np.newaxis], axis.size, axis=0)
    if histogram.weights is None or histogram.squares is None:
        return Histogram(axes, counts)
    return Histogram(axes, counts, histogram.weights.repeat(axis.size), histogram.squares.repeat(axis.size))


def stacked(axis: hist.axis.StrCategory, parts: Sequence[Histogram]) -> Histogram:
    """Put weighted histograms of the same events beside each other, one for each category."""
    sums = (
        [part.weights for part in parts if part.weights is not None],
        [part.squares for part in parts if part.squares is not None],
    )
    weights, squares = (
        ExactSum(these[0].bound, np.stack([one.limbs for one in these]), these[0].terms) for these in sums
    )
    return Histogram((axis, *parts[0].axes), np.stack([part.counts for part in parts]), weights, squares)
