"""Missing momentum and its significance, as ``samples.stop4b.selection`` and ``resolutions`` document."""

import math

from hepcol.kernels._jit import Floats, Integers
from hepcol.kernels.blocks import inlined
from hepcol.kernels.geometry import hypot
from processors.stop4b.kernels.layout import (
    ELECTRON_CONSTANT,
    ELECTRON_NOISE,
    ELECTRON_STOCHASTIC,
    ETA,
    FORWARD_MAX_ETA,
    FORWARD_MIN_PT,
    JET_ANGLE,
    JET_MAX_ETA,
    JVT_MAX_PT,
    MUON_CONSTANT,
    MUON_LINEAR,
    MUON_SLOPE,
    PASSES_JVT,
    TRACKER_MAX_ETA,
    Bools,
    X,
    Y,
)
from processors.stop4b.kernels.responses import jet_variance


@inlined
def is_forward(pt: float, eta: float) -> bool:
    """Whether a jet counts in the missing momentum alone."""
    return pt > FORWARD_MIN_PT and JET_MAX_ETA <= abs(eta) < FORWARD_MAX_ETA


@inlined
def add_leptons(count: int, pt: Floats, xy: Floats, keep: Bools) -> tuple[float, float]:
    """Sum the momenta of leptons that are left."""
    x = y = 0.0
    for k in range(count):
        if keep[k]:
            x += pt[k] * xy[k, X]
            y += pt[k] * xy[k, Y]
    return x, y


@inlined
def add_jets(
    n_j: int, j0: int, j_float: Floats, j_int: Integers, j_xy: Floats, j_pt: Floats, keep_j: Bools
) -> tuple[float, float]:
    """Sum the momenta of signal jets and forward jets, and take the marks of jets that fail JVT away."""
    x = y = 0.0
    for j in range(n_j):
        pt, abs_eta = j_pt[j], abs(j_float[ETA, j0 + j])
        if keep_j[j]:
            keep_j[j] = j_int[PASSES_JVT, j0 + j] != 0 or pt >= JVT_MAX_PT or abs_eta >= TRACKER_MAX_ETA
        if keep_j[j] or is_forward(pt, abs_eta):
            x += pt * j_xy[j, X]
            y += pt * j_xy[j, Y]
    return x, y


@inlined
def electron_covariance(n_e: int, e_pt: Floats, e_xy: Floats, keep_e: Bools) -> tuple[float, float, float]:
    """Sum the covariances of electrons along the axes of the detector: xx, yy, xy."""
    xx = yy = xy = 0.0
    for e in range(n_e):
        if keep_e[e]:
            pt, x, y = e_pt[e], e_xy[e, X], e_xy[e, Y]
            along = (
                ELECTRON_NOISE * ELECTRON_NOISE
                + ELECTRON_STOCHASTIC * ELECTRON_STOCHASTIC * pt
                + ELECTRON_CONSTANT * ELECTRON_CONSTANT * pt * pt
            )
            xx, yy, xy = xx + along * x * x, yy + along * y * y, xy + along * x * y
    return xx, yy, xy


@inlined
def muon_covariance(
    n_mu: int, mu0: int, mu_float: Floats, mu_pt: Floats, mu_xy: Floats, keep_mu: Bools
) -> tuple[float, float, float]:
    """Sum the covariances of muons along the axes of the detector: xx, yy, xy."""
    xx = yy = xy = 0.0
    for mu in range(n_mu):
        if keep_mu[mu]:
            pt, x, y = mu_pt[mu], mu_xy[mu, X], mu_xy[mu, Y]
            slope = 1.0 + MUON_SLOPE * abs(mu_float[ETA, mu0 + mu])
            along = pt * pt * (MUON_CONSTANT * MUON_CONSTANT + (MUON_LINEAR * pt) ** 2) * slope * slope
            xx, yy, xy = xx + along * x * x, yy + along * y * y, xy + along * x * y
    return xx, yy, xy


@inlined
def jet_covariance(
    n_j: int, j0: int, j_float: Floats, j_pt: Floats, j_xy: Floats, keep_j: Bools
) -> tuple[float, float, float]:
    """Sum the covariances of signal and forward jets along the axes of the detector: xx, yy, xy."""
    xx = yy = xy = 0.0
    for j in range(n_j):
        pt, eta = j_pt[j], j_float[ETA, j0 + j]
        if keep_j[j] or is_forward(pt, eta):
            x, y = j_xy[j, X], j_xy[j, Y]
            along, across = jet_variance(pt, eta), JET_ANGLE * JET_ANGLE * pt * pt
            xx += along * x * x + across * y * y
            yy += along * y * y + across * x * x
            xy += (along - across) * x * y
    return xx, yy, xy


@inlined
def significance(met_x: float, met_y: float, xx: float, yy: float, xy: float) -> float:
    """Object-based significance of the missing momentum: ATLAS-CONF-2018-038.

    MET / sqrt(sigma_L^2 (1 - rho^2)), of the covariance turned to the direction of the missing momentum.
    """
    met = hypot(met_x, met_y)
    x, y = met_x / met, met_y / met
    along = xx * x * x + 2.0 * xy * x * y + yy * y * y
    across = xx * y * y - 2.0 * xy * x * y + yy * x * x
    mixed = (yy - xx) * x * y + xy * (x * x - y * y)
    return met / math.sqrt(along - mixed * mixed / across)
