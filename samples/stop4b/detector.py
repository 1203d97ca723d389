"""A parametrised detector with numbers like those of ATLAS in Run 2: candidates before any selection.

All numbers are ours unless a source stands beside them; none was tuned to a result of the search. There is no
pile-up but in the soft term, no conversion, no charge flip, and no photon but in jets. Electrons near no jet also
make a jet, as in ATLAS. Every random number belongs to (event number, object, draw), so that it does not depend on
what else is in a chunk.
"""

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from samples.collection import Collection, Column, gather
from samples.draws import Floats, normals, stream_key, uniforms
from samples.stop4b.campaigns import Campaign
from samples.stop4b.columns import Events
from samples.stop4b.decays import Decayed, decay
from samples.stop4b.kernels import MAX_CONE
from samples.stop4b.processes import Process
from samples.stop4b.resolutions import electron_resolution, jet_resolution, muon_resolution
from samples.stop4b.selection import FORWARD_MAX_ABS_ETA, FORWARD_MIN_PT, JET_MAX_ABS_ETA, JET_MIN_PT
from samples.stop4b.truth import (
    FROM_B,
    FROM_C,
    FROM_LIGHT,
    FROM_TAU,
    PROMPT_CLASSES,
    Integers,
    Jets,
    Leptons,
    Truth,
)

_ELECTRON, _MUON, _TAU, _B, _C, _Z = 11, 13, 15, 5, 4, 23
_TRACKER_MAX_ABS_ETA = 2.5
_DECAYED_INDEX, _FAKE_INDEX, _ELECTRON_JET_INDEX = 100, 200, 2000
_MIN_FACTOR = 0.05  # of a smeared momentum
_TAU_INDEX = 1000  # jets of decayed taus start here, see decays
_EVENT_DRAW = 0  # object index of the draws of an event as a whole


P = TypeVar("P", Leptons, Jets)


@dataclass(frozen=True)
class DetectorCard:
    """Acceptance and efficiencies; momenta in GeV. Resolutions are in ``resolutions``."""

    name: str = "ATLAS-like"
    # Candidates: below the thresholds of the analysis, so that variations that lift an object are complete.
    electron_min_pt: float = 3.5
    electron_max_abs_eta: float = 2.5
    muon_min_pt: float = 3.0
    muon_max_abs_eta: float = 2.5
    jet_min_pt: float = 15.0
    jet_max_abs_eta: float = 4.5
    # plateau - loss exp(-(pt - start) / scale)
    # Electrons, arXiv:1902.04655: loose 93 %, medium 88 % at 40 GeV; tight 58 % at 4.5 GeV, medium some 10 % above.
    electron_loose: tuple[float, float, float, float] = (0.95, 0.15, 4.5, 15.0)
    electron_medium: tuple[float, float, float, float] = (0.95, 0.10, 4.5, 20.0)
    # An electron of a hadron lies in the shower of its jet, where the likelihood finds few: times the above. Were it
    # found as others are, overlap removal would take a tenth of all hard jets for electrons.
    electron_of_heavy_hadron: float = 0.20
    electron_of_light_hadron: float = 0.05
    muon_medium: tuple[float, float, float, float] = (0.97, 0.25, 3.0, 1.5)
    isolation: tuple[float, float, float, float] = (0.99, 0.15, 4.0, 10.0)
    isolation_of_non_prompt: float = 0.10
    # Widths of d0 over its error, by origin: prompt, tau, b, c, light.
    d0sig_prompt: float = 1.1
    d0sig_tau: float = 2.0
    d0sig_b: float = 6.0
    d0sig_c: float = 3.0
    d0sig_light: float = 1.5
    # 77 % working point: SPEC 1, from GAMBIT's ColliderBit of this search.
    tag_b: float = 0.77
    tag_c: float = 1 / 4.9
    tag_tau: float = 1 / 15
    tag_light: float = 1 / 110
    jvt_efficiency: tuple[float, float, float, float] = (0.995, 0.07, 20.0, 40.0)
    jvt_max_pt: float = 120.0
    # Track soft term: part of the true one, and noise along each axis that grows with pile-up.
    soft_response: float = 0.7
    soft_noise: float = 5.0
    soft_noise_per_collision: float = 0.08
    # Missing-momentum trigger: error function of the nominal missing momentum.
    trigger_threshold: float = 170.0
    trigger_width: float = 25.0
    bad_event_rate: float = 0.003
    # Truth that goes to the detector at all.
    min_invisible: float = 100.0
    # Leptons put in by hand into fakes: power law pt^-3 from here.
    fake_min_pt: float = 3.6
    fake_max_pt: float = 60.0


def reconstruct(truth: Truth, process: Process, campaign: Campaign, seed: int, card: DetectorCard) -> Events:
    """Candidates of the copies of generated events that have two leptons and enough missing momentum.

    The rows keep the order of (generated event, copy). ``branching`` is a column of its own, out of which
    ``sample`` makes the weight; it holds the rate of fakes and the correction of the mixture too.
    """
    namespace = f"{process.name}/{campaign.name}"
    decayed = decay(truth.bosons, truth.number, process, seed, namespace)
    copies = process.copies
    number = (truth.number[:, None] * copies + np.arange(copies)).ravel()
    invisible = np.repeat(truth.invisible, copies, axis=0) + decayed.invisible
    n_leptons = np.repeat(np.bincount(truth.leptons.event, minlength=len(truth)), copies)
    n_leptons += np.bincount(decayed.leptons.event, minlength=len(number)) + (process.fake_rate > 0)
    passed = (n_leptons >= 2) & (np.hypot(*invisible.T) > card.min_invisible)  # noqa: PLR2004 (a pair)
    rows = np.flatnonzero(passed)
    draws = _Draws(seed, namespace, number_events(number[rows], process, campaign))
    leptons = _merge_leptons(truth, decayed, rows, copies)
    if process.fake_rate > 0:
        leptons = _add_fakes(leptons, draws, card)
    electrons, muons = _measure_electrons(leptons, draws, card), _measure_muons(leptons, draws, card)
    jets, counted = _measure_jets(truth, decayed, leptons, rows, copies, draws, card)
    soft = _measure_soft_term(truth.visible[rows // copies], counted, campaign, draws, card)
    u = uniforms(draws.key("event"), draws.event, _EVENT_DRAW, 0)
    trigger = uniforms(draws.key("event"), draws.event, _EVENT_DRAW, 1)
    correction = _correct_mixture(truth, process)
    columns: dict[str, Column] = {
        "eventNumber": draws.event,
        "runNumber": np.full(len(rows), campaign.run_number, dtype=np.int32),
        "campaign": np.full(len(rows), campaign.number, dtype=np.int8),
        "mcChannel": np.full(len(rows), process.mc_channel, dtype=np.int32),
        "soft_px": soft[:, 0].astype(np.float32),
        "soft_py": soft[:, 1].astype(np.float32),
        "passBadEvents": u >= card.bad_event_rate,
        "trigger_draw": trigger,
        "branching": decayed.branching[rows] * (process.fake_rate or 1.0) * correction[rows // copies],
        "number": number[rows],
    }
    return Events(electrons, muons, jets, columns)


def _correct_mixture(truth: Truth, process: Process) -> Floats:
    """Factor of each generated event that gives sub-processes their shares of the literature."""
    if not process.parts:
        return np.ones(len(truth))
    n_z = np.bincount(truth.bosons.event[truth.bosons.pdg == _Z], minlength=len(truth))
    return np.array(process.corrections)[n_z]


_NUMBERS = 1 << 30
_CAMPAIGNS = 4


def number_events(number: Integers, process: Process, campaign: Campaign) -> npt.NDArray[np.uint64]:
    """``eventNumber``: (mcChannel * 4 + campaign) * 2^30 + number of the event; below 2^53."""
    if len(number) and number[-1] >= _NUMBERS:
        raise OverflowError(f"a sample can have {_NUMBERS} events")
    return (number + (process.mc_channel * _CAMPAIGNS + campaign.number) * _NUMBERS).astype(np.uint64)


@dataclass(frozen=True)
class _Draws:
    """Streams of one data set."""

    seed: int
    namespace: str
    event: npt.NDArray[np.uint64]

    def key(self, stream: str) -> np.uint64:
        return stream_key(self.seed, f"stop4b.detector.{stream}", self.namespace)

    def uniform(self, stream: str, objects: Leptons | Jets, draw: int) -> Floats:
        return uniforms(self.key(stream), self.event[objects.event], objects.index, draw)

    def normal(self, stream: str, objects: Leptons | Jets, draw: int) -> Floats:
        return normals(self.key(f"{stream}.normal"), self.event[objects.event], objects.index, draw)


def _starts(event: Integers, count: int) -> Integers:
    return np.searchsorted(event, np.arange(count + 1))


def _merge_leptons(truth: Truth, decayed: Decayed, rows: Integers, copies: int) -> Leptons:
    """Leptons of hadrons (and of the hard process, if Pythia made them), then those of the bosons."""
    chosen, sizes = gather(_starts(truth.leptons.event, len(truth)), rows // copies)
    of_hadrons = _at_rows(truth.leptons[chosen], sizes, 0)
    chosen, sizes = gather(_starts(decayed.leptons.event, len(truth) * copies), rows)
    of_bosons = _at_rows(decayed.leptons[chosen], sizes, _DECAYED_INDEX)
    return _join(of_hadrons, of_bosons)


def _at_rows(particles: P, offsets: Integers, first_index: int) -> P:
    event = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return replace(particles, event=event, index=particles.index + first_index)


def _join(*parts: P) -> P:
    """Particles of all parts by event; in an event in the order of the parts."""
    columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(parts[0])}
    joined: P = type(parts[0])(**columns)
    return joined[np.argsort(joined.event, kind="stable")]


def _add_fakes(leptons: Leptons, draws: _Draws, card: DetectorCard) -> Leptons:
    """Put one soft lepton into each event, anywhere in the tracker: the surrogate of a non-prompt lepton."""
    n = len(draws.event)
    u = uniforms(draws.key("fake"), draws.event[:, None], _FAKE_INDEX, np.arange(6))
    is_electron = u[:, 0] < 0.5  # noqa: PLR2004
    light = is_electron & (u[:, 5] < 0.6)  # noqa: PLR2004 (misidentified hadrons)
    fakes = Leptons(
        event=np.arange(n),
        index=np.full(n, _FAKE_INDEX),
        pt=np.minimum(card.fake_min_pt / np.sqrt(u[:, 1]), card.fake_max_pt),
        eta=(2 * u[:, 2] - 1) * card.electron_max_abs_eta,
        phi=(2 * u[:, 3] - 1) * np.pi,
        pdg=np.where(u[:, 4] < 0.5, 1, -1) * np.where(is_electron, _ELECTRON, _MUON),  # noqa: PLR2004
        iff=np.where(light, FROM_LIGHT, np.where(u[:, 5] < 0.8, FROM_B, FROM_C)),  # noqa: PLR2004
    )
    return _join(leptons, fakes)


def _efficiency(pt: Floats, curve: tuple[float, float, float, float]) -> Floats:
    plateau, loss, start, scale = curve
    return plateau - loss * np.exp(-np.maximum(pt - start, 0.0) / scale)


def _measure_electrons(leptons: Leptons, draws: _Draws, card: DetectorCard) -> Collection:
    true = leptons[np.abs(leptons.pdg) == _ELECTRON]
    resolution = electron_resolution(true.pt)
    pt = true.pt * np.maximum(_MIN_FACTOR, 1 + resolution * draws.normal("electron", true, 0))
    in_jet = np.where(true.iff == FROM_LIGHT, card.electron_of_light_hadron, card.electron_of_heavy_hadron)
    in_jet = np.where(np.isin(true.iff, PROMPT_CLASSES) | (true.index == _FAKE_INDEX), 1.0, in_jet)
    found = (
        (draws.uniform("electron", true, 0) < in_jet * _efficiency(true.pt, card.electron_loose))
        & (pt > card.electron_min_pt)
        & (np.abs(true.eta) < card.electron_max_abs_eta)
    )
    medium = draws.uniform("electron", true, 1) < _efficiency(true.pt, card.electron_medium)
    return _store_leptons(true, pt, found, medium, "electron", draws, card)


def _measure_muons(leptons: Leptons, draws: _Draws, card: DetectorCard) -> Collection:
    true = leptons[np.abs(leptons.pdg) == _MUON]
    resolution = muon_resolution(true.pt, true.eta)
    pt = true.pt * np.maximum(_MIN_FACTOR, 1 + resolution * draws.normal("muon", true, 0))
    found = (
        (draws.uniform("muon", true, 0) < _efficiency(true.pt, card.muon_medium))
        & (pt > card.muon_min_pt)
        & (np.abs(true.eta) < card.muon_max_abs_eta)
    )
    return _store_leptons(true, pt, found, np.ones(len(pt), dtype=np.bool_), "muon", draws, card)


def _store_leptons(
    true: Leptons,
    pt: Floats,
    found: npt.NDArray[np.bool_],
    medium: npt.NDArray[np.bool_],
    stream: str,
    draws: _Draws,
    card: DetectorCard,
) -> Collection:
    prompt = np.isin(true.iff, PROMPT_CLASSES)
    isolation = np.where(prompt, _efficiency(true.pt, card.isolation), card.isolation_of_non_prompt)
    by_hand = true.index == _FAKE_INDEX  # fails the signal selection: the sideband that fake factors multiply
    width = np.full(len(pt), card.d0sig_prompt)
    for origin, value in (
        (FROM_TAU, card.d0sig_tau),
        (FROM_B, card.d0sig_b),
        (FROM_C, card.d0sig_c),
        (FROM_LIGHT, card.d0sig_light),
    ):
        width[true.iff == origin] = value
    columns: dict[str, Column] = {
        "pt": pt.astype(np.float32),
        "eta": true.eta.astype(np.float32),
        "phi": true.phi.astype(np.float32),
        "charge": -np.sign(true.pdg).astype(np.int8),
        "truth_pt": true.pt.astype(np.float32),
        "isMedium": medium,
        "isIso": (draws.uniform(stream, true, 2) < isolation) & ~by_hand,
        "d0sig": (width * draws.normal(stream, true, 1)).astype(np.float32),
        "iff": true.iff.astype(np.int8),
    }
    return _store(columns, true.event, found, len(draws.event))


def _store(columns: dict[str, Column], event: Integers, found: npt.NDArray[np.bool_], n_events: int) -> Collection:
    """Objects that are found, by event and decreasing momentum."""
    rows = np.flatnonzero(found)
    rows = rows[np.lexsort((-columns["pt"][rows], event[rows]))]
    return Collection({name: column[rows] for name, column in columns.items()}, _starts(event[rows], n_events))


def _measure_jets(
    truth: Truth,
    decayed: Decayed,
    leptons: Leptons,
    rows: Integers,
    copies: int,
    draws: _Draws,
    card: DetectorCard,
) -> tuple[Collection, Floats]:
    """Jets, and the true momentum of those that are counted in the missing momentum by themselves."""
    chosen, sizes = gather(_starts(truth.jets.event, len(truth)), rows // copies)
    of_hadrons = _at_rows(truth.jets[chosen], sizes, 0)
    chosen, sizes = gather(_starts(decayed.jets.event, len(truth) * copies), rows)
    of_taus = _at_rows(decayed.jets[chosen], sizes, 0)
    true = _join(of_hadrons, of_taus, _electron_jets(leptons, of_hadrons, len(rows)))
    resolution = jet_resolution(true.pt, true.eta)
    factor = np.maximum(_MIN_FACTOR, 1 + resolution * draws.normal("jet", true, 0))
    pt, abs_eta = true.pt * factor, np.abs(true.eta)
    in_tracker = abs_eta < _TRACKER_MAX_ABS_ETA
    tag = np.full(len(pt), card.tag_light)
    for flavour, efficiency in ((_B, card.tag_b), (_C, card.tag_c), (_TAU, card.tag_tau)):
        tag[true.flavour == flavour] = efficiency
    vertexed = draws.uniform("jet", true, 1) < _efficiency(true.pt, card.jvt_efficiency)
    columns: dict[str, Column] = {
        "pt": pt.astype(np.float32),
        "eta": true.eta.astype(np.float32),
        "phi": true.phi.astype(np.float32),
        "m": (true.m * factor).astype(np.float32),
        "truth_pt": true.pt.astype(np.float32),
        "flavour": true.flavour.astype(np.int8),
        "isb": (draws.uniform("jet", true, 0) < tag) & in_tracker,
        "passJvt": vertexed | ~in_tracker | (pt >= card.jvt_max_pt),
        "ntrk": true.ntrk.astype(np.int16),
    }
    found = (pt > card.jet_min_pt) & (abs_eta < card.jet_max_abs_eta)
    own = ((pt > JET_MIN_PT) & (abs_eta < JET_MAX_ABS_ETA)) | (
        (pt > FORWARD_MIN_PT) & (abs_eta >= JET_MAX_ABS_ETA) & (abs_eta < FORWARD_MAX_ABS_ETA)
    )
    # jets of electrons are not in the visible sum, jets of taus are added to it
    own &= true.index < _ELECTRON_JET_INDEX
    tau = true.flavour == _TAU
    in_sum = own.astype(np.float64) - (tau & (true.index >= _TAU_INDEX) & (true.index < _ELECTRON_JET_INDEX))
    counted: Floats = np.stack(
        [np.bincount(true.event, in_sum * axis, minlength=len(rows)).astype(np.float64) for axis in (true.px, true.py)],
        axis=1,
    )
    return _store(columns, true.event, found, len(rows)), counted


def _electron_jets(leptons: Leptons, jets: Jets, n_events: int) -> Jets:
    """Jets of prompt electrons; an electron within another jet makes none of its own."""
    electrons = leptons[(np.abs(leptons.pdg) == _ELECTRON) & np.isin(leptons.iff, PROMPT_CLASSES)]
    near, sizes = gather(_starts(jets.event, n_events), electrons.event)
    electron = np.repeat(np.arange(len(electrons.pt)), np.diff(sizes))
    dphi = np.remainder(jets.phi[near] - electrons.phi[electron] + np.pi, 2 * np.pi) - np.pi
    within = np.hypot(jets.eta[near] - electrons.eta[electron], dphi) < MAX_CONE
    alone = electrons[np.bincount(electron, within, minlength=len(electrons.pt)) == 0]
    n = len(alone.pt)
    return Jets(
        event=alone.event,
        index=_ELECTRON_JET_INDEX + alone.index,
        pt=alone.pt,
        eta=alone.eta,
        phi=alone.phi,
        m=np.zeros(n),
        flavour=np.zeros(n, dtype=np.int64),
        ntrk=np.ones(n, dtype=np.int64),
    )


def _measure_soft_term(
    visible: Floats, counted: Floats, campaign: Campaign, draws: _Draws, card: DetectorCard
) -> Floats:
    noise = card.soft_noise + card.soft_noise_per_collision * campaign.pile_up
    z = normals(draws.key("soft.normal"), draws.event[:, None], _EVENT_DRAW, np.arange(2))
    return card.soft_response * (visible - counted) + noise * z
