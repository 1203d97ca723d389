"""Which objects count, the missing momentum and its significance: for one variation of a chunk of events.

Baseline: electrons pt > 4.5 GeV, |eta| < 2.47; muons pt > 4 GeV, |eta| < 2.4; jets pt > 20 GeV, |eta| < 2.8.

Overlaps are removed among baseline objects, in this order, where distances use the rapidity of jets
y = asinh(sinh(eta) / sqrt(1 + (m/pt)^2)) and the pseudorapidity of leptons:

1. an electron within 0.01 of a muon goes;
2. a jet within 0.2 of an electron that is left goes if it is not b-tagged or the electron has pt > 100 GeV;
3. an electron within 0.2 of a b-tagged jet that is left goes;
4. a jet of fewer than 3 tracks within 0.2 of a muon goes;
5. a lepton within min(0.4, 0.04 + 10 GeV/pt) of a jet that is left goes.

b-tagged means ``isb`` and |eta| < 2.5. Of the jets left, those with pt < 120 GeV and |eta| < 2.5 that fail
``passJvt`` go as well: the rest are signal jets. Signal leptons are baseline leptons left that are ``isMedium`` and
``isIso`` with |d0sig| < 5 (electrons) or 3 (muons).

Missing momentum: minus the sum of the leptons left, the signal jets, forward jets (2.8 <= |eta| < 4.5, pt > 30 GeV)
and the soft term. "Hard" below is the sum of all these but the soft term.

Significance: with sigma_L along and sigma_T across each object, and rho their correlation, of the sum of all
covariances turned to the direction of the missing momentum, S = MET / sqrt(sigma_L^2 (1 - rho^2)). An object of
azimuth phi has sigma_L = pt times its relative resolution (``resolutions``) and sigma_T = 0.03 pt for jets, 0 for
leptons; the soft term has 9 GeV both ways.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from samples.collection import Collection
from samples.draws import Floats
from samples.stop4b import kernels
from samples.stop4b.columns import Events, sum_by_event
from samples.stop4b.resolutions import (
    JET_ANGLE,
    SOFT_TERM,
    electron_resolution,
    jet_resolution,
    muon_resolution,
)
from samples.stop4b.truth import Integers

Bools = npt.NDArray[np.bool_]

ELECTRON_MIN_PT, ELECTRON_MAX_ABS_ETA = 4.5, 2.47
MUON_MIN_PT, MUON_MAX_ABS_ETA = 4.0, 2.4
JET_MIN_PT, JET_MAX_ABS_ETA = 20.0, 2.8
FORWARD_MIN_PT, FORWARD_MAX_ABS_ETA = 30.0, 4.5
TRACKER_MAX_ABS_ETA = 2.5
JVT_MAX_PT = 120.0
ELECTRON_MAX_D0SIG, MUON_MAX_D0SIG = 5.0, 3.0
SKIM_LEPTONS, SKIM_MET = 2, 200.0


@dataclass(frozen=True)
class Momenta:
    """What a variation changes: transverse momenta [GeV] in the stored order, jet masses, the soft term.

    Only the ratio of a jet's mass to its pt matters, and no variation changes it.
    """

    electron_pt: Floats
    muon_pt: Floats
    jet_pt: Floats
    soft_x: Floats
    soft_y: Floats


@dataclass(frozen=True)
class Selected:
    """Objects left, by marks in the stored order, and what they add up to."""

    electron: Bools
    muon: Bools
    jet: Bools
    n_leptons: Integers
    hard_x: Floats
    hard_y: Floats
    met_x: Floats
    met_y: Floats
    significance: Floats

    @property
    def met(self) -> Floats:
        """Missing momentum [GeV]."""
        return np.hypot(self.met_x, self.met_y)

    @property
    def passes_skim(self) -> Bools:
        """Whether an event has a row in a flat tree."""
        return (self.n_leptons >= SKIM_LEPTONS) & (self.met > SKIM_MET)


def nominal_momenta(events: Events) -> Momenta:
    """Momenta as stored."""
    return Momenta(events.electrons["pt"], events.muons["pt"], events.jets["pt"], events["soft_px"], events["soft_py"])


def rapidity(jets: Collection) -> Floats:
    """Rapidity of the jets; scaling a jet does not change it."""
    return np.arcsinh(np.sinh(jets["eta"]) / np.sqrt(1 + (jets["m"] / jets["pt"]) ** 2))


def is_b_tagged(jets: Collection) -> Bools:
    """Whether a jet counts as a b-jet."""
    tagged: Bools = jets["isb"] & (np.abs(jets["eta"]) < TRACKER_MAX_ABS_ETA)
    return tagged


def is_signal(leptons: Collection, max_d0sig: float) -> Bools:
    """Whether a lepton that is left is a signal lepton."""
    passed: Bools = leptons["isMedium"] & leptons["isIso"] & (np.abs(leptons["d0sig"]) < max_d0sig)
    return passed


def select(events: Events, momenta: Momenta) -> Selected:
    """Choose the objects and add them up, with the momenta of one variation."""
    electrons, muons, jets = events.electrons, events.muons, events.jets
    abs_eta = np.abs(jets["eta"])
    electron = (momenta.electron_pt > ELECTRON_MIN_PT) & (np.abs(electrons["eta"]) < ELECTRON_MAX_ABS_ETA)
    muon = (momenta.muon_pt > MUON_MIN_PT) & (np.abs(muons["eta"]) < MUON_MAX_ABS_ETA)
    jet = (momenta.jet_pt > JET_MIN_PT) & (abs_eta < JET_MAX_ABS_ETA)
    kernels.remove_overlaps(
        momenta.electron_pt,
        electrons["eta"],
        electrons["phi"],
        electrons.offsets,
        momenta.muon_pt,
        muons["eta"],
        muons["phi"],
        muons.offsets,
        rapidity(jets),
        jets["phi"],
        is_b_tagged(jets),
        jets["ntrk"].astype(np.int64),
        jets.offsets,
        electron,
        muon,
        jet,
    )
    jet &= jets["passJvt"] | (momenta.jet_pt >= JVT_MAX_PT) | (abs_eta >= TRACKER_MAX_ABS_ETA)
    forward = (momenta.jet_pt > FORWARD_MIN_PT) & (abs_eta >= JET_MAX_ABS_ETA) & (abs_eta < FORWARD_MAX_ABS_ETA)
    objects = (
        (electrons, momenta.electron_pt, electron, electron_resolution(momenta.electron_pt), 0.0),
        (muons, momenta.muon_pt, muon, muon_resolution(momenta.muon_pt, muons["eta"]), 0.0),
        (jets, momenta.jet_pt, jet | forward, jet_resolution(momenta.jet_pt, jets["eta"]), JET_ANGLE),
    )
    hard_x, hard_y = (np.sum([_sum(*one[:3], axis) for one in objects], axis=0) for axis in (np.cos, np.sin))
    met_x, met_y = -(hard_x + momenta.soft_x), -(hard_y + momenta.soft_y)
    count = [sum_by_event(leptons, mark.astype(np.float64)) for leptons, mark in ((electrons, electron), (muons, muon))]
    return Selected(
        electron=electron,
        muon=muon,
        jet=jet,
        n_leptons=(count[0] + count[1]).astype(np.int64),
        hard_x=hard_x,
        hard_y=hard_y,
        met_x=met_x,
        met_y=met_y,
        significance=_significance(met_x, met_y, objects),
    )


_Object = tuple[Collection, Floats, Bools, Floats, float]


def _sum(collection: Collection, pt: Floats, mark: Bools, axis: np.ufunc) -> Floats:
    return sum_by_event(collection, np.where(mark, pt * axis(collection["phi"]), 0.0))


def _significance(met_x: Floats, met_y: Floats, objects: tuple[_Object, ...]) -> Floats:
    """Object-based significance of the missing momentum (ATLAS-CONF-2018-038)."""
    met = np.hypot(met_x, met_y)
    safe = np.where(met > 0, met, 1.0)
    cosine, sine = met_x / safe, met_y / safe
    along, across, mixed = np.full_like(met, SOFT_TERM**2), np.full_like(met, SOFT_TERM**2), np.zeros_like(met)
    for collection, pt, mark, resolution, angle in objects:
        event, phi = collection.event, collection["phi"]
        # direction of the object in the frame of the missing momentum
        c = np.cos(phi) * cosine[event] + np.sin(phi) * sine[event]
        s = np.sin(phi) * cosine[event] - np.cos(phi) * sine[event]
        longitudinal, transverse = np.where(mark, (pt * resolution) ** 2, 0.0), np.where(mark, (pt * angle) ** 2, 0.0)
        along += sum_by_event(collection, longitudinal * c * c + transverse * s * s)
        across += sum_by_event(collection, longitudinal * s * s + transverse * c * c)
        mixed += sum_by_event(collection, (longitudinal - transverse) * c * s)
    # sigma_L^2 (1 - rho^2) = sigma_L^2 - (covariance)^2 / sigma_T^2
    return met / np.sqrt(along - mixed**2 / across)
