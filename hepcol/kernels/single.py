"""Building blocks in single precision that LLVM vectorises: no call, no branch, no 64-bit number but Philox's.

The words of a draw are those of :mod:`hepcol.kernels.normal`, so that each number here has a twin there, at most
2e-5 away. Rules that keep them fast: constants are ``np.float32`` globals (a literal is a double), every unsigned
sum is wrapped in its type again (numba widens it), and there is no libm (one scalar call a lane costs 4 ns).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from hepcol.kernels._jit import inlined

f32, i32, u32, u64 = np.float32, np.int32, np.uint32, np.uint64


def _bit_cast(source: types.Type, target: types.Type) -> Callable[..., Any]:
    """Make an intrinsic that reads the bits of a number as another type."""

    @intrinsic
    def cast(_typing: Any, _x: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), generate

    return cast


def _extremum(name: str) -> Callable[..., Any]:
    """Make an intrinsic of ``llvm.minnum`` or ``llvm.maxnum``: one instruction, and of NaN and x it gives x.

    With ``if`` and ``else`` the kernel takes 3 % longer.
    """

    @intrinsic
    def extremum(_typing: Any, _x: Any, _y: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            kind = context.get_value_type(types.float32)
            function = builder.module.declare_intrinsic(name, [kind], ir.FunctionType(kind, [kind, kind]))
            return builder.call(function, arguments)

        return types.float32(types.float32, types.float32), generate

    return extremum


_bits_of = _bit_cast(types.float32, types.int32)
_from_bits = _bit_cast(types.int32, types.float32)
_minimum = _extremum("llvm.minnum")
_maximum = _extremum("llvm.maxnum")

ZERO, _HALF, ONE = f32(0.0), f32(0.5), f32(1.0)
_TWO_LN_2 = f32(1.3862943611198906)
_TWO_TO_MINUS_32 = f32(2.0**-32)
_SQRT_HALF_BITS = i32(0x3F3504F3)
_MANTISSA_BITS, _TOP_BIT, _ONE_BIT = i32(23), i32(31), u32(1)
_SIGN = u32(0x80000000)

# Minimax polynomials, made by benchmarks/minimax.py. A higher degree costs 0.1 ns a pair and gains nothing in single
# precision; a lower one saves 0.05 ns and is off by 4e-4.
# -2 ln(1 + f) / f on [sqrt(1/2) - 1, sqrt(2) - 1]; error of -2 ln(1 + f): 4e-7
LOG = tuple(
    f32(c)
    for c in (
        -2.0000064373016357,
        1.0000393390655518,
        -0.6660659909248352,
        0.49762678146362305,
        -0.4120934307575226,
        0.3780395984649658,
        -0.23654969036579132,
    )
)
# sin(pi w) / w and cos(pi w) in powers of w^2 on |w| <= 1/2; errors of the functions: 6e-7 and 5e-8
SIN = tuple(f32(c) for c in (3.1415820121765137, -5.167142868041992, 2.5418989658355713, -0.5546361804008484))
COS = tuple(
    f32(c) for c in (0.9999999403953552, -4.934792995452881, 4.058412075042725, -1.3318802118301392, 0.2196968048810959)
)
_L0, _L1, _L2, _L3, _L4, _L5, _L6 = LOG
_S0, _S1, _S2, _S3 = SIN
_C0, _C1, _C2, _C3, _C4 = COS


@inlined
def normal_pair(word_1: np.uint32, word_2: np.uint32) -> tuple[np.float32, np.float32]:
    """Two standard normals from two words, as :func:`hepcol.kernels.normal.normal_pair` but in single precision."""
    bits = _bits_of(f32(i32(word_1 >> _ONE_BIT)) + _HALF)  # of 2^31 u = (1 + f) 2^exponent, 1 + f around 1
    exponent = i32(i32(bits - _SQRT_HALF_BITS) >> _MANTISSA_BITS)
    f = _from_bits(i32(bits - i32(exponent << _MANTISSA_BITS))) - ONE
    series = _L0 + f * (_L1 + f * (_L2 + f * (_L3 + f * (_L4 + f * (_L5 + f * _L6)))))
    radius = math.sqrt(f32(i32(_TOP_BIT - exponent)) * _TWO_LN_2 + f * series)
    w = f32(i32(word_2 << _ONE_BIT)) * _TWO_TO_MINUS_32
    y = w * w
    sine = w * (_S0 + y * (_S1 + y * (_S2 + y * _S3)))
    cosine = _C0 + y * (_C1 + y * (_C2 + y * (_C3 + y * _C4)))
    cosine = _from_bits(i32(u32(_bits_of(cosine)) ^ (word_2 & _SIGN)))
    return radius * cosine, radius * sine


@inlined
def bin_number(position: np.float32, overflow: np.float32) -> np.uint16:
    """Bin of ``position``, which counts bins from the underflow; NaN goes to the overflow, as the minimum is first."""
    return np.uint16(i32(_maximum(_minimum(position, overflow), ZERO)))


@inlined
def non_negative(x: np.float32) -> np.float32:
    """Return ``x``, or 0 if it is negative; NaN stays NaN."""
    if x < ZERO:
        return ZERO
    return x
