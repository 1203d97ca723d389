"""Tables as a kernel sees them: all numbers in one array, and rows of offsets into it.

Bins are numbered as in ROOT: 1 to n, 0 for underflow, n + 1 for overflow.
"""

import math
from typing import NamedTuple

from calib.egamma.kernels.programs import evaluate
from calib.egamma.kernels.slots import EXPONENTIAL, LOGARITHMIC, POWER, ROOT
from hepcol.kernels._jit import Floats, Integers
from hepcol.kernels.blocks import inlined
from hepcol.kernels.hyperbolic import exp, log

# Columns of ``axes``
BINS, EDGES, CENTRES, GUIDE, KNOTS = range(5)
# What is in front of the edges
CELLS_BEFORE, SCALE_BEFORE = 2, 1
# Columns of ``tables``; of a table with one axis, Y_AXIS is -1 and its contents are one row
X_AXIS, Y_AXIS, CONTENTS = range(3)
COLUMNS = Y_AXIS  # of a table whose bins are rows of numbers
# Columns of ``curves``
FORM, START, STOP, COEFFICIENTS = range(4)

# The bin with the nearest centre below, how far it is from there, and from there to the next one; NaN for NaN
Place = tuple[int, float, float]


class Tables(NamedTuple):
    """Everything that is read of a calibration area.

    Parameters
    ----------
    numbers : array of float64
        Edges, centres, contents, and coefficients of curves.
    axes : array of int64, one row each
        Number of bins, where edges, centres and the guide are, and the axis whose edges are the centres of this one.
        Two numbers are in front of the edges: how many equal cells the guide has, and how many there are per unit.
        Behind the last edge is NaN.
    guides : array of int64
        The guides: the first bin that may hold a number, for underflow, each of the cells, and overflow.
    tables : array of int64, one row each
        Axes, and where the contents are, ``(nx + 2) * (ny + 2)`` with y running fastest; -1 for an object that the
        model has not. Of ``slots.AT_ETA`` and following, the number of columns stands for the second axis.
    curves : array of int64, one row each
        Form, first and last instruction of the program, and where the coefficients ``a, b, c, d`` are.
    codes, values : arrays
        Programs of the curves, see :mod:`calib.egamma.kernels.programs`.
    """

    numbers: Floats
    axes: Integers
    guides: Integers
    tables: Integers
    curves: Integers
    codes: Integers
    values: Floats


@inlined
def find_bin(t: Tables, axis: int, x: float) -> int:
    """``TAxis::FindFixBin`` as of ROOT 6.38, see :meth:`calib.egamma.histograms.Axis.find`; NaN is in the overflow.

    A guide tells where to begin, and comparisons with the edges decide: 3 ns.
    """
    edges = t.axes[axis, EDGES]
    cells = t.numbers[edges - CELLS_BEFORE]
    cell = (x - t.numbers[edges]) * t.numbers[edges - SCALE_BEFORE]
    cell = min(cells, cell)
    cell = max(-1.0, cell)
    found = t.guides[t.axes[axis, GUIDE] + int(cell + 1.0)]
    while x >= t.numbers[edges + found]:
        found += 1
    return t.axes[axis, BINS] + 1 if math.isnan(x) else found


@inlined
def find_inside(t: Tables, axis: int, x: float) -> int:
    """Bin of ``x``, the first or the last one if it is outside."""
    return max(1, min(find_bin(t, axis, x), t.axes[axis, BINS]))


@inlined
def content(t: Tables, table: int, x: float) -> float:
    """Content of the bin of ``x``, under- and overflow included."""
    return t.numbers[t.tables[table, CONTENTS] + find_bin(t, t.tables[table, X_AXIS], x)]


@inlined
def row_of(t: Tables, table: int, x_bin: int) -> int:
    """Where the contents at one bin in x begin."""
    return t.tables[table, CONTENTS] + x_bin * (t.axes[t.tables[table, Y_AXIS], BINS] + 2)


@inlined
def row_at(t: Tables, table: int, x: float) -> int:
    """Where the numbers that are read at ``x`` begin, of ``slots.AT_ETA`` and following."""
    return t.tables[table, CONTENTS] + find_bin(t, t.tables[table, X_AXIS], x) * t.tables[table, COLUMNS]


@inlined
def locate(t: Tables, axis: int, y: float) -> Place:
    """Where to interpolate at ``y``.

    The first and the last centre stand for what is outside.
    """
    n, first = t.axes[axis, BINS], t.axes[axis, CENTRES] + 1
    inside = min(max(y, t.numbers[first]), t.numbers[first + n - 1])
    below = min(find_bin(t, t.axes[axis, KNOTS], inside), n)
    before = t.numbers[first + below - 1]
    return below, inside - before, t.numbers[first + below] - before


@inlined
def between(t: Tables, row: int, place: Place) -> float:
    """Interpolate contents linearly between the centres of bins.

    ``TH1::Interpolate``, and the tool's own interpolation of ``TH2`` along one axis, in the order of their operations:
    what comes after may round to single precision.
    """
    below, distance, width = place
    start = t.numbers[row + below]
    return start + distance * ((t.numbers[row + below + 1] - start) / width)


@inlined
def interpolated(t: Tables, table: int, x: float) -> float:
    """``TH1::Interpolate``; NaN gives NaN."""
    return between(t, t.tables[table, CONTENTS], locate(t, t.tables[table, X_AXIS], x))


@inlined
def interpolated_in_y(t: Tables, table: int, x_bin: int, y: float) -> float:
    """Interpolate in y at one bin in x; NaN gives NaN."""
    return between(t, row_of(t, table, x_bin), locate(t, t.tables[table, Y_AXIS], y))


@inlined
def curve(t: Tables, number: float, usual: int, x: float) -> float:
    """Value of a curve at ``x``; 0 if its number is negative.

    ``usual`` is the form that it has in most models, of which alone there is machine code here: a program takes ten
    times as long.
    """
    found, chosen = 0.0, int(number)
    if chosen >= 0:
        first = t.curves[chosen, COEFFICIENTS]
        a, b, c = t.numbers[first], t.numbers[first + 1], t.numbers[first + 2]
        if t.curves[chosen, FORM] != usual:
            found = evaluate(t.codes, t.values, t.curves[chosen, START], t.curves[chosen, STOP], x)
        elif usual == EXPONENTIAL:
            found = a + b * exp(-x / c)
        elif usual == LOGARITHMIC:
            logarithm = log(x / c)
            found = (t.numbers[first + 3] * logarithm) * logarithm + (a + b * logarithm)
        elif usual == ROOT:
            found = a + b / math.sqrt(x / c)
        elif usual == POWER:
            found = a * exp(b * log(x / c))
    return found
