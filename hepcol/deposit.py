"""Where workers leave files of chunks while a run goes on, and how these come to their places in the output folder."""

import json
import os
import platform
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from hepcol.chunkfiles import INDEX, ChunkFile, Index, damage, indexes
from hepcol.errors import InputError
from hepcol.result import Result
from hepcol.store import gathered_names

PREFIX = "files-"  # of the name of a deposit
MOVED = "moved.json"  # names that were given, or are about to be: what no index lists any more is found by them


def files_of(out: Any) -> Iterator[ChunkFile]:
    """Return the files in a result of hepcol; others have none."""
    if isinstance(out, Result):
        for part in out.values():
            yield from part.files


def put(out: Any, folder: Path, chunk: tuple[str, int, int]) -> Any:
    """Write the files that a processor made of a chunk; return its output without their content.

    Parameters
    ----------
    out : Any
        The output.
    folder : Path
        The deposit of the run.
    chunk : tuple
        Path of the file that was read, first entry and end.

    Raises
    ------
    InputError
        If this machine does not see the deposit.
    OSError
        If a file cannot be written.
    """
    files = list(files_of(out))
    if not files:
        return out
    if not folder.is_dir():  # its name is unlike that of any other run: what is there is the same folder
        raise InputError(
            f"worker {platform.node()}:{os.getpid()} does not see {folder}: files of chunks need an output folder on "
            "a file system that client and workers share"
        )
    names: set[str] = set()
    for file in files:
        if (file.source, file.start, file.stop) != chunk:
            raise ValueError(f"a file of entries {file.start} to {file.stop} of {file.source} is in another chunk")
        if file.name in names:
            raise ValueError(f"two files of kind '{file.kind}' and suffix {file.suffix} in one chunk")
        names.add(file.name)
        _write(file, folder)
    parts = {name: replace(part, files=tuple(map(_without_content, part.files))) for name, part in out.items()}
    return replace(out, datasets=parts)


def _without_content(file: ChunkFile) -> ChunkFile:
    return replace(file, content=None)


def _write(file: ChunkFile, folder: Path) -> None:
    """Write a file as a whole or not at all; one that was written before has the same content."""
    if file.content is None:
        raise ValueError(f"{file.name} has no content: make it by ChunkFile.of")
    path = folder / file.name
    fresh = path.with_name(f".{uuid.uuid4().hex}.new")  # of its own: a chunk may be on two workers at once
    try:
        for parent in reversed([part for part in path.parents if folder in part.parents]):
            parent.mkdir(exist_ok=True)  # never the deposit itself, which is gone once the run is written
        fresh.write_bytes(file.content)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


class Deposit:
    """Files of chunks in an output folder: those of this run, and those that are there from the run it continues.

    Parameters
    ----------
    folder : Path
        The output folder.
    partial : Path
        The folder of what is not finished.
    name : str
        Name of the deposit of the run that is continued; empty for a new one.
    """

    def __init__(self, folder: Path, partial: Path, name: str = "") -> None:
        self.name = name or f"{PREFIX}{uuid.uuid4().hex}"
        # as it is called, and not where its links lead, which may be elsewhere on another machine
        self.place = (partial / self.name).absolute()
        self._folder = folder
        self._partial = partial
        there = indexes(folder)
        self._before = {file.name: file.sha256 for index in there.values() for file in index.files}
        self._indexes_before = [f"{kind}/{INDEX}" for kind in there]
        self._gathered_before = gathered_names(folder)
        self._indexes: list[Index] = []
        self._moves: list[tuple[Path, Path]] = []
        self.outdated: list[str] = []
        self.place.mkdir(parents=True, exist_ok=True)

    def check(self, out: Any) -> None:
        """See that the files of an output are there.

        Raises
        ------
        InputError
            If one is missing or truncated.
        """
        for file in files_of(out):
            self.find(file)

    def adopt(self, files: Sequence[ChunkFile], folder: Path) -> None:
        """Take over files of another output folder: as further names of them, where the file system has such.

        Raises
        ------
        InputError
            If one is missing or has changed.
        """
        for file in files:
            source, target = folder / file.name, self.place / file.name
            if reason := damage(source, file, verify=True):
                raise InputError(f"{source}: {reason}")
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source.resolve(), target)
            except OSError:
                shutil.copyfile(source, target)

    def find(self, file: ChunkFile) -> Path:
        """Find a file: here, or in its place if the run that is continued left it there."""
        fresh, there = self.place / file.name, self._folder / file.name
        reason = damage(fresh, file)
        if not reason:
            return fresh
        # one that no index lists is of a run that was torn apart while it moved its files: it may be another's
        if not damage(there, file, verify=self._before.get(file.name) != file.sha256):
            return there
        if file.name in self._before:
            reason = damage(there, file) or "is another one now"
        raise InputError(f"output folder {self._folder}: {file.name} {reason}")

    def prepare(
        self, files: Sequence[ChunkFile], identity: str, is_complete: bool, gathered: Mapping[str, Path] | None = None
    ) -> None:
        """Find the files of a finished run, and write their indexes, before anything of an earlier run is touched.

        Parameters
        ----------
        files : sequence of ChunkFile
            All files, in the order of the indexes.
        identity : str
            Hash of what the run depends on.
        is_complete : bool
            Whether the run is.
        gathered : mapping of str to Path
            What was put together of others, by its name in the folder.

        Raises
        ------
        InputError
            If a file is missing or truncated, or two have one name.
        """
        by_kind: dict[str, list[ChunkFile]] = {}
        names: dict[str, ChunkFile] = {}
        for file in files:
            other = names.setdefault(file.name, file)
            if other is not file:
                raise InputError(f"two files are called {file.name}: of {other.source} and of {file.source}")
            by_kind.setdefault(file.kind, []).append(file)
            found = self.find(file)
            if found != self._folder / file.name:
                self._moves.append((found, self._folder / file.name))
        for kind, those in sorted(by_kind.items()):
            index = Index(self._folder / kind, kind, identity, is_complete, tuple(those))
            self._fresh_index(index).write_text(index.text())
            self._indexes.append(index)
        gathered = gathered or {}
        self._moves += [(path, self._folder / name) for name, path in gathered.items()]
        now = [*names, *(f"{kind}/{INDEX}" for kind in by_kind), *gathered]
        before = {*self._before, *self._indexes_before, *self._moved_before(), *self._gathered_before}
        self.outdated = sorted(before - set(now))
        if now or before:
            (self._partial / MOVED).write_text(json.dumps(sorted({*before, *now})))

    def _fresh_index(self, index: Index) -> Path:
        return self._partial / f"{index.kind}-{INDEX}"

    def _moved_before(self) -> list[str]:
        """Names that a run has given whose end was torn apart."""
        try:
            return [str(name) for name in json.loads((self._partial / MOVED).read_text())]
        except (OSError, ValueError, TypeError):
            return []

    def settle(self) -> None:
        """Put files and indexes in their places; the outdated ones are still there.

        The earlier indexes go first: if this is torn apart, none of them lists files of which some are others now.
        """
        for index in self._indexes:
            (index.folder / INDEX).unlink(missing_ok=True)
        for name in self._gathered_before:
            if "/" not in name:  # what lists the others
                (self._folder / name).unlink(missing_ok=True)
        for path, target in self._moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        for index in self._indexes:
            self._fresh_index(index).replace(index.folder / INDEX)

    def drop_others(self) -> None:
        """Remove deposits that nothing can be continued from any more."""
        clear(self._partial, keep=self.name)


def clear(partial: Path, keep: str = "") -> None:
    """Remove the deposits in a folder, but for one."""
    for path in partial.glob(f"{PREFIX}*"):
        if path.name != keep:
            shutil.rmtree(path, ignore_errors=True)
