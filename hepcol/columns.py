"""Jagged columns as the flat arrays that kernels take."""

from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


class Collection:
    """The objects of a collection, all events one after another: columns are read when they are asked for.

    Of a collection as NanoEvents has it, exactly the column that is asked for is read: awkward's own way to a field,
    ``records.px``, first materialises another one to learn the length of the record.

    Parameters
    ----------
    records : ak.Array
        Records in each event, ``events * var * {...}``.
    """

    def __init__(self, records: ak.Array) -> None:
        self._records = records
        layout: Any = records.layout
        is_plain = isinstance(layout, ak.contents.ListOffsetArray) and isinstance(
            layout.content, ak.contents.RecordArray
        )
        self._layout: Any = layout if is_plain else None

    @cached_property
    def _stored_offsets(self) -> IntArray:
        """Offsets into the columns as they are stored, where a slice of events need not begin at 0."""
        return np.asarray(ak.to_numpy(self._layout.offsets.data), dtype=np.int64)

    @cached_property
    def offsets(self) -> IntArray:
        """Offsets of the events: the objects of event ``k`` are ``offsets[k]`` to ``offsets[k + 1]``."""
        if self._layout is not None:
            return self._stored_offsets - self._stored_offsets[0]
        counts = ak.to_numpy(ak.num(self._records, axis=1))
        return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a column of the objects of all events, read-only where it is the events' own memory.

        One that is not stored is what their behaviour makes of it.

        Raises
        ------
        ValueError
            If objects are missing (None), or the column does not have one element for each object.
        """
        if self._layout is None or name not in self._records.fields:
            column = self._records[name] if name in self._records.fields else getattr(self._records, name)
            return np.asarray(ak.to_numpy(ak.flatten(column, axis=1), allow_missing=False))
        record = self._layout.content
        stored = ak.to_numpy(record.contents[record.field_to_index(name)], allow_missing=False)
        first, last = self._stored_offsets[0], self._stored_offsets[-1]
        if len(stored) < last:
            raise ValueError(f"column {name} has {len(stored)} objects where its collection has {last}")
        column = np.asarray(stored[first:last])
        column.flags.writeable = False  # the events' own memory
        return column


class JaggedColumns:
    """The objects of a collection that a flat tree has as jagged columns ``<prefix>_<name>``, all one after another.

    Parameters
    ----------
    events : ak.Array
        Events, with a jagged column for each property of the objects.
    prefix : str
        Name of the collection.
    """

    def __init__(self, events: ak.Array, prefix: str) -> None:
        self.prefix = prefix
        self._events = events
        self._offsets: IntArray | None = None

    @property
    def offsets(self) -> IntArray:
        """Offsets of the events: the objects of event ``k`` are ``offsets[k]`` to ``offsets[k + 1]``."""
        if self._offsets is None:  # any column tells
            name = next(name for name in self._events.fields if name.startswith(f"{self.prefix}_"))
            self[name.removeprefix(f"{self.prefix}_")]
        return np.zeros(1, dtype=np.int64) if self._offsets is None else self._offsets

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a column of the objects of all events.

        Raises
        ------
        ValueError
            If it has not as many objects in each event as the columns before.
        """
        layout: Any = self._events[f"{self.prefix}_{name}"].layout
        if not (isinstance(layout, ak.contents.ListOffsetArray) and layout.content.is_numpy):
            raise ValueError(f"column {self.prefix}_{name} is not jagged: it has the type {layout.form.type}")
        # awkward's ak.num and ak.flatten take 1 ms, and give the same
        stored = np.asarray(ak.to_numpy(layout.offsets.data), dtype=np.int64)
        offsets = stored - stored[0]
        if self._offsets is None:
            self._offsets = offsets
        elif not np.array_equal(offsets, self._offsets):
            raise ValueError(f"column {self.prefix}_{name} has other numbers of objects than those before it")
        column: npt.NDArray[Any] = np.asarray(ak.to_numpy(layout.content))[stored[0] : stored[-1]]
        column.flags.writeable = False  # the events' own memory
        return column
