"""Writing ROOT files that come out the same each time, with an identity that is told, not drawn."""

import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from samples.error import SampleError

MISSING_EXTRA = "needs the extra 'samples': pip install 'hepcol[samples]'"

# Layout of a ROOT file: TFile's and TDirectoryFile's reference documentation.
_LARGE_FILE = 1_000_000  # versions from here on have 64-bit positions in the header
_LARGE_DIRECTORY = 1_000  # the same for a directory record
_VERSION_OF_UUID = 2  # bytes of the version number in front of a UUID
_REPRODUCIBLE_UUID = bytes(16)  # what ROOT writes under its option 'reproducible'


def load_root() -> Any:
    """Import ROOT without its banner or a display.

    Raises
    ------
    SampleError
        If ROOT is not installed.
    """
    try:
        with warnings.catch_warnings():
            # the wheel warns at each import that it is an alpha release
            warnings.simplefilter("ignore")
            import ROOT  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise SampleError(f"ROOT is not installed; this command {MISSING_EXTRA}") from error
    ROOT.gROOT.SetBatch(True)
    return ROOT


@contextmanager
def silenced(root: Any, below: str = "Fatal") -> Iterator[None]:
    """Keep ROOT's messages below a level from the terminal, such as its warnings of missing dictionaries."""
    level = root.gErrorIgnoreLevel
    root.gErrorIgnoreLevel = getattr(root, f"k{below}")
    try:
        yield
    finally:
        root.gErrorIgnoreLevel = level


def reproducible_url(path: Path, name: str) -> str:
    """ROOT's name for a new file without dates, which calls itself ``name`` wherever it lies."""
    return f"{path}?reproducible={name}"


@contextmanager
def replacing(path: Path, force: bool) -> Iterator[Path]:
    """Give a temporary name beside ``path`` that becomes ``path`` if the block succeeds, and vanishes if not.

    Raises
    ------
    SampleError
        If ``path`` exists and ``force`` is not set, or its folder cannot be written.
    """
    if path.exists() and not force:
        raise SampleError(f"{path} exists; choose another name or overwrite it with --force")
    if path.is_dir():
        raise SampleError(f"{path} is a folder; name a file")
    if not path.parent.is_dir():
        raise SampleError(f"folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise SampleError(f"folder {path.parent} cannot be written")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def set_uuid(path: Path, uuid: UUID) -> None:
    """Write a UUID into a file made with ``reproducible_url``, where ROOT leaves zeros.

    It stands in the file's header and once more in the record of the root directory.
    """
    with path.open("r+b") as file:
        header = file.read(64)
        version, begin = struct.unpack_from(">ii", header, 4)
        large = version >= _LARGE_FILE
        name_at = struct.calcsize(">4sii" + ("qqii" if large else "iiii"))
        (name_bytes,) = struct.unpack_from(">i", header, name_at)
        # after the name's length: units (1 byte), compression, position and size of the streamer information
        in_header = name_at + struct.calcsize(">iBi" + ("q" if large else "i") + "i")
        _overwrite_uuid(file, in_header, uuid)

        directory = begin + name_bytes
        file.seek(directory)
        (directory_version,) = struct.unpack(">h", file.read(2))
        position = "q" if directory_version > _LARGE_DIRECTORY else "i"
        _overwrite_uuid(file, directory + struct.calcsize(">hIIii" + 3 * position), uuid)


def _overwrite_uuid(file: Any, position: int, uuid: UUID) -> None:
    start = position + _VERSION_OF_UUID
    file.seek(start)
    if file.read(len(uuid.bytes)) != _REPRODUCIBLE_UUID:
        raise RuntimeError(f"no empty UUID at byte {start} of {file.name}: has ROOT's file format changed?")
    file.seek(start)
    file.write(uuid.bytes)
