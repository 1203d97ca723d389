"""Weights of events of simulation: of the generator, of pile-up, and scale factors of the electrons' efficiencies."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from hepcol.errors import InputError
from hepcol.schemas import Columns
from hepcol.variations import Direction, Kind, Variation

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
_INPUTS = ("systematic", "abs_eta", "pt")
_NOMINAL, _SHIFTS = "nominal", {Direction.UP: "up", Direction.DOWN: "down"}


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
    content : str
        The file, which workers need not have.
    name : str
        What the user called it.
    """

    content: str
    name: str

    @classmethod
    def read(cls, name: str) -> "ScaleFactors":
        """Read a file; ``zee-atlas`` is the one that is shipped, for the generated sample.

        Raises
        ------
        InputError
            If it cannot be read, or lacks a correction or an input.
        """
        path = _SHIPPED_FILE if name == SHIPPED else Path(name)
        try:
            content = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"scale_factors {name}: cannot be read: {getattr(error, 'strerror', error)}") from error
        found = cls(content, name)
        found.check()
        return found

    def check(self) -> None:
        """Refuse a file without the corrections that are needed."""
        corrections = dict(self._set)
        for name in EFFICIENCIES:
            if name not in corrections:
                listed = ", ".join(corrections) or "none"
                raise InputError(f"scale_factors {self.name}: no correction '{name}'; there are: {listed}")
            inputs = tuple(one.name for one in corrections[name].inputs)
            if inputs != _INPUTS:
                raise InputError(
                    f"scale_factors {self.name}: correction '{name}' takes {', '.join(inputs)}; "
                    f"expected {', '.join(_INPUTS)}"
                )
        self.evaluate(np.full((1, 2), 0.1), np.full((1, 2), 45.0))  # to refuse one without up and down

    @cached_property
    def _set(self) -> Any:
        import correctionlib

        try:
            return correctionlib.CorrectionSet.from_string(self.content)
        except (RuntimeError, IndexError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"scale_factors {self.name}: not a file of correctionlib: {reason}") from error

    def __getstate__(self) -> Mapping[str, str]:
        """Leave out what does not travel."""
        return {"content": self.content, "name": self.name}

    def __setstate__(self, state: Mapping[str, str]) -> None:
        self.__dict__.update(state)

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
        return tuple(
            Variation(f"{name}__1{direction.value}", Kind.WEIGHT, direction)
            for name in EFFICIENCIES.values()
            for direction in _SHIFTS
        )

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
        try:
            factors = {
                (name, shift): np.asarray(correction.evaluate(shift, abs_eta, pt)).prod(axis=1)
                for name, correction in ((name, self._set[name]) for name in EFFICIENCIES)
                for shift in (_NOMINAL, *_SHIFTS.values())
            }
        except (RuntimeError, IndexError) as error:
            raise InputError(f"scale_factors {self.name}: {' '.join(str(error).split())}") from error

        def product(varied: str = "", shift: str = _NOMINAL) -> Floats:
            total = np.ones(len(pt))
            for name in EFFICIENCIES:
                total = total * factors[name, shift if name == varied else _NOMINAL]
            return total

        varied = [product(name, shift) for name in EFFICIENCIES for shift in _SHIFTS.values()]
        return product(), np.stack(varied)
