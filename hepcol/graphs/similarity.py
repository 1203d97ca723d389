"""Mean similarity of graphs to those of a reference, in one pass over each."""

from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.graphs.arrays import read_arrays, write_arrays
from hepcol.graphs.counts import Features, Hashes, check_alike, check_options
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.offsets import check_array
from hepcol.graphs.partitions import called, is_partitioned, mapped
from hepcol.graphs.products import Graphs, as_features
from hepcol.kernels import products
from hepcol.sums import LIMBS, ExactSum, split

_BOUND = 1.0  # of what a normalised vector has of one key
_LIMBS = "limbs"
_STORED = ("keys", _LIMBS, "graphs", "kind", "h", "labelling")  # in a file


@dataclass(frozen=True, eq=False)
class Reference:
    """Sum of the normalised vectors of the graphs of a reference, exact in any order; merged with ``+``.

    Parameters
    ----------
    keys : uint64[k]
        What they have, in increasing order.
    sums : ExactSum
        Of each key.
    graphs : int
        How many there are, also those without any feature.
    kind, h, labelling
        As :class:`hepcol.graphs.Features` has them.
    """

    keys: Hashes
    sums: ExactSum
    graphs: int
    kind: str
    h: int
    labelling: str

    def __post_init__(self) -> None:
        check_array("keys", self.keys, np.uint64, np.shape(self.keys)[:1], "a reference")
        check_array("limbs", self.sums.limbs, np.float64, (len(self.keys), LIMBS), "a reference")

    @classmethod
    def of(cls, graphs: Graphs, **how: Any) -> Any:
        """Sum graphs or features, or partitions of them; ``how`` as for :func:`hepcol.graphs.gram`.

        Raises
        ------
        InputError
            If there are no partitions, or they are of different kinds or labels.
        """
        check_options(how)
        if not is_partitioned(graphs):
            return cls._summed(as_features(graphs, how))
        if not graphs:
            raise InputError("no partitions of a reference")
        return called(_merged, mapped(cls.of, graphs, **how))

    @classmethod
    def _summed(cls, features: Features) -> Self:
        lengths = np.sqrt(features.squares.astype(np.float64))
        terms = features.counts / np.repeat(lengths, np.diff(features.ptr))
        keys, place = np.unique(features.keys, return_inverse=True)
        limbs = np.empty((len(keys), LIMBS))
        for limb, values in enumerate(split(terms, _BOUND).T):
            limbs[:, limb] = np.bincount(place, values, minlength=len(keys))
        # each graph has a key once, so that many terms are in each sum
        sums = ExactSum(_BOUND, limbs, len(features))
        return cls(keys, sums, len(features), features.kind, features.h, features.labelling)

    def __add__(self, other: Self) -> Self:
        """Merge; kinds and labels have to be the same."""
        check_alike(self, other)
        keys = np.union1d(self.keys, other.keys)
        sums = self._spread(keys) + other._spread(keys)
        return type(self)(keys, sums, self.graphs + other.graphs, self.kind, self.h, self.labelling)

    def _spread(self, keys: Hashes) -> ExactSum:
        limbs = np.zeros((len(keys), LIMBS))
        limbs[np.searchsorted(keys, self.keys)] = self.sums.limbs
        return ExactSum(_BOUND, limbs, self.sums.terms)

    def write(self, path: Path | str) -> None:
        """Write an npz file."""
        told = {name: getattr(self, name) for name in _STORED if name != _LIMBS}
        write_arrays(Path(path), "reference", {**told, _LIMBS: self.sums.limbs})

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read an npz file.

        Raises
        ------
        InputError
            If it cannot be read, or is no file of a reference.
        """
        read = read_arrays(Path(path), "reference", _STORED)
        return cls(sums=ExactSum(_BOUND, read.pop(_LIMBS), read["graphs"]), **read)

    def is_equal(self, other: Self) -> bool:
        """Whether another one is the same to the bit."""
        return (
            all(getattr(self, name) == getattr(other, name) for name in ("graphs", "kind", "h", "labelling"))
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.sums.limbs, other.sums.limbs)
        )


def _merged(parts: list[Reference]) -> Reference:
    return reduce(add, parts)


def mean_similarity(graphs: Graphs, reference: Any, **how: Any) -> Any:
    """Mean of the normalised kernel of each graph with those of a reference.

    Parameters
    ----------
    graphs : JetGraphs or Features, or a sequence of them or of dask's delayed ones
        Graphs.
    reference : Reference, or what it can be made of
        The reference; graphs that are in it are compared with themselves, too.
    **how
        ``kind``, ``h`` and ``labels`` of :func:`hepcol.graphs.features`, where graphs are given.

    Returns
    -------
    float64[graphs]
        0 for a graph without any feature, as :func:`hepcol.graphs.gram` has it. Delayed if something given is.

    Raises
    ------
    InputError
        If the reference has no graphs, or is of another kind or other labels.
    """
    check_options(how)
    if is_partitioned(reference) or isinstance(reference, (JetGraphs, Features)):
        reference = Reference.of(reference, **({} if isinstance(reference, Features) else how))
    if is_partitioned(graphs):
        return called(np.concatenate, [called(_means, part, reference, how=how) for part in graphs])
    return called(_means, graphs, reference, how=how)


def _means(graphs: Any, reference: Reference, how: dict[str, Any]) -> npt.NDArray[np.float64]:
    features = as_features(graphs, how)
    check_alike(features, reference)
    if not reference.graphs:
        raise InputError("the reference has no graphs: no mean similarity to them")
    _, places, _ = products.number(reference.keys, features.keys)
    there = places >= 0
    graph = np.repeat(np.arange(len(features)), np.diff(features.ptr))[there]
    # one after another, in the order of the keys: the same for a graph in any partition
    summed = np.bincount(graph, features.counts[there] * reference.sums.value[places[there]], len(features))
    lengths = np.sqrt(np.maximum(features.squares, 1).astype(np.float64))
    return summed / (lengths * reference.graphs)
