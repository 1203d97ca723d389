"""Weights of events of simulation: of the generator, of pile-up, and scale factors of the electrons' efficiencies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.corrections import Correction, CorrectionFile, Corrections, Sides
from hepcol.errors import InputError
from hepcol.schemas import Columns
from hepcol.variations import Variation

Floats = npt.NDArray[np.float64]

GENERATOR, PILE_UP = "mcEventWeights", "PileupWeight_NOSYS"
OF_WEIGHTS = (GENERATOR, PILE_UP)
CHANNEL = "mcChannelNumber"
SHIPPED = "zee-atlas"
_SHIPPED_FILE = Path(__file__).with_name("electron_scale_factors.json")
_OF_CHANNEL = 999001  # what the shipped ones are made for: the generated sample of that name

# The efficiencies, as the corrections of the file are called, and the official names of their uncertainties: the
# simplified scheme with one parameter each, of AsgElectronEfficiencyCorrectionTool
EFFICIENCIES = {
    "electron_reconstruction": "EL_EFF_Reco_TOTAL_1NPCOR_PLUS_UNCOR",
    "electron_identification": "EL_EFF_ID_TOTAL_1NPCOR_PLUS_UNCOR",
    "electron_isolation": "EL_EFF_Iso_TOTAL_1NPCOR_PLUS_UNCOR",
}
_COLUMNS = "abs_eta", "pt"


def event_weights(events: ak.Array) -> tuple[Floats | None, dict[str, int]]:
    """Weights of the events of simulation, and how many lack a part of it.

    Returns
    -------
    weights, tallies
        None, if files have neither.

    Raises
    ------
    InputError
        If an event has no weight of the generator where others have one.
    """
    info = events.EventInfo
    tallies = {f"events without {name}": 0 if name in info.fields else len(events) for name in OF_WEIGHTS}
    factors: list[Floats] = []
    if GENERATOR in info.fields:
        nominal = ak.firsts(info[GENERATOR])  # the first is the nominal one
        if ak.any(ak.is_none(nominal)):
            raise InputError(f"{int(ak.sum(ak.is_none(nominal)))} of {len(events)} events have no {GENERATOR}")
        factors.append(np.asarray(ak.to_numpy(nominal), dtype=np.float64))
    if PILE_UP in info.fields:
        factors.append(np.asarray(ak.to_numpy(info[PILE_UP]), dtype=np.float64))
    if not factors:
        return None, tallies
    weights = factors[0]
    for factor in factors[1:]:
        weights = weights * factor
    return weights, tallies


@dataclass(frozen=True)
class ScaleFactors:
    """Efficiencies of data over those of simulation, from a file of correctionlib.

    Parameters
    ----------
    corrections : Corrections
        The corrections, of pairs of electrons.
    name : str
        What the user called the file.
    """

    corrections: Corrections
    name: str

    @classmethod
    def read(cls, name: str) -> "ScaleFactors":
        """Read a file; ``zee-atlas`` is the one that is shipped, for the generated sample.

        Raises
        ------
        InputError
            If it cannot be read, or lacks a correction or an input.
        """
        file = CorrectionFile.read(_SHIPPED_FILE if name == SHIPPED else name, f"scale_factors {name}")
        inputs = dict(zip(_COLUMNS, _COLUMNS, strict=True))
        return cls(
            Corrections(
                tuple(
                    Correction(file, efficiency, inputs, systematic="systematic", variations={official: Sides()})
                    for efficiency, official in EFFICIENCIES.items()
                )
            ),
            name,
        )

    @property
    def columns(self) -> Columns:
        """Columns that are needed to know whether they are made for events."""
        return (f"EventInfo.{CHANNEL}",) if self.name == SHIPPED else ()

    def check_events(self, events: ak.Array) -> None:
        """Refuse events that the shipped scale factors are not made for."""
        if self.name == SHIPPED:
            self.check_channels(np.asarray(ak.to_numpy(events.EventInfo[CHANNEL])))

    def check_channels(self, channels: npt.NDArray[Any]) -> None:
        """Refuse channels that the shipped scale factors are not made for."""
        if self.name != SHIPPED:
            return
        others = np.unique(channels[channels != _OF_CHANNEL])
        if len(others):
            raise InputError(
                f"scale_factors {SHIPPED} are made up for the generated sample ({CHANNEL} {_OF_CHANNEL}), "
                f"there are events of {others[0]}"
            )

    @property
    def variations(self) -> tuple[Variation, ...]:
        """Up and down of each."""
        return self.corrections.variations

    def evaluate(self, abs_eta: Floats, pt: Floats) -> tuple[Floats, Floats]:
        """Evaluate the scale factors of pairs.

        Parameters
        ----------
        abs_eta, pt : float64[n, 2]
            Of the electrons of each pair; pt in GeV.

        Returns
        -------
        nominal, varied : float64[n], float64[variations, n]
            Products of both electrons and all efficiencies.

        Raises
        ------
        InputError
            If an electron is outside the bins.
        """
        found = self.corrections.evaluate(dict(zip(_COLUMNS, (abs_eta, pt), strict=True)))
        return found.nominal, found.varied
