"""A sample of rows, uniform or weighted, that depends on what the rows are, never on chunks or their order.

Every row has a key of 64 bits, a hash of what identifies it; the rows with the lowest keys are the sample.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self, TypeAlias

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.kernels import mixing, race
from hepcol.random import stream_key

Keys = npt.NDArray[np.uint64]
Rows: TypeAlias = ak.Array | dict[str, ak.Array]

NEVER = np.uint64(2**64 - 1)  # key of what comes into no sample


def splitmix64(state: npt.ArrayLike) -> Keys:
    """Return the outputs of SplitMix64 in some states; see :mod:`hepcol.kernels.mixing`."""
    words = np.atleast_1d(np.asarray(state, dtype=np.uint64))
    mixed: Keys = mixing.mix_all(np.ascontiguousarray(words).ravel())
    return mixed.reshape(words.shape)


def keys_of(uuid: str, entries: npt.ArrayLike, numbers: npt.ArrayLike = 0, *, stream: str = "rows") -> Keys:
    """Hash what identifies rows to their keys.

    Among n rows the probability that two keys are equal is about n^2 / 2^65: 3e-8 for a million.

    Parameters
    ----------
    uuid : str
        UUID of the file, ``events.metadata["fileuuid"]``.
    entries : array of integers
        Entry of each row in the file: ``events.metadata["entrystart"]`` and its place in the chunk.
    numbers : array of integers
        Number of the object in the event, for rows of objects.
    stream : str
        Samples of one stream take the same events; another name gives one that has nothing to do with them.
    """
    event, number = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, dtype=np.uint64)) for x in (entries, numbers)))
    return splitmix64(splitmix64(splitmix64(stream_key(0, stream, uuid)) ^ event) ^ number)


def weighted(keys: Keys, weights: npt.ArrayLike) -> Keys:
    """Return other keys, with which a row comes into the sample by its weight.

    Parameters
    ----------
    keys : array of uint64
        Of :func:`keys_of`.
    weights : array
        Weights of the rows, of which the magnitude counts; a row of weight 0 comes into no sample.
    """
    rates = np.abs(np.asarray(weights, dtype=np.float64))
    comes = np.flatnonzero(rates > 0.0)
    times = np.empty(len(comes))
    race.arrive(np.ascontiguousarray(keys[comes]), np.ascontiguousarray(rates[comes]), times)
    found = np.full(len(keys), NEVER)
    found[comes] = times.view(np.uint64)  # of numbers above 0, the bits are in the same order
    return found


def lowest(size: int, keys: Keys) -> npt.NDArray[np.intp]:
    """Places of the ``size`` lowest keys, and of all that equal the last: what is worth making rows of."""
    if np.any(keys == NEVER):
        comes = np.flatnonzero(keys != NEVER)
        return comes[lowest(size, keys[comes])]
    if len(keys) <= size:
        return np.arange(len(keys))
    return np.flatnonzero(keys <= np.partition(keys, size - 1)[size - 1])


@dataclass(frozen=True, eq=False)
class RowSample:
    """At most ``size`` rows of a dataset, made by :meth:`of`; ``+`` gives the sample of both.

    Parameters
    ----------
    size : int
        How many rows there may be.
    keys : array of uint64
        Their keys, from the lowest.
    rows : awkward array, or dict of them
        The rows, in the order of the keys, and packed: rows that were dropped take no memory.
    """

    size: int
    keys: Keys
    rows: Rows

    @classmethod
    def of(cls, size: int, keys: npt.ArrayLike, rows: Any) -> Self:
        """Sample the rows of a chunk.

        Parameters
        ----------
        size : int
            How many rows to keep.
        keys : array of uint64
            Key of each row, see :func:`keys_of`.
        rows : array, or mapping of str to array
            The rows, or columns of them by name; ragged ones are awkward arrays. Classes of records are not kept.

        Raises
        ------
        ValueError
            If ``size`` is not positive, or there are not as many rows as keys.
        """
        if size < 1:
            raise ValueError(f"a sample must have room for at least 1 row, got {size}")
        hashes = np.asarray(keys, dtype=np.uint64)
        columns = dict(rows) if isinstance(rows, Mapping) else {"": rows}
        for name, column in columns.items():
            if len(column) != len(hashes):
                raise ValueError(f"{name or 'rows'} must be as many as keys, got {len(column)} and {len(hashes)}")
        plain = {name: _plain(ak.Array(column)) for name, column in columns.items()}
        return cls._lowest(size, hashes, plain)

    @classmethod
    def _lowest(cls, size: int, keys: Keys, columns: Mapping[str, ak.Array]) -> Self:
        """Keep the rows with the lowest keys."""
        chosen = lowest(size, keys)
        chosen = chosen[np.argsort(keys[chosen], kind="stable")]
        for start, stop in _ties(keys[chosen]):  # a matter of copies: sorted by what is in them, in any chunking alike
            chosen[start:stop] = sorted(
                chosen[start:stop], key=lambda row: [repr(c[row : row + 1].to_list()) for c in columns.values()]
            )
        chosen = chosen[:size]
        kept = {name: ak.to_packed(column[chosen]) for name, column in columns.items()}
        return cls(size, keys[chosen], kept[""] if list(kept) == [""] else kept)

    @property
    def columns(self) -> dict[str, ak.Array]:
        """The rows by the names of their columns; under an empty name, if they have none."""
        return self.rows if isinstance(self.rows, dict) else {"": self.rows}

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.keys)

    def equals(self, other: "RowSample") -> bool:
        """Whether another sample has the same rows, bit for bit."""
        return (
            self.size == other.size
            and np.array_equal(self.keys, other.keys)
            and list(self.columns) == list(other.columns)
            and all(_bits(column) == _bits(other.columns[name]) for name, column in self.columns.items())
        )

    def __add__(self, other: "RowSample") -> "RowSample":
        """Sample the rows of both; both need the same size and columns."""
        ours, theirs = (self.size, list(self.columns)), (other.size, list(other.columns))
        if ours != theirs:
            raise ValueError(f"samples of different size or columns do not merge: {ours} and {theirs}")
        keys = np.concatenate([self.keys, other.keys])
        columns = {name: ak.concatenate([column, other.columns[name]]) for name, column in self.columns.items()}
        return self._lowest(self.size, keys, columns)


def _plain(array: ak.Array) -> ak.Array:
    """Leave the classes of records behind, which would hold on to their file, and what columns are called there.

    Of parameters only what makes strings of lists stays: awkward joins the others in an order of no meaning.
    """
    form, length, buffers = ak.to_buffers(ak.materialize(array))
    return ak.from_buffers(ak.forms.from_dict(_without_parameters(form.to_dict())), length, buffers)


def _without_parameters(form: Any) -> Any:
    if isinstance(form, list):
        return [_without_parameters(part) for part in form]
    if not isinstance(form, dict):
        return form
    stay = {name: value for name, value in form.get("parameters", {}).items() if name == "__array__"}
    return {name: stay if name == "parameters" else _without_parameters(part) for name, part in form.items()}


def _bits(array: ak.Array) -> tuple[str, int, dict[str, bytes]]:
    """Return all that an array is: its layout and buffers."""
    form, length, buffers = ak.to_buffers(array)
    return form.to_json(), int(length), {name: np.asarray(buffer).tobytes() for name, buffer in buffers.items()}


def _ties(keys: Keys) -> Iterator[tuple[int, int]]:
    """Ranges of equal keys among sorted ones, of more than one."""
    edges = [0, *(np.flatnonzero(keys[1:] != keys[:-1]) + 1).tolist(), len(keys)]
    return ((start, stop) for start, stop in pairwise(edges) if stop - start > 1)
