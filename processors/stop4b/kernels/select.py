"""All kinematic variations of the events of object files: objects, missing momentum, observables, cuts.

Formulas as the object files document them (``samples.stop4b.variations``, ``selection`` and ``resolutions``). Of an
event everything that no variation changes is computed once: directions, rapidities, distances, draws. A variation that
touches nothing of an event has the nominal answer, and one that fails a cut is not looked at any further.
"""

import numpy as np

from hepcol.kernels._jit import Floats, Integers, Unsigned, kernel
from hepcol.kernels.blocks import inlined
from hepcol.kernels.elementary import atan2
from hepcol.kernels.geometry import angle, direction, distance, hypot, mass, rapidity
from processors.stop4b.kernels.layout import (
    DISTANCES,
    DPHI_BOOST,
    DPHILL,
    E_RESOLUTION,
    E_SCALE,
    ETA,
    ETA1,
    ETA2,
    JET1,
    JET_RESOLUTION,
    JET_SCALE,
    JETS,
    LOCAL,
    MASS,
    MAX_CONE,
    MET,
    METPHI,
    MIN_DR,
    MISSING,
    MLL,
    MU_CURVATURE,
    MU_RESOLUTION,
    MU_SCALE,
    N_JER_DRAWS,
    N_JET_SCALES,
    N_LEADING,
    NBJET,
    NJET,
    NO_JET,
    NOTHING,
    OBSERVABLES,
    PAIRS,
    PBLL,
    PHI,
    PHI1,
    PHI2,
    PT,
    PTLL,
    R2L,
    R2L4J,
    SAME_TRACK,
    SIGNIFICANCE,
    SIGNIFICANCES,
    SKIM_LEPTONS,
    SKIM_MET,
    SOFT_SCALE,
    SOFT_TERM,
    Bools,
    Singles,
    X,
    Y,
)
from processors.stop4b.kernels.momentum import (
    add_jets,
    add_leptons,
    electron_covariance,
    jet_covariance,
    muon_covariance,
    significance,
)
from processors.stop4b.kernels.observables import count_jets, cut, cut_leptons
from processors.stop4b.kernels.overlaps import remove_overlaps
from processors.stop4b.kernels.responses import (
    draw_jets,
    find_scales,
    is_local,
    vary_electrons,
    vary_jets,
    vary_muons,
    vary_soft,
)


@inlined
def most(offsets: Integers) -> int:
    """Largest number of objects in an event."""
    most = 0
    for n in range(len(offsets) - 1):
        most = max(most, offsets[n + 1] - offsets[n])
    return most


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
    most_e, most_mu, most_j = most(e_offsets), most(mu_offsets), most(j_offsets)
    e_pt, mu_pt, j_pt = np.empty(most_e), np.empty(most_mu), np.empty(most_j)
    e_xy, mu_xy, j_xy = np.empty((most_e, 2)), np.empty((most_mu, 2)), np.empty((most_j, 2))
    near, resolution = np.empty(most_j, np.bool_), np.empty(most_j)
    scales, draws = np.empty((most_j, N_JET_SCALES)), np.empty((most_j, N_JER_DRAWS))
    e_mu, e_jet, mu_jet = np.empty((most_e, most_mu), np.bool_), np.empty((most_e, most_j)), np.empty((most_mu, most_j))
    keep_e, keep_mu, keep_j = np.empty(most_e, np.bool_), np.empty(most_mu, np.bool_), np.empty(most_j, np.bool_)
    obs, top = np.empty(len(OBSERVABLES)), np.empty(N_LEADING)
    scale_matters = np.empty(N_JET_SCALES, np.bool_)
    n_variations = len(changes)
    needs_angles = False
    for k in range(len(cut_of)):
        needs_angles |= cut_of[k] == METPHI or cut_of[k] == DPHI_BOOST
    for n in range(len(number)):
        e0, n_e = e_offsets[n], e_offsets[n + 1] - e_offsets[n]
        mu0, n_mu = mu_offsets[n], mu_offsets[n + 1] - mu_offsets[n]
        j0, n_j = j_offsets[n], j_offsets[n + 1] - j_offsets[n]
        # what no variation changes
        for e in range(n_e):
            e_xy[e, X], e_xy[e, Y] = direction(e_float[PHI, e0 + e])
        for mu in range(n_mu):
            mu_xy[mu, X], mu_xy[mu, Y] = direction(mu_float[PHI, mu0 + mu])
        has_overlaps = False
        for e in range(n_e):
            eta, phi = e_float[ETA, e0 + e], e_float[PHI, e0 + e]
            for mu in range(n_mu):
                e_mu[e, mu] = distance(eta, phi, mu_float[ETA, mu0 + mu], mu_float[PHI, mu0 + mu]) < SAME_TRACK
                has_overlaps |= e_mu[e, mu]
        scale_matters[:] = n_j > 0
        scale_matters[LOCAL:] = False
        for j in range(n_j):
            pt, eta, phi = j_float[PT, j0 + j], j_float[ETA, j0 + j], j_float[PHI, j0 + j]
            j_xy[j, X], j_xy[j, Y] = direction(phi)
            for k in range(LOCAL, N_JET_SCALES):
                scale_matters[k] |= is_local(k, pt, eta)
            is_near = False
            for e in range(n_e):
                is_near |= angle(e_float[PHI, e0 + e], phi) < MAX_CONE
            for mu in range(n_mu):
                is_near |= angle(mu_float[PHI, mu0 + mu], phi) < MAX_CONE
            near[j] = is_near
            # Of three jets, two are far from all leptons in azimuth alone: their rapidities are not needed here
            y = rapidity(pt, eta, j_float[MASS, j0 + j]) if is_near else 0.0
            for e in range(n_e):
                e_jet[e, j] = distance(e_float[ETA, e0 + e], e_float[PHI, e0 + e], y, phi) if is_near else NO_JET
                has_overlaps |= e_jet[e, j] < MAX_CONE
            for mu in range(n_mu):
                mu_jet[mu, j] = (
                    distance(mu_float[ETA, mu0 + mu], mu_float[PHI, mu0 + mu], y, phi) if is_near else NO_JET
                )
                has_overlaps |= mu_jet[mu, j] < MAX_CONE
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
                untouched = change == NOTHING
                untouched |= (change in (E_SCALE, E_RESOLUTION)) and n_e == 0
                untouched |= (change in (MU_SCALE, MU_RESOLUTION, MU_CURVATURE)) and n_mu == 0
                untouched |= change == JET_SCALE and not scale_matters[which]
                untouched |= change == JET_RESOLUTION and n_j == 0
                touched[campaign[n], v] += not untouched
                if alive[n] == 0:
                    continue
                if leptons_fail and change >= JET_SCALE:
                    continue
                if untouched:
                    passed[n, v] = passed[n, 0]
                    continue
            if change < SOFT_SCALE or not is_nominal:
                is_nominal = v == 0
                vary_electrons(change, size, n_e, e0, e_float, e_pt, keep_e)
                vary_muons(change, size, n_mu, mu0, mu_float, mu_int, mu_pt, keep_mu)
                n_leptons, first, second, pt1, pt2, lepton_cuts = cut_leptons(
                    n_e,
                    n_mu,
                    e0,
                    mu0,
                    keep_e,
                    keep_mu,
                    e_pt,
                    mu_pt,
                    e_float,
                    e_int,
                    mu_float,
                    mu_int,
                    obs,
                    ends,
                    cut_of,
                    bounds,
                    accepted,
                    masks,
                    alive[n],
                )
                # Overlaps take leptons away and add none: one lepton, or two that fail, need not be looked at any
                # further, whatever becomes of the jets. So it is in 4 of 5 events; else, this takes twice the time.
                fails = n_leptons < SKIM_LEPTONS or (n_leptons == SKIM_LEPTONS and lepton_cuts == 0)
                if v == 0:
                    leptons_fail = fails
                elif fails:
                    continue
                has_jets = jets_are_nominal and change < JET_SCALE and not has_overlaps
                if not has_jets:
                    jets_are_nominal = v == 0
                    if change == JET_RESOLUTION and not has_draws:
                        has_draws = True
                        draw_jets(number[n], keys[0], n_j, j0, j_float, resolution, draws)
                    if change == JET_SCALE and not has_scales:
                        has_scales = True
                        find_scales(n_j, j0, j_float, j_int, scales)
                    if has_overlaps or v == 0 or lepton_cuts != 0:
                        vary_jets(change, size, which, n_j, j0, j_float, scales, resolution, draws, j_pt, keep_j)
                if has_overlaps:
                    remove_overlaps(
                        n_e, n_mu, n_j, e_pt, j_int, j0, e_mu, e_jet, mu_jet, mu_pt, keep_e, keep_mu, keep_j
                    )
                    n_leptons, first, second, pt1, pt2, lepton_cuts = cut_leptons(
                        n_e,
                        n_mu,
                        e0,
                        mu0,
                        keep_e,
                        keep_mu,
                        e_pt,
                        mu_pt,
                        e_float,
                        e_int,
                        mu_float,
                        mu_int,
                        obs,
                        ends,
                        cut_of,
                        bounds,
                        accepted,
                        masks,
                        alive[n],
                    )
                if v > 0 and (n_leptons < SKIM_LEPTONS or lepton_cuts == 0):
                    continue
                if not has_jets:
                    jets_x, jets_y = add_jets(n_j, j0, j_float, j_int, j_xy, j_pt, keep_j)
                e_x, e_y = add_leptons(n_e, e_pt, e_xy, keep_e)
                mu_x, mu_y = add_leptons(n_mu, mu_pt, mu_xy, keep_mu)
                hard_x, hard_y = e_x + mu_x + jets_x, e_y + mu_y + jets_y
                if v == 0:
                    nominal_x, nominal_y = hard_x, hard_y
            elif n_leptons < SKIM_LEPTONS or lepton_cuts == 0:
                continue
            left = lepton_cuts
            soft_x, soft_y = vary_soft(
                change, size, which, soft[X, n], soft[Y, n], nominal_x, nominal_y, number[n], keys[1]
            )
            met_x, met_y = -(hard_x + soft_x), -(hard_y + soft_y)
            met = hypot(met_x, met_y)
            is_in = n_leptons >= SKIM_LEPTONS and met > SKIM_MET
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
            obs[MET] = met
            if needs_angles or v == 0:
                obs[METPHI] = atan2(met_y, met_x)
                obs[DPHI_BOOST] = angle(obs[METPHI], atan2(boost_y, boost_x))
            obs[PBLL] = hypot(boost_x, boost_y)
            obs[R2L] = met / (pt1 + pt2)
            left = cut(obs, MISSING, ends, cut_of, bounds, accepted, masks, left)
            if left == 0 and v > 0:
                continue
            n_jets, n_tagged = count_jets(n_j, j0, j_int, keep_j, j_pt, top)
            obs[NJET], obs[NBJET] = n_jets, n_tagged
            for k in range(N_LEADING):
                obs[JET1 + k] = top[k]
            obs[R2L4J] = met / (met + (pt1 + pt2) + (top[0] + top[1] + top[2] + top[3]))
            left = cut(obs, JETS, ends, cut_of, bounds, accepted, masks, left)
            obs[MLL] = mass(pt1, pt2, obs[ETA1] - obs[ETA2], x1 - x2, y1 - y2)
            obs[PTLL] = hypot(ll_x, ll_y)
            obs[DPHILL] = angle(obs[PHI1], obs[PHI2])
            left = cut(obs, PAIRS, ends, cut_of, bounds, accepted, masks, left)
            if left == 0 and v > 0:
                continue
            nearest = NO_JET
            for j in range(n_j):
                if not keep_j[j]:
                    continue
                if near[j]:
                    away = e_jet[second, j] if second < n_e else mu_jet[second - n_e, j]
                else:
                    y = rapidity(j_float[PT, j0 + j], j_float[ETA, j0 + j], j_float[MASS, j0 + j])
                    away = distance(obs[ETA2], obs[PHI2], y, j_float[PHI, j0 + j])
                nearest = min(nearest, away)
            obs[MIN_DR] = nearest
            left = cut(obs, DISTANCES, ends, cut_of, bounds, accepted, masks, left)
            if left == 0 and v > 0:
                continue
            e_xx, e_yy, e_cross = electron_covariance(n_e, e_pt, e_xy, keep_e)
            mu_xx, mu_yy, mu_cross = muon_covariance(n_mu, mu0, mu_float, mu_pt, mu_xy, keep_mu)
            j_xx, j_yy, j_cross = jet_covariance(n_j, j0, j_float, j_pt, j_xy, keep_j)
            obs[SIGNIFICANCE] = significance(
                met_x,
                met_y,
                SOFT_TERM * SOFT_TERM + e_xx + mu_xx + j_xx,
                SOFT_TERM * SOFT_TERM + e_yy + mu_yy + j_yy,
                e_cross + mu_cross + j_cross,
            )
            passed[n, v] = cut(obs, SIGNIFICANCES, ends, cut_of, bounds, accepted, masks, left)
            if v == 0:
                for k in range(len(OBSERVABLES)):
                    observables[n, k] = obs[k]
