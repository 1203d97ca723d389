"""Arrays with names and a few words in an npz file."""

import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from hepcol.errors import InputError

_WHAT = "hepcol"  # the entry that says what the arrays are


def write_arrays(path: Path, what: str, arrays: Mapping[str, Any]) -> None:
    """Write arrays, numbers and texts, whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    packed = io.BytesIO()
    entries: dict[str, Any] = {_WHAT: what, **arrays}
    np.savez(packed, allow_pickle=False, **entries)
    write_whole(path, packed.getbuffer())


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file as a whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def read_arrays(path: Path, what: str, names: Sequence[str]) -> dict[str, Any]:
    """Read arrays; what has no dimension becomes a number or a text.

    Raises
    ------
    InputError
        If it cannot be read, or is something else.
    """
    try:
        # numpy leaves a damaged file open that it has opened itself
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if _WHAT not in file or str(file[_WHAT]) != what:
                raise InputError(f"{path}: not a file of {what}")
            arrays = {name: file[name] for name in names}
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except InputError:
        raise
    except (zipfile.BadZipFile, EOFError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path}: truncated or damaged: {error}") from error
    return {name: array if array.ndim else array.item() for name, array in arrays.items()}
