"""Numbers by which kernels know tables, sources of uncertainty, and the properties of a model."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hepcol.kernels._jit import Floats, Integers

Booleans = npt.NDArray[np.bool_]

# Particles, in the order in which tables of each are stored
ELECTRON, UNCONVERTED, CONVERTED = range(3)
TYPES = 3
ETA_CLASSES = 8  # of the material systematics of the resolution, and of the high-gain corrections
GAIN_CLASSES = 5
SETS = 4  # of tables of the gain

# Tables. Those that exist for each type, period or class begin at the number given here.
_SIZES = {
    "ZEE": 4,
    "ZEE_SYST": 1,
    "ZEE_OFC": 1,
    "ZEE_NEWEST": 1,
    "MEAN_ET": 1,
    "FORWARD_SCALE": 1,
    "FORWARD_SHIFT": 1,
    "WSTOT_A": 1,
    "WSTOT_B": 1,
    "WSTOT_DATA": 2 * TYPES,
    "WSTOT_MC": 2 * TYPES,
    "ALPHA_PS": 1,
    "ALPHA_PS_B12": 1,
    "ALPHA_PS_COR": 1,
    "ALPHA_S12": 1,
    "ALPHA_S12_COR": 1,
    "X0_ID": 1,
    "IPPS_UNCORRELATED": 1,
    "IPPS_LAR": 1,
    "IPACC_UNCORRELATED": 1,
    "IPACC_LAR": 1,
    "IPACC_G4": 1,
    "IPACC_GL1": 1,
    "PSACC_UNCORRELATED": 1,
    "PSACC_LAR": 1,
    "PSACC_G4": 1,
    "BIAS": 6 * TYPES,
    "X0": 4,
    "LEAKAGE": TYPES,
    "HIGH_GAIN": TYPES * ETA_CLASSES,
    "GAIN": SETS * TYPES * GAIN_CLASSES,
    "GAIN_ALPHA": SETS,
    "GAIN_ZEE": SETS,
    "CONVERSION": 2,
    "CONVERSION_RADIUS": 1,
    "ADC": TYPES,
    "PHI": 1,
    "FAST_SCALE": TYPES,
    "FAST_RESOLUTION": TYPES,
    "FAST_SCALE_GAP": TYPES,
    "FAST_RESOLUTION_GAP": TYPES,
    "RESOLUTION": 3 * (TYPES + 1),
    "CONSTANT": 1,
    "CONSTANT_SYST": 1,
    "CONSTANT_OFC": 1,
    "MATERIAL": 4 * TYPES * ETA_CLASSES,
    "MATERIAL_IBL": TYPES,
    "AT_ETA": 1,
    "AT_SIDE": 1,
    "AT_WIDTH": 1,
    "AT_CALO": 1,
    "AT_GAIN": 1,
    "AT_Z": 1,
    "AT_CONSTANT": 1,
    "AT_RESOLUTION": 1,
}
_FIRST = dict(zip(_SIZES, np.cumsum([0, *_SIZES.values()])[:-1].tolist(), strict=True))
TABLES = sum(_SIZES.values())
(
    ZEE, ZEE_SYST, ZEE_OFC, ZEE_NEWEST, MEAN_ET, FORWARD_SCALE, FORWARD_SHIFT, WSTOT_A, WSTOT_B, WSTOT_DATA, WSTOT_MC,
    ALPHA_PS, ALPHA_PS_B12, ALPHA_PS_COR, ALPHA_S12, ALPHA_S12_COR, X0_ID, IPPS_UNCORRELATED, IPPS_LAR,
    IPACC_UNCORRELATED, IPACC_LAR, IPACC_G4, IPACC_GL1, PSACC_UNCORRELATED, PSACC_LAR, PSACC_G4, BIAS, X0, LEAKAGE,
    HIGH_GAIN, GAIN, GAIN_ALPHA, GAIN_ZEE, CONVERSION, CONVERSION_RADIUS, ADC, PHI, FAST_SCALE, FAST_RESOLUTION,
    FAST_SCALE_GAP, FAST_RESOLUTION_GAP, RESOLUTION, CONSTANT, CONSTANT_SYST, CONSTANT_OFC, MATERIAL, MATERIAL_IBL,
    AT_ETA, AT_SIDE, AT_WIDTH, AT_CALO, AT_GAIN, AT_Z, AT_CONSTANT, AT_RESOLUTION,
) = _FIRST.values()  # fmt: skip

# Geometries of BIAS (six for each type), and the first four of X0
A, EL, FMX, N, IBL, PP0 = range(6)
# Geometries of MATERIAL, and those of the resolution
RES_A, RES_CD, RES_EL, RES_FMX = range(4)
# Sets of GAIN
MEDIUM, LOW, MEDIUM_RUN3, LOW_RUN3 = range(4)

# Lists of curves: three layers and E4, for each type
PRESAMPLER, STRIPS, ACCORDION, SCINTILLATOR = (TYPES * k for k in range(4))
LISTS = 4 * TYPES

# Forms of curves that need no program: a + b exp(-x / c), a + b l + d l^2 with l = ln(x / c), a + b / sqrt(x / c),
# and a (x / c)^b
PROGRAM, EXPONENTIAL, LOGARITHMIC, ROOT, POWER = range(5)
COEFFICIENTS = 4

# Tables of rows: numbers that are read at one pseudorapidity, side by side. AT_ETA takes its magnitude for the
# cluster, AT_SIDE its sign, too; AT_WIDTH and AT_RESOLUTION likewise; AT_CALO and AT_GAIN take the magnitude in the
# calorimeter frame, AT_Z and AT_CONSTANT its sign, too.
PERIODS = _SIZES["ZEE"]
# Columns AT_ETA: 1 / X0 of the first four geometries, material as measured, where BIAS has its row, curves by list
PER_X0 = 0
(INNER, CRYOSTAT_PS, CRYOSTAT_PS_LAR, CRYOSTAT, CRYOSTAT_LAR, CRYOSTAT_G4, CRYOSTAT_GAIN,
 CALORIMETER, CALORIMETER_LAR, CALORIMETER_G4, BIAS_ROW) = range(4, 15)  # fmt: skip
CURVES = 15
# Columns AT_SIDE
PS_ERROR, STRIPS_ERROR, PS_BARREL, PS_CORRELATED, STRIPS_CORRELATED = range(5)
# Columns AT_WIDTH: WSTOT_DATA, WSTOT_MC, and what they are multiplied by
WIDTH_DATA, WIDTH_MC, WIDTH_A, WIDTH_B = 0, 2 * TYPES, 4 * TYPES, 4 * TYPES + 1
# Columns AT_CALO
CALO_MEAN_ET, CALO_CURVES = 0, 1
# Columns AT_GAIN: GAIN_ALPHA and GAIN_ZEE of each set
# Columns AT_Z
Z_SCALE, Z_ERROR, Z_SYST, Z_NEWEST, Z_OFC = 0, PERIODS, 2 * PERIODS, 2 * PERIODS + 1, 2 * PERIODS + 2
# Columns AT_CONSTANT
CONSTANT_TERM, CONSTANT_ERROR = range(2)

# Sources of uncertainty of the scale, in the order of the tool's enumerators
(
    ZEE_STAT, ZEE_SYSTEMATIC, ZEE_ALL, LAR_CALIB, LAR_UNCONV_CALIB, LAR_ELEC_CALIB, LAR_ELEC_UNCONV, G4,
    E4_SCINTILLATOR, PS, S12, PS_B12, ADC_LIN, LEAKAGE_ELEC, LEAKAGE_UNCONV, LEAKAGE_CONV, TOPOCLUSTER_THRES, MAT_ID,
    MAT_CRYO, MAT_CALO, L1_GAIN, L2_GAIN, L2_MEDIUM_GAIN, L2_LOW_GAIN, PEDESTAL, WTOTS1, MAT_PP0, CONV_EFFICIENCY,
    CONV_FAKE_RATE, CONV_RADIUS, CONV_RECO, OFC, EXTRA_RUN3_PRE, PS_EXTRA_RUN3, S12_EXTRA_RUN3,
    L2_MEDIUM_GAIN_EXTRA_RUN3, L2_LOW_GAIN_EXTRA_RUN3, ZEE_STAT_REDUCED,
) = range(38)  # fmt: skip
SOURCES = 38
ALL, ALL_CORRELATED, FAST_SIMULATION = SOURCES, SOURCES + 1, SOURCES + 2
NOT_IN_ALL = (ZEE_ALL, ZEE_STAT_REDUCED)
NOT_CORRELATED = (*NOT_IN_ALL, E4_SCINTILLATOR)

# Sources of uncertainty of the resolution, in the order of the tool's bits
(Z_SMEARING, SAMPLING_TERM, MATERIAL_ID, MATERIAL_CALO, MATERIAL_GAP, MATERIAL_CRYO, PILE_UP, MATERIAL_OF_IBL,
 MATERIAL_OF_PP0, RESOLUTION_FAST_SIMULATION, RESOLUTION_OFC) = range(11)  # fmt: skip
RESOLUTION_SOURCES = 11
RESOLUTION_ALL = RESOLUTION_SOURCES
NONE = -1

DATA, FULL_SIMULATION, FAST = 0, 1, 3  # the tool's PATCore::ParticleDataType


class Model(NamedTuple):
    """What distinguishes models, beside their tables.

    Parameters
    ----------
    periods : array of int64, (n, 2)
        First and last run of each period; runs outside are of the period after the last.
    pile_up : float
        Mean number of interactions in a crossing, of the noise from pile-up.
    precision : bool
        Whether it is one of the models of the final Run 2 calibration or later.
    run3 : bool
        Whether it is one of Run 3.
    interpolates_fast : bool
        Whether corrections of the fast simulation are interpolated in pt.
    forward : bool
        Whether there are scales of forward electrons.
    ofc : bool
        Whether there are uncertainties of the optimal filtering and for the start of Run 3.
    """

    periods: Integers
    pile_up: float
    precision: bool
    run3: bool
    interpolates_fast: bool
    forward: bool
    ofc: bool


class Variations(NamedTuple):
    """What to vary; one entry each.

    Parameters
    ----------
    scale, resolution : array of int64
        Source, or :data:`NONE`.
    scale_sign, resolution_sign : array of float64
        1 for up, -1 for down.
    low, high : array of float64, (n, 2)
        The variation of the scale holds for ``low <= |eta| < high`` of the calorimeter frame, in either range.
    signed : array of bool
        Whether the range is one of eta and not of its magnitude.
    """

    scale: Integers
    resolution: Integers
    scale_sign: Floats
    resolution_sign: Floats
    low: Floats
    high: Floats
    signed: Booleans
