"""Graphs of jets, all of them in a few flat arrays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.columns import Collection
from hepcol.errors import InputError
from hepcol.graphs import conversion
from hepcol.graphs.attributes import as_column
from hepcol.graphs.connection import connect
from hepcol.graphs.offsets import check_array, check_offsets, chosen, joined, owner_of, taken
from hepcol.graphs.recipe import GEOMETRY, MASS, Recipe
from hepcol.kernels import edges, neighbours

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]

_WHOSE = "graphs"  # in what is said of arrays


@dataclass(frozen=True, eq=False)
class JetGraphs:
    """Graphs of jets: what PyTorch Geometric has as data and slices, without a copy.

    Parameters
    ----------
    x : float32[n, F]
        Features of the nodes, ``recipe.node_features``.
    ptr : int64[graphs + 1]
        The nodes of graph ``i`` are ``ptr[i]`` up to ``ptr[i + 1]``.
    edge_index : int32[2, E]
        Source and target of each edge, numbered within the graph; by target, then source. A pair of nodes that is
        joined both ways is two edges, here and wherever edges are counted; a self loop is one.
    edge_ptr : int64[graphs + 1]
        Offsets of the graphs into the edges.
    edge_attr : float32[E, A]
        Features of the edges, ``recipe.edge_features``.
    columns : dict of str to array[graphs]
        What is known of the jets: numbers and truth values, by names that are not those of nodes and edges in files.
    recipe : Recipe
        How they were made.
    """

    x: Singles
    ptr: Integers
    edge_index: npt.NDArray[np.int32]
    edge_ptr: Integers
    edge_attr: Singles
    columns: Mapping[str, Array] = field(default_factory=dict)
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        for name in ("ptr", "edge_ptr"):
            check_offsets(name, getattr(self, name), _WHOSE)
        nodes, edges = int(self.ptr[-1]), int(self.edge_ptr[-1])
        check_array("edge_ptr", self.edge_ptr, np.int64, self.ptr.shape, _WHOSE)
        check_array("x", self.x, np.float32, (nodes, len(self.recipe.node_features)), _WHOSE)
        check_array("edge_index", self.edge_index, np.int32, (2, edges), _WHOSE)
        check_array("edge_attr", self.edge_attr, np.float32, (edges, len(self.recipe.edge_features)), _WHOSE)
        columns = {name: as_column(name, column, len(self)) for name, column in self.columns.items()}
        object.__setattr__(self, "columns", columns)
        self._check_edges()

    def _check_edges(self) -> None:
        """Refuse edges of nodes that are not there, which kernels would look up."""
        # of graphs that were picked out, numpy keeps the edges in another order, for which it would be compiled again
        sources, targets = np.ascontiguousarray(self.edge_index)
        edge = neighbours.find_stray(sources, targets, self.ptr, self.edge_ptr)
        if edge >= 0:
            graph = owner_of(self.edge_ptr, edge)
            raise InputError(
                f"edge {sources[edge]} -> {targets[edge]} of graph {graph} is of no node: it has "
                f"{self.ptr[graph + 1] - self.ptr[graph]}, numbered from 0"
            )

    def __len__(self) -> int:
        """Count the graphs."""
        return len(self.ptr) - 1

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return int(self.ptr[-1])

    @property
    def edges(self) -> int:
        """Number of edges, as PyTorch Geometric counts them: two for a pair that is joined both ways."""
        return int(self.edge_ptr[-1])

    def feature(self, name: str) -> Singles:
        """Return a feature of all nodes.

        Raises
        ------
        InputError
            If the graphs do not have it.
        """
        if name not in self.recipe.node_features:
            raise InputError(
                f"the graphs have no node feature '{name}'; they have {', '.join(self.recipe.node_features)}"
            )
        return np.ascontiguousarray(self.x[:, self.recipe.node_features.index(name)])

    @property
    def degrees(self) -> Integers:
        """Edges that lead to each node."""
        return edges.degrees(self.edge_index[1], self.ptr, self.edge_ptr)

    def __getitem__(self, which: int | slice | Sequence[int] | Array) -> Self:
        """Return some of the graphs, in the order that is asked for; of a number, graphs that are one.

        Raises
        ------
        InputError
            If one is not there.
        """
        if isinstance(which, slice) and which.step in (None, 1):
            start, stop, _ = which.indices(len(self))
            return self._range(start, max(start, stop))
        rows = chosen(which, len(self))
        nodes, ptr = taken(self.ptr, rows)
        edges, edge_ptr = taken(self.edge_ptr, rows)
        columns = {name: column[rows] for name, column in self.columns.items()}
        return type(self)(
            self.x[nodes], ptr, self.edge_index[:, edges], edge_ptr, self.edge_attr[edges], columns, self.recipe
        )

    def __iter__(self) -> Iterator[Self]:
        """Go through the graphs, each as graphs that are one."""
        return (self._range(graph, graph + 1) for graph in range(len(self)))

    def _range(self, start: int, stop: int) -> Self:
        """Return consecutive graphs, without a copy."""
        node = slice(self.ptr[start], self.ptr[stop])
        edge = slice(self.edge_ptr[start], self.edge_ptr[stop])
        return type(self)(
            self.x[node],
            self.ptr[start : stop + 1] - self.ptr[start],
            self.edge_index[:, edge],
            self.edge_ptr[start : stop + 1] - self.edge_ptr[start],
            self.edge_attr[edge],
            {name: column[start:stop] for name, column in self.columns.items()},
            self.recipe,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Put graphs of one recipe one after another.

        Raises
        ------
        InputError
            If there is none, or they differ in how they were made or what is known of them.
        """
        if not parts:
            raise InputError("no graphs to put one after another")
        first = parts[0]
        for part in parts[1:]:
            if part.recipe != first.recipe:
                raise InputError(f"graphs were made in different ways: {first.recipe} and {part.recipe}")
            if list(part.columns) != list(first.columns):
                raise InputError(f"graphs have different columns: {list(first.columns)} and {list(part.columns)}")
        return cls(
            np.concatenate([part.x for part in parts]),
            joined([part.ptr for part in parts]),
            np.concatenate([part.edge_index for part in parts], axis=1),
            joined([part.edge_ptr for part in parts]),
            np.concatenate([part.edge_attr for part in parts]),
            {name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns},
            first.recipe,
        )

    def without_edges(self) -> Self:
        """Return the nodes alone, of which :meth:`rebuilt` makes the edges again.

        Raises
        ------
        InputError
            If that cannot be, for lack of positions among the features.
        """
        self._check_can_rebuild()
        return type(self)(
            self.x,
            self.ptr,
            np.empty((2, 0), dtype=np.int32),
            np.zeros_like(self.ptr),
            np.empty((0, len(self.recipe.edge_features)), dtype=np.float32),
            self.columns,
            self.recipe,
        )

    def rebuilt(self) -> Self:
        """Make the edges anew of the nodes, to the bit as they were.

        Raises
        ------
        InputError
            If the positions are not among the features.
        """
        self._check_can_rebuild()
        nodes = np.zeros((4, self.nodes), dtype=np.float32)
        for row, name in enumerate((*GEOMETRY, MASS)):
            if name in self.recipe.node_features:
                nodes[row] = self.feature(name)
        return type(self)(self.x, self.ptr, *connect(nodes, self.ptr, self.recipe), self.columns, self.recipe)

    def _check_can_rebuild(self) -> None:
        if not self.recipe.can_rebuild:
            raise InputError(
                f"edges cannot be made again of nodes with the features {', '.join(self.recipe.node_features)}: "
                f"{', '.join(GEOMETRY)} are needed, and mass for lnm2"
            )

    def is_equal(self, other: Self) -> bool:
        """Whether other graphs are the same to the bit."""
        mine, theirs = self._arrays(), other._arrays()
        return (
            self.recipe == other.recipe
            and list(mine) == list(theirs)
            and all(
                mine[name].dtype == theirs[name].dtype
                and mine[name].shape == theirs[name].shape
                and mine[name].tobytes() == theirs[name].tobytes()
                for name in mine
            )
        )

    def _arrays(self) -> dict[str, Array]:
        named = ("x", "ptr", "edge_index", "edge_ptr", "edge_attr")
        return {**{name: getattr(self, name) for name in named}, **self.columns}

    def write(self, path: str | Path, stored: str = "nodes") -> None:
        """Write to a file: see :func:`hepcol.graphs.files.write_graphs`."""
        from hepcol.graphs.files import write_graphs

        write_graphs(path, self, stored)

    @classmethod
    def read(cls, path: str | Path) -> "JetGraphs":
        """Read from a file: see :func:`hepcol.graphs.files.read_graphs`."""
        from hepcol.graphs.files import read_graphs

        return read_graphs(path)

    def to_awkward(self) -> ak.Array:
        """Return a record for each graph: its columns, a list of ``nodes`` and a list of ``edges``."""
        edges: dict[str, Array] = {"source": self.edge_index[0], "target": self.edge_index[1]}
        edges |= {str(name): self.edge_attr[:, n] for n, name in enumerate(self.recipe.edge_features)}
        nodes = {name: self.x[:, number] for number, name in enumerate(self.recipe.node_features)}
        lists = {"nodes": _listed(nodes, self.ptr), "edges": _listed(edges, self.edge_ptr)}
        return ak.zip({**self.columns, **lists}, depth_limit=1)

    @classmethod
    def from_awkward(cls, rows: ak.Array, recipe: Recipe) -> Self:
        """Take records of :meth:`to_awkward` back."""
        nodes, edges = Collection(rows.nodes), Collection(rows.edges)
        features = [nodes[name] for name in recipe.node_features]
        attributes = [edges[str(name)] for name in recipe.edge_features]
        columns = {name: ak.to_numpy(rows[name]) for name in rows.fields if name not in ("nodes", "edges")}
        return cls(
            np.stack(features, axis=1),
            nodes.offsets,
            np.stack([edges["source"], edges["target"]]),
            edges.offsets,
            np.stack(attributes, axis=1) if attributes else np.empty((edges.offsets[-1], 0), dtype=np.float32),
            columns,
            recipe,
        )

    def to_pyg(self) -> list[Any]:
        """Return a ``torch_geometric.data.Data`` each: see :func:`hepcol.graphs.conversion.to_pyg`."""
        return conversion.to_pyg(self)

    def to_networkx(self, graph: int) -> Any:
        """Return one as a networkx graph: see :func:`hepcol.graphs.conversion.to_networkx`."""
        return conversion.to_networkx(self, graph)

    def to_grakel(self, graph: int, labels: Integers | None = None) -> Any:
        """Return one as a GraKeL graph: see :func:`hepcol.graphs.conversion.to_grakel`."""
        return conversion.to_grakel(self, graph, labels)

    def adjacency(self, graph: int) -> Iterator[tuple[int, int]]:
        """Pairs of source and target of one graph."""
        sources, targets = self.edge_index[:, self.edge_ptr[graph] : self.edge_ptr[graph + 1]].tolist()
        return zip(sources, targets, strict=True)


def _listed(columns: Mapping[str, Array], offsets: Integers) -> ak.Array:
    """Put records into lists."""
    records = ak.zip({name: ak.Array(ak.contents.NumpyArray(np.ascontiguousarray(c))) for name, c in columns.items()})
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), records.layout))
