"""Edges of graphs whose nodes have positions in pseudorapidity and azimuth, and the features of those edges.

The nodes of graph ``g`` are ``ptr[g]`` up to ``ptr[g + 1]`` of the columns, which are in single precision as they are
stored; arithmetic is in double. Who is joined to whom is a bit in the words of a node, 64 nodes to a word: for jets of
up to 64 constituents, one word.

LLVM vectorises the loops that have nothing but arithmetic, so that what has to be taken one by one, such as the nodes
in a word, is in loops of its own. Rows of them are filled up with nodes that are infinitely far, to a multiple of what
it takes at a time: the rest, one by one, took longer than all before it.
"""

import math

import numpy as np

from hepcol.kernels import bits
from hepcol.kernels._jit import Floats, Integers, Unsigned, inlined, kernel
from hepcol.kernels.elementary import sincospi
from hepcol.kernels.geometry import angle
from hepcol.kernels.hyperbolic import cosh, exp, log

NONE, RADIUS, NEAREST, FULL = range(4)
WORD_BITS = bits.WORD_BITS
_LARGEST = 1.7976931348623157e308
_AT_A_TIME, _ROWS = 16, 4


@inlined
def squared_distance(eta_1: float, phi_1: float, eta_2: float, phi_2: float) -> float:
    """Square of the distance of two positions, azimuths within 2 pi of each other."""
    d_eta = eta_1 - eta_2
    d_phi = abs(phi_1 - phi_2)
    d_phi = min(d_phi, abs(2.0 * math.pi - d_phi))
    return d_eta * d_eta + d_phi * d_phi


@inlined
def _filled_up(n: int) -> int:
    return (n + _AT_A_TIME - 1) // _AT_A_TIME * _AT_A_TIME


@inlined
def _copy_row(eta: Floats, phi: Floats, start: int, n: int, row_eta: Floats, row_phi: Floats) -> None:
    """Copy the positions of a graph, filled up with nodes that are infinitely far."""
    for i in range(n):
        row_eta[i], row_phi[i] = eta[start + i], phi[start + i]
    for i in range(n, _filled_up(n)):
        row_eta[i], row_phi[i] = math.inf, 0.0


@kernel
def join(
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
    most = _filled_up(most)
    row_eta, row_phi, square = np.empty(most), np.empty(most), np.empty((_ROWS, most))
    nearest = np.empty((min(k, most), most))
    edge_ptr = np.zeros(n_graphs + 1, dtype=np.int64)
    for graph in range(n_graphs):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        _copy_row(eta, phi, start, n, row_eta, row_phi)
        if rule == RADIUS:
            _join_within(row_eta, row_phi, radius * radius, start, n, words)
        elif rule == NEAREST and k < n - 1:
            _join_nearest(row_eta, row_phi, start, n, k, square, nearest, words)
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
            for w in range(words.shape[1]):
                count += bits.size(words[start + i, w])
        edge_ptr[graph + 1] = edge_ptr[graph] + count
    return edge_ptr


@inlined
def _join_within(eta: Floats, phi: Floats, limit: float, start: int, n: int, words: Unsigned) -> None:
    """Join nodes, each to itself, too, whose squared distance is below a limit."""
    for i in range(n):
        for first in range(0, n, WORD_BITS):
            word = bits.NOTHING
            for j in range(np.uint64(first), np.uint64(min(first + WORD_BITS, _filled_up(n)))):
                near = squared_distance(eta[i], phi[i], eta[j], phi[j]) < limit
                word |= bits.bit_of(j) if near else bits.NOTHING
            words[start + i, bits.word_of(first)] = word


@inlined
def _join_nearest(
    eta: Floats, phi: Floats, start: int, n: int, k: int, square: Floats, nearest: Floats, words: Unsigned
) -> None:
    """Join each node to the ``k`` nearest others, of which there are more; to none infinitely far or nowhere."""
    # the smallest squared distances from each node, in order: for all nodes together, as LLVM vectorises it
    for rank in range(k):
        for i in range(_filled_up(n)):
            nearest[rank, i] = math.inf
    for first in range(0, n, _ROWS):
        for row in range(_ROWS):
            _square_distances(eta, phi, first + row, n, square[row])
        for rank in range(k):
            for i in range(_filled_up(n)):
                here = nearest[rank, i]
                for row in range(_ROWS):
                    other = square[row, i]
                    square[row, i] = max(here, other)
                    here = min(here, other)
                nearest[rank, i] = here
    for i in range(n):
        limit = min(nearest[k - 1, i], _LARGEST)  # the node itself, and what rows are filled up with, are beyond
        _square_distances(eta, phi, i, n, square[0])
        count = 0
        for first in range(0, n, WORD_BITS):
            word = bits.NOTHING
            for j in range(np.uint64(first), np.uint64(min(first + WORD_BITS, _filled_up(n)))):
                word |= bits.bit_of(j) if square[0, j] <= limit else bits.NOTHING
            words[start + i, bits.word_of(first)] = word
            count += bits.size(word)
        j = n - 1
        # Of equally near ones the last go. Fewer than k are nearer than the limit, as NaN is never smaller: j stays
        # above 0, which to ask here would take a tenth of all the time of building graphs.
        while count > k:
            if square[0, j] == limit:
                words[start + i, bits.word_of(j)] &= ~bits.bit_of(j)
                count -= 1
            j -= 1


@inlined
def _square_distances(eta: Floats, phi: Floats, i: int, n: int, square: Floats) -> None:
    """Fill in the squared distances from a node, from which it is infinitely far itself."""
    for j in range(_filled_up(n)):
        square[j] = squared_distance(eta[i], phi[i], eta[j], phi[j])
    square[i] = math.inf


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
    smallest: float,
    edges: Integers,
    out: Floats,
) -> None:
    """List the edges in ``edges[2, e]`` (int32), and their features of the numbers ``features`` in ``out[e, f]``.

    Source and target of an edge are numbered within the graph. A node is the target of the edges from those that it is
    joined to: ordered by target, then source. With ``is_symmetric``, where all are joined back, a pair is computed
    once.

    ``DR``, and with the momenta in GeV ``LN_KT`` = ln(min(pt) DR), ``LN_Z`` = ln(min(pt) / (pt1 + pt2)) and ``LN_M2`` =
    ln of the squared mass of the pair, of arguments of at least ``smallest``.

    The nodes are those that ``ptr`` and ``words`` are of, edges are written from ``edge_ptr[0]`` on: graphs may be
    described a few at a time.
    """
    n_graphs = len(ptr) - 1
    most = most_edges = 0
    for graph in range(n_graphs):
        most = max(most, ptr[graph + 1] - ptr[graph])
        most_edges = max(most_edges, edge_ptr[graph + 1] - edge_ptr[graph])
    most = _filled_up(most)
    row_eta, row_phi, row_square = np.empty(most), np.empty(most), np.empty(most)
    first_of = np.empty(most, dtype=np.int64)  # of the edges to each node
    square = np.empty(most_edges)  # of the distance, of each edge
    # of each pair: its nodes, its edges in both directions, and a feature
    node, edge = np.empty((2, most_edges), dtype=np.int64), np.empty((2, most_edges), dtype=np.int64)
    value, room = np.empty(most_edges), np.empty((6, most_edges))
    needs_pairs = False
    for kind in features:
        needs_pairs = needs_pairs or kind != DR
    for graph in range(n_graphs):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        first, n_edges = edge_ptr[graph], edge_ptr[graph + 1] - edge_ptr[graph]
        _copy_row(eta, phi, start, n, row_eta, row_phi)
        _list_edges(row_eta, row_phi, words, start, n, first, row_square, first_of, edges, square)
        n_pairs = 0
        if needs_pairs:
            n_pairs = _find_pairs(edges, first, n_edges, start, is_symmetric, first_of, node, edge)
        for feature in range(len(features)):
            kind = features[feature]
            if kind == DR:
                for e in range(n_edges):
                    value[e] = math.sqrt(square[e])
                for e in range(n_edges):  # by itself, as the columns are apart
                    out[first + e, feature] = value[e]
                continue
            for pair in range(n_pairs):
                value[pair] = square[edge[0, pair]]
            _compute(kind, smallest, pt, eta, phi, mass, node, n_pairs, value, room)
            for pair in range(n_pairs):
                out[first + edge[0, pair], feature] = out[first + edge[1, pair], feature] = value[pair]


@inlined
def _list_edges(
    eta: Floats,
    phi: Floats,
    words: Unsigned,
    start: int,
    n: int,
    first: int,
    row: Floats,
    first_of: Integers,
    edges: Integers,
    square: Floats,
) -> None:
    """List the edges of a graph, with the squares of their distances."""
    begin = np.uint64(first)  # of signed numbers numba asks whether they count from the end
    edge = begin
    for i in range(n):
        for j in range(_filled_up(n)):
            row[j] = squared_distance(eta[i], phi[i], eta[j], phi[j])
        to_node = edge
        first_of[i] = edge - begin
        for w in range(words.shape[1]):
            word = words[start + i, w]
            while word != bits.NOTHING:
                source = np.uint64(w * WORD_BITS + bits.first(word))
                edges[0, edge] = source
                square[edge - begin] = row[source]
                edge += bits.ONE
                word = bits.without_first(word)
        for e in range(to_node, edge):
            edges[1, e] = i


@inlined
def _find_pairs(
    edges: Integers,
    first: int,
    n_edges: int,
    start: int,
    is_symmetric: bool,
    next_back: Integers,
    node: Integers,
    edge: Integers,
) -> int:
    """Find the pairs that the edges of a graph join; ``next_back`` are the first edges to each node."""
    found = 0
    for e in range(n_edges):
        source, target = edges[0, first + e], edges[1, first + e]
        back = e
        if is_symmetric:
            if source < target:  # found already, from the other side
                continue
            if source > target:  # those that come back are the first to that node, in order
                back = next_back[source]
                next_back[source] += 1
        node[0, found], node[1, found] = start + source, start + target
        edge[0, found], edge[1, found] = e, back
        found += 1
    return found


@inlined
def _compute(
    kind: int,
    smallest: float,
    pt: Floats,
    eta: Floats,
    phi: Floats,
    mass: Floats,
    node: Integers,
    n_pairs: int,
    value: Floats,
    room: Floats,
) -> None:
    """Replace the squared distances of pairs of nodes by another feature; ``room[6, n_pairs]`` is for what it needs."""
    if kind == LN_KT:
        for pair in range(n_pairs):
            value[pair] = math.sqrt(value[pair])
        for pair in range(n_pairs):
            value[pair] *= np.float64(min(pt[node[0, pair]], pt[node[1, pair]]))
    elif kind == LN_Z:
        for pair in range(n_pairs):
            pt_1, pt_2 = np.float64(pt[node[0, pair]]), np.float64(pt[node[1, pair]])
            total = pt_1 + pt_2
            value[pair] = min(pt_1, pt_2) / total if total > 0.0 else 0.0
    elif kind == LN_M2:
        _square_masses(pt, eta, phi, mass, node, n_pairs, value, room)
    for pair in range(n_pairs):
        value[pair] = log(max(value[pair], smallest))


@inlined
def _square_masses(
    pt: Floats, eta: Floats, phi: Floats, mass: Floats, node: Integers, n_pairs: int, value: Floats, room: Floats
) -> None:
    """Fill ``value`` with the squared masses of pairs, without differences that cancel.

    What has no pt has no momentum, wherever it is.
    """
    d_eta, d_phi = room[0], room[1]
    for pair in range(n_pairs):
        i, j = node[0, pair], node[1, pair]
        d_eta[pair] = np.float64(eta[i]) - np.float64(eta[j])
        d_phi[pair] = np.float64(phi[i]) - np.float64(phi[j])
        value[pair] = 4.0 * np.float64(pt[i]) * np.float64(pt[j])
    for pair in range(n_pairs):
        grown = exp(0.5 * d_eta[pair])
        half_eta = 0.5 * (grown - 1.0 / grown)
        half_phi, _ = sincospi(0.5 * angle(d_phi[pair], 0.0) / math.pi)
        square = value[pair] * (half_eta * half_eta + half_phi * half_phi)
        value[pair] = square if value[pair] > 0.0 else 0.0
    for direction in range(2):
        momentum, energy, m = room[direction], room[2 + direction], room[4 + direction]
        for pair in range(n_pairs):
            i = node[direction, pair]
            momentum[pair], energy[pair], m[pair] = np.float64(pt[i]), np.float64(eta[i]), np.float64(mass[i])
        for pair in range(n_pairs):
            p = momentum[pair] * cosh(energy[pair])
            p = p if momentum[pair] > 0.0 else 0.0
            momentum[pair], energy[pair] = p, math.sqrt(p * p + m[pair] * m[pair])
    for pair in range(n_pairs):
        p_1, e_1, m_1 = room[0, pair], room[2, pair], room[4, pair]
        p_2, e_2, m_2 = room[1, pair], room[3, pair], room[5, pair]
        # E1 E2 - p1 p2 of what has masses
        both = e_1 * e_2 + p_1 * p_2
        excess = (m_1 * m_1 * e_2 * e_2 + m_2 * m_2 * p_1 * p_1) / both if both > 0.0 else 0.0
        has_mass = m_1 != 0.0 or m_2 != 0.0  # roomwise the excess may be 0 / 0
        square = value[pair]
        value[pair] = square + m_1 * m_1 + m_2 * m_2 + 2.0 * excess if has_mass else square


@kernel
def degrees(targets: Integers, ptr: Integers, edge_ptr: Integers) -> Integers:
    """Count the edges that lead to each node; ``targets`` (int32) are numbered within the graph."""
    out = np.zeros(ptr[-1], dtype=np.int64)
    for graph in range(len(ptr) - 1):
        start = ptr[graph]
        for edge in range(edge_ptr[graph], edge_ptr[graph + 1]):
            out[start + targets[edge]] += 1
    return out
