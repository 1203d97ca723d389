"""Energy resolution of one particle, relative to its energy, in data and simulation, and its uncertainties.

Ported from ``egammaEnergyCorrectionTool`` (``resolution``, ``getResolutionError``) and ``get_MaterialResolutionEffect``
of Athena. Energies in MeV unless named GeV. Squares of resolutions are added here where the tool takes roots first and
squares them later.
"""

import math

import numpy as np

from calib.egamma.kernels import slots
from calib.egamma.kernels.lookup import (
    COLUMNS,
    CONTENTS,
    X_AXIS,
    Y_AXIS,
    Tables,
    between,
    content,
    find_bin,
    find_inside,
    interpolated,
    interpolated_in_y,
    locate,
    row_at,
    row_of,
)
from calib.egamma.kernels.slots import Model
from hepcol.kernels._jit import Floats
from hepcol.kernels.blocks import inlined
from hepcol.kernels.hyperbolic import log

GEV = 1000.0
TERMS = 3  # sampling, noise and constant term
TRUE_UNCONVERTED = np.int64(3)  # the type of which the sampling term is varied
FAST_ETA_END = 2.5
GAP_LOW, GAP_HIGH = 1.3, 1.35  # where fast simulation of Run 3 has a correction of its own
CALORIMETER_END, GAP_MATERIAL_LOW, GAP_MATERIAL_HIGH, IBL_END = 1.45, 1.52, 1.82, 1.5  # of the material systematics
_LN_5 = math.log(5.0)
_NOISE_LOW, _NOISE_HIGH = 5_000.0, 50_000.0


@inlined
def eta_bin(t: Tables, eta: float) -> int:
    """Where the terms of the resolution begin, by single precision; the last bin goes on for ever."""
    single = np.float64(np.float32(abs(eta)))
    number = find_inside(t, t.tables[slots.AT_RESOLUTION, X_AXIS], single)
    return t.tables[slots.AT_RESOLUTION, CONTENTS] + number * t.tables[slots.AT_RESOLUTION, COLUMNS]


@inlined
def terms(t: Tables, kind: int, row: int) -> tuple[float, float, float]:
    """Return sampling, noise and constant term of a type of particle."""
    first = row + TERMS * kind
    return t.numbers[first], t.numbers[first + 1], t.numbers[first + 2]


@inlined
def intrinsic_squared(three: tuple[float, float, float], energy_gev: float) -> float:
    """Square of the intrinsic resolution."""
    sampling, noise, constant = three
    inverse = 1.0 / energy_gev
    return (sampling * sampling + noise * noise * inverse) * inverse + constant * constant


@inlined
def pile_up_noise(m: Model, et: float) -> float:
    """Noise from pile-up [MeV]."""
    clamped = max(_NOISE_LOW, et)
    clamped = min(_NOISE_HIGH, clamped)
    return math.sqrt(m.pile_up) * (60.0 + 40.0 * log(clamped / 10_000.0) / _LN_5)


@inlined
def fast_table(t: Tables, m: Model, table: int, x: float, et_gev: float) -> float:
    """Correction of the fast simulation; the first and last bins go on outside."""
    row = row_of(t, table, find_inside(t, t.tables[table, X_AXIS], x))
    axis = t.tables[table, Y_AXIS]
    if m.interpolates_fast:
        found = between(t, row, locate(t, axis, et_gev))
    else:
        found = t.numbers[row + find_inside(t, axis, et_gev)]
    return found


@inlined
def constant_term(t: Tables, eta_calo: float) -> float:
    """Additional constant term of data."""
    found = t.numbers[row_at(t, slots.AT_CONSTANT, eta_calo) + slots.CONSTANT_TERM]
    return max(0.0, found)


@inlined
def fast_resolution(t: Tables, m: Model, kind: int, eta: float, et_gev: float) -> float:
    """Square of the resolution of full simulation minus that of fast simulation."""
    found = fast_table(t, m, slots.FAST_RESOLUTION + kind, eta, et_gev)
    return found if abs(eta) < FAST_ETA_END else 0.0


@inlined
def smearing(missing: float, normal: float) -> float:
    """Factor of an energy whose relative resolution lacks ``missing``, a square."""
    return 1.0 if missing <= 0.0 else 1.0 + math.sqrt(missing) * normal  # of NaN, NaN


_GAIN_SAMPLING_UP, _GAIN_SAMPLING_DOWN = 1.1 * 1.1 - 1.0, 0.9 * 0.9 - 1.0
_VARIED_PILE_UP = math.sqrt(1.21 - 1.0)
_Z_ET = 40_000.0


@inlined
def eta_class(magnitude: float) -> int:
    """Class of the material systematics."""
    number = 0
    for edge in (0.4, 0.8, 1.1, 1.37, 1.52, 1.8, 2.1):
        number += 1 if magnitude >= edge else 0
    return number


@inlined
def percent_squared(found: float) -> float:
    """Square of a number in percent."""
    return (0.01 * found) * (0.01 * found)


@inlined
def material(t: Tables, m: Model, kind: int, geometry: int, magnitude: float, et_gev: float) -> float:
    """Square of the resolution that material of a geometry adds."""
    table = slots.MATERIAL + (kind * 4 + geometry) * slots.ETA_CLASSES + eta_class(magnitude)
    if m.precision:
        found = interpolated(t, table, et_gev)
    else:  # bins of one histogram for all
        axis = t.tables[slots.MATERIAL + (4 + slots.RES_A) * slots.ETA_CLASSES, X_AXIS]
        found = t.numbers[t.tables[table, CONTENTS] + find_inside(t, axis, et_gev)]
    return percent_squared(found)


_IBL_ETA, _IBL_LOW, _IBL_FLOOR, _IBL_HIGH, _IBL_CEILING = 2.49, 5.0, 5.1, 2000.0, 1999.0


@inlined
def material_of_ibl(t: Tables, m: Model, kind: int, magnitude: float, et_gev: float) -> float:
    """Square of the resolution that the innermost layer and its services add."""
    table = slots.MATERIAL_IBL + kind
    x_bin = find_bin(t, t.tables[table, X_AXIS], min(magnitude, _IBL_ETA))
    at = _IBL_FLOOR if et_gev < _IBL_LOW else _IBL_CEILING if et_gev > _IBL_HIGH else et_gev
    if m.precision:
        found = interpolated_in_y(t, table, x_bin, at)
    else:
        found = t.numbers[row_of(t, table, x_bin) + find_bin(t, t.tables[table, Y_AXIS], at)]
    return percent_squared(found)


@inlined
def z_smearing(constant: float, change: float) -> tuple[float, float]:
    """Return what is added to the square of the resolution when the constant term changes, up and down."""
    return (constant + change) ** 2 - constant**2, -(constant**2 - (constant - change) ** 2)


@inlined
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
    magnitude = abs(eta)
    et = energy / cosh_eta
    et_gev, energy_gev = et / GEV, energy / GEV
    row, constant = eta_bin(t, eta), constant_term(t, eta_calo)
    noise = pile_up_noise(m, et)
    relative_noise = noise / et
    true_terms = terms(t, TRUE_UNCONVERTED, row)
    difference = intrinsic_squared(true_terms, energy_gev) - intrinsic_squared(true_terms, _Z_ET * cosh_eta / GEV)
    single = np.float64(np.float32(magnitude))
    up[slots.MATERIAL_ID] = material(t, m, kind, slots.RES_A, single, et_gev)
    up[slots.MATERIAL_CRYO] = 0.5 * material(t, m, kind, slots.RES_EL, single, et_gev)
    gap = material(t, m, kind, slots.RES_FMX, single, et_gev)
    up[slots.MATERIAL_CALO] = 0.5 * gap if magnitude < CALORIMETER_END else 0.0
    up[slots.MATERIAL_GAP] = gap if GAP_MATERIAL_LOW < magnitude < GAP_MATERIAL_HIGH else 0.0
    services = material_of_ibl(t, m, kind, magnitude, et_gev)
    up[slots.MATERIAL_OF_IBL] = services if magnitude < IBL_END else 0.0
    up[slots.MATERIAL_OF_PP0] = 2.3 * services if magnitude > IBL_END else 0.0
    varied = _VARIED_PILE_UP * noise
    up[slots.PILE_UP] = (varied / et) ** 2 - (varied / _Z_ET) ** 2
    if fast:
        correction = fast_table(t, m, slots.FAST_RESOLUTION + kind, eta, et_gev)  # at any eta, unlike the resolution
        if m.run3 and GAP_LOW <= magnitude <= GAP_HIGH:
            correction -= interpolated(t, slots.FAST_RESOLUTION_GAP + kind, et_gev) ** 2
        up[slots.RESOLUTION_FAST_SIMULATION] = -correction
    for source in range(slots.RESOLUTION_SOURCES):
        down[source] = -up[source]
    change = t.numbers[row_at(t, slots.AT_CONSTANT, eta_calo) + slots.CONSTANT_ERROR]
    up[slots.Z_SMEARING], down[slots.Z_SMEARING] = z_smearing(constant, change)
    up[slots.SAMPLING_TERM] = _GAIN_SAMPLING_UP * difference
    down[slots.SAMPLING_TERM] = _GAIN_SAMPLING_DOWN * difference
    if m.ofc:
        change = content(t, slots.CONSTANT_OFC, eta)
        up[slots.RESOLUTION_OFC], down[slots.RESOLUTION_OFC] = z_smearing(constant, change)
    own = intrinsic_squared(terms(t, kind, row), energy_gev)
    return math.sqrt(own + constant * constant + relative_noise * relative_noise)


@inlined
def root_of_sum(square: float, change: float) -> float:
    """Root of a square that changes, but not below 0."""
    changed = square + change
    return math.sqrt(max(0.0, changed))


@inlined
def all_relative_errors(resolution: float, up: Floats, down: Floats) -> float:
    """Quadratic sum of half the differences of up and down of all sources but that of the fast simulation."""
    total = 0.0
    square = resolution * resolution
    for source in range(slots.RESOLUTION_SOURCES):
        if source != slots.RESOLUTION_FAST_SIMULATION:
            half = root_of_sum(square, up[source]) - root_of_sum(square, down[source])
            total += half * half
    return math.sqrt(total) / (2.0 * resolution)
