"""Shortest paths between the nodes of graphs, counted by their length and the labels at both ends.

Breadth first, 64 nodes at a time: what is one step farther than some nodes is the union of their neighbours' words.
"""

import numpy as np

from hepcol.kernels._jit import Integers, Unsigned, kernel
from hepcol.kernels.blocks import block
from hepcol.kernels.mixing import mix
from hepcol.kernels.neighbours import count_bits, fill_words
from hepcol.kernels.tallies import bits_for, empty, tally

_PATH = np.uint64(0x452821E638D01377)
_ONE = np.uint64(1)
_CODES = 1 << 16  # of as many kinds of paths at most in a graph, the counts are looked up by number


@block
def _key(label: int, other: int, length: int) -> np.uint64:
    return mix(mix(mix(np.uint64(length) ^ _PATH) + np.uint64(label)) + np.uint64(other))


@block
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


@block
def _find_lengths(
    words: Unsigned, n: int, used: int, reached: Unsigned, front: Unsigned, ahead: Unsigned, lengths: Integers
) -> int:
    """Fill ``lengths[n * n]`` with those of the shortest paths, 0 where there is none; return that of the longest."""
    longest = 0
    for i in range(n):
        for j in range(n):
            lengths[i * n + j] = 0
        for w in range(used):
            reached[w] = front[w] = np.uint64(0)
        reached[i >> 6] = front[i >> 6] = _ONE << np.uint64(i & 63)
        length, found = 0, _ONE
        while found != np.uint64(0):
            for w in range(used):
                ahead[w] = np.uint64(0)
            for w in range(used):
                left = front[w]
                while left != np.uint64(0):
                    j = 64 * w + count_bits((left & (~left + _ONE)) - _ONE)
                    left &= left - _ONE
                    lengths[i * n + j] = length
                    for v in range(used):
                        ahead[v] |= words[j, v]
            found = np.uint64(0)
            for w in range(used):
                front[w] = ahead[w] & ~reached[w]
                reached[w] |= front[w]
                found |= front[w]
            longest = max(longest, length)
            length += 1
    return longest


@block
def _count_codes(lengths: Integers, kind: Integers, n: int, different: int, n_codes: int, codes: Integers) -> int:
    """Count paths by length and kinds of the ends, as one number; return how many numbers occur."""
    for i in range(n):
        for j in range(n):
            codes[(lengths[i * n + j] * different + kind[i]) * different + kind[j]] += 1
    for code in range(different * different):  # of no path
        codes[code] = 0
    found = 0
    for code in range(n_codes):
        found += codes[code] != 0
    return found


@kernel
def count(labels: Integers, ptr: Integers, rows: Integers, sources: Integers) -> tuple[Integers, Unsigned, Integers]:
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
    words = np.empty((most, (most + 63) >> 6), dtype=np.uint64)
    reached, front = np.empty(words.shape[1], dtype=np.uint64), np.empty(words.shape[1], dtype=np.uint64)
    ahead = np.empty(words.shape[1], dtype=np.uint64)
    lengths = np.empty(most * most, dtype=np.int64)
    kinds, kind = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    codes = np.zeros(_CODES, dtype=np.int64)
    table_keys, table_counts = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    keys, counts = np.empty(64 * n_graphs, dtype=np.uint64), np.empty(64 * n_graphs, dtype=np.int64)
    offsets = np.zeros(n_graphs + 1, dtype=np.int64)
    for graph in range(n_graphs):
        start, n = ptr[graph], ptr[graph + 1] - ptr[graph]
        used = fill_words(sources, rows, start, n, words)
        longest = _find_lengths(words, n, used, reached, front, ahead, lengths)
        different = _find_kinds(labels, start, n, kinds, kind)
        n_ends = different * different
        entries, n_codes = n * n, n_ends * (longest + 1)
        if n_codes <= _CODES:
            entries = _count_codes(lengths, kind, n, different, n_codes, codes)
        bits = bits_for(entries)
        if len(table_keys) < (1 << bits) + entries:
            table_keys = np.empty((1 << bits) + entries, dtype=np.uint64)
            table_counts = np.zeros((1 << bits) + entries, dtype=np.int64)
        if n_codes <= _CODES:
            for code in range(n_ends, n_codes):
                if codes[code] != 0:
                    ends = code % n_ends
                    key = _key(kinds[ends // different], kinds[ends % different], code // n_ends)
                    tally(key, codes[code], bits, table_keys, table_counts)
                    codes[code] = 0
        else:
            for pair in range(n * n):
                if lengths[pair] > 0:
                    key = _key(kinds[kind[pair // n]], kinds[kind[pair % n]], lengths[pair])
                    tally(key, 1, bits, table_keys, table_counts)
        if offsets[graph] + entries > len(keys):
            more = np.empty(len(keys) + entries, dtype=np.uint64)
            keys = np.concatenate((keys, more))
            counts = np.concatenate((counts, more.view(np.int64)))
        offsets[graph + 1] = empty((1 << bits) + entries, table_keys, table_counts, keys, counts, offsets[graph])
    return offsets, keys[: offsets[n_graphs]].copy(), counts[: offsets[n_graphs]].copy()
