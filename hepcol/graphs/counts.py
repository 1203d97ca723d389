"""Graphs as sparse vectors of counts, whose scalar products are graph kernels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.graphs.arrays import read_arrays, write_arrays
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.labelling import GIVEN, Labels, labelled, labelling
from hepcol.graphs.offsets import check_array, check_offsets, chosen, joined, owner_of, taken
from hepcol.graphs.partitions import is_partitioned, mapped
from hepcol.kernels import graphlets, neighbours, paths, refinement

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

DEFAULT_LEVELS = 2
_OPTIONS = ("kind", "h", "labels")
_MOST = 3_037_000_499  # root of 2^63: with no more things counted in a graph, products fit 64 bits
# of the graphlets of three nodes with 0, 1, 2 and 3 edges; any constants will do, evenly distributed and in order
_GRAPHLETS = np.array([0x243F6A8885A308D3, 0x5BE0CD19137E2179, 0x9216D5D98979FB1B, 0xD1310BA698DFB5AC], dtype=np.uint64)


class Kind(StrEnum):
    """What of a graph is counted; see :func:`features`."""

    WL = "wl"
    PATHS = "sp"
    VERTICES = "vertex"
    GRAPHLETS = "graphlet3"


@dataclass(frozen=True, eq=False)
class Features:
    """Counts of what graphs have, by 64-bit hashes of what that is: the same in every partition.

    Parameters
    ----------
    ptr : int64[graphs + 1]
        The entries of graph ``i`` are ``ptr[i]`` up to ``ptr[i + 1]``.
    keys : uint64[m]
        What is counted, in increasing order within a graph.
    counts : int64[m]
        How many of each, above 0.
    kind : {"wl", "sp", "vertex", "graphlet3"}
        What they are.
    h : int
        Levels of ``wl``; else 0.
    labelling : str
        How nodes were labelled, such as ``degree``: feature and edges of its bins. ``given`` of arrays and functions,
        of which it is not known: those are taken to be alike, and unlike all others. Empty of ``graphlet3``.
    """

    ptr: Integers
    keys: Hashes
    counts: Integers
    kind: str = Kind.WL
    h: int = DEFAULT_LEVELS
    labelling: str = GIVEN

    def __post_init__(self) -> None:
        check_offsets("ptr", self.ptr, "features")
        for name, dtype in (("keys", np.uint64), ("counts", np.int64)):
            check_array(name, getattr(self, name), dtype, (int(self.ptr[-1]),), "features")
        if self.counts.min(initial=1) < 1:
            raise InputError(f"counts of features have {self.counts.min()}, expected numbers above 0")

    def __len__(self) -> int:
        """Count the graphs."""
        return len(self.ptr) - 1

    def __getitem__(self, which: int | slice | Sequence[int] | Array) -> Self:
        """Return those of some of the graphs, in the order that is asked for.

        Raises
        ------
        InputError
            If one is not there.
        """
        rows = chosen(which, len(self))
        entries, ptr = taken(self.ptr, rows)
        return type(self)(ptr, self.keys[entries], self.counts[entries], self.kind, self.h, self.labelling)

    def __iter__(self) -> Iterator[Self]:
        """Go through the graphs, those of each by themselves."""
        return (self[graph] for graph in range(len(self)))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Put those of one kind one after another.

        Raises
        ------
        InputError
            If there are none, or they differ in kind.
        """
        if not parts:
            raise InputError("no features to put one after another")
        for part in parts[1:]:
            check_alike(parts[0], part)
        return cls(
            joined([part.ptr for part in parts]),
            np.concatenate([part.keys for part in parts]),
            np.concatenate([part.counts for part in parts]),
            parts[0].kind,
            parts[0].h,
            parts[0].labelling,
        )

    @property
    def squares(self) -> Integers:
        """Scalar product of each graph's counts with themselves.

        Raises
        ------
        InputError
            If it might not fit 64 bits.
        """
        totals = self._sums(self.counts)
        if totals.max(initial=0) > _MOST:
            where = int(np.argmax(totals))
            raise InputError(f"graph {where} has {totals[where]} {self.kind} features, expected at most {_MOST}")
        return self._sums(self.counts * self.counts)

    def _sums(self, values: Integers) -> Integers:
        return np.diff(np.concatenate([[0], np.cumsum(values)])[self.ptr])

    def to_scipy(self, keys: Hashes | None = None) -> Any:
        """Return the counts as a sparse matrix, a row for each graph.

        Parameters
        ----------
        keys : uint64[k], optional
            The columns, in increasing order; others are left out. By default all that occur.

        Returns
        -------
        scipy.sparse.csr_array, int64
        """
        from scipy.sparse import csr_array

        keys = np.unique(self.keys) if keys is None else np.asarray(keys, dtype=np.uint64)
        if not (keys[1:] > keys[:-1]).all():
            raise InputError("keys of the columns must increase")
        columns = np.searchsorted(keys, self.keys)
        there = columns < len(keys)
        there[there] = keys[columns[there]] == self.keys[there]
        ptr = np.concatenate([[0], np.cumsum(there)])[self.ptr]
        return csr_array((self.counts[there], columns[there], ptr), shape=(len(self), len(keys)))

    def write(self, path: Path | str) -> None:
        """Write an npz file."""
        write_arrays(Path(path), "features", vars(self))

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read an npz file.

        Raises
        ------
        InputError
            If it cannot be read, or is no file of features.
        """
        return cls(**read_arrays(Path(path), "features", tuple(cls.__dataclass_fields__)))

    def is_equal(self, other: Self) -> bool:
        """Whether others are the same to the bit."""
        mine, theirs = vars(self), vars(other)
        return all(np.array_equal(mine[name], theirs[name]) for name in mine)


def check_alike(first: Any, second: Any) -> None:
    """Refuse features, or what is made of them, of different kinds or labels: products of them mean nothing.

    Raises
    ------
    InputError
        If they are.
    """
    told = [f"{one.kind} with h={one.h}" for one in (first, second)]
    if told[0] != told[1]:
        raise InputError(f"features are of different kinds: {told[0]} and {told[1]}")
    if first.labelling != second.labelling:
        raise InputError(f"features are of different labels: {first.labelling} and {second.labelling}")


@overload
def features(
    graphs: JetGraphs, kind: str = Kind.WL, h: int | None = None, labels: Labels | None = None
) -> Features: ...


@overload
def features(
    graphs: Sequence[Any], kind: str = Kind.WL, h: int | None = None, labels: Labels | None = None
) -> list[Any]: ...


def features(
    graphs: JetGraphs | Sequence[Any], kind: str = Kind.WL, h: int | None = None, labels: Labels | None = None
) -> Features | list[Any]:
    """Count what graphs have.

    Parameters
    ----------
    graphs : JetGraphs, or sequence of them or of dask's delayed ones
        Graphs, whose edges lead both ways.
    kind : {"wl", "sp", "vertex", "graphlet3"}
        ``wl``: subtrees of the heights 0 to ``h``, as the colours that Weisfeiler-Lehman refinement gives the nodes; a
        self loop makes a node its own neighbour. ``sp``: shortest paths between two nodes, there and back, by their
        length and the labels at the ends. ``vertex``: labels. ``graphlet3``: triples of nodes by the number of edges
        among them, whatever the labels. The last three do not see self loops.
    h : int, optional
        Of ``wl``, by default 2.
    labels : str, function of graphs, or int[n], optional
        Labels of the nodes, by default those of :func:`hepcol.graphs.labels`; or its ``by``. Features of different
        labels are not compared; what arrays and functions stand for, only ``functools.partial`` of ``labels`` tells.

    Returns
    -------
    Features
        Of partitions, a list; what is made of delayed graphs is delayed.

    Raises
    ------
    InputError
        If an option is wrong, or an edge has no way back.
    """
    kind, h = _check_kind(kind, h, labels)
    if is_partitioned(graphs):
        if labels is not None and not isinstance(labels, str) and not callable(labels):
            raise InputError("labels of partitions must be a name or a function of graphs, got an array")
        return mapped(features, graphs, kind, h if kind == Kind.WL else None, labels)
    if not isinstance(graphs, JetGraphs):
        raise InputError(f"expected JetGraphs or a sequence of them, got {type(graphs).__name__}")
    how = (kind, h, "" if kind == Kind.GRAPHLETS else labelling(labels))
    if kind in (Kind.WL, Kind.VERTICES):
        ptr, keys, counts = refinement.count(refined(graphs, labelled(graphs, labels), h), graphs.ptr)
        return Features(ptr, keys, counts, *how)
    rows, sources = find_rows(graphs)
    if kind == Kind.GRAPHLETS:
        counted = graphlets.count(graphs.ptr, rows, sources)
        graph, which = np.nonzero(counted)
        ptr = np.concatenate([[0], np.cumsum(np.count_nonzero(counted, axis=1))])
        return Features(ptr, _GRAPHLETS[which], counted[graph, which], *how)
    ptr, keys, counts = paths.count(labelled(graphs, labels), graphs.ptr, rows, sources)
    return Features(ptr, keys, counts, *how)


def refined(graphs: JetGraphs, labels: Integers, h: int) -> Hashes:
    """Colours of the nodes, ``[h + 1, n]``."""
    rows, sources = find_rows(graphs)
    colours = np.empty((h + 1, graphs.nodes), dtype=np.uint64)
    refinement.refine(labels, graphs.ptr, rows, sources, h, colours)
    return colours


def find_rows(graphs: JetGraphs) -> tuple[Integers, npt.NDArray[np.int32]]:
    """Offsets of the nodes into the sources of the edges that lead to them, and these.

    Raises
    ------
    InputError
        If an edge has no way back, or they are out of order.
    """
    # of graphs that were picked out, numpy keeps the edges in another order, for which kernels would be compiled again
    sources, targets = np.ascontiguousarray(graphs.edge_index)
    rows = np.empty(graphs.nodes + 1, dtype=np.int64)
    wrong = neighbours.find_rows(sources, targets, graphs.ptr, graphs.edge_ptr, rows)
    if wrong >= 0:
        graph = owner_of(graphs.edge_ptr, wrong)
        raise InputError(
            f"edge {sources[wrong]} -> {targets[wrong]} of graph {graph} has no way back, or is not in the order of "
            "targets and sources: graph kernels need graphs that are built with undirected=True"
        )
    return rows, sources


def _check_kind(kind: str, h: int | None, labels: Labels | None) -> tuple[str, int]:
    if kind not in tuple(Kind):
        raise InputError(f"kind must be one of {', '.join(Kind)}, got '{kind}'")
    if kind == Kind.GRAPHLETS and labels is not None:
        raise InputError("graphlet3 does not look at labels: none may be given")
    if kind != Kind.WL:
        if h is not None:
            raise InputError(f"h={h} is of kind wl, and has no meaning for {kind}")
        return kind, 0
    return kind, check_levels(DEFAULT_LEVELS if h is None else h)


def check_levels(h: int) -> int:
    """Refuse what is no number of levels.

    Raises
    ------
    InputError
        If it is below 0 or not whole.
    """
    if not isinstance(h, (int, np.integer)) or isinstance(h, bool) or h < 0:
        raise InputError(f"h must be a whole number of at least 0, got {h!r}")
    return int(h)


def check_options(how: Mapping[str, Any]) -> None:
    """Refuse what :func:`features` does not take.

    Raises
    ------
    InputError
        If there is something else among it.
    """
    for name in how:
        if name not in _OPTIONS:
            raise InputError(f"option '{name}' of graph kernels is unknown; accepted: {', '.join(_OPTIONS)}")
