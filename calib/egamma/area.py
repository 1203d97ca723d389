"""A calibration area: the ROOT files that the calibration is read from."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uproot

from calib.egamma.curves import Curve, curve_of
from calib.egamma.empty_maps import accept_formulas_without_parameters
from calib.egamma.histograms import Axis, Histogram, Histogram2D, axis_of, histogram2d_of, histogram_of
from hepcol.errors import InputError

FOLDER = "ElectronPhotonFourMomentumCorrection"
MAIN_FILE = "v38/egammaEnergyCorrectionData.root"
VARIABLE, OPTION = "HEPCOL_CALIB_AREA", "--calib-area"

Read = TypeVar("Read")


class Area:
    """ROOT objects of a calibration area, read when asked for; each file is opened once.

    Parameters
    ----------
    path : str or Path
        The folder ``ElectronPhotonFourMomentumCorrection`` with ``v38`` and its like inside, or the folder around it.
    model : str, optional
        What the objects are read for; error messages name it.

    Raises
    ------
    InputError
        If there is no calibration area.
    """

    def __init__(self, path: str | Path, model: str = "") -> None:
        given = Path(path).expanduser()
        for folder in (given, given / FOLDER):
            if (folder / MAIN_FILE).is_file():
                self.path = folder
                break
        else:
            raise InputError(
                f"{given}: no calibration area: neither {MAIN_FILE} nor {FOLDER}/{MAIN_FILE} is there; "
                f"{VARIABLE} or {OPTION} names the folder {FOLDER} or the one around it"
            )
        self.model = model
        self._files: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; one that is asked for again is opened again."""
        while self._files:
            self._files.popitem()[1].close()

    @property
    def files(self) -> tuple[str, ...]:
        """The files that were read, by their names in the area."""
        return tuple(self._files)

    def histogram(self, file: str, path: str) -> Histogram:
        """Read a ``TH1`` or ``TProfile``.

        Parameters
        ----------
        file : str
            Its file, as in ``v8/wstot_related_syst.root``.
        path : str
            Its folder and name in the file.

        Returns
        -------
        Histogram
            In the units of the file.

        Raises
        ------
        InputError
            If there is no such object, or it cannot be read.
        """
        return self._read(file, path, ("TH1C", "TH1S", "TH1I", "TH1L", "TH1F", "TH1D", "TProfile"), histogram_of)

    def histogram2d(self, file: str, path: str) -> Histogram2D:
        """Read a ``TH2`` or ``TProfile2D``; parameters and errors are those of :meth:`histogram`."""
        return self._read(file, path, ("TH2C", "TH2S", "TH2I", "TH2L", "TH2F", "TH2D", "TProfile2D"), histogram2d_of)

    def axis(self, file: str, path: str) -> Axis:
        """Read a ``TAxis``; parameters and errors are those of :meth:`histogram`."""
        return self._read(file, path, ("TAxis",), axis_of)

    def curves(self, file: str, path: str) -> tuple[Curve, ...]:
        """Read a ``TList`` of ``TGraph`` and ``TF1``; parameters and errors are those of :meth:`histogram`."""
        return self._read(file, path, ("TList", "TObjArray"), _curves_of)

    def _read(self, file: str, path: str, classes: tuple[str, ...], take: Callable[[Any], Read]) -> Read:
        place = f"{self.path / file}: {path}"
        needed = f", which {self.model} needs" if self.model else ""
        opened = self._open(file, needed)
        try:
            if take is _curves_of:
                accept_formulas_without_parameters(opened.file)
            stored = opened[path]
            name = getattr(stored, "classname", type(stored).__name__)
            if name not in classes:
                raise InputError(f"a {name}, where {_either(classes)} is expected")
            return take(stored)
        except uproot.KeyInFileError:
            raise InputError(f"{self.path / file}: no object {path}{needed}") from None
        except InputError as error:
            raise InputError(f"{place}{needed}: {error}") from None
        except Exception as error:  # damaged bytes fail anywhere in uproot, with any error
            raise InputError(f"{place}{needed}: damaged, or not readable: {_line(error)}") from error

    def _open(self, file: str, needed: str) -> Any:
        if file not in self._files:
            try:
                # a cache of its own, for the folders: the common one goes by UUID and outlives a file that is replaced
                self._files[file] = uproot.open(
                    self.path / file, handler=uproot.MemmapSource, object_cache={}, array_cache=None
                )
            except FileNotFoundError:
                raise InputError(f"{self.path / file}: no such file{needed}") from None
            except Exception as error:  # damaged bytes fail anywhere in uproot, with any error
                raise InputError(f"{self.path / file}: truncated, or not a ROOT file{needed}") from error
        return self._files[file]


def _curves_of(stored: Any) -> tuple[Curve, ...]:
    return tuple(_numbered(number, entry) for number, entry in enumerate(stored))


def _numbered(number: int, entry: Any) -> Curve:
    try:
        return curve_of(entry)
    except InputError as error:
        raise InputError(f"entry {number}: {error}") from None


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _line(error: Exception) -> str:
    """First line of an error: uproot adds what it was reading."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
