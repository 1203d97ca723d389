"""The C++ writers of trees: compiled once per user, then handed blocks of events."""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hepcol.kernels.cache import cache_root
from samples.error import SampleError
from samples.rootfile import load_root, silenced

_COMMON = Path(__file__).with_name("tree_writer.hpp")
_MACRO = "writer.cpp"
_COMPRESSION = 505  # ZSTD, level 5
_BASKET_SIZE = 32_000  # ROOT's own

Offsets = npt.NDArray[np.int64]


class Rows(NamedTuple):
    """Rows of a branch.

    Parameters
    ----------
    rows : array
        The rows of all events, one after another.
    offsets : int64, optional
        Of events into the rows; of lists, of events into the lists. None if an event has one row.
    inner_offsets : int64, optional
        Of lists into the rows.
    """

    rows: npt.NDArray[Any]
    offsets: Offsets | None = None
    inner_offsets: Offsets | None = None


@dataclass(frozen=True)
class Macro:
    """A C++ file with a writer.

    Parameters
    ----------
    folder : Path
        Where ``writer.cpp`` lies.
    headers : tuple of str
        What it includes from there.
    namespace : str
        Of its class ``EventWriter``.
    """

    folder: Path
    headers: tuple[str, ...]
    namespace: str

    @property
    def sources(self) -> tuple[Path, ...]:
        """All files, the one to compile first."""
        return (self.folder / _MACRO, *(self.folder / header for header in self.headers), _COMMON)


class TreeWriter:
    """A tree that is being written.

    Parameters
    ----------
    macro : Macro
        The writer.
    url : str
        ROOT's name of the file, options included.
    tree, title : str
        Name and title of the tree.
    branches : mapping of str to str
        C++ types of the branches, by name.
    basket_size : int
        Bytes of a basket, uncompressed.
    """

    def __init__(
        self,
        macro: Macro,
        url: str,
        tree: str,
        title: str,
        branches: Mapping[str, str],
        basket_size: int = _BASKET_SIZE,
    ) -> None:
        # asked first, because ROOT without a compiler prints a page of its own
        if shutil.which("g++") is None:
            raise SampleError("no g++ found; writing a sample compiles a small C++ file")
        self._root = load_root()
        _load_library(self._root, macro)
        self._branches = tuple(branches)
        with _plain_errors(self._root):
            self._native: Any = getattr(self._root, macro.namespace).EventWriter(
                url, tree, title, _COMPRESSION, basket_size
            )
        for name, kind in branches.items():
            self._native.add(name, kind)

    def write(self, block: Mapping[str, Rows], events: int) -> None:
        """Append the events of a block."""
        for column, name in enumerate(self._branches):
            rows, offsets, inner_offsets = block[name]
            if not rows.flags.c_contiguous:
                raise RuntimeError(f"rows of {name} are not contiguous")
            places = [0 if one is None else one.ctypes.data for one in (offsets, inner_offsets)]
            self._native.set(column, rows.ctypes.data, *places, rows.dtype.itemsize)
        with _plain_errors(self._root):
            self._native.fill(events)

    def call(self, method: str, *arguments: Any) -> None:
        """Call a method that the macro's writer has beside those of all."""
        with _plain_errors(self._root):
            getattr(self._native, method)(*arguments)

    def close(self, notes: Mapping[str, str]) -> None:
        """Write the notes, and close the file."""
        with _plain_errors(self._root):
            for key, text in notes.items():
                self._native.write_note(key, text)
            self._native.close()


@contextmanager
def _plain_errors(root: Any) -> Iterator[None]:
    """Turn what the C++ throws, which carries its signatures along, into one line.

    ROOT would add a line of its own for each branch that a full disk refuses.
    """
    try:
        with silenced(root):
            yield
    except Exception as error:
        reason = str(error).strip().splitlines()[-1].strip().removeprefix("runtime_error: ")
        raise SampleError(reason) from error


def _load_library(root: Any, macro: Macro) -> None:
    """Load a writer, compiling it (some 15 s) if this version of it or of ROOT is new to this user."""
    if hasattr(root, macro.namespace):
        return
    folder = _cache_folder(root.gROOT.GetVersion(), macro)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second process waits for the first to compile
        for source in macro.sources:
            if not (folder / source.name).exists():
                shutil.copyfile(source, folder / source.name)
        # k: keep the library; O: optimise; s: silently; -: beside the source
        with silenced(root, "Error"):
            compiled = root.gSystem.CompileMacro(str(folder / _MACRO), "kOs-", "", str(folder))
    if not compiled:
        raise SampleError(f"g++ could not compile {folder / _MACRO}")


def _cache_folder(root_version: str, macro: Macro) -> Path:
    """Folder of this version of the sources and of ROOT, in the user's cache or, failing that, a temporary one."""
    digest = hashlib.sha256(root_version.encode())
    for source in macro.sources:
        digest.update(source.read_bytes())
    name = macro.namespace.replace("_", "-")
    folder = cache_root() / f"{name.removeprefix('hepcol-')}-writer-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"{name}-writer-"))
    return folder
