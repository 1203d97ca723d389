"""The fused smearing kernels in single precision: 2 to 4 ns per event and replica on one core.

Blocks of events go through two loops: one without branches, which LLVM vectorises and which leaves bin numbers in a
small buffer, and one that adds to the histograms. The last block is padded, so that every event runs the same
code. Only correctly rounded operations, and neither ``fastmath`` nor contraction: the same counts on any CPU.

What was tried and lost: one loop in double precision 37 ns; libm instead of polynomials 15 ns; 32-bit bin numbers
+5 to 10 %; variations in the inner loop +10 to 20 %; counts in doubles +250 % if all entries share a bin; compare and
count instead of scattered increments 5.4 ns; Wichura's inverse instead of Box and Muller 5.3 ns; contraction
saves 0.2 ns and makes the counts depend on the CPU.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol.kernels._jit import Floats, Integers, Unsigned, inlined, kernel
from hepcol.kernels.philox import LOW_WORD, WORD_BITS, philox4x32
from hepcol.kernels.single import ONE, bin_number, f32, non_negative, normal_pair, u32, u64
from hepcol.kernels.smearing import LEADING, MASS, SUBLEADING

BLOCK = 128  # events; 64 to 512 are equally fast
QUAD = 4  # replicas from one call of the generator for each electron
HISTOGRAMS = 3
# A weight and its square, of four limbs each: a row of 64 bytes, which is one vector addition
LIMB_COLUMNS = 8

Singles = npt.NDArray[np.float32]


@inlined
def normal_quad(low: np.uint32, high: np.uint32, obj: np.uint32, quad: np.uint64, key: np.uint64) -> Any:
    """Return the normals of draws ``4 * quad`` to ``4 * quad + 3`` of one object of the event ``high, low``."""
    w0, w1, w2, w3 = philox4x32(u64(low), u64(high), u64(obj), quad, key & LOW_WORD, key >> WORD_BITS)
    z0, z1 = normal_pair(u32(w0), u32(w1))
    z2, z3 = normal_pair(u32(w2), u32(w3))
    return z0, z1, z2, z3


@inlined
def _scale(ends: Floats, n_bins: int) -> tuple[np.float32, np.float32]:
    """Lower end and inverse bin width of an axis."""
    return f32(ends[0]), f32(n_bins / (ends[1] - ends[0]))


@inlined
def _copy_block(
    identity: npt.NDArray[np.uint32], columns: Singles, start: int, ids: npt.NDArray[np.uint32], x: Singles
) -> int:
    """Copy the events from ``start`` on to a block; return how many there are, the rest being left as it was."""
    n = min(BLOCK, identity.shape[1] - start)
    # element by element, which costs 7 ns an event: slices cost 1.5 s of compilation
    for row in range(len(ids)):
        for i in range(n):
            ids[row, i] = identity[row, start + i]
    for row in range(len(x)):
        for i in range(n):
            x[row, i] = columns[row, start + i]
    return n


@inlined
def _increment(bins: Any, n: int, first: int, counts: Integers, limbs: Floats, start: int, sums: Floats) -> None:
    """Add the events of a block to the histograms of up to four replicas."""
    for k in range(min(QUAD, counts.shape[0] - first)):
        for i in range(n):
            for h in range(HISTOGRAMS):
                counts[first + k, h, bins[HISTOGRAMS * k + h, i]] += 1
        if limbs.shape[1]:
            for i in range(n):
                l0, l1, l2, l3 = limbs[start + i, 0], limbs[start + i, 1], limbs[start + i, 2], limbs[start + i, 3]
                l4, l5, l6, l7 = limbs[start + i, 4], limbs[start + i, 5], limbs[start + i, 6], limbs[start + i, 7]
                for h in range(HISTOGRAMS):
                    number = bins[HISTOGRAMS * k + h, i]
                    sums[first + k, h, number, 0] += l0
                    sums[first + k, h, number, 1] += l1
                    sums[first + k, h, number, 2] += l2
                    sums[first + k, h, number, 3] += l3
                    sums[first + k, h, number, 4] += l4
                    sums[first + k, h, number, 5] += l5
                    sums[first + k, h, number, 6] += l6
                    sums[first + k, h, number, 7] += l7


@kernel
def smear_and_fill(
    identity: npt.NDArray[np.uint32],
    columns: Singles,
    limbs: Floats,
    key: np.uint64,
    edges: Floats,
    counts: Integers,
    sums: Floats,
) -> None:
    """Fill the energies and the mass of smeared pairs of massless particles; the directions stay.

    Parameters
    ----------
    identity : uint32[4, n]
        Low and high word of the event's identity, and the index of the two objects in the stored collection.
    columns : float32[5, n]
        The two energies and their standard deviations [GeV], and ``2 (1 - cos)`` of the opening angle.
    limbs : float64[n, k]
        Limbs of the weight and of its square; ``k`` is 0 or ``LIMB_COLUMNS``.
    key : uint64
        Key of the random stream.
    edges : float64[3, 2]
        Lower and upper end of the axes.
    counts : int64[replicas, 3, bins + 2]
        Added to: entries.
    sums : float64[replicas, 3, bins + 2, k]
        Added to: sums of ``limbs``.
    """
    n_bins = counts.shape[2] - 2
    overflow = f32(n_bins + 1)
    low_1, scale_1 = _scale(edges[LEADING], n_bins)
    low_2, scale_2 = _scale(edges[SUBLEADING], n_bins)
    low_m, scale_m = _scale(edges[MASS], n_bins)
    # copies of a block, of few base pointers: with more, LLVM gives up proving that they do not overlap
    ids = np.empty((4, BLOCK), np.uint32)  # two words of the event, two objects: 64-bit columns cost 1 ns
    x = np.empty((5, BLOCK), np.float32)
    bins = np.empty((HISTOGRAMS * QUAD, BLOCK), np.uint16)
    for start in range(0, identity.shape[1], BLOCK):
        n = _copy_block(identity, columns, start, ids, x)
        for quad in range((counts.shape[0] + QUAD - 1) // QUAD):
            number = np.uint64(quad)
            for i in range(BLOCK):
                z1 = normal_quad(ids[0, i], ids[1, i], ids[2, i], number, key)
                z2 = normal_quad(ids[0, i], ids[1, i], ids[3, i], number, key)
                for k in range(QUAD):
                    e1 = x[0, i] + x[2, i] * z1[k]
                    e2 = x[1, i] + x[3, i] * z2[k]
                    mass = math.sqrt(non_negative(x[4, i] * e1 * e2))
                    bins[3 * k, i] = bin_number((e1 - low_1) * scale_1 + ONE, overflow)
                    bins[3 * k + 1, i] = bin_number((e2 - low_2) * scale_2 + ONE, overflow)
                    bins[3 * k + 2, i] = bin_number((mass - low_m) * scale_m + ONE, overflow)
            _increment(bins, n, QUAD * quad, counts, limbs, start, sums)


@kernel
def smear_and_fill_independently(
    identity: npt.NDArray[np.uint32],
    columns: Singles,
    limbs: Floats,
    keys: Unsigned,
    edges: Floats,
    counts: Integers,
    sums: Floats,
) -> None:
    """As the original study: the mass and each energy from draws of their own, momenta left as they are.

    Differs from :func:`smear_and_fill` in ``columns``, float32[6, n]: energies, standard deviations, the squared
    mass before the smearing, and twice the sum of the energies; and in ``keys``, uint64[3], one random stream for
    each histogram. The mass is the root of ``M^2 + d (2 S + d)``, ``d`` the shift of the sum: without the
    cancellation of ``E^2 - P^2``, which moves 1e-4 of the entries.
    """
    n_bins = counts.shape[2] - 2
    overflow = f32(n_bins + 1)
    low_1, scale_1 = _scale(edges[LEADING], n_bins)
    low_2, scale_2 = _scale(edges[SUBLEADING], n_bins)
    low_m, scale_m = _scale(edges[MASS], n_bins)
    ids = np.empty((4, BLOCK), np.uint32)
    x = np.empty((6, BLOCK), np.float32)
    bins = np.empty((HISTOGRAMS * QUAD, BLOCK), np.uint16)
    for start in range(0, identity.shape[1], BLOCK):
        n = _copy_block(identity, columns, start, ids, x)
        for quad in range((counts.shape[0] + QUAD - 1) // QUAD):
            number = np.uint64(quad)
            for i in range(BLOCK):
                z1 = normal_quad(ids[0, i], ids[1, i], ids[2, i], number, keys[LEADING])
                z2 = normal_quad(ids[0, i], ids[1, i], ids[3, i], number, keys[SUBLEADING])
                y1 = normal_quad(ids[0, i], ids[1, i], ids[2, i], number, keys[MASS])
                y2 = normal_quad(ids[0, i], ids[1, i], ids[3, i], number, keys[MASS])
                for k in range(QUAD):
                    shift = x[2, i] * y1[k] + x[3, i] * y2[k]
                    mass = math.sqrt(non_negative(x[4, i] + shift * (x[5, i] + shift)))
                    bins[3 * k, i] = bin_number((x[0, i] + x[2, i] * z1[k] - low_1) * scale_1 + ONE, overflow)
                    bins[3 * k + 1, i] = bin_number((x[1, i] + x[3, i] * z2[k] - low_2) * scale_2 + ONE, overflow)
                    bins[3 * k + 2, i] = bin_number((mass - low_m) * scale_m + ONE, overflow)
            _increment(bins, n, QUAD * quad, counts, limbs, start, sums)
