"""Calibration areas with other tables from Z -> ee: what a calibration from the peak gives, to be read back."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import hist
import numpy as np
import numpy.typing as npt
import uproot

from calib.egamma.area import FOLDER, MAIN_FILE, Area
from calib.egamma.models import model_of
from calib.egamma.tables import RESOLUTION_TYPES, read_tables
from hepcol.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ZeeTables:
    """Energy scales and constant terms by the eta of clusters in the frame of the calorimeter.

    Parameters
    ----------
    edges : sequence of float
        Edges of the bins.
    alpha, alpha_error : float64[bins]
        E(data) = (1 + alpha) E(simulation), and its statistical error.
    constant, constant_error : float64[bins]
        Constant term of the resolution of data beside that of simulation, and its error.
    """

    edges: Sequence[float]
    alpha: Floats
    alpha_error: Floats
    constant: Floats
    constant_error: Floats

    def __post_init__(self) -> None:
        bins = len(self.edges) - 1
        for name in ("alpha", "alpha_error", "constant", "constant_error"):
            column = getattr(self, name)
            if len(column) != bins or not np.isfinite(column).all():
                raise InputError(f"{name}: expected {bins} finite numbers, one for each bin of eta, got {column}")


def write_area(area: str | Path, target: str | Path, model: str, tables: ZeeTables) -> Path:
    """Write a calibration area that differs from another by the tables from Z -> ee of a model.

    They take the place of ``Scales/<model>/alphaZee_errStat_period_*``, in all periods, and of
    ``Resolution/<model>/ctZee_errStat``. Systematic uncertainties stay what they were.

    Parameters
    ----------
    area : str or Path
        The area to begin with; what the model needs is copied.
    target : str or Path
        Folder to write; it must not be there, and appears when it is complete.
    model : str
        The calibration.
    tables : ZeeTables
        What to write.

    Returns
    -------
    Path
        The new area.

    Raises
    ------
    InputError
        If there is no such area or model, or the target is there or cannot be written.
    """
    target, spec = Path(target), model_of(model)
    if target.exists():
        raise InputError(f"calibration area {target} is there: choose another name")
    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        with Area(area, model) as opened:
            for resolution_type in RESOLUTION_TYPES:
                read_tables(opened, spec, resolution_type)
            for file in opened.files:
                copy = partial / FOLDER / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(opened.path / file, copy)
        with uproot.update(partial / FOLDER / MAIN_FILE) as file:
            for period in spec.period_tables:
                file[f"Scales/{spec.folder}/alphaZee_errStat_period_{period}"] = _histogram(
                    tables.edges, tables.alpha, tables.alpha_error
                )
            file[f"Resolution/{spec.folder}/ctZee_errStat"] = _histogram(
                tables.edges, tables.constant, tables.constant_error
            )
        partial.rename(target)
    except OSError as error:
        raise InputError(f"calibration area {target} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _histogram(edges: Sequence[float], values: Floats, errors: Floats) -> hist.Hist:
    """Hold values and errors; a ``TH1D`` on disk."""
    histogram = hist.Hist(hist.axis.Variable(list(edges)), storage=hist.storage.Weight())
    histogram.view()["value"], histogram.view()["variance"] = values, errors**2
    return histogram
