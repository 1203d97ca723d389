"""Energy resolution of one particle, relative to its energy, in data and simulation, and its uncertainties.

Ported from ``egammaEnergyCorrectionTool`` (``resolution``, ``getResolutionError``) and ``get_MaterialResolutionEffect``
of Athena. Energies in MeV unless named GeV.
"""

import math

import numpy as np

from calib.egamma.kernels import slots
from calib.egamma.kernels.lookup import (
    CONTENTS,
    X_AXIS,
    Y_AXIS,
    Tables,
    content,
    find_bin,
    find_inside,
    interpolated,
    interpolated_in_y,
    row_of,
)
from calib.egamma.kernels.slots import Model
from hepcol.kernels._jit import Floats, inlined, kernel
from hepcol.kernels.elementary import log

GEV = 1000.0
SAMPLING, NOISE, CONSTANT = range(3)
TRUE_UNCONVERTED = 3  # the type of which the sampling term is varied
FAST_ETA_END = 2.5
GAP_LOW, GAP_HIGH = 1.3, 1.35  # where fast simulation of Run 3 has a correction of its own
_LN_5 = math.log(5.0)
_NOISE_LOW, _NOISE_HIGH = 5_000.0, 50_000.0


@inlined
def eta_bin(t: Tables, eta: float) -> int:
    """Bin of the tables of the resolution, by single precision; the last one goes on for ever."""
    axis = t.tables[slots.RESOLUTION, X_AXIS]
    return find_inside(t, axis, float(np.float32(abs(eta))))


@inlined
def terms(t: Tables, kind: int, x_bin: int) -> tuple[float, float, float]:
    """Sampling, noise and constant term of a type of particle."""
    first = slots.RESOLUTION + 3 * kind
    return (
        t.numbers[t.tables[first + SAMPLING, CONTENTS] + x_bin],
        t.numbers[t.tables[first + NOISE, CONTENTS] + x_bin],
        t.numbers[t.tables[first + CONSTANT, CONTENTS] + x_bin],
    )


@inlined
def intrinsic_squared(three: tuple[float, float, float], energy_gev: float) -> float:
    """Square of the intrinsic resolution."""
    sampling, noise, constant = three
    root = math.sqrt(sampling * sampling / energy_gev + noise * noise / energy_gev / energy_gev + constant * constant)
    return root * root


@inlined
def pile_up_noise(m: Model, et: float) -> float:
    """Noise from pile-up [MeV]."""
    clamped = min(max(et, _NOISE_LOW), _NOISE_HIGH)
    return math.sqrt(m.pile_up) * (60.0 + 40.0 * log(clamped / 10_000.0) / _LN_5)


@inlined
def fast_table(t: Tables, m: Model, table: int, x: float, et_gev: float) -> float:
    """Correction of the fast simulation; the first and last bins go on outside."""
    x_bin = find_inside(t, t.tables[table, X_AXIS], x)
    if m.interpolates_fast:
        return interpolated_in_y(t, table, x_bin, et_gev)
    return t.numbers[row_of(t, table, x_bin) + find_inside(t, t.tables[table, Y_AXIS], et_gev)]


@inlined
def constant_term(t: Tables, eta_calo: float) -> float:
    """Additional constant term of data."""
    found = content(t, slots.CONSTANT, eta_calo)
    return max(0.0, found)


@inlined
def fast_resolution(t: Tables, m: Model, kind: int, eta: float, et_gev: float) -> float:
    """Square of the resolution of full simulation minus that of fast simulation."""
    if not abs(eta) < FAST_ETA_END:
        return 0.0
    return fast_table(t, m, slots.FAST_RESOLUTION + kind, eta, et_gev)


@inlined
def smeared(energy: float, data: float, simulated: float, normal: float) -> float:
    """Energy of simulation with the resolution of data; ``data`` and ``simulated`` are relative resolutions."""
    if not energy > 0.0:
        return energy
    energy_gev = energy / GEV
    wanted, has = data * energy_gev, simulated * energy_gev
    missing = wanted * wanted - has * has
    if not missing > 0.0:
        return energy
    return energy * ((energy_gev + math.sqrt(missing) * normal) / energy_gev)


_GAIN_SAMPLING_UP, _GAIN_SAMPLING_DOWN = 1.1 * 1.1 - 1.0, 0.9 * 0.9 - 1.0
_Z_ET = 40_000.0


@inlined
def eta_class(magnitude: float) -> int:
    """Class of the material systematics."""
    number = 0
    for edge in (0.4, 0.8, 1.1, 1.37, 1.52, 1.8, 2.1):
        if magnitude >= edge:
            number += 1
    return number


@inlined
def material(t: Tables, m: Model, kind: int, geometry: int, magnitude: float, et_gev: float) -> float:
    """Square of the resolution that material of a geometry adds; tables are in percent."""
    table = slots.MATERIAL + (kind * 4 + geometry) * slots.ETA_CLASSES + eta_class(magnitude)
    if m.precision:
        found = interpolated(t, table, et_gev)
    else:  # bins of one histogram for all
        axis = t.tables[slots.MATERIAL + (4 + slots.RES_A) * slots.ETA_CLASSES, X_AXIS]
        found = t.numbers[t.tables[table, CONTENTS] + find_inside(t, axis, et_gev)]
    return (0.01 * found) ** 2


_IBL_ETA, _IBL_LOW, _IBL_FLOOR, _IBL_HIGH, _IBL_CEILING = 2.49, 5.0, 5.1, 2000.0, 1999.0


@inlined
def material_of_ibl(t: Tables, m: Model, kind: int, magnitude: float, et_gev: float) -> float:
    """Square of the resolution that the innermost layer and its services add."""
    table = slots.MATERIAL_IBL + kind
    x_bin = find_bin(t, t.tables[table, X_AXIS], min(magnitude, _IBL_ETA))
    et_gev = _IBL_FLOOR if et_gev < _IBL_LOW else _IBL_CEILING if et_gev > _IBL_HIGH else et_gev
    if m.precision:
        found = interpolated_in_y(t, table, x_bin, et_gev)
    else:
        found = t.numbers[row_of(t, table, x_bin) + find_bin(t, t.tables[table, Y_AXIS], et_gev)]
    return (0.01 * found) ** 2


@kernel
def fill_errors(
    t: Tables,
    m: Model,
    kind: int,
    fast: bool,
    eta: float,
    eta_calo: float,
    energy: float,
    cosh_eta: float,
    up: Floats,
    down: Floats,
) -> float:
    """Fill ``up[source]`` and ``down[source]`` with what is added to the square of the resolution of data.

    Returns
    -------
    float
        The resolution of data that they are relative to.
    """
    up[:] = 0.0
    et = energy / cosh_eta
    et_gev, energy_gev = et / GEV, energy / GEV
    x_bin = eta_bin(t, eta)
    constant = constant_term(t, eta_calo)
    noise = pile_up_noise(m, et)

    def z_smearing(syst: float) -> tuple[float, float]:
        return (constant + syst) ** 2 - constant**2, -(constant**2 - (constant - syst) ** 2)

    up_z, down_z = z_smearing(content(t, slots.CONSTANT_SYST, eta_calo))
    true_terms = terms(t, TRUE_UNCONVERTED, x_bin)
    difference = intrinsic_squared(true_terms, energy_gev) - intrinsic_squared(true_terms, _Z_ET * cosh_eta / GEV)
    magnitude = float(np.float32(abs(eta)))
    up[slots.MATERIAL_ID] = material(t, m, kind, slots.RES_A, magnitude, et_gev)
    gap = material(t, m, kind, slots.RES_FMX, magnitude, et_gev)
    if abs(eta) < 1.45:
        up[slots.MATERIAL_CALO] = 0.5 * gap
    if 1.52 < abs(eta) < 1.82:
        up[slots.MATERIAL_GAP] = gap
    up[slots.MATERIAL_CRYO] = 0.5 * material(t, m, kind, slots.RES_EL, magnitude, et_gev)
    services = material_of_ibl(t, m, kind, abs(eta), et_gev)
    if abs(eta) < 1.5:
        up[slots.MATERIAL_OF_IBL] = services
    if abs(eta) > 1.5:
        up[slots.MATERIAL_OF_PP0] = 2.3 * services
    varied = math.sqrt(1.21 - 1.0) * noise
    up[slots.PILE_UP] = (varied / et) ** 2 - (varied / _Z_ET) ** 2
    if fast:
        correction = fast_table(t, m, slots.FAST_RESOLUTION + kind, eta, et_gev)  # at any eta, unlike the resolution
        if m.run3 and GAP_LOW <= abs(eta) <= GAP_HIGH:
            correction -= interpolated(t, slots.FAST_RESOLUTION_GAP + kind, et_gev) ** 2
        up[slots.RESOLUTION_FAST_SIMULATION] = -correction
    for source in range(slots.RESOLUTION_SOURCES):
        down[source] = -up[source]
    up[slots.Z_SMEARING], down[slots.Z_SMEARING] = up_z, down_z
    up[slots.SAMPLING_TERM] = _GAIN_SAMPLING_UP * difference
    down[slots.SAMPLING_TERM] = _GAIN_SAMPLING_DOWN * difference
    if m.ofc:
        up_z, down_z = z_smearing(content(t, slots.CONSTANT_OFC, eta))
        up[slots.RESOLUTION_OFC], down[slots.RESOLUTION_OFC] = up_z, down_z
    own = intrinsic_squared(terms(t, kind, x_bin), energy_gev)
    return math.sqrt(own + constant * constant + (noise / et) ** 2)


@inlined
def relative_error(resolution: float, change: float) -> float:
    """Relative change of a resolution whose square changes."""
    return math.sqrt(max(0.0, resolution * resolution + change)) / resolution - 1.0


@inlined
def all_relative_errors(resolution: float, up: Floats, down: Floats) -> float:
    """Quadratic sum of half the differences of up and down of all sources but that of the fast simulation."""
    total = 0.0
    square = resolution * resolution
    for source in range(slots.RESOLUTION_SOURCES):
        if source != slots.RESOLUTION_FAST_SIMULATION:
            above, below = math.sqrt(max(0.0, square + up[source])), math.sqrt(max(0.0, square + down[source]))
            half = (above - below) / (2.0 * resolution)
            total += half * half
    return math.sqrt(total)
