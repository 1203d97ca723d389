"""Templates of m_ee: simulation with its energies scaled and smeared, on a grid of scales and constant terms."""

import math

from hepcol.kernels._jit import Floats, Integers, kernel
from hepcol.kernels.binning import bin_number


@kernel
def fill_templates(
    pt: Floats,
    mass: Floats,
    normals: Floats,
    pair: Integers,
    limbs: Floats,
    alphas: Floats,
    constants: Floats,
    cuts: tuple[float, float, float],
    axis: tuple[float, float, int],
    counts: Integers,
    sums: Floats,
) -> None:
    """Fill each pair on all points of the grid.

    E' = (1 + alpha) (1 + c N) E of both electrons, with the same N on all points.

    Parameters
    ----------
    pt : float64[n, 2]
        Of both electrons [GeV].
    mass : float64[n]
        Of the pairs [GeV].
    normals : float64[n, 2]
        Standard normal numbers.
    pair : int64[n]
        Pair of regions; in order, or the cache is of no use: 4 times as long.
    limbs : float64[n, k]
        Limbs of weights and of their squares.
    alphas, constants : float64
        The grid.
    cuts : tuple of float
        Smallest pt, and the range of masses, of which none is accepted itself [GeV].
    axis : tuple
        Lower and upper end of the axis of masses, and its number of bins.
    counts : int64[pairs, alphas, constants, bins + 2]
        To be filled.
    sums : float64[pairs, alphas, constants, bins + 2, k]
        To be filled.
    """
    min_pt, min_mass, max_mass = cuts
    low, high, n_bins = axis
    for n in range(len(mass)):
        for c in range(len(constants)):
            first, second = 1.0 + constants[c] * normals[n, 0], 1.0 + constants[c] * normals[n, 1]
            smeared = mass[n] * math.sqrt(max(first * second, 0.0))
            for a in range(len(alphas)):
                scale = 1.0 + alphas[a]
                if not (pt[n, 0] * first * scale > min_pt and pt[n, 1] * second * scale > min_pt):
                    continue
                value = smeared * scale
                if not min_mass < value < max_mass:
                    continue
                number = bin_number(value, low, high, n_bins)
                counts[pair[n], a, c, number] += 1
                for limb in range(limbs.shape[1]):
                    sums[pair[n], a, c, number, limb] += limbs[n, limb]
