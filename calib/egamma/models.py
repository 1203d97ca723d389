"""Calibration models: what distinguishes them, and where each finds its tables.

From ``egammaEnergyCorrectionTool::initialize`` of Athena (``ElectronPhotonFourMomentumCorrection``, area v38).
"""

from dataclasses import dataclass, field

import numpy as np

from calib.egamma.kernels.slots import Model
from hepcol.errors import InputError


@dataclass(frozen=True)
class ModelSpec:
    """A calibration model.

    Parameters
    ----------
    name : str
        Its name in ATLAS, the tool's ``ESModel``.
    folder : str
        Folder of its nominal scales and resolutions, which another model may share.
    period_tables : tuple of str
        Endings of the tables of the scale, one for each period; the last one holds for all other runs.
    periods : tuple of (int, int)
        First and last run of the periods but the last.
    pile_up : float
        Mean number of interactions in a crossing.
    precision, run3, interpolates_fast, forward, ofc : bool
        See :class:`calib.egamma.kernels.slots.Model`.
    fast : str
        Generation of the fast simulation, as systematics are named by it.
    fast_tables : tuple of (str, str)
        Beginning and end of the names of its tables.
    syst_folder : str
        Folder of the systematic uncertainties from Z -> ee.
    layers : dict of str to str
        Tables of the scales of presampler and first layers.
    """

    name: str
    folder: str
    period_tables: tuple[str, ...]
    periods: tuple[tuple[int, int], ...]
    pile_up: float
    precision: bool
    run3: bool = False
    interpolates_fast: bool = True
    forward: bool = True
    ofc: bool = False
    fast: str = "AF3"
    fast_tables: tuple[str, str] = ("FastSim/es2023_R22_Run2_v1/", "_rel22")
    syst_folder: str = "es2018_R21_v1"
    layers: dict[str, str] = field(default_factory=dict)

    @property
    def record(self) -> Model:
        """What the kernels know of it."""
        return Model(
            np.array(self.periods, dtype=np.int64).reshape(-1, 2),
            self.pile_up,
            self.precision,
            self.run3,
            self.interpolates_fast,
            self.forward,
            self.ofc,
        )


_RUN2_PERIODS = ((0, 296_999), (297_000, 322_816), (324_320, 341_649))
_RUN2_TABLES = ("2015", "2016", "2017", "2018")

MODELS = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="es2018_R21_v1",
            folder="es2018_R21_v1",
            period_tables=_RUN2_TABLES,
            periods=_RUN2_PERIODS,
            pile_up=32.0,
            precision=False,
            interpolates_fast=False,
            fast="AF2",
            fast_tables=("FastSim/es2017_v1/", "_rel21"),
            layers={"PS": "Scales/es2017_summer_final/alphaPS_uncor", "S12": "Scales/es2018_R21_v1/alphaS12_uncor"},
        ),
        ModelSpec(
            name="es2022_R22_PRE",
            folder="es2022_R22_PRE",
            period_tables=("2018",),
            periods=(),
            pile_up=32.0,
            precision=False,
            ofc=True,
            syst_folder="es2022_R22_PRE",
            layers={
                "PS": "Scales/es2017_summer_final/alphaPS_uncor",
                "S12": "Scales/es2017_summer_final/alphaS12_uncor",
            },
        ),
        ModelSpec(
            name="es2023_R22_Run2_v0",
            folder="es2023_R22_Run2_v0",
            period_tables=_RUN2_TABLES,
            periods=_RUN2_PERIODS,
            pile_up=34.0,
            precision=True,
            layers={
                "PS": "Scales/es2023_R22_Run2_v0/alphaPS_uncor",
                "S12": "Scales/es2023_R22_Run2_v0/alphaS12_uncor",
            },
        ),
        ModelSpec(
            name="es2023_R22_Run2_v1",
            folder="es2023_R22_Run2_v1",
            period_tables=_RUN2_TABLES,
            periods=_RUN2_PERIODS,
            pile_up=34.0,
            precision=True,
            layers={
                "PS": "Scales/es2023_R22_Run2_v0/alphaPS_uncor",
                "S12": "Scales/es2023_R22_Run2_v1/hE1E2_emu_run2_rel21_v0_fix",
            },
        ),
        ModelSpec(
            name="es2024_Run3_v0",
            folder="es2024_Run3_v0",
            period_tables=("2022", "2023", "2024"),
            periods=((415_278, 440_613), (446_800, 462_502)),
            pile_up=54.0,
            precision=True,
            run3=True,
            forward=False,
            fast_tables=("FastSim/es2024_Run3_v0/", "_mc23"),
            layers={
                "PS": "Scales/es2023_R22_Run2_v0/alphaPS_uncor",
                "S12": "Scales/es2023_R22_Run2_v1/hE1E2_emu_run2_rel21_v0_fix",
            },
        ),
    )
}


def model_of(name: str) -> ModelSpec:
    """Return a model by its name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in MODELS:
        raise InputError(f"model '{name}' is not ported; there are: {', '.join(MODELS)}")
    return MODELS[name]
