"""Pythia 8 with a filter on the recoil, and anti-kt jets: the truth of each event."""

import math
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pythia8mc

from samples.clustering import find_jets, to_pt_eta_phi_mass
from samples.draws import stream_key
from samples.pythia import configure, start
from samples.stop4b.campaigns import Campaign
from samples.stop4b.processes import SIGNAL, Process
from samples.stop4b.slha import write_slha
from samples.stop4b.truth import (
    FROM_B,
    FROM_C,
    FROM_LIGHT,
    FROM_TAU,
    ISOLATED_ELECTRON,
    PROMPT_MUON,
    Bosons,
    Jets,
    Leptons,
    Truth,
)

COMMON = (
    "Print:quiet = on",
    "Beams:eCM = 13000.",
    "Next:numberShowEvent = 0",
    "PhaseSpace:increaseMaximum = off",  # one event must not hand anything on to another
    "HadronLevel:all = on",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.0",  # mm/c: K0S, Lambda and what lives longer reach the detector
)
MPI_OFF = ("PartonLevel:MPI = off",)
JET_RADIUS = 0.4
MIN_JET_PT = 8.0  # GeV
_MAX_ABS_ETA = 4.9  # of the calorimeter
_MIN_LEPTON_PT = 2.5  # GeV; stored candidates start at 3 GeV
_LEPTON_MAX_ABS_ETA = 2.7
_MIN_TRACK_PT = 0.5  # GeV
_TRACKER_MAX_ABS_ETA = 2.5
_MIN_HADRON_PT = 5.0  # GeV, of a heavy hadron that gives a jet its flavour (ATLAS: cone label)
_LABEL_CONE = 0.3

_ELECTRON, _MUON, _TAU, _TOP, _Z, _W, _HIGGS, _CHARGED_HIGGS = 11, 13, 15, 6, 23, 24, 25, 37
_NEUTRINOS, _NEUTRALINO = (12, 14, 16), 1000022
_BOTTOM, _CHARM = 5, 4

# Pythia's own engine, restarted for every event: a number of our own per call costs more than the event.
_SEEDS = 900_000_000
_SEEDS_PER_CAMPAIGN = _SEEDS // 3
_MAX_ATTEMPTS = 20


class _RecoilFilter(pythia8mc.UserHooks):  # type: ignore[misc]
    """Vetoes events before hadronisation whose hard system recoils too softly, and counts what it sees."""

    def __init__(self, identities: tuple[int, ...], min_recoil: float) -> None:
        super().__init__()
        self.identities, self.min_recoil = identities, min_recoil
        self.seen = 0

    def canVetoPartonLevelEarly(self) -> bool:  # noqa: N802 (Pythia's name)
        return True

    def doVetoPartonLevelEarly(self, event: Any) -> bool:  # noqa: N802
        self.seen += 1
        if not self.identities:
            return False
        px = py = 0.0
        for index in range(event.size()):
            particle = event[index]
            if particle.id() in self.identities and particle.isFinal():
                px += particle.px()
                py += particle.py()
        return math.hypot(px, py) < self.min_recoil


@dataclass
class _Columns:
    """Lists that grow by the particles of one event after another."""

    leptons: list[tuple[float, ...]] = field(default_factory=list)
    bosons: list[tuple[float, ...]] = field(default_factory=list)
    constituents: list[tuple[float, ...]] = field(default_factory=list)
    labels: list[tuple[float, ...]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    sums: list[tuple[float, ...]] = field(default_factory=list)
    tried: list[int] = field(default_factory=list)


class Generator:
    """Pythia, set up once, giving any event on request.

    Parameters
    ----------
    process : Process
        What is generated.
    campaign : Campaign
        Campaigns have events of their own.
    seed : int
        Of the sample.
    mpi : bool
        Multiparton interactions: three times slower.
    """

    def __init__(self, process: Process, campaign: Campaign, seed: int, mpi: bool) -> None:
        self._first_seed = (
            int(stream_key(seed, "stop4b.pythia", process.name)) + campaign.number * _SEEDS_PER_CAMPAIGN
        ) % _SEEDS
        self._redecay = process.copies > 1
        self._hook = _RecoilFilter(process.recoil, process.min_recoil)
        with tempfile.NamedTemporaryFile("w", suffix=".slha") as slha:
            settings = (*COMMON, *(() if mpi else MPI_OFF), *process.settings, "Random:setSeed = on", "Random:seed = 1")
            if process.name.startswith(SIGNAL):
                stop_mass, neutralino_mass = (float(mass) for mass in process.name.split("_")[1:])
                Path(slha.name).write_text(write_slha(stop_mass, neutralino_mass))
                settings = (*settings, f"SLHA:file = {slha.name}", "SLHA:verbose = 0")
            self._pythia = configure(settings)
            self._pythia.setUserHooksPtr(self._hook)
            start(self._pythia)

    def block(self, first: int, count: int) -> Truth:
        """Events ``first`` up to ``first + count``."""
        columns = _Columns()
        for row, number in enumerate(range(first, first + count)):
            self._generate(number)
            _read_event(self._pythia.event, row, self._redecay, columns)
            columns.tried.append(self._hook.seen)
        return _to_truth(first, count, columns)

    def _generate(self, number: int) -> None:
        """Make one event; a failed attempt goes on with the same event's numbers."""
        self._pythia.rndm.init(1 + (self._first_seed + number) % _SEEDS)
        self._hook.seen = 0
        for _ in range(_MAX_ATTEMPTS):
            if self._pythia.next():
                return
        raise RuntimeError(f"Pythia could not generate event {number}")


def _read_event(event: Any, row: int, redecay: bool, columns: _Columns) -> None:
    """Append the final state of one event, the bosons to be decayed and the hadrons that label jets."""
    visible_x = visible_y = invisible_x = invisible_y = 0.0
    n_constituents = 0
    for index in range(1, event.size()):
        particle = event[index]
        code = particle.idAbs()
        if not particle.isFinal():
            if particle.isHadron():
                _label(particle, code, row, event, columns)
            elif redecay and code in (_Z, _W) and event[particle.daughter1()].isLepton():
                columns.bosons.append((row, particle.id(), *_momentum(particle), *_top(event, index)))
            elif code == _TAU and particle.pT() > _MIN_HADRON_PT:
                _label_tau(particle, row, event, columns)
            continue
        px, py = particle.px(), particle.py()
        if code in (_Z, _W, _HIGGS, _CHARGED_HIGGS):
            columns.bosons.append((row, _as_vector_boson(particle.id()), *_momentum(particle), *_top(event, index)))
            continue
        if redecay and particle.isLepton() and _is_of_boson(event, index):
            continue
        if code in _NEUTRINOS or code == _NEUTRALINO:
            invisible_x += px
            invisible_y += py
            continue
        if abs(particle.pz()) > math.sinh(_MAX_ABS_ETA) * math.hypot(px, py):
            continue
        if code in (_ELECTRON, _MUON):
            prompt = False
            if particle.pT() > _MIN_LEPTON_PT and abs(particle.eta()) < _LEPTON_MAX_ABS_ETA:
                origin = _origin(event, index, code)
                prompt = origin <= FROM_TAU
                columns.leptons.append((row, particle.id(), origin, particle.pT(), particle.eta(), particle.phi()))
            if prompt or code == _MUON:
                continue
        visible_x += px
        visible_y += py
        n_constituents += 1
        columns.constituents.append((px, py, particle.pz(), particle.e(), float(particle.isCharged())))
    columns.sizes.append(n_constituents)
    columns.sums.append((visible_x, visible_y, invisible_x, invisible_y))


def _is_of_boson(event: Any, index: int) -> bool:
    """Whether a lepton is a boson's own, which is decayed again."""
    code = event[index].idAbs()
    while event[index].idAbs() == code:
        index = event[index].mother1()
    return event[index].idAbs() in (_Z, _W)


def _as_vector_boson(pdg: int) -> int:
    """Name of the boson that a surrogate stands for: 37 for W, a stable 25 for Z."""
    return {_CHARGED_HIGGS: _W, -_CHARGED_HIGGS: -_W, _HIGGS: _Z}.get(pdg, pdg)


def _momentum(particle: Any) -> tuple[float, float, float, float]:
    return particle.px(), particle.py(), particle.pz(), particle.e()


def _top(event: Any, index: int) -> tuple[float, float, float, float]:
    """Momentum of the top quark that a boson comes from, or zeros."""
    code = event[index].idAbs()
    while event[index].idAbs() == code:
        index = event[index].mother1()
    return _momentum(event[index]) if event[index].idAbs() == _TOP else (0.0, 0.0, 0.0, 0.0)


def _origin(event: Any, index: int, code: int) -> int:
    """Class of a lepton by what it comes from."""
    through_tau = False
    index = event[index].mother1()
    while _ELECTRON <= event[index].idAbs() <= _NEUTRINOS[-1]:
        through_tau |= event[index].idAbs() == _TAU
        index = event[index].mother1()
    mother = event[index]
    if not mother.isHadron():
        if mother.idAbs() == 22:  # noqa: PLR2004 (photon)
            return FROM_LIGHT
        if through_tau:
            return FROM_TAU
        return ISOLATED_ELECTRON if code == _ELECTRON else PROMPT_MUON
    flavour = _heavy_flavour(mother.idAbs())
    return {_BOTTOM: FROM_B, _CHARM: FROM_C}.get(flavour, FROM_LIGHT)


def _heavy_flavour(code: int) -> int:
    """Heaviest quark of a hadron, from its number in the Monte Carlo scheme."""
    digits = code % 10_000
    return max(digits // 1000, digits // 100 % 10)


def _label(hadron: Any, code: int, row: int, event: Any, columns: _Columns) -> None:
    """Note a weakly decaying heavy hadron: one without a daughter of the same flavour."""
    flavour = _heavy_flavour(code)
    if flavour not in (_BOTTOM, _CHARM) or hadron.pT() < _MIN_HADRON_PT:
        return
    if any(_heavy_flavour(event[child].idAbs()) == flavour for child in hadron.daughterList()):
        return
    columns.labels.append((row, flavour, hadron.eta(), hadron.phi()))


def _label_tau(tau: Any, row: int, event: Any, columns: _Columns) -> None:
    """Note a tau that decays to hadrons."""
    children = [event[child].idAbs() for child in tau.daughterList()]
    if not any(code in (_ELECTRON, _MUON, _TAU) for code in children):
        columns.labels.append((row, _TAU, tau.eta(), tau.phi()))


def _to_truth(first: int, count: int, columns: _Columns) -> Truth:
    leptons = np.array(columns.leptons, dtype=np.float64).reshape(-1, 6)
    bosons = np.array(columns.bosons, dtype=np.float64).reshape(-1, 10)
    sums = np.array(columns.sums, dtype=np.float64)
    lepton_event, boson_event = leptons[:, 0].astype(np.int64), bosons[:, 0].astype(np.int64)
    return Truth(
        number=np.arange(first, first + count),
        tried=np.array(columns.tried, dtype=np.int64),
        jets=_find_jets(columns),
        leptons=Leptons(
            event=lepton_event,
            index=local_index(lepton_event, count),
            pdg=leptons[:, 1].astype(np.int64),
            iff=leptons[:, 2].astype(np.int64),
            pt=leptons[:, 3],
            eta=leptons[:, 4],
            phi=leptons[:, 5],
        ),
        bosons=Bosons(
            event=boson_event,
            index=local_index(boson_event, count),
            pdg=bosons[:, 1].astype(np.int64),
            momentum=bosons[:, 2:6],
            parent=bosons[:, 6:10],
        ),
        visible=sums[:, :2],
        invisible=sums[:, 2:],
    )


def local_index(event: np.ndarray, count: int) -> np.ndarray:
    """Index in its event of each row, of rows sorted by event."""
    sizes = np.bincount(event, minlength=count)
    return np.arange(len(event)) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _find_jets(columns: _Columns) -> Jets:
    values = np.array(columns.constituents, dtype=np.float64).reshape(-1, 5)
    found = find_jets(values[:, :4], columns.sizes, JET_RADIUS, MIN_JET_PT)
    pt, eta, phi, mass = to_pt_eta_phi_mass(found.momentum)
    return Jets(
        event=found.event,
        index=local_index(found.event, len(columns.sizes)),
        pt=pt,
        eta=eta,
        phi=phi,
        m=mass,
        flavour=_find_flavours(found.event, eta, phi, columns),
        ntrk=_count_tracks(values, columns.sizes, found.members),
    )


def _count_tracks(values: np.ndarray, sizes: list[int], members: ak.Array) -> np.ndarray:
    pt = np.hypot(values[:, 0], values[:, 1])
    in_tracker = np.abs(values[:, 2]) < math.sinh(_TRACKER_MAX_ABS_ETA) * pt
    track = ak.unflatten((values[:, 4] > 0) & (pt > _MIN_TRACK_PT) & in_tracker, sizes)
    per_jet = ak.num(members, axis=2)
    flat = ak.flatten(track[ak.flatten(members, axis=2)])
    return ak.to_numpy(ak.sum(ak.unflatten(flat, ak.to_numpy(ak.flatten(per_jet))), axis=1)).astype(np.int64)


def _find_flavours(event: np.ndarray, eta: np.ndarray, phi: np.ndarray, columns: _Columns) -> np.ndarray:
    """Flavour of each jet: the strongest label within its cone, b before c before tau."""
    flavour = np.zeros(len(event), dtype=np.int64)
    starts = np.searchsorted(event, np.arange(len(columns.sizes) + 1))
    rank = {_BOTTOM: 3, _CHARM: 2, _TAU: 1, 0: 0}
    for row, label, label_eta, label_phi in columns.labels:
        here = slice(starts[int(row)], starts[int(row) + 1])
        distance = np.hypot(eta[here] - label_eta, np.remainder(phi[here] - label_phi + np.pi, 2 * np.pi) - np.pi)
        for jet in np.flatnonzero(distance < _LABEL_CONE):
            if rank[int(label)] > rank[int(flavour[here][jet])]:
                flavour[here][jet] = int(label)
    return flavour
