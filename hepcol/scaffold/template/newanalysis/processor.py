"""The processor: events of a chunk in, counts and histograms out."""

from dataclasses import dataclass

import awkward as ak
import numpy as np
from coffea.processor import ProcessorABC
from hepcol import DatasetResult, Result
from hepcol.sums import ExactSum
from hepcol.variations import NOMINAL

from newanalysis.electrons import COLUMNS, select_electrons
from newanalysis.histograms import cutflow, fill
from newanalysis.observables import observe


@dataclass(frozen=True)
class NewAnalysisProcessor(ProcessorABC):
    """Electron pairs around the Z.

    Parameters
    ----------
    scale_error : float
        Relative uncertainty of the energy scale of electrons.
    """

    scale_error: float = 0.005
    required_columns = COLUMNS

    def __post_init__(self) -> None:
        """Refuse options that mean nothing."""
        if not 0 <= self.scale_error < 1:
            raise ValueError(f"scale_error must be from 0 to 1, got {self.scale_error}")

    @property
    def scales(self) -> dict[str, float]:
        """Factor on the electron energies, by variation."""
        change = {"ELECTRON_SCALE__1up": self.scale_error, "ELECTRON_SCALE__1down": -self.scale_error}
        return {NOMINAL: 1.0} | {name: 1 + error for name, error in change.items()}

    def process(self, events: ak.Array) -> Result:
        """Analyse one chunk; the sum over chunks is the result of all events."""
        electrons = select_electrons(events)
        weights = np.ones(len(events))  # every event of this sample counts one
        observed = {name: observe(electrons, scale) for name, scale in self.scales.items()}
        result = DatasetResult(
            events=len(events),
            sum_weights=ExactSum.of(weights),
            cutflow=cutflow(observed[NOMINAL]),
            histograms=fill(observed, weights),
        )
        return Result({events.metadata["dataset"]: result})
