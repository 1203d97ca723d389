"""The neighbours of the nodes of graphs, as rows of a list of edges and as bits of words.

The nodes of graph ``g`` are ``ptr[g]`` up to ``ptr[g + 1]``, its edges ``edge_ptr[g]`` up to ``edge_ptr[g + 1]`` of
``sources`` and ``targets``, numbered within the graph and ordered by target, then source.
"""

from typing import Any

import numpy as np

from hepcol.kernels._jit import Integers, Unsigned, inlined, kernel

_ONE = np.uint64(1)


@kernel
def find_rows(sources: Integers, targets: Integers, ptr: Integers, edge_ptr: Integers, rows: Integers) -> int:
    """Fill ``rows[n + 1]``: offsets of the nodes, of all graphs, into the sources of the edges that lead to them.

    Returns
    -------
    int
        An edge without its way back, or out of order; -1 where there is none.
    """
    most = 0
    for graph in range(len(ptr) - 1):
        most = max(most, ptr[graph + 1] - ptr[graph])
    back = np.empty(most, dtype=np.int64)
    rows[0] = 0
    for graph in range(len(ptr) - 1):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        first, stop = edge_ptr[graph], edge_ptr[graph + 1]
        for i in range(start, start + n):
            rows[i + 1] = first
        previous = -1
        for edge in range(first, stop):
            source = sources[edge]
            place = targets[edge] * n + source
            if source < 0 or source >= n or place <= previous or place >= n * n:
                return edge
            previous = place
            rows[start + targets[edge] + 1] = edge + 1
        for i in range(n):
            rows[start + i + 1] = max(rows[start + i + 1], rows[start + i])
            back[i] = rows[start + i]
        # in the order of targets, the ways back from a node are met in the order of its own row
        for edge in range(first, stop):
            source = sources[edge]
            way = back[source]
            if way == rows[start + source + 1] or sources[way] != targets[edge]:
                return edge
            back[source] = way + 1
    return -1


@inlined
def fill_words(sources: Integers, rows: Integers, start: int, n: int, words: Unsigned) -> int:
    """Fill ``words[n, w]`` of one graph with who is joined to whom, but for self loops; return the words in use."""
    used = (n + 63) >> 6
    for i in range(n):
        for w in range(used):
            words[i, w] = np.uint64(0)
        for edge in range(rows[start + i], rows[start + i + 1]):
            source = sources[edge]
            if source != i:
                words[i, source >> 6] |= _ONE << np.uint64(source & 63)
    return used


@inlined
def count_bits(word: np.uint64) -> np.int64:
    """Count the bits that are set; LLVM makes one instruction of it, where the CPU has it."""
    word = word - ((word >> _ONE) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def find_stray(sources: Integers, targets: Integers, ptr: Integers, edge_ptr: Integers) -> Any:
    """Return the first edge from or to what is no node of its graph; -1 where there is none."""
    for graph in range(len(ptr) - 1):
        n = np.uint32(ptr[graph + 1] - ptr[graph])
        first, stop = np.uint64(edge_ptr[graph]), np.uint64(edge_ptr[graph + 1])
        largest = np.uint32(0)  # as numbers without a sign, of which those below 0 are the largest
        for edge in range(first, stop):  # LLVM vectorises this loop
            largest = max(largest, np.uint32(sources[edge]), np.uint32(targets[edge]))
        if first < stop and largest >= n:
            for place in range(edge_ptr[graph], edge_ptr[graph + 1]):
                if max(np.uint32(sources[place]), np.uint32(targets[place])) >= n:
                    return place
    return -1
