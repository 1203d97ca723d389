"""Exact isomorphism of graphs that have the same hash."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.graphs.counts import Hashes
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.kernels import refinement

Integers = npt.NDArray[np.int64]


def split_exactly(graphs: JetGraphs, hashes: Hashes, colours: Hashes, labels: Integers) -> Hashes:
    """Split classes of graphs into those of isomorphic ones.

    Parameters
    ----------
    graphs : JetGraphs
        Graphs.
    hashes : uint64[graphs]
        Their classes.
    colours : uint64[n]
        Colours of the nodes, by which most pairs are told to be isomorphic without a search.
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
    order = np.argsort(hashes, kind="stable")
    bounds = np.flatnonzero(np.diff(hashes[order])) + 1
    for members in np.split(order, bounds):
        kinds: list[_Coloured] = []
        for member in members if len(members) > 1 else ():
            one = _Coloured(graphs, int(member), colours, labels)
            for number, kind in enumerate(kinds):
                if one.is_isomorphic(kind):
                    split[member] = refinement.numbered(hashes[member], number)
                    break
            else:
                split[member] = refinement.numbered(hashes[member], len(kinds))
                kinds.append(one)
    return split


class _Coloured:
    """A graph with the colours and labels of its nodes."""

    def __init__(self, graphs: JetGraphs, graph: int, colours: Hashes, labels: Integers) -> None:
        nodes = slice(graphs.ptr[graph], graphs.ptr[graph + 1])
        self._seen = list(zip(labels[nodes].tolist(), colours[nodes].tolist(), strict=True))
        self._edges = set(graphs.adjacency(graph))
        order = sorted(range(len(self._seen)), key=self._seen.__getitem__)
        rank = {node: place for place, node in enumerate(order)}
        self._ordered = [self._seen[node] for node in order]
        self._ranked = {(rank[source], rank[target]) for source, target in self._edges}

    def is_isomorphic(self, other: "_Coloured") -> bool:
        """Whether a one-to-one mapping keeps labels and edges."""
        if self._ordered != other._ordered or len(self._edges) != len(other._edges):
            return False
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
