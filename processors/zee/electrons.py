"""The electrons of an event and the choice of a pair, from the columns of EDM4hep."""

from dataclasses import dataclass, replace
from enum import StrEnum

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.columns import Collection
from hepcol.kernels import pairs as kernels
from hepcol.schemas import Columns

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

ELECTRON_PDG_ID = 11
PAIR = 2
FINAL_STATE = 1  # generatorStatus of a stable particle, HepMC convention
# The electron mass [GeV] as the original study has it; the PDG's is 0.00051099895
ORIGINAL_MASS = 0.0005124
# podio::ObjectID's collectionID where nothing was linked (podio ObjectID.h: untracked and invalid)
UNLINKED_COLLECTIONS = (-1, -2)


class Electrons(StrEnum):
    """Which electrons the analysis takes."""

    RECONSTRUCTED = "reconstructed"
    GENERATOR = "generator"
    ORIGINAL = "original"


# The links from electrons to reconstructed particles, by their name before and since EDM4hep 1
LINK_COLLECTIONS = ("Electronidx0", "Electron_objIdx")

_MOMENTUM = ("px", "py", "pz", "mass", "charge")
COLUMNS: dict[Electrons, Columns] = {
    Electrons.RECONSTRUCTED: (
        *(f"ReconstructedParticles.{name}" for name in _MOMENTUM),
        tuple(f"{links}.index" for links in LINK_COLLECTIONS),
        tuple(f"{links}.collectionID" for links in LINK_COLLECTIONS),
    ),
    Electrons.GENERATOR: (
        *(f"Particle.{name}" for name in _MOMENTUM),
        "Particle.PDG",
        "Particle.generatorStatus",
    ),
    Electrons.ORIGINAL: tuple(f"Particle.{name}" for name in _MOMENTUM if name != "mass"),
}


@dataclass(frozen=True, eq=False)
class Pairs:
    """The electron pairs of the selected events of a chunk, and how they were found.

    Parameters
    ----------
    event : int64[n]
        Position of each selected event in the chunk.
    obj : int64[n, 2]
        Index of the leading and the subleading electron in the stored collection of the event.
    px, py, pz, mass : float64[n, 2]
        Momenta and masses [GeV].
    cutflow : dict of str to int
        Events that passed each step.
    tallies : dict of str to int
        Links that were seen and could not be used.
    """

    event: IntArray
    obj: IntArray
    px: FloatArray
    py: FloatArray
    pz: FloatArray
    mass: FloatArray
    cutflow: dict[str, int]
    tallies: dict[str, int]

    def __getitem__(self, rows: slice) -> "Pairs":
        """Take pairs of some rows; how all were found stays."""
        return replace(
            self,
            event=self.event[rows],
            obj=self.obj[rows],
            **{name: getattr(self, name)[rows] for name in ("px", "py", "pz", "mass")},
        )


def select_pairs(events: ak.Array, electrons: Electrons) -> Pairs:
    """Choose the electron pair of each event."""
    if electrons is Electrons.ORIGINAL:
        return _original_pairs(events)
    if electrons is Electrons.GENERATOR:
        particles = Collection(events.Particle)
        is_electron = np.abs(particles["PDG"]) == ELECTRON_PDG_ID
        candidates = np.flatnonzero(is_electron & (particles["generatorStatus"] == FINAL_STATE))
        return _leading_pairs(particles, candidates, np.searchsorted(candidates, particles.offsets), {})
    particles = Collection(events.ReconstructedParticles)
    candidates, candidate_offsets, tallies = _linked(events, particles.offsets)
    return _leading_pairs(particles, candidates, candidate_offsets, tallies)


def _linked(events: ak.Array, offsets: IntArray) -> tuple[IntArray, IntArray, dict[str, int]]:
    """Positions of the particles that valid electron links point to, event by event.

    The links of the electron collection lead into ReconstructedParticles, whose collection ID NanoEvents does not
    tell: a valid link is taken to lead there.
    """
    links = Collection(events[next(name for name in LINK_COLLECTIONS if name in events.fields)])
    index = links["index"].astype(np.int64)
    event = np.repeat(np.arange(len(offsets) - 1), np.diff(links.offsets))
    valid = (index >= 0) & (index < np.diff(offsets)[event])
    valid &= ~np.isin(links["collectionID"], UNLINKED_COLLECTIONS)
    candidate_offsets = np.concatenate(([0], np.cumsum(valid)))[links.offsets]
    tallies = {"electron links": len(index), "invalid electron links": int(np.count_nonzero(~valid))}
    return (offsets[event] + index)[valid], candidate_offsets, tallies


def _leading_pairs(
    particles: Collection,
    candidates: IntArray,
    candidate_offsets: IntArray,
    tallies: dict[str, int],
) -> Pairs:
    """Choose the candidate of highest energy and its highest-energy partner of opposite charge."""
    # of 19 generated particles two are electrons: only their columns are converted
    px, py, pz, mass, charge = (particles[name][candidates].astype(np.float64) for name in _MOMENTUM)
    pairs = kernels.leading_pairs(energy_of(px, py, pz, mass), charge, candidate_offsets)
    selected = np.flatnonzero(pairs[:, 1] != kernels.NO_OBJECT)
    chosen = pairs[selected]
    return Pairs(
        selected,
        candidates[chosen] - particles.offsets[selected, np.newaxis],
        px[chosen],
        py[chosen],
        pz[chosen],
        mass[chosen],
        cutflow={
            "all events": len(particles.offsets) - 1,
            "at least two electrons": int(np.count_nonzero(np.diff(candidate_offsets) >= PAIR)),
            "opposite-charge pair": len(selected),
        },
        tallies=tallies,
    )


def _original_pairs(events: ak.Array) -> Pairs:
    """Take the first two particles of the record, which are the beams, if their charges are opposite."""
    particles = Collection(events.Particle)
    offsets = particles.offsets
    with_two = np.flatnonzero(np.diff(offsets) >= PAIR)
    first = offsets[with_two]
    charge = particles["charge"]
    opposite = charge[first] * charge[first + 1] < 0
    selected = with_two[opposite]
    chosen = np.stack([first[opposite], first[opposite] + 1], axis=1)
    px, py, pz = (particles[name][chosen].astype(np.float64) for name in ("px", "py", "pz"))
    return Pairs(
        selected,
        chosen - offsets[selected, np.newaxis],
        px,
        py,
        pz,
        np.full(px.shape, ORIGINAL_MASS),
        cutflow={
            "all events": len(offsets) - 1,
            "at least two particles": len(with_two),
            "opposite-charge pair": len(selected),
        },
        tallies={},
    )


def energy_of(px: FloatArray, py: FloatArray, pz: FloatArray, mass: FloatArray) -> FloatArray:
    """Energy from momentum and mass [GeV]; only correctly rounded operations."""
    return np.sqrt(px * px + py * py + pz * pz + mass * mass)
