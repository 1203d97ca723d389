import numpy as np
import pytest

from hepcol.kernels import bits
from hepcol.kernels._jit import kernel


@kernel
def numbers_of(words, out):
    """List the numbers of a set of several words, and count them."""
    found = size = 0
    for w in range(words.shape[1]):
        word = words[0, w]
        size += bits.size(word)
        while word != bits.NOTHING:
            out[found] = w * bits.WORD_BITS + bits.first(word)
            word = bits.without_first(word)
            found += 1
    return size


@kernel
def put(words, numbers):
    for number in numbers:
        bits.add(words, 0, number)


@pytest.mark.parametrize("numbers", [[], [0], [63], [64], [0, 1, 62, 63, 64, 127, 190], list(range(192))])
def test_a_set_has_the_numbers_that_were_put_into_it(numbers):
    words = np.zeros((1, 3), dtype=np.uint64)
    put(words, np.array([*numbers[::-1], *numbers], dtype=np.int64))
    out = np.full(192, -1)
    assert numbers_of(words, out) == len(numbers)
    assert out[: len(numbers)].tolist() == numbers
    assert (out[len(numbers) :] == -1).all()
    assert words[0].tolist() == [
        sum(1 << (n - first) for n in numbers if first <= n < first + 64) for first in (0, 64, 128)
    ]
