"""The golden numbers of the C++ tool, as the tests read them; loaded by path."""

import os
from pathlib import Path

import numpy as np

from calib.egamma.kernels import slots

DATA = Path(__file__).parents[2] / "data" / "egamma"
SHARED = Path(__file__).parents[4] / "shared" / "egamma" / "golden"
MODELS = ("es2018_R21_v1", "es2022_R22_PRE", "es2023_R22_Run2_v1", "es2024_Run3_v0")
KINDS = {20: slots.ELECTRON, 11: slots.UNCONVERTED, 12: slots.CONVERTED}

# What the C++ calls a source of uncertainty, and what the kernels do
SOURCES = {
    "ZeeStat": slots.ZEE_STAT, "ZeeSyst": slots.ZEE_SYSTEMATIC, "ZeeAll": slots.ZEE_ALL, "LArCalib": slots.LAR_CALIB,
    "LArUnconvCalib": slots.LAR_UNCONV_CALIB, "LArElecCalib": slots.LAR_ELEC_CALIB,
    "LArElecUnconv": slots.LAR_ELEC_UNCONV, "G4": slots.G4, "E4Scintillator": slots.E4_SCINTILLATOR, "PS": slots.PS,
    "S12": slots.S12, "PSb12": slots.PS_B12, "ADCLin": slots.ADC_LIN, "LeakageElec": slots.LEAKAGE_ELEC,
    "LeakageUnconv": slots.LEAKAGE_UNCONV, "LeakageConv": slots.LEAKAGE_CONV,
    "topoClusterThres": slots.TOPOCLUSTER_THRES, "MatID": slots.MAT_ID, "MatCryo": slots.MAT_CRYO,
    "MatCalo": slots.MAT_CALO, "L1Gain": slots.L1_GAIN, "L2Gain": slots.L2_GAIN, "L2MediumGain": slots.L2_MEDIUM_GAIN,
    "L2LowGain": slots.L2_LOW_GAIN, "Pedestal": slots.PEDESTAL, "Wtots1": slots.WTOTS1, "MatPP0": slots.MAT_PP0,
    "ConvEfficiency": slots.CONV_EFFICIENCY, "ConvFakeRate": slots.CONV_FAKE_RATE, "ConvRadius": slots.CONV_RADIUS,
    "ConvReco": slots.CONV_RECO, "OFC": slots.OFC, "EXTRARUN3PRE": slots.EXTRA_RUN3_PRE,
    "PSEXTRARUN3": slots.PS_EXTRA_RUN3, "S12EXTRARUN3": slots.S12_EXTRA_RUN3,
    "L2MediumGainEXTRARUN3": slots.L2_MEDIUM_GAIN_EXTRA_RUN3, "L2LowGainEXTRARUN3": slots.L2_LOW_GAIN_EXTRA_RUN3,
    "All": slots.ALL, "AllCorrelated": slots.ALL_CORRELATED, "af": slots.FAST_SIMULATION,
}  # fmt: skip
RESOLUTION_SOURCES = {
    "ZSmearing": slots.Z_SMEARING, "SamplingTerm": slots.SAMPLING_TERM, "MaterialID": slots.MATERIAL_ID,
    "MaterialCalo": slots.MATERIAL_CALO, "MaterialGap": slots.MATERIAL_GAP, "MaterialCryo": slots.MATERIAL_CRYO,
    "PileUp": slots.PILE_UP, "MaterialIBL": slots.MATERIAL_OF_IBL, "MaterialPP0": slots.MATERIAL_OF_PP0,
    "af": slots.RESOLUTION_FAST_SIMULATION, "OFC": slots.RESOLUTION_OFC, "All": slots.RESOLUTION_ALL,
}  # fmt: skip


def folder():
    """All numbers where they are at hand, else those that are committed."""
    return SHARED if SHARED.is_dir() and not os.environ.get("HEPCOL_SMALL_GOLDEN") else DATA


def read(name, where=None):
    with np.load((where or folder()) / name) as content:
        return dict(content)


def direction(name):
    """Split ZeeStatUp into ZeeStat and 1."""
    return (name[:-2], 1.0) if name.endswith("Up") else (name[:-4], -1.0)


def columns(inputs, rows, energy=None):
    """Columns of some rows as the calibration reads them; the energy goes in as pt."""
    mass, eta = inputs["mass"][rows], inputs["eta"][rows].astype(np.float64)
    energy = (inputs["energy"] if energy is None else energy)[rows]
    made = {
        "pt": np.sqrt(np.maximum(energy**2 - mass**2, 0.0)) / np.cosh(eta),
        "eta": eta,
        "m": mass,
        "cl_eta": inputs["cl_eta"][rows],
        "cl_phi": inputs["cl_phi"][rows],
        "cl_eta_s2": inputs["cl_etaS2"][rows],
        "cl_eta_calo": inputs["cl_etaCalo"][rows],
        "cl_phi_calo": inputs["phiCalo"][rows],
        "event_number": inputs["eventNumber"][rows],
        "run_number": inputs["run"][rows],
        "random_run_number": inputs["run"][rows],
        "is_simulation": inputs["datatype"][rows] != slots.DATA,
    }
    kinds = {KINDS[number] for number in np.unique(inputs["ptype"][rows])}
    if slots.ELECTRON not in kinds:
        made["converted"] = inputs["ptype"][rows] == 12
    return made


def pt_of(inputs, rows, energy):
    """Transverse momentum of a calibrated energy."""
    square = np.maximum(energy**2 - inputs["mass"][rows] ** 2, 0.0)
    return np.sqrt(square) / np.cosh(inputs["eta"][rows].astype(np.float64))
