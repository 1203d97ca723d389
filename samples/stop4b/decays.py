"""W and Z bosons decayed again, many times for one generated event.

Leptons are massless. A W of a top quark follows the helicity fractions of the standard model, any other boson
decays isotropically. A tau decays at once and collinearly: leptonic with the spectrum of an unpolarised tau,
5/3 - 3 x^2 + 4/3 x^3 (Bullock, Hagiwara, Martin, Nucl. Phys. B395 (1993) 499), hadronic with a flat one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samples.draws import Floats, stream_key, uniforms
from samples.stop4b.processes import GENERATIONS, W_TO_LEPTON, Z_TO_LEPTON, Z_TO_NEUTRINOS, Process, ZDecay
from samples.stop4b.truth import FROM_TAU, ISOLATED_ELECTRON, PROMPT_MUON, Bosons, Integers, Jets, Leptons

Bools = npt.NDArray[np.bool_]

_Z, _ELECTRON, _MUON, _TAU = 23, 11, 13, 15
# t -> W b at NNLO: Czarnecki, Korner, Piclum, Phys. Rev. D81 (2010) 111503.
_LONGITUDINAL, _LEFT = 0.687, 0.311
_RIGHT = 1.0 - _LONGITUDINAL - _LEFT
# Particle Data Group 2022.
_TAU_TO_ELECTRON, _TAU_TO_MUON, _TAU_TO_THREE_TRACKS = 0.1782, 0.1739, 0.152
_MIN_HADRONIC_FRACTION = 0.2  # of a hadronic tau's momentum that is seen
_TAU_MASS = 1.3  # GeV, visible part of a hadronic tau
_FLAVOUR, _COSINE, _AZIMUTH = range(3)  # draws of a boson; then two of each lepton's tau
_TAU_MODE, _TAU_FRACTION = 3, 5
_JET_INDEX = 1000  # jets of taus in an event: 1000, 1001, ... apart from those of the generator
_SMALLEST_PT = 1e-12  # GeV

_GRID = np.linspace(0.0, 1.0, 2001)
_TAU_CDF = 5 / 3 * _GRID - _GRID**3 + _GRID**4 / 3
_COSINES = 2 * _GRID - 1
_HELICITY_CDF = (
    _LONGITUDINAL * (2 + 3 * _COSINES - _COSINES**3) / 4
    + _LEFT * (1 - (1 - _COSINES) ** 3 / 8)
    + _RIGHT * (1 + _COSINES) ** 3 / 8
)


@dataclass(frozen=True)
class Decayed:
    """What the bosons of ``copies`` times as many events became; rows of events are generated row * copies + copy."""

    leptons: Leptons
    jets: Jets
    invisible: Floats
    branching: Floats


def decay(bosons: Bosons, number: Integers, process: Process, key_seed: int, namespace: str) -> Decayed:
    """Decay the bosons of events numbered ``number`` in ``process.copies`` ways.

    Parameters
    ----------
    bosons : Bosons
        Of the generated events.
    number : array
        Number of each generated event.
    process : Process
        Tells copies and decays.
    key_seed : int
        Seed of the sample.
    namespace : str
        Name of the data set.
    """
    copies = process.copies
    n_events = len(number) * copies
    copy = np.arange(copies)
    event = (bosons.event[:, None] * copies + copy).ravel()
    order = np.argsort(event, kind="stable")
    event = event[order]
    source = np.repeat(np.arange(len(bosons.pdg)), copies)[order]
    identity = (number[:, None] * copies + copy).ravel()[event]
    key = stream_key(key_seed, "stop4b.decay", namespace)
    draws = uniforms(key, identity[:, None], bosons.index[source][:, None], np.arange(7))

    pdg, momentum, parent = bosons.pdg[source], bosons.momentum[source], bosons.parent[source]
    first, second = _two_bodies(momentum, parent, draws)
    is_z = np.abs(pdg) == _Z
    z_to_leptons = _fraction_to_leptons(process.z_decay)
    visible = ~is_z | (draws[:, _FLAVOUR] < z_to_leptons)
    generation = np.minimum(
        (np.where(is_z, draws[:, _FLAVOUR] / z_to_leptons, draws[:, _FLAVOUR]) * GENERATIONS).astype(np.int64),
        GENERATIONS - 1,
    )
    flavour = np.array([_ELECTRON, _MUON, _TAU])[generation]
    # of a W, the first body is the charged lepton: negative for a W-
    sign = np.where(is_z | (pdg < 0), 1, -1)

    invisible = np.zeros((n_events, 2))
    neutrinos = np.where(~visible[:, None], first + second, np.where(is_z[:, None], 0.0, second))
    _add(invisible, event, neutrinos)
    charged = np.concatenate([np.flatnonzero(visible), np.flatnonzero(visible & is_z)])
    which = np.repeat([0, 1], [np.sum(visible), np.sum(visible & is_z)])
    by_event = np.lexsort((which, charged))
    charged, which = charged[by_event], which[by_event]
    leptons, jets, lost = _charged_leptons(
        event[charged],
        np.where((which == 0)[:, None], first[charged], second[charged]),
        np.where(which == 0, sign[charged], -sign[charged]) * flavour[charged],
        draws[charged[:, None], [_TAU_MODE, _TAU_FRACTION] + which[:, None]],
    )
    _add(invisible, event[charged], lost)
    branching = np.ones(n_events)
    w_fraction, z_fraction = GENERATIONS * W_TO_LEPTON, _branching_of_z(process.z_decay)
    np.multiply.at(branching, event, np.where(is_z, z_fraction, w_fraction))
    return Decayed(leptons, jets, invisible, branching)


def _fraction_to_leptons(z_decay: ZDecay) -> float:
    if z_decay is ZDecay.LEPTONS:
        return 1.0
    return GENERATIONS * Z_TO_LEPTON / (GENERATIONS * Z_TO_LEPTON + Z_TO_NEUTRINOS)


def _branching_of_z(z_decay: ZDecay) -> float:
    return GENERATIONS * Z_TO_LEPTON / _fraction_to_leptons(z_decay)


def _add(total: Floats, event: Integers, momentum: Floats) -> None:
    for axis in range(2):
        total[:, axis] += np.bincount(event, momentum[:, axis], minlength=len(total))


def _two_bodies(momentum: Floats, parent: Floats, draws: Floats) -> tuple[Floats, Floats]:
    """Lepton and anti-lepton of each boson, ``[n, 4]``."""
    mass = np.sqrt(np.maximum(momentum[:, 3] ** 2 - np.sum(momentum[:, :3] ** 2, axis=1), _SMALLEST_PT))
    has_top = parent[:, 3] > 0
    cosine = np.where(has_top, np.interp(draws[:, _COSINE], _HELICITY_CDF, _COSINES), 2 * draws[:, _COSINE] - 1)
    sine = np.sqrt(np.maximum(1 - cosine**2, 0.0))
    azimuth = 2 * np.pi * draws[:, _AZIMUTH]
    z_axis, x_axis, y_axis = _axes(_helicity_axis(momentum, mass, parent, has_top))
    direction = (
        (sine * np.cos(azimuth))[:, None] * x_axis
        + (sine * np.sin(azimuth))[:, None] * y_axis
        + cosine[:, None] * z_axis
    )
    at_rest = np.concatenate([direction, np.ones((len(direction), 1))], axis=1) * (mass / 2)[:, None]
    first = boost(at_rest, momentum, mass)
    return first, momentum - first


def _helicity_axis(momentum: Floats, mass: Floats, parent: Floats, has_top: Bools) -> Floats:
    """Direction against the top quark's in the rest frame of the W; the z axis where there is no top."""
    reverse = momentum * np.array([-1.0, -1.0, -1.0, 1.0])
    top = boost(parent, reverse, mass)[:, :3]
    length = np.linalg.norm(top, axis=1)
    axis = np.tile([0.0, 0.0, 1.0], (len(momentum), 1))
    usable = has_top & (length > 0)
    axis[usable] = -top[usable] / length[usable, None]
    return axis


def _axes(z_axis: Floats) -> tuple[Floats, Floats, Floats]:
    """Right-handed triple of unit vectors around an axis."""
    helper = np.zeros_like(z_axis)
    helper[np.arange(len(z_axis)), np.argmin(np.abs(z_axis), axis=1)] = 1.0
    x_axis = np.cross(helper, z_axis)
    x_axis /= np.linalg.norm(x_axis, axis=1)[:, None]
    return z_axis, x_axis, np.cross(z_axis, x_axis)


def boost(vector: Floats, frame: Floats, mass: Floats) -> Floats:
    """Vectors ``[n, 4]``, given in the rest frame of a momentum, in the frame where it is that momentum."""
    along = np.sum(vector[:, :3] * frame[:, :3], axis=1)
    energy = (vector[:, 3] * frame[:, 3] + along) / mass
    scale = (along / (frame[:, 3] + mass) + vector[:, 3]) / mass
    return np.concatenate([vector[:, :3] + scale[:, None] * frame[:, :3], energy[:, None]], axis=1)


def _charged_leptons(event: Integers, momentum: Floats, pdg: Integers, draws: Floats) -> tuple[Leptons, Jets, Floats]:
    """Electrons and muons, jets of taus, and what taus lose to neutrinos."""
    is_tau = np.abs(pdg) == _TAU
    to_electron = is_tau & (draws[:, 0] < _TAU_TO_ELECTRON)
    to_muon = is_tau & ~to_electron & (draws[:, 0] < _TAU_TO_ELECTRON + _TAU_TO_MUON)
    hadronic = is_tau & ~to_electron & ~to_muon
    fraction = np.where(
        hadronic,
        _MIN_HADRONIC_FRACTION + (1 - _MIN_HADRONIC_FRACTION) * draws[:, 1],
        np.interp(draws[:, 1], _TAU_CDF, _GRID),
    )
    fraction = np.where(is_tau, fraction, 1.0)
    seen = momentum * fraction[:, None]
    pt = np.hypot(seen[:, 0], seen[:, 1])
    eta = np.arcsinh(seen[:, 2] / np.maximum(pt, _SMALLEST_PT))
    phi = np.arctan2(seen[:, 1], seen[:, 0])
    size = np.where(to_electron, _ELECTRON, np.where(to_muon, _MUON, np.abs(pdg)))
    origin = np.where(is_tau, FROM_TAU, np.where(size == _ELECTRON, ISOLATED_ELECTRON, PROMPT_MUON))
    first_of_event = np.searchsorted(event, event)
    index = np.arange(len(event)) - first_of_event
    kept = ~hadronic
    leptons = Leptons(
        event=event[kept],
        index=index[kept],
        pt=pt[kept],
        eta=eta[kept],
        phi=phi[kept],
        pdg=np.sign(pdg[kept]) * size[kept],
        iff=origin[kept],
    )
    three = draws[:, 0] > 1 - _TAU_TO_THREE_TRACKS
    jets = Jets(
        event=event[hadronic],
        index=_JET_INDEX + index[hadronic],
        pt=pt[hadronic],
        eta=eta[hadronic],
        phi=phi[hadronic],
        m=np.full(np.sum(hadronic), _TAU_MASS),
        flavour=np.full(np.sum(hadronic), _TAU),
        ntrk=np.where(three[hadronic], 3, 1),
    )
    return leptons, jets, momentum - seen
