"""Edges between nodes that have positions."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.graphs.nodes import BLOCK
from hepcol.graphs.recipe import EdgeFeature, Edges, Recipe, Transform
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
# Of the logarithms' arguments, as in the reference implementation of the Particle Transformer, arXiv:2202.03772
_SMALLEST = 1e-8
_SMALLEST_SCALED = 1e-16  # where momenta are scaled by some 1e-3, and squared masses by the square of that


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
    blocks = [slice(first, min(first + BLOCK, len(ptr) - 1)) for first in range(0, len(ptr) - 1, BLOCK)]
    edge_ptr = np.zeros(len(ptr), dtype=np.int64)
    words = []
    for block in blocks:  # what is joined is kept in words, so that edges are counted before there is room for them
        (_, eta, phi, _), own_ptr = _part(nodes, ptr, block)
        most = int(np.diff(own_ptr).max(initial=0))
        own_words = np.zeros((own_ptr[-1], max(1, -(-most // kernels.WORD_BITS))), dtype=np.uint64)
        own_edge_ptr = kernels.join(
            *(eta, phi, own_ptr, _RULES[recipe.edges], recipe.r, recipe.k),
            *(recipe.self_loops, recipe.undirected, own_words),
        )
        edge_ptr[block.start + 1 : block.stop + 1] = edge_ptr[block.start] + own_edge_ptr[1:]
        words.append(own_words)
    features = np.array([_FEATURES[name] for name in recipe.edge_features], dtype=np.int64)
    edge_index = np.empty((2, edge_ptr[-1]), dtype=np.int32)
    edge_attr = np.empty((edge_ptr[-1], len(features)), dtype=np.float32)
    smallest = _SMALLEST_SCALED if recipe.transform is Transform.REFERENCE_BOOST else _SMALLEST
    for block, own_words in zip(blocks, words, strict=True):
        own_nodes, own_ptr = _part(nodes, ptr, block)
        own_edge_ptr = edge_ptr[block.start : block.stop + 1]
        kernels.describe(
            *(*own_nodes, own_ptr, own_words, own_edge_ptr, not recipe.is_directed),
            *(features, smallest, edge_index, edge_attr),
        )
    return edge_index, edge_ptr, edge_attr


def _part(nodes: Singles, ptr: Integers, block: slice) -> tuple[Singles, Integers]:
    """Return the nodes of some graphs, and the offsets of these into them."""
    return nodes[:, ptr[block.start] : ptr[block.stop]], ptr[block.start : block.stop + 1] - ptr[block.start]
