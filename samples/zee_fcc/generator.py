"""e+e- -> Z/gamma* -> e+e- by Pythia 8: the generator record of each event."""

from collections.abc import Iterator

import numpy as np
import pythia8mc

from samples.pythia import configure, start
from samples.zee_fcc.draws import GENERATOR, INITIALISATION, draw, open_stream
from samples.zee_fcc.layout import Block, Table, count_to_offsets, links, rows

SQRT_S = 91.19  # GeV, as close to the Z as the beams go
PROCESS = "e+e- -> Z/gamma* -> e+e- (s-channel only, no Bhabha t-channel), ISR and FSR"
SETTINGS = (
    "Print:quiet = on",
    "Beams:idA = 11",
    "Beams:idB = -11",
    f"Beams:eCM = {SQRT_S}",
    "PDF:lepton = on",  # the beam's structure function, which is the initial-state radiation
    "WeakSingleBoson:ffbar2gmZ = on",
    "23:onMode = off",
    "23:onIfAny = 11",
)
_DRAWS_AT_ONCE = 512  # an event takes 210 on average
_MAX_ATTEMPTS = 10


class _EventStream(pythia8mc.RndmEngine):  # type: ignore[misc]
    """Feeds Pythia the numbers of one event: its own engine can only run on from the event before."""

    def __init__(self) -> None:
        super().__init__()
        self.seek(0, 0, INITIALISATION)

    def seek(self, seed: int, event: int, purpose: int = GENERATOR) -> None:
        self._stream = open_stream(seed, event, purpose)
        self._numbers: Iterator[float] = iter(())

    def flat(self) -> float:
        for number in self._numbers:
            return number
        self._numbers = iter(draw(self._stream, _DRAWS_AT_ONCE).tolist())
        return next(self._numbers)


class Generator:
    """Pythia, set up once, giving any event on request.

    Parameters
    ----------
    seed : int
        Key of every event's random numbers. The search for the maximum of the cross section, which is all
        that one event could hand on to another, has numbers of its own that do not depend on it.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._numbers = _EventStream()
        self._pythia = configure(SETTINGS)
        self._pythia.setRndmEnginePtr(self._numbers)
        start(self._pythia)

    def block(self, first: int, count: int) -> Block:
        """Particles of events ``first`` up to ``first + count``, and the links to parents and daughters."""
        per_event, particles, parents, daughters = [], [], [], []
        for event in range(first, first + count):
            self._generate(event)
            record = self._pythia.event
            # entry 0 is the system as a whole, so that particles are numbered from the first beam
            for index in range(1, record.size()):
                particle = record[index]
                mothers = [mother - 1 for mother in particle.motherList() if mother]
                children = [child - 1 for child in particle.daughterList() if child]
                parents.append(mothers)
                daughters.append(children)
                particles.append(
                    (
                        particle.id(),
                        particle.statusHepMC(),
                        particle.charge(),
                        particle.m(),
                        particle.px(),
                        particle.py(),
                        particle.pz(),
                    )
                )
            per_event.append(record.size() - 1)
        offsets = count_to_offsets(np.array(per_event))
        filled = _fill_particles(np.array(particles, dtype=np.float64))
        return {
            "Particle#0": _link(filled, offsets, parents, "parents"),
            "Particle#1": _link(filled, offsets, daughters, "daughters"),
            "Particle": Table(filled, offsets),
        }

    def _generate(self, event: int) -> None:
        """Make one event; a failed attempt goes on with the same event's numbers."""
        self._numbers.seek(self.seed, event)
        for _ in range(_MAX_ATTEMPTS):
            if self._pythia.next():
                return
        raise RuntimeError(f"Pythia could not generate event {event} of seed {self.seed}")


def _fill_particles(values: np.ndarray) -> np.ndarray:
    filled = rows("Particle", len(values))
    filled["PDG"], filled["generatorStatus"], filled["charge"], filled["mass"] = values[:, :4].T
    for axis, component in zip("xyz", values[:, 4:].T, strict=True):
        filled["momentum"][axis] = component
    return filled


def _link(particles: np.ndarray, offsets: np.ndarray, related: list[list[int]], relation: str) -> Table:
    """Write each particle's range of links, which counts from the event's first, and return the links."""
    ends = np.cumsum([len(one) for one in related])
    before = count_to_offsets(np.array([len(one) for one in related]))
    link_offsets = before[offsets]
    event_start = np.repeat(link_offsets[:-1], np.diff(offsets))
    particles[f"{relation}_begin"] = before[:-1] - event_start
    particles[f"{relation}_end"] = ends - event_start
    flat = np.array([index for one in related for index in one], dtype=np.int64)
    return Table(links(flat, "Particle"), link_offsets)
