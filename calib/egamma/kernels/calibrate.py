"""The calibration of many particles: nominal, and with every variation in one pass."""

import math
from typing import NamedTuple

import numpy as np

from calib.egamma.kernels import slots
from calib.egamma.kernels.hyperbolic import cosh
from calib.egamma.kernels.lookup import Tables, content, interpolated
from calib.egamma.kernels.precorrection import corrected_data
from calib.egamma.kernels.resolution import (
    GAP_HIGH,
    GAP_LOW,
    all_relative_errors,
    constant_term,
    eta_bin,
    fast_resolution,
    fast_table,
    fill_errors,
    intrinsic_squared,
    pile_up_noise,
    relative_error,
    smeared,
    terms,
)
from calib.egamma.kernels.scale import GEV, all_sources, fill_sources, nominal_alpha, period_of
from calib.egamma.kernels.slots import CONVERTED, NONE, Model, Variations
from hepcol.kernels._jit import Floats, Integers, inlined, kernel

BLOCK = 64  # particles whose variations are kept before they are written: 177 rows at a time miss the cache otherwise
FAST_SCALE_END = 2.47
FORWARD_ETA = 2.5


class Particles(NamedTuple):
    """Columns of electrons or photons, all of one length.

    Parameters
    ----------
    kind : array of int64
        ``slots.ELECTRON``, ``UNCONVERTED`` or ``CONVERTED``.
    run : array of int64
        Run of data, random run of simulation.
    pt, eta, mass : array of float64
        Of the particle [MeV]; where ``has_energy`` is set, ``pt`` is its energy.
    cluster_eta, cluster_phi, eta_s2, eta_calo, phi_calo : array of float64
        Of its cluster: direction, pseudorapidity in the second layer, direction in the calorimeter frame.
    """

    kind: Integers
    run: Integers
    pt: Floats
    eta: Floats
    mass: Floats
    cluster_eta: Floats
    cluster_phi: Floats
    eta_s2: Floats
    eta_calo: Floats
    phi_calo: Floats


class Setup(NamedTuple):
    """What the tool does.

    Parameters
    ----------
    sample : int
        ``slots.DATA``, ``FULL_SIMULATION`` or ``FAST``.
    scales, smears : bool
        Whether data are scaled, and simulation is smeared.
    factor : float
        Factor of most uncertainties of the scale.
    has_energy : bool
        Whether particles come with their energy instead of pt, and go so.
    left_out, left_out_correlated : array of int64
        Which sources are not in the sum of all, and in that of all correlated ones.
    """

    sample: int
    scales: bool
    smears: bool
    factor: float
    has_energy: bool
    left_out: Integers
    left_out_correlated: Integers


@inlined
def energy_of(p: Particles, setup: Setup, i: int, cosh_particle: float) -> float:
    """Energy of a particle before its calibration."""
    if setup.has_energy:
        return p.pt[i]
    momentum = p.pt[i] * cosh_particle
    return math.sqrt(momentum * momentum + p.mass[i] * p.mass[i])


@inlined
def pt_of(p: Particles, setup: Setup, i: int, energy: float, cosh_particle: float) -> float:
    """Transverse momentum of a particle with another energy, in its direction and not that of its cluster."""
    if setup.has_energy:
        return energy
    square = energy * energy - p.mass[i] * p.mass[i]
    return math.sqrt(max(0.0, square)) / cosh_particle


@inlined
def calibrated_data(
    t: Tables, m: Model, setup: Setup, p: Particles, i: int, energy: float, cosh_eta: float, precorrected: bool
) -> float:
    """Energy of data, nominal; there are no variations of it."""
    kind, eta = p.kind[i], p.cluster_eta[i]
    if not precorrected:
        energy = corrected_data(
            t, m.precision, kind, energy, eta, p.cluster_phi[i], p.eta_calo[i], p.phi_calo[i], cosh_eta
        )
    if not setup.scales:
        return energy
    et_gev = energy / cosh_eta / GEV
    energy /= 1.0 + nominal_alpha(t, m, kind, p.eta_calo[i], p.eta_s2[i], et_gev, period_of(m, p.run[i]))
    if m.forward and abs(eta) > FORWARD_ETA:
        energy = content(t, slots.FORWARD_SCALE, eta) * energy + content(t, slots.FORWARD_SHIFT, eta) * GEV
    return energy


@inlined
def fast_factor(t: Tables, m: Model, kind: int, eta: float, energy: float, cosh_eta: float) -> float:
    """Energy of full simulation against that of fast simulation."""
    magnitude = abs(eta)
    if magnitude > FAST_SCALE_END:
        return 1.0
    return 1.0 + fast_table(t, m, slots.FAST_SCALE + kind, magnitude, 0.001 * energy / cosh_eta)


@inlined
def fast_uncertainty(t: Tables, m: Model, kind: int, eta: float, energy: float, cosh_eta: float) -> float:
    """Uncertainty of that."""
    if m.run3:
        if GAP_LOW <= abs(eta) <= GAP_HIGH:
            found = interpolated(t, slots.FAST_SCALE_GAP + kind, energy / cosh_eta / GEV)
            return math.sqrt(found * found + 0.001 * 0.001)
        return 0.001
    if m.interpolates_fast and kind == CONVERTED and energy / cosh_eta < 20.0 * GEV:
        return 0.003
    return 0.001


@inlined
def resolutions(
    t: Tables,
    m: Model,
    kind: int,
    fast: bool,
    eta: float,
    three: tuple[float, float, float],
    constant: float,
    energy: float,
    cosh_eta: float,
) -> tuple[float, float]:
    """Relative resolution of data, and that of the simulation."""
    et = energy / cosh_eta
    noise = pile_up_noise(m, et) / et
    square = intrinsic_squared(three, energy / GEV) + noise * noise
    simulated = square
    if fast:
        simulated -= fast_resolution(t, m, kind, eta, et / GEV)
        simulated = max(simulated, 0.0)
    return math.sqrt(square + constant * constant), math.sqrt(simulated)


@kernel
def nominal(t: Tables, m: Model, setup: Setup, p: Particles, normals: Floats, out: Floats) -> None:
    """Fill ``out[n]`` with the calibrated pt [MeV]; ``normals[n]`` are the draws of the smearing."""
    fast = setup.sample == slots.FAST
    for i in range(len(out)):
        eta, kind = p.cluster_eta[i], p.kind[i]
        cosh_particle, cosh_eta = cosh(p.eta[i]), cosh(eta)
        energy = energy_of(p, setup, i, cosh_particle)
        if setup.sample == slots.DATA:
            energy = calibrated_data(t, m, setup, p, i, energy, cosh_eta, False)
        else:
            if fast:
                energy *= fast_factor(t, m, kind, eta, energy, cosh_eta)
            if setup.smears:
                three, constant = terms(t, kind, eta_bin(t, eta)), constant_term(t, p.eta_calo[i])
                data, simulated = resolutions(t, m, kind, fast, eta, three, constant, energy, cosh_eta)
                energy = smeared(energy, data, simulated, normals[i])
        out[i] = pt_of(p, setup, i, energy, cosh_particle)


@inlined
def in_range(v: Variations, number: int, eta_calo: float) -> bool:
    """Whether a variation of the scale holds for a particle."""
    eta = eta_calo if v.signed[number] else abs(eta_calo)
    return v.low[number, 0] <= eta < v.high[number, 0] or v.low[number, 1] <= eta < v.high[number, 1]


@kernel
def varied(t: Tables, m: Model, setup: Setup, p: Particles, normals: Floats, v: Variations, out: Floats) -> None:
    """Fill ``out[0, n]`` with the calibrated pt [MeV], and ``out[1 + k, n]`` with that of variation ``k``."""
    fast = setup.sample == slots.FAST
    count = len(v.scale)
    block = np.empty((count + 1, BLOCK))
    sources = np.empty(slots.SOURCES)
    up, down = np.empty(slots.RESOLUTION_SOURCES), np.empty(slots.RESOLUTION_SOURCES)
    other_up, other_down = np.empty(slots.RESOLUTION_SOURCES), np.empty(slots.RESOLUTION_SOURCES)
    needs_sources = needs_errors = False
    for k in range(count):
        needs_sources = needs_sources or (v.scale[k] != NONE and v.scale[k] != slots.FAST_SIMULATION)
        needs_errors = needs_errors or v.resolution[k] != NONE
    n = out.shape[1]
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        for i in range(start, stop):
            j = i - start
            eta, kind, eta_calo = p.cluster_eta[i], p.kind[i], p.eta_calo[i]
            cosh_particle, cosh_eta = cosh(p.eta[i]), cosh(eta)
            energy = energy_of(p, setup, i, cosh_particle)
            if setup.sample == slots.DATA:
                energy = calibrated_data(t, m, setup, p, i, energy, cosh_eta, False)
                block[:, j] = pt_of(p, setup, i, energy, cosh_particle)
                continue
            if fast:
                energy *= fast_factor(t, m, kind, eta, energy, cosh_eta)
            three, constant = terms(t, kind, eta_bin(t, eta)), constant_term(t, eta_calo)
            data, simulated = resolutions(t, m, kind, fast, eta, three, constant, energy, cosh_eta)
            final = smeared(energy, data, simulated, normals[i]) if setup.smears else energy
            nominal_pt = pt_of(p, setup, i, final, cosh_particle)
            block[0, j] = nominal_pt
            every = correlated = shift = 0.0
            if needs_sources:
                period = period_of(m, p.run[i])
                fill_sources(t, m, kind, eta, eta_calo, p.eta_s2[i], energy, cosh_eta, period, setup.factor, sources)
                every = all_sources(sources, setup.left_out)
                correlated = all_sources(sources, setup.left_out_correlated)
                if setup.factor != 1.0 and m.precision and kind != slots.ELECTRON:
                    # the factor is that of the nominal leakage, too, which is not the subject of the variation
                    shift = (setup.factor - 1.0) * nominal_leakage(t, m, p, i, energy, cosh_eta)
            resolution = 0.0
            if needs_errors:
                resolution = fill_errors(t, m, kind, fast, eta, eta_calo, energy, cosh_eta, up, down)
            for k in range(count):
                changed = energy
                source = v.scale[k]
                if source != NONE and in_range(v, k, eta_calo):
                    if source < slots.SOURCES:
                        changed *= 1.0 + (v.scale_sign[k] * sources[source] + shift)
                    elif source == slots.ALL:
                        changed *= 1.0 + (v.scale_sign[k] * every + shift)
                    elif source == slots.ALL_CORRELATED:
                        changed *= 1.0 + (v.scale_sign[k] * correlated + shift)
                    elif fast:
                        size = fast_uncertainty(t, m, kind, eta, energy, cosh_eta)
                        changed *= 1.0 + v.scale_sign[k] * size
                if v.resolution[k] == NONE:
                    if changed == energy:
                        block[1 + k, j] = nominal_pt
                        continue
                    data_k, simulated_k = resolutions(t, m, kind, fast, eta, three, constant, changed, cosh_eta)
                else:
                    data_k, simulated_k = data, simulated
                    error = 0.0
                    if changed == energy:
                        error = error_of(v.resolution[k], v.resolution_sign[k], resolution, up, down)
                    else:
                        data_k, simulated_k = resolutions(t, m, kind, fast, eta, three, constant, changed, cosh_eta)
                        there = fill_errors(t, m, kind, fast, eta, eta_calo, changed, cosh_eta, other_up, other_down)
                        error = error_of(v.resolution[k], v.resolution_sign[k], there, other_up, other_down)
                    data_k *= 1.0 + error
                if setup.smears:
                    changed = smeared(changed, data_k, simulated_k, normals[i])
                block[1 + k, j] = pt_of(p, setup, i, changed, cosh_particle)
        for k in range(count + 1):
            for i in range(start, stop):
                out[k, i] = block[k, i - start]


@inlined
def nominal_leakage(t: Tables, m: Model, p: Particles, i: int, energy: float, cosh_eta: float) -> float:
    """Part of the nominal correction of photons that the factor of the uncertainties is applied to."""
    et_gev = energy / cosh_eta / GEV
    nothing = content(t, slots.ZEE, p.eta_calo[i])
    return nominal_alpha(t, m, p.kind[i], p.eta_calo[i], p.eta_s2[i], et_gev, 0) - nothing


@inlined
def error_of(source: int, sign: float, resolution: float, up: Floats, down: Floats) -> float:
    """Relative change of the resolution with a variation."""
    if source == slots.RESOLUTION_ALL:
        return sign * all_relative_errors(resolution, up, down)
    return relative_error(resolution, up[source] if sign > 0.0 else down[source])
