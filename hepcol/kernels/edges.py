"""Edges of graphs whose nodes have positions in pseudorapidity and azimuth, and the features of those edges.

The nodes of graph ``g`` are ``ptr[g]`` up to ``ptr[g + 1]`` of the columns, which are in single precision as they are
stored; arithmetic is in double. Who is joined to whom is a bit in the words of a node, 64 nodes to a word: for jets of
up to 64 constituents, one word.
"""

import math
from typing import Any

import numpy as np

from hepcol.kernels._jit import Floats, Integers, Unsigned, inlined, kernel
from hepcol.kernels.elementary import sincospi
from hepcol.kernels.geometry import angle
from hepcol.kernels.hyperbolic import cosh, exp, log

NONE, RADIUS, NEAREST, FULL = range(4)
WORD_BITS = 64
ONE = np.uint64(1)
# Of the logarithms' arguments, as in the reference implementation of the Particle Transformer, arXiv:2202.03772
SMALLEST = 1e-8


@inlined
def joins(words: Unsigned, node: int, other: int) -> Any:
    """Whether a node, by its position among all, is joined to the one with number ``other`` of its graph."""
    return (words[node, other >> 6] >> np.uint64(other & 63)) & ONE != np.uint64(0)


@inlined
def _join(words: Unsigned, node: int, other: int) -> None:
    words[node, other >> 6] |= ONE << np.uint64(other & 63)


@inlined
def squared_distance(eta_1: float, phi_1: float, eta_2: float, phi_2: float) -> float:
    """Square of the distance of two positions, azimuths within 2 pi of each other."""
    d_eta = eta_1 - eta_2
    d_phi = abs(phi_1 - phi_2)
    d_phi = min(d_phi, abs(2.0 * math.pi - d_phi))
    return d_eta * d_eta + d_phi * d_phi


@kernel
def join(  # noqa: PLR0912  (one loop over graphs, which the rules share)
    eta: Floats,
    phi: Floats,
    ptr: Integers,
    rule: int,
    radius: float,
    k: int,
    self_loops: bool,
    undirected: bool,
    words: Unsigned,
) -> Integers:
    """Fill ``words[n, w]``, which are 0, with who is joined to whom; return the offsets of the graphs into the edges.

    ``RADIUS`` joins nodes nearer than ``radius``; ``NEAREST`` each node to its ``k`` nearest others, the first in the
    record of equally near ones, and with ``undirected`` these to it; ``FULL`` all.
    """
    n_graphs = len(ptr) - 1
    most = 0
    for graph in range(n_graphs):
        most = max(most, ptr[graph + 1] - ptr[graph])
    row_eta, row_phi, square = np.empty(most), np.empty(most), np.empty(most)
    nearest = np.empty(max(k, 1), dtype=np.int64)
    edge_ptr = np.zeros(n_graphs + 1, dtype=np.int64)
    for graph in range(n_graphs):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        for i in range(n):
            row_eta[i], row_phi[i] = eta[start + i], phi[start + i]
        if rule == RADIUS:
            for i in range(n):
                for j in range(i + 1, n):  # LLVM vectorises this loop, and not the next
                    square[j] = squared_distance(row_eta[i], row_phi[i], row_eta[j], row_phi[j])
                for j in range(i + 1, n):
                    if square[j] < radius * radius:
                        _join(words, start + i, j)
                        _join(words, start + j, i)
        elif rule == NEAREST:
            for i in range(n):
                for j in range(n):
                    square[j] = squared_distance(row_eta[i], row_phi[i], row_eta[j], row_phi[j])
                found = 0
                for j in range(n):
                    if j == i or (found == k and not square[j] < square[nearest[k - 1]]):
                        continue
                    place = found if found < k else k - 1
                    while place > 0 and square[j] < square[nearest[place - 1]]:
                        nearest[place] = nearest[place - 1]
                        place -= 1
                    nearest[place] = j
                    found = min(found + 1, k)
                for rank in range(found):
                    _join(words, start + i, nearest[rank])
                    if undirected:
                        _join(words, start + nearest[rank], i)
        elif rule == FULL:
            for i in range(n):
                for j in range(n):
                    if j != i:
                        _join(words, start + i, j)
        count = 0
        for i in range(n):
            if self_loops:
                _join(words, start + i, i)
            for j in range(n):
                count += joins(words, start + i, j)
        edge_ptr[graph + 1] = edge_ptr[graph] + count
    return edge_ptr


@kernel
def list_edges(words: Unsigned, ptr: Integers, edge_ptr: Integers, edges: Integers) -> None:
    """Fill ``edges[2, e]`` (int32) with source and target of every edge, numbered within the graph.

    A node is the target of the edges from those that it is joined to: ordered by target, then source.
    """
    for graph in range(len(ptr) - 1):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        edge = edge_ptr[graph]
        for i in range(n):
            for j in range(n):
                if joins(words, start + i, j):
                    edges[0, edge] = j
                    edges[1, edge] = i
                    edge += 1


DR, LN_KT, LN_Z, LN_M2 = range(4)


@kernel
def describe(
    pt: Floats,
    eta: Floats,
    phi: Floats,
    mass: Floats,
    ptr: Integers,
    edges: Integers,
    edge_ptr: Integers,
    features: Integers,
    out: Floats,
) -> None:
    """Fill ``out[e, f]`` (float32) with features of the edges, of the numbers ``features``.

    ``DR``, and with the momenta in GeV ``LN_KT`` = ln(min(pt) DR), ``LN_Z`` = ln(min(pt) / (pt1 + pt2)) and ``LN_M2`` =
    ln of the squared mass of the pair, of arguments of at least ``SMALLEST``.
    """
    most = 0
    for graph in range(len(ptr) - 1):
        most = max(most, edge_ptr[graph + 1] - edge_ptr[graph])
    argument = np.empty(most)
    for graph in range(len(ptr) - 1):
        start, first, n = ptr[graph], edge_ptr[graph], edge_ptr[graph + 1] - edge_ptr[graph]
        for feature in range(len(features)):
            kind = features[feature]
            for e in range(n):
                i, j = start + edges[0, first + e], start + edges[1, first + e]
                argument[e] = _feature(kind, pt, eta, phi, mass, i, j)
            if kind == DR:
                for e in range(n):
                    out[first + e, feature] = argument[e]
            else:
                for e in range(n):
                    out[first + e, feature] = log(max(argument[e], SMALLEST))


@inlined
def _feature(kind: int, pt: Floats, eta: Floats, phi: Floats, mass: Floats, i: int, j: int) -> float:
    """Return a feature of an edge, of those that are a logarithm its argument."""
    pt_1, pt_2 = np.float64(pt[i]), np.float64(pt[j])
    d_r = math.sqrt(squared_distance(np.float64(eta[i]), np.float64(phi[i]), np.float64(eta[j]), np.float64(phi[j])))
    if kind == DR:
        return d_r
    if kind == LN_KT:
        return min(pt_1, pt_2) * d_r
    if kind == LN_Z:
        total = pt_1 + pt_2
        return min(pt_1, pt_2) / total if total > 0.0 else 0.0
    return _squared_mass(
        pt_1,
        np.float64(eta[i]),
        np.float64(phi[i]),
        np.float64(mass[i]),
        pt_2,
        np.float64(eta[j]),
        np.float64(phi[j]),
        np.float64(mass[j]),
    )


@inlined
def _squared_mass(
    pt_1: float, eta_1: float, phi_1: float, m_1: float, pt_2: float, eta_2: float, phi_2: float, m_2: float
) -> float:
    """Squared mass of a pair, without differences that cancel."""
    grown = exp(0.5 * (eta_1 - eta_2))
    half_eta = 0.5 * (grown - 1.0 / grown)
    half_phi, _ = sincospi(0.5 * angle(phi_1, phi_2) / math.pi)
    square = 4.0 * pt_1 * pt_2 * (half_eta * half_eta + half_phi * half_phi)
    if m_1 == 0.0 and m_2 == 0.0:
        return square
    p_1, p_2 = pt_1 * cosh(eta_1), pt_2 * cosh(eta_2)
    e_1, e_2 = math.sqrt(p_1 * p_1 + m_1 * m_1), math.sqrt(p_2 * p_2 + m_2 * m_2)
    # E1 E2 - p1 p2 of what has masses
    excess = (m_1 * m_1 * e_2 * e_2 + m_2 * m_2 * p_1 * p_1) / (e_1 * e_2 + p_1 * p_2)
    return square + m_1 * m_1 + m_2 * m_2 + 2.0 * excess
