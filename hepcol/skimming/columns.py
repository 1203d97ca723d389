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
            raise InputError(f"'{text}': expected NAME=EXPRESSION, such as met=MET.pt*1.1")
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


class EventColumns:
    """The columns of events, and those that are made: when they are asked for, and once."""

    def __init__(
        self, events: ak.Array, definitions: tuple[Definition, ...], forms: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._events = events
        self._forms = forms
        self._definitions = {definition.name: definition for definition in definitions}
        self._made: dict[str, ak.Array] = {}
        self._asked: list[str] = []
        repeated = len(definitions) - len(self._definitions)
        if repeated:
            raise InputError(f"a column is defined twice: {', '.join(definition.name for definition in definitions)}")

    def __len__(self) -> int:
        return len(self._events)

    @property
    def fields(self) -> list[str]:
        """Names of columns."""
        return [*self._made, *self._definitions, *self._events.fields]

    def __getitem__(self, name: str) -> Any:
        """Return a column."""
        if name in self._made:
            return self._made[name]
        if name not in self._definitions or name in self._asked[-1:]:  # of its own name: the column that is there
            return self._events[name]
        if name in self._asked:
            raise InputError(f"columns {' and '.join(self._asked)} are made of each other: name what they are made of")
        self._asked.append(name)
        value = self._definitions[name].expression.evaluate(self)
        self._asked.remove(name)
        self._made[name] = checked(name, value, len(self))
        return self._made[name]

    def add(self, columns: Mapping[str, Any]) -> None:
        """Add columns."""
        for name, value in columns.items():
            self._made[name] = checked(name, value, len(self))

    def made(self) -> dict[str, ak.Array]:
        """Return all that are made."""
        if not len(self):
            empty = {name: ak.forms.from_dict(form).length_zero_array() for name, form in self._forms.items()}
            return {name: ak.Array(array) for name, array in empty.items()}
        for name in self._definitions:
            _ = self[name]
        return self._made


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
            f"column '{name}': has the type {plain.type.content}; expected numbers or lists of them, none missing: "
            "fill(..., value) gives one to what is"
        )
    return plain
