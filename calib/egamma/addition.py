"""Calibrated momenta as further columns of events, such as a skim keeps."""

from functools import cached_property
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from calib.egamma.calibrator import NOT_PHYSICS, EgammaCalibration
from hepcol.variations import NOMINAL

COLLECTIONS = ("Electrons", "Photons")
CALIBRATED = "pt_calibrated"


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class CalibratedColumns:
    """Calibrated pt of electrons and photons: a function of events that returns columns by name.

    Parameters
    ----------
    model, decorrelation, simulation, area, smearing, seed, random_run_number
        See :class:`calib.egamma.EgammaCalibration`.
    systematics : str
        ``none``, ``all``, or official names with commas between, such as ``EG_SCALE_ALL__1up``.
    """

    model: str
    decorrelation: str = "1NP_v1"
    simulation: Literal["full", "fast"] | None = None
    area: str | None = None
    smearing: Literal["counter", "atlas"] = "counter"
    seed: int = 1
    random_run_number: int = 0
    systematics: str = "none"

    def __post_init__(self) -> None:
        if self.systematics not in ("none", "all"):
            for name in self.systematics.split(","):
                self.tool.find(name)
        _ = self.tool  # to refuse what does not exist

    @cached_property
    def tool(self) -> EgammaCalibration:
        """The calibration."""
        return EgammaCalibration(
            self.model,
            self.decorrelation,
            simulation=self.simulation,
            area=self.area,
            smearing=self.smearing,
            seed=self.seed,
            random_run_number=self.random_run_number,
        )

    @property
    def warning(self) -> str:
        """What a user should know of the columns; nothing, if nothing."""
        return f"calibrated with {NOT_PHYSICS}" if self.tool.is_synthetic else ""

    def __call__(self, events: Any) -> dict[str, Any]:
        """Calibrate the electrons and photons of events of PHYSLITE.

        Returns
        -------
        dict
            ``Electrons.pt_calibrated`` and, by the name of each variation, ``Electrons.pt_EG_SCALE_ALL__1up``, and
            likewise of photons [MeV].
        """
        names: Any = {"none": (), "all": "all"}.get(self.systematics, self.systematics.split(","))
        columns = {}
        for collection in COLLECTIONS:
            if collection not in events.fields:
                continue
            for variation, pt in self.tool.calibrate_all(events[collection], events, names).items():
                name = CALIBRATED if variation == NOMINAL else f"pt_{variation}"
                columns[f"{collection}.{name}"] = pt
        return columns
