"""Energy scale of one particle: the nominal correction, and what each source of uncertainty adds to it.

Ported from ``egammaEnergyCorrectionTool::getAlphaValue`` and what it calls (ElectronPhotonFourMomentumCorrection of
Athena, calibration area v38). Energies in MeV; alpha is defined by E(data) = (1 + alpha) E(simulation). Every source
goes down by what it goes up, so one number each is enough.
"""

import math

import numpy as np

from calib.egamma.kernels import slots
from calib.egamma.kernels.lookup import (
    BINS,
    CONTENTS,
    EDGES,
    X_AXIS,
    Y_AXIS,
    Place,
    Tables,
    between,
    content,
    curve,
    find_bin,
    find_inside,
    interpolated,
    interpolated_in_y,
    locate,
    row_at,
    row_of,
)
from calib.egamma.kernels.precorrection import adc_factor
from calib.egamma.kernels.slots import CONVERTED, TYPES, UNCONVERTED, Model
from hepcol.kernels._jit import Floats, Integers
from hepcol.kernels.blocks import inlined
from hepcol.kernels.hyperbolic import cosh

GEV = 1000.0
MEAN_ET = 40_000.0  # of electrons of Z -> ee, where a model has no profile of it
MEAN_ET_EDGE, MEAN_ET_INSIDE = 2.47, 2.46
CRACK_LOW, CRACK_MIDDLE, CRACK_HIGH = 1.35, 1.45, 1.55
BEFORE_CRACK, BEHIND_CRACK = 1.349, 1.551
END_OF_PRESAMPLER = 1.82
END_OF_TRACKING = 2.47
M_Z = 91.2  # GeV, as in the tool
ELECTRON = np.int64(slots.ELECTRON)  # of a literal numba would compile functions again


@inlined
def period_of(m: Model, run: int) -> int:
    """Which of the tables of the Z a run belongs to."""
    found = len(m.periods)
    for number in range(len(m.periods)):
        found = number if m.periods[number, 0] <= run <= m.periods[number, 1] else found
    return found


@inlined
def inside_tracking(magnitude: float) -> float:
    """Where tables of the mean transverse energy and of the accordion are read."""
    return MEAN_ET_INSIDE if magnitude >= MEAN_ET_EDGE else magnitude


@inlined
def mean_et(t: Tables, m: Model, calo_row: int) -> float:
    """Mean transverse energy of electrons of Z -> ee, where the scale was measured."""
    return t.numbers[calo_row + slots.CALO_MEAN_ET] * GEV if m.precision else MEAN_ET


@inlined
def leakage(t: Tables, m: Model, kind: int, eta_s2: float, et_gev: float) -> float:
    """Leakage out of the cluster, in data against simulation, of a type of particle."""
    magnitude, found = abs(eta_s2), 0.0
    table = slots.LEAKAGE + kind
    if m.precision:
        x_bin = find_bin(t, t.tables[table, X_AXIS], magnitude)
        row = row_of(t, table, x_bin)
        found = t.numbers[row + find_inside(t, t.tables[table, Y_AXIS], et_gev)]
        found = 0.0 if magnitude > END_OF_TRACKING else found
    elif kind != ELECTRON:
        found = content(t, table, magnitude)
    return found


@inlined
def nominal_alpha(t: Tables, m: Model, kind: int, eta_calo: float, eta_s2: float, et_gev: float, period: int) -> float:
    """Scale correction of data; photons of the precision models are corrected for leakage, too."""
    alpha = t.numbers[row_at(t, slots.AT_Z, eta_calo) + slots.Z_SCALE + period]
    if m.precision and kind != ELECTRON:
        alpha += leakage(t, m, kind, eta_s2, et_gev)
    return alpha


@inlined
def outside_crack(eta: float) -> float:
    """Nearest pseudorapidity outside the crack; the two sides differ where its middle goes, as in the tool."""
    magnitude = abs(eta)
    is_low = CRACK_LOW <= magnitude <= CRACK_MIDDLE
    is_high = CRACK_MIDDLE <= magnitude <= CRACK_HIGH
    if eta < 0.0:
        found = -BEHIND_CRACK if is_high else -BEFORE_CRACK if is_low else eta
    else:
        found = BEFORE_CRACK if is_low else BEHIND_CRACK if is_high else eta
    return found


_COSH_INSIDE = math.cosh(MEAN_ET_INSIDE)
_CONVERTED_FLOOR = 10_000.0
_CONVERTED_LOW, _CONVERTED_GAP, _CONVERTED_END = 1.2, 1.59, 1.73


@inlined
def not_negative(x: float) -> float:
    """Return ``x``, or 0 if it is negative; NaN stays NaN."""
    return max(x, 0.0)


@inlined
def accordion(t: Tables, kind: int, calo_row: int, magnitude: float, et: float) -> float:
    """Sensitivity of the energy to the scale of the accordion."""
    in_range = magnitude < _CONVERTED_LOW or _CONVERTED_GAP <= magnitude < _CONVERTED_END
    at = _CONVERTED_FLOOR if kind == CONVERTED and in_range and et < _CONVERTED_FLOOR else et
    return not_negative(curve(t, t.numbers[calo_row + slots.CALO_CURVES + kind], slots.ROOT, at))


@inlined
def presampler(t: Tables, kind: int, row: int, et: float) -> float:
    """Sensitivity of the energy to the scale of the presampler."""
    number = t.numbers[row + slots.CURVES + slots.PRESAMPLER + kind]
    return not_negative(curve(t, number, slots.EXPONENTIAL, et))


@inlined
def strips(t: Tables, kind: int, row: int, et: float) -> float:
    """Sensitivity of the energy to the scale of the strips."""
    number = t.numbers[row + slots.CURVES + slots.STRIPS + kind]
    return not_negative(curve(t, number, slots.LOGARITHMIC, et))


@inlined
def bias(t: Tables, kind: int, geometry: int, row: int, place: Place) -> float:
    """Relative change of the energy with the material of a geometry added."""
    table = slots.BIAS + kind * 6 + geometry
    return between(t, t.tables[table, CONTENTS] + int(t.numbers[row + slots.BIAS_ROW]), place)


_CRYOSTAT_CHANGES, _CALORIMETER_CHANGES = 2.0, 1.52  # from one geometry to another


@inlined
def add_material(
    t: Tables, kind: int, magnitude: float, row: int, own: Place, mean: Place, factor: float, out: Floats
) -> None:
    """Add what material in front of the calorimeter does to the sources that it is part of."""
    if CRACK_LOW <= magnitude <= CRACK_HIGH:  # one geometry, and no thickness: only the detector's own material
        out[slots.MAT_ID] += bias(t, kind, slots.FMX, row, own) - bias(t, ELECTRON, slots.FMX, row, mean)
    else:
        cryostat = slots.EL if magnitude < _CRYOSTAT_CHANGES else slots.FMX
        calorimeter = slots.N if magnitude > _CALORIMETER_CHANGES else slots.FMX
        x0_a, x0_cryostat = t.numbers[row + slots.PER_X0 + slots.A], t.numbers[row + slots.PER_X0 + cryostat]
        x0_calorimeter = t.numbers[row + slots.PER_X0 + calorimeter]
        own_cryostat = bias(t, kind, cryostat, row, own) * x0_cryostat
        mean_cryostat = bias(t, ELECTRON, cryostat, row, mean) * x0_cryostat
        inner = (bias(t, kind, slots.A, row, own) * x0_a - own_cryostat) - (
            bias(t, ELECTRON, slots.A, row, mean) * x0_a - mean_cryostat
        )
        middle = (own_cryostat - mean_cryostat) * factor
        outer = bias(t, kind, calorimeter, row, own) - bias(t, ELECTRON, calorimeter, row, mean)
        outer *= x0_calorimeter * factor
        out[slots.MAT_ID] += t.numbers[row + slots.INNER] * inner * factor
        if magnitude < END_OF_PRESAMPLER:
            out[slots.MAT_CRYO] += t.numbers[row + slots.CRYOSTAT_PS] * middle
            out[slots.LAR_ELEC_UNCONV] -= t.numbers[row + slots.CRYOSTAT_PS_LAR] * middle
            out[slots.MAT_CALO] += t.numbers[row + slots.CALORIMETER] * outer
            out[slots.LAR_UNCONV_CALIB] += t.numbers[row + slots.CALORIMETER_LAR] * outer
            out[slots.G4] += t.numbers[row + slots.CALORIMETER_G4] * outer
        if magnitude > END_OF_PRESAMPLER:  # exactly there, nothing
            out[slots.MAT_CRYO] += t.numbers[row + slots.CRYOSTAT] * middle
            out[slots.LAR_ELEC_CALIB] += t.numbers[row + slots.CRYOSTAT_LAR] * middle
            out[slots.G4] += t.numbers[row + slots.CRYOSTAT_G4] * middle
            out[slots.L1_GAIN] += t.numbers[row + slots.CRYOSTAT_GAIN] * middle


_PS_EXTRA_END, _STRIPS_EXTRA_END = 1.8, 2.5
_STRIPS_EXTRA_LOW, _STRIPS_EXTRA_HIGH = 0.8, 1.5  # where it is twice as large


@inlined
def add_layers(
    t: Tables,
    m: Model,
    kind: int,
    eta: float,
    eta_calo: float,
    row: int,
    calo_row: int,
    energy: float,
    et: float,
    mean: float,
    factor: float,
    out: Floats,
) -> None:
    """Add what the scales of the presampler and of the first layers do."""
    magnitude = abs(eta)
    # the magnitude first, whose crack ends on the other side than that of negative eta
    nearest = eta if m.precision else outside_crack(eta)
    nearest_magnitude = magnitude if m.precision else outside_crack(magnitude)
    layer_row = row if m.precision else row_at(t, slots.AT_ETA, nearest_magnitude)
    by_presampler = by_mean_presampler = 0.0
    if not nearest_magnitude >= END_OF_PRESAMPLER:
        by_presampler = presampler(t, kind, layer_row, et)
        by_mean_presampler = presampler(t, ELECTRON, layer_row, mean)
    by_strips, by_mean_strips = strips(t, kind, layer_row, et), strips(t, ELECTRON, layer_row, mean)
    side = row_at(t, slots.AT_SIDE, eta)
    nearest_side = side if m.precision else row_at(t, slots.AT_SIDE, nearest)
    if m.precision:
        magnitude_calo = abs(eta_calo)
        cosh_calo = cosh(eta_calo)
        cosh_inside = _COSH_INSIDE if magnitude_calo >= MEAN_ET_EDGE else cosh_calo
        inside = inside_tracking(magnitude_calo)
        own = accordion(t, kind, calo_row, inside, energy / cosh_inside)
        ratio = own / accordion(t, ELECTRON, calo_row, inside, mean * (cosh_calo / cosh_inside))
        by_presampler -= ratio * by_mean_presampler
        by_strips = ratio * by_mean_strips - by_strips
    else:
        by_presampler -= by_mean_presampler
        by_strips -= by_mean_strips
        out[slots.PS_B12] += t.numbers[nearest_side + slots.PS_BARREL] * by_presampler * factor
        out[slots.LAR_ELEC_UNCONV] += t.numbers[nearest_side + slots.PS_CORRELATED] * by_presampler * factor
        out[slots.LAR_CALIB] += t.numbers[side + slots.STRIPS_CORRELATED] * by_strips * factor
    out[slots.PS] += t.numbers[nearest_side + slots.PS_ERROR] * by_presampler * factor
    out[slots.S12] += t.numbers[side + slots.STRIPS_ERROR] * by_strips * factor
    if m.run3:
        if magnitude <= _PS_EXTRA_END:
            out[slots.PS_EXTRA_RUN3] += 0.01 * by_presampler * factor
        if magnitude <= _STRIPS_EXTRA_END:
            size = 0.02 if _STRIPS_EXTRA_LOW < magnitude <= _STRIPS_EXTRA_HIGH else 0.01
            out[slots.S12_EXTRA_RUN3] += size * by_strips * factor


_E4_LOW, _E4_MIDDLE, _E4_HIGH, _E4_END, _E4_END_RUN3 = 1.4, 1.46, 1.52, 1.6, 1.72


@inlined
def e4(t: Tables, m: Model, kind: int, magnitude: float, row: int, et: float, mean: float) -> float:
    """Scintillators between barrel and endcap."""
    found = 0.0
    if _E4_LOW <= magnitude <= (_E4_END_RUN3 if m.run3 else _E4_END):
        difference = 0.01 if magnitude < _E4_MIDDLE else 0.03 if magnitude < _E4_HIGH else 0.043
        difference = 0.15 if m.run3 else difference
        unit = 1.0 if m.run3 else GEV  # graphs of Run 2 are in GeV, functions of Run 3 in MeV
        size = math.sqrt(difference * difference + 0.024**2 + 0.01**2 + 0.04**2)
        first = row + slots.CURVES + slots.SCINTILLATOR
        own = curve(t, t.numbers[first + kind], slots.POWER, et / unit)
        found = size * (own - curve(t, t.numbers[first + ELECTRON], slots.POWER, mean / unit))
    return found


_WSTOT_EDGE, _WSTOT_INSIDE = 2.4, 2.35
_COSH_WSTOT = math.cosh(_WSTOT_INSIDE)
_WSTOT_FLOOR, _WSTOT_MEAN = 25.0, math.sqrt(40.0)


@inlined
def wstot(t: Tables, kind: int, eta: float, energy: float, cosh_eta: float) -> float:
    """Width of the shower in the strips: how data and simulation differ with transverse energy."""
    inside = -_WSTOT_INSIDE if eta < -_WSTOT_EDGE else eta
    inside = _WSTOT_INSIDE if eta > _WSTOT_EDGE else inside
    cosh_inside = _COSH_WSTOT if abs(eta) > _WSTOT_EDGE else cosh_eta
    root = math.sqrt(max(energy / cosh_inside / GEV, _WSTOT_FLOOR))
    row = row_at(t, slots.AT_WIDTH, inside)
    own, reference = row + slots.WIDTH_DATA + 2 * kind, row + slots.WIDTH_DATA
    data = t.numbers[own] + t.numbers[own + 1] / root
    data -= t.numbers[reference] + t.numbers[reference + 1] / _WSTOT_MEAN
    own, reference = row + slots.WIDTH_MC + 2 * kind, row + slots.WIDTH_MC
    simulated = t.numbers[own] + t.numbers[own + 1] / root
    simulated -= t.numbers[reference] + t.numbers[reference + 1] / _WSTOT_MEAN
    return 2.0 * t.numbers[row + slots.WIDTH_A] / M_Z * data - 2.0 * t.numbers[row + slots.WIDTH_B] / M_Z * simulated


_HIGH_GAIN_LOW, _HIGH_GAIN_MIDDLE, _HIGH_GAIN_HIGH = 1.8, 2.1, 2.3


@inlined
def high_gain(t: Tables, kind: int, eta: float, et_gev: float) -> float:
    """Gain of the strips in the endcaps (``e1hg_systematics``), which compares single precision."""
    magnitude, found = np.float64(np.float32(abs(eta))), 0.0
    if not magnitude < _HIGH_GAIN_LOW:
        number = 6 if magnitude < _HIGH_GAIN_MIDDLE else 7
        rising = (0.05 * (magnitude - _HIGH_GAIN_LOW) / 0.4 + 0.025) / 0.05
        factor = rising if magnitude < _HIGH_GAIN_HIGH else 1.0
        found = factor * interpolated(t, slots.HIGH_GAIN + kind * slots.ETA_CLASSES + number, et_gev)
    return found


_LARGEST_ET_GEV = 999.999
_GAIN_EDGES, _GAIN_END = (0.8, 1.37, 1.52, 1.8), 2.5


@inlined
def layer2_gain(t: Tables, m: Model, kind: int, chosen: int, row: int, eta_class: int, et_gev: float) -> float:
    """Gain of the second layer (``GainUncertainty``): of a set of tables, the change for a type against the Z."""
    table = slots.GAIN + (chosen * TYPES + kind) * slots.GAIN_CLASSES + eta_class
    axis = t.tables[table, X_AXIS]
    last = t.numbers[t.axes[axis, EDGES] + t.axes[axis, BINS]]
    at = min(et_gev, _LARGEST_ET_GEV)
    at = last - 1.0 if at > last else at
    impact = interpolated(t, table, at) if m.precision else content(t, table, at)
    return t.numbers[row + chosen] * impact / t.numbers[row + slots.SETS + chosen]


@inlined
def add_layer2_gains(t: Tables, m: Model, kind: int, eta_calo: float, et_gev: float, out: Floats) -> None:
    """Add the gain of the second layer."""
    magnitude = abs(eta_calo)
    if magnitude < _GAIN_END:
        number = 0
        for edge in _GAIN_EDGES:
            number += 1 if magnitude >= edge else 0
        row = row_at(t, slots.AT_GAIN, magnitude)
        medium = layer2_gain(t, m, kind, slots.MEDIUM, row, number, et_gev)
        if m.precision:
            out[slots.L2_MEDIUM_GAIN] = medium
            out[slots.L2_LOW_GAIN] = layer2_gain(t, m, kind, slots.LOW, row, number, et_gev)
        else:
            out[slots.L2_GAIN] = medium
        if m.run3:
            medium_run3 = layer2_gain(t, m, kind, slots.MEDIUM_RUN3, row, number, et_gev)
            out[slots.L2_MEDIUM_GAIN_EXTRA_RUN3] = medium_run3
            out[slots.L2_LOW_GAIN_EXTRA_RUN3] = layer2_gain(t, m, kind, slots.LOW_RUN3, row, number, et_gev)


_CONVERSION_EDGE, _CONVERSION_INSIDE = 2.37, 2.36
_SERVICES_END = 1.5  # of those of the innermost layer


@inlined
def add_conversions(t: Tables, m: Model, kind: int, eta: float, et: float, factor: float, out: Floats) -> None:
    """Add what the reconstruction of conversions does to photons."""
    magnitude = _CONVERSION_INSIDE if abs(eta) > _CONVERSION_EDGE else abs(eta)
    table = slots.CONVERSION + (kind - UNCONVERTED)
    if m.precision:
        x_bin = find_bin(t, t.tables[table, X_AXIS], magnitude)
        out[slots.CONV_RECO] = interpolated_in_y(t, table, x_bin, et) * factor
    elif kind == UNCONVERTED:
        out[slots.CONV_EFFICIENCY] = content(t, table, magnitude) * factor
    else:
        out[slots.CONV_FAKE_RATE] = content(t, table, magnitude) * factor
    if kind == CONVERTED:
        table = slots.CONVERSION_RADIUS
        row = row_of(t, table, find_bin(t, t.tables[table, X_AXIS], magnitude))
        out[slots.CONV_RADIUS] = t.numbers[row + find_bin(t, t.tables[table, Y_AXIS], et / GEV)] * factor


@inlined
def add_leakage(t: Tables, m: Model, kind: int, eta_s2: float, et_gev: float, factor: float, out: Floats) -> None:
    """Add leakage; of photons, that of electrons is an uncertainty, too."""
    electron = leakage(t, m, ELECTRON, eta_s2, et_gev) if m.precision else 0.0
    # that of electrons is not scaled, unlike that of photons
    out[slots.LEAKAGE_ELEC] = electron if kind == ELECTRON else electron * factor
    if kind != ELECTRON:
        own = slots.LEAKAGE_CONV if kind == CONVERTED else slots.LEAKAGE_UNCONV
        out[own] = leakage(t, m, kind, eta_s2, et_gev) * factor


@inlined
def add_z(t: Tables, m: Model, period: int, eta_calo: float, factor: float, out: Floats) -> None:
    """Add the uncertainties of the measurement with Z -> ee."""
    row = row_at(t, slots.AT_Z, eta_calo)
    statistical, systematic = t.numbers[row + slots.Z_ERROR + period], t.numbers[row + slots.Z_SYST]
    newest = t.numbers[row + slots.Z_NEWEST]
    bins = t.axes[t.tables[slots.ZEE + period, X_AXIS], BINS]
    out[slots.ZEE_STAT] = statistical * factor
    out[slots.ZEE_STAT_REDUCED] = statistical / math.sqrt(bins) * factor
    out[slots.ZEE_SYSTEMATIC] = systematic * factor
    out[slots.ZEE_ALL] = math.sqrt(newest * newest + systematic * systematic) * factor
    if m.ofc:
        out[slots.OFC] = t.numbers[row + slots.Z_OFC] * factor
        out[slots.EXTRA_RUN3_PRE] = 0.004 * factor


@inlined
def fill_sources(
    t: Tables,
    m: Model,
    kind: int,
    eta: float,
    eta_calo: float,
    eta_s2: float,
    energy: float,
    cosh_eta: float,
    period: int,
    factor: float,
    out: Floats,
) -> None:
    """Fill ``out[source]`` with alpha(up) - alpha(nominal) of every source; ``factor`` scales most of them."""
    out[:] = 0.0
    magnitude = abs(eta)
    et = energy / cosh_eta
    et_gev = et / GEV
    row = row_at(t, slots.AT_ETA, magnitude)
    calo_row = row_at(t, slots.AT_CALO, inside_tracking(abs(eta_calo)))
    mean = mean_et(t, m, calo_row)
    bias_axis = t.tables[slots.BIAS, Y_AXIS]
    own_place, mean_place = locate(t, bias_axis, et_gev), locate(t, bias_axis, mean / GEV)
    add_z(t, m, period, eta_calo, factor, out)
    out[slots.E4_SCINTILLATOR] = e4(t, m, kind, magnitude, row, et, mean)
    out[slots.WTOTS1] = wstot(t, kind, eta, energy, cosh_eta)
    add_layers(t, m, kind, eta, eta_calo, row, calo_row, energy, et, mean, factor, out)
    add_material(t, kind, magnitude, row, own_place, mean_place, factor, out)
    out[slots.PEDESTAL] = 10.0 * (1.0 / et - 1.0 / mean) * factor
    out[slots.TOPOCLUSTER_THRES] = 1e-3 * (10_000.0 / et - 10_000.0 / mean)
    add_leakage(t, m, kind, eta_s2, et_gev, factor, out)
    out[slots.L1_GAIN] += high_gain(t, kind, eta, et_gev)
    add_layer2_gains(t, m, kind, eta_calo, et_gev, out)
    if m.precision:
        out[slots.ADC_LIN] = 0.3 * (adc_factor(t, kind, eta_calo, et) - 1.0)
    # unconverted photons take the table of the IBL everywhere, as in the tool
    own = slots.IBL if magnitude < _SERVICES_END or kind == UNCONVERTED else slots.PP0
    reference = slots.IBL if magnitude < _SERVICES_END else slots.PP0
    plain_mean = mean_et(t, m, row_at(t, slots.AT_CALO, inside_tracking(magnitude))) / GEV
    reference_bias = bias(t, ELECTRON, reference, row, locate(t, bias_axis, plain_mean))
    out[slots.MAT_PP0] = bias(t, kind, own, row, own_place) - reference_bias
    if kind != ELECTRON:
        add_conversions(t, m, kind, eta, et, factor, out)


@inlined
def all_sources(sources: Floats, left_out: Integers) -> float:
    """Quadratic sum of all sources but some."""
    total = 0.0
    for source in range(slots.SOURCES):
        if not left_out[source]:
            total += sources[source] * sources[source]
    return math.sqrt(total)
