"""Energy scale of one particle: the nominal correction, and what each source of uncertainty adds to it.

Ported from ``egammaEnergyCorrectionTool::getAlphaValue`` and what it calls (ElectronPhotonFourMomentumCorrection of
Athena, calibration area v38). Energies in MeV; alpha is defined by E(data) = (1 + alpha) E(simulation). Every source
goes down by what it goes up, so one number each is enough.
"""

import math

import numpy as np

from calib.egamma.kernels import slots
from calib.egamma.kernels.hyperbolic import cosh
from calib.egamma.kernels.lookup import (
    BINS,
    CONTENTS,
    EDGES,
    ERRORS,
    X_AXIS,
    Y_AXIS,
    Tables,
    content,
    curve,
    error,
    find_bin,
    find_inside,
    interpolated,
    interpolated_in_y,
    row_of,
)
from calib.egamma.kernels.precorrection import adc_factor
from calib.egamma.kernels.slots import CONVERTED, ELECTRON, TYPES, UNCONVERTED, Model
from hepcol.kernels._jit import Floats, Integers, inlined, kernel

GEV = 1000.0
MEAN_ET = 40_000.0  # of electrons of Z -> ee, where a model has no profile of it
MEAN_ET_EDGE, MEAN_ET_INSIDE = 2.47, 2.46
CRACK_LOW, CRACK_MIDDLE, CRACK_HIGH = 1.35, 1.45, 1.55
BEFORE_CRACK, BEHIND_CRACK = 1.349, 1.551
END_OF_PRESAMPLER = 1.82
END_OF_TRACKING = 2.47
M_Z = 91.2  # GeV, as in the tool


@inlined
def period_of(m: Model, run: int) -> int:
    """Which of the tables of the Z a run belongs to."""
    for number in range(len(m.periods)):
        if m.periods[number, 0] <= run <= m.periods[number, 1]:
            return number
    return len(m.periods)


@inlined
def mean_et(t: Tables, m: Model, eta: float) -> float:
    """Mean transverse energy of electrons of Z -> ee, where the scale was measured."""
    if not m.precision:
        return MEAN_ET
    magnitude = abs(eta)
    return content(t, slots.MEAN_ET, MEAN_ET_INSIDE if magnitude >= MEAN_ET_EDGE else magnitude) * GEV


@inlined
def leakage(t: Tables, m: Model, kind: int, eta_s2: float, et_gev: float) -> float:
    """Leakage out of the cluster, in data against simulation, of a type of particle."""
    magnitude = abs(eta_s2)
    table = slots.LEAKAGE + kind
    if not m.precision:
        return 0.0 if kind == ELECTRON else content(t, table, magnitude)
    if magnitude > END_OF_TRACKING:
        return 0.0
    x_bin = find_bin(t, t.tables[table, X_AXIS], magnitude)
    return t.numbers[row_of(t, table, x_bin) + find_inside(t, t.tables[table, Y_AXIS], et_gev)]


@inlined
def nominal_alpha(t: Tables, m: Model, kind: int, eta_calo: float, eta_s2: float, et_gev: float, period: int) -> float:
    """Scale correction of data; photons of the precision models are corrected for leakage, too."""
    alpha = content(t, slots.ZEE + period, eta_calo)
    if m.precision and kind != ELECTRON:
        alpha += leakage(t, m, kind, eta_s2, et_gev)
    return alpha


@inlined
def outside_crack(eta: float) -> float:
    """Nearest pseudorapidity outside the crack; the two sides differ where its middle goes, as in the tool."""
    if eta < 0.0:
        if -CRACK_HIGH <= eta <= -CRACK_MIDDLE:
            return -BEHIND_CRACK
        return -BEFORE_CRACK if -CRACK_MIDDLE <= eta <= -CRACK_LOW else eta
    if CRACK_LOW <= eta <= CRACK_MIDDLE:
        return BEFORE_CRACK
    return BEHIND_CRACK if CRACK_MIDDLE <= eta <= CRACK_HIGH else eta


_COSH_INSIDE = math.cosh(MEAN_ET_INSIDE)
_CONVERTED_FLOOR = 10_000.0
_CONVERTED_LOW, _CONVERTED_GAP, _CONVERTED_END = 1.2, 1.59, 1.73


@kernel
def layer(t: Tables, m: Model, first: int, kind: int, eta: float, energy: float, cosh_eta: float) -> float:
    """Sensitivity of the energy to the scale of a layer: ``slots.PRESAMPLER``, ``STRIPS`` or ``ACCORDION``."""
    magnitude = abs(eta)
    if first == slots.ACCORDION and magnitude >= MEAN_ET_EDGE:
        magnitude, cosh_eta = MEAN_ET_INSIDE, _COSH_INSIDE
    if not m.precision:
        magnitude = outside_crack(magnitude)
    if first == slots.PRESAMPLER and magnitude >= END_OF_PRESAMPLER:
        return 0.0
    et = energy / cosh_eta
    if (
        first == slots.ACCORDION
        and kind == CONVERTED
        and et < _CONVERTED_FLOOR
        and (magnitude < _CONVERTED_LOW or _CONVERTED_GAP <= magnitude < _CONVERTED_END)
    ):
        et = _CONVERTED_FLOOR
    found = curve(t, first + kind, magnitude, et, 0.0)
    return max(found, 0.0)


@inlined
def bias(t: Tables, kind: int, geometry: int, magnitude: float, et_gev: float) -> float:
    """Relative change of the energy with the material of a geometry added."""
    table = slots.BIAS + kind * 6 + geometry
    return interpolated_in_y(t, table, find_bin(t, t.tables[table, X_AXIS], magnitude), et_gev)


@inlined
def per_x0(t: Tables, geometry: int, magnitude: float) -> float:
    """Return 1 / X0 of the material added in a geometry; 0 where there is none."""
    table = slots.X0 + geometry
    axis = t.tables[table, X_AXIS]
    number = find_bin(t, axis, magnitude)
    if number < 1 or number > t.axes[axis, BINS]:
        return 0.0
    thickness = t.numbers[t.tables[table, CONTENTS] + number]
    return 1.0 / thickness if thickness > 0.0 else 0.0


@inlined
def add_material(t: Tables, kind: int, eta: float, et_gev: float, mean_gev: float, factor: float, out: Floats) -> None:
    """Add what material in front of the calorimeter does to the sources that it is part of."""
    magnitude = abs(eta)
    if CRACK_LOW <= magnitude <= CRACK_HIGH:  # one geometry, and no thickness: only the detector's own material
        out[slots.MAT_ID] += bias(t, kind, slots.FMX, magnitude, et_gev) - bias(
            t, ELECTRON, slots.FMX, magnitude, mean_gev
        )
        return
    cryostat = slots.EL if magnitude < 2.0 else slots.FMX
    calorimeter = slots.N if magnitude > 1.52 else slots.FMX
    x0_a, x0_cryostat = per_x0(t, slots.A, magnitude), per_x0(t, cryostat, magnitude)
    x0_calorimeter = per_x0(t, calorimeter, magnitude)
    own_cryostat = bias(t, kind, cryostat, magnitude, et_gev) * x0_cryostat
    mean_cryostat = bias(t, ELECTRON, cryostat, magnitude, mean_gev) * x0_cryostat
    inner = (bias(t, kind, slots.A, magnitude, et_gev) * x0_a - own_cryostat) - (
        bias(t, ELECTRON, slots.A, magnitude, mean_gev) * x0_a - mean_cryostat
    )
    middle = own_cryostat - mean_cryostat
    outer = (
        bias(t, kind, calorimeter, magnitude, et_gev) - bias(t, ELECTRON, calorimeter, magnitude, mean_gev)
    ) * x0_calorimeter
    out[slots.MAT_ID] += content(t, slots.X0_ID, magnitude) * inner * factor
    if magnitude < END_OF_PRESAMPLER:
        out[slots.MAT_CRYO] += error(t, slots.IPPS_UNCORRELATED, magnitude) * middle * factor
        out[slots.LAR_ELEC_UNCONV] -= content(t, slots.IPPS_LAR, magnitude) * middle * factor
        out[slots.MAT_CALO] += error(t, slots.PSACC_UNCORRELATED, magnitude) * outer * factor
        out[slots.LAR_UNCONV_CALIB] += content(t, slots.PSACC_LAR, magnitude) * outer * factor
        out[slots.G4] += content(t, slots.PSACC_G4, magnitude) * outer * factor
    if magnitude > END_OF_PRESAMPLER:  # exactly there, nothing
        out[slots.MAT_CRYO] += error(t, slots.IPACC_UNCORRELATED, magnitude) * middle * factor
        out[slots.LAR_ELEC_CALIB] += content(t, slots.IPACC_LAR, magnitude) * middle * factor
        out[slots.G4] += content(t, slots.IPACC_G4, magnitude) * middle * factor
        out[slots.L1_GAIN] += content(t, slots.IPACC_GL1, magnitude) * middle * factor


@inlined
def add_layers(
    t: Tables,
    m: Model,
    kind: int,
    eta: float,
    eta_calo: float,
    energy: float,
    cosh_eta: float,
    mean: float,
    factor: float,
    out: Floats,
) -> None:
    """Add what the scales of the presampler and of the first layers do."""
    cosh_calo = cosh(eta_calo)
    mean_energy = mean * cosh_eta
    presampler = layer(t, m, slots.PRESAMPLER, kind, eta, energy, cosh_eta)
    strips = layer(t, m, slots.STRIPS, kind, eta, energy, cosh_eta)
    mean_presampler = layer(t, m, slots.PRESAMPLER, ELECTRON, eta, mean_energy, cosh_eta)
    mean_strips = layer(t, m, slots.STRIPS, ELECTRON, eta, mean_energy, cosh_eta)
    if m.precision:
        ratio = layer(t, m, slots.ACCORDION, kind, eta_calo, energy, cosh_calo) / layer(
            t, m, slots.ACCORDION, ELECTRON, eta_calo, mean * cosh_calo, cosh_calo
        )
        presampler -= ratio * mean_presampler
        strips -= ratio * mean_strips
        strips = -strips
        nearest = eta
    else:
        presampler -= mean_presampler
        strips -= mean_strips
        nearest = outside_crack(eta)
        out[slots.PS_B12] += content(t, slots.ALPHA_PS_B12, nearest) * presampler * factor
        out[slots.LAR_ELEC_UNCONV] += content(t, slots.ALPHA_PS_COR, nearest) * presampler * factor
        out[slots.LAR_CALIB] += content(t, slots.ALPHA_S12_COR, eta) * strips * factor
    out[slots.PS] += error(t, slots.ALPHA_PS, nearest) * presampler * factor
    out[slots.S12] += error(t, slots.ALPHA_S12, eta) * strips * factor
    if m.run3:
        magnitude = abs(eta)
        if magnitude <= 1.8:
            out[slots.PS_EXTRA_RUN3] += 0.01 * presampler * factor
        if magnitude <= 2.5:
            out[slots.S12_EXTRA_RUN3] += (0.02 if 0.8 < magnitude <= 1.5 else 0.01) * strips * factor


@inlined
def e4(t: Tables, m: Model, kind: int, eta: float, et: float, mean: float) -> float:
    """Scintillators between barrel and endcap."""
    magnitude = abs(eta)
    if m.run3:
        if not 1.4 <= magnitude <= 1.72:
            return 0.0
        difference = 0.15
    else:
        if not 1.4 <= magnitude <= 1.6:
            return 0.0
        difference = 0.01 if magnitude < 1.46 else 0.03 if magnitude < 1.52 else 0.043
        et, mean = et / GEV, mean / GEV  # graphs of Run 2 are in GeV, functions of Run 3 in MeV
    size = math.sqrt(difference * difference + 0.024**2 + 0.01**2 + 0.04**2)
    own = curve(t, slots.SCINTILLATOR + kind, magnitude, et, 0.0)
    return size * (own - curve(t, slots.SCINTILLATOR + ELECTRON, magnitude, mean, 0.0))


_WSTOT_EDGE, _WSTOT_INSIDE = 2.4, 2.35
_COSH_WSTOT = math.cosh(_WSTOT_INSIDE)
_WSTOT_FLOOR, _WSTOT_MEAN = 25.0, math.sqrt(40.0)


@inlined
def wstot(t: Tables, kind: int, eta: float, energy: float, cosh_eta: float) -> float:
    """Width of the shower in the strips: how data and simulation differ with transverse energy."""
    if eta < -_WSTOT_EDGE:
        eta, cosh_eta = -_WSTOT_INSIDE, _COSH_WSTOT
    elif eta > _WSTOT_EDGE:
        eta, cosh_eta = _WSTOT_INSIDE, _COSH_WSTOT
    root = math.sqrt(max(energy / cosh_eta / GEV, _WSTOT_FLOOR))
    number = find_bin(t, t.tables[slots.WSTOT_A, X_AXIS], eta)

    def at(table: int) -> float:
        return t.numbers[t.tables[table, CONTENTS] + number]

    data = at(slots.WSTOT_DATA + 2 * kind) + at(slots.WSTOT_DATA + 2 * kind + 1) / root
    data -= at(slots.WSTOT_DATA) + at(slots.WSTOT_DATA + 1) / _WSTOT_MEAN
    simulated = at(slots.WSTOT_MC + 2 * kind) + at(slots.WSTOT_MC + 2 * kind + 1) / root
    simulated -= at(slots.WSTOT_MC) + at(slots.WSTOT_MC + 1) / _WSTOT_MEAN
    return 2.0 * at(slots.WSTOT_A) / M_Z * data - 2.0 * at(slots.WSTOT_B) / M_Z * simulated


@inlined
def high_gain(t: Tables, kind: int, eta: float, et_gev: float) -> float:
    """Gain of the strips in the endcaps (``e1hg_systematics``), which compares single precision."""
    magnitude = float(np.float32(abs(eta)))
    if magnitude < 1.8:
        return 0.0
    number = 6 if magnitude < 2.1 else 7
    factor = (0.05 * (magnitude - 1.8) / 0.4 + 0.025) / 0.05 if magnitude < 2.3 else 1.0
    return factor * interpolated(t, slots.HIGH_GAIN + kind * slots.ETA_CLASSES + number, et_gev)


_LARGEST_ET_GEV = 999.999


@inlined
def layer2_gain(t: Tables, m: Model, kind: int, chosen: int, eta_calo: float, et_gev: float) -> float:
    """Gain of the second layer (``GainUncertainty``): of a set of tables, the change for a type against the Z."""
    magnitude = abs(eta_calo)
    number = 0
    if 0.8 <= magnitude < 2.5:
        number = 1 if magnitude < 1.37 else 2 if magnitude < 1.52 else 3 if magnitude < 1.8 else 4
    table = slots.GAIN + (chosen * TYPES + kind) * slots.GAIN_CLASSES + number
    axis = t.tables[table, X_AXIS]
    last = t.numbers[t.axes[axis, EDGES] + t.axes[axis, BINS]]
    et_gev = min(et_gev, _LARGEST_ET_GEV)
    if et_gev > last:
        et_gev = last - 1.0
    impact = interpolated(t, table, et_gev) if m.precision else content(t, table, et_gev)
    alpha = content(t, slots.GAIN_ALPHA + chosen, magnitude)
    return alpha * impact / content(t, slots.GAIN_ZEE + chosen, magnitude)


_CONVERSION_EDGE, _CONVERSION_INSIDE = 2.37, 2.36


@inlined
def add_conversions(t: Tables, m: Model, kind: int, eta: float, et: float, factor: float, out: Floats) -> None:
    """Add what the reconstruction of conversions does to photons."""
    magnitude = abs(eta)
    if magnitude > _CONVERSION_EDGE:
        magnitude = _CONVERSION_INSIDE
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
    if kind == ELECTRON:
        out[slots.LEAKAGE_ELEC] = electron  # not scaled, unlike that of photons
        return
    out[slots.LEAKAGE_ELEC] = electron * factor
    own = slots.LEAKAGE_CONV if kind == CONVERTED else slots.LEAKAGE_UNCONV
    out[own] = leakage(t, m, kind, eta_s2, et_gev) * factor


@inlined
def add_z(t: Tables, m: Model, period: int, eta_calo: float, factor: float, out: Floats) -> None:
    """Add the uncertainties of the measurement with Z -> ee."""
    table = slots.ZEE + period
    axis = t.tables[table, X_AXIS]
    statistical = t.numbers[t.tables[table, ERRORS] + find_bin(t, axis, eta_calo)]
    systematic = content(t, slots.ZEE_SYST, eta_calo)
    newest = error(t, slots.ZEE_NEWEST, eta_calo)
    out[slots.ZEE_STAT] = statistical * factor
    out[slots.ZEE_STAT_REDUCED] = statistical / math.sqrt(t.axes[axis, BINS]) * factor
    out[slots.ZEE_SYSTEMATIC] = systematic * factor
    out[slots.ZEE_ALL] = math.sqrt(newest * newest + systematic * systematic) * factor
    if m.ofc:
        out[slots.OFC] = content(t, slots.ZEE_OFC, eta_calo) * factor
        out[slots.EXTRA_RUN3_PRE] = 0.004 * factor


@kernel
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
    et = energy / cosh_eta
    et_gev = et / GEV
    mean = mean_et(t, m, eta_calo)
    add_z(t, m, period, eta_calo, factor, out)
    out[slots.E4_SCINTILLATOR] = e4(t, m, kind, eta, et, mean)
    out[slots.WTOTS1] = wstot(t, kind, eta, energy, cosh_eta)
    add_layers(t, m, kind, eta, eta_calo, energy, cosh_eta, mean, factor, out)
    add_material(t, kind, eta, et_gev, mean / GEV, factor, out)
    out[slots.PEDESTAL] = 10.0 * (1.0 / et - 1.0 / mean) * factor
    out[slots.TOPOCLUSTER_THRES] = 1e-3 * (10_000.0 / et - 10_000.0 / mean)
    add_leakage(t, m, kind, eta_s2, et_gev, factor, out)
    out[slots.L1_GAIN] += high_gain(t, kind, eta, et_gev)
    if m.precision:
        out[slots.L2_MEDIUM_GAIN] = layer2_gain(t, m, kind, slots.MEDIUM, eta_calo, et_gev)
        out[slots.L2_LOW_GAIN] = layer2_gain(t, m, kind, slots.LOW, eta_calo, et_gev)
        if m.run3:
            out[slots.L2_MEDIUM_GAIN_EXTRA_RUN3] = layer2_gain(t, m, kind, slots.MEDIUM_RUN3, eta_calo, et_gev)
            out[slots.L2_LOW_GAIN_EXTRA_RUN3] = layer2_gain(t, m, kind, slots.LOW_RUN3, eta_calo, et_gev)
        out[slots.ADC_LIN] = 0.3 * (adc_factor(t, kind, eta_calo, et) - 1.0)
    else:
        out[slots.L2_GAIN] = layer2_gain(t, m, kind, slots.MEDIUM, eta_calo, et_gev)
    # unconverted photons take the table of the IBL everywhere, as in the tool
    magnitude = abs(eta)
    own = slots.IBL if magnitude < 1.5 or kind == UNCONVERTED else slots.PP0
    reference = slots.IBL if magnitude < 1.5 else slots.PP0
    plain_mean = mean_et(t, m, eta) / GEV
    out[slots.MAT_PP0] = bias(t, kind, own, magnitude, et_gev) - bias(t, ELECTRON, reference, magnitude, plain_mean)
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
