"""Objects of many events: flat columns, with the offsets of the events."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]


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


def gather(offsets: Integers, rows: Integers) -> tuple[Integers, Integers]:
    """Positions of the objects of some events one after another, and their new offsets."""
    sizes = np.diff(offsets)[rows]
    ends = np.cumsum(sizes)
    positions = np.arange(ends[-1] if len(ends) else 0) + np.repeat(offsets[rows] - (ends - sizes), sizes)
    return positions, np.concatenate([[0], ends]).astype(np.int64)


def join(collections: list[Collection]) -> Collection:
    """Objects of the events of several collections, one after another."""
    sizes = np.concatenate([np.diff(collection.offsets) for collection in collections])
    return Collection(
        {
            name: np.concatenate([collection.columns[name] for collection in collections])
            for name in collections[0].columns
        },
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
    )
