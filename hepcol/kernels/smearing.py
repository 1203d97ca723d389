"""Fused kernels: draw, smear, compute and fill, for every event and replica, with no array in between.

This is the plain form in double precision, 40 ns per event and replica on one core: what the fast form in
:mod:`hepcol.kernels.smearing_single` is held against.
"""

import math
from typing import Any

import numpy as np

from hepcol.kernels._jit import Floats, Integers, Unsigned, inlined, kernel
from hepcol.kernels.binning import bin_number
from hepcol.kernels.normal import DRAWS_PER_CALL, normal_quad

LEADING, SUBLEADING, MASS = 0, 1, 2  # the order of the histograms


@inlined
def non_negative(x: float) -> float:
    """Return ``x``, or 0 if it is negative; NaN stays NaN, which ``max`` does not promise."""
    if x < 0.0:
        return 0.0
    return x


@inlined
def pair_mass_square(e1: float, e2: float, m1: float, m2: float, cos_angle: float) -> Any:
    """Squared mass of two particles whose directions are fixed, the momenta following the energies.

    A particle with ``|E| < m`` has no momentum; a negative energy makes the square negative, which is filled as
    the mass 0.
    """
    p1 = math.sqrt(non_negative(e1 * e1 - m1 * m1))
    p2 = math.sqrt(non_negative(e2 * e2 - m2 * m2))
    return m1 * m1 + m2 * m2 + 2.0 * (e1 * e2 - p1 * p2 * cos_angle)


@inlined
def _fill(
    counts: Integers, sums: Floats, replica: int, histogram: int, value: float, edges: Floats, weights: Floats
) -> None:
    """Count ``value``, and add its weights, in one histogram of one replica."""
    n_bins = counts.shape[2] - 2
    number = bin_number(value, edges[histogram, 0], edges[histogram, 1], n_bins)
    counts[replica, histogram, number] += 1
    for k in range(len(weights)):
        sums[replica, histogram, number, k] += weights[k]


@kernel
def smear_and_fill(
    event: Unsigned,
    obj: Unsigned,
    energy: Floats,
    mass: Floats,
    cos_angle: Floats,
    resolution: Floats,
    weights: Floats,
    key: np.uint64,
    edges: Floats,
    counts: Integers,
    sums: Floats,
) -> None:
    """Fill the energies and the mass of smeared pairs; the momentum follows the energy, the direction stays.

    Parameters
    ----------
    event : uint64[n]
        Identity of the event.
    obj : uint64[n, 2]
        Index of the two objects in the stored collection.
    energy, mass, resolution : float64[n, 2]
        Energy, mass, and standard deviation of the energy [GeV].
    cos_angle : float64[n]
        Cosine of the opening angle.
    weights : float64[n, k]
        Limbs of the weight and of its square; ``k = 0`` for events that only count.
    key : uint64
        Key of the random stream.
    edges : float64[3, 2]
        Lower and upper end of the axes.
    counts : int64[replicas, 3, bins + 2]
        Added to: entries by replica, by histogram (``LEADING``, ``SUBLEADING``, ``MASS``) and bin.
    sums : float64[replicas, 3, bins + 2, k]
        Added to: sums of ``weights``.
    """
    replicas = counts.shape[0]
    for n in range(len(event)):
        e1, e2 = energy[n]
        m1, m2 = mass[n]
        s1, s2 = resolution[n]
        for quad in range((replicas + DRAWS_PER_CALL - 1) // DRAWS_PER_CALL):
            z1 = normal_quad(event[n], obj[n, 0], np.uint64(quad), key)
            z2 = normal_quad(event[n], obj[n, 1], np.uint64(quad), key)
            first = quad * DRAWS_PER_CALL
            for k in range(min(DRAWS_PER_CALL, replicas - first)):
                smeared_1 = e1 + s1 * z1[k]
                smeared_2 = e2 + s2 * z2[k]
                # the subleading electron may overtake the leading one: the histograms follow the object
                square = pair_mass_square(smeared_1, smeared_2, m1, m2, cos_angle[n])
                m_ee = math.sqrt(non_negative(square))
                _fill(counts, sums, first + k, LEADING, smeared_1, edges, weights[n])
                _fill(counts, sums, first + k, SUBLEADING, smeared_2, edges, weights[n])
                _fill(counts, sums, first + k, MASS, m_ee, edges, weights[n])


@kernel
def smear_and_fill_independently(
    event: Unsigned,
    obj: Unsigned,
    energy: Floats,
    p_square: Floats,
    resolution: Floats,
    weights: Floats,
    keys: Unsigned,
    edges: Floats,
    counts: Integers,
    sums: Floats,
) -> None:
    """As the original study: the mass and each energy from draws of their own, momenta left as they are.

    Differs from :func:`smear_and_fill` in ``p_square``, float64[n], the squared momentum of the pair [GeV^2],
    and in ``keys``, uint64[3], one random stream for each of ``LEADING``, ``SUBLEADING`` and ``MASS``.
    """
    replicas = counts.shape[0]
    for n in range(len(event)):
        e1, e2 = energy[n]
        s1, s2 = resolution[n]
        for quad in range((replicas + DRAWS_PER_CALL - 1) // DRAWS_PER_CALL):
            q = np.uint64(quad)
            z1 = normal_quad(event[n], obj[n, 0], q, keys[LEADING])
            z2 = normal_quad(event[n], obj[n, 1], q, keys[SUBLEADING])
            y1 = normal_quad(event[n], obj[n, 0], q, keys[MASS])
            y2 = normal_quad(event[n], obj[n, 1], q, keys[MASS])
            first = quad * DRAWS_PER_CALL
            for k in range(min(DRAWS_PER_CALL, replicas - first)):
                total = (e1 + s1 * y1[k]) + (e2 + s2 * y2[k])
                square = total * total - p_square[n]
                m_ee = math.sqrt(non_negative(square))
                _fill(counts, sums, first + k, LEADING, e1 + s1 * z1[k], edges, weights[n])
                _fill(counts, sums, first + k, SUBLEADING, e2 + s2 * z2[k], edges, weights[n])
                _fill(counts, sums, first + k, MASS, m_ee, edges, weights[n])
