"""Exact isomorphism of graphs that have the same hash."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.graphs.counts import Hashes, refined
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.offsets import taken
from hepcol.kernels import refinement

Integers = npt.NDArray[np.int64]

_STEPS = 6  # half as many as the longest walks have: of 12, hardly two nodes of random cubic graphs agree in all
_LEVELS = 8


def split_exactly(graphs: JetGraphs, hashes: Hashes, labels: Integers) -> Hashes:
    """Split classes of graphs into those of isomorphic ones.

    Before two are searched for a mapping, they have to agree in colours that begin with the closed walks of each node:
    where all neighbourhoods look alike, as in regular graphs, a search takes time that grows exponentially.

    Parameters
    ----------
    graphs : JetGraphs
        Graphs.
    hashes : uint64[graphs]
        Their classes.
    labels : int64[n]
        Labels of the nodes, which isomorphic graphs share.

    Returns
    -------
    uint64[graphs]
        The hash for the graphs that are isomorphic to the first of their class, and others for the rest.

    Raises
    ------
    InputError
        If networkx is missing.
    """
    _check_networkx()
    split = hashes.copy()
    _, where, members = np.unique(hashes, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(members[where] > 1)
    some = graphs[shared]
    nodes, _ = taken(graphs.ptr, shared)
    colours = refined(some, _walks(some, labels[nodes]), _LEVELS)[-1]
    kinds: dict[Any, list[tuple[int, _Coloured]]] = defaultdict(list)
    found: dict[int, int] = defaultdict(int)
    for graph, name in enumerate(hashes[shared].tolist()):
        one = _Coloured(some, graph, colours, labels[nodes])
        alike = kinds[(name, one.told)]
        number = next((number for number, kind in alike if one.is_isomorphic(kind)), None)
        if number is None:
            number = found[name]
            found[name] += 1
            alike.append((number, one))
        split[shared[graph]] = refinement.numbered(np.uint64(name), number)
    return split


def _walks(graphs: JetGraphs, labels: Integers) -> Integers:
    """Label nodes by their labels and the numbers of walks of 2, 3, ... edges that lead back to them."""
    told = np.empty((graphs.nodes, 2 * _STEPS), dtype=np.int64)
    told[:, 0] = labels
    for graph, (start, stop) in enumerate(pairwise(graphs.ptr.tolist())):
        step = np.zeros((stop - start, stop - start), dtype=np.int64)
        source, target = graphs.edge_index[:, graphs.edge_ptr[graph] : graphs.edge_ptr[graph + 1]]
        step[source, target] = 1
        power = step
        for length in range(1, _STEPS):  # there and back, with as many steps or one more on the way back
            longer = power @ step  # of numbers beyond 64 bits the last 64, which isomorphic graphs share, too
            told[start:stop, 2 * length - 1] = (power * power).sum(axis=1)
            told[start:stop, 2 * length] = (power * longer).sum(axis=1)
            power = longer
        told[start:stop, -1] = (power * power).sum(axis=1)
    return np.unique(told, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


class _Coloured:
    """A graph with the colours and labels of its nodes."""

    def __init__(self, graphs: JetGraphs, graph: int, colours: Hashes, labels: Integers) -> None:
        nodes = slice(graphs.ptr[graph], graphs.ptr[graph + 1])
        self._seen = list(zip(labels[nodes].tolist(), colours[nodes].tolist(), strict=True))
        self._edges = set(graphs.adjacency(graph))
        order = sorted(range(len(self._seen)), key=self._seen.__getitem__)
        rank = {node: place for place, node in enumerate(order)}
        # what isomorphic graphs share
        self.told = (len(self._edges), tuple(self._seen[node] for node in order))
        self._ranked = {(rank[source], rank[target]) for source, target in self._edges}

    def is_isomorphic(self, other: "_Coloured") -> bool:
        """Whether a one-to-one mapping keeps labels and edges, of two of which the same is told."""
        # that nodes of the same rank can be mapped is a proof, and always found where no two are alike or all are
        if self._ranked == other._ranked:
            return True
        import networkx

        matches = networkx.algorithms.isomorphism.categorical_node_match("seen", None)
        return bool(networkx.is_isomorphic(self._to_networkx(), other._to_networkx(), node_match=matches))

    def _to_networkx(self) -> Any:
        import networkx

        graph = networkx.Graph()
        graph.add_nodes_from((node, {"seen": seen}) for node, seen in enumerate(self._seen))
        graph.add_edges_from(self._edges)
        return graph


def _check_networkx() -> None:
    try:
        import networkx  # noqa: F401
    except ImportError:
        raise InputError("exact classes need networkx, which is not installed: pip install 'hepcol[graphs]'") from None
