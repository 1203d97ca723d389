"""The C++ writer of EDM4hep files."""

from pathlib import Path

from samples.treewriter import Macro, Rows, TreeWriter
from samples.zee_fcc.layout import BRANCHES, COLLECTIONS, Block

_MACRO = Macro(Path(__file__).parent, ("edm4hep.h",), "hepcol_zee_fcc")


class Writer:
    """An events tree that is being written.

    Parameters
    ----------
    url : str
        ROOT's name of the file, options included.
    """

    def __init__(self, url: str) -> None:
        self._tree = TreeWriter(_MACRO, url, "events", "Events tree", BRANCHES)

    def write(self, block: Block) -> None:
        """Append the events of a block."""
        tables = {name: Rows(*block[name]) for name in BRANCHES}
        events = {len(table.offsets) - 1 for table in tables.values() if table.offsets is not None}
        self._tree.write(tables, events.pop())

    def close(self, notes: dict[str, str]) -> None:
        """Write the names of the collections and the notes, and close the file."""
        self._tree.call("write_collections", [collection.name for collection in COLLECTIONS])
        self._tree.close(notes)
