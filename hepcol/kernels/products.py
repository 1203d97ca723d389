"""Scalar products of all pairs of sparse vectors of counts.

The entries of vector ``i`` are ``ptr[i]`` up to ``ptr[i + 1]`` of its columns. Everything is summed in int64, exactly.
"""

import math

import numpy as np

from hepcol.kernels._jit import Floats, Integers, Unsigned, inlined, kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FREQUENT = 8  # a key that more than one in eight vectors have is multiplied with all: 0.08 ns a vector and not 0.8


@inlined
def _place(key: np.uint64, bits: int) -> np.int64:
    return np.int64((key * _GOLDEN) >> np.uint64(64 - bits))


@kernel
def number(keys: Unsigned, others: Unsigned) -> tuple[Integers, Integers, int]:
    """Give numbers to the different ``keys``, as they come.

    Returns
    -------
    numbers, of_others, different
        The number of each of the keys; of each of ``others``, -1 where it is none of the keys; how many there are.
    """
    bits = 1
    while (1 << bits) < 2 * len(keys):
        bits += 1
    last = (1 << bits) - 1
    table = np.empty(1 << bits, dtype=np.uint64)
    numbered = np.full(1 << bits, -1, dtype=np.int32)
    numbers = np.empty(len(keys), dtype=np.int64)
    different = 0
    for entry in range(len(keys)):
        place = _place(keys[entry], bits)
        while numbered[place] >= 0 and table[place] != keys[entry]:
            place = (place + 1) & last
        if numbered[place] < 0:
            table[place], numbered[place] = keys[entry], different
            different += 1
        numbers[entry] = numbered[place]
    of_others = np.empty(len(others), dtype=np.int64)
    for entry in range(len(others)):
        place = _place(others[entry], bits)
        while numbered[place] >= 0 and table[place] != others[entry]:
            place = (place + 1) & last
        of_others[entry] = numbered[place]
    return numbers, of_others, different


@kernel
def transpose(
    ptr: Integers, numbers: Integers, counts: Integers, different: int
) -> tuple[Integers, Integers, Integers]:
    """Sort entries by the number of their key: offsets of the keys, and the vector and the count of each entry."""
    offsets = np.zeros(different + 1, dtype=np.int64)
    for entry in range(len(numbers)):
        offsets[numbers[entry] + 1] += 1
    for column in range(different):
        offsets[column + 1] += offsets[column]
    filled = offsets[:-1].copy()
    vectors = np.empty(len(numbers), dtype=np.int64)
    sorted_counts = np.empty(len(numbers), dtype=np.int64)
    for vector in range(len(ptr) - 1):
        for entry in range(ptr[vector], ptr[vector + 1]):
            place = filled[numbers[entry]]
            vectors[place], sorted_counts[place] = vector, counts[entry]
            filled[numbers[entry]] = place + 1
    return offsets, vectors, sorted_counts


@kernel
def spread(offsets: Integers, vectors: Integers, sorted_counts: Integers, width: int) -> tuple[Integers, Integers]:
    """Write out the counts of keys that many of the ``width`` vectors have.

    Returns
    -------
    which, spread
        For each key its row of ``spread[rows, width]``, or -1.
    """
    different = len(offsets) - 1
    which = np.full(different, -1, dtype=np.int64)
    found = 0
    for column in range(different):
        if (offsets[column + 1] - offsets[column]) * _FREQUENT > width:
            which[column] = found
            found += 1
    written = np.zeros((found, width), dtype=np.int64)
    for column in range(different):
        if which[column] >= 0:
            for place in range(offsets[column], offsets[column + 1]):
                written[which[column], vectors[place]] = sorted_counts[place]
    return which, written


@kernel
def multiply(
    ptr: Integers,
    numbers: Integers,
    counts: Integers,
    squares: Integers,
    offsets: Integers,
    vectors: Integers,
    sorted_counts: Integers,
    which: Integers,
    written: Integers,
    other_squares: Integers,
    first: int,
    last: int,
    normalise: bool,
    products: Integers,
    similarities: Floats,
) -> None:
    """Fill rows ``first`` up to ``last`` of the products, or of the similarities, which may be in the same memory.

    Entries with a number below 0 have no partner. A similarity is the product over the root of both squares, which must
    be above 0.
    """
    width = products.shape[1]
    row = np.empty(width, dtype=np.int64)
    for vector in range(first, last):
        for other in range(width):
            row[other] = 0
        for entry in range(ptr[vector], ptr[vector + 1]):
            column, count = numbers[entry], counts[entry]
            if column < 0:
                continue
            if which[column] >= 0:
                found = written[which[column]]
                for other in range(width):  # LLVM vectorises this loop
                    row[other] += count * found[other]
            else:
                for place in range(offsets[column], offsets[column + 1]):
                    row[vectors[place]] += count * sorted_counts[place]
        if normalise:
            square = np.float64(squares[vector])
            for other in range(width):  # and this one
                similarities[vector, other] = row[other] / math.sqrt(square * np.float64(other_squares[other]))
        else:
            for other in range(width):
                products[vector, other] = row[other]
