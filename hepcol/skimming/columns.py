"""Columns that are made: expressions on those that are there, and what packages and functions add."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np

from hepcol import plugins
from hepcol.errors import InputError
from hepcol.expression import Expression
from hepcol.options import build_processor

Adds = Callable[[ak.Array], Mapping[str, Any]]


@dataclass(frozen=True)
class Definition:
    """A column that is made of others.

    Parameters
    ----------
    name : str
        What it is called; ``Electron.x`` is one of the objects of ``Electron``.
    expression : Expression
        What it is.
    """

    name: str
    expression: Expression

    @classmethod
    def parse(cls, text: str) -> "Definition":
        """Read ``name = expression``.

        Raises
        ------
        InputError
            If it is something else.
        """
        name, equals, expression = text.partition("=")
        name = name.strip()
        if not equals or expression.startswith("=") or not all(part.isidentifier() for part in name.split(".")):
            raise InputError(f"'{text}': expected NAME=EXPRESSION, such as m_ee=(Electron[0]+Electron[1]).mass")
        return cls(name, Expression(expression.strip()))


def find_adding(text: str) -> Adds:
    """Find what adds columns: ``name`` of the entry points, ``module:name`` or ``file.py:name``, with options.

    Parameters
    ----------
    text : str
        Such as ``egamma model=es2022_R22_PRE systematics=all``: what follows the name are options of a class.

    Raises
    ------
    InputError
        If there is none, or an option is not accepted.
    """
    name, *options = text.split()
    made = build_processor(name, options, group=plugins.COLUMNS)
    if not callable(made):
        raise InputError(
            f"'{name}' is a {type(made).__name__}; expected a function of events that returns columns by name"
        )
    found: Adds = made
    return found


def checked(name: str, value: Any, events: int) -> ak.Array:
    """Take a value as a column.

    Raises
    ------
    InputError
        If it has not one value, or list, for each event.
    """
    if isinstance(value, (bool, int, float, np.generic)):
        return ak.Array(np.full(events, value))
    try:
        array = ak.Array(ak.to_layout(value, allow_record=False))
    except TypeError as error:
        raise InputError(f"column '{name}': expected an array, got {type(value).__name__}") from error
    if len(array) != events:
        raise InputError(f"column '{name}': expected a value for each of {events} events, got {len(array)}")
    plain = ak.without_parameters(array)
    if any(form in str(plain.type) for form in ("?", "option", "union", "{")):
        raise InputError(
            f"column '{name}': has the type {plain.type.content}; expected numbers or lists of them, none missing"
        )
    return plain
