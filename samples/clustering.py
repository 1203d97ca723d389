"""Anti-kt jets of the particles of many events, by fastjet."""

from collections.abc import Sequence
from dataclasses import dataclass

import awkward as ak
import fastjet  # type: ignore[import-untyped,unused-ignore]
import numpy as np
import numpy.typing as npt
from fastjet import _swig

from samples.draws import Floats

_swig.ClusterSequence.set_fastjet_banner_stream(None)  # it would go between the lines of the command

_AXES = ("px", "py", "pz", "E")
_SMALLEST_PT = 1e-12  # GeV


@dataclass(frozen=True, eq=False)
class Clustered:
    """Jets, in the order of fastjet.

    Parameters
    ----------
    event : int64[n]
        Row of each jet's event.
    momentum : float64[n, 4]
        px, py, pz, E [GeV].
    members : ak.Array, ``events * var * var * int``
        Which of the event's particles are in each jet.
    """

    event: npt.NDArray[np.int64]
    momentum: Floats
    members: ak.Array


def find_jets(momenta: Floats, sizes: Sequence[int] | npt.NDArray[np.int64], radius: float, min_pt: float) -> Clustered:
    """Cluster particles.

    Parameters
    ----------
    momenta : float64[n, 4]
        px, py, pz, E of the particles of all events, one after another [GeV].
    sizes : sequence of int
        Number of particles of each event.
    radius, min_pt : float
        Of the jets [GeV].
    """
    sequence = fastjet.ClusterSequence(
        as_particles(momenta, sizes), fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    )
    jets = sequence.inclusive_jets(min_pt=min_pt)
    return Clustered(
        np.repeat(np.arange(len(sizes)), ak.to_numpy(ak.num(jets))),
        np.stack([ak.to_numpy(ak.flatten(jets[axis])) for axis in _AXES], axis=1),
        sequence.constituent_index(min_pt=min_pt),
    )


def as_particles(momenta: Floats, sizes: Sequence[int] | npt.NDArray[np.int64]) -> ak.Array:
    """Particles as fastjet takes them."""
    return ak.unflatten(ak.zip({axis: momenta[:, column] for column, axis in enumerate(_AXES)}), sizes)


def to_pt_eta_phi_mass(momenta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Transverse momentum [GeV], pseudorapidity, azimuth and mass [GeV]."""
    px, py, pz, energy = momenta.T
    pt = np.hypot(px, py)
    return (
        pt,
        np.arcsinh(pz / np.maximum(pt, _SMALLEST_PT)),
        np.arctan2(py, px),
        np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0)),
    )
