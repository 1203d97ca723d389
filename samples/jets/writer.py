"""The C++ writer of PFNano files."""

from pathlib import Path

import numpy as np

from samples.draws import Floats
from samples.jets.events import Events
from samples.jets.layout import RUN, TITLE, TREE, branches, to_rows
from samples.treewriter import Macro, TreeWriter

# uproot takes 0.2 ms of Python for a basket
_BASKET_SIZE = 256_000
_MACRO = Macro(Path(__file__).parent, (), "hepcol_jets")


class Writer:
    """A tree of events that is being written.

    Parameters
    ----------
    url : str
        ROOT's name of the file, options included.
    """

    def __init__(self, url: str) -> None:
        self._tree = TreeWriter(_MACRO, url, TREE, TITLE, {name: kind for name, kind, _ in branches()}, _BASKET_SIZE)
        for name, _, title in branches():
            self._tree.call("describe", TREE, name, title)

    def write(self, events: Events) -> None:
        """Append events."""
        self._tree.write(to_rows(events), len(events))

    def close(self, weights: Floats, notes: dict[str, str]) -> None:
        """Write the sums of the weights of all generated events, and the notes, and close the file."""
        self._tree.call("write_runs", RUN, len(weights), float(np.sum(weights)), float(np.sum(weights**2)))
        self._tree.close(notes)
