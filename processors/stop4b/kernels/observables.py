"""Observables of the leading objects, and the cuts on them."""

import numpy as np

from hepcol.kernels._jit import Floats, Integers, Unsigned
from hepcol.kernels.blocks import inlined
from processors.stop4b.kernels.layout import (
    CHARGE,
    CLASS,
    CLASS1,
    ETA,
    ETA1,
    IS_SIGNAL,
    IS_TAGGED,
    LEPTONS,
    MAX_ACCEPTED,
    N_LEADING,
    NLEP,
    OS,
    PHI,
    PHI1,
    PT1,
    SF,
    SIGNAL1,
    SKIM_LEPTONS,
    Bools,
)


@inlined
def leading(
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
def observe_leptons(
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
    obs[NLEP] = n_leptons
    charges = 1
    for place in range(2):
        k = first if place == 0 else second
        is_e = k < n_e
        at = e0 + k if is_e else mu0 + k - n_e
        obs[PT1 + place] = pt1 if place == 0 else pt2
        obs[ETA1 + place] = e_float[ETA, at] if is_e else mu_float[ETA, at]
        obs[PHI1 + place] = e_float[PHI, at] if is_e else mu_float[PHI, at]
        obs[SIGNAL1 + place] = e_int[IS_SIGNAL, at] if is_e else mu_int[IS_SIGNAL, at]
        obs[CLASS1 + place] = e_int[CLASS, at] if is_e else mu_int[CLASS, at]
        charges *= e_int[CHARGE, at] if is_e else mu_int[CHARGE, at]
    obs[OS] = 1.0 if charges < 0 else 0.0
    obs[SF] = 1.0 if (first < n_e) == (second < n_e) else 0.0


@inlined
def count_jets(n_j: int, j0: int, j_int: Integers, keep_j: Bools, j_pt: Floats, top: Floats) -> tuple[int, int]:
    """Count the signal jets and those that are b-tagged, and fill the momenta of the leading ones."""
    top[:] = 0.0
    n_jets = n_tagged = 0
    for j in range(n_j):
        if not keep_j[j]:
            continue
        pt = j_pt[j]
        n_jets += 1
        n_tagged += j_int[IS_TAGGED, j0 + j] != 0
        k = N_LEADING - 1
        if pt > top[k]:
            while k > 0 and pt > top[k - 1]:
                top[k] = top[k - 1]
                k -= 1
            top[k] = pt
    return n_jets, n_tagged


@inlined
def cut(
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
            passed = 0 <= whole < MAX_ACCEPTED and whole == value
            passed = passed and (accepted[k] >> np.uint64(whole)) & np.uint64(1) != 0
        if not passed:
            alive &= ~masks[k]
    return alive


@inlined
def cut_leptons(
    n_e: int,
    n_mu: int,
    e0: int,
    mu0: int,
    keep_e: Bools,
    keep_mu: Bools,
    e_pt: Floats,
    mu_pt: Floats,
    e_float: Floats,
    e_int: Integers,
    mu_float: Floats,
    mu_int: Integers,
    obs: Floats,
    ends: Integers,
    cut_of: Integers,
    bounds: Floats,
    accepted: Unsigned,
    masks: Unsigned,
    alive: np.uint64,
) -> tuple[int, int, int, float, float, np.uint64]:
    """Return what ``leading`` does, and the regions, as bits, of which no cut on leptons fails; observe them."""
    n_leptons, first, second, pt1, pt2 = leading(n_e, n_mu, keep_e, keep_mu, e_pt, mu_pt)
    if n_leptons >= SKIM_LEPTONS:
        observe_leptons(n_leptons, first, second, pt1, pt2, n_e, e0, mu0, e_float, e_int, mu_float, mu_int, obs)
        alive = cut(obs, LEPTONS, ends, cut_of, bounds, accepted, masks, alive)
    return n_leptons, first, second, pt1, pt2, alive
