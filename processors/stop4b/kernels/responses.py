"""Momenta of objects in a variation: formulas of ``samples.stop4b.variations``."""

import math

import numpy as np

from hepcol.kernels._jit import Floats, Integers
from hepcol.kernels.blocks import inlined
from hepcol.kernels.hyperbolic import cosh, exp
from hepcol.kernels.normal import DRAWS_PER_CALL, normal_quad
from hepcol.kernels.geometry import hypot
from processors.stop4b.kernels.layout import (
    BARREL_END,
    CHARGE,
    CRACK_END,
    E_RESOLUTION,
    E_SCALE,
    EG_BARREL,
    EG_CRACK,
    EG_ENDCAP,
    ELECTRON_MAX_ETA,
    ELECTRON_MIN_PT,
    ETA,
    FLAVOUR,
    HIGH_ENERGY,
    JET_CONSTANT,
    JET_MAX_ETA,
    JET_MIN_PT,
    JET_NOISE,
    JET_RESOLUTION,
    JET_SCALE,
    JET_SLOPE,
    JET_STOCHASTIC,
    LOCAL,
    LOCAL_SIZES,
    MIN_JER_FACTOR,
    MU_BARREL,
    MU_BARREL_END,
    MU_CURVATURE,
    MU_ENDCAP,
    MU_RESOLUTION,
    MU_SCALE,
    MUON_MAX_ETA,
    MUON_MIN_PT,
    N_JER_DRAWS,
    N_JET_SCALES,
    NON_CLOSURE_FROM,
    NON_CLOSURE_TO,
    PT,
    SOFT_PERPENDICULAR,
    SOFT_SCALE,
    TRUTH_PT,
    B,
    Bools,
)


@inlined
def electron_scale(eta: float) -> float:
    """Relative change of an electron by the energy scale."""
    abs_eta = abs(eta)
    if abs_eta < BARREL_END:
        return EG_BARREL
    return EG_CRACK if abs_eta < CRACK_END else EG_ENDCAP


@inlined
def is_local(which: int, pt: float, eta: float) -> bool:
    """Whether a scale that changes some jets only changes this one."""
    if which == LOCAL:
        return pt * cosh(eta) > HIGH_ENERGY
    if which == LOCAL + 1:
        return -NON_CLOSURE_TO < eta < -NON_CLOSURE_FROM
    return NON_CLOSURE_FROM < eta < NON_CLOSURE_TO


@inlined
def find_scales(n_j: int, j0: int, j_float: Floats, j_int: Integers, scales: Floats) -> None:
    """Fill the relative changes of jets by the scales, in the order of ``response.JetScale``."""
    for j in range(n_j):
        pt, eta = j_float[PT, j0 + j], j_float[ETA, j0 + j]
        is_b = j_int[FLAVOUR, j0 + j] == B
        falling = exp(-pt / 40.0)
        scales[j, 0] = 0.003 + 0.025 * falling
        scales[j, 1] = 0.002 + 0.002 * abs(eta) + 0.010 * falling
        scales[j, 2] = 0.002 + 0.010 * falling + (0.010 if is_b else 0.0)
        scales[j, 3] = -0.003 if is_b else -(0.003 + 0.020 * exp(-pt / 50.0))
        for k in range(LOCAL, N_JET_SCALES):
            scales[j, k] = LOCAL_SIZES[k - LOCAL] if is_local(k, pt, eta) else 0.0


@inlined
def jet_variance(pt: float, eta: float) -> float:
    """Squared resolution of a jet [GeV^2]."""
    terms = JET_NOISE * JET_NOISE + JET_STOCHASTIC * JET_STOCHASTIC * pt + JET_CONSTANT * JET_CONSTANT * pt * pt
    slope = 1.0 + JET_SLOPE * abs(eta)
    return terms * slope * slope


@inlined
def draw_jets(
    event: np.uint64, key: np.uint64, n_j: int, j0: int, j_float: Floats, resolution: Floats, draws: Floats
) -> None:
    """Fill the resolutions of jets, and their draws for all variations of it."""
    for j in range(n_j):
        pt = j_float[PT, j0 + j]
        resolution[j] = math.sqrt(jet_variance(pt, j_float[ETA, j0 + j])) / pt
        for quad in range(N_JER_DRAWS // DRAWS_PER_CALL):
            drawn = normal_quad(event, np.uint64(j), np.uint64(quad), key)
            for k in range(DRAWS_PER_CALL):
                draws[j, quad * DRAWS_PER_CALL + k] = drawn[k]


@inlined
def vary_electrons(change: int, size: float, n_e: int, e0: int, e_float: Floats, e_pt: Floats, keep_e: Bools) -> None:
    """Fill the momenta of electrons in a variation, and mark the baseline."""
    for e in range(n_e):
        pt, eta = e_float[PT, e0 + e], e_float[ETA, e0 + e]
        if change == E_SCALE:
            pt = pt * (1.0 + size * electron_scale(eta))
        elif change == E_RESOLUTION:
            pt = pt + size * (pt - e_float[TRUTH_PT, e0 + e])
        e_pt[e] = pt
        keep_e[e] = pt > ELECTRON_MIN_PT and abs(eta) < ELECTRON_MAX_ETA


@inlined
def vary_muons(
    change: int, size: float, n_mu: int, mu0: int, mu_float: Floats, mu_int: Integers, mu_pt: Floats, keep_mu: Bools
) -> None:
    """Fill the momenta of muons in a variation, and mark the baseline."""
    for mu in range(n_mu):
        pt, eta = mu_float[PT, mu0 + mu], mu_float[ETA, mu0 + mu]
        if change == MU_SCALE:
            pt = pt * (1.0 + size * (MU_BARREL if abs(eta) < MU_BARREL_END else MU_ENDCAP))
        elif change == MU_RESOLUTION:
            pt = pt + size * (pt - mu_float[TRUTH_PT, mu0 + mu])
        elif change == MU_CURVATURE:
            pt = pt / (1.0 + size * mu_int[CHARGE, mu0 + mu] * pt)
        mu_pt[mu] = pt
        keep_mu[mu] = pt > MUON_MIN_PT and abs(eta) < MUON_MAX_ETA


@inlined
def vary_jets(
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
        if change == JET_SCALE:
            pt = pt * (1.0 + size * scales[j, which])
        elif change == JET_RESOLUTION:
            pt = pt * max(MIN_JER_FACTOR, 1.0 + size * resolution[j] * draws[j, which])
        j_pt[j] = pt
        keep_j[j] = pt > JET_MIN_PT and abs(j_float[ETA, j0 + j]) < JET_MAX_ETA


@inlined
def vary_soft(
    change: int,
    size: float,
    which: int,
    soft_x: float,
    soft_y: float,
    hard_x: float,
    hard_y: float,
    event: np.uint64,
    key: np.uint64,
) -> tuple[float, float]:
    """Return the soft term in a variation; its directions are those of the nominal hard system."""
    if change < SOFT_SCALE:
        return soft_x, soft_y
    length = hypot(hard_x, hard_y)
    x, y = (hard_x / length, hard_y / length) if length > 0.0 else (1.0, 0.0)
    if change == SOFT_SCALE:
        shift = size * (soft_x * x + soft_y * y)
    else:
        drawn = normal_quad(event, np.uint64(0), np.uint64(0), key)
        shift = size * (drawn[0] if which == 0 else drawn[1])
        if change == SOFT_PERPENDICULAR:
            x, y = -y, x
    return soft_x + shift * x, soft_y + shift * y
