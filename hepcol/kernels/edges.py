"""Edges of graphs whose nodes have positions in pseudorapidity and azimuth, and the features of those edges.

The nodes of graph ``g`` are ``ptr[g]`` up to ``ptr[g + 1]`` of the columns, which are in single precision as they are
stored; arithmetic is in double. Who is joined to whom is a bit in the words of a node, 64 nodes to a word: for jets of
up to 64 constituents, one word.

LLVM vectorises the loops that have nothing but arithmetic, so that what has to be taken one by one, such as the nodes
in a word, is in loops of its own.
"""

import math
from typing import Any

import numpy as np

from hepcol.kernels import bits
from hepcol.kernels._jit import Floats, Integers, Unsigned, inlined, kernel
from hepcol.kernels.elementary import sincospi
from hepcol.kernels.geometry import angle
from hepcol.kernels.hyperbolic import cosh, exp, log

NONE, RADIUS, NEAREST, FULL = range(4)
WORD_BITS = bits.WORD_BITS
# Of the logarithms' arguments, as in the reference implementation of the Particle Transformer, arXiv:2202.03772
SMALLEST = 1e-8
_FARTHEST = np.int64(0x7FF0000000000000)  # bits of infinity


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
    row_eta, row_phi, square = np.empty(most), np.empty(most), np.empty(most, dtype=np.int64)
    edge_ptr = np.zeros(n_graphs + 1, dtype=np.int64)
    for graph in range(n_graphs):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        for i in range(n):
            row_eta[i], row_phi[i] = eta[start + i], phi[start + i]
        if rule == RADIUS:
            _join_within(row_eta, row_phi, radius * radius, start, n, words)
        elif rule == NEAREST and k < n - 1:
            for i in range(n):
                _square_distances(row_eta, row_phi, i, n, square)
                _join_nearest(square, start + i, n, k, words)
            if undirected:
                _join_back(start, n, words)
        elif rule != NONE:
            for i in range(n):
                for j in range(n):
                    bits.add(words, start + i, j)
        count = 0
        for i in range(n):
            if self_loops:
                bits.add(words, start + i, i)
            else:
                words[start + i, bits.word_of(i)] &= ~bits.bit_of(i)
            for word in words[start + i]:
                count += bits.size(word)
        edge_ptr[graph + 1] = edge_ptr[graph] + count
    return edge_ptr


@inlined
def _join_within(eta: Floats, phi: Floats, limit: float, start: int, n: int, words: Unsigned) -> None:
    """Join nodes, each to itself, too, whose squared distance is below a limit."""
    for i in range(n):
        for first in range(0, n, WORD_BITS):
            word = bits.NOTHING
            for j in range(first, min(first + WORD_BITS, n)):
                near = squared_distance(eta[i], phi[i], eta[j], phi[j]) < limit
                word |= bits.bit_of(j) if near else bits.NOTHING
            words[start + i, bits.word_of(first)] = word


@inlined
def _square_distances(eta: Floats, phi: Floats, i: int, n: int, square: Integers) -> None:
    """Fill in the bits of the squared distances from a node, which as integers have the same order; it is farthest."""
    for j in range(n):
        square[j] = np.float64(squared_distance(eta[i], phi[i], eta[j], phi[j])).view(np.int64)
    square[i] = _FARTHEST


@inlined
def _join_nearest(square: Integers, node: int, n: int, k: int, words: Unsigned) -> None:
    """Join a node to the ``k`` nearest others, of which there are more."""
    # from one distance to the next larger one: integers, whose minimum LLVM vectorises
    farthest = np.int64(-1)
    while True:
        count, following = 0, _FARTHEST
        for j in range(n):
            is_beyond = square[j] > farthest
            following = min(following, square[j] if is_beyond else _FARTHEST)
            count += 0 if is_beyond else 1
        if count >= k:
            break
        farthest = following
    for first in range(0, n, WORD_BITS):
        word = bits.NOTHING
        for j in range(first, min(first + WORD_BITS, n)):
            word |= bits.bit_of(j) if square[j] <= farthest else bits.NOTHING
        words[node, bits.word_of(first)] = word
    j = n - 1
    while count > k:  # of equally near ones the last go
        if square[j] == farthest:
            words[node, bits.word_of(j)] &= ~bits.bit_of(j)
            count -= 1
        j -= 1


@inlined
def _join_back(start: int, n: int, words: Unsigned) -> None:
    """Join to each node those that it is joined to."""
    for i in range(n):
        for w in range(words.shape[1]):
            word = words[start + i, w]
            while word != bits.NOTHING:
                bits.add(words, start + w * WORD_BITS + bits.first(word), i)
                word = bits.without_first(word)


DR, LN_KT, LN_Z, LN_M2 = range(4)


@kernel
def describe(
    pt: Floats,
    eta: Floats,
    phi: Floats,
    mass: Floats,
    ptr: Integers,
    words: Unsigned,
    edge_ptr: Integers,
    is_symmetric: bool,
    features: Integers,
    edges: Integers,
    out: Floats,
) -> None:
    """List the edges in ``edges[2, e]`` (int32), and their features of the numbers ``features`` in ``out[e, f]``.

    Source and target of an edge are numbered within the graph. A node is the target of the edges from those that it is
    joined to: ordered by target, then source. With ``is_symmetric``, where all are joined back, a pair is computed once.

    ``DR``, and with the momenta in GeV ``LN_KT`` = ln(min(pt) DR), ``LN_Z`` = ln(min(pt) / (pt1 + pt2)) and ``LN_M2`` =
    ln of the squared mass of the pair, of arguments of at least ``SMALLEST``.
    """
    n_graphs = len(ptr) - 1
    most = most_edges = 0
    for graph in range(n_graphs):
        most = max(most, ptr[graph + 1] - ptr[graph])
        most_edges = max(most_edges, edge_ptr[graph + 1] - edge_ptr[graph])
    row_eta, row_phi, row_square = np.empty(most), np.empty(most), np.empty(most)
    next_edge = np.empty(most, dtype=np.int64)
    # of each pair: its nodes, its edges in both directions, its squared distance, and a feature
    node, edge = np.empty((2, most_edges), dtype=np.int64), np.empty((2, most_edges), dtype=np.int64)
    square, value = np.empty(most_edges), np.empty(most_edges)
    for graph in range(n_graphs):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        place = edge_ptr[graph]
        for i in range(n):
            row_eta[i], row_phi[i] = eta[start + i], phi[start + i]
            next_edge[i] = place
            for word in words[start + i]:
                place += bits.size(word)
        n_pairs = 0
        for i in range(n):
            begin = i if is_symmetric else 0
            for j in range(begin, n):
                row_square[j] = squared_distance(row_eta[i], row_phi[i], row_eta[j], row_phi[j])
            for w in range(bits.word_of(begin), words.shape[1]):
                word = words[start + i, w]
                if w == bits.word_of(begin):
                    word &= ~(bits.bit_of(begin) - bits.ONE)
                while word != bits.NOTHING:
                    j = w * WORD_BITS + bits.first(word)
                    word = bits.without_first(word)
                    there = back = next_edge[i]
                    next_edge[i] += 1
                    edges[0, there], edges[1, there] = j, i
                    if is_symmetric and j > i:
                        back = next_edge[j]
                        next_edge[j] += 1
                        edges[0, back], edges[1, back] = i, j
                    node[0, n_pairs], node[1, n_pairs] = start + j, start + i
                    edge[0, n_pairs], edge[1, n_pairs] = there, back
                    square[n_pairs] = row_square[j]
                    n_pairs += 1
        for feature in range(len(features)):
            _compute(features[feature], pt, eta, phi, mass, node, square, n_pairs, value)
            for pair in range(n_pairs):
                out[edge[0, pair], feature] = out[edge[1, pair], feature] = value[pair]


@inlined
def _compute(
    kind: int,
    pt: Floats,
    eta: Floats,
    phi: Floats,
    mass: Floats,
    node: Integers,
    square: Floats,
    n_pairs: int,
    value: Floats,
) -> None:
    """Fill ``value`` with a feature of pairs of nodes."""
    if kind in (DR, LN_KT):
        for pair in range(n_pairs):
            value[pair] = math.sqrt(square[pair])
    if kind == LN_KT:
        for pair in range(n_pairs):
            pt_1, pt_2 = np.float64(pt[node[0, pair]]), np.float64(pt[node[1, pair]])
            value[pair] *= min(pt_1, pt_2)
    elif kind == LN_Z:
        for pair in range(n_pairs):
            pt_1, pt_2 = np.float64(pt[node[0, pair]]), np.float64(pt[node[1, pair]])
            total = pt_1 + pt_2
            value[pair] = min(pt_1, pt_2) / total if total > 0.0 else 0.0
    elif kind == LN_M2:
        for pair in range(n_pairs):
            i, j = node[0, pair], node[1, pair]
            value[pair] = _squared_mass(
                np.float64(pt[i]),
                np.float64(eta[i]),
                np.float64(phi[i]),
                np.float64(mass[i]),
                np.float64(pt[j]),
                np.float64(eta[j]),
                np.float64(phi[j]),
                np.float64(mass[j]),
            )
    if kind != DR:
        for pair in range(n_pairs):
            value[pair] = log(max(value[pair], SMALLEST))


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
