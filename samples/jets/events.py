"""From particles to what is stored: events with a hard large-R jet, their jets and constituents."""

from dataclasses import dataclass, replace
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from samples.clustering import Clustered, find_jets, to_pt_eta_phi_mass
from samples.collection import Collection, Integers, gather
from samples.draws import Floats
from samples.jets.generator import Truth, to_momenta
from samples.jets.precision import JET_BITS, JET_STEP, keep_bits, to_grid
from samples.jets.substructure import find_substructure

RADIUS = 1.0
MIN_JET_PT, MIN_LEADING_PT = 200.0, 450.0  # GeV
MAX_JET_ABS_ETA = 2.0
NO_BOSON, OF_W, OF_Z = 0, 1, 2
_LABELS = {24: OF_W, 23: OF_Z}  # by the PDG code of the boson


@dataclass(frozen=True, eq=False)
class Events:
    """Stored events of a block of generated ones.

    Parameters
    ----------
    number : int64[n]
        Numbers of the events.
    weight : float32[n]
        Of the events.
    jets, candidates, hard : Collection
        Jets by falling pt, their constituents (jet by jet, by falling pt), and the hard process.
    generated_weights : float32
        Of all generated events, stored or not.
    first : int
        Number of the first of them.
    """

    number: Integers
    weight: npt.NDArray[np.float32]
    jets: Collection
    candidates: Collection
    hard: Collection
    generated_weights: npt.NDArray[np.float32]
    first: int

    def __len__(self) -> int:
        """Count the stored events."""
        return len(self.number)

    def head(self, count: int) -> "Events":
        """Return the first stored events, with the generated ones up to the last of them."""
        if count >= len(self):
            return self
        rows = np.arange(count)
        return replace(
            self,
            number=self.number[rows],
            weight=self.weight[rows],
            jets=self.jets.take(rows),
            candidates=self.candidates.take(rows),
            hard=self.hard.take(rows),
            generated_weights=self.generated_weights[: self.number[count - 1] + 1 - self.first],
        )


def select(truth: Truth) -> Events:
    """Cluster the particles, and keep events with a jet of 450 GeV."""
    momenta = to_momenta(truth.particles)
    found = find_jets(momenta, np.diff(truth.particles.offsets), RADIUS, MIN_JET_PT)
    kept, rows = _choose(found, len(truth.number))
    members, constituents = _constituents(found, rows, truth.particles)
    per_event = np.bincount(found.event[rows], minlength=len(truth.number))[kept]
    per_jet = np.diff(constituents)
    jets = Collection(
        _round(found.momentum[rows], find_substructure(momenta[members], per_jet))
        | {"nConstituents": per_jet.astype(np.int32)},
        _offsets(per_event),
    )
    hard = truth.hard.take(kept)
    return Events(
        truth.number[kept],
        truth.weight[kept],
        replace(jets, columns=jets.columns | {"genLabel": find_labels(jets, hard)}),
        Collection(
            {name: column[members] for name, column in truth.particles.columns.items()},
            constituents[jets.offsets],
        ),
        hard,
        truth.weight,
        int(truth.number[0]),
    )


def _choose(found: Clustered, count: int) -> tuple[Integers, Integers]:
    """Rows of events with a hard jet, and of their jets by falling pt."""
    pt, eta, *_ = to_pt_eta_phi_mass(found.momentum)
    central = np.abs(eta) < MAX_JET_ABS_ETA
    is_kept = np.zeros(count, dtype=bool)
    is_kept[found.event[central & (pt > MIN_LEADING_PT)]] = True
    order = np.lexsort((-pt, found.event))
    return np.flatnonzero(is_kept), order[(central & is_kept[found.event])[order]]


def _constituents(found: Clustered, rows: Integers, particles: Collection) -> tuple[Integers, Integers]:
    """Rows of the particles in some jets, by falling pt in each, and the offsets of the jets into them."""
    sizes = ak.to_numpy(ak.flatten(ak.num(found.members, axis=2)))
    in_event = ak.to_numpy(ak.flatten(found.members, axis=None))
    members = in_event + np.repeat(particles.offsets[found.event], sizes)
    positions, offsets = gather(_offsets(sizes), rows)
    members = members[positions]
    jet = np.repeat(np.arange(len(rows)), np.diff(offsets))
    return members[np.lexsort((-particles["pt"][members], jet))], offsets


def _offsets(sizes: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _round(momentum: Floats, substructure: dict[str, Floats]) -> dict[str, Any]:
    """Columns of the jets as they are stored."""
    pt, eta, phi, mass = to_pt_eta_phi_mass(momentum)
    return {
        "pt": keep_bits(pt, JET_BITS),
        "eta": to_grid(eta, JET_STEP),
        "phi": to_grid(phi, JET_STEP),
        "mass": keep_bits(mass, JET_BITS),
        **{name: keep_bits(values, JET_BITS) for name, values in substructure.items()},
    }


def find_labels(jets: Collection, hard: Collection) -> npt.NDArray[np.int32]:
    """Boson of each jet: that one, with both of its quarks, lies within the radius of the jet's axis.

    Parameters
    ----------
    jets : Collection
        With ``eta`` and ``phi``.
    hard : Collection
        The hard process, each mother in front of its daughters.
    """
    labels = np.full(jets.offsets[-1], NO_BOSON, dtype=np.int32)
    for code, label in _LABELS.items():
        for boson in np.flatnonzero(np.abs(hard.columns["pdgId"]) == code):
            event = hard.event[boson]
            family = slice(hard.offsets[event], hard.offsets[event + 1])
            quarks = np.flatnonzero(hard.columns["genPartIdxMother"][family] == hard.index[boson]) + family.start
            here = slice(jets.offsets[event], jets.offsets[event + 1])
            inside = [_distance(jets, here, hard, row) < RADIUS for row in (boson, *quarks)]
            labels[here][np.all(inside, axis=0)] = label
    return labels


def _distance(jets: Collection, here: slice, hard: Collection, row: int) -> Floats:
    """Distance in eta and phi of some jets from a particle."""
    delta_phi = np.remainder(jets["phi"][here] - hard["phi"][row] + np.pi, 2 * np.pi) - np.pi
    return np.hypot(jets["eta"][here] - hard["eta"][row], delta_phi)
