"""The normals of the smearing, one for each particle: what :mod:`hepcol.kernels.normal` gives, bit for bit."""

import math

import numpy as np

from hepcol.kernels._jit import Floats, Unsigned, kernel
from hepcol.kernels.blocks import inlined
from hepcol.kernels.elementary import sincospi
from hepcol.kernels.hyperbolic import log
from hepcol.kernels.philox import draw_words

_TWO_TO_MINUS_31, _TWO_TO_MINUS_32 = 2.0**-31, 2.0**-32
_ONE = np.uint64(1)
_SIGN_BIT = np.uint64(0x80000000)
_FIRST_QUAD = np.uint64(0)


@inlined
def first_normal(word_1: np.uint64, word_2: np.uint64) -> float:
    """First of the two numbers of :func:`hepcol.kernels.normal.normal_pair`."""
    uniform = (np.int64(word_1 >> _ONE) + 0.5) * _TWO_TO_MINUS_31
    radius = math.sqrt(-2.0 * log(uniform))
    angle = np.int32(np.uint32(word_2 << _ONE)) * _TWO_TO_MINUS_32
    cosine = sincospi(angle)[1]
    return radius * (-cosine if word_2 & _SIGN_BIT else cosine)


@kernel
def counter_normals(event: Unsigned, index: Unsigned, key: np.uint64, out: Floats) -> None:
    """Fill ``out[n]`` with draw 0 of object ``index[n]`` of ``event[n]``; the columns are uint64.

    The bits of ``hepcol.random.normals(key, event, index, 0)``, which takes the other three draws of a call of the
    generator, too, and calls libm's ``frexp``.
    """
    for n in range(len(out)):
        word_1, word_2, _, _ = draw_words(event[n], index[n], _FIRST_QUAD, key)
        out[n] = first_normal(word_1, word_2)
