"""The tables of a model, read once from a calibration area into the flat arrays of the kernels."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from calib.egamma.area import MAIN_FILE, Area
from calib.egamma.collector import Collector, Column, Floats
from calib.egamma.histograms import Axis, Histogram, Histogram2D
from calib.egamma.kernels import slots
from calib.egamma.kernels.lookup import Tables
from calib.egamma.models import ModelSpec

AnyHistogram = TypeVar("AnyHistogram", Histogram, Histogram2D)

WSTOT_FILE = "v8/wstot_related_syst.root"
MATERIAL_FILE = "v8/histos-systematics-material.root"
ADC_FILE = "v25/linearity_ADC.root"
PHI_FILE = "v33/egammaEnergyCorrectionData.root"
RESOLUTION_FILE = "v20/resolutionFit_{}_run2_release21_es2017_R21_v1.root"

_TYPES = ("electron", "unconverted", "converted")
_SHORT = ("elec", "unco", "conv")  # in the gain, linearity and fast simulation tables
_HIGH_GAIN = ("elec", "unconv", "conv")
_SYST = ("Elec", "Unconv", "Conv")
_GEOMETRIES = ("ConfigA", "ConfigEpLp", "ConfigFpMX", "ConfigN", "ConfigIBL", "ConfigPP0")
_MATERIALS = ("A", "CD", "EL", "FMX")


def read_tables(area: Area | Path | str, model: ModelSpec, resolution_type: str) -> Tables:
    """Read what a model needs.

    Parameters
    ----------
    area : Area, Path or str
        The calibration area, see :class:`calib.egamma.area.Area`; one that is open stays so.
    model : ModelSpec
        The model.
    resolution_type : str
        ``"Gaussian"``, ``"SigmaEff80"`` or ``"SigmaEff90"``.

    Raises
    ------
    InputError
        If an object is missing or damaged; the message names file, path and model.
    """
    tables = Collector()
    with nullcontext(area) if isinstance(area, Area) else Area(area, model.name) as opened:
        _read_z(opened, model, tables)
        _read_layers(opened, model, tables)
        _read_material(opened, tables)
        _read_corrections(opened, model, tables)
        _read_gains(opened, model, tables)
        _read_fast_simulation(opened, model, tables)
        reference = _read_resolution(opened, resolution_type, tables)
    _put_rows(tables, model, reference)
    return tables.packed()


def _read_z(area: Area, model: ModelSpec, tables: Collector) -> None:
    """Read the scale and the constant term from Z -> ee, and the scale of forward electrons."""
    scales = f"Scales/{model.folder}/alphaZee_errStat_period_"
    for number, ending in enumerate(model.period_tables):
        tables.put(slots.ZEE + number, area.histogram(MAIN_FILE, scales + ending))
    tables.put(slots.ZEE_NEWEST, area.histogram(MAIN_FILE, scales + model.period_tables[-1]))
    tables.put(slots.ZEE_SYST, area.histogram(MAIN_FILE, f"Scales/{model.syst_folder}/alphaZee_errSyst"))
    tables.put(slots.CONSTANT, area.histogram(MAIN_FILE, f"Resolution/{model.folder}/ctZee_errStat"))
    tables.put(slots.CONSTANT_SYST, area.histogram(MAIN_FILE, f"Resolution/{model.syst_folder}/ctZee_errSyst"))
    if model.ofc:
        tables.put(slots.ZEE_OFC, area.histogram(MAIN_FILE, f"Scales/{model.syst_folder}/alphaZee_errOFCSyst"))
        tables.put(slots.CONSTANT_OFC, area.histogram(MAIN_FILE, f"Resolution/{model.syst_folder}/ctZee_errOFCSyst"))
    if model.precision:
        folder = "ZeeMeanET/es2024_Run3_v0" if model.run3 else "ZeeMeanET"
        tables.put(slots.MEAN_ET, area.histogram(MAIN_FILE, f"{folder}/MC_eta_vs_et_profiled"))
    if model.forward:
        tables.put(slots.FORWARD_SCALE, area.histogram(MAIN_FILE, "Scales/es2018_R21_v0/alphaFwd_Finalk"))
        tables.put(slots.FORWARD_SHIFT, area.histogram(MAIN_FILE, "Scales/es2018_R21_v0/alphaFwd_Finalb"))


def _read_layers(area: Area, model: ModelSpec, tables: Collector) -> None:
    """Read the scales of the layers, and how the energy depends on them."""
    tables.put(slots.ALPHA_PS, area.histogram(MAIN_FILE, model.layers["PS"]))
    tables.put(slots.ALPHA_S12, area.histogram(MAIN_FILE, model.layers["S12"]))
    if model.precision:
        layers = [
            (slots.PRESAMPLER, "PSRecalibration/es2023_R22_Run2_v0/", "PS"),
            (slots.STRIPS, "S2Recalibration/", "S2"),
            (slots.ACCORDION, "SaccRecalibration/", "Sacc"),
        ]
    else:
        for slot, path in (
            (slots.ALPHA_PS_B12, "Scales/es2017_summer_final/dalphaPS_b12"),
            (slots.ALPHA_PS_COR, "Scales/es2012c/dalphaPS_cor"),
            (slots.ALPHA_S12_COR, "Scales/es2012c/dalphaS12_cor"),
        ):
            tables.put(slot, area.histogram(MAIN_FILE, path))
        layers = [
            (slots.PRESAMPLER, "PSRecalibration/es2015PRE/", "PS"),
            (slots.STRIPS, "S1Recalibration/es2015PRE/", "S1"),
        ]
    for first, folder, name in layers:
        for kind, prefix in enumerate(("Electron", "Unconverted", "Converted")):
            axis = area.axis(MAIN_FILE, f"{folder}{prefix}Axis")
            special = model.run3 and first == slots.ACCORDION and kind == slots.ELECTRON
            place = f"{folder}es2024_Run3_v0/" if special else folder
            tables.put_list(first + kind, axis, area.curves(MAIN_FILE, f"{place}{prefix}Bias{name}"))
    _read_scintillators(area, model, tables)


def _read_scintillators(area: Area, model: ModelSpec, tables: Collector) -> None:
    """Read the sensitivity to the scintillators, which in Run 2 is one for all types."""
    if model.run3:
        folder = "E4Recalibration/es2024_Run3_v0/"
        axis = area.axis(MAIN_FILE, f"{folder}E4_eta_axis")
        names = [f"{name}_sensitivity" for name in ("electron", "unconv_photon", "conv_photon")]
    else:
        folder = "E4Recalibration/v4/"
        axis = area.axis(MAIN_FILE, f"{folder}electron_eta_axis")
        names = ["electron"] * slots.TYPES
    for kind, name in enumerate(names):
        tables.put_list(slots.SCINTILLATOR + kind, axis, area.curves(MAIN_FILE, folder + name))


def _read_material(area: Area, tables: Collector) -> None:
    """Read what material in front of the calorimeter does to the scale, and how well it is known."""
    measured = "Material/Measured/DXerr_"
    for slot, path in (
        (slots.X0_ID, "Material/DX0_ConfigA"),
        (slots.IPPS_UNCORRELATED, f"{measured}IPPS_NewG_errUncor"),
        (slots.IPPS_LAR, f"{measured}IPPS_NewG_errLAr"),
        (slots.IPACC_UNCORRELATED, f"{measured}IPAcc_NewG_errUncor"),
        (slots.IPACC_LAR, f"{measured}IPAcc_NewG_errLAr"),
        (slots.IPACC_G4, f"{measured}IPAcc_NewG_errG4"),
        (slots.IPACC_GL1, f"{measured}IPAcc_NewG_errGL1"),
        (slots.PSACC_UNCORRELATED, f"{measured}PSAcc_NewG_errUncor"),
        (slots.PSACC_LAR, f"{measured}PSAcc_NewG_errLAr"),
        (slots.PSACC_G4, f"{measured}PSAcc_NewG_errG4"),
    ):
        tables.put(slot, area.histogram(MAIN_FILE, path))
    for geometry, name in enumerate(_GEOMETRIES[:4]):
        tables.put(slots.X0 + geometry, area.histogram(MAIN_FILE, f"Material_rel21/DX0_{name}"))
    for kind, prefix in enumerate(_TYPES):
        for geometry, name in enumerate(_GEOMETRIES):
            path = f"Material_rel21/{prefix}Bias_{name}"
            tables.put(slots.BIAS + kind * len(_GEOMETRIES) + geometry, area.histogram2d(MAIN_FILE, path))


def _read_corrections(area: Area, model: ModelSpec, tables: Collector) -> None:
    """Read leakage, conversions, and the corrections of data."""
    names = ("Electron", "Unconverted", "Converted")
    if model.precision:
        folder = "Leakage/es2023_R22_Run2_v0/LeakageDiff"
        for kind, name in enumerate(names):
            tables.put(slots.LEAKAGE + kind, area.histogram2d(MAIN_FILE, folder + name))
            tables.put(slots.ADC + kind, area.histogram2d(ADC_FILE, f"linearity_{_SHORT[kind]}"))
        folder, *paths = (
            ("Conversions/es2024_Run3_v0/", "unconv_energybias", "conv_energybias")
            if model.run3
            else ("Conversions/es2023_R22_Run2_v0/", "convRecoEfficiency", "convFakeRate")
        )
        for number, path in enumerate(paths):
            tables.put(slots.CONVERSION + number, area.histogram2d(MAIN_FILE, folder + path))
        path = "CaloDistortionPhiUniformityCorrection/es2023_R22_Run2_v0/h2DcorrPhiUnif"
        tables.put(slots.PHI, area.histogram2d(PHI_FILE, path))
    else:
        for kind, name in list(enumerate(names))[1:]:
            tables.put(slots.LEAKAGE + kind, area.histogram(MAIN_FILE, f"Leakage/es2017_summer/LeakageDiff{name}"))
        for number, path in enumerate(("convRecoEfficiency", "convFakeRate")):
            tables.put(slots.CONVERSION + number, area.histogram(MAIN_FILE, f"Conversions/es2017_summer/{path}"))
    path = "Conversions/es2012c/convRadiusMigrations"
    tables.put(slots.CONVERSION_RADIUS, area.histogram2d(MAIN_FILE, path))


def _read_gains(area: Area, model: ModelSpec, tables: Collector) -> None:
    """Read the gains of strips and second layer, and the width of showers."""
    high_gain = f"{'v29' if model.precision else 'v8'}/e1hg_systematics_histos.root"
    for kind, prefix in enumerate(_HIGH_GAIN):
        for number in range(slots.ETA_CLASSES):
            slot = slots.HIGH_GAIN + kind * slots.ETA_CLASSES + number
            tables.put(slot, area.histogram(high_gain, f"{prefix}_{number}"))
    sets = [(slots.MEDIUM, "v14", "")]
    if model.precision:
        sets = [(slots.MEDIUM, "v29", "_medium"), (slots.LOW, "v29", "_low")]
    if model.run3:
        sets += [(slots.MEDIUM_RUN3, "v38", "_medium"), (slots.LOW_RUN3, "v38", "_low")]
    for chosen, version, ending in sets:
        file = f"{version}/gain_uncertainty_specialRun.root"
        tables.put(slots.GAIN_ALPHA + chosen, area.histogram(file, "alpha_specialGainRun"))
        tables.put(slots.GAIN_ZEE + chosen, area.histogram(file, "gain_impact_Zee"))
        for kind, prefix in enumerate(_SHORT):
            for number in range(slots.GAIN_CLASSES):
                slot = slots.GAIN + (chosen * slots.TYPES + kind) * slots.GAIN_CLASSES + number
                tables.put(slot, area.histogram(file, f"gain_Impact_{prefix}_{number}{ending}"))
    tables.put(slots.WSTOT_A, area.histogram(WSTOT_FILE, "A_data"))
    tables.put(slots.WSTOT_B, area.histogram(WSTOT_FILE, "B_mc"))
    for kind, (data, simulated) in enumerate((("el", "el"), ("uc", "ph_uc"), ("c", "ph_c"))):
        for power in range(2):
            path = f"wstot_pT_{data}_data_p{power}"
            tables.put(slots.WSTOT_DATA + 2 * kind + power, area.histogram(WSTOT_FILE, path))
            path = f"wstot_pT_{simulated}_mc_p{power}"
            tables.put(slots.WSTOT_MC + 2 * kind + power, area.histogram(WSTOT_FILE, path))


def _read_fast_simulation(area: Area, model: ModelSpec, tables: Collector) -> None:
    """Read how fast simulation differs from full simulation."""
    folder, ending = model.fast_tables
    against = f"{'Af2' if model.fast == 'AF2' else 'AF3'}ToG4"
    for kind, name in enumerate(_SHORT):
        for slot, what in ((slots.FAST_SCALE, "scale"), (slots.FAST_RESOLUTION, "resol")):
            tables.put(slot + kind, area.histogram2d(MAIN_FILE, f"{folder}{what}_{against}_{name}{ending}"))
    if not model.run3:
        return
    # converted photons take the tables of electrons, as in the tool
    for kind, name in enumerate(("elec", "unconv", "elec")):
        for slot, what in ((slots.FAST_SCALE_GAP, "scale"), (slots.FAST_RESOLUTION_GAP, "resol")):
            path = f"{folder}adhoc_{what}_{against}_{name}{ending}_1p3_1p35"
            tables.put(slot + kind, area.histogram(MAIN_FILE, path))


def _read_resolution(area: Area, resolution_type: str, tables: Collector) -> Axis:
    """Read the resolution of simulation, and what material does to it; return the bins of the former."""
    ending = RESOLUTION_TYPES[resolution_type]
    for kind, name in enumerate(("electron", "recoUnconv", "recoConv", "trueUnconvertedPhoton")):
        for number, term in enumerate(("hsampling", "hnoise", "hconst")):
            found = area.histogram(RESOLUTION_FILE.format(name), f"{term}{ending}")
            tables.put(slots.RESOLUTION + 3 * kind + number, found)
    for kind, prefix in enumerate(_SYST):
        for geometry, material in enumerate(_MATERIALS):
            for number in range(slots.ETA_CLASSES):
                slot = slots.MATERIAL + (kind * len(_MATERIALS) + geometry) * slots.ETA_CLASSES + number
                path = f"syst{prefix}_sigmaG_{material}_etaBin_{number}"
                tables.put(slot, _magnitudes(area.histogram(MATERIAL_FILE, path)))
        services = area.histogram2d(MATERIAL_FILE, f"syst{prefix}_IBLPP0")
        tables.put(slots.MATERIAL_IBL + kind, _magnitudes(services))
    # the tool takes the bins of this one for all
    return area.histogram(RESOLUTION_FILE.format("electron"), "hsamplingG").axis


def _put_rows(tables: Collector, model: ModelSpec, resolution_bins: Axis) -> None:
    """Put side by side what is read at one pseudorapidity."""
    column = tables.column
    tables.put_rows(slots.AT_ETA, _at_eta(tables))
    at_side = [column(slots.ALPHA_PS, errors=True), column(slots.ALPHA_S12, errors=True)]
    at_side += [column(slot) for slot in (slots.ALPHA_PS_B12, slots.ALPHA_PS_COR, slots.ALPHA_S12_COR)]
    tables.put_rows(slots.AT_SIDE, at_side)
    widths = [slots.WSTOT_DATA + k for k in range(2 * slots.TYPES)]
    widths += [slots.WSTOT_MC + k for k in range(2 * slots.TYPES)]
    bins, _ = column(slots.WSTOT_A)  # of all of them, as in the tool
    tables.put_rows(slots.AT_WIDTH, [(bins, column(slot)[1]) for slot in (*widths, slots.WSTOT_A, slots.WSTOT_B)])
    curves = [tables.curve_numbers(slots.ACCORDION + kind) for kind in range(slots.TYPES)]
    tables.put_rows(slots.AT_CALO, [column(slots.MEAN_ET), *curves])
    tables.put_rows(slots.AT_GAIN, [column(slots.GAIN_ALPHA + k) for k in range(2 * slots.SETS)])
    periods = [slots.ZEE + min(k, len(model.period_tables) - 1) for k in range(slots.PERIODS)]
    at_z = [column(slot) for slot in periods] + [column(slot, errors=True) for slot in periods]
    at_z += [column(slots.ZEE_SYST), column(slots.ZEE_NEWEST, errors=True), column(slots.ZEE_OFC)]
    tables.put_rows(slots.AT_Z, at_z)
    tables.put_rows(slots.AT_CONSTANT, [column(slots.CONSTANT), column(slots.CONSTANT_SYST)])
    terms = [slots.RESOLUTION + k for k in range(3 * (slots.TYPES + 1))]
    tables.put_rows(slots.AT_RESOLUTION, [(resolution_bins, column(slot)[1]) for slot in terms])


def _at_eta(tables: Collector) -> list[Column]:
    """Columns of ``slots.AT_ETA``."""
    column = tables.column
    thickness = [column(slots.X0 + geometry) for geometry in range(4)]
    found = [(axis, _inverse(contents)) for axis, contents in thickness]
    found += [column(slots.X0_ID), column(slots.IPPS_UNCORRELATED, errors=True), column(slots.IPPS_LAR)]
    found += [column(slots.IPACC_UNCORRELATED, errors=True)]
    found += [column(slot) for slot in (slots.IPACC_LAR, slots.IPACC_G4, slots.IPACC_GL1)]
    found += [column(slots.PSACC_UNCORRELATED, errors=True), column(slots.PSACC_LAR), column(slots.PSACC_G4)]
    found.append(tables.put_grid(slots.BIAS, 6 * slots.TYPES))
    return found + [tables.curve_numbers(listed) for listed in range(slots.LISTS)]


def _inverse(thickness: Floats) -> Floats:
    """Return 1 / X0, and 0 where there is no material or no bin."""
    inside = thickness.copy()
    inside[[0, -1]] = 0.0
    return np.divide(1.0, inside, out=np.zeros_like(inside), where=inside > 0.0)


def _magnitudes(found: AnyHistogram) -> AnyHistogram:
    """Drop the signs of contents, which the tool interpolates without."""
    return replace(found, contents=np.abs(found.contents))


RESOLUTION_TYPES = {"Gaussian": "G", "SigmaEff80": "80", "SigmaEff90": "90"}
