"""pp -> Z/gamma* -> ee at 13 TeV by Pythia 8: electrons and photons of each event."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samples.draws import Floats, stream_key
from samples.pythia import configure, start

SQRT_S = 13_000.0  # GeV
PROCESS = "pp -> Z/gamma* -> e+e-, leading order, initial- and final-state radiation, no multiparton interactions"
MIN_MASS = 50.0  # GeV, of the Z/gamma* that is generated
SETTINGS = (
    "Print:quiet = on",
    f"Beams:eCM = {SQRT_S}",
    "WeakSingleBoson:ffbar2gmZ = on",
    "23:onMode = off",
    "23:onIfAny = 11",
    f"PhaseSpace:mHatMin = {MIN_MASS}",
    "PartonLevel:MPI = off",
    "HadronLevel:all = off",  # electrons and photons of the hard process are all that is looked at
)
_ELECTRON, _PHOTON = 11, 22
_MIN_PHOTON_PT = 0.1  # GeV
# Pythia's own engine, restarted for every event: a number of our own per call costs more than the event.
_SEEDS = 900_000_000
_MAX_ATTEMPTS = 20
_SMALLEST_PT = 1e-12  # GeV


@dataclass(frozen=True, eq=False)
class Particles:
    """Particles of a block of events.

    Parameters
    ----------
    event : int64[n]
        Row of the event in the block.
    charge : float64[n]
        Electric charge.
    pt, eta, phi : float64[n]
        Transverse momentum [GeV], pseudorapidity, azimuth; all are taken as massless.
    """

    event: npt.NDArray[np.int64]
    charge: Floats
    pt: Floats
    eta: Floats
    phi: Floats

    def __len__(self) -> int:
        """Count the particles."""
        return len(self.event)


@dataclass(frozen=True, eq=False)
class Truth:
    """What is generated in a block of events: electrons and photons, by falling pt in each event."""

    number: npt.NDArray[np.int64]
    electrons: Particles
    photons: Particles


class Generator:
    """Pythia, set up once, giving any event on request.

    Parameters
    ----------
    seed : int
        Of the sample.
    namespace : str
        Simulation and pseudo-data have events of their own.
    """

    def __init__(self, seed: int, namespace: str) -> None:
        self._first_seed = int(stream_key(seed, "zee_atlas.pythia", namespace)) % _SEEDS
        self._pythia = start(configure((*SETTINGS, "Random:setSeed = on", "Random:seed = 1")))

    def block(self, first: int, count: int) -> Truth:
        """Events ``first`` up to ``first + count``."""
        found: list[tuple[float, ...]] = []
        for row in range(count):
            self._generate(first + row)
            _read_event(self._pythia.event, row, found)
        columns = np.array(found, dtype=np.float64).reshape(-1, 6)
        return Truth(
            first + np.arange(count),
            _to_particles(columns[columns[:, 1] == _ELECTRON]),
            _to_particles(columns[columns[:, 1] == _PHOTON]),
        )

    def _generate(self, number: int) -> None:
        """Make one event; a failed attempt goes on with the same event's numbers."""
        self._pythia.rndm.init(1 + (self._first_seed + number) % _SEEDS)
        for _ in range(_MAX_ATTEMPTS):
            if self._pythia.next():
                return
        raise RuntimeError(f"Pythia could not generate event {number}")


def _read_event(event: Any, row: int, found: list[tuple[float, ...]]) -> None:
    """Append the final electrons and photons of an event."""
    for index in range(1, event.size()):
        particle = event[index]
        code = particle.idAbs()
        if code not in (_ELECTRON, _PHOTON) or not particle.isFinal():
            continue
        if code == _PHOTON and particle.pT() < _MIN_PHOTON_PT:
            continue
        found.append((row, code, particle.charge(), particle.px(), particle.py(), particle.pz()))


def _to_particles(columns: Floats) -> Particles:
    """Sort by event and falling pt."""
    event, charge, px, py, pz = columns[:, [0, 2, 3, 4, 5]].T
    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / np.maximum(pt, _SMALLEST_PT))
    order = np.lexsort((-pt, event))
    return Particles(event[order].astype(np.int64), charge[order], pt[order], eta[order], np.arctan2(py, px)[order])
