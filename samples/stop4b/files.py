"""Files of both forms: filled by uproot, then copied by ROOT without dates, so that one made again is the same."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import awkward as ak
import numpy as np
import uproot

from samples.collection import Collection, Column
from samples.error import SampleError
from samples.note import NOTE_KEY
from samples.rootfile import load_root, reproducible_url, set_uuid, silenced
from samples.stop4b.columns import Events

OBJECTS_TREE = "events"
_LEVEL = 9
_ROOT_COMPRESSION = 509  # ZSTD, level 9
_FILE_NAME = "stop4b.root"
_COLLECTIONS = {"Electron": "electrons", "Muon": "muons", "Jet": "jets"}
_INTERNAL = ("branching", "number")


@contextmanager
def create(path: Path, uuid: UUID) -> Iterator[Any]:
    """Open a new ROOT file of a given identity; it is there when the block ends.

    What uproot writes holds dates, and the descriptions of 41 trees as they are, which are as large as the events
    of a small sample.
    """
    root = load_root()
    first = path.with_name(f"{path.name}.uproot")
    try:
        with uproot.recreate(first, compression=uproot.ZSTD(_LEVEL)) as file:
            yield file
        _copy(root, first, path)
        set_uuid(path, uuid)
    finally:
        with suppress(FileNotFoundError):
            first.unlink()


def _copy(root: Any, source: Path, destination: Path) -> None:
    with silenced(root):
        read = root.TFile.Open(str(source))
        written = root.TFile.Open(reproducible_url(destination, _FILE_NAME), "RECREATE", "", _ROOT_COMPRESSION)
        for key in read.GetListOfKeys():
            thing = key.ReadObj()
            if thing.InheritsFrom("TTree"):
                written.cd()
                entries = thing.GetEntries()
                thing = thing.CloneTree(-1, "fast")
                if thing.GetEntries() != entries:
                    raise SampleError(f"ROOT cannot copy tree {key.GetName()!r}: is the disk full?")
            written.WriteTObject(thing, key.GetName())
        written.Close()
        read.Close()


def write_note(file: Any, note: dict[str, Any]) -> None:
    """Write what a file says about itself."""
    file[NOTE_KEY] = json.dumps(note, indent=1)


def read_note(path: Path | str) -> dict[str, Any]:
    """Read what a file says about itself.

    Raises
    ------
    SampleError
        If it says nothing.
    """
    with uproot.open(path) as file:
        if NOTE_KEY not in file:
            raise SampleError(f"{path}: not a sample of hepcol: it has no {NOTE_KEY}")
        note: dict[str, Any] = json.loads(file[NOTE_KEY])
        return note


def write_objects(file: Any, chunks: Iterable[Events]) -> None:
    """Write the tree of the object form."""
    tree = None
    for events in chunks:
        columns: dict[str, Any] = {name: column for name, column in events.columns.items() if name not in _INTERNAL}
        columns |= {name: _to_awkward(getattr(events, attribute)) for name, attribute in _COLLECTIONS.items()}
        if tree is None:
            tree = file.mktree(OBJECTS_TREE, {name: _type(column) for name, column in columns.items()})
        if len(events):
            tree.extend(columns)


def _to_awkward(collection: Collection) -> ak.Array:
    record = ak.zip(dict(collection.columns), depth_limit=1)
    return ak.Array(
        ak.contents.ListOffsetArray(ak.index.Index64(collection.offsets), record.layout),
    )


def _type(column: Any) -> Any:
    return column.type.content if isinstance(column, ak.Array) else column.dtype


def read_objects(path: Path | str) -> Events:
    """Events of a file of the object form."""
    with uproot.open(path) as file:
        arrays = file[OBJECTS_TREE].arrays()
    jagged = {name: [field for field in arrays.fields if field.startswith(f"{name}_")] for name in _COLLECTIONS}
    counters = {f"n{name}" for name in _COLLECTIONS}
    inside = {field for fields in jagged.values() for field in fields} | counters
    return Events(
        **{
            attribute: Collection(
                {field.removeprefix(f"{name}_"): ak.to_numpy(ak.flatten(arrays[field])) for field in jagged[name]},
                np.concatenate([[0], np.cumsum(ak.to_numpy(arrays[f"n{name}"]))]).astype(np.int64),
            )
            for name, attribute in _COLLECTIONS.items()
        },
        columns={field: ak.to_numpy(arrays[field]) for field in arrays.fields if field not in inside},
    )


class FlatWriter:
    """Trees of a flat file, which grow chunk by chunk.

    Parameters
    ----------
    file : uproot.WritableDirectory
        Where they go.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._trees: dict[str, Any] = {}

    def extend(self, name: str, columns: dict[str, Column]) -> None:
        """Append rows to a tree."""
        if name not in self._trees:
            self._trees[name] = self._file.mktree(name, {key: column.dtype for key, column in columns.items()})
        if len(columns["eventNumber"]):
            self._trees[name].extend(columns)
