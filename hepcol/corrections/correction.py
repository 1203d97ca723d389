"""One correction of correctionlib, declared: which inputs it takes from where, and what its variations are."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.corrections.columns import Column, Flat, Floats, Numbers, Value
from hepcol.corrections.file import CorrectionFile, Key
from hepcol.errors import InputError
from hepcol.variations import NOMINAL as NO_VARIATION
from hepcol.variations import SIDES as SUFFIXES

NOMINAL, UP, DOWN = "nominal", "up", "down"
_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "int": (int,), "real": (int, float)}
_TEXT, _WHOLE, _REAL = "string", "int", "real"
_ARGUMENT = re.compile(r"input argument (\d+)")


class Sides(NamedTuple):
    """What selects both sides of a variation: values of the systematic input, or names of other corrections."""

    up: Key = UP
    down: Key = DOWN


class Evaluated(NamedTuple):
    """Weights of the events of a chunk, of one correction.

    Parameters
    ----------
    nominal : float64[n]
        The nominal ones.
    varied : mapping of str to (float64[n], float64[n])
        Up and down, by the name of the systematic.
    """

    nominal: Floats
    varied: Mapping[str, tuple[Floats, Floats]]


@dataclass(frozen=True)
class Correction:
    """A weight for each event, or for each object of an event, whose product is that of the event.

    Parameters
    ----------
    file : CorrectionFile
        The file that it is in.
    name : str
        Its name there, which may be that of a compound one.
    inputs : mapping of str to Column, Value or str
        Where its inputs come from; a text is the name of a column.
    systematic : str
        The input that selects nominal or a variation, if it has one.
    nominal : str or int
        Its value that is nominal.
    variations : mapping of str to Sides
        By the name of each systematic, what selects up and down: values of ``systematic``, or, without that, names of
        corrections with the same inputs. With ``systematic``, the default is one with the name of the correction and
        the values ``up`` and ``down``.

    Raises
    ------
    InputError
        If the file has no such correction, an input is not given or not there, a value is not accepted, or a
        systematic has the name of a variation.
    """

    file: CorrectionFile
    name: str
    inputs: Mapping[str, Column | Value | str] = field(default_factory=dict, hash=False)
    systematic: str = ""
    nominal: Key = NOMINAL
    variations: Mapping[str, Sides] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        made = {name: Column(one) if isinstance(one, str) else one for name, one in self.inputs.items()}
        variations = self.variations
        if variations is None:
            variations = {self.name: Sides()} if self.systematic else {}
        object.__setattr__(self, "inputs", made)
        object.__setattr__(self, "variations", {name: Sides(*sides) for name, sides in variations.items()})
        for name in self.sides:
            if name == NO_VARIATION or name.endswith(SUFFIXES):
                raise InputError(
                    f"{self.where}: systematic '{name}': expected a name that is not {NO_VARIATION} and "
                    f"does not end in {' or '.join(SUFFIXES)}, which are added to it"
                )
        for name in dict.fromkeys((self.name, *(() if self.systematic else self._keys))):
            self._check(str(name))

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"{self.file.name}: correction '{self.name}'"

    def is_same(self, other: "Correction") -> bool:
        """Whether another one has the same nominal weights: the same correction of the same inputs."""
        return (self.file.digest, self.name, self._nominal) == (other.file.digest, other.name, other._nominal)

    @property
    def _nominal(self) -> dict[str, Any]:
        """The inputs of the nominal weight; it may be the value of the systematic that is given."""
        return {**self.inputs, **({self.systematic: Value(self.nominal)} if self.systematic else {})}

    @property
    def sides(self) -> Mapping[str, Sides]:
        """The variations, by their names."""
        return self.variations or {}

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns that it takes, by input."""
        return {name: one for name, one in self.inputs.items() if isinstance(one, Column)}

    @property
    def _keys(self) -> Iterator[Key]:
        """What selects the variations."""
        return (key for sides in self.sides.values() for key in sides)

    def _check(self, name: str) -> None:
        """Refuse a correction that is not there, or that these inputs do not fit."""
        correction, where = self.file[name], f"{self.file.name}: correction '{name}'"
        types = {one.name: one.type for one in correction.inputs}
        takes = f"it takes {', '.join(types) or 'nothing'}"
        for given in (*self.inputs, *filter(None, (self.systematic,))):
            if given not in types:
                raise InputError(f"{where} has no input '{given}'; {takes}")
        if self.systematic in self.inputs:
            raise InputError(f"{where}: the input '{self.systematic}' is given and is that of the systematic, too")
        for wanted, kind in types.items():
            if wanted == self.systematic:
                continue
            if wanted not in self.inputs:
                raise InputError(f"{where} needs the input '{wanted}', which is not given; {takes}")
            one = self.inputs[wanted]
            if isinstance(one, Column) and kind == _TEXT:
                raise InputError(f"{where}: the input '{wanted}' is a text, which is no column: give its value")
            if isinstance(one, Value):
                self._check_values(name, wanted, (one.value,), kind)
        if self.systematic:
            self._check_values(name, self.systematic, (self.nominal, *self._keys), types[self.systematic])

    def _check_values(self, name: str, wanted: str, values: Sequence[Key | float], kind: str) -> None:
        """Refuse values of another type, or that the correction does not know."""
        where = f"{self.file.name}: correction '{name}': input '{wanted}'"
        for value in values:
            if not isinstance(value, _TYPES[kind]) or isinstance(value, bool):
                raise InputError(f"{where}: {value!r} is not of the type {kind}")
        choices = self.file.choices(name, wanted, {of: one for of, one in self._fixed.items() if of != wanted})
        if not choices.tables and wanted == self.systematic:
            raise InputError(f"{where} selects nothing, as no table is by it")
        for value in values if choices.tables else ():
            if not choices.accept(value):
                accepted = ", ".join(str(key) for key in choices.keys if choices.accept(key))
                raise InputError(f"{where}: '{value}' is not accepted; accepted: {accepted}")

    @property
    def _fixed(self) -> dict[str, Any]:
        """The values that are the same for all; correctionlib takes no whole number for a real one."""
        types = self._types
        values = {name: one.value for name, one in self.inputs.items() if isinstance(one, Value)}
        return {
            name: float(one) if isinstance(one, int) and types.get(name) == _REAL else one
            for name, one in values.items()
        }

    def evaluate(self, take: Callable[[Column], Flat], events: int) -> Evaluated:
        """Evaluate it nominally and in its variations, each once.

        Parameters
        ----------
        take : callable
            Gives a column.
        events : int
            Number of events.

        Raises
        ------
        InputError
            If an input is missing, not a number, or out of the range of the correction.
        """
        taken = {name: self._take(take, name, column, events) for name, column in self.columns.items()}
        of_objects = {name: flat.numbers for name, flat in taken.items() if flat.numbers is not None}
        numbers = next(iter(of_objects.values()), None)
        for name, others in of_objects.items():
            if not np.array_equal(others, numbers):  # type: ignore[arg-type]  # not None, as there is one
                raise InputError(f"{self.where}: input '{name}': {self.inputs[name]} is of other objects than the rest")
        arrays = {name: flat.for_objects(numbers) for name, flat in taken.items()}

        def weight(key: Key) -> Floats:
            values = self._values(key, arrays)
            if not arrays:
                return np.full(events, values)
            return values if numbers is None else _products(values, numbers, events)

        nominal = self.nominal if self.systematic else self.name
        weights = {key: weight(key) for key in dict.fromkeys((nominal, *self._keys))}
        return Evaluated(
            weights[nominal], {name: (weights[sides.up], weights[sides.down]) for name, sides in self.sides.items()}
        )

    def _take(self, take: Callable[[Column], Flat], name: str, column: Column, events: int) -> Flat:
        """Take the column of an input, as correctionlib wants it: of whole numbers, or of real ones."""
        where = f"{self.where}: input '{name}'"
        try:
            flat = take(column)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        if flat.events != events:
            raise InputError(f"{where}: column {column} is of {flat.events} events, not of {events}")
        if self._types[name] != _WHOLE:
            return Flat(np.asarray(flat.values, dtype=np.float64), flat.events, flat.numbers)
        with np.errstate(invalid="ignore"):  # of infinity
            whole = flat.values.astype(np.int64)
        if (others := flat.values[whole != flat.values]).size:
            raise InputError(f"{where}: column {column} has {others[0]}, which is not a whole number")
        return Flat(whole, flat.events, flat.numbers)

    @property
    def _types(self) -> dict[str, str]:
        return {one.name: one.type for one in self.file[self.name].inputs}

    def _values(self, key: Key, arrays: Mapping[str, npt.NDArray[Any]]) -> Floats:
        """Evaluate it for all objects, as one of its systematic's values or as another correction says."""
        correction = self.file[self.name if self.systematic else str(key)]
        of_inputs = {**self._fixed, **arrays, **({self.systematic: key} if self.systematic else {})}
        arguments = [of_inputs[one.name] for one in correction.inputs]
        where = f"{self.file.name}: correction '{correction.name}'"
        try:
            values = np.asarray(correction.evaluate(*arguments), dtype=np.float64)
        except (RuntimeError, IndexError) as error:
            raise InputError(f"{where}: {self._in_words(error, correction)}") from error
        if (wrong := np.flatnonzero(~np.isfinite(values))).size:
            at = ", ".join(f"{name} {array[wrong[0]]:g}" for name, array in arrays.items()) or "all events"
            raise InputError(
                f"{where} is {values.flat[wrong[0]]} for {at}: {wrong.size} of {values.size} weights are so"
            )
        return values

    def _in_words(self, error: Exception, correction: Any) -> str:
        """Say what correctionlib does, which numbers the inputs; those of the parts of a compound one are others."""
        text = " ".join(str(error).split())
        if isinstance(correction, _compound()):
            return text
        names = [one.name for one in correction.inputs]
        return _ARGUMENT.sub(lambda found: f"input '{names[int(found[1])]}'", text)


def _compound() -> type:
    """Class of corrections that are made up of others."""
    from correctionlib.highlevel import CompoundCorrection

    return CompoundCorrection


def _products(values: Floats, numbers: Numbers, events: int) -> Floats:
    """Multiply the weights of the objects of each event, in their order; one for an event without any."""
    if isinstance(numbers, int):
        return np.asarray(values.reshape(events, numbers).prod(axis=1))
    return np.asarray(ak.to_numpy(ak.prod(ak.unflatten(values, numbers), axis=1)), dtype=np.float64)
