"""Files and folders that are there as a whole or not at all."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


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
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{what}") for what in ("partial", "old"))
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
