"""Regions of eta that are calibrated by themselves, and pairs of them."""

from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

# Of the cluster, in the frame of the calorimeter; the crack has no electrons
ETA_EDGES = (-2.47, -2.0, -1.52, -1.37, -0.8, 0.0, 0.8, 1.37, 1.52, 2.0, 2.47)
# Regions beside the crack, as intervals of the edges
REGIONS = tuple(number for number in range(len(ETA_EDGES) - 1) if number not in (2, 7))
PAIRS = tuple(combinations_with_replacement(range(len(REGIONS)), 2))


def title(region: int) -> str:
    """Return the interval of a region."""
    low, high = ETA_EDGES[REGIONS[region]], ETA_EDGES[REGIONS[region] + 1]
    return f"{low:g} < eta < {high:g}"


def pair_of(eta: npt.NDArray[np.float64]) -> Integers:
    """Number the pairs of regions; -1 where an electron is in none.

    Parameters
    ----------
    eta : float64[n, 2]
        Of both electrons.
    """
    of_interval = np.full(len(ETA_EDGES) + 1, -1)
    of_interval[np.array(REGIONS) + 1] = np.arange(len(REGIONS))
    region = np.sort(of_interval[np.searchsorted(ETA_EDGES, eta, side="right")], axis=1)
    number = np.full((len(REGIONS), len(REGIONS)), -1)
    for position, (first, second) in enumerate(PAIRS):
        number[first, second] = position
    return np.where((region >= 0).all(axis=1), number[region[:, 0], region[:, 1]], -1)
