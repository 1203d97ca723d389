"""Which files are simulation and which are data: they are datasets of their own."""

from dataclasses import replace
from typing import Any

import uproot

from hepcol.errors import InputError
from hepcol.events import open_file
from hepcol.fileset import WARNING, Dataset, Fileset, InputFile
from hepcol.formats import identify

SIMULATION, DATA = "simulation", "data"
FORM = "form"
MARK = "mark"  # what plots say of themselves
_FORMAT = "PHYSLITE"
_BITMASK = "EventInfoAuxDyn.eventTypeBitmask"


def arrange(fileset: Fileset, warning: str, mark: str) -> Fileset:
    """Tell simulation from data, and make two datasets of one that has both.

    Parameters
    ----------
    fileset : Fileset
        Files. Datasets whose metadata tell their ``form``, simulation or data, are not looked into.
    warning, mark : str
        What the user, and whoever sees a plot, should know of all; empty for nothing.

    Raises
    ------
    InputError
        If metadata tell something else, or a file is not of PHYSLITE.
    """
    told = {WARNING: warning, MARK: mark} if warning else {}
    made: Fileset = {}
    for name, dataset in fileset.items():
        form = dataset.metadata.get(FORM)
        if form is not None:
            if form not in (SIMULATION, DATA):
                raise InputError(f"dataset '{name}': metadata '{FORM}' must be {SIMULATION} or {DATA}, got {form!r}")
            made[name] = replace(dataset, metadata={**dataset.metadata, **told})
            continue
        forms = {file: _form_of(file) for file in dataset.files}
        found = [one for one in (SIMULATION, DATA) if one in forms.values()] or [DATA]
        for one in found:
            # files that cannot be read go with the first, and are reported where they are opened
            own = tuple(file for file, of in forms.items() if of == one or (of is None and one == found[0]))
            key = name if len(found) == 1 else f"{name}-{one}"
            if key in made:
                raise InputError(f"dataset '{key}' is there twice: rename one")
            made[key] = Dataset(own, {**dataset.metadata, FORM: one, **told})
    return made


def _form_of(file: InputFile) -> str | None:
    """Look at the first event of a file; None if it cannot be read, or has none."""
    try:
        directory = open_file(file.path)
    except Exception:  # noqa: BLE001  (whatever it is is told where the file is opened to be processed)
        return None
    with directory:
        layout = identify(directory, file.tree)
        if layout.format.name != _FORMAT:
            raise InputError(f"{file.path}: is {layout.format.name}; zee_atlas takes {_FORMAT}")
        tree: Any = directory[layout.tree]
        try:
            first = tree[_BITMASK].array(library="np", entry_stop=1)
        except uproot.KeyInFileError:
            raise InputError(f"{file.path}: has no {_BITMASK}, which tells simulation from data") from None
        except Exception:  # noqa: BLE001  (likewise)
            return None
    return None if len(first) == 0 else SIMULATION if int(first[0]) & 1 else DATA
