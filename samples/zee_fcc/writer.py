"""The C++ writer: compiled once per user, then handed blocks of events."""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hepcol.kernels.cache import cache_root
from samples.error import SampleError
from samples.rootfile import load_root, silenced
from samples.zee_fcc.layout import BRANCHES, COLLECTIONS, Block

_SOURCES = ("writer.cpp", "edm4hep.h")
_COMPRESSION = 505  # ZSTD, level 5


class Writer:
    """An events tree that is being written.

    Parameters
    ----------
    url : str
        ROOT's name of the file, options included.
    """

    def __init__(self, url: str) -> None:
        # asked first, because ROOT without a compiler prints a page of its own
        if shutil.which("g++") is None:
            raise SampleError("no g++ found; writing a sample compiles a small C++ file")
        self._root = load_root()
        _load_library(self._root)
        with _plain_errors(self._root):
            self._writer: Any = self._root.hepcol_samples.EventWriter(url, _COMPRESSION)
        for name, record in BRANCHES.items():
            self._writer.add(name, record)

    def write(self, block: Block) -> None:
        """Append the events of a block."""
        for column, name in enumerate(BRANCHES):
            rows, offsets = block[name]
            self._writer.set(column, rows.ctypes.data, offsets.ctypes.data, rows.dtype.itemsize)
        with _plain_errors(self._root):
            self._writer.fill(len(offsets) - 1)

    def close(self, notes: dict[str, str]) -> None:
        """Write the names of the collections and the notes, and close the file."""
        with _plain_errors(self._root):
            self._writer.write_collections([collection.name for collection in COLLECTIONS])
            for key, text in notes.items():
                self._writer.write_note(key, text)
            self._writer.close()


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


def _load_library(root: Any) -> None:
    """Load the writer, compiling it (some 15 s) if this version of it or of ROOT is new to this user."""
    if hasattr(root, "hepcol_samples"):
        return
    folder = _cache_folder(root.gROOT.GetVersion())
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second process waits for the first to compile
        for source in _SOURCES:
            if not (folder / source).exists():
                shutil.copyfile(Path(__file__).with_name(source), folder / source)
        # k: keep the library; O: optimise; s: silently; -: beside the source
        with silenced(root, "Error"):
            compiled = root.gSystem.CompileMacro(str(folder / "writer.cpp"), "kOs-", "", str(folder))
    if not compiled:
        raise SampleError(f"g++ could not compile {folder / 'writer.cpp'}")


def _cache_folder(root_version: str) -> Path:
    """Folder of this version of the sources and of ROOT, in the user's cache or, failing that, a temporary one."""
    digest = hashlib.sha256(root_version.encode())
    for source in _SOURCES:
        digest.update(Path(__file__).with_name(source).read_bytes())
    folder = cache_root() / f"zee-fcc-writer-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="hepcol-zee-fcc-writer-"))
    return folder
