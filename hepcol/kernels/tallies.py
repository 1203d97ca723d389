"""Counts of keys, which are evenly distributed 64-bit words, in one pass and in the order of the keys.

A key's place in the table is that of its leading bits, or the next one behind it; so entries are in order without being
sorted, and equal ones meet. For 240 keys of a graph this takes about 1.5 us; sorting them takes 8.
"""

import numpy as np

from hepcol.kernels._jit import Integers, Unsigned
from hepcol.kernels.blocks import block, inlined


@inlined
def bits_for(entries: int) -> int:
    """Leading bits with which a table of some entries is at most half full."""
    bits = 1
    while (1 << bits) < 2 * entries:
        bits += 1
    return bits


@block
def tally(key: np.uint64, count: int, bits: int, keys: Unsigned, counts: Integers) -> None:
    """Count a key; ``keys`` and ``counts`` have ``2^bits`` places and one for each entry behind them."""
    place = np.int64(key >> np.uint64(64 - bits))
    while counts[place] != 0 and keys[place] < key:
        place += 1
    if counts[place] != 0 and keys[place] == key:
        counts[place] += count
        return
    while counts[place] != 0:
        keys[place], key = key, keys[place]
        counts[place], count = count, counts[place]
        place += 1
    keys[place], counts[place] = key, count


@block
def empty(
    places: int, keys: Unsigned, counts: Integers, found_keys: Unsigned, found_counts: Integers, first: int
) -> int:
    """Move what was counted to ``found_keys`` and ``found_counts``, from ``first``; return where it ends."""
    for place in range(places):
        if counts[place] != 0:
            found_keys[first], found_counts[first] = keys[place], counts[place]
            counts[place] = 0
            first += 1
    return first
