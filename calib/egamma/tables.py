"""The tables of a model, read once from a calibration area into the flat arrays of the kernels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from calib.egamma.area import MAIN_FILE, Area
from calib.egamma.curves import Curve
from calib.egamma.histograms import Axis, Histogram, Histogram2D
from calib.egamma.kernels import slots
from calib.egamma.kernels.lookup import Tables
from calib.egamma.models import ModelSpec
from calib.egamma.program import join

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
_CELLS_PER_BIN = 8  # of guides: with 4 a look-up takes 10 % longer, with 32 tables leave the first-level cache


def read_tables(area: Path | str, model: ModelSpec, resolution_type: str) -> Tables:
    """Read what a model needs.

    Parameters
    ----------
    area : Path or str
        The calibration area, see :class:`calib.egamma.area.Area`.
    model : ModelSpec
        The model.
    resolution_type : str
        ``"Gaussian"``, ``"SigmaEff80"`` or ``"SigmaEff90"``.

    Raises
    ------
    InputError
        If an object is missing or damaged; the message names file, path and model.
    """
    tables = _Tables()
    with Area(area, model.name) as opened:
        _read_z(opened, model, tables)
        _read_layers(opened, model, tables)
        _read_material(opened, tables)
        _read_corrections(opened, model, tables)
        _read_gains(opened, model, tables)
        _read_fast_simulation(opened, model, tables)
        _read_resolution(opened, model, resolution_type, tables)
    return tables.packed()


def _read_z(area: Area, model: ModelSpec, tables: "_Tables") -> None:
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


def _read_layers(area: Area, model: ModelSpec, tables: "_Tables") -> None:
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


def _read_scintillators(area: Area, model: ModelSpec, tables: "_Tables") -> None:
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


def _read_material(area: Area, tables: "_Tables") -> None:
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


def _read_corrections(area: Area, model: ModelSpec, tables: "_Tables") -> None:
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


def _read_gains(area: Area, model: ModelSpec, tables: "_Tables") -> None:
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


def _read_fast_simulation(area: Area, model: ModelSpec, tables: "_Tables") -> None:
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


def _read_resolution(area: Area, model: ModelSpec, resolution_type: str, tables: "_Tables") -> None:
    """Read the resolution of simulation, and what material does to it."""
    ending = RESOLUTION_TYPES[resolution_type]
    for kind, name in enumerate(("electron", "recoUnconv", "recoConv", "trueUnconvertedPhoton")):
        for number, term in enumerate(("hsampling", "hnoise", "hconst")):
            found = area.histogram(RESOLUTION_FILE.format(name), f"{term}{ending}")
            tables.put(slots.RESOLUTION + 3 * kind + number, found)
    # the tool takes the bins of this one for all
    reference = area.histogram(RESOLUTION_FILE.format("electron"), "hsamplingG")
    tables.set_axis(slots.RESOLUTION, reference.axis)
    for kind, prefix in enumerate(_SYST):
        for geometry, material in enumerate(_MATERIALS):
            for number in range(slots.ETA_CLASSES):
                slot = slots.MATERIAL + (kind * len(_MATERIALS) + geometry) * slots.ETA_CLASSES + number
                path = f"syst{prefix}_sigmaG_{material}_etaBin_{number}"
                tables.put(slot, _magnitudes(area.histogram(MATERIAL_FILE, path)))
        services = area.histogram2d(MATERIAL_FILE, f"syst{prefix}_IBLPP0")
        tables.put(slots.MATERIAL_IBL + kind, _magnitudes(services))


def _magnitudes(found: AnyHistogram) -> AnyHistogram:
    """Drop the signs of contents, which the tool interpolates without."""
    return replace(found, contents=np.abs(found.contents))


RESOLUTION_TYPES = {"Gaussian": "G", "SigmaEff80": "80", "SigmaEff90": "90"}


@dataclass
class _Tables:
    """Collects tables; axes that are equal are one."""

    numbers: list[np.ndarray] = field(default_factory=list)
    length: int = 0
    axes: list[tuple[int, ...]] = field(default_factory=list)
    guides: list[np.ndarray] = field(default_factory=list)
    cells: int = 0
    known: dict[bytes, int] = field(default_factory=dict)
    tables: np.ndarray = field(default_factory=lambda: np.full((slots.TABLES, 4), -1, dtype=np.int64))
    lists: np.ndarray = field(default_factory=lambda: np.zeros((slots.LISTS, 3), dtype=np.int64))
    curves: list[Curve] = field(default_factory=list)

    def put(self, slot: int, found: Histogram | Histogram2D) -> None:
        """Add a histogram."""
        x, y = (found.x, found.y) if isinstance(found, Histogram2D) else (found.axis, None)
        self.tables[slot] = (
            self._axis(x),
            -1 if y is None else self._axis(y),
            self._add(found.contents),
            self._add(found.errors),
        )

    def set_axis(self, slot: int, axis: Axis) -> None:
        """Let another axis decide on the bins of a table."""
        self.tables[slot, 0] = self._axis(axis)

    def put_list(self, slot: int, axis: Axis, curves: Sequence[Curve]) -> None:
        """Add curves, one for each bin of an axis."""
        self.lists[slot] = (self._axis(axis), len(self.curves), len(curves))
        self.curves += curves

    def packed(self) -> Tables:
        """Return all as arrays."""
        program, starts = join([curve.program for curve in self.curves])
        return Tables(
            np.concatenate(self.numbers),
            np.array(self.axes, dtype=np.int64),
            np.concatenate(self.guides),
            self.tables,
            self.lists,
            program.codes,
            program.values,
            starts,
        )

    def _axis(self, axis: Axis) -> int:
        key = axis.edges.tobytes() + axis.centres.tobytes()
        if key not in self.known:
            self.known[key] = len(self.axes)
            guide, scale = _guide(axis)
            row = (axis.n_bins, self._add(axis.edges), self._add(axis.centres), self.cells, len(guide))
            self.axes.append((*row, self._add([scale])))
            self.guides.append(guide)
            self.cells += len(guide)
        return self.known[key]

    def _add(self, numbers: Iterable[float]) -> int:
        flat = np.asarray(numbers, dtype=np.float64).ravel()
        start = self.length
        self.numbers.append(flat)
        self.length += len(flat)
        return start


def _guide(axis: Axis) -> tuple[np.ndarray, float]:
    """First bin that may hold a number, for each of equal cells, and their number per unit.

    A cell begins a little earlier here than where rounding may put a number into it.
    """
    low, high = axis.edges[0], axis.edges[-1]
    cells = _CELLS_PER_BIN * axis.n_bins
    scale = cells / (high - low)
    begins = low + (np.arange(cells) - 1e-6) / scale
    return np.clip(axis.find(begins), 1, axis.n_bins), float(scale)
