"""Labels of nodes, which graph kernels begin with."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.recipe import NodeFeature
from hepcol.kernels.logarithms import log_all

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]
Labels = str | Array | Callable[[JetGraphs], Array]

DEGREE, NONE = "degree", "none"
GIVEN = "given"  # of a labelling of which nothing is known
FRACTION_EDGES = tuple(2.0**-power for power in range(10, 1, -1))  # 1/1024 to 1/4: ten bins of equal width in ln


def labels(graphs: JetGraphs, by: str = NodeFeature.FRACTION, bins: Sequence[float] | Array | None = None) -> Integers:
    """Label the nodes, by what does not depend on the other graphs: so that partitions agree.

    Parameters
    ----------
    graphs : JetGraphs
        Graphs.
    by : str
        ``ptfrac``: the part of the jet's pt that a node has, of ``ptfrac`` or ``lnptfrac`` of the recipe, which are of
        the sum over all constituents; without these, of ``pt`` over the sum of it over the nodes, which differs where
        ``nmax`` left constituents out or a transform changed pt; a logarithm cannot tell a fraction from an edge that
        is less than 3e-7 of it away. ``degree``: the number of neighbours. ``none``: all
        alike. Or any feature of the nodes.
    bins : sequence of float, optional
        Edges between the bins; a label is the number of edges that are not above the value. By default, of ``ptfrac``
        1/1024, 1/512, ..., 1/4; of others, the value itself, which must be whole.

    Returns
    -------
    int64[n]
        The labels.

    Raises
    ------
    InputError
        If there is no such feature, it is not finite, or bins are missing or not increasing.
    """
    if by == NONE:
        if bins is not None:
            raise InputError("labels by none: nothing to bin")
        return np.zeros(graphs.nodes, dtype=np.int64)
    values = graphs.degrees if by == DEGREE else _values(graphs, by)
    if not np.isfinite(values).all():
        where = int(np.argmin(np.isfinite(values)))
        raise InputError(f"labels by {by}: that of node {where} is {values[where]}, expected a finite number")
    if bins is None and by == NodeFeature.FRACTION:
        bins = FRACTION_EDGES
    if bins is None:
        if (values != np.rint(values)).any():
            raise InputError(f"labels by {by}: it is not whole numbers, so bins are needed, as edges between them")
        return values.astype(np.int64)
    edges = np.array(bins, dtype=np.float64)
    if edges.ndim != 1 or not (np.diff(edges) > 0).all() or not np.isfinite(edges).all():
        raise InputError(f"labels by {by}: bins must be increasing edges, got {bins}")
    if by == NodeFeature.FRACTION and _is_logarithm(graphs):
        edges = _logarithms(edges)
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _is_logarithm(graphs: JetGraphs) -> bool:
    """Whether of the fraction of pt the logarithm is all that is known."""
    there = graphs.recipe.node_features
    return NodeFeature.FRACTION not in there and NodeFeature.LN_FRACTION in there


def _logarithms(edges: Array) -> Array:
    """Logarithms of edges, rounded as those of the nodes are, so that what is on an edge is so still.

    That of the nodes is undone nowhere: numpy's exponential has other bits on other CPUs.
    """
    above = edges > 0
    return np.concatenate([np.full(np.count_nonzero(~above), -np.inf), log_all(edges[above]).astype(np.float32)])


def _values(graphs: JetGraphs, by: str) -> Array:
    """Return a feature of the nodes; of the fraction of pt, what there is, be it the logarithm."""
    there = graphs.recipe.node_features
    if by in there or by != NodeFeature.FRACTION:
        return graphs.feature(by)
    if _is_logarithm(graphs):
        return graphs.feature(NodeFeature.LN_FRACTION)
    if NodeFeature.PT not in there:
        raise InputError(
            f"labels by ptfrac need ptfrac, lnptfrac or pt among the node features, which are {', '.join(there)}; "
            f"labels by {DEGREE} or {NONE} need none"
        )
    pt = graphs.feature(NodeFeature.PT).astype(np.float64)
    graph = np.repeat(np.arange(len(graphs)), np.diff(graphs.ptr))
    total = np.bincount(graph, pt, minlength=len(graphs))[graph]  # one after another, in the order of the nodes
    # in single precision, as ptfrac is
    return np.divide(pt, total, out=np.zeros_like(pt), where=total > 0.0).astype(np.float32)


def labelling(wanted: Labels | None) -> str:
    """Return a text of how nodes are labelled, by which features know each other: feature and edges of the bins.

    Of arrays and functions nobody knows how: ``given``. Of ``functools.partial`` of :func:`labels` it is known.
    """
    by, bins = NodeFeature.FRACTION if wanted is None else wanted, None
    if isinstance(wanted, partial) and wanted.func is labels and not wanted.args:
        by, bins = wanted.keywords.get("by", NodeFeature.FRACTION), wanted.keywords.get("bins")
    if not isinstance(by, str):
        return GIVEN
    if bins is None and by == NodeFeature.FRACTION:
        bins = FRACTION_EDGES
    return str(by) if bins is None else f"{by} in bins {', '.join(repr(float(edge)) for edge in bins)}"


def labelled(graphs: JetGraphs, wanted: Labels | None) -> Integers:
    """Return labels that are given by name, by a function, or as they are.

    Raises
    ------
    InputError
        If they are not whole numbers, one for each node.
    """
    if wanted is None:
        return labels(graphs)
    if isinstance(wanted, str):
        return labels(graphs, wanted)
    found = np.asarray(wanted(graphs) if callable(wanted) else wanted)
    if found.shape != (graphs.nodes,) or not np.issubdtype(found.dtype, np.integer):
        raise InputError(
            f"labels are {found.dtype} of the shape {found.shape}, expected whole numbers of the shape "
            f"({graphs.nodes},), one for each node"
        )
    return np.ascontiguousarray(found, dtype=np.int64)
