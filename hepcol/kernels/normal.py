"""Standard normal draws that are a pure function of (key, event, object, draw).

Box, Muller, Ann. Math. Statist. 29 (1958) 610, in its half-plane form: of the two words of a pair, 31 bits give
the radius, 31 bits the angle in the right half plane, and one bit the sign of the cosine. The reach is
sqrt(2 ln 2^32) = 6.66 standard deviations.
"""

import math

import numpy as np

from hepcol.kernels._jit import Floats, Unsigned, inlined, kernel
from hepcol.kernels.elementary import log, sincospi
from hepcol.kernels.philox import draw_words

DRAWS_PER_CALL = 4
_TWO_TO_MINUS_31, _TWO_TO_MINUS_32 = 2.0**-31, 2.0**-32
_ONE = np.uint64(1)
_SIGN_BIT = np.uint64(0x80000000)


@inlined
def normal_pair(word_1: np.uint64, word_2: np.uint64) -> tuple[float, float]:
    """Two standard normals from two 32-bit words."""
    uniform = (np.int64(word_1 >> _ONE) + 0.5) * _TWO_TO_MINUS_31
    radius = math.sqrt(-2.0 * log(uniform))
    # the low 31 bits, shifted up by one, as a signed 32-bit number: the angle in units of pi
    angle = np.int32(np.uint32(word_2 << _ONE)) * _TWO_TO_MINUS_32
    sine, cosine = sincospi(angle)
    if word_2 & _SIGN_BIT:
        cosine = -cosine
    return radius * cosine, radius * sine


@inlined
def normal_quad(event: np.uint64, obj: np.uint64, quad: np.uint64, key: np.uint64) -> tuple[float, float, float, float]:
    """Return the normals of draws ``4 * quad`` to ``4 * quad + 3`` of one object; all arguments are uint64."""
    w0, w1, w2, w3 = draw_words(event, obj, quad, key)
    z0, z1 = normal_pair(w0, w1)
    z2, z3 = normal_pair(w2, w3)
    return z0, z1, z2, z3


@kernel
def fill_normals(event: Unsigned, obj: Unsigned, draw: Unsigned, key: np.uint64, out: Floats) -> None:
    """Fill ``out[n]`` with the normal of ``event[n], obj[n], draw[n]``, all uint64."""
    for n in range(len(out)):
        quad = draw[n] // np.uint64(DRAWS_PER_CALL)
        out[n] = normal_quad(event[n], obj[n], quad, key)[draw[n] % np.uint64(DRAWS_PER_CALL)]
