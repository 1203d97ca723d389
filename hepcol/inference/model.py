"""Statistical models: parameters, and components that add up to an expectation in each bin."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hepcol.errors import InputError
from hepcol.inference.arrays import FloatArray
from hepcol.inference.lineshapes import Shape, Values

YIELD = "yield"


@dataclass(frozen=True)
class Parameter:
    """A parameter of a model.

    Parameters
    ----------
    name : str
        Name.
    start : float
        Where a fit begins; the value, if it is fixed.
    lower, upper : float
        Bounds.
    unit : str
        Unit, for tables and plots.
    fixed : bool
        Whether it stays at ``start``.
    shared : bool
        Whether it is the same in all variations, and so taken from the fit of their sum.
    absent : float, optional
        Where a shared parameter has no effect; it stays there unless the spectra need it.
    other_start : float, optional
        Another place where a fit of few entries begins.
    """

    name: str
    start: float
    lower: float = -math.inf
    upper: float = math.inf
    unit: str = ""
    fixed: bool = False
    shared: bool = False
    absent: float | None = None
    other_start: float | None = None

    def __post_init__(self) -> None:
        if not self.lower <= self.start <= self.upper:
            unit = f" {self.unit}" if self.unit else ""
            raise InputError(
                f"parameter {self.name}: starts at {self.start:g}{unit}, outside [{self.lower:g}, {self.upper:g}]"
            )


@dataclass(frozen=True)
class Component:
    """A part of a model: a shape, and the parameter that holds its share; the last part takes the rest."""

    label: str
    shape: Shape
    share: str | None = None


@dataclass(frozen=True)
class Model:
    """A model of a spectrum.

    Parameters
    ----------
    name, title : str
        Name, and what it is in words.
    parameters : tuple of Parameter
        All parameters; the first is ``yield``, the expected sum of weights in the range.
    components : tuple of Component
        What it is made of.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        names = [parameter.name for parameter in self.parameters]
        needed = [name for part in self.components for name in (*part.shape.names, *([part.share] * bool(part.share)))]
        if names[:1] != [YIELD] or sorted(names) != sorted({YIELD, *(name for name in needed if name)}):
            raise ValueError(f"model {self.name}: has parameters {names}, needs {YIELD} and {needed}")

    def parameter(self, name: str) -> Parameter:
        """Return a parameter by its name."""
        return next(parameter for parameter in self.parameters if parameter.name == name)

    def parts(self, edges: FloatArray, values: Values) -> dict[str, FloatArray]:
        """Return the expected sums of weights of each component in the bins between ``edges``."""
        rest, expected = 1.0, {}
        for part in self.components:
            share = rest if part.share is None else values[part.share]
            rest -= share
            below = part.shape.cumulative(edges, values)
            expected[part.label] = values[YIELD] * share * np.diff(below) / (below[-1] - below[0])
        return expected

    def expected(self, edges: FloatArray, values: Values) -> FloatArray:
        """Return the expected sum of weights in each bin; all bins together are the range."""
        return np.sum(list(self.parts(edges, values).values()), axis=0)

    def changed(self, changes: Mapping[str, Mapping[str, object]]) -> "Model":
        """Return the model with other properties of some parameters.

        Raises
        ------
        InputError
            If there is no such parameter.
        """
        names = [parameter.name for parameter in self.parameters]
        for name in changes:
            if name not in names:
                raise InputError(f"model {self.name} has no parameter '{name}'; it has {', '.join(names)}")
        changed = tuple(replace(parameter, **changes.get(parameter.name, {})) for parameter in self.parameters)  # type: ignore[arg-type]
        return replace(self, parameters=changed)
