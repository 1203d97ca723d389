"""The C++ writer of PHYSLITE files."""

from pathlib import Path

from samples.treewriter import Macro, TreeWriter
from samples.zee_atlas.conditions import Conditions
from samples.zee_atlas.detector import Integers, Seen
from samples.zee_atlas.layout import TITLE, TREE, branches, to_rows

_MACRO = Macro(Path(__file__).parent, ("physlite.h",), "hepcol_zee_atlas")


class Writer:
    """A tree of events that is being written.

    Parameters
    ----------
    url : str
        ROOT's name of the file, options included.
    form : str
        Simulation or data.
    """

    def __init__(self, url: str, form: str) -> None:
        self._form = form
        self._tree = TreeWriter(_MACRO, url, TREE, TITLE, branches(form))

    def write(self, number: Integers, conditions: Conditions, electrons: Seen, photons: Seen) -> None:
        """Append events."""
        self._tree.write(to_rows(number, conditions, electrons, photons, self._form), len(number))

    def close(self, notes: dict[str, str]) -> None:
        """Write the notes, and close the file."""
        self._tree.close(notes)
