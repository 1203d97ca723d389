"""Tables of a calibration area, collected into the flat arrays of the kernels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from calib.egamma.curves import Curve
from calib.egamma.histograms import Axis, Histogram, Histogram2D
from calib.egamma.kernels import programs, slots
from calib.egamma.kernels.lookup import Tables
from calib.egamma.program import Program, join
from hepcol.errors import InputError

Floats = npt.NDArray[np.float64]
Column = tuple[Axis, Floats]  # numbers of the bins of an axis, under- and overflow included

_CELLS_PER_BIN = 8  # of guides: with 4 a look-up takes 10 % longer, with 32 tables leave the first-level cache
_MOST_CELLS = 2048
_ROUNDING = 1e-6  # of a cell: a number this near to its ends may be put into the neighbour


@dataclass
class Collector:
    """Collects tables; axes that are equal are one."""

    numbers: list[Floats] = field(default_factory=list)
    length: int = 0
    axes: list[tuple[int, ...]] = field(default_factory=list)
    guides: list[npt.NDArray[np.int64]] = field(default_factory=list)
    cells: int = 0
    known: dict[bytes, int] = field(default_factory=dict)
    histograms: dict[int, Histogram] = field(default_factory=dict)
    histograms2d: dict[int, Histogram2D] = field(default_factory=dict)
    lists: dict[int, tuple[Axis, int, int]] = field(default_factory=dict)
    tables: npt.NDArray[np.int64] = field(default_factory=lambda: np.full((slots.TABLES, 3), -1, dtype=np.int64))
    curves: list[Curve] = field(default_factory=list)

    def put(self, slot: int, found: Histogram | Histogram2D) -> None:
        """Add a histogram."""
        if isinstance(found, Histogram2D):
            self.histograms2d[slot] = found
            x, y = self._axis(found.x), self._axis(found.y)
        else:
            self.histograms[slot] = found
            x, y = self._axis(found.axis), -1
        self.tables[slot] = (x, y, self._add(found.contents))

    def put_list(self, slot: int, axis: Axis, curves: Sequence[Curve]) -> None:
        """Add curves, one for each bin of an axis."""
        self.lists[slot] = (axis, len(self.curves), len(curves))
        self.curves += curves

    def put_rows(self, slot: int, columns: Sequence[Column]) -> None:
        """Put columns side by side, in the bins of all of them."""
        if any(len(contents) < one.n_bins + 2 for one, contents in columns):
            raise InputError("a histogram has fewer bins than the one whose bins the calibration takes for it")
        axis = Axis(np.unique(np.concatenate([one.edges for one, _ in columns])), uniform=False)
        # a bin holds its lower edge
        begins = np.concatenate([[-np.inf], axis.edges])
        packed = np.stack([contents[one.find(begins)] for one, contents in columns], axis=1)
        self.tables[slot] = (self._axis(axis), len(columns), self._add(packed))

    def column(self, slot: int, errors: bool = False) -> Column:
        """Contents or errors of a histogram with one axis; 0 of one that the model has not."""
        if slot not in self.histograms:
            return _NOWHERE, np.zeros(3)
        found = self.histograms[slot]
        return found.axis, found.errors if errors else found.contents

    def curve_numbers(self, slot: int) -> Column:
        """Numbers of the curves of a list; -1 where there is none."""
        if slot not in self.lists:
            return _NOWHERE, np.full(3, -1.0)
        axis, first, count = self.lists[slot]
        numbers = np.arange(-1.0, axis.n_bins + 1)
        return axis, np.where((numbers >= 0) & (numbers < count), numbers + first, -1.0)

    def put_grid(self, slot: int, count: int) -> Column:
        """Put histograms with two axes on one grid: the bins in x and the centres in y of all of them.

        Between its centres a histogram is interpolated in y, so that more of them leave it as it is.

        Returns
        -------
        axis, numbers
            Where in the contents of each the bins in x begin.
        """
        several = [self.histograms2d[slot + k] for k in range(count)]
        x = Axis(np.unique(np.concatenate([one.x.edges for one in several])), uniform=False)
        centres = np.unique(np.concatenate([one.y.centres[1:-1] for one in several]))
        begins = np.concatenate([[-np.inf], x.edges])
        y_axis = self._centred(centres)
        for number, one in enumerate(several):
            contents = np.zeros((len(begins), len(centres) + 2))
            for row, x_bin in zip(contents, one.x.find(begins), strict=True):
                row[1:-1] = np.interp(centres, one.y.centres[1:-1], one.contents[x_bin, 1:-1])
            self.tables[slot + number] = (self._axis(x), y_axis, self._add(contents))
        return x, (np.arange(len(begins)) * (len(centres) + 2)).astype(np.float64)

    def packed(self) -> Tables:
        """Return all as arrays."""
        program, starts = join([curve.program for curve in self.curves])
        curves = np.empty((len(self.curves), 4), dtype=np.int64)
        for number, curve in enumerate(self.curves):
            form, coefficients = _form(curve.program)
            curves[number] = (form, starts[number], starts[number + 1], self._add(coefficients))
        return Tables(
            np.concatenate(self.numbers),
            np.array(self.axes, dtype=np.int64),
            np.concatenate(self.guides),
            self.tables,
            curves,
            program.codes,
            program.values,
        )

    def _axis(self, axis: Axis) -> int:
        """Add an axis, and one of its centres."""
        key = axis.edges.tobytes() + axis.centres.tobytes()
        if key not in self.known:
            self.known[key] = self._edges(axis, self._edges(Axis(axis.centres[1:], uniform=False), -1))
        return self.known[key]

    def _centred(self, centres: Floats) -> int:
        """Add an axis of which there are only the centres."""
        knots = Axis(np.append(centres, centres[-1] + 1.0), uniform=False)
        number = self._edges(knots, -1)
        self.axes.append((len(centres), -1, self._add([np.nan, *knots.edges]), -1, number))
        return len(self.axes) - 1

    def _edges(self, axis: Axis, knots: int) -> int:
        """Add an axis for look-ups."""
        guide, scale = _guide(axis)
        edges = 2 + self._add([len(guide) - 2, scale, *axis.edges, np.nan])
        self.axes.append((axis.n_bins, edges, self._add(axis.centres), self.cells, knots))
        self.guides.append(guide)
        self.cells += len(guide)
        return len(self.axes) - 1

    def _add(self, numbers: npt.ArrayLike) -> int:
        flat = np.asarray(numbers, dtype=np.float64).ravel()
        start = self.length
        self.numbers.append(flat)
        self.length += len(flat)
        return start


def _guide(axis: Axis) -> tuple[npt.NDArray[np.int64], float]:
    """First bin that may hold a number, for underflow, equal cells and overflow, and the number of cells per unit.

    There are so many cells that few hold more than one edge, for a bin that is not the first one costs a misprediction.
    """
    low, high = axis.edges[0], axis.edges[-1]
    cells = _CELLS_PER_BIN * axis.n_bins
    while 2 * cells < _MOST_CELLS and np.min(np.diff(axis.edges)) < (high - low) / cells:
        cells *= 2
    scale = float(cells / (high - low))
    begins = axis.find(low + (np.arange(cells + 1) - _ROUNDING) / scale)
    return np.concatenate([[0], begins]), scale


_NOWHERE = Axis(np.array([0.0, 1.0]), uniform=False)
_NL, _NR, _LL = programs.NUMBER_LEFT, programs.NUMBER_RIGHT, programs.LEFT_LAST
# Programs that have a form of their own, and from which instructions its coefficients are
_FORMS = {
    slots.EXPONENTIAL: (
        (programs.VARIABLE, programs.NEGATE, programs.DIVIDE + _NR, programs.EXP, programs.MULTIPLY + _NL,
         programs.ADD + _NL),
        (5, 4, 2, 0),
    ),
    slots.LOGARITHMIC: (
        (programs.VARIABLE, programs.DIVIDE + _NR, programs.LOG, programs.STORE, programs.MULTIPLY + _NL,
         programs.RECALL, programs.MULTIPLY, programs.RECALL, programs.MULTIPLY + _NL, programs.ADD + _NL,
         programs.ADD + _LL),
        (9, 8, 1, 4),
    ),
    slots.ROOT: (
        (programs.VARIABLE, programs.DIVIDE + _NR, programs.SQRT, programs.DIVIDE + _NL, programs.ADD + _NL),
        (4, 3, 1, 0),
    ),
    slots.POWER: (
        (programs.VARIABLE, programs.DIVIDE + _NR, programs.POWER + _NR, programs.MULTIPLY + _NL),
        (3, 2, 1, 0),
    ),
}  # fmt: skip


def _form(program: Program) -> tuple[int, Floats]:
    """Form of a curve, and its coefficients."""
    for form, (codes, places) in _FORMS.items():
        if tuple(program.codes) == codes:
            return form, program.values[list(places)]
    return slots.PROGRAM, np.zeros(slots.COEFFICIENTS)
