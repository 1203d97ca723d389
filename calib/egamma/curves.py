"""Curves of ROOT, ``TGraph`` and ``TF1``, as points or text, and as programs for kernels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calib.egamma.formula import compile_formula
from calib.egamma.kernels import programs
from calib.egamma.program import Program, table
from hepcol.errors import InputError

Floats = npt.NDArray[np.float64]

_IS_SORTED = 1 << 19  # TGraph::kIsSortedX
_FORMULA = 0  # TF1::EFType::kFormula
_LEAST_SAVED = 4  # two points and the limits


@dataclass(frozen=True)
class Graph:
    """A ``TGraph``: straight lines between points, the outer two going on beyond the ends.

    Parameters
    ----------
    x : array
        Not decreasing. Of points at the same place, the first counts there and to the left, the last to the right.
    y : array
    """

    x: Floats
    y: Floats

    @property
    def program(self) -> Program:
        """For :func:`calib.egamma.kernels.programs.evaluate`."""
        return table(programs.GRAPH, len(self.x), np.concatenate([self.x, self.y]))


@dataclass(frozen=True)
class Formula:
    """A ``TF1`` with a formula.

    As in ``TF1::Eval`` it holds outside the range too, and ``TF1::SetNormalized`` changes nothing.

    Parameters
    ----------
    text : str
        As ROOT has it, shortcuts and powers written out where ROOT 6 wrote the file.
    parameters : dict
        Values by name, in ROOT's order.
    program : Program
        For :func:`calib.egamma.kernels.programs.evaluate`.
    """

    text: str
    parameters: dict[str, float]
    program: Program


@dataclass(frozen=True)
class SavedCurve:
    """A ``TF1`` whose C++ function is not in the file: values at equal steps, and 0 outside, as ``TF1::GetSave``.

    Parameters
    ----------
    low, high : float
        Range of the points.
    y : array
        Values from ``low`` to ``high``.
    """

    low: float
    high: float
    y: Floats

    @property
    def program(self) -> Program:
        """For :func:`calib.egamma.kernels.programs.evaluate`."""
        saved = np.concatenate([self.y, [self.low, self.high]])
        return table(programs.SAVED, len(saved), saved)


Curve = Graph | Formula | SavedCurve


def curve_of(stored: Any) -> Curve:
    """Take what uproot read of a ``TGraph`` or ``TF1``.

    Raises
    ------
    InputError
        If it is another class, or a TF1 that cannot be evaluated.
    """
    if stored.classname.startswith("TGraph") and not stored.classname.startswith("TGraph2D"):
        return _graph_of(stored)
    if stored.classname in {"TF1", "ROOT::v5::TF1Data"}:
        return _function_of(stored)
    raise InputError(f"a {stored.classname}, where a TGraph or a TF1 is expected")


def _graph_of(stored: Any) -> Graph:
    x, y = (np.array(stored.member(name), dtype=np.float64) for name in ("fX", "fY"))
    if not len(x):
        return Graph(np.zeros(1), np.zeros(1))  # TGraph::Eval gives 0
    if stored.member("@fBits") & _IS_SORTED:
        return Graph(x, y)
    return _ordered(x, y)


def _ordered(x: Floats, y: Floats) -> Graph:
    """Give points the order that ROOT's search through unordered ones amounts to.

    It takes the first of several points at one place. Outside, the line goes through the extreme point and a
    partner, usually the second nearest point; where ROOT picks another, the partner's mirror image continues the line.
    """
    places, first = np.unique(x, return_index=True)
    ordinates = y[first]
    if len(x) == 1:
        return Graph(places, ordinates)
    below, above = _partner(x), _partner(-x)
    if x[below] == places[0]:  # a level line
        before = [(places[0] - 1.0, ordinates[0])]
    elif x[below] != places[1]:
        before = [(2 * places[0] - x[below], 2 * ordinates[0] - y[below])]
    else:
        before = []
    if x[above] == places[-1]:
        after = [(places[-1], y[above]), (places[-1] + 1.0, y[above])]
    elif x[above] != places[-2]:
        after = [(2 * places[-1] - x[above], 2 * ordinates[-1] - y[above])]
    else:
        after = []
    points = np.array([*before, *zip(places, ordinates, strict=True), *after])
    return Graph(points[:, 0].copy(), points[:, 1].copy())


def _partner(x: Floats) -> int:
    """Index of the point that ``TGraph::Eval`` pairs with the smallest one, for an abscissa below all."""
    smallest, partner = 0, -1
    for i in range(1, len(x)):
        if x[i] < x[smallest]:
            smallest, partner = i, smallest
        elif partner < 0:
            partner = i
    return partner


def _function_of(stored: Any) -> Curve:
    """Take the formula, or else the points that ROOT saved of a function which is none.

    From ROOT 6 on the formula is a member. In files of ROOT 5 (TF1 up to version 7) it is a base class,
    whose title is the text; ROOT 6 evaluates that as it does its own.
    """
    if stored.has_member("fNames"):
        text = str(stored.member("fTitle"))
        values = [float(value) for value in stored.member("fParams")]
        names = [f"p{k}" for k in range(len(values))]
    elif formula := stored.member("fFormula"):
        text = str(formula.member("fFormula"))
        values = [float(value) for value in formula.member("fClingParameters")]
        places = {str(name): int(place) for name, place in formula.member("fParams").items()}
        names = sorted(places, key=lambda name: places[name])
    else:
        text, values, names = "", [], []
    if text and stored.member("fType") == _FORMULA:
        return Formula(text, dict(zip(names, values, strict=True)), compile_formula(text, values, names))
    saved = np.array(stored.member("fSave"), dtype=np.float64)
    if len(saved) < _LEAST_SAVED:
        raise InputError(f"TF1 {stored.member('fName')} has neither a formula nor saved points")
    low, high = saved[-2:]
    return SavedCurve(float(low), float(high), saved[:-2])
