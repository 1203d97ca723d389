"""What is in the files of a fileset: found by opening them once, and known to later runs until they change."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, pairwise
from pathlib import Path
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from hepcol import events, formats, ledger
from hepcol.errors import InputError
from hepcol.execution import chunk, openfiles
from hepcol.execution.chunk import Probe
from hepcol.execution.openfiles import Stamp
from hepcol.fileset import Fileset, InputFile
from hepcol.kernels.cache import cache_root
from hepcol.ledger import FileRecord
from hepcol.schemas import Columns

FOLDER = "files"  # in the folder of this user's caches

_FORMAT = "1"
_PACKAGES = ("hepcol", "coffea", "uproot")
_SOURCES = (chunk, events, formats, ledger)  # in a checkout they change while the version stays
_HEADER = 128  # bytes at the beginning of a ROOT file, among which is its UUID


class _Known(BaseModel):
    """What was found in a file, as it is stored.

    Parameters
    ----------
    versions : dict
        Versions of what looked.
    name : str
        Which file and tree were asked for.
    stamp : Stamp
        What the file was like.
    record : FileRecord
        What was found; its entries are those of the file.
    is_whole : bool
        Whether the entries are all of the file, or only as many as steps have shown to be there.
    columns : tuple
        Columns that were found.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    versions: dict[str, str]
    name: str
    stamp: Stamp
    record: FileRecord
    is_whole: bool
    columns: Columns

    def answer(self, item: Probe) -> FileRecord | None:
        """Return what probing would find; None unless it is sure to be that."""
        file = item.file
        if file.uuid not in (None, self.record.uuid) or not self._has(item.columns):
            return None
        entries = self._entries(file.steps)
        return None if entries is None else replace(self.record, dataset=item.dataset, path=file.path, entries=entries)

    def joined(self, earlier: Self | None) -> Self:
        """Add what an earlier look at the same file has found."""
        if earlier is None or earlier.record.uuid != self.record.uuid:
            return self
        columns = (*earlier.columns, *(column for column in self.columns if column not in earlier.columns))
        if self.is_whole or (not earlier.is_whole and self._count > earlier._count):
            return self.model_copy(update={"columns": columns})
        return self.model_copy(update={"columns": columns, "record": earlier.record, "is_whole": earlier.is_whole})

    @property
    def _count(self) -> int:
        """Number of entries that are known to be there."""
        return self.record.entries or 0

    def _has(self, columns: Columns) -> bool:
        """Whether the columns were found; of a tuple of names, one is enough."""
        return all(
            column in self.columns or (isinstance(column, tuple) and any(name in self.columns for name in column))
            for column in columns
        )

    def _entries(self, steps: tuple[tuple[int, int], ...] | None) -> int | None:
        """Count the entries to process; None if that takes another look, which explains what is wrong with steps."""
        if steps is None:
            return self.record.entries if self.is_whole else None
        ranges = [(0, 0), *sorted(steps), (self._count, self._count)]
        fit = all(start < stop for start, stop in steps) and all(
            stop <= following for (_, stop), (following, _) in pairwise(ranges)
        )
        return sum(stop - start for start, stop in steps) if fit else None


@dataclass(frozen=True)
class _Store:
    """A folder with what is known of files; one that cannot be read or written has and keeps nothing."""

    folder: Path
    versions: dict[str, str]

    def load(self, file: InputFile, stamp: Stamp) -> _Known | None:
        """Return what is known of a file that is like this."""
        name = _name(file)
        try:
            known = _Known.model_validate_json(self._path(name).read_bytes())
        except (OSError, ValueError):
            return None
        return known if (known.versions, known.name, known.stamp) == (self.versions, name, stamp) else None

    def save(self, known: _Known) -> None:
        """Store what is known of a file, as a whole or not at all."""
        with suppress(OSError, ValueError):  # a name that is no Unicode is a ValueError
            text = known.model_dump_json()
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self._path(known.name), text)

    def _path(self, name: str) -> Path:
        """Where what is known by a name is stored."""
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()}.json"


@dataclass(frozen=True)
class _Look:
    """A file before it is opened.

    Parameters
    ----------
    stamp : Stamp, optional
        What it is like; None unless it is local and there.
    is_settled : bool
        Whether a change from now on would show.
    known : _Known, optional
        What is stored of it.
    answer : FileRecord, optional
        What probing would find, if that is known.
    """

    stamp: Stamp | None = None
    is_settled: bool = False
    known: _Known | None = None
    answer: FileRecord | None = None


def scan(
    inputs: Fileset,
    columns: Mapping[str, Columns],
    probe: Callable[[list[Probe]], list[FileRecord]],
    topic: str,
) -> list[FileRecord]:
    """Tell what is in every file, in the order of the fileset.

    Local files that were found to be good, and have not changed since, are not opened.

    Parameters
    ----------
    inputs : Fileset
        The files.
    columns : mapping
        Columns that the files of each dataset have to have.
    probe : function of list of Probe
        Opens files and tells what is in each, in any order; called once at most.
    topic : str
        Name of the run.

    Raises
    ------
    InputError
        If there are no files.
    """
    items = [Probe(topic, name, file, columns[name]) for name, dataset in inputs.items() for file in dataset.files]
    if not items:
        raise InputError("the fileset has no files")
    store = _Store(cache_root() / FOLDER, _VERSIONS)
    looks = [_look(store, item) for item in items]
    unknown = [item for item, look in zip(items, looks, strict=True) if look.answer is None]
    probed = {(record.dataset, record.path): record for record in probe(unknown)} if unknown else {}
    records = []
    for item, look in zip(items, looks, strict=True):
        record = look.answer or probed[item.dataset, item.file.path]
        if look.answer is None:
            _keep(store, item, look, record)
        records.append(record)
    return records


def _look(store: _Store, item: Probe) -> _Look:
    """Look at a file without opening it, and at what is known of it."""
    stamp = openfiles.stamp(item.file.path)
    if stamp is None:
        return _Look()
    known = store.load(item.file, stamp)
    return _Look(stamp, stamp.is_settled, known, None if known is None else known.answer(item))


def _keep(store: _Store, item: Probe, look: _Look, record: FileRecord) -> None:
    """Store what was found, if it is sure to be of the file that was looked at before."""
    file = item.file
    if look.stamp is None or not look.is_settled or record.entries is None:
        return
    if not _has_uuid(file.path, record.uuid) or openfiles.stamp(file.path) != look.stamp:
        return
    entries = record.entries if file.steps is None else max(chain.from_iterable(file.steps), default=0)
    with suppress(ValidationError):  # columns that a processor declares in some other way
        found = _Known(
            versions=store.versions,
            name=_name(file),
            stamp=look.stamp,
            record=replace(record, entries=entries, requests=0, bytes_read=0),
            is_whole=file.steps is None,
            columns=item.columns,
        )
        store.save(found.joined(look.known))


def _has_uuid(path: str, uuid: str) -> bool:
    """Whether a file has a UUID: a worker on another machine may have seen another file by this path."""
    try:
        with Path(path).open("rb") as content:
            return UUID(uuid).bytes in content.read(_HEADER)
    except (OSError, ValueError):
        return False


def _name(file: InputFile) -> str:
    """Name a file and its tree; with its replicas, which it may have been read from."""
    return json.dumps([os.path.abspath(file.path), file.tree, *file.replicas])  # noqa: PTH100  (Path keeps "..")


def _versions() -> dict[str, str]:
    """Versions of what looks into files: what was found by another one is not used."""
    sources = b"".join(Path(module.__file__ or "").read_bytes() for module in _SOURCES)
    versions = {"format": _FORMAT, "sources": hashlib.sha256(sources).hexdigest()[:16]}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = ""
    return versions


# when this is imported, since what is loaded by then is what looks, whatever becomes of the sources
_VERSIONS = _versions()


def _write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, while others may do the same."""
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(descriptor, "w") as content:
            content.write(text)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
