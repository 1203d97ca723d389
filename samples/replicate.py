"""Repeat a file's events: the way the original Z -> ee study made 10^6 events of 5000."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from samples.error import SampleError
from samples.rootfile import load_root, replacing, reproducible_url, set_uuid, silenced

TREES = ("events", "CollectionTree", "Events")  # of EDM4hep, PHYSLITE and NanoAOD
NOTE_KEY = "hepcol_replica"
DEFAULT_TIMES = 200

Progress = Callable[[int, int], None]


def replicate(
    source: str | Path,
    destination: str | Path,
    times: int = DEFAULT_TIMES,
    *,
    tree: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> UUID:
    """Write a file with the source's events ``times`` times, one after another.

    Compressed baskets are copied as they are, so that no dictionary is needed and the speed is the disk's. Other
    trees and objects are copied once. The replica counts as a file of its own: an event and its repetitions have
    different entries, hence different random numbers.

    Parameters
    ----------
    source : str or Path
        ROOT file with a tree of events.
    destination : str or Path
        File to write; it appears when it is complete.
    times : int
        Number of repetitions, at least 1.
    tree : str, optional
        Name of the tree of events; by default ``events``, ``CollectionTree`` or ``Events``.
    force : bool
        Overwrite ``destination`` if it exists.
    progress : callable, optional
        Called as ``progress(done, times)``.

    Returns
    -------
    UUID
        The replica's, made of the source's and ``times``.

    Raises
    ------
    SampleError
        If an argument cannot be used, or the replica does not have the number of events it must have.
    """
    source, destination = Path(source), Path(destination)
    if times < 1:
        raise SampleError(f"times must be at least 1, got {times}")
    if not source.is_file():
        raise SampleError(f"{source} is not a file")
    if destination.exists() and destination.samefile(source):
        raise SampleError(f"{destination} is the source itself; name another file")
    root = load_root()
    with replacing(destination, force) as temporary, silenced(root, "Error"):
        source_uuid, name = _copy(root, source, temporary, times, progress, (tree,) if tree else TREES)
        uuid = uuid5(source_uuid, f"{name} x {times}")
        set_uuid(temporary, uuid)
    return uuid


def _copy(
    root: Any, source: Path, temporary: Path, times: int, progress: Progress | None, trees: Sequence[str]
) -> tuple[UUID, str]:
    """Copy the events ``times`` times and everything else once; return the source's UUID and the name of the tree."""
    read = _open(root, str(source), "READ")
    try:
        names = [key.GetName() for key in read.GetListOfKeys()]
        name = next((one for one in trees if one in names), "")
        tree = read.Get(name) if name else None
        if not tree or not tree.InheritsFrom("TTree"):
            raise SampleError(f"{source} has no tree of events: {', '.join(trees)}")
        source_uuid = UUID(read.GetUUID().AsString())
        url = reproducible_url(temporary, "replica.root")
        written = _open(root, url, "RECREATE", "", read.GetCompressionSettings())
        _repeat(tree, name, written, times, progress)
        _copy_others(read, name, written)
        note = {"source": source.name, "source_uuid": str(source_uuid), "times": times}
        written.WriteTObject(root.TObjString(json.dumps(note)), NOTE_KEY)
        written.Close()
        expected = times * tree.GetEntries()
    finally:
        read.Close()
    _check(root, temporary, name, expected)
    return source_uuid, name


def _open(root: Any, name: str, *options: Any) -> Any:
    with silenced(root):  # the one line below says it all
        try:
            file = root.TFile.Open(name, *options)
        except OSError as error:
            raise SampleError(f"{name} is not a file that ROOT can open") from error
    if not file or file.IsZombie():
        raise SampleError(f"{name} is not a file that ROOT can open")
    return file


def _repeat(tree: Any, name: str, written: Any, times: int, progress: Progress | None) -> None:
    written.cd()
    repeated = tree.CloneTree(0)
    repeated.SetDirectory(written)
    for done in range(1, times + 1):
        if repeated.CopyEntries(tree, -1, "fast") < 0:
            raise SampleError(f"ROOT cannot copy tree {name!r}: is the disk full?")
        if progress is not None:
            progress(done, times)
    written.WriteTObject(repeated, name)


def _copy_others(read: Any, tree: str, written: Any) -> None:
    # a file can hold older cycles of a key: Get gives the newest, which is the one that counts
    for name in dict.fromkeys(key.GetName() for key in read.GetListOfKeys()):
        if name == tree:
            continue
        thing = read.Get(name)
        if thing.InheritsFrom("TTree"):
            written.cd()
            thing = thing.CloneTree(-1, "fast")
        written.WriteTObject(thing, name)


def _check(root: Any, path: Path, name: str, expected: int) -> None:
    file = _open(root, str(path), "READ")
    tree = file.Get(name)
    found = tree.GetEntries() if tree else 0
    file.Close()
    if found != expected:
        raise SampleError(f"the replica has {found} events instead of {expected}: is the disk full?")
