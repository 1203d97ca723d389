"""Graphlets of three nodes: how many triples of each graph's nodes are joined by 0, 1, 2 and 3 edges."""

import numpy as np

from hepcol.kernels._jit import Integers, inlined, kernel
from hepcol.kernels.neighbours import count_bits, fill_words


@inlined
def _choose_2(n: int) -> int:
    return n * (n - 1) // 2


@kernel
def count(ptr: Integers, rows: Integers, sources: Integers) -> Integers:
    """Count the triples of nodes of each graph by the edges among them, ``[graphs, 4]``.

    Of triangles from the common neighbours of each edge; the others follow: pairs of edges at a node are those of
    triples with two edges and three times the triangles, and each edge is in n - 2 triples.
    """
    n_graphs = len(ptr) - 1
    most = 0
    for graph in range(n_graphs):
        most = max(most, ptr[graph + 1] - ptr[graph])
    words = np.empty((most, (most + 63) >> 6), dtype=np.uint64)
    counts = np.zeros((n_graphs, 4), dtype=np.int64)
    for graph in range(n_graphs):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        used = fill_words(sources, rows, start, n, words)
        edges = angles = triangles = 0
        for i in range(n):
            degree = 0
            for edge in range(rows[start + i], rows[start + i + 1]):
                j = sources[edge]
                degree += j != i
                if j < i:
                    for w in range(used):
                        triangles += count_bits(words[i, w] & words[j, w])
            edges += degree
            angles += _choose_2(degree)
        edges //= 2
        triangles //= 3
        two = angles - 3 * triangles
        one = edges * (n - 2) - 2 * two - 3 * triangles if n > 2 else 0  # noqa: PLR2004  (three nodes)
        counts[graph, 1], counts[graph, 2], counts[graph, 3] = one, two, triangles
        counts[graph, 0] = n * (n - 1) * (n - 2) // 6 - one - two - triangles
    return counts
