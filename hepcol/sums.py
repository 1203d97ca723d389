"""Sums of weights that do not depend on the order of the terms.

A weight is split into limbs on fixed quanta: ``hi = (w + M) - M``, ``lo = w - hi``, and ``lo`` again. The quanta
follow from a declared bound on ``|w|`` alone, so that every partial sum of up to ``MAX_TERMS`` limbs is a multiple
of the quantum below 2^53 of it: representable, hence exact. What is left below the last quantum, 2^-96 of
the bound, is rounded once for each weight.
"""

from dataclasses import dataclass
from math import frexp, isfinite

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

LIMBS = 4  # three would leave squares of weights far below the bound with few bits
LOG2_MAX_TERMS = 30
MAX_TERMS = 2**LOG2_MAX_TERMS
DEFAULT_BOUND = 2.0**16
_MANTISSA_BITS = 53


def quanta(bound: float) -> tuple[float, ...]:
    """Quantum of each limb, from the largest, for weights up to ``bound``.

    Raises
    ------
    ValueError
        If ``bound`` is not positive and finite.
    """
    if not (isfinite(bound) and bound > 0):
        raise ValueError(f"the bound on the weights must be positive and finite, got {bound}")
    mantissa, exponent = frexp(bound)
    power = 2.0 ** (exponent - 1 if mantissa == 0.5 else exponent)  # noqa: PLR2004  (2^n itself)
    first = power * 2.0 ** (LOG2_MAX_TERMS - _MANTISSA_BITS)
    # a remainder is at most half a quantum, so the next limb reaches one power of two lower
    step = 2.0 ** (LOG2_MAX_TERMS - _MANTISSA_BITS - 1)
    return tuple(first * step**limb for limb in range(LIMBS))


def split(values: npt.ArrayLike, bound: float) -> FloatArray:
    """Split values into limbs, ``[..., LIMBS]``, whose sums are exact in any order.

    Raises
    ------
    ValueError
        If a value is NaN or above ``bound``.
    """
    rest = np.asarray(values, dtype=np.float64)
    outside = ~(np.abs(rest) <= bound)
    if outside.any():
        raise ValueError(
            f"weight {rest[outside].flat[0]}: {int(outside.sum())} of {rest.size} weights are not numbers between "
            f"-{bound:g} and {bound:g}, the declared bound (option max_weight)"
        )
    limbs = np.empty((*rest.shape, LIMBS))
    for limb, quantum in enumerate(quanta(bound)):
        # adding 1.5 * 2^52 quanta pushes all bits below the quantum out of the mantissa, rounding to even
        shift = 1.5 * 2.0 ** (_MANTISSA_BITS - 1) * quantum
        limbs[..., limb] = (rest + shift) - shift
        rest = rest - limbs[..., limb]
    return limbs


@dataclass(frozen=True, eq=False)
class ExactSum:
    """Sums of weights, exact in any order; merged with ``+``.

    Parameters
    ----------
    bound : float
        Bound on the magnitude of each term.
    limbs : float64[..., LIMBS]
        Sums of the limbs of the terms.
    terms : int
        Number of terms that went in, over all elements.

    Raises
    ------
    ValueError
        If there are more terms than can be summed exactly.

    Examples
    --------
    >>> first, second = ExactSum.of([0.1, 0.2]), ExactSum.of([0.3])
    >>> float((first + second).value) == float((second + first).value)
    True
    """

    bound: float
    limbs: FloatArray
    terms: int

    def __post_init__(self) -> None:
        if self.terms > MAX_TERMS:
            raise ValueError(f"{self.terms} weights: sums are exact for at most {MAX_TERMS} = 2^{LOG2_MAX_TERMS}")

    @classmethod
    def of(cls, values: npt.ArrayLike, bound: float = DEFAULT_BOUND) -> "ExactSum":
        """Sum all of ``values``."""
        limbs = split(values, bound).reshape(-1, LIMBS)
        return cls(bound, limbs.sum(axis=0), len(limbs))

    @classmethod
    def of_ones(cls, counts: npt.ArrayLike, bound: float, terms: int) -> "ExactSum":
        """Sum ``counts`` weights of one in each element."""
        return cls(bound, np.multiply.outer(np.asarray(counts, dtype=np.float64), split(1.0, bound)), terms)

    def __add__(self, other: "ExactSum") -> "ExactSum":
        """Merge; the bounds have to be the same."""
        if self.bound != other.bound:
            raise ValueError(f"sums of weights with different bounds do not merge: {self.bound:g} and {other.bound:g}")
        return ExactSum(self.bound, self.limbs + other.limbs, self.terms + other.terms)

    def repeat(self, times: int) -> "ExactSum":
        """Repeat the sums along a new first dimension."""
        return ExactSum(self.bound, np.repeat(self.limbs[np.newaxis], times, axis=0), self.terms)

    @property
    def value(self) -> FloatArray:
        """The sum in double precision."""
        smallest_first = self.limbs[..., LIMBS - 1]
        for limb in range(LIMBS - 2, -1, -1):
            smallest_first = smallest_first + self.limbs[..., limb]
        return np.asarray(smallest_first)


def limbs_of(weight: FloatArray, bound: float) -> FloatArray:
    """Limbs of weights and of their squares, ``[n, 2 LIMBS]``, for kernels to add up."""
    return np.concatenate([split(weight, bound), split(weight * weight, bound * bound)], axis=1)


def sums_of_limbs(sums: FloatArray, bound: float, terms: int) -> tuple[ExactSum, ExactSum] | tuple[None, None]:
    """Return sums of weights and of squares from what kernels added up, ``[..., 2 LIMBS]``; None without limbs."""
    if not sums.shape[-1]:
        return None, None
    return (
        ExactSum(bound, np.ascontiguousarray(sums[..., :LIMBS]), terms),
        ExactSum(bound * bound, np.ascontiguousarray(sums[..., LIMBS:]), terms),
    )
