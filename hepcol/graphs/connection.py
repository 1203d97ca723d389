"""Edges between nodes that have positions."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.graphs.recipe import EdgeFeature, Edges, Recipe
from hepcol.kernels import edges as kernels

Array = npt.NDArray[Any]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_RULES = {
    Edges.NONE: kernels.NONE,
    Edges.RADIUS: kernels.RADIUS,
    Edges.NEAREST: kernels.NEAREST,
    Edges.FULL: kernels.FULL,
}
_FEATURES = {
    EdgeFeature.DR: kernels.DR,
    EdgeFeature.LN_KT: kernels.LN_KT,
    EdgeFeature.LN_Z: kernels.LN_Z,
    EdgeFeature.LN_M2: kernels.LN_M2,
}


def connect(nodes: Singles, ptr: Integers, recipe: Recipe) -> tuple[npt.NDArray[np.int32], Integers, Singles]:
    """Join the nodes of graphs.

    Parameters
    ----------
    nodes : float32[4, n]
        pt, eta, phi and mass.
    ptr : int64[graphs + 1]
        Offsets of the graphs.
    recipe : Recipe
        How.

    Returns
    -------
    edge_index, edge_ptr, edge_attr
        As :class:`hepcol.graphs.JetGraphs` has them.
    """
    pt, eta, phi, mass = nodes
    most = int(np.diff(ptr).max(initial=0))
    words = np.zeros((nodes.shape[1], max(1, -(-most // kernels.WORD_BITS))), dtype=np.uint64)
    edge_ptr = kernels.join(
        *(eta, phi, ptr, _RULES[recipe.edges], recipe.r, recipe.k, recipe.self_loops, recipe.undirected, words)
    )
    is_symmetric = recipe.undirected or recipe.edges is not Edges.NEAREST
    features = np.array([_FEATURES[name] for name in recipe.edge_features], dtype=np.int64)
    edge_index = np.empty((2, edge_ptr[-1]), dtype=np.int32)
    edge_attr = np.empty((edge_ptr[-1], len(features)), dtype=np.float32)
    kernels.describe(*(pt, eta, phi, mass, ptr, words, edge_ptr, is_symmetric, features, edge_index, edge_attr))
    return edge_index, edge_ptr, edge_attr
