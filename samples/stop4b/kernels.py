"""Loops over the objects of each event: overlap removal and the stransverse mass."""

import math

import numpy as np
import numpy.typing as npt

from hepcol.kernels._jit import Floats, Integers, inlined, kernel

Bools = npt.NDArray[np.bool_]

SAME_TRACK = 0.01
JET_IS_ELECTRON = 0.2
JET_IS_MUON = 0.2
MUON_JET_TRACKS = 3
HARD_ELECTRON = 100.0  # GeV: above, an electron wins against a b-jet
CONE_SLOPE, CONE_CONSTANT, MAX_CONE = 10.0, 0.04, 0.4
_BISECTIONS = 60


@inlined
def delta_r(y1: float, phi1: float, y2: float, phi2: float) -> float:
    """Distance in rapidity and azimuth."""
    dphi = abs(phi1 - phi2)
    if dphi > math.pi:
        dphi = 2.0 * math.pi - dphi
    return math.sqrt((y1 - y2) ** 2 + dphi * dphi)


@inlined
def _in_jet(
    pt: float, eta: float, phi: float, first: int, last: int, jet_y: Floats, jet_phi: Floats, keep_jet: Bools
) -> bool:
    """Whether a lepton lies in the cone of a jet that is left."""
    cone = min(MAX_CONE, CONE_CONSTANT + CONE_SLOPE / pt)
    for j in range(first, last):  # noqa: SIM110 (numba has no generators)
        if keep_jet[j] and delta_r(eta, phi, jet_y[j], jet_phi[j]) < cone:
            return True
    return False


@kernel
def remove_overlaps(  # noqa: PLR0912 (one recipe of five steps)
    electron_pt: Floats,
    electron_eta: Floats,
    electron_phi: Floats,
    electron_offsets: Integers,
    muon_pt: Floats,
    muon_eta: Floats,
    muon_phi: Floats,
    muon_offsets: Integers,
    jet_y: Floats,
    jet_phi: Floats,
    jet_is_b: Bools,
    jet_ntrk: Integers,
    jet_offsets: Integers,
    keep_electron: Bools,
    keep_muon: Bools,
    keep_jet: Bools,
) -> None:
    """Clear the marks of objects that overlap, in the order of ``selection``; the marks come in as the baseline."""
    for event in range(len(jet_offsets) - 1):
        e0, e1 = electron_offsets[event], electron_offsets[event + 1]
        m0, m1 = muon_offsets[event], muon_offsets[event + 1]
        j0, j1 = jet_offsets[event], jet_offsets[event + 1]
        for e in range(e0, e1):
            for m in range(m0, m1):
                near = delta_r(electron_eta[e], electron_phi[e], muon_eta[m], muon_phi[m]) < SAME_TRACK
                if keep_electron[e] and keep_muon[m] and near:
                    keep_electron[e] = False
        for j in range(j0, j1):
            for e in range(e0, e1):
                near = delta_r(electron_eta[e], electron_phi[e], jet_y[j], jet_phi[j]) < JET_IS_ELECTRON
                wins = not jet_is_b[j] or electron_pt[e] > HARD_ELECTRON
                if keep_jet[j] and keep_electron[e] and near and wins:
                    keep_jet[j] = False
        for e in range(e0, e1):
            for j in range(j0, j1):
                near = delta_r(electron_eta[e], electron_phi[e], jet_y[j], jet_phi[j]) < JET_IS_ELECTRON
                if keep_jet[j] and keep_electron[e] and jet_is_b[j] and near:
                    keep_electron[e] = False
        for j in range(j0, j1):
            for m in range(m0, m1):
                near = delta_r(muon_eta[m], muon_phi[m], jet_y[j], jet_phi[j]) < JET_IS_MUON
                if keep_jet[j] and keep_muon[m] and jet_ntrk[j] < MUON_JET_TRACKS and near:
                    keep_jet[j] = False
        for e in range(e0, e1):
            if keep_electron[e] and _in_jet(
                electron_pt[e], electron_eta[e], electron_phi[e], j0, j1, jet_y, jet_phi, keep_jet
            ):
                keep_electron[e] = False
        for m in range(m0, m1):
            if keep_muon[m] and _in_jet(muon_pt[m], muon_eta[m], muon_phi[m], j0, j1, jet_y, jet_phi, keep_jet):
                keep_muon[m] = False


@inlined
def _smallest(
    weight: float, px1: float, py1: float, px2: float, py2: float, qx: float, qy: float
) -> tuple[float, float]:
    """Squared transverse masses where ``weight m1^2 + (1 - weight) m2^2`` is smallest over all splittings of q.

    The sum is convex in the first invisible momentum k, with kinks at k = 0 and k = q. Elsewhere the gradient
    vanishes where the directions u, v of the two invisible momenta are the visible ones mirrored at
    w = weight p1 - (1 - weight) p2.
    """
    p1, p2, q = math.hypot(px1, py1), math.hypot(px2, py2), math.hypot(qx, qy)
    at_zero = 2.0 * (p2 * q - px2 * qx - py2 * qy)  # k = 0: m1 = 0 and this is m2^2
    at_all = 2.0 * (p1 * q - px1 * qx - py1 * qy)  # k = q: m2 = 0 and this is m1^2
    m1, m2 = 0.0, at_zero
    if weight * at_all < (1.0 - weight) * at_zero:
        m1, m2 = at_all, 0.0
    wx, wy = weight * px1 - (1.0 - weight) * px2, weight * py1 - (1.0 - weight) * py2
    w = wx * wx + wy * wy
    if w > 0.0:
        turn1, turn2 = 2.0 * (px1 * wx + py1 * wy) / w, 2.0 * (px2 * wx + py2 * wy) / w
        ux, uy = (turn1 * wx - px1) / p1, (turn1 * wy - py1) / p1
        vx, vy = (turn2 * wx - px2) / p2, (turn2 * wy - py2) / p2
        determinant = ux * vy - uy * vx
        if determinant != 0.0:
            r, s = (qx * vy - qy * vx) / determinant, (ux * qy - uy * qx) / determinant
            if r >= 0.0 and s >= 0.0:
                m1 = 2.0 * r * (p1 - px1 * ux - py1 * uy)
                m2 = 2.0 * s * (p2 - px2 * vx - py2 * vy)
    return m1, m2


@inlined
def _is_between(px1: float, py1: float, px2: float, py2: float, qx: float, qy: float) -> bool:
    """Whether q is a sum of momenta along the two visible ones: then both transverse masses can vanish."""
    determinant = px1 * py2 - py1 * px2
    first, second = qx * py2 - qy * px2, px1 * qy - py1 * qx
    return determinant != 0.0 and first * determinant >= 0.0 and second * determinant >= 0.0


@kernel
def stransverse_mass(px1: Floats, py1: Floats, px2: Floats, py2: Floats, qx: Floats, qy: Floats, out: Floats) -> None:
    """Fill ``out`` with m_T2 of two massless visible particles and massless invisible ones that sum up to q.

    Lester, Summers, Phys. Lett. B463 (1999) 99. The smallest larger of two convex functions is the largest, over
    the weight, of the smallest weighted sum: a bisection on the weight, whose slope is m1^2 - m2^2.
    """
    for n in range(len(out)):
        if _is_between(px1[n], py1[n], px2[n], py2[n], qx[n], qy[n]):
            out[n] = 0.0
            continue
        low, high = 0.0, 1.0
        m1 = m2 = weight = 0.0
        for _ in range(_BISECTIONS):
            weight = 0.5 * (low + high)
            m1, m2 = _smallest(weight, px1[n], py1[n], px2[n], py2[n], qx[n], qy[n])
            if m1 > m2:
                low = weight
            else:
                high = weight
        out[n] = math.sqrt(max(0.0, weight * m1 + (1.0 - weight) * m2))
