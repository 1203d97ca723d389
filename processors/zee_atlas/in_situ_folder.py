"""The calibration from the Z peak of a run: from its output folder, and back into it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hist
import numpy as np

from calib.egamma.zee_tables import ZeeTables, write_area
from hepcol import store
from hepcol.errors import InputError
from hepcol.options import rebuild_processor
from processors.zee_atlas.in_situ import InSitu, fit, parameter_names
from processors.zee_atlas.regions import ETA_EDGES, PAIRS, REGIONS, title
from processors.zee_atlas.templates import DATA, TEMPLATES
from processors.zee_atlas.truth import Injected, read_injected

RESULT, PLOT, TABLE = "in_situ.json", "in_situ.png", "in_situ.md"
_WHAT = "in_situ"


@dataclass(frozen=True, eq=False)
class FolderInSitu:
    """A calibration from the peak, of a folder.

    Parameters
    ----------
    folder : Path
        Output folder of the run.
    data, simulation : str
        Names of the datasets.
    found : InSitu
        Scales and constant terms.
    injected : Injected, optional
        What was put into generated data.
    summary : mapping
        Summary of the run.
    area : Path, optional
        Calibration area that was written.
    """

    folder: Path
    data: str
    simulation: str
    found: InSitu
    injected: Injected | None
    summary: Mapping[str, Any]
    area: Path | None = None

    @property
    def closure(self) -> tuple[float, int] | None:
        """Chi2 of all parameters against what was put in, with their correlations, and their number."""
        if self.injected is None:
            return None
        distance = np.concatenate(
            [self.found.alpha - self.injected.alpha, self.found.variance - self.injected.constant**2]
        )
        return float(distance @ np.linalg.solve(self.found.covariance, distance)), len(distance)

    @property
    def pulls(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
        """Distances from what was put in, in errors: of scales, and of squares of constant terms."""
        if self.injected is None:
            return None
        return (
            (self.found.alpha - self.injected.alpha) / self.found.alpha_error,
            (self.found.variance - self.injected.constant**2) / self.found.variance_error,
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything that is known."""
        found = self.found
        told: dict[str, Any] = {
            "data": self.data,
            "simulation": self.simulation,
            "complete": self.summary["complete"],
            "mark": self.summary.get("mark", ""),
            "definition": "E(data) = (1 + alpha) E(simulation); c is the constant term of data beside simulation",
            "regions": [title(region) for region in range(len(REGIONS))],
            "eta_edges": list(ETA_EDGES),
            **{
                name: getattr(found, name).tolist()
                for name in ("alpha", "alpha_error", "variance", "variance_error", "constant", "constant_error")
            },
            "parameters": parameter_names(),
            "covariance": found.covariance.tolist(),
            "chi2": found.chi2,
            "ndof": found.ndof,
            "pairs": [
                {"regions": list(pair), "entries": int(entries), "chi2": None if np.isnan(chi2) else float(chi2)}
                for pair, entries, chi2 in zip(PAIRS, found.entries, found.pair_chi2, strict=True)
            ],
            "valid": found.valid,
            "at_bound": list(found.at_bound),
            "area": None if self.area is None else str(self.area),
        }
        if self.injected is not None and self.closure is not None:
            chi2, number = self.closure
            told["injected"] = {
                "alpha": self.injected.alpha.tolist(),
                "constant": self.injected.constant.tolist(),
                "chi2": chi2,
                "parameters": number,
            }
        return told


def calibrate_folder(folder: str | Path, area: str | Path | None = None) -> FolderInSitu:
    """Calibrate with the peak of a run, and write what was found beside it.

    Parameters
    ----------
    folder : str or Path
        Output folder of a run of ``zee_atlas`` with ``in_situ=true``, of data and simulation.
    area : str or Path, optional
        Calibration area to write: that of the run, with the tables that were found.

    Raises
    ------
    InputError
        If the folder does not hold one of each, the fit did not converge, or something cannot be written.
    """
    path = Path(folder)
    if area is not None and Path(area).exists():
        raise InputError(f"calibration area {area} is there: choose another name")
    histograms, summary = store.read(path)
    data, simulation = (_only(histograms, name, path) for name in (DATA, TEMPLATES))
    provenance = store.read_provenance(path)
    found = fit(histograms[data], histograms[simulation])
    files = [file["path"] for file in provenance["files"] if file["dataset"] == data[0]]
    done = FolderInSitu(path, data[0], simulation[0], found, read_injected(files), summary)
    with store.adding(path, _WHAT, (RESULT, PLOT, TABLE)):
        if area is not None:
            done = replace(done, area=_write_area(done, provenance, area))
        store.replace_text(path / RESULT, json.dumps(done.to_json(), indent=1) + "\n")
        from processors.zee_atlas.in_situ_plot import plot
        from processors.zee_atlas.in_situ_table import markdown

        plot(done, path / PLOT)
        store.replace_text(path / TABLE, markdown(done))
    return done


def _only(histograms: Mapping[tuple[str, ...], hist.Hist], name: str, folder: Path) -> tuple[str, ...]:
    """Find the one histogram of a name."""
    keys = [key for key in histograms if key[-1] == name]
    if len(keys) != 1:
        form = "data" if name == DATA else "simulation"
        raise InputError(
            f"{folder}: {len(keys)} datasets of {form} with what the calibration from the peak needs; expected one of "
            "data and one of simulation: hepcol run zee_atlas FILES -p in_situ=true"
        )
    return keys[0]


def _write_area(done: FolderInSitu, provenance: Mapping[str, Any], area: str | Path) -> Path:
    """Write a calibration area with the tables that were found; the crack has none."""
    if not done.found.valid:
        raise InputError(f"{done.folder}: the fit is not to be used, so that no calibration area is written")
    processor = rebuild_processor(provenance["processor"], provenance["options"])
    if processor.tables != provenance["options"]["tables"]:
        raise InputError(f"calibration area {processor.area}: its tables have changed since the run in {done.folder}")

    def spread(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        all_of_them = np.zeros(len(ETA_EDGES) - 1)
        all_of_them[list(REGIONS)] = values
        return all_of_them

    found = done.found
    columns = (spread(one) for one in (found.alpha, found.alpha_error, found.constant, found.constant_error))
    return write_area(processor.tool.folder, area, processor.model, ZeeTables(ETA_EDGES, *columns))
