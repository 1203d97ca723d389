"""Corrections of data that come before the scale: uniformity of the calorimeter, and linearity of its ADCs.

Ported from ``EgammaCalibrationAndSmearingTool`` (intermodule and phi uniformity correction) and ``LinearityADC``.
"""

import math

import numpy as np

from calib.egamma.kernels import slots
from calib.egamma.kernels.lookup import CENTRES, X_AXIS, Y_AXIS, Tables, find_bin, find_inside, row_of
from hepcol.kernels.blocks import inlined
from hepcol.kernels.hyperbolic import exp

MODULES = 16  # of the barrel
BARREL_END = 1.37
NO_SECTOR = float(MODULES)
_MODULE = math.pi / 8.0
# in two parts, of which the first has 4 zeros at its end: a multiple of it up to the 16th is exact
_MODULE_HIGH = math.floor(_MODULE * 2.0**50) / 2.0**50
_MODULE_LOW = _MODULE - _MODULE_HIGH

# Depth and steepness of the gap between modules, for the sectors from -pi on
_INTERMODULE = np.array(
    [
        (0.1086, 175.2759, 189.3612), (0.0596, 170.8305, 233.3782), (0.0596, 147.1451, 139.3386),
        (0.0583, 168.4644, 246.2897), (0.0530, 177.6703, 198.3227), (0.0672, 145.0693, 242.1771),
        (0.0871, 132.3303, 166.1833), (0.0948, 127.6780, 150.0700), (0.1166, 172.0679, 235.3293),
        (0.1172, 190.3524, 198.9400), (0.1292, 158.0540, 165.3893), (0.1557, 162.2793, 133.5131),
        (0.1659, 180.5270, 168.5074), (0.1123, 128.2277, 154.4455), (0.1394, 192.1216, 198.0727),
        (0.1001, 199.1735, 176.4056),
    ]
)  # fmt: skip

# Cells with high voltage that is not nominal: range in eta of the calorimeter frame, in phi / (2 pi / 32), factor
UNIFORMITY = np.array(
    [
        (0.0, 0.2, -8, -7, 1.016314), (0.4, 0.6, -1, 0, 1.041591), (0.4, 0.6, -5, -4, 1.067346),
        (0.6, 0.8, 6, 7, 1.027980), (1.2, 1.4, -10, -9, 1.020299), (1.2, 1.4, -12, -11, 1.051426),
        (2.1, 2.3, -13, -12, 1.071695), (-0.2, 0.0, -13, -12, 1.008227), (-0.2, 0.0, -9, -8, 1.013929),
        (-0.4, -0.2, -10, -9, 1.015749), (-1.4, -1.2, -7, -6, 1.064954), (-1.8, -1.6, 8, 9, 1.027448),
        (-2.5, -2.3, -9, -8, 1.025882), (-2.5, -2.3, 4, 5, 1.036616), (-2.5, -2.3, 8, 9, 1.053838),
        (-2.5, -2.3, 9, 10, 1.026856), (-2.5, -2.3, 10, 11, 0.994382),
    ]
)  # fmt: skip
UNIFORMITY[:, 2:4] *= 2.0 * math.pi / 32.0
CELLS = len(UNIFORMITY)
_ETA_LOW, _ETA_HIGH, _PHI_LOW, _PHI_HIGH = (np.ascontiguousarray(column) for column in UNIFORMITY.T[:4])
_RESPONSE = np.append(1.0, UNIFORMITY[:, 4])


@inlined
def in_sector(phi: float, sector: float) -> bool:
    """Whether phi is inside a sector and not at its edges."""
    return sector * math.pi / 8.0 < phi < (sector + 1.0) * math.pi / 8.0


@inlined
def within_module(phi: float) -> float:
    """``fmod(phi, pi / 8)``, exact for ``|phi| < pi``; libm's takes 10 ns."""
    turns = np.trunc(phi / _MODULE)
    rest = (phi - turns * _MODULE_HIGH) - turns * _MODULE_LOW
    # the quotient may have been rounded up
    rest = rest + _MODULE if phi > 0.0 and rest < 0.0 else rest
    return rest - _MODULE if phi < 0.0 and rest > 0.0 else rest


@inlined
def intermodule_factor(phi: float, eta: float) -> float:
    """Energy lost between the modules of the barrel; 0 exactly at the edge of one, as in the tool."""
    in_module = within_module(phi)
    in_module = in_module + _MODULE if phi < 0.0 else in_module
    from_middle = in_module - math.pi / 16.0
    near = np.floor(phi / _MODULE)
    sector = near - 1.0 if in_sector(phi, near - 1.0) else NO_SECTOR
    sector = near if in_sector(phi, near) else sector
    sector = near + 1.0 if in_sector(phi, near + 1.0) else sector
    is_known = -MODULES / 2 <= sector < MODULES / 2
    number = int(sector + MODULES / 2) if is_known else 0
    depth, left, right = _INTERMODULE[number, 0], _INTERMODULE[number, 1], _INTERMODULE[number, 2]
    gap = depth * (1.0 / (1.0 + exp(left * from_middle))) * (1.0 / (1.0 + exp(-right * from_middle)))
    factor = 1.0 / (1.0 - gap) if is_known else 0.0
    return 1.0 if abs(eta) > BARREL_END else factor


@inlined
def uniformity_factor(eta_calo: float, phi_calo: float) -> float:
    """Response of cells with high voltage that is not nominal; they do not overlap."""
    found = 0
    for cell in range(CELLS):  # no branch and no early end: LLVM tries all of them at once
        in_eta = _ETA_LOW[cell] < eta_calo < _ETA_HIGH[cell]
        in_phi = _PHI_LOW[cell] < phi_calo < _PHI_HIGH[cell]
        found = max(found, cell + 1 if in_eta and in_phi else 0)
    return _RESPONSE[found]


@inlined
def distortion_factor(t: Tables, eta: float, phi: float) -> float:
    """Response by phi of the distorted calorimeter."""
    x_bin = find_inside(t, t.tables[slots.PHI, X_AXIS], eta)
    return t.numbers[row_of(t, slots.PHI, x_bin) + find_inside(t, t.tables[slots.PHI, Y_AXIS], phi)]


_ADC_ETA, _ADC_LOW, _ADC_HIGH, _ADC_REFERENCE = np.float32(2.49), np.float32(6), np.float32(2999), 40.0
_THOUSAND, _ONE = np.float32(1000), np.float32(1)


@inlined
def adc_factor(t: Tables, kind: int, eta_calo: float, et: float) -> float:
    """Linearity of the ADCs against an electron of 40 GeV; in single precision, as the tool computes it."""
    et_gev = np.float32(np.float32(et) / _THOUSAND)
    et_gev = min(max(et_gev, _ADC_LOW), _ADC_HIGH)
    magnitude = min(np.float32(abs(eta_calo)), _ADC_ETA)
    table = slots.ADC + kind
    y_axis = t.tables[table, Y_AXIS]
    row = row_of(t, table, find_bin(t, t.tables[table, X_AXIS], np.float64(magnitude)))
    y_bin = find_bin(t, y_axis, np.float64(et_gev))
    centres = t.axes[y_axis, CENTRES]
    first = y_bin - 1 if np.float32(t.numbers[centres + y_bin]) > et_gev else y_bin
    electron = row_of(t, slots.ADC, find_bin(t, t.tables[slots.ADC, X_AXIS], np.float64(magnitude)))
    reference = np.float32(t.numbers[electron + find_bin(t, t.tables[slots.ADC, Y_AXIS], _ADC_REFERENCE)])
    before, after = np.float32(t.numbers[row + first]), np.float32(t.numbers[row + first + 1])
    before, after = np.float32(before - reference), np.float32(after - reference)
    low, high = np.float32(t.numbers[centres + first]), np.float32(t.numbers[centres + first + 1])
    upper, lower = np.float32(after * np.float32(et_gev - low)), np.float32(before * np.float32(high - et_gev))
    correction = np.float32(np.float32(upper + lower) / np.float32(high - low))
    return float(np.float32(_ONE + correction))


@inlined
def corrected_data(
    t: Tables,
    precision: bool,
    kind: int,
    energy: float,
    eta: float,
    phi: float,
    eta_calo: float,
    phi_calo: float,
    cosh_eta: float,
) -> float:
    """Energy [MeV] of data before the scale."""
    corrected = energy * intermodule_factor(phi, eta)
    if precision:
        corrected *= distortion_factor(t, eta, phi)
    corrected *= uniformity_factor(eta_calo, phi_calo)
    if precision:
        corrected *= adc_factor(t, kind, eta_calo, corrected / cosh_eta)
    return corrected
