"""The calibration of many particles: nominal, and with every variation in one pass.

Particles go in blocks through loops over the columns of a buffer, ``b[COLUMN + j]``: some look up tables, and some have
no branch, so that LLVM vectorises them, since the columns are at distances that it knows. A last block that is not full
is calibrated with what was there before.

ns per electron on one core of an EPYC 9005: full simulation 16, fast simulation 55, data of Run 3 95; the 8 variations
of ``1NP_v1`` 430, and 560 of fast simulation; the 176 of ``FULL_v1`` 1100, and 2200. One electron after the other took
110, 440, 430, 2200, 3900, 9900 and 18300. Look-ups of bins are 20 % of ``1NP_v1`` and 8 % of ``FULL_v1``. Blocks of 32
particles take 40 % longer for all variations, of 64 10 %, of 256 as long.
"""

import math
from typing import NamedTuple

import numpy as np

from calib.egamma.kernels import slots
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
    smearing,
    terms,
)
from calib.egamma.kernels.scale import GEV, all_sources, fill_sources, nominal_alpha, period_of
from calib.egamma.kernels.slots import CONVERTED, NONE, Model, Variations
from hepcol.kernels._jit import Floats, Integers, kernel
from hepcol.kernels.blocks import block, inlined
from hepcol.kernels.hyperbolic import cosh

BLOCK = 128
FAST_SCALE_END = 2.47
FORWARD_ETA = 2.5

# Columns of the buffer, as numbers of numpy, for numba would compile functions again for each literal. First of the
# particles, then of their calibration, then of one variation. SQUARE is the constant term squared; FAST_SQUARE is what
# the resolution of fast simulation lacks, of which LACKING is at most the whole; ADDED is what a variation adds.
(PT, ETA, MASS, CLUSTER_ETA, ETA_CALO, NORMAL,
 COSH_PARTICLE, COSH, ENERGY, SAMPLING, NOISE, CONSTANT, SQUARE, FAST_SQUARE, LACKING, FINAL,
 CHANGED, CHANGED_FAST_SQUARE, CHANGED_LACKING, ADDED) = np.arange(20) * BLOCK  # fmt: skip
NOMINAL_BUFFER = 20 * BLOCK
# One column each: what sources of the scale change; what sources add to the square of the resolution, up and down,
# beside the resolution and the relative change by all of them: at the energy, and at that of one variation
SIZES = np.int64(NOMINAL_BUFFER)
_UP, _DOWN, _RESOLUTION, _ALL, _COLUMNS = (
    np.cumsum([0, slots.RESOLUTION_SOURCES, slots.RESOLUTION_SOURCES, 1, 1]) * BLOCK
)
ERRORS = SIZES + (slots.FAST_SIMULATION + 1) * BLOCK
CHANGED_ERRORS = ERRORS + _COLUMNS
BUFFER = int(CHANGED_ERRORS + _COLUMNS)


class Particles(NamedTuple):
    """Columns of electrons or photons, all of one length.

    Parameters
    ----------
    kind : array of int64
        ``slots.ELECTRON``, ``UNCONVERTED`` or ``CONVERTED``.
    run : array of int64
        Run of data, random run of simulation.
    pt, eta, mass : array of float64
        Of the particle [MeV].
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
    left_out, left_out_correlated : array of int64
        Which sources are not in the sum of all, and in that of all correlated ones.
    """

    sample: int
    scales: bool
    smears: bool
    factor: float
    left_out: Integers
    left_out_correlated: Integers


@inlined
def energy_of(pt: float, mass: float, cosh_particle: float) -> float:
    """Energy of a particle before its calibration."""
    momentum = pt * cosh_particle
    return math.sqrt(momentum * momentum + mass * mass)


@inlined
def pt_of(energy: float, mass: float, cosh_particle: float) -> float:
    """Transverse momentum of a particle with another energy, in its direction and not that of its cluster."""
    square = energy * energy - mass * mass
    return math.sqrt(max(square, 0.0)) / cosh_particle  # NaN stays NaN


@inlined
def load(p: Particles, normals: Floats, start: int, count: int, b: Floats) -> None:
    """Copy a block of particles to the buffer, and work out their energy before the calibration."""
    # few columns at a time: with more, LLVM gives up proving that they do not overlap
    for j in range(count):
        b[PT + j] = p.pt[start + j]
        b[ETA + j] = p.eta[start + j]
        b[MASS + j] = p.mass[start + j]
    for j in range(count):
        b[CLUSTER_ETA + j] = p.cluster_eta[start + j]
        b[ETA_CALO + j] = p.eta_calo[start + j]
        b[NORMAL + j] = normals[start + j]
    for j in range(count, BLOCK):
        b[PT + j] = 1.0  # uncompiled, numpy warns of divisions by 0
    for j in range(BLOCK):
        b[COSH_PARTICLE + j] = cosh(b[ETA + j])
        b[COSH + j] = cosh(b[CLUSTER_ETA + j])
        b[ENERGY + j] = energy_of(b[PT + j], b[MASS + j], b[COSH_PARTICLE + j])


@inlined
def calibrate_data(t: Tables, m: Model, setup: Setup, p: Particles, start: int, count: int, b: Floats) -> None:
    """Calibrate a block of data."""
    for j in range(count):
        i = start + j
        kind, eta, eta_calo, cosh_eta = p.kind[i], b[CLUSTER_ETA + j], b[ETA_CALO + j], b[COSH + j]
        energy = corrected_data(
            t, m.precision, kind, b[ENERGY + j], eta, p.cluster_phi[i], eta_calo, p.phi_calo[i], cosh_eta
        )
        if setup.scales:
            et_gev = energy / cosh_eta / GEV
            energy /= 1.0 + nominal_alpha(t, m, kind, eta_calo, p.eta_s2[i], et_gev, period_of(m, p.run[i]))
            if m.forward and abs(eta) > FORWARD_ETA:
                energy = content(t, slots.FORWARD_SCALE, eta) * energy + content(t, slots.FORWARD_SHIFT, eta) * GEV
        b[ENERGY + j] = energy
    for j in range(BLOCK):
        b[FINAL + j] = pt_of(b[ENERGY + j], b[MASS + j], b[COSH_PARTICLE + j])


@inlined
def scale_fast_simulation(t: Tables, m: Model, p: Particles, start: int, count: int, b: Floats) -> None:
    """Bring a block of fast simulation to the scale of full simulation."""
    for j in range(count):
        magnitude, energy = abs(b[CLUSTER_ETA + j]), b[ENERGY + j]
        table = slots.FAST_SCALE + p.kind[start + j]
        factor = 1.0 + fast_table(t, m, table, magnitude, 0.001 * energy / b[COSH + j])
        b[ENERGY + j] = energy if magnitude > FAST_SCALE_END else energy * factor


@inlined
def fill_fast_uncertainty(t: Tables, m: Model, p: Particles, start: int, count: int, b: Floats) -> None:
    """Fill the column of the uncertainty of that scale."""
    for j in range(count):
        kind, eta, et = p.kind[start + j], b[CLUSTER_ETA + j], b[ENERGY + j] / b[COSH + j]
        size = 0.001
        if m.run3:
            if GAP_LOW <= abs(eta) <= GAP_HIGH:
                own = interpolated(t, slots.FAST_SCALE_GAP + kind, et / GEV)
                size = math.sqrt(own * own + 0.001 * 0.001)
        elif m.interpolates_fast and kind == CONVERTED and et < 20.0 * GEV:
            size = 0.003
        b[SIZES + slots.FAST_SIMULATION * BLOCK + j] = size


@inlined
def look_up_resolution(t: Tables, m: Model, p: Particles, start: int, count: int, b: Floats) -> None:
    """Look up the resolution of a block of fast simulation, and what it lacks of that."""
    for j in range(count):
        kind, eta = p.kind[start + j], b[CLUSTER_ETA + j]
        b[SAMPLING + j], b[NOISE + j], b[CONSTANT + j] = terms(t, kind, eta_bin(t, eta))
        b[FAST_SQUARE + j] = fast_resolution(t, m, kind, eta, b[ENERGY + j] / b[COSH + j] / GEV)


@inlined
def look_up_changes(t: Tables, m: Model, p: Particles, start: int, count: int, b: Floats) -> None:
    """Look up what the resolution lacks at the energies of a variation, most of which leave most as they are."""
    for j in range(count):
        if b[CHANGED + j] != b[ENERGY + j]:
            et_gev = b[CHANGED + j] / b[COSH + j] / GEV
            found = fast_resolution(t, m, p.kind[start + j], b[CLUSTER_ETA + j], et_gev)
            b[CHANGED_FAST_SQUARE + j] = found
        else:
            b[CHANGED_FAST_SQUARE + j] = b[FAST_SQUARE + j]


@inlined
def limit(m: Model, energies: int, squares: int, limited: int, b: Floats) -> None:
    """Fill a column with another one, but with the whole square of the resolution at most."""
    for j in range(BLOCK):
        et = b[energies + j] / b[COSH + j]
        noise = pile_up_noise(m, et) / et
        three = b[SAMPLING + j], b[NOISE + j], b[CONSTANT + j]
        whole = intrinsic_squared(three, b[energies + j] / GEV) + noise * noise
        b[limited + j] = whole if whole - b[squares + j] < 0.0 else b[squares + j]


@inlined
def smear(setup: Setup, energies: int, lacking: int, b: Floats) -> None:
    """Fill ``FINAL`` with the pt after the smearing, which leaves energies out that are not positive.

    Of the square of the resolution of data only what simulation lacks is needed: the constant term, what fast
    simulation lacks in addition, and what a variation adds. The tool takes roots and squares them again.
    """
    for j in range(BLOCK):
        energy = b[energies + j]
        factor = smearing(b[SQUARE + j] + (b[lacking + j] + b[ADDED + j]), b[NORMAL + j])
        smeared = energy * factor if setup.smears and energy > 0.0 else energy
        b[FINAL + j] = pt_of(smeared, b[MASS + j], b[COSH_PARTICLE + j])


@inlined
def calibrate_simulation(t: Tables, m: Model, setup: Setup, p: Particles, start: int, count: int, b: Floats) -> None:
    """Calibrate and smear a block of simulation."""
    if setup.sample == slots.FAST:
        scale_fast_simulation(t, m, p, start, count, b)
        look_up_resolution(t, m, p, start, count, b)
        limit(m, ENERGY, FAST_SQUARE, LACKING, b)
    for j in range(count):
        constant = constant_term(t, b[ETA_CALO + j])
        b[SQUARE + j] = constant * constant if b[COSH + j] < math.inf else math.nan
    for j in range(BLOCK):
        b[ADDED + j] = 0.0
    smear(setup, ENERGY, LACKING, b)


@block
def calibrate_block(
    t: Tables, m: Model, setup: Setup, p: Particles, normals: Floats, start: int, count: int, b: Floats
) -> None:
    """Fill ``ENERGY`` with the nominal energies before the smearing, and ``FINAL`` with the pt after it."""
    load(p, normals, start, count, b)
    if setup.sample == slots.DATA:
        calibrate_data(t, m, setup, p, start, count, b)
    else:
        calibrate_simulation(t, m, setup, p, start, count, b)


@kernel
def nominal(t: Tables, m: Model, setup: Setup, p: Particles, normals: Floats, out: Floats) -> None:
    """Fill ``out[n]`` with the calibrated pt [MeV]; ``normals[n]`` are the draws of the smearing."""
    b = np.zeros(NOMINAL_BUFFER)
    for start in range(0, len(out), BLOCK):
        count = min(BLOCK, len(out) - start)
        calibrate_block(t, m, setup, p, normals, start, count, b)
        for j in range(count):
            out[start + j] = b[FINAL + j]


@block
def size_block(
    t: Tables, m: Model, setup: Setup, p: Particles, start: int, count: int, sources: Floats, b: Floats
) -> None:
    """Fill the columns of the sources of the scale, and of their sums."""
    for j in range(count):
        i = start + j
        energy, cosh_eta, eta, eta_calo = b[ENERGY + j], b[COSH + j], b[CLUSTER_ETA + j], b[ETA_CALO + j]
        kind, period = p.kind[i], period_of(m, p.run[i])
        fill_sources(t, m, kind, eta, eta_calo, p.eta_s2[i], energy, cosh_eta, period, setup.factor, sources)
        for source in range(slots.SOURCES):
            b[SIZES + source * BLOCK + j] = sources[source]
        b[SIZES + slots.ALL * BLOCK + j] = all_sources(sources, setup.left_out)
        b[SIZES + slots.ALL_CORRELATED * BLOCK + j] = all_sources(sources, setup.left_out_correlated)


@block
def error_block(
    t: Tables,
    m: Model,
    fast: bool,
    p: Particles,
    start: int,
    count: int,
    energies: int,
    first: int,
    up: Floats,
    down: Floats,
    b: Floats,
) -> None:
    """Fill the columns from ``first`` on with the changes of the resolution at the energies of another column."""
    for j in range(count):
        eta, kind = b[CLUSTER_ETA + j], p.kind[start + j]
        resolution = fill_errors(t, m, kind, fast, eta, b[ETA_CALO + j], b[energies + j], b[COSH + j], up, down)
        for source in range(slots.RESOLUTION_SOURCES):
            b[first + _UP + source * BLOCK + j] = up[source]
            b[first + _DOWN + source * BLOCK + j] = down[source]
        b[first + _RESOLUTION + j] = resolution
        b[first + _ALL + j] = all_relative_errors(resolution, up, down)


@inlined
def holds(eta: float, low_0: float, high_0: float, low_1: float, high_1: float) -> bool:
    """Whether a pseudorapidity is in either range."""
    return low_0 <= eta < high_0 or low_1 <= eta < high_1


@inlined
def in_range(v: Variations, number: int, eta_calo: float) -> bool:
    """Whether a variation of the scale holds for a particle."""
    eta = eta_calo if v.signed[number] else abs(eta_calo)
    return holds(eta, v.low[number, 0], v.high[number, 0], v.low[number, 1], v.high[number, 1])


@inlined
def change_energies(
    t: Tables, m: Model, fast: bool, p: Particles, v: Variations, number: int, start: int, count: int, b: Floats
) -> None:
    """Fill ``CHANGED`` with the energies of a variation, and ``CHANGED_LACKING`` with what is lacking there."""
    for j in range(BLOCK):
        b[CHANGED + j], b[CHANGED_LACKING + j] = b[ENERGY + j], b[LACKING + j]
    if v.scale[number] != NONE:
        column = SIZES + v.scale[number] * BLOCK
        sign, signed = v.scale_sign[number], v.signed[number]
        low_0, high_0 = v.low[number, 0], v.high[number, 0]
        low_1, high_1 = v.low[number, 1], v.high[number, 1]
        for j in range(BLOCK):
            eta = b[ETA_CALO + j] if signed else abs(b[ETA_CALO + j])
            factor = 1.0 + sign * b[column + j]
            changes = holds(eta, low_0, high_0, low_1, high_1)
            b[CHANGED + j] = b[ENERGY + j] * factor if changes else b[ENERGY + j]
        if fast:
            look_up_changes(t, m, p, start, count, b)
            limit(m, CHANGED, CHANGED_FAST_SQUARE, CHANGED_LACKING, b)


@inlined
def smear_variation(setup: Setup, v: Variations, number: int, first: int, b: Floats) -> None:
    """Smear with what a variation adds to the square of the resolution of data, from the columns from ``first`` on."""
    sign, source = v.resolution_sign[number], v.resolution[number]
    column = first + (_UP if sign > 0.0 else _DOWN) + source * BLOCK
    for j in range(BLOCK):
        if source == NONE:
            b[ADDED + j] = 0.0
        elif source == slots.RESOLUTION_ALL:
            resolution, error = b[first + _RESOLUTION + j], sign * b[first + _ALL + j]
            b[ADDED + j] = resolution * resolution * error * (2.0 + error)
        else:  # the square may become negative: simulation lacks nothing then, as if it were 0
            b[ADDED + j] = b[column + j]
    smear(setup, CHANGED, CHANGED_LACKING, b)


@inlined
def scale_is_varied(v: Variations) -> bool:
    """Whether there is a variation of a source of the scale."""
    found = False
    for number in range(len(v.scale)):
        found = found or (v.scale[number] != NONE and v.scale[number] != slots.FAST_SIMULATION)
    return found


@inlined
def resolution_is_varied(v: Variations) -> bool:
    """Whether there is a variation of the resolution."""
    found = False
    for number in range(len(v.resolution)):
        found = found or v.resolution[number] != NONE
    return found


@kernel
def varied(t: Tables, m: Model, setup: Setup, p: Particles, normals: Floats, v: Variations, out: Floats) -> None:
    """Fill ``out[0, n]`` with the calibrated pt [MeV], and ``out[1 + k, n]`` with that of variation ``k``."""
    b, sources = np.zeros(BUFFER), np.empty(slots.SOURCES)
    up, down = np.empty(slots.RESOLUTION_SOURCES), np.empty(slots.RESOLUTION_SOURCES)
    fast, simulated = setup.sample == slots.FAST, setup.sample != slots.DATA  # there are no variations of data
    needs_sizes, needs_errors = simulated and scale_is_varied(v), simulated and resolution_is_varied(v)
    for start in range(0, out.shape[1], BLOCK):
        count = min(BLOCK, out.shape[1] - start)
        calibrate_block(t, m, setup, p, normals, start, count, b)
        for j in range(count):
            out[0, start + j] = b[FINAL + j]
        if needs_sizes:
            size_block(t, m, setup, p, start, count, sources, b)
        if fast:
            fill_fast_uncertainty(t, m, p, start, count, b)
        if needs_errors:
            error_block(t, m, fast, p, start, count, ENERGY, ERRORS, up, down, b)
        for k in range(len(v.scale)):
            if simulated:
                errors = ERRORS
                change_energies(t, m, fast, p, v, k, start, count, b)
                if v.scale[k] != NONE and v.resolution[k] != NONE:
                    errors = CHANGED_ERRORS
                    error_block(t, m, fast, p, start, count, CHANGED, errors, up, down, b)
                smear_variation(setup, v, k, errors, b)
            for j in range(count):
                out[1 + k, start + j] = b[FINAL + j]
