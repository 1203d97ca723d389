"""Mixing of 64-bit words: the finaliser of SplitMix64, after its increment.

Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2660193.2660195, with the constants of Vigna's
https://prng.di.unimi.it/splitmix64.c. A bijection: two words that differ never become one.
"""

import numpy as np

from hepcol.kernels._jit import Unsigned, inlined, kernel

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@inlined
def mix(word: np.uint64) -> np.uint64:
    """Return the word that SplitMix64 gives with the state ``word``; all are uint64."""
    mixed = word + _INCREMENT
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))


@kernel
def mix_all(words: Unsigned) -> Unsigned:
    """Mix each of some words."""
    mixed = np.empty(len(words), dtype=np.uint64)
    for n in range(len(words)):
        mixed[n] = mix(words[n])
    return mixed
