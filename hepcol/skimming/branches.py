"""The branches that a skim keeps: what they are called in it, and reading them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from weakref import ref

import awkward as ak
import numpy as np

from hepcol.errors import InputError
from hepcol.events import Stored
from hepcol.origin import COLUMNS as ORIGIN


class FileFormat(StrEnum):
    """Format of the files of a skim."""

    TTREE = "ttree"
    RNTUPLE = "rntuple"
    PARQUET = "parquet"

    @property
    def suffix(self) -> str:
        """Ending of the names of files."""
        return ".parquet" if self is FileFormat.PARQUET else ".root"

    def column(self, name: str) -> str:
        """Name of a column: fields of RNTuples have no dots."""
        return name.replace(".", "_") if self is FileFormat.RNTUPLE else name


@dataclass(frozen=True)
class Branch:
    """A branch that is kept.

    Parameters
    ----------
    path : str
        Where it is in the tree that is read; empty for a column that is made.
    name : str
        What it is called in the skim.
    original : str
        Where it is, or would be, in a file that is no skim.
    counter : str
        Branch with the number of objects, in a TTree; empty for what has one value for each event.
    """

    path: str
    name: str
    original: str
    counter: str = ""


@dataclass(frozen=True)
class Kept:
    """What a skim keeps of the files of a dataset.

    Parameters
    ----------
    branches : tuple of Branch
        Branches that are read.
    left_out : mapping of str to str
        Those that were asked for by a pattern and cannot be written, and why.
    counters : tuple of str
        Branches that the skim alone has: numbers of objects.
    types, links : mapping of str to str
        C++ types of their collections, and podio's.
    format, version : str
        Format of the files that are skimmed, and the version of that.
    members : mapping of str to Branch
        A branch of each collection, whose objects others of it belong to.
    columns : tuple of str
        Columns that are of one of the branches each.
    uuid : str
        The file that was looked at.
    chosen : tuple of str
        Its branches that patterns name, whether they can be written or not.
    event_size : float
        Bytes of an event in these, about; 0 if that is not known.
    forms : mapping of str to dict
        Forms of the columns that are made, by their names, of which events that are not there tell nothing.
    column_types : mapping of str to str
        Types of all columns, by their names in the skim.
    """

    branches: tuple[Branch, ...]
    left_out: Mapping[str, str]
    counters: tuple[str, ...]
    types: Mapping[str, str]
    links: Mapping[str, str]
    format: str
    version: str
    members: Mapping[str, Branch]
    columns: tuple[str, ...]
    uuid: str
    chosen: tuple[str, ...]
    event_size: float
    forms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    column_types: Mapping[str, str] = field(default_factory=dict)


def made_branch(name: str, kept: Kept, is_jagged: bool, to: FileFormat) -> Branch:
    """Say how a column that is made is written: as one of its collection, if there is such a collection."""
    collection, dot, member = name.rpartition(".")
    sibling = kept.members.get(collection) if dot else None
    if sibling is None:
        flat = to.column(name)
        return Branch("", flat, flat, f"n{name}" if is_jagged else "")
    owner, slash, last = sibling.original.rpartition("/")
    prefix = last.partition(".")[0] if "." in last else collection
    joint = "." if "." in last else "_"
    flat = f"{prefix}{joint}{member}"
    return Branch("", to.column(flat), f"{owner}{slash}{flat}", sibling.counter if is_jagged else "")


def check_names(stored: Stored, branches: Iterable[Branch], to: FileFormat) -> None:
    """Refuse branches that would have one name, or that of numbers of objects or of what tells where events are from.

    Raises
    ------
    InputError
        If there are any.
    """
    listed = list(branches)
    path = stored.directory.file.file_path
    names: dict[str, str] = {}
    if to is FileFormat.TTREE:
        names = {branch.counter: "the numbers of objects" for branch in listed if branch.counter}
    names |= dict.fromkeys(ORIGIN, "what tells where events are from")
    for branch in listed:
        other = names.setdefault(branch.name, branch.path or branch.name)
        if other != (branch.path or branch.name):
            raise InputError(
                f"{path}: '{branch.path or branch.name}' and {other} would both be called '{branch.name}': rename or "
                "drop one"
            )


def read(stored: Stored, kept: Kept, rows: np.ndarray[Any, Any]) -> dict[str, ak.Array]:
    """Read the kept branches of some rows of a chunk, by their names in the skim.

    Raises
    ------
    InputError
        If the file has not all of them.
    """
    if len(rows):  # of events before the first and after the last that passes, nothing is read
        first, last = int(rows[0]), int(rows[-1]) + 1
    else:
        first = last = 0
    there, found = _branches(stored.tree), {}
    for branch in kept.branches:
        if branch.path not in there:
            raise InputError(
                f"{stored.directory.file.file_path}: tree '{stored.layout.tree}' has no branch '{branch.path}', "
                "which the first file of the dataset has: --keep what all have, or --drop it"
            )
        array = there[branch.path].array(entry_start=stored.start + first, entry_stop=stored.start + last)
        found[branch.name] = array[rows - first]
    return found


_known: dict[int, tuple[Any, dict[str, Any]]] = {}  # by the identity of trees, which have no hash


def _branches(tree: Any) -> dict[str, Any]:
    """Return the branches of a tree by their paths, which uproot looks for among all of them each time."""
    key = id(tree)
    if key not in _known or _known[key][0]() is not tree:
        paths = {"full_paths": True} if hasattr(tree, "branches") else {}
        _known[key] = (ref(tree, lambda _: _known.pop(key, None)), dict(tree.iteritems(recursive=True, **paths)))
    return _known[key][1]
