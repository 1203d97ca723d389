"""Shortest paths between the nodes of graphs, counted by their length and the labels at both ends.

Breadth first, 64 nodes at a time: what is one step farther than some nodes is the union of their neighbours' words.
"""

import numpy as np

from hepcol.kernels._jit import Integers, Unsigned, inlined, kernel
from hepcol.kernels.mixing import mix
from hepcol.kernels.neighbours import count_bits, fill_words
from hepcol.kernels.tallies import bits_for, empty, tally

_PATH = np.uint64(0x452821E638D01377)
_ONE = np.uint64(1)
_CODES = 1 << 16  # of as many kinds of paths at most in a graph, the counts are looked up by number


@inlined
def _key(label: int, other: int, length: int) -> np.uint64:
    return mix(mix(mix(np.uint64(length) ^ _PATH) + np.uint64(label)) + np.uint64(other))


@inlined
def _find_kinds(labels: Integers, start: int, n: int, kinds: Integers, kind: Integers) -> int:
    """Give numbers to the different labels of a graph: ``kinds`` are they, ``kind`` is each node's number."""
    different = 0
    for i in range(n):
        place = 0
        while place < different and kinds[place] != labels[start + i]:
            place += 1
        if place == different:
            kinds[place] = labels[start + i]
            different += 1
        kind[i] = place
    return different


@kernel
def count(  # noqa: PLR0912, PLR0915  (one loop over graphs, whose parts share a dozen arrays)
    labels: Integers, ptr: Integers, rows: Integers, sources: Integers
) -> tuple[Integers, Unsigned, Integers]:
    """Count the shortest paths of each graph, there and back, by labels of the ends and number of edges.

    Returns
    -------
    offsets, keys, counts
        Offsets of the graphs into the others; different keys in order, and how many paths have each.
    """
    n_graphs = len(ptr) - 1
    most = 0
    for graph in range(n_graphs):
        most = max(most, ptr[graph + 1] - ptr[graph])
    n_words = (most + 63) >> 6
    words = np.empty((most, n_words), dtype=np.uint64)
    reached, front, ahead = np.empty((3, n_words), dtype=np.uint64)
    kinds, kind = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    codes = np.zeros(_CODES, dtype=np.int64)
    table_keys, table_counts = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    keys, counts = np.empty(64 * n_graphs, dtype=np.uint64), np.empty(64 * n_graphs, dtype=np.int64)
    offsets = np.zeros(n_graphs + 1, dtype=np.int64)
    for graph in range(n_graphs):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        used = fill_words(sources, rows, start, n, words)
        different = _find_kinds(labels, start, n, kinds, kind)
        few = different * different * n <= _CODES
        entries, longest = 0, 0
        bits = bits_for(n * n)
        if not few and len(table_keys) < (1 << bits) + n * n:
            table_keys = np.empty((1 << bits) + n * n, dtype=np.uint64)
            table_counts = np.zeros((1 << bits) + n * n, dtype=np.int64)
        for i in range(n):
            for w in range(used):
                reached[w] = front[w] = np.uint64(0)
            reached[i >> 6] = front[i >> 6] = _ONE << np.uint64(i & 63)
            length = 0
            while True:
                for w in range(used):
                    ahead[w] = np.uint64(0)
                for w in range(used):
                    left = front[w]
                    while left != np.uint64(0):
                        j = 64 * w + count_bits((left & (~left + _ONE)) - _ONE)
                        left &= left - _ONE
                        for v in range(used):
                            ahead[v] |= words[j, v]
                        if length > 0 and few:
                            codes[(length * different + kind[i]) * different + kind[j]] += 1
                        elif length > 0:
                            tally(_key(kinds[kind[i]], kinds[kind[j]], length), 1, bits, table_keys, table_counts)
                found = np.uint64(0)
                for w in range(used):
                    front[w] = ahead[w] & ~reached[w]
                    reached[w] |= front[w]
                    found |= front[w]
                if found == np.uint64(0):
                    break
                length += 1
            longest = max(longest, length)
        if few:
            for code in range((longest + 1) * different * different):
                entries += codes[code] != 0
            bits = bits_for(entries)
            if len(table_keys) < (1 << bits) + entries:
                table_keys = np.empty((1 << bits) + entries, dtype=np.uint64)
                table_counts = np.zeros((1 << bits) + entries, dtype=np.int64)
            for code in range((longest + 1) * different * different):
                if codes[code] != 0:
                    label, other = kinds[code // different % different], kinds[code % different]
                    key = _key(label, other, code // (different * different))
                    tally(key, codes[code], bits, table_keys, table_counts)
                    codes[code] = 0
        else:
            entries = n * n
        if offsets[graph] + entries > len(keys):
            grown = 2 * len(keys) + entries
            more_keys, more_counts = np.empty(grown, dtype=np.uint64), np.empty(grown, dtype=np.int64)
            more_keys[: len(keys)], more_counts[: len(keys)] = keys, counts
            keys, counts = more_keys, more_counts
        offsets[graph + 1] = empty((1 << bits) + entries, table_keys, table_counts, keys, counts, offsets[graph])
    return offsets, keys[: offsets[n_graphs]].copy(), counts[: offsets[n_graphs]].copy()
