"""Events in memory as in the object files: flat columns of each collection, with the offsets of the events."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samples.draws import Floats
from samples.stop4b.truth import Integers

Column = npt.NDArray[Any]


@dataclass(frozen=True)
class Collection:
    """Objects of one kind; those of event ``k`` are rows ``offsets[k]`` up to ``offsets[k + 1]``."""

    columns: dict[str, Column]
    offsets: Integers

    def __getitem__(self, name: str) -> Any:
        """Column, in double precision where it is a number with a fraction."""
        column = self.columns[name]
        return column.astype(np.float64) if column.dtype == np.float32 else column

    @property
    def event(self) -> Integers:
        """Row of each object's event."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @property
    def index(self) -> Integers:
        """Index of each object in its event."""
        sizes = np.diff(self.offsets)
        return np.arange(self.offsets[-1]) - np.repeat(self.offsets[:-1], sizes)

    def take(self, rows: Integers) -> "Collection":
        """Objects of some of the events."""
        chosen, offsets = gather(self.offsets, rows)
        return Collection({name: column[chosen] for name, column in self.columns.items()}, offsets)


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


def gather(offsets: Integers, rows: Integers) -> tuple[Integers, Integers]:
    """Positions of the objects of some events one after another, and their new offsets."""
    sizes = np.diff(offsets)[rows]
    ends = np.cumsum(sizes)
    positions = np.arange(ends[-1] if len(ends) else 0) + np.repeat(offsets[rows] - (ends - sizes), sizes)
    return positions, np.concatenate([[0], ends]).astype(np.int64)


def concatenate(chunks: Iterable[Events]) -> Events:
    """Events of several chunks, one after another."""
    chunks = list(chunks)
    return Events(
        electrons=_concatenate([chunk.electrons for chunk in chunks]),
        muons=_concatenate([chunk.muons for chunk in chunks]),
        jets=_concatenate([chunk.jets for chunk in chunks]),
        columns={name: np.concatenate([chunk.columns[name] for chunk in chunks]) for name in chunks[0].columns},
    )


def _concatenate(collections: list[Collection]) -> Collection:
    sizes = np.concatenate([np.diff(collection.offsets) for collection in collections])
    return Collection(
        {
            name: np.concatenate([collection.columns[name] for collection in collections])
            for name in collections[0].columns
        },
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
    )


def sum_by_event(collection: Collection, values: Floats) -> Floats:
    """Sum of a value of the objects, by event, in the stored order."""
    return np.bincount(collection.event, values, minlength=len(collection.offsets) - 1).astype(np.float64, copy=False)
