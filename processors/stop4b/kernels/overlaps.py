"""Removal of objects that overlap, as ``samples.stop4b.selection`` documents."""

from hepcol.kernels._jit import Floats, Integers
from hepcol.kernels.blocks import block, inlined
from processors.stop4b.kernels.layout import (
    CONE_CONSTANT,
    CONE_SLOPE,
    HARD_ELECTRON,
    IS_TAGGED,
    MAX_CONE,
    MUON_JET_TRACKS,
    SAME_OBJECT,
    TRACKS,
    Bools,
)


@inlined
def cone(pt: float) -> float:
    """Size of the cone of a jet in which a lepton is removed."""
    return min(MAX_CONE, CONE_CONSTANT + CONE_SLOPE / pt)


@block
def remove_overlaps(  # noqa: PLR0912 (one recipe of five steps)
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
            wins = j_int[IS_TAGGED, j0 + j] == 0 or e_pt[e] > HARD_ELECTRON
            if keep_e[e] and e_jet[e, j] < SAME_OBJECT and wins:
                keep_j[j] = False
    for e in range(n_e):
        for j in range(n_j):
            if keep_j[j] and j_int[IS_TAGGED, j0 + j] != 0 and e_jet[e, j] < SAME_OBJECT:
                keep_e[e] = False
    for j in range(n_j):
        for mu in range(n_mu):
            if keep_mu[mu] and j_int[TRACKS, j0 + j] < MUON_JET_TRACKS and mu_jet[mu, j] < SAME_OBJECT:
                keep_j[j] = False
    for e in range(n_e):
        for j in range(n_j):
            if keep_j[j] and e_jet[e, j] < cone(e_pt[e]):
                keep_e[e] = False
    for mu in range(n_mu):
        for j in range(n_j):
            if keep_j[j] and mu_jet[mu, j] < cone(mu_pt[mu]):
                keep_mu[mu] = False
