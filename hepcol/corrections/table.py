"""Corrections declared in a table in YAML.

A table has the file of correctionlib, by its path from the table's folder, and the corrections: of each its name in the
file, where its inputs come from, and its variations, as those of :class:`hepcol.corrections.Correction`::

    file: electrons.json.gz
    corrections:
      - name: electron_identification
        inputs:
          abs_eta: {column: Electrons.eta, function: abs}
          pt: Electrons.pt
          working_point: {value: Medium}
        systematic: systematic
        variations:
          EL_EFF_ID: {up: up, down: down}
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from hepcol.corrections.columns import Column, Value
from hepcol.corrections.correction import DOWN, NOMINAL, UP, Correction, Sides
from hepcol.corrections.file import CorrectionFile, Key
from hepcol.tablefile import Row, read_rows

FUNCTIONS = {"abs": np.abs}

_Name = Annotated[str, Field(min_length=1)]
_Number = Annotated[float, Field(allow_inf_nan=False)]


def _in_full(given: Any) -> Any:
    """Write a name of a column, or a number, as the rows that they stand for."""
    if isinstance(given, str):
        return {"column": given}
    return {"value": given} if isinstance(given, int | float) else given


class _Row(Row):
    model_config = ConfigDict(strict=True)


class _InputRow(_Row):
    """Where an input comes from."""

    column: _Name | None = None
    function: Literal["abs"] | None = None
    times: _Number = 1.0
    value: str | int | _Number | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise ValueError("give either a column or a value")
        if self.value is not None and (self.function is not None or self.times != 1):
            raise ValueError("a value has neither function nor times, which are those of a column")
        return self

    @property
    def source(self) -> Column | Value:
        """The input."""
        if self.value is not None:
            return Value(self.value)
        return Column(self.column or "", None if self.function is None else FUNCTIONS[self.function], self.times)


class _SidesRow(_Row):
    up: Key = UP
    down: Key = DOWN


class _CorrectionRow(_Row):
    name: _Name
    file: _Name | None = None
    inputs: dict[str, Annotated[_InputRow, BeforeValidator(_in_full)]] = Field(default_factory=dict)
    systematic: str = ""
    nominal: Key = NOMINAL
    variations: dict[_Name, _SidesRow] | None = None


class _Table(_Row):
    file: _Name | None = None
    corrections: Annotated[list[_CorrectionRow], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        for row in self.corrections:
            if row.file is None and self.file is None:
                raise ValueError(f"correction '{row.name}' is in no file: give the file, its own or that of all")
        return self


def read_table(path: str | Path) -> tuple[Correction, ...]:
    """Read the corrections of a table.

    Raises
    ------
    InputError
        If it, or a file that it names, cannot be read or understood.
    """
    table = read_rows(path, _Table)
    names = [str(Path(path).parent / (row.file or table.file or "")) for row in table.corrections]
    files = {name: CorrectionFile.read(name) for name in dict.fromkeys(names)}
    return tuple(
        Correction(
            files[name],
            row.name,
            {of: one.source for of, one in row.inputs.items()},
            row.systematic,
            row.nominal,
            None
            if row.variations is None
            else {of: Sides(sides.up, sides.down) for of, sides in row.variations.items()},
        )
        for name, row in zip(names, table.corrections, strict=True)
    )
