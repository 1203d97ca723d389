"""The 40 kinematic variations, as a table, and the formulas that an analysis of the object files must repeat.

Inputs are the stored float32 columns, taken as float64; results stay float64 until they are written as float32.
``pt, eta, phi, m, charge, truth_pt, flavour`` are columns of Electron, Muon or Jet; u is +1 for ``__1up`` and -1 for
``__1down``. Angles and the ratio m/pt never change. Only what a line names changes; everything else is nominal.
After that, ``selection`` is run again from the start, candidates included that nominally fail.

Electrons::

    EG_SCALE_ALL        pt (1 + u s)                  s = 0.003 if |eta| < 1.37, 0.010 if < 1.52, else 0.006
    EG_RESOLUTION_ALL   pt + u 0.10 (pt - truth_pt)

Muons::

    MUON_ID             pt + u 0.03 (pt - truth_pt)
    MUON_MS             pt + u 0.05 (pt - truth_pt)
    MUON_SCALE          pt (1 + u s)                  s = 0.001 if |eta| < 1.05, else 0.002
    MUON_SAGITTA_RESBIAS  pt / (1 + u charge 1e-4 pt)
    MUON_SAGITTA_RHO__1up   pt / (1 + charge 5e-5 pt)
    MUON_SAGITTA_RHO__1down   pt, identical to nominal as in the original's files (SPEC bug 12)

Jets, pt (1 + u s)::

    JET_GroupedNP_1     s = 0.003 + 0.025 exp(-pt/40)
    JET_GroupedNP_2     s = 0.002 + 0.002 |eta| + 0.010 exp(-pt/40)
    JET_GroupedNP_3     s = 0.002 + 0.010 exp(-pt/40), and 0.010 more if flavour == 5
    JET_Flavor_Response s = -(0.003 + 0.020 exp(-pt/50)) if flavour != 5, else -0.003
    JET_EtaIntercalibration_NonClosure_highE    s = 0.010 if pt cosh(eta) > 600 GeV, else 0
    JET_EtaIntercalibration_NonClosure_negEta   s = 0.015 if -2.8 < eta < -2.0, else 0
    JET_EtaIntercalibration_NonClosure_posEta   s = 0.015 if 2.0 < eta < 2.8, else 0

Jets, one-sided, pt max(0.1, 1 + c r z), with r = ``resolutions.jet_resolution(pt, eta)``
= sqrt((3.5/pt)^2 + 0.75^2/pt + 0.03^2) (1 + 0.05 |eta|) and z a standard normal number::

    JET_JER_DataVsMC_MC16          draw 0, c = 0.30
    JET_JER_EffectiveNP_1 ... 6    draws 1 ... 6, c = 0.35, 0.35, 0.30, 0.30, 0.25, 0.25
    JET_JER_EffectiveNP_7restTerm  draw 7, c = 0.20

    z = hepcol.random.normals(key, eventNumber, index of the jet in the stored collection, draw)
    key = hepcol.random.stream_key(0, "stop4b.JER", "stop4b")

Soft term (x, y) = (soft_px, soft_py), with the unit vector n along the *nominal* hard system (``selection``; (1, 0)
where that is zero) and t = (-n_y, n_x)::

    MET_SoftTrk_ScaleUp, ScaleDown   soft + u 0.10 (soft . n) n
    MET_SoftTrk_ResoPara             soft + 2.0 GeV z n, draw 0
    MET_SoftTrk_ResoPerp             soft + 2.0 GeV z t, draw 1

    z = hepcol.random.normals(key, eventNumber, 0, draw)
    key = hepcol.random.stream_key(0, "stop4b.soft_term", "stop4b")

``eventNumber`` is unique over processes and campaigns, so that the streams need no other namespace; the seed of a
sample does not enter.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from samples.collection import Collection
from samples.draws import Floats, normals, stream_key
from samples.stop4b.columns import Events
from samples.stop4b.resolutions import jet_resolution
from samples.stop4b.selection import Momenta, Selected, nominal_momenta

NAMESPACE = "stop4b"
JER_STREAM, SOFT_STREAM = "stop4b.JER", "stop4b.soft_term"
_MIN_JER_FACTOR = 0.1

Change = Callable[[Events, Momenta, Selected], Momenta]


@dataclass(frozen=True)
class KinematicVariation:
    """A tree of a flat file.

    Parameters
    ----------
    name : str
        Official name of the systematic; empty for the nominal tree.
    suffix : str
        What follows the sample's name in the tree's.
    direction : int
        +1 for up, -1 for down, 0 for none.
    change : callable, optional
        Gives the varied momenta from the events, the nominal momenta and the nominal selection; None for a tree
        that is identical to the nominal one.
    """

    name: str
    suffix: str
    direction: int = 0
    change: Change | None = None

    def apply(self, events: Events, nominal: Selected) -> Momenta:
        """Momenta of this variation."""
        momenta = nominal_momenta(events)
        return momenta if self.change is None else self.change(events, momenta, nominal)


Relative = Callable[[Collection], Floats]


def _scale(collection: str, relative: Relative, sign: int) -> Change:
    """Multiply momenta by 1 + sign * relative."""

    def change(events: Events, momenta: Momenta, nominal: Selected) -> Momenta:  # noqa: ARG001
        objects: Collection = getattr(events, f"{collection}s")
        return replace(momenta, **{f"{collection}_pt": objects["pt"] * (1 + sign * relative(objects))})

    return change


def _spread(collection: str, size: float, sign: int) -> Change:
    """Widen or narrow the distance from the true momentum."""

    def change(events: Events, momenta: Momenta, nominal: Selected) -> Momenta:  # noqa: ARG001
        objects: Collection = getattr(events, f"{collection}s")
        pt = objects["pt"] + sign * size * (objects["pt"] - objects["truth_pt"])
        return replace(momenta, **{f"{collection}_pt": pt})

    return change


def _bend(size: float, sign: int) -> Change:
    """Shift the curvature of muons."""

    def change(events: Events, momenta: Momenta, nominal: Selected) -> Momenta:  # noqa: ARG001
        muons = events.muons
        return replace(momenta, muon_pt=muons["pt"] / (1 + sign * muons["charge"] * size * muons["pt"]))

    return change


def _smear_jets(draw: int, size: float) -> Change:
    def change(events: Events, momenta: Momenta, nominal: Selected) -> Momenta:  # noqa: ARG001
        jets = events.jets
        key = stream_key(0, JER_STREAM, NAMESPACE)
        z = normals(key, events.columns["eventNumber"][jets.event], jets.index, draw)
        factor = 1 + size * jet_resolution(jets["pt"], jets["eta"]) * z
        return replace(momenta, jet_pt=jets["pt"] * np.maximum(_MIN_JER_FACTOR, factor))

    return change


def _directions(nominal: Selected) -> tuple[Floats, Floats]:
    """Find the unit vector along the hard system."""
    length = np.hypot(nominal.hard_x, nominal.hard_y)
    safe = np.where(length > 0, length, 1.0)
    return np.where(length > 0, nominal.hard_x / safe, 1.0), np.where(length > 0, nominal.hard_y / safe, 0.0)


def _scale_soft_term(size: float, sign: int) -> Change:
    def change(events: Events, momenta: Momenta, nominal: Selected) -> Momenta:  # noqa: ARG001
        x, y = _directions(nominal)
        shift = sign * size * (momenta.soft_x * x + momenta.soft_y * y)
        return replace(momenta, soft_x=momenta.soft_x + shift * x, soft_y=momenta.soft_y + shift * y)

    return change


def _smear_soft_term(draw: int, size: float, across: bool) -> Change:
    def change(events: Events, momenta: Momenta, nominal: Selected) -> Momenta:
        x, y = _directions(nominal)
        if across:
            x, y = -y, x
        shift = size * normals(stream_key(0, SOFT_STREAM, NAMESPACE), events.columns["eventNumber"], 0, draw)
        return replace(momenta, soft_x=momenta.soft_x + shift * x, soft_y=momenta.soft_y + shift * y)

    return change


# Sizes. A row of a table below is the docstring's line.
_EG_BARREL, _EG_CRACK, _EG_ENDCAP = 0.003, 0.010, 0.006
_BARREL_END, _CRACK_END, _MUON_BARREL_END = 1.37, 1.52, 1.05
_MUON_BARREL, _MUON_ENDCAP = 0.001, 0.002
_B = 5
_HIGH_ENERGY = 600.0  # GeV
_NON_CLOSURE_FROM, _NON_CLOSURE_TO = 2.0, 2.8


def _electron_scale(electrons: Collection) -> Floats:
    abs_eta = np.abs(electrons["eta"])
    return np.where(abs_eta < _BARREL_END, _EG_BARREL, np.where(abs_eta < _CRACK_END, _EG_CRACK, _EG_ENDCAP))


def _muon_scale(muons: Collection) -> Floats:
    return np.where(np.abs(muons["eta"]) < _MUON_BARREL_END, _MUON_BARREL, _MUON_ENDCAP)


def _grouped_1(jets: Collection) -> Floats:
    return 0.003 + 0.025 * np.exp(-jets["pt"] / 40)


def _grouped_2(jets: Collection) -> Floats:
    return 0.002 + 0.002 * np.abs(jets["eta"]) + 0.010 * np.exp(-jets["pt"] / 40)


def _grouped_3(jets: Collection) -> Floats:
    return 0.002 + 0.010 * np.exp(-jets["pt"] / 40) + np.where(jets["flavour"] == _B, 0.010, 0.0)


def _flavour_response(jets: Collection) -> Floats:
    # more gluon-like response lowers the energy: up is down, as the original's row numbers show (SPEC 8)
    return -np.where(jets["flavour"] == _B, 0.003, 0.003 + 0.020 * np.exp(-jets["pt"] / 50))


def _high_energy(jets: Collection) -> Floats:
    return np.where(jets["pt"] * np.cosh(jets["eta"]) > _HIGH_ENERGY, 0.010, 0.0)


def _negative_eta(jets: Collection) -> Floats:
    return np.where((jets["eta"] > -_NON_CLOSURE_TO) & (jets["eta"] < -_NON_CLOSURE_FROM), 0.015, 0.0)


def _positive_eta(jets: Collection) -> Floats:
    return np.where((jets["eta"] > _NON_CLOSURE_FROM) & (jets["eta"] < _NON_CLOSURE_TO), 0.015, 0.0)


def _two_sided(name: str, up: Change, down: Change | None) -> tuple[KinematicVariation, ...]:
    return (
        KinematicVariation(name, f"_{name}__1up", +1, up),
        KinematicVariation(name, f"_{name}__1down", -1, down),
    )


_SCALES: tuple[tuple[str, str, Relative], ...] = (
    ("EG_SCALE_ALL", "electron", _electron_scale),
    ("MUON_SCALE", "muon", _muon_scale),
    ("JET_GroupedNP_1", "jet", _grouped_1),
    ("JET_GroupedNP_2", "jet", _grouped_2),
    ("JET_GroupedNP_3", "jet", _grouped_3),
    ("JET_Flavor_Response", "jet", _flavour_response),
    ("JET_EtaIntercalibration_NonClosure_highE", "jet", _high_energy),
    ("JET_EtaIntercalibration_NonClosure_negEta", "jet", _negative_eta),
    ("JET_EtaIntercalibration_NonClosure_posEta", "jet", _positive_eta),
)
_RESOLUTIONS = (("EG_RESOLUTION_ALL", "electron", 0.10), ("MUON_ID", "muon", 0.03), ("MUON_MS", "muon", 0.05))
_SAGITTA_BIAS, _SAGITTA_RHO = 1e-4, 5e-5  # 1/GeV
_JET_RESOLUTIONS = (
    ("JET_JER_DataVsMC_MC16", 0.30),
    ("JET_JER_EffectiveNP_1", 0.35),
    ("JET_JER_EffectiveNP_2", 0.35),
    ("JET_JER_EffectiveNP_3", 0.30),
    ("JET_JER_EffectiveNP_4", 0.30),
    ("JET_JER_EffectiveNP_5", 0.25),
    ("JET_JER_EffectiveNP_6", 0.25),
    ("JET_JER_EffectiveNP_7restTerm", 0.20),
)
_SOFT_SCALE, _SOFT_RESOLUTION = 0.10, 2.0

NOMINAL = KinematicVariation("", "_WEIGHTS")
VARIATIONS: tuple[KinematicVariation, ...] = (
    *(
        variation
        for name, kind, relative in _SCALES
        for variation in _two_sided(name, _scale(kind, relative, +1), _scale(kind, relative, -1))
    ),
    *(
        variation
        for name, kind, size in _RESOLUTIONS
        for variation in _two_sided(name, _spread(kind, size, +1), _spread(kind, size, -1))
    ),
    *_two_sided("MUON_SAGITTA_RESBIAS", _bend(_SAGITTA_BIAS, +1), _bend(_SAGITTA_BIAS, -1)),
    *_two_sided("MUON_SAGITTA_RHO", _bend(_SAGITTA_RHO, +1), None),
    KinematicVariation("MET_SoftTrk_Scale", "_MET_SoftTrk_ScaleUp", +1, _scale_soft_term(_SOFT_SCALE, +1)),
    KinematicVariation("MET_SoftTrk_Scale", "_MET_SoftTrk_ScaleDown", -1, _scale_soft_term(_SOFT_SCALE, -1)),
    *(
        KinematicVariation(name, f"_{name}__1up", +1, _smear_jets(draw, size))
        for draw, (name, size) in enumerate(_JET_RESOLUTIONS)
    ),
    KinematicVariation(
        "MET_SoftTrk_ResoPara", "_MET_SoftTrk_ResoPara", 0, _smear_soft_term(0, _SOFT_RESOLUTION, across=False)
    ),
    KinematicVariation(
        "MET_SoftTrk_ResoPerp", "_MET_SoftTrk_ResoPerp", 0, _smear_soft_term(1, _SOFT_RESOLUTION, across=True)
    ),
)
TREES = (NOMINAL, *VARIATIONS)
