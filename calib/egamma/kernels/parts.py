"""Parts of the calibration by themselves: the energy scale, and the resolution."""

import math

import numpy as np

from calib.egamma.kernels import slots
from calib.egamma.kernels.calibrate import Particles, Setup, energy_of, in_range
from calib.egamma.kernels.lookup import BINS, EDGES, X_AXIS, Tables
from calib.egamma.kernels.resolution import constant_term, eta_bin, intrinsic_squared, pile_up_noise, terms
from calib.egamma.kernels.scale import GEV, all_sources, fill_sources, nominal_alpha, period_of
from calib.egamma.kernels.slots import Model, Variations
from hepcol.kernels._jit import Floats, kernel
from hepcol.kernels.hyperbolic import cosh


def edges(t: Tables, table: int) -> Floats:
    """Return the edges of the first axis of a table."""
    axis = t.tables[table, X_AXIS]
    start = t.axes[axis, EDGES]
    return t.numbers[start : start + t.axes[axis, BINS] + 1]


@kernel
def alphas(t: Tables, m: Model, setup: Setup, p: Particles, v: Variations, out: Floats) -> None:
    """Fill ``out[n]`` with alpha, nominal or of the one variation that is given."""
    sources = np.empty(slots.SOURCES)
    for i in range(len(out)):
        eta, kind = p.cluster_eta[i], p.kind[i]
        cosh_eta, energy = cosh(eta), energy_of(p.pt[i], p.mass[i], cosh(p.eta[i]))
        period = period_of(m, p.run[i])
        alpha = nominal_alpha(t, m, kind, p.eta_calo[i], p.eta_s2[i], energy / cosh_eta / GEV, period)
        if len(v.scale) and slots.NONE < v.scale[0] <= slots.ALL_CORRELATED and in_range(v, 0, p.eta_calo[i]):
            fill_sources(t, m, kind, eta, p.eta_calo[i], p.eta_s2[i], energy, cosh_eta, period, setup.factor, sources)
            if v.scale[0] < slots.SOURCES:
                size = sources[v.scale[0]]
            else:
                size = all_sources(sources, setup.left_out if v.scale[0] == slots.ALL else setup.left_out_correlated)
            alpha += v.scale_sign[0] * size
        out[i] = alpha


@kernel
def resolutions_of(t: Tables, m: Model, p: Particles, constant: bool, out: Floats) -> None:
    """Fill ``out[n]`` with the relative resolution of full simulation, with or without the constant term of data."""
    for i in range(len(out)):
        eta = p.cluster_eta[i]
        energy = energy_of(p.pt[i], p.mass[i], cosh(p.eta[i]))
        noise = pile_up_noise(m, energy / cosh(eta)) / (energy / cosh(eta))
        square = intrinsic_squared(terms(t, p.kind[i], eta_bin(t, eta)), energy / GEV) + noise * noise
        if constant:
            square += constant_term(t, p.eta_calo[i]) ** 2
        out[i] = math.sqrt(square)
