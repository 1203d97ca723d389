"""The events of a chunk that have a row in a tree, from the tree itself or from objects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np

from hepcol.selection import IntArray, Passed, Region, apply
from processors.stop4b.fill import Contribution
from processors.stop4b.objects import Selected
from processors.stop4b.observables import Column, FloatArray


class Stored(Mapping[str, Column]):
    """Columns of a tree with a number for each event, read when they are asked for."""

    def __init__(self, events: ak.Array) -> None:
        self._events = events
        self._read: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        if name not in self._read:
            if name not in self._events.fields:
                raise KeyError(name)
            self._read[name] = np.asarray(self._events[name])
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._events.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._events.fields)

    def __len__(self) -> int:
        return len(self._events.fields)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a tree.

    Parameters
    ----------
    event : int64[n], or slice
        Position of each in the chunk.
    columns : mapping of str to array[n]
        What the cuts look at, and what is derived.
    stored : mapping of str to array
        Columns with a number for each event of the chunk, such as weights.
    passed : list of Passed
        What passes the regions.
    """

    event: IntArray
    columns: Mapping[str, Column]
    stored: Mapping[str, Column]
    passed: list[Passed]

    def choose(self, names: Sequence[str], rows: IntArray) -> dict[str, Column]:
        """Columns of some of the rows; those that are not there are left out."""
        chosen = {name: self.columns[name][rows] for name in names if name in self.columns}
        events = self.event[rows]
        return chosen | {
            name: self.stored[name][events] for name in names if name not in chosen and name in self.stored
        }

    def pick(self, of_events: FloatArray) -> list[FloatArray]:
        """Values of the events that pass, by region."""
        return [of_events[self.event[one.rows]] for one in self.passed]

    def contributions(self, weights: Sequence[FloatArray]) -> list[Contribution]:
        """Return what passes, with weights by region."""
        return [
            Contribution(region, self.event[one.rows], of_region)
            for region, (one, of_region) in enumerate(zip(self.passed, weights, strict=True))
        ]

    @property
    def any_first_cut(self) -> IntArray:
        """Rows that pass the first cut of a region."""
        return np.flatnonzero(np.any([one.masks[0] for one in self.passed], axis=0))


def rows_of_tree(stored: Stored, regions: Sequence[Region]) -> Rows:
    """Rows of a flat tree: all of its events."""
    passed = apply(regions, stored)
    return Rows(np.arange(len(passed[0].masks[0])), stored, stored, passed)


def rows_of_objects(selected: Selected, stored: Stored, regions: Sequence[Region]) -> Rows:
    """Rows of the nominal flat tree that the events of an object file would make."""
    return Rows(selected.rows, selected.columns, stored, apply(regions, selected.columns))
