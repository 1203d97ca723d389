"""Arrays with names and a few words in an npz file."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hepcol.errors import InputError
from hepcol.wholefile import write_whole

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
    replace_file(path, packed.getbuffer())


def replace_file(path: Path, content: bytes | memoryview) -> None:
    """Write a file as a whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


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
