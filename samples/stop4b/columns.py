"""Events in memory as in the object files: collections, and columns of the events."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from samples.collection import Collection, Column, join
from samples.draws import Floats
from samples.stop4b.truth import Integers


@dataclass(frozen=True)
class Events:
    """A chunk of events.

    Parameters
    ----------
    electrons, muons, jets : Collection
        Candidates in the stored order.
    columns : dict
        A value for each event.
    """

    electrons: Collection
    muons: Collection
    jets: Collection
    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(self.jets.offsets) - 1

    def __getitem__(self, name: str) -> Any:
        """Column of the events, in double precision where it is a number with a fraction."""
        column = self.columns[name]
        return column.astype(np.float64) if column.dtype == np.float32 else column

    def take(self, rows: Integers) -> "Events":
        """Choose some of the events."""
        return Events(
            self.electrons.take(rows),
            self.muons.take(rows),
            self.jets.take(rows),
            {name: column[rows] for name, column in self.columns.items()},
        )


def concatenate(chunks: Iterable[Events]) -> Events:
    """Events of several chunks, one after another."""
    chunks = list(chunks)
    return Events(
        electrons=join([chunk.electrons for chunk in chunks]),
        muons=join([chunk.muons for chunk in chunks]),
        jets=join([chunk.jets for chunk in chunks]),
        columns={name: np.concatenate([chunk.columns[name] for chunk in chunks]) for name in chunks[0].columns},
    )


def sum_by_event(collection: Collection, values: Floats) -> Floats:
    """Sum of a value of the objects, by event, in the stored order."""
    return np.bincount(collection.event, values, minlength=len(collection.offsets) - 1).astype(np.float64, copy=False)
