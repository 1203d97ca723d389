"""Files that a processor makes of chunks, such as arrays for training, and the index that lists them.

A processor puts what belongs in a file into its result. Under hepcol's runner, with an output folder, the worker writes
it there; elsewhere it stays in the result, and merges.
"""

import bisect
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

from hepcol.errors import InputError
from hepcol.histogram_files import escape

INDEX = "index.json"
FORMAT = "hepcol files of chunks"
VERSION = 1
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # one part of a path, and no name of a file of ours
_SUFFIX = re.compile(r"(\.[A-Za-z0-9_-]+)+")
_TAKEN = ("plots", "drawings", "export")  # folders of other things
_SHORT = 8  # digits of hashes in names
_ORDER = attrgetter("source", "start", "kind", "suffix", "dataset", "stop")


@dataclass(frozen=True)
class ChunkFile:
    """What a processor made of a chunk for a file of its own; made by :meth:`of`.

    Parameters
    ----------
    dataset, source, uuid : str
        Where the chunk is: dataset, path of its file, and the UUID of that.
    start, stop : int
        Its entries, ``start`` up to ``stop``.
    kind : str
        What it is, such as ``graphs``: the folder of the files.
    suffix : str
        Ending of the name, such as ``.npz``.
    size : int
        Bytes.
    sha256 : str
        Their SHA-256, in hexadecimal digits.
    counts : mapping of str to int
        What is in it, such as ``{"graphs": 12}``.
    content : bytes, optional
        The bytes, until they are written.
    """

    dataset: str
    source: str
    uuid: str
    start: int
    stop: int
    kind: str
    suffix: str
    size: int
    sha256: str
    counts: Mapping[str, int] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        metadata: Mapping[str, Any],
        kind: str,
        suffix: str,
        content: bytes,
        counts: Mapping[str, int] | None = None,
    ) -> Self:
        """Take the content of a file.

        Parameters
        ----------
        metadata : mapping
            ``events.metadata`` of the chunk, as coffea's Runner and hepcol's give it.
        kind : str
            The folder: letters, digits, ``_`` and ``-``, beginning with a letter.
        suffix : str
            Ending of the name, beginning with a dot. A chunk has one file of a kind and suffix.
        content : bytes
            The content, which has to depend on the chunk alone.
        counts : mapping of str to int, optional
            What is in it, to be summed up in the index and the summary.

        Raises
        ------
        ValueError
            If ``kind`` or ``suffix`` is no such name.
        """
        if not _KIND.fullmatch(kind) or kind in _TAKEN:
            raise ValueError(
                f"kind must be letters, digits, _ and -, a letter first, and not {', '.join(_TAKEN)}; got {kind!r}"
            )
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"suffix must be a dot and letters, digits, _ and -, such as .npz; got {suffix!r}")
        content = bytes(content)
        return cls(
            str(metadata["dataset"]),
            str(metadata["filename"]),
            str(metadata["fileuuid"]),
            int(metadata["entrystart"]),
            int(metadata["entrystop"]),
            kind,
            suffix,
            len(content),
            hashlib.sha256(content).hexdigest(),
            {name: int(count) for name, count in (counts or {}).items()},
            content,
        )

    @property
    def stem(self) -> str:
        """Path beside the index, without the suffix: folder of the dataset, source and entries.

        The source is told by the first digits of its UUID, and of a hash of that and its path: copies have one UUID.
        """
        folder = escape(self.dataset)
        folder = "%69ndex.json" if folder == INDEX else folder
        source = hashlib.sha256(f"{self.uuid}\n{self.source}".encode()).hexdigest()[:_SHORT]
        return f"{folder}/{self.uuid[:_SHORT]}-{source}-{self.start}-{self.stop}"

    @property
    def path(self) -> str:
        """Path beside the index."""
        return f"{self.stem}{self.suffix}"

    @property
    def name(self) -> str:
        """Path in the output folder."""
        return f"{self.kind}/{self.path}"


class SortedFiles(tuple[ChunkFile, ...]):
    """Files as results have them: in an order that does not depend on which came first."""

    __slots__ = ()


def in_order(files: Iterable[ChunkFile]) -> SortedFiles:
    """Sort files, unless they are."""
    return files if isinstance(files, SortedFiles) else SortedFiles(sorted(files, key=_ORDER))


def joined(first: SortedFiles, second: SortedFiles) -> SortedFiles:
    """Join sorted files: a few with many in the time of a copy, as results of chunks come one by one."""
    few, many = sorted((first, second), key=len)
    files = list(many)
    for file in few:
        bisect.insort(files, file, key=_ORDER)
    return SortedFiles(files)


@dataclass(frozen=True)
class Totals:
    """How many files there are, and what is in them.

    Parameters
    ----------
    files, size : int
        Files, and their bytes.
    counts : mapping of str to int
        Sums of their counts.
    """

    files: int
    size: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, files: Iterable[ChunkFile]) -> Self:
        """Sum up files."""
        listed = list(files)
        counts: dict[str, int] = {}
        for file in listed:
            for name, count in file.counts.items():
                counts[name] = counts.get(name, 0) + count
        return cls(len(listed), sum(file.size for file in listed), dict(sorted(counts.items())))

    def told(self) -> dict[str, Any]:
        """Describe as JSON can hold it."""
        return {"files": self.files, "bytes": self.size, "counts": dict(self.counts)}


@dataclass(frozen=True)
class Index:
    """The files of a kind in an output folder.

    Parameters
    ----------
    folder : Path
        The folder of the files, and of the index.
    kind : str
        What they are.
    identity : str
        Hash of what the run depends on: processor, options, files, versions.
    is_complete : bool
        Whether the run that made them is.
    files : tuple of ChunkFile
        The files, in the order of the datasets, of the files of each, and of entries; without their content.
    """

    folder: Path
    kind: str
    identity: str
    is_complete: bool
    files: tuple[ChunkFile, ...]

    @property
    def totals(self) -> Totals:
        """What all files have."""
        return Totals.of(self.files)

    @property
    def datasets(self) -> dict[str, Totals]:
        """What the files of each dataset have."""
        names = dict.fromkeys(file.dataset for file in self.files)
        return {name: Totals.of(file for file in self.files if file.dataset == name) for name in names}

    def path_of(self, file: ChunkFile) -> Path:
        """Where a file is."""
        return self.folder / file.path

    def text(self) -> str:
        """Write the index: equal files give equal bytes."""
        told = {
            "format": FORMAT,
            "version": VERSION,
            "kind": self.kind,
            "identity": self.identity,
            "complete": self.is_complete,
            "totals": self.totals.told(),
            "datasets": {name: totals.told() for name, totals in self.datasets.items()},
            "files": [_entry(file) for file in self.files],
        }
        return json.dumps(told, indent=1) + "\n"


def _entry(file: ChunkFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "dataset": file.dataset,
        "source": file.source,
        "uuid": file.uuid,
        "start": file.start,
        "stop": file.stop,
        "size": file.size,
        "sha256": file.sha256,
        "counts": dict(file.counts),
    }


def read_index(folder: str | Path, kind: str, *, verify: bool = False) -> Index:
    """Read which files of a kind are in the output folder of a run, and see that they are there.

    Parameters
    ----------
    folder : str or Path
        The output folder.
    kind : str
        What they are.
    verify : bool
        Whether to read them all, and hold them against their hashes.

    Raises
    ------
    InputError
        If there is no index, or one of another version, or a file is missing, truncated or, with ``verify``, changed.
    """
    place = Path(folder) / kind
    if not (place / INDEX).is_file():
        raise InputError(f"{place / INDEX}: no such file; expected the folder of files of kind '{kind}' of a run")
    index = _read(place)
    if index.kind != kind:
        raise InputError(f"{place / INDEX}: lists files of kind '{index.kind}', not '{kind}'")
    for file in index.files:
        if reason := damage(index.path_of(file), file, verify=verify):
            raise InputError(f"{index.path_of(file)}: {reason}")
    return index


def indexes(folder: Path) -> dict[str, Index]:
    """Read the indexes of an output folder by kind, as far as they can be read, and trust them."""
    found = {}
    for path in sorted(folder.glob(f"*/{INDEX}")):
        with suppress(InputError):
            index = _read(path.parent)
            if index.kind == path.parent.name:
                found[index.kind] = index
    return found


def damage(path: Path, file: ChunkFile, *, verify: bool = False) -> str:
    """Say what is wrong with what is at the place of a file; nothing if nothing is."""
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"has {size:,} bytes, should have {file.size:,}"
        if verify:
            with path.open("rb") as opened:
                found = hashlib.file_digest(opened, "sha256").hexdigest()
            if found != file.sha256:
                return f"has SHA-256 {found}, should have {file.sha256}"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return ""


def _read(folder: Path) -> Index:
    path = folder / INDEX
    try:
        told = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise InputError(f"{path}: not an index of files of chunks")
    if told.get("version") != VERSION:
        raise InputError(f"{path}: written in version {told.get('version')} of the format, this hepcol reads {VERSION}")
    try:
        kind = str(told["kind"])
        files = tuple(_listed_file(kind, entry) for entry in told["files"])
        return Index(folder, kind, str(told["identity"]), bool(told["complete"]), files)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: damaged: {error}") from error


def _listed_file(kind: str, entry: Mapping[str, Any]) -> ChunkFile:
    """Make a file of its entry, whose path has to be the one that it gives: no entry leads out of the folder."""
    names = ("dataset", "source", "uuid", "start", "stop", "size", "sha256")
    file = ChunkFile(**{name: entry[name] for name in names}, kind=kind, suffix="", counts=dict(entry["counts"]))
    suffix = str(entry["path"]).removeprefix(file.stem)
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"{entry['path']} is not the path of entries {file.start} to {file.stop} of {file.source}")
    return replace(file, suffix=suffix)
