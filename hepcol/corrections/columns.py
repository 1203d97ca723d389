"""Where the inputs of corrections come from: values, and columns of events as the flat arrays of correctionlib."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.columns import Collection
from hepcol.errors import InputError

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64] | int  # of objects: of each event, or the same for all
_OF_EVENTS, _OF_OBJECTS = 1, 2  # dimensions


@dataclass(frozen=True)
class Column:
    """An input that is a column: of events, or of the objects of each event.

    Parameters
    ----------
    name : str
        Such as ``Electrons.pt``.
    function : callable, optional
        Applied to all its values at once, such as ``numpy.abs``; one that can be pickled.
    times : float
        A factor, such as that between units; applied before the function.
    """

    name: str
    function: Callable[[Array], Array] | None = None
    times: float = 1.0

    def __str__(self) -> str:
        name = self.name if self.times == 1 else f"{self.times:g} * {self.name}"
        return name if self.function is None else f"{getattr(self.function, '__name__', self.function)}({name})"


@dataclass(frozen=True)
class Value:
    """An input that is the same for all events, such as a working point or a year."""

    value: str | int | float


@dataclass(frozen=True, eq=False)
class Flat:
    """The values of a column, all events one after another.

    Parameters
    ----------
    values : array
        The values.
    events : int
        Number of events.
    numbers : int64[n] or int, optional
        Objects of each event, or of all of them the same number; None if each event has one value.
    """

    values: Array
    events: int
    numbers: Numbers | None = None

    def for_objects(self, numbers: Numbers | None) -> Array:
        """Return one value for each object, where events have these numbers of them."""
        return self.values if self.numbers is not None or numbers is None else np.repeat(self.values, numbers)


def take(events: Any, given: Mapping[str, Any], column: Column) -> Flat:
    """Take a column of the events, or of what is given in the place of theirs.

    Parameters
    ----------
    events : ak.Array or mapping of str to array
        The events.
    given : mapping of str to array
        Columns, or collections of them, that stand for those of the events.
    column : Column
        The column.

    Raises
    ------
    InputError
        If it is not there, or values of it are missing (None) or not numbers.
    """
    flat = _flat(_found(events, given, column.name), column)
    if flat.values.dtype.kind not in "fiub":
        raise InputError(f"column {column.name} is not of numbers: it has the type {flat.values.dtype}")
    values = flat.values if column.times == 1 else flat.values * column.times
    values = values if column.function is None else np.asarray(column.function(values))
    if len(values) != len(flat.values):
        raise InputError(
            f"column {column}: {len(values)} values of {len(flat.values)}; a function takes each by itself"
        )
    if values.dtype.kind == "f" and (wrong := int(np.count_nonzero(np.isnan(values)))):
        raise InputError(f"column {column}: {wrong} of {len(values)} values are not numbers (NaN)")
    return Flat(values, flat.events, flat.numbers)


def _found(events: Any, given: Mapping[str, Any], name: str) -> Any:
    """Find a column: by all of its name, or by that of the collection that it is in."""
    if name in given:
        return given[name]
    first, dot, rest = name.partition(".")
    record = given if first in given else events
    if isinstance(record, Mapping) and name in record:
        return record[name]
    names = list(record) if isinstance(record, Mapping) else record.fields
    if first not in names:
        raise InputError(f"no column {name}; there are: {', '.join((*given, *(names if record is events else ())))}")
    found = record[first]
    for part in rest.split(".") if dot else ():
        if part not in found.fields:
            raise InputError(f"no column {name}; {first} has {', '.join(found.fields) or 'none'}")
        found = _member(found, part)
    return found


def _member(record: Any, name: str) -> Any:
    """Return a column of records; of a collection as files have it, no other column is read for that."""
    layout = record.layout
    if isinstance(layout, ak.contents.ListOffsetArray):
        inner = layout.content
        if isinstance(inner, ak.contents.RecordArray) and _is_plain(inner.contents[inner.field_to_index(name)]):
            collection = Collection(record)
            numbers = np.diff(collection.offsets)
            return Flat(collection[name], len(numbers), numbers)
    return record[name]


def _is_plain(layout: Any) -> bool:
    """Whether a column has one number for each object, of which none can be missing."""
    return layout.is_numpy and layout.purelist_depth == 1


def _flat(array: Any, column: Column) -> Flat:
    """Make flat what has one value, or a list of them, for each event."""
    if isinstance(array, Flat):
        return array
    if not isinstance(array, ak.Array):
        array = np.asarray(array)
        if array.ndim == _OF_OBJECTS:
            return Flat(array.reshape(-1), *array.shape)
        if array.ndim == _OF_EVENTS:
            return Flat(array, len(array))
    elif array.ndim <= _OF_OBJECTS and not array.fields:
        is_missing = [ak.is_none(array, axis=axis) for axis in range(array.ndim)]
        if missing := sum(int(ak.sum(one, axis=None)) for one in is_missing):
            raise InputError(f"column {column.name}: {missing} values are missing (None)")
        if array.ndim == _OF_EVENTS:
            return Flat(np.asarray(ak.to_numpy(array)), len(array))
        numbers = ak.to_numpy(ak.num(array, axis=1)).astype(np.int64)
        return Flat(np.asarray(ak.to_numpy(ak.flatten(array, axis=1))), len(array), numbers)
    found = array.type if isinstance(array, ak.Array) else f"{array.ndim} dimensions of {array.dtype}"
    raise InputError(f"column {column.name} is {found}: expected a number, or a list of numbers, for each event")
