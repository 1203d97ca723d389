"""Soft drop and N-subjettiness of jets, by fastjet and its contributed packages."""

import awkward as ak
import fastjet  # type: ignore[import-untyped,unused-ignore]
import numpy as np

from samples.clustering import as_particles
from samples.collection import Integers
from samples.draws import Floats

# arXiv:1402.2657 with beta = 0 (the modified mass drop), z_cut = 0.1
_SOFT_DROP = {"beta": 0.0, "symmetry_cut": 0.1, "R0": 1.0}
# arXiv:1108.2701 with beta = 1 and one pass from the axes of exclusive kt
_AXES = {"measure_definition": "NormalizedMeasure", "axes_definition": "OnePass_KT_Axes", "beta": 1.0, "R0": 1.0}
_TAUS = (1, 2, 3)
_WHOLE_JET = 100.0  # radius that takes all particles into one jet


def find_substructure(momenta: Floats, sizes: Integers) -> dict[str, Floats]:
    """``msoftdrop`` [GeV] and ``tau1`` to ``tau3`` of jets.

    Parameters
    ----------
    momenta : float64[n, 4]
        px, py, pz, E of the constituents of all jets, one after another [GeV].
    sizes : int64[m]
        Number of constituents of each jet.
    """
    if not len(sizes):
        return {name: np.zeros(0) for name in ("msoftdrop", *(f"tau{number}" for number in _TAUS))}
    sequence = fastjet.ClusterSequence(
        as_particles(momenta, sizes), fastjet.JetDefinition(fastjet.cambridge_algorithm, _WHOLE_JET)
    )
    groomed = sequence.exclusive_jets_softdrop_grooming(njets=1, **_SOFT_DROP)
    taus = ak.to_numpy(sequence.njettiness(njets=list(_TAUS), **_AXES))
    return {
        "msoftdrop": np.maximum(ak.to_numpy(ak.flatten(groomed.msoftdrop, axis=None)), 0.0),
        **{f"tau{number}": taus[:, place] for place, number in enumerate(_TAUS)},
    }
