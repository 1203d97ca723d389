"""All kinematic variations of the events of object files: objects, missing momentum, observables, cuts.

Formulas as the object files document them (``samples.stop4b.variations``, ``selection`` and ``resolutions``). Of an
event everything that no variation changes is computed once: directions, rapidities, distances, draws. A variation that
touches nothing of an event has the nominal answer, and one that fails a cut is not looked at any further.
"""

import math

import numpy as np
import numpy.typing as npt

from hepcol.kernels._jit import Floats, Integers, Unsigned, kernel
from hepcol.kernels.blocks import block, inlined
from hepcol.kernels.elementary import asinh, atan2, sincospi
from hepcol.kernels.hyperbolic import cosh, exp
from hepcol.kernels.normal import DRAWS_PER_CALL, normal_quad

Bools = npt.NDArray[np.bool_]
Singles = npt.NDArray[np.float32]

# Columns of objects, of the arrays that the kernel takes
PT, ETA, PHI, TRUTH_PT, MASS = 0, 1, 2, 3, 3
CHARGE, CLASS, IS_SIGNAL = 0, 1, 2
TRACKS, IS_TAGGED, PASSES_JVT, FLAVOUR = 0, 1, 2, 3
X, Y = 0, 1

# Observables, in the order in which they are found; the marks are where a stage ends
OBSERVABLES = (
    *("nlep", "lep1pT", "lep2pT", "lep1eta", "lep2eta", "lep1phi", "lep2phi", "isSignalLep1", "isSignalLep2"),
    *("IFFTypeLep1", "IFFTypeLep2", "isOS", "isSF"),
    *("mll", "pTll", "dphill"),
    *("njet", "nbjet", "jet1pT", "jet2pT", "jet3pT", "jet4pT", "R2l4j"),
    *("MET", "METphi", "pbll", "dphi_boost", "R2l"),
    "minDRl2j",
    "METsig",
)
_NLEP, _PT1, _PT2, _ETA1, _ETA2, _PHI1, _PHI2, _SIGNAL1, _SIGNAL2, _CLASS1, _CLASS2, _OS, _SF = range(13)
_MLL, _PTLL, _DPHILL = range(13, 16)
_NJET, _NBJET, _JET1 = range(16, 19)
_R2L4J, _MET, _METPHI, _PBLL, _DPHI_BOOST, _R2L = range(22, 28)
_MIN_DR, _SIGNIFICANCE = 28, 29
# First observable after each stage: leptons, pairs, jets, missing momentum, distances, significance
STAGES = (_MLL, _NJET, _MET, _MIN_DR, _SIGNIFICANCE, len(OBSERVABLES))

# As samples.stop4b.selection documents; GeV, rad
_ELECTRON_MIN_PT, _ELECTRON_MAX_ETA = 4.5, 2.47
_MUON_MIN_PT, _MUON_MAX_ETA = 4.0, 2.4
_JET_MIN_PT, _JET_MAX_ETA = 20.0, 2.8
_FORWARD_MIN_PT, _FORWARD_MAX_ETA = 30.0, 4.5
_TRACKER_MAX_ETA = 2.5
_JVT_MAX_PT = 120.0
_SAME_TRACK, _SAME_OBJECT, _MAX_CONE = 0.01, 0.2, 0.4
_CONE_CONSTANT, _CONE_SLOPE = 0.04, 10.0
_HARD_ELECTRON, _MUON_JET_TRACKS = 100.0, 3
_SKIM_LEPTONS, _SKIM_MET = 2, 200.0
_NO_JET = 1000.0
_N_LEADING = 4

# Squares of resolutions are polynomials of pt: samples.stop4b.resolutions; GeV
_JET_NOISE, _JET_STOCHASTIC, _JET_CONSTANT, _JET_SLOPE, _JET_ANGLE = 3.5, 0.75, 0.03, 0.05, 0.03
_ELECTRON_NOISE, _ELECTRON_STOCHASTIC, _ELECTRON_CONSTANT = 0.2, 0.10, 0.01
_MUON_CONSTANT, _MUON_LINEAR, _MUON_SLOPE = 0.017, 1e-4, 0.2
_SOFT_TERM = 9.0

# As samples.stop4b.variations documents
_EG_BARREL, _EG_CRACK, _EG_ENDCAP, _BARREL_END, _CRACK_END = 0.003, 0.010, 0.006, 1.37, 1.52
_MU_BARREL, _MU_ENDCAP, _MU_BARREL_END = 0.001, 0.002, 1.05
_B = 5
_HIGH_ENERGY, _NON_CLOSURE_FROM, _NON_CLOSURE_TO = 600.0, 2.0, 2.8
_MIN_JER_FACTOR = 0.1
N_JET_SCALES, N_JER_DRAWS = 7, 8
_LOCAL, _LOCAL_SIZES = 4, (0.010, 0.015, 0.015)  # scales from this one on change some jets only

# processors.stop4b.response.Change
_NOTHING, _E_SCALE, _E_RESOLUTION, _MU_SCALE, _MU_RESOLUTION, _MU_CURVATURE = range(6)
_JET_SCALE, _JET_RESOLUTION, _SOFT_SCALE, _SOFT_PARALLEL, _SOFT_PERPENDICULAR = range(6, 11)


@inlined
def _most(offsets: Integers) -> int:
    """Largest number of objects in an event."""
    most = 0
    for n in range(len(offsets) - 1):
        most = max(most, offsets[n + 1] - offsets[n])
    return most


@inlined
def _direction(phi: float) -> tuple[float, float]:
    """Return cosine and sine of an azimuth within (-3 pi / 2, 3 pi / 2)."""
    w = phi / math.pi
    sign = 1.0
    if w > 0.5:  # noqa: PLR2004
        w, sign = w - 1.0, -1.0
    elif w < -0.5:  # noqa: PLR2004
        w, sign = w + 1.0, -1.0
    sine, cosine = sincospi(w)
    return sign * cosine, sign * sine


@inlined
def _angle(first: float, second: float) -> float:
    """Angle between two azimuths, 0 to pi."""
    difference = abs(first - second)
    return 2.0 * math.pi - difference if difference > math.pi else difference


@inlined
def _hypot(x: float, y: float) -> float:
    return math.sqrt(x * x + y * y)


@inlined
def _distance(y1: float, phi1: float, y2: float, phi2: float) -> float:
    return _hypot(y1 - y2, _angle(phi1, phi2))


@inlined
def _electron_scale(eta: float) -> float:
    abs_eta = abs(eta)
    if abs_eta < _BARREL_END:
        return _EG_BARREL
    return _EG_CRACK if abs_eta < _CRACK_END else _EG_ENDCAP


@inlined
def _rapidity(pt: float, eta: float, mass: float) -> float:
    """Rapidity of a jet, which no variation changes: its mass scales with its momentum."""
    grown = exp(eta)
    ratio = mass / pt
    return asinh(0.5 * (grown - 1.0 / grown) / math.sqrt(1.0 + ratio * ratio))


@inlined
def _find_scales(n_j: int, j0: int, j_float: Floats, j_int: Integers, scales: Floats) -> None:
    """Fill the relative changes of jets by the scales, in the order of ``response.JetScale``."""
    for j in range(n_j):
        pt, eta = j_float[PT, j0 + j], j_float[ETA, j0 + j]
        is_b = j_int[FLAVOUR, j0 + j] == _B
        falling = exp(-pt / 40.0)
        scales[j, 0] = 0.003 + 0.025 * falling
        scales[j, 1] = 0.002 + 0.002 * abs(eta) + 0.010 * falling
        scales[j, 2] = 0.002 + 0.010 * falling + (0.010 if is_b else 0.0)
        scales[j, 3] = -0.003 if is_b else -(0.003 + 0.020 * exp(-pt / 50.0))
        for k in range(_LOCAL, N_JET_SCALES):
            scales[j, k] = _LOCAL_SIZES[k - _LOCAL] if _is_local(k, pt, eta) else 0.0


@inlined
def _is_local(which: int, pt: float, eta: float) -> bool:
    """Whether a scale that changes some jets only changes this one."""
    if which == _LOCAL:
        return pt * cosh(eta) > _HIGH_ENERGY
    if which == _LOCAL + 1:
        return -_NON_CLOSURE_TO < eta < -_NON_CLOSURE_FROM
    return _NON_CLOSURE_FROM < eta < _NON_CLOSURE_TO


@inlined
def _jet_variance(pt: float, eta: float) -> float:
    """Squared resolution of a jet [GeV^2]."""
    terms = _JET_NOISE * _JET_NOISE + _JET_STOCHASTIC * _JET_STOCHASTIC * pt + _JET_CONSTANT * _JET_CONSTANT * pt * pt
    slope = 1.0 + _JET_SLOPE * abs(eta)
    return terms * slope * slope


@inlined
def _cone(pt: float) -> float:
    """Size of the cone of a jet in which a lepton is removed."""
    return min(_MAX_CONE, _CONE_CONSTANT + _CONE_SLOPE / pt)


@block
def _remove_overlaps(  # noqa: PLR0912 (one recipe of five steps)
    n_e: int,
    n_mu: int,
    n_j: int,
    e_pt: Floats,
    j_int: Integers,
    j0: int,
    e_mu: Bools,
    e_jet: Floats,
    mu_jet: Floats,
    mu_pt: Floats,
    keep_e: Bools,
    keep_mu: Bools,
    keep_j: Bools,
) -> None:
    """Clear the marks of objects that overlap, which come in as the baseline."""
    for e in range(n_e):
        for mu in range(n_mu):
            if e_mu[e, mu] and keep_mu[mu]:
                keep_e[e] = False
    for j in range(n_j):
        for e in range(n_e):
            wins = j_int[IS_TAGGED, j0 + j] == 0 or e_pt[e] > _HARD_ELECTRON
            if keep_e[e] and e_jet[e, j] < _SAME_OBJECT and wins:
                keep_j[j] = False
    for e in range(n_e):
        for j in range(n_j):
            if keep_j[j] and j_int[IS_TAGGED, j0 + j] != 0 and e_jet[e, j] < _SAME_OBJECT:
                keep_e[e] = False
    for j in range(n_j):
        for mu in range(n_mu):
            if keep_mu[mu] and j_int[TRACKS, j0 + j] < _MUON_JET_TRACKS and mu_jet[mu, j] < _SAME_OBJECT:
                keep_j[j] = False
    for e in range(n_e):
        for j in range(n_j):
            if keep_j[j] and e_jet[e, j] < _cone(e_pt[e]):
                keep_e[e] = False
    for mu in range(n_mu):
        for j in range(n_j):
            if keep_j[j] and mu_jet[mu, j] < _cone(mu_pt[mu]):
                keep_mu[mu] = False


@inlined
def _vary_jets(
    change: int,
    size: float,
    which: int,
    n_j: int,
    j0: int,
    j_float: Floats,
    scales: Floats,
    resolution: Floats,
    draws: Floats,
    j_pt: Floats,
    keep_j: Bools,
) -> None:
    """Fill the momenta of jets in a variation, and mark the baseline."""
    for j in range(n_j):
        pt = j_float[PT, j0 + j]
        if change == _JET_SCALE:
            pt = pt * (1.0 + size * scales[j, which])
        elif change == _JET_RESOLUTION:
            pt = pt * max(_MIN_JER_FACTOR, 1.0 + size * resolution[j] * draws[j, which])
        j_pt[j] = pt
        keep_j[j] = pt > _JET_MIN_PT and abs(j_float[ETA, j0 + j]) < _JET_MAX_ETA


@inlined
def _draw_jets(
    event: np.uint64, key: np.uint64, n_j: int, j0: int, j_float: Floats, resolution: Floats, draws: Floats
) -> None:
    """Fill the resolutions of jets, and their draws for all variations of it."""
    for j in range(n_j):
        pt = j_float[PT, j0 + j]
        resolution[j] = math.sqrt(_jet_variance(pt, j_float[ETA, j0 + j])) / pt
        for quad in range(N_JER_DRAWS // DRAWS_PER_CALL):
            drawn = normal_quad(event, np.uint64(j), np.uint64(quad), key)
            for k in range(DRAWS_PER_CALL):
                draws[j, quad * DRAWS_PER_CALL + k] = drawn[k]


@inlined
def _leading(
    n_e: int, n_mu: int, keep_e: Bools, keep_mu: Bools, e_pt: Floats, mu_pt: Floats
) -> tuple[int, int, int, float, float]:
    """Return the number of leptons, the two leading ones (electrons, then muons, from 0 on), and their pt."""
    first = second = -1
    pt1 = pt2 = 0.0
    n_leptons = 0
    for k in range(n_e + n_mu):
        kept = keep_e[k] if k < n_e else keep_mu[k - n_e]
        if not kept:
            continue
        n_leptons += 1
        pt = e_pt[k] if k < n_e else mu_pt[k - n_e]
        if pt > pt1:
            first, second = k, first
            pt1, pt2 = pt, pt1
        elif pt > pt2:
            second, pt2 = k, pt
    return n_leptons, first, second, pt1, pt2


@inlined
def _add_jets(
    n_j: int, j0: int, j_float: Floats, j_int: Integers, j_xy: Floats, j_pt: Floats, keep_j: Bools
) -> tuple[float, float]:
    """Sum the momenta of signal jets and forward jets, and take the marks of jets that fail JVT away."""
    x = y = 0.0
    for j in range(n_j):
        pt, abs_eta = j_pt[j], abs(j_float[ETA, j0 + j])
        if keep_j[j]:
            keep_j[j] = j_int[PASSES_JVT, j0 + j] != 0 or pt >= _JVT_MAX_PT or abs_eta >= _TRACKER_MAX_ETA
        if keep_j[j] or (pt > _FORWARD_MIN_PT and _JET_MAX_ETA <= abs_eta < _FORWARD_MAX_ETA):
            x += pt * j_xy[j, X]
            y += pt * j_xy[j, Y]
    return x, y


@inlined
def _count_jets(n_j: int, j0: int, j_int: Integers, keep_j: Bools, j_pt: Floats, top: Floats) -> tuple[int, int]:
    """Count the signal jets and those that are b-tagged, and fill the momenta of the leading ones."""
    top[:] = 0.0
    n_jets = n_tagged = 0
    for j in range(n_j):
        if not keep_j[j]:
            continue
        pt = j_pt[j]
        n_jets += 1
        n_tagged += j_int[IS_TAGGED, j0 + j] != 0
        k = _N_LEADING - 1
        if pt > top[k]:
            while k > 0 and pt > top[k - 1]:
                top[k] = top[k - 1]
                k -= 1
            top[k] = pt
    return n_jets, n_tagged


@inlined
def _observe_leptons(
    n_leptons: int,
    first: int,
    second: int,
    pt1: float,
    pt2: float,
    n_e: int,
    e0: int,
    mu0: int,
    e_float: Floats,
    e_int: Integers,
    mu_float: Floats,
    mu_int: Integers,
    obs: Floats,
) -> None:
    """Fill the observables of the two leading leptons."""
    obs[_NLEP] = n_leptons
    charges = 1
    for place in range(2):
        k = first if place == 0 else second
        is_e = k < n_e
        at = e0 + k if is_e else mu0 + k - n_e
        obs[_PT1 + place] = pt1 if place == 0 else pt2
        obs[_ETA1 + place] = e_float[ETA, at] if is_e else mu_float[ETA, at]
        obs[_PHI1 + place] = e_float[PHI, at] if is_e else mu_float[PHI, at]
        obs[_SIGNAL1 + place] = e_int[IS_SIGNAL, at] if is_e else mu_int[IS_SIGNAL, at]
        obs[_CLASS1 + place] = e_int[CLASS, at] if is_e else mu_int[CLASS, at]
        charges *= e_int[CHARGE, at] if is_e else mu_int[CHARGE, at]
    obs[_OS] = 1.0 if charges < 0 else 0.0
    obs[_SF] = 1.0 if (first < n_e) == (second < n_e) else 0.0


@inlined
def _cut(
    obs: Floats,
    stage: int,
    ends: Integers,
    cut_of: Integers,
    bounds: Floats,
    accepted: Unsigned,
    masks: Unsigned,
    alive: np.uint64,
) -> np.uint64:
    """Return the regions, as bits, of which no cut of a stage fails."""
    for k in range(ends[stage], ends[stage + 1]):
        if (alive & masks[k]) == 0:
            continue
        # what a flat tree stores, and is cut on there, has single precision
        value = np.float64(np.float32(obs[cut_of[k]]))
        passed = bounds[k, 0] <= value <= bounds[k, 1]
        if passed and accepted[k] != 0:
            whole = np.int64(value)
            passed = 0 <= whole < 64 and (accepted[k] >> np.uint64(whole)) & np.uint64(1) != 0  # noqa: PLR2004
        if not passed:
            alive &= ~masks[k]
    return alive


@kernel
def select(  # noqa: PLR0912, PLR0915 (one pass over the events; parts of it would take a dozen arrays each)
    e_offsets: Integers,
    e_float: Floats,
    e_int: Integers,
    mu_offsets: Integers,
    mu_float: Floats,
    mu_int: Integers,
    j_offsets: Integers,
    j_float: Floats,
    j_int: Integers,
    soft: Floats,
    number: Unsigned,
    campaign: Integers,
    keys: Unsigned,
    changes: Integers,
    sizes: Floats,
    ends: Integers,
    cut_of: Integers,
    bounds: Floats,
    accepted: Unsigned,
    masks: Unsigned,
    alive: Unsigned,
    observables: Singles,
    in_skim: Bools,
    passed: Unsigned,
    touched: Integers,
) -> None:
    """Find the regions that each event passes in each variation, and its nominal observables.

    Parameters
    ----------
    e_offsets, mu_offsets, j_offsets : int64[n + 1]
        Objects of event ``k`` are those from ``offsets[k]`` to ``offsets[k + 1]``.
    e_float, mu_float : float64[4, objects]
        pt [GeV], eta, phi, true pt [GeV].
    j_float : float64[4, jets]
        pt [GeV], eta, phi, m [GeV].
    e_int, mu_int : int64[3, objects]
        Charge, class of the origin, whether it passes the signal selection.
    j_int : int64[4, jets]
        Tracks, whether b-tagged in the tracker, whether it passes JVT, flavour.
    soft : float64[2, n]
        Soft term [GeV].
    number : uint64[n]
        Event numbers, of which draws are made.
    campaign : int64[n]
        Campaigns, by which events are counted.
    keys : uint64[2]
        Keys of the draws for jets and for the soft term.
    changes : int64[variations, 2]
        What a variation changes (``response.Change``), and which scale or draw; the first is nominal.
    sizes : float64[variations]
        By how much.
    ends : int64[stages + 1]
        The cuts of stage ``k`` (``STAGES``) are those from ``ends[k]`` to ``ends[k + 1]``.
    cut_of : int64[cuts]
        Numbers of the observables that are cut on, ascending.
    bounds : float64[cuts, 2]
        Smallest and largest value that is accepted.
    accepted : uint64[cuts]
        Whole numbers below 64 that are accepted, as bits; 0 for all.
    masks : uint64[cuts]
        Regions that a cut is one of, as bits.
    alive : uint64[n]
        Regions that each event may pass.
    observables : float32[n, len(OBSERVABLES)]
        To be filled with the nominal observables of events that pass the nominal skim; zero for others.
    in_skim : bool[n]
        To be filled with whether they do.
    passed : uint64[n, variations]
        To be filled with the regions that pass, as bits.
    touched : int64[campaigns, variations]
        To which the events are added of which a variation changes anything.
    """
    most_e, most_mu, most_j = _most(e_offsets), _most(mu_offsets), _most(j_offsets)
    e_pt, mu_pt, j_pt = np.empty(most_e), np.empty(most_mu), np.empty(most_j)
    e_xy, mu_xy, j_xy = np.empty((most_e, 2)), np.empty((most_mu, 2)), np.empty((most_j, 2))
    near, resolution = np.empty(most_j, np.bool_), np.empty(most_j)
    scales, draws = np.empty((most_j, N_JET_SCALES)), np.empty((most_j, N_JER_DRAWS))
    e_mu, e_jet, mu_jet = np.empty((most_e, most_mu), np.bool_), np.empty((most_e, most_j)), np.empty((most_mu, most_j))
    keep_e, keep_mu, keep_j = np.empty(most_e, np.bool_), np.empty(most_mu, np.bool_), np.empty(most_j, np.bool_)
    obs, top = np.empty(len(OBSERVABLES)), np.empty(_N_LEADING)
    scale_matters = np.empty(N_JET_SCALES, np.bool_)
    n_variations = len(changes)
    needs_angles = False
    for k in range(len(cut_of)):
        needs_angles |= cut_of[k] == _METPHI or cut_of[k] == _DPHI_BOOST
    for n in range(len(number)):
        e0, n_e = e_offsets[n], e_offsets[n + 1] - e_offsets[n]
        mu0, n_mu = mu_offsets[n], mu_offsets[n + 1] - mu_offsets[n]
        j0, n_j = j_offsets[n], j_offsets[n + 1] - j_offsets[n]
        # what no variation changes
        for e in range(n_e):
            e_xy[e, X], e_xy[e, Y] = _direction(e_float[PHI, e0 + e])
        for mu in range(n_mu):
            mu_xy[mu, X], mu_xy[mu, Y] = _direction(mu_float[PHI, mu0 + mu])
        has_overlaps = False
        for e in range(n_e):
            eta, phi = e_float[ETA, e0 + e], e_float[PHI, e0 + e]
            for mu in range(n_mu):
                e_mu[e, mu] = _distance(eta, phi, mu_float[ETA, mu0 + mu], mu_float[PHI, mu0 + mu]) < _SAME_TRACK
                has_overlaps |= e_mu[e, mu]
        scale_matters[:] = n_j > 0
        scale_matters[_LOCAL:] = False
        for j in range(n_j):
            pt, eta, phi = j_float[PT, j0 + j], j_float[ETA, j0 + j], j_float[PHI, j0 + j]
            j_xy[j, X], j_xy[j, Y] = _direction(phi)
            for k in range(_LOCAL, N_JET_SCALES):
                scale_matters[k] |= _is_local(k, pt, eta)
            is_near = False
            for e in range(n_e):
                is_near |= _angle(e_float[PHI, e0 + e], phi) < _MAX_CONE
            for mu in range(n_mu):
                is_near |= _angle(mu_float[PHI, mu0 + mu], phi) < _MAX_CONE
            near[j] = is_near
            # Of three jets, two are far from all leptons in azimuth alone: their rapidities are not needed here
            y = _rapidity(pt, eta, j_float[MASS, j0 + j]) if is_near else 0.0
            for e in range(n_e):
                e_jet[e, j] = _distance(e_float[ETA, e0 + e], e_float[PHI, e0 + e], y, phi) if is_near else _NO_JET
                has_overlaps |= e_jet[e, j] < _MAX_CONE
            for mu in range(n_mu):
                mu_jet[mu, j] = (
                    _distance(mu_float[ETA, mu0 + mu], mu_float[PHI, mu0 + mu], y, phi) if is_near else _NO_JET
                )
                has_overlaps |= mu_jet[mu, j] < _MAX_CONE
        has_draws = has_scales = leptons_fail = False
        # what was last computed is nominal: leptons and sums, jets
        is_nominal = jets_are_nominal = False
        nominal_x = nominal_y = jets_x = jets_y = hard_x = hard_y = pt1 = pt2 = 0.0  # of the hard system
        n_leptons = first = second = 0
        lepton_cuts = alive[n]
        for v in range(n_variations):
            change, which, size = changes[v, 0], changes[v, 1], sizes[v]
            if v > 0:
                passed[n, v] = 0
                untouched = change == _NOTHING
                untouched |= (change in (_E_SCALE, _E_RESOLUTION)) and n_e == 0
                untouched |= (change in (_MU_SCALE, _MU_RESOLUTION, _MU_CURVATURE)) and n_mu == 0
                untouched |= change == _JET_SCALE and not scale_matters[which]
                untouched |= change == _JET_RESOLUTION and n_j == 0
                touched[campaign[n], v] += not untouched
                if alive[n] == 0:
                    continue
                if leptons_fail and change >= _JET_SCALE:
                    continue
                if untouched:
                    passed[n, v] = passed[n, 0]
                    continue
            if change < _SOFT_SCALE or not is_nominal:
                is_nominal = v == 0
                for e in range(n_e):
                    pt = e_float[PT, e0 + e]
                    if change == _E_SCALE:
                        pt = pt * (1.0 + size * _electron_scale(e_float[ETA, e0 + e]))
                    elif change == _E_RESOLUTION:
                        pt = pt + size * (pt - e_float[TRUTH_PT, e0 + e])
                    e_pt[e] = pt
                    keep_e[e] = pt > _ELECTRON_MIN_PT and abs(e_float[ETA, e0 + e]) < _ELECTRON_MAX_ETA
                for mu in range(n_mu):
                    pt, eta = mu_float[PT, mu0 + mu], mu_float[ETA, mu0 + mu]
                    if change == _MU_SCALE:
                        pt = pt * (1.0 + size * (_MU_BARREL if abs(eta) < _MU_BARREL_END else _MU_ENDCAP))
                    elif change == _MU_RESOLUTION:
                        pt = pt + size * (pt - mu_float[TRUTH_PT, mu0 + mu])
                    elif change == _MU_CURVATURE:
                        pt = pt / (1.0 + size * mu_int[CHARGE, mu0 + mu] * pt)
                    mu_pt[mu] = pt
                    keep_mu[mu] = pt > _MUON_MIN_PT and abs(eta) < _MUON_MAX_ETA
                n_leptons, first, second, pt1, pt2 = _leading(n_e, n_mu, keep_e, keep_mu, e_pt, mu_pt)
                lepton_cuts = alive[n]
                if n_leptons >= _SKIM_LEPTONS:
                    _observe_leptons(
                        n_leptons, first, second, pt1, pt2, n_e, e0, mu0, e_float, e_int, mu_float, mu_int, obs
                    )
                    lepton_cuts = _cut(obs, 0, ends, cut_of, bounds, accepted, masks, lepton_cuts)
                # Overlaps take leptons away and add none: one lepton, or two that fail, need not be looked at any
                # further, whatever becomes of the jets. So it is in 4 of 5 events; else, this takes twice the time.
                fails = n_leptons < _SKIM_LEPTONS or (n_leptons == _SKIM_LEPTONS and lepton_cuts == 0)
                if v == 0:
                    leptons_fail = fails
                elif fails:
                    continue
                has_jets = jets_are_nominal and change < _JET_SCALE and not has_overlaps
                if not has_jets:
                    jets_are_nominal = v == 0
                    if change == _JET_RESOLUTION and not has_draws:
                        has_draws = True
                        _draw_jets(number[n], keys[0], n_j, j0, j_float, resolution, draws)
                    if change == _JET_SCALE and not has_scales:
                        has_scales = True
                        _find_scales(n_j, j0, j_float, j_int, scales)
                    if has_overlaps or v == 0 or lepton_cuts != 0:
                        _vary_jets(change, size, which, n_j, j0, j_float, scales, resolution, draws, j_pt, keep_j)
                if has_overlaps:
                    _remove_overlaps(
                        n_e, n_mu, n_j, e_pt, j_int, j0, e_mu, e_jet, mu_jet, mu_pt, keep_e, keep_mu, keep_j
                    )
                    n_leptons, first, second, pt1, pt2 = _leading(n_e, n_mu, keep_e, keep_mu, e_pt, mu_pt)
                    lepton_cuts = alive[n]
                    if n_leptons >= _SKIM_LEPTONS:
                        _observe_leptons(
                            n_leptons, first, second, pt1, pt2, n_e, e0, mu0, e_float, e_int, mu_float, mu_int, obs
                        )
                        lepton_cuts = _cut(obs, 0, ends, cut_of, bounds, accepted, masks, lepton_cuts)
                if v > 0 and (n_leptons < _SKIM_LEPTONS or lepton_cuts == 0):
                    continue
                hard_x = hard_y = 0.0
                for e in range(n_e):
                    if keep_e[e]:
                        hard_x += e_pt[e] * e_xy[e, X]
                        hard_y += e_pt[e] * e_xy[e, Y]
                for mu in range(n_mu):
                    if keep_mu[mu]:
                        hard_x += mu_pt[mu] * mu_xy[mu, X]
                        hard_y += mu_pt[mu] * mu_xy[mu, Y]
                if not has_jets:
                    jets_x, jets_y = _add_jets(n_j, j0, j_float, j_int, j_xy, j_pt, keep_j)
                hard_x += jets_x
                hard_y += jets_y
                if v == 0:
                    nominal_x, nominal_y = hard_x, hard_y
            elif n_leptons < _SKIM_LEPTONS or lepton_cuts == 0:
                continue
            left = lepton_cuts
            soft_x, soft_y = soft[X, n], soft[Y, n]
            if change >= _SOFT_SCALE:
                length = _hypot(nominal_x, nominal_y)
                x, y = (nominal_x / length, nominal_y / length) if length > 0.0 else (1.0, 0.0)
                if change == _SOFT_SCALE:
                    shift = size * (soft_x * x + soft_y * y)
                else:
                    drawn = normal_quad(number[n], np.uint64(0), np.uint64(0), keys[1])
                    shift = size * (drawn[0] if which == 0 else drawn[1])
                    if change == _SOFT_PERPENDICULAR:
                        x, y = -y, x
                soft_x, soft_y = soft_x + shift * x, soft_y + shift * y
            met_x, met_y = -(hard_x + soft_x), -(hard_y + soft_y)
            met = _hypot(met_x, met_y)
            is_in = n_leptons >= _SKIM_LEPTONS and met > _SKIM_MET
            if v == 0:
                in_skim[n] = is_in
            if not is_in:
                if v == 0:
                    passed[n, 0] = 0
                continue
            x1, y1 = (e_xy[first, X], e_xy[first, Y]) if first < n_e else (mu_xy[first - n_e, X], mu_xy[first - n_e, Y])
            x2, y2 = (
                (e_xy[second, X], e_xy[second, Y]) if second < n_e else (mu_xy[second - n_e, X], mu_xy[second - n_e, Y])
            )
            ll_x, ll_y = pt1 * x1 + pt2 * x2, pt1 * y1 + pt2 * y2
            boost_x, boost_y = met_x + ll_x, met_y + ll_y
            obs[_MET] = met
            if needs_angles or v == 0:
                obs[_METPHI] = atan2(met_y, met_x)
                obs[_DPHI_BOOST] = _angle(obs[_METPHI], atan2(boost_y, boost_x))
            obs[_PBLL] = _hypot(boost_x, boost_y)
            obs[_R2L] = met / (pt1 + pt2)
            left = _cut(obs, 3, ends, cut_of, bounds, accepted, masks, left)
            if left == 0 and v > 0:
                continue
            n_jets, n_tagged = _count_jets(n_j, j0, j_int, keep_j, j_pt, top)
            obs[_NJET], obs[_NBJET] = n_jets, n_tagged
            for k in range(_N_LEADING):
                obs[_JET1 + k] = top[k]
            obs[_R2L4J] = met / (met + (pt1 + pt2) + (top[0] + top[1] + top[2] + top[3]))
            left = _cut(obs, 2, ends, cut_of, bounds, accepted, masks, left)
            # 2 pt1 pt2 (cosh d_eta - cos d_phi), as a sum of squares, which do not cancel
            grown = exp(0.5 * (obs[_ETA1] - obs[_ETA2]))
            half_eta = 0.5 * (grown - 1.0 / grown)
            half_phi = 0.5 * _hypot(x1 - x2, y1 - y2)
            obs[_MLL] = 2.0 * math.sqrt(pt1 * pt2) * _hypot(half_eta, half_phi)
            obs[_PTLL] = _hypot(ll_x, ll_y)
            obs[_DPHILL] = _angle(obs[_PHI1], obs[_PHI2])
            left = _cut(obs, 1, ends, cut_of, bounds, accepted, masks, left)
            if left == 0 and v > 0:
                continue
            nearest = _NO_JET
            for j in range(n_j):
                if not keep_j[j]:
                    continue
                if near[j]:
                    distance = e_jet[second, j] if second < n_e else mu_jet[second - n_e, j]
                else:
                    y = _rapidity(j_float[PT, j0 + j], j_float[ETA, j0 + j], j_float[MASS, j0 + j])
                    distance = _distance(obs[_ETA2], obs[_PHI2], y, j_float[PHI, j0 + j])
                nearest = min(nearest, distance)
            obs[_MIN_DR] = nearest
            left = _cut(obs, 4, ends, cut_of, bounds, accepted, masks, left)
            if left == 0 and v > 0:
                continue
            # covariance of all objects, first along the axes of the detector
            xx = yy = _SOFT_TERM * _SOFT_TERM
            xy = 0.0
            for e in range(n_e):
                if keep_e[e]:
                    pt = e_pt[e]
                    along = (
                        _ELECTRON_NOISE * _ELECTRON_NOISE
                        + _ELECTRON_STOCHASTIC * _ELECTRON_STOCHASTIC * pt
                        + _ELECTRON_CONSTANT * _ELECTRON_CONSTANT * pt * pt
                    )
                    xx += along * e_xy[e, X] * e_xy[e, X]
                    yy += along * e_xy[e, Y] * e_xy[e, Y]
                    xy += along * e_xy[e, X] * e_xy[e, Y]
            for mu in range(n_mu):
                if keep_mu[mu]:
                    pt = mu_pt[mu]
                    slope = 1.0 + _MUON_SLOPE * abs(mu_float[ETA, mu0 + mu])
                    along = pt * pt * (_MUON_CONSTANT * _MUON_CONSTANT + (_MUON_LINEAR * pt) ** 2) * slope * slope
                    xx += along * mu_xy[mu, X] * mu_xy[mu, X]
                    yy += along * mu_xy[mu, Y] * mu_xy[mu, Y]
                    xy += along * mu_xy[mu, X] * mu_xy[mu, Y]
            for j in range(n_j):
                pt, eta = j_pt[j], j_float[ETA, j0 + j]
                is_forward = pt > _FORWARD_MIN_PT and _JET_MAX_ETA <= abs(eta) < _FORWARD_MAX_ETA
                if keep_j[j] or is_forward:
                    along, across = _jet_variance(pt, eta), _JET_ANGLE * _JET_ANGLE * pt * pt
                    x, y = j_xy[j, X], j_xy[j, Y]
                    xx += along * x * x + across * y * y
                    yy += along * y * y + across * x * x
                    xy += (along - across) * x * y
            # then along and across the missing momentum: S = MET / sqrt(sigma_L^2 (1 - rho^2))
            x, y = met_x / met, met_y / met
            along = xx * x * x + 2.0 * xy * x * y + yy * y * y
            across = xx * y * y - 2.0 * xy * x * y + yy * x * x
            mixed = (yy - xx) * x * y + xy * (x * x - y * y)
            obs[_SIGNIFICANCE] = met / math.sqrt(along - mixed * mixed / across)
            passed[n, v] = _cut(obs, 5, ends, cut_of, bounds, accepted, masks, left)
            if v == 0:
                for k in range(len(OBSERVABLES)):
                    observables[n, k] = obs[k]
