"""Pythia 8: the visible particles of each event, and its hard process."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from samples.collection import Collection, Integers
from samples.draws import Floats, stream_key
from samples.jets.precision import PARTICLE_BITS, PARTICLE_STEP, keep_bits, to_grid
from samples.jets.processes import COMMON, MPI_OFF, QCD, Process
from samples.pythia import configure, start

MIN_PARTICLE_PT = 0.5  # GeV: softer ones curl up in a detector's field
MAX_PARTICLE_ABS_ETA = 5.0
_FIRST_OF_HARD_PROCESS = 5  # entry of Pythia's event: behind the system, two protons and two partons
# Pythia's own engine, restarted for every event: a number of our own per call costs more than the event.
_SEEDS = 900_000_000
_MAX_ATTEMPTS = 20
_PARTICLE = ("pt", "eta", "phi", "mass", "pdgId", "charge")
_HARD = ("pt", "eta", "phi", "mass", "pdgId", "status", "genPartIdxMother")
_MOMENTUM_FIELDS = 4
_NO_MOTHER = -1


@dataclass(frozen=True, eq=False)
class Truth:
    """What is generated in a block of events.

    Parameters
    ----------
    number : int64[n]
        Numbers of the events.
    weight : float32[n]
        Of the events, as they are stored.
    particles : Collection
        Final particles that a calorimeter would see, rounded as they are stored.
    hard : Collection
        The hard process: of QCD two partons, else the W', W, Z and their quarks.
    """

    number: Integers
    weight: "np.ndarray[Any, np.dtype[np.float32]]"
    particles: Collection
    hard: Collection


class Generator:
    """Pythia, set up once, giving any event on request.

    Parameters
    ----------
    process : Process
        What is generated.
    seed : int
        Of the sample.
    mpi : bool
        Multiparton interactions.
    """

    def __init__(self, process: Process, seed: int, mpi: bool) -> None:
        self._read_hard = _read_partons if process.name == QCD else _read_bosons
        self._first_seed = int(stream_key(seed, "jets.pythia", process.name)) % _SEEDS
        settings = (*COMMON, *(() if mpi else MPI_OFF), *process.settings)
        self._pythia = start(configure((*settings, "Random:setSeed = on", "Random:seed = 1")))

    def block(self, first: int, count: int) -> Truth:
        """Events ``first`` up to ``first + count``."""
        particles: list[list[tuple[float, ...]]] = []
        hard: list[list[tuple[float, ...]]] = []
        weights = []
        for number in range(first, first + count):
            self._generate(number)
            particles.append(_read_particles(self._pythia.event))
            hard.append(self._read_hard(self._pythia.event))
            weights.append(self._pythia.infoPython().weight())
        return Truth(
            first + np.arange(count),
            np.array(weights, dtype=np.float32),
            _to_collection(particles, _PARTICLE),
            _to_collection(hard, _HARD),
        )

    def _generate(self, number: int) -> None:
        """Make one event; a failed attempt goes on with the same event's numbers."""
        self._pythia.rndm.init(1 + (self._first_seed + number) % _SEEDS)
        for _ in range(_MAX_ATTEMPTS):
            if self._pythia.next():
                return
        raise RuntimeError(f"Pythia could not generate event {number}")


def _read_particles(event: Any) -> list[tuple[float, ...]]:
    return [
        (*_momentum(particle), particle.id(), particle.charge())
        for particle in event
        if particle.isFinal()
        and particle.pT() > MIN_PARTICLE_PT
        and particle.isVisible()
        and abs(particle.eta()) < MAX_PARTICLE_ABS_ETA
    ]


def _read_partons(event: Any) -> list[tuple[float, ...]]:
    """Both partons that go out of the hard process, before they shower."""
    pair = (event[_FIRST_OF_HARD_PROCESS + index] for index in range(2))
    return [(*_momentum(parton), parton.id(), parton.statusAbs(), _NO_MOTHER) for parton in pair]


def _read_bosons(event: Any) -> list[tuple[float, ...]]:
    """W' and its bosons as they decay, after what they recoil against and radiate; quarks before they shower."""
    resonance = event[_last_copy(event, _FIRST_OF_HARD_PROCESS)]
    bosons = [event[_last_copy(event, index)] for index in resonance.daughterList()]
    family = [(resonance, _NO_MOTHER), *((boson, 0) for boson in bosons)]
    family += [(event[index], mother) for mother, boson in enumerate(bosons, 1) for index in boson.daughterList()]
    return [(*_momentum(member), member.id(), member.statusAbs(), mother) for member, mother in family]


def _last_copy(event: Any, index: int) -> int:
    return int(event[index].iBotCopyId())


def _momentum(particle: Any) -> tuple[float, float, float, float]:
    return particle.pT(), particle.eta(), particle.phi(), particle.m()


def _to_collection(events: list[list[tuple[float, ...]]], names: tuple[str, ...]) -> Collection:
    """Columns as they are stored: momenta rounded, the others whole numbers."""
    sizes = [len(rows) for rows in events]
    values = np.array([row for rows in events for row in rows], dtype=np.float64).reshape(-1, len(names))
    pt, eta, phi, mass = values.T[:_MOMENTUM_FIELDS]
    columns: dict[str, Any] = {
        "pt": keep_bits(pt, PARTICLE_BITS),
        "eta": to_grid(eta, PARTICLE_STEP),
        "phi": to_grid(phi, PARTICLE_STEP),
        "mass": mass.astype(np.float32),
    }
    whole = names[_MOMENTUM_FIELDS:]
    columns |= {name: values[:, _MOMENTUM_FIELDS + place].astype(np.int32) for place, name in enumerate(whole)}
    return Collection(columns, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


def to_momenta(particles: Collection) -> Floats:
    """Turn stored columns into px, py, pz, E."""
    pt, eta, phi, mass = (particles[name] for name in ("pt", "eta", "phi", "mass"))
    pz = pt * np.sinh(eta)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pz, np.sqrt(pt**2 + pz**2 + mass**2)], axis=1)
