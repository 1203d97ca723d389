"""Classes of graphs that look the same."""

from typing import Any

import numpy as np

from hepcol.graphs.counts import DEFAULT_LEVELS, Hashes, check_levels, refined
from hepcol.graphs.isomorphism import split_exactly
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.labelling import Labels, labelled
from hepcol.graphs.partitions import called, is_partitioned
from hepcol.kernels import refinement


def classes(graphs: Any, h: int = DEFAULT_LEVELS, labels: Labels | None = None, exact: bool = False) -> Any:
    """Classes of graphs that Weisfeiler-Lehman refinement cannot tell apart.

    Isomorphic graphs have the same class; of others this is a test that some pass, such as a ring of six nodes and two
    of three.

    Parameters
    ----------
    graphs : JetGraphs, or a sequence of them or of dask's delayed ones
        Graphs, whose edges lead both ways.
    h : int
        Levels.
    labels : str, function of graphs, or int[n], optional
        As for :func:`hepcol.graphs.features`.
    exact : bool
        Whether to split classes into those of isomorphic graphs: by closed walks, and where these agree, too, by
        networkx's VF2. The time of VF2 has no bound but an exponential one, which graphs whose nodes all look alike
        come near, such as strongly regular ones.

    Returns
    -------
    uint64[graphs]
        Hashes, which depend on the graph alone, and with ``exact`` on the order of the graphs of its class, too: the
        first kind keeps the hash. Delayed if a partition is.

    Raises
    ------
    InputError
        If an option is wrong, an edge has no way back, or with ``exact`` networkx is missing.
    """
    h = check_levels(h)
    if is_partitioned(graphs):
        if exact:
            return called(_of_parts, graphs, h=h, labels=labels)
        return called(np.concatenate, [called(classes, part, h, labels) for part in graphs])
    found = labelled(graphs, labels)
    colours = refined(graphs, found, h)
    hashes: Hashes = refinement.classify(colours, graphs.ptr)
    return split_exactly(graphs, hashes, found) if exact else hashes


def _of_parts(parts: list[JetGraphs], h: int, labels: Labels | None) -> Hashes:
    found: Hashes = classes(JetGraphs.concatenate(parts), h, labels, exact=True)
    return found
