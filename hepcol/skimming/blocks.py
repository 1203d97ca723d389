"""Sums over blocks of the entries of a file, whose borders do not depend on chunks: a skim is cut at these."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

ENTRIES = 8192  # of a block: a skim that keeps 1 % of them is cut to 80 events

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """What is in each block of a chunk, of which the first and the last may be parts.

    Parameters
    ----------
    number : int64[n]
        Which blocks of the file.
    start, stop : int64[n]
        Their entries.
    selected : int64[n]
        Events that are kept.
    size : int64[n]
        Bytes of these, not compressed.
    events : int64[n]
        Events that they stand for.
    limbs : float64[n, LIMBS]
        Sums of the weights of these.
    steps : int64[n, k]
        Events that passed each step.
    """

    number: Counts
    start: Counts
    stop: Counts
    selected: Counts
    size: Counts
    events: Counts
    limbs: npt.NDArray[np.float64]
    steps: Counts

    @classmethod
    def of(
        cls,
        entries: tuple[int, int],
        rows: npt.NDArray[np.int64],
        arrays: Mapping[str, ak.Array],
        stand_for: "StandFor",
    ) -> "Blocks":
        """Sum up a chunk.

        Parameters
        ----------
        entries : tuple of int
            First entry and end.
        rows : int64[m]
            Events that are kept, as positions in the chunk.
        arrays : mapping of str to ak.Array
            What is kept of these, packed.
        stand_for : StandFor
            What the events of the chunk stand for.
        """
        first, last = entries
        inside = range(-(-first // ENTRIES) * ENTRIES, last, ENTRIES)
        edges = np.unique([first, *inside, last]).astype(np.int64)
        if len(edges) == 1:  # a file without events: it may be a skim that stands for some
            edges = np.repeat(edges, 2)
        start, stop = edges[:-1], edges[1:]
        cuts = np.searchsorted(rows, edges - first)
        sums = [_sums(column, edges - first) for column in (stand_for.events, stand_for.limbs, stand_for.steps)]
        if first == 0:
            for total, before in zip(sums, stand_for.before, strict=True):
                total[0] += before
        return cls(start // ENTRIES, start, stop, np.diff(cuts), np.diff(_sizes(arrays, len(rows))[cuts]), *sums)

    def __len__(self) -> int:
        """Count the blocks."""
        return len(self.number)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what it is made of, by name."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class StandFor:
    """What the events of a chunk stand for.

    Parameters
    ----------
    events : int64[n]
        How many each is; none in a skim, which tells how many all of its events are.
    limbs : float64[n, LIMBS]
        Limbs of their weights.
    steps : int64[n, k]
        How many of them passed each step.
    before : tuple of array
        The same sums, of all that the file says that it stands for.
    """

    events: Counts
    limbs: npt.NDArray[np.float64]
    steps: Counts
    before: tuple[Any, Any, Any]


def _sums(column: npt.NDArray[Any], edges: Counts) -> npt.NDArray[Any]:
    """Sum between edges."""
    if edges[0] == edges[-1]:
        return np.zeros((1, *column.shape[1:]), dtype=column.dtype)
    return np.asarray(np.add.reduceat(column, edges[:-1], axis=0))


def _sizes(arrays: Mapping[str, ak.Array], rows: int) -> Counts:
    """Bytes of the first 0, 1, 2, ... rows."""
    total = np.zeros(rows + 1, dtype=np.int64)
    for array in arrays.values():
        total += _sizes_of(array.layout, rows)
    return total


def _sizes_of(layout: Any, rows: int) -> Counts:
    """Bytes of the first 0, 1, 2, ... rows of a packed layout."""
    if layout.is_list:
        lists = layout.to_ListOffsetArray64(True)
        offsets = np.asarray(ak.to_numpy(lists.offsets.data), dtype=np.int64)
        inner = _sizes_of(lists.content, int(offsets[-1]))
        return np.asarray(inner[offsets] + offsets.itemsize * np.arange(rows + 1))
    per_row = layout.nbytes // max(rows, 1)
    return np.arange(rows + 1, dtype=np.int64) * per_row


def parts(blocks: list[Blocks], size: int) -> Iterator[int]:
    """Say with which blocks of a dataset parts of about some size begin, as positions in all of them but the first.

    Parameters
    ----------
    blocks : list of Blocks
        Of its chunks, in their order.
    size : int
        Bytes, not compressed, from which on a part is closed.
    """
    position, filled, previous = 0, 0, None
    for chunk in blocks:
        for number, at, length in zip(chunk.number, chunk.start, chunk.size, strict=True):
            is_new = previous is None or number != previous or at == 0
            if is_new and filled >= size:
                yield position
                filled = 0
            filled += int(length)
            previous = number
            position += 1
