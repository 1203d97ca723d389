"""Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3".

SC '11, doi:10.1145/2063384.2063405; constants from Random123's ``philox.h``.
"""

from typing import Any

import numpy as np

from hepcol.kernels._jit import Unsigned, inlined, kernel

ROUNDS = 10
LOW_WORD = np.uint64(0xFFFFFFFF)
WORD_BITS = np.uint64(32)
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


@inlined
def philox4x32(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Four random 32-bit words of a 128-bit counter and a 64-bit key; every word sits in a uint64."""
    for _ in range(ROUNDS):
        product_0 = c0 * _MULTIPLIER_0
        product_1 = c2 * _MULTIPLIER_1
        c0 = (product_1 >> WORD_BITS) ^ c1 ^ k0
        c1 = product_1 & LOW_WORD
        c2 = (product_0 >> WORD_BITS) ^ c3 ^ k1
        c3 = product_0 & LOW_WORD
        k0 = (k0 + _WEYL_0) & LOW_WORD
        k1 = (k1 + _WEYL_1) & LOW_WORD
    return c0, c1, c2, c3


@inlined
def draw_words(event: np.uint64, obj: np.uint64, quad: np.uint64, key: np.uint64) -> Any:
    """Return the words of draws ``4 * quad`` to ``4 * quad + 3`` of one object; all arguments are uint64."""
    return philox4x32(event & LOW_WORD, event >> WORD_BITS, obj, quad, key & LOW_WORD, key >> WORD_BITS)


@kernel
def words(counters: Unsigned, keys: Unsigned, out: Unsigned) -> None:
    """Fill ``out[n, 4]`` with the words of ``counters[n, 4]`` and ``keys[n, 2]``, all uint64."""
    for n in range(len(counters)):
        c0, c1, c2, c3 = counters[n]
        out[n, 0], out[n, 1], out[n, 2], out[n, 3] = philox4x32(c0, c1, c2, c3, keys[n, 0], keys[n, 1])
