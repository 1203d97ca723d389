"""Which files are simulation and which are data: they are datasets of their own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy.typing as npt
import uproot

from hepcol.errors import InputError
from hepcol.events import open_file
from hepcol.fileset import MARK, WARNING, Dataset, Fileset, InputFile
from hepcol.formats import identify

SIMULATION, DATA = "simulation", "data"
FORM, GENERATED = "form", "generated"
NOTE = "hepcol_sample"  # key of generated samples
_FORMAT = "PHYSLITE"
_BITMASK, _CHANNEL = "EventInfoAuxDyn.eventTypeBitmask", "EventInfoAuxDyn.mcChannelNumber"

Check = Callable[[npt.NDArray[Any]], None]


def arrange(fileset: Fileset, warning: str, mark: str, check: Check = lambda _channels: None) -> Fileset:
    """Tell simulation from data, and make two datasets of one that has both.

    Parameters
    ----------
    fileset : Fileset
        Files. Datasets whose metadata tell their ``form``, simulation or data, are not looked into.
    warning, mark : str
        What the user, and whoever sees a plot, should know of all; empty for nothing.
    check : function of array
        Refuses numbers of channels, of simulation that is looked into.

    Raises
    ------
    InputError
        If metadata tell something else, a file is not of PHYSLITE, or its channel is refused.
    """
    told = {WARNING: warning} if warning else {}
    made: Fileset = {}
    for name, dataset in fileset.items():
        form = dataset.metadata.get(FORM)
        if form is not None:
            if form not in (SIMULATION, DATA):
                raise InputError(f"dataset '{name}': metadata '{FORM}' must be {SIMULATION} or {DATA}, got {form!r}")
            marks = mark if GENERATED not in dataset.metadata else _joined(GENERATED, mark)
            made[name] = replace(dataset, metadata={**dataset.metadata, **told, **({MARK: marks} if marks else {})})
            continue
        looked = {file: _look_into(file, check) for file in dataset.files}
        forms = {file: form for file, (form, _) in looked.items()}
        found = [one for one in (SIMULATION, DATA) if one in forms.values()] or [DATA]
        for one in found:
            # files that cannot be read go with the first, and are reported where they are opened
            own = tuple(file for file, of in forms.items() if of == one or (of is None and one == found[0]))
            key = name if len(found) == 1 else f"{name}-{one}"
            if key in made:
                raise InputError(f"dataset '{key}' is there twice: rename one")
            generated = {GENERATED: True} if any(looked[file][1] for file in own) else {}
            marks = _joined(*generated, mark)
            told_of = {FORM: one, **generated, **told, **({MARK: marks} if marks else {})}
            made[key] = Dataset(own, {**dataset.metadata, **told_of})
    return made


def _joined(*texts: str) -> str:
    return ", ".join(filter(None, texts))


def _look_into(file: InputFile, check: Check) -> tuple[str | None, bool]:
    """Look at the first event of a file, and whether it says that it was generated; None if there is no event."""
    try:
        directory = open_file(file.path)
    except Exception:  # noqa: BLE001  (whatever it is is told where the file is opened to be processed)
        return None, False
    with directory:
        layout = identify(directory, file.tree)
        if layout.format.name != _FORMAT:
            raise InputError(f"{file.path}: is {layout.format.name}; zee_atlas takes {_FORMAT}")
        tree: Any = directory[layout.tree]
        try:
            first = tree[layout.stored_name(_BITMASK)].array(library="np", entry_stop=1)
        except uproot.KeyInFileError:
            raise InputError(f"{file.path}: has no {_BITMASK}, which tells simulation from data") from None
        except Exception:  # noqa: BLE001  (likewise)
            return None, False
        form = None if len(first) == 0 else SIMULATION if int(first[0]) & 1 else DATA
        channel = layout.stored_name(_CHANNEL)
        if form == SIMULATION and channel in tree:
            check(tree[channel].array(library="np", entry_stop=1))
        return form, NOTE in directory
