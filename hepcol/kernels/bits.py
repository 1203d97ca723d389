"""The bits of words that are sets of small numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from hepcol.kernels._jit import Unsigned, inlined

WORD_BITS = 64
ONE, NOTHING = np.uint64(1), np.uint64(0)
_LAST = np.uint64(WORD_BITS - 1)


def _instruction(generate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Make an intrinsic of a word that LLVM has by name: one instruction where the CPU has it."""

    @intrinsic
    def counted(_typing: Any, _word: Any) -> Any:
        def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return generate(builder, arguments[0])

        return types.int64(types.uint64), code

    return counted


_population = _instruction(lambda builder, word: builder.ctpop(word))
_trailing_zeros = _instruction(lambda builder, word: builder.cttz(word, ir.Constant(ir.IntType(1), 0)))


@inlined
def size(word: np.uint64) -> int:
    """How many numbers are in a set."""
    return _population(word)


@inlined
def first(word: np.uint64) -> int:
    """Smallest number of a set; 64 of the empty one."""
    return _trailing_zeros(word)


@inlined
def without_first(word: np.uint64) -> Any:
    """Return a set without its smallest number."""
    return word & (word - ONE)


@inlined
def word_of(number: int) -> int:
    """Return the word, of the several of a large set, that a number is in."""
    return number >> 6


@inlined
def bit_of(number: int) -> Any:
    """Return the set of a number alone, within its word."""
    return ONE << (np.uint64(number) & _LAST)


@inlined
def add(words: Unsigned, row: int, number: int) -> None:
    """Put a number into the set of a row."""
    words[row, word_of(number)] |= bit_of(number)
