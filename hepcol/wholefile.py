"""Files and folders that are there as a whole or not at all."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hepcol.errors import InputError


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one line why a folder cannot be written."""
    try:
        yield
    except OSError as error:
        # of a folder that is to be made where there is a file
        is_file = isinstance(error, FileExistsError) and error.filename and Path(error.filename).is_file()
        reason = f"{error.filename} is a file" if is_file else error.strerror or error
        raise InputError(f"output folder {folder} cannot be written: {reason}") from error


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file, or leave what was there before."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_whole_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with files, by their paths in it, or leave what was there before.

    Parameters
    ----------
    folder : Path
        The folder; what is there goes.
    files : mapping of str to bytes
        What is to be in it.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    partial, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{what}") for what in ("partial", "old"))
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            for name, content in files.items():
                path = partial / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            if folder.exists():
                folder.rename(old)
            partial.rename(folder)
        finally:
            if old.exists() and not folder.exists():
                old.rename(folder)
            for path in (partial, old):
                shutil.rmtree(path, ignore_errors=True)
