"""The corrections of an analysis: weights of the events of a chunk, nominal and in all variations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hepcol.corrections.columns import Column, Flat, Floats, take
from hepcol.corrections.correction import Correction
from hepcol.errors import InputError
from hepcol.schemas import Columns
from hepcol.variations import NOMINAL, SIDES, Direction, Kind, Variation

_DIRECTIONS = Direction.UP, Direction.DOWN


@dataclass(frozen=True, eq=False)
class CorrectionWeights:
    """Weights of the events of a chunk.

    Parameters
    ----------
    variations : tuple of Variation
        The variations.
    nominal : float64[n]
        Products of all corrections.
    varied : float64[variations, n]
        The same, with what a variation changes shifted, and the rest nominal.
    """

    variations: tuple[Variation, ...]
    nominal: Floats
    varied: Floats

    def times(self, weights: Floats) -> "CorrectionWeights":
        """Multiply by the events' own weights."""
        return CorrectionWeights(self.variations, weights * self.nominal, weights * self.varied)

    def items(self) -> Iterator[tuple[str, Floats]]:
        """Yield the name and the weights of nominal and of each variation."""
        yield NOMINAL, self.nominal
        yield from zip((one.name for one in self.variations), self.varied, strict=True)


@dataclass(frozen=True)
class Corrections:
    """Some corrections, which are multiplied.

    Parameters
    ----------
    entries : tuple of Correction
        The corrections. Those that have a systematic of the same name are shifted together.
    typed : str, optional
        The name of the table that they were read from, which a processor's option is stored as; None without one, and
        empty of no corrections.

    Raises
    ------
    InputError
        If a correction is there twice with the same inputs.
    """

    entries: tuple[Correction, ...] = ()
    typed: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not self.entries:
            object.__setattr__(self, "typed", "")
        for number, one in enumerate(self.entries):
            if any(one.is_same(other) for other in self.entries[:number]):
                raise InputError(f"{one.where} is declared twice with the same inputs, so that it would count squared")

    @classmethod
    def read(cls, path: str | Path) -> "Corrections":
        """Read a table in YAML, see :mod:`hepcol.corrections.table`; the empty name is that of no corrections.

        Raises
        ------
        InputError
            If it, or a file that it names, cannot be read or understood.
        """
        from hepcol.corrections.table import read_table

        if not str(path):
            return NO_CORRECTIONS
        # in full, so that the run can be made again, and its content be compared, from another folder
        table = Path(path).expanduser().resolve()
        return cls(read_table(table), typed=str(table))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """Let an option of a pydantic class be corrections, or the name of their table."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            lambda given: given if isinstance(given, Corrections) else cls.read(given)
        )

    def __len__(self) -> int:
        """Count the corrections."""
        return len(self.entries)

    def __str__(self) -> str:
        return repr(self) if self.typed is None else self.typed

    @cached_property
    def systematics(self) -> tuple[str, ...]:
        """Names of what varies, each once."""
        return tuple(dict.fromkeys(name for one in self.entries for name in one.sides))

    @property
    def variations(self) -> tuple[Variation, ...]:
        """Up and down of each systematic."""
        return tuple(
            Variation(f"{name}{side}", Kind.WEIGHT, direction)
            for name in self.systematics
            for side, direction in zip(SIDES, _DIRECTIONS, strict=True)
        )

    def required_columns(self, given: Sequence[str] = ()) -> Columns:
        """Columns that files need to have, beside those that the processor gives by all of their names.

        Raises
        ------
        InputError
            If a column of a collection that the processor gives is not among those that it gives.
        """
        collections = {name.partition(".")[0] for name in given}
        needed: list[str] = []
        for one in self.entries:
            for name, column in one.columns.items():
                if column.name not in given and column.name.partition(".")[0] in collections:
                    raise InputError(
                        f"{one.where}: input '{name}': no column {column.name}; there are: {', '.join(given)}"
                    )
                needed += [column.name] if column.name not in given else []
        return tuple(dict.fromkeys(needed))

    def evaluate(self, events: Any, given: Mapping[str, Any] | None = None) -> CorrectionWeights:
        """Evaluate all corrections for the events of a chunk, each once nominally, up and down.

        Parameters
        ----------
        events : ak.Array or mapping of str to array
            The events, or columns: with a number for each event, or with one for each object of each event, jagged or
            of two dimensions.
        given : mapping of str to array, optional
            Columns or collections in the place of those of the events, by their names: ``{"Electron": selected}``.

        Raises
        ------
        InputError
            If a column is not there, or has values that are missing, not numbers, or out of the range of a correction.
        """
        given = given or {}
        flat: dict[Column, Flat] = {}

        def taken(column: Column) -> Flat:
            if column not in flat:
                flat[column] = take(events, given, column)
            return flat[column]

        count = len(next(iter(events.values()), ())) if isinstance(events, Mapping) else len(events)
        found = [one.evaluate(taken, count) for one in self.entries]
        nominal, varied = np.ones(count), np.ones((len(self.systematics), len(SIDES), count))
        for one in found:
            nominal *= one.nominal
            for number, name in enumerate(self.systematics):
                for side in range(len(SIDES)):
                    varied[number, side] *= one.varied[name][side] if name in one.varied else one.nominal
        return CorrectionWeights(self.variations, nominal, varied.reshape(len(self.variations), count))


NO_CORRECTIONS = Corrections()
