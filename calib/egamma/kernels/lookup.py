"""Tables as a kernel sees them: all numbers in one array, and rows of offsets into it.

Bins are numbered as in ROOT: 1 to n, 0 for underflow, n + 1 for overflow.
"""

import math
from typing import NamedTuple

from calib.egamma.kernels.programs import evaluate
from hepcol.kernels._jit import Floats, Integers, inlined

# Columns of ``axes``
BINS, EDGES, CENTRES, GUIDE, CELLS, SCALE = range(6)
# Columns of ``tables``; of a table with one axis, Y_AXIS is -1 and its contents are one row
X_AXIS, Y_AXIS, CONTENTS, ERRORS = range(4)
# Columns of ``lists``
LIST_AXIS, FIRST, COUNT = range(3)


class Tables(NamedTuple):
    """Everything that is read of a calibration area.

    Parameters
    ----------
    numbers : array of float64
        Edges, centres, contents and errors.
    axes : array of int64, one row each
        Number of bins, and where edges, centres and the guide are: the first bin that may hold a number in each of
        ``CELLS`` equal cells, whose number per unit is at ``SCALE``.
    guides : array of int64
        The guides.
    tables : array of int64, one row each
        Axes, and where contents and errors are, ``(nx + 2) * (ny + 2)`` with y running fastest; -1 for an object that
        the model has not.
    lists : array of int64, one row each
        Axis, first curve and number of curves.
    codes, values, starts : arrays
        Programs of the curves, see :mod:`calib.egamma.kernels.programs`.
    """

    numbers: Floats
    axes: Integers
    guides: Integers
    tables: Integers
    lists: Integers
    codes: Integers
    values: Floats
    starts: Integers


@inlined
def find_bin(t: Tables, axis: int, x: float) -> int:
    """``TAxis::FindFixBin`` as of ROOT 6.38, see :meth:`calib.egamma.histograms.Axis.find`; NaN is in the overflow.

    A guide tells where to begin, and comparisons with the edges decide.
    """
    n, edges = t.axes[axis, BINS], t.axes[axis, EDGES]
    low, high = t.numbers[edges], t.numbers[edges + n]
    if x < low:
        return 0
    if not x < high:
        return n + 1
    cell = int((x - low) * t.numbers[t.axes[axis, SCALE]])
    found = t.guides[t.axes[axis, GUIDE] + min(cell, t.axes[axis, CELLS] - 1)]
    while x >= t.numbers[edges + found]:
        found += 1
    return found


@inlined
def find_inside(t: Tables, axis: int, x: float) -> int:
    """Bin of ``x``, the first or the last one if it is outside."""
    return max(1, min(find_bin(t, axis, x), t.axes[axis, BINS]))


@inlined
def content(t: Tables, table: int, x: float) -> float:
    """Content of the bin of ``x``, under- and overflow included."""
    return t.numbers[t.tables[table, CONTENTS] + find_bin(t, t.tables[table, X_AXIS], x)]


@inlined
def error(t: Tables, table: int, x: float) -> float:
    """Error of the bin of ``x``, under- and overflow included."""
    return t.numbers[t.tables[table, ERRORS] + find_bin(t, t.tables[table, X_AXIS], x)]


@inlined
def row_of(t: Tables, table: int, x_bin: int) -> int:
    """Where the contents at one bin in x begin."""
    return t.tables[table, CONTENTS] + x_bin * (t.axes[t.tables[table, Y_AXIS], BINS] + 2)


@inlined
def between(t: Tables, axis: int, row: int, y: float) -> float:
    """Interpolate contents linearly between the centres of bins, and go on with the first and last one outside.

    ``TH1::Interpolate``, and the tool's own interpolation of ``TH2`` along one axis.
    """
    n, centres = t.axes[axis, BINS], t.axes[axis, CENTRES]
    if y <= t.numbers[centres + 1]:
        return t.numbers[row + 1]
    if y >= t.numbers[centres + n]:
        return t.numbers[row + n]
    above = find_bin(t, axis, y)
    if y > t.numbers[centres + above]:
        above += 1
    at, before = t.numbers[centres + above], t.numbers[centres + above - 1]
    start = t.numbers[row + above - 1]
    return start + (y - before) * ((t.numbers[row + above] - start) / (at - before))


@inlined
def interpolated(t: Tables, table: int, x: float) -> float:
    """``TH1::Interpolate``; NaN gives NaN."""
    if math.isnan(x):
        return x
    return between(t, t.tables[table, X_AXIS], t.tables[table, CONTENTS], x)


@inlined
def interpolated_in_y(t: Tables, table: int, x_bin: int, y: float) -> float:
    """Interpolate in y at one bin in x; NaN gives NaN."""
    if math.isnan(y):
        return y
    return between(t, t.tables[table, Y_AXIS], row_of(t, table, x_bin), y)


@inlined
def curve(t: Tables, listed: int, x: float, at: float, outside: float) -> float:
    """Evaluate at ``at`` the curve of the bin of ``x``; ``outside`` where the list has none."""
    number = find_bin(t, t.lists[listed, LIST_AXIS], x) - 1
    if number < 0 or number >= t.lists[listed, COUNT]:
        return outside
    number += t.lists[listed, FIRST]
    return evaluate(t.codes, t.values, t.starts[number], t.starts[number + 1], at)
