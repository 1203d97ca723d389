"""What a skim has of a chunk, as bytes: it is put together with that of others when all is there."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from hepcol.errors import InputError
from hepcol.skimming.blocks import Blocks
from hepcol.skimming.branches import Branch
from hepcol.skimnote import TreeNote

SUFFIX = ".npz"
_ABOUT, _BLOCK, _BUFFER = "about", "block_", "buffer_"


@dataclass(frozen=True, eq=False)
class Content:
    """What a skim has of a chunk.

    Parameters
    ----------
    note : TreeNote
        What is told of it.
    blocks : Blocks
        Sums over its blocks.
    branches : tuple of Branch
        How its columns are written.
    arrays : mapping of str to ak.Array
        The columns, by name, of the events that are kept.
    texts : mapping of str to str
        What the file says in words, by key.
    """

    note: TreeNote
    blocks: Blocks
    branches: tuple[Branch, ...]
    arrays: Mapping[str, ak.Array]
    texts: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Write it; equal contents give equal bytes."""
        packed = ak.to_packed(record_of(self.arrays, int(self.blocks.selected.sum())))
        form, length, buffers = ak.to_buffers(packed)
        about = {
            "note": self.note.told(),
            "branches": [vars(branch) for branch in self.branches],
            "form": form.to_dict(),
            "length": length,
            "texts": dict(self.texts),
        }
        stored: dict[str, Any] = {f"{_BLOCK}{name}": array for name, array in self.blocks.arrays().items()}
        stored |= {f"{_BUFFER}{name}": buffer for name, buffer in buffers.items()}
        stored[_ABOUT] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        file = io.BytesIO()
        np.savez(file, **stored)
        return file.getvalue()


@dataclass(frozen=True, eq=False)
class Head:
    """What is in a content but for the columns, which are read when they are asked for.

    Parameters
    ----------
    path : Path
        Where it is.
    note : TreeNote
        What is told of it.
    blocks : Blocks
        Sums over its blocks.
    branches : tuple of Branch
        How its columns are written.
    texts : mapping of str to str
        What the file says in words, by key.
    """

    path: Path
    note: TreeNote
    blocks: Blocks
    branches: tuple[Branch, ...]
    texts: Mapping[str, str]

    def arrays(self) -> ak.Array:
        """Read the columns, as fields of records."""
        with np.load(self.path, allow_pickle=False) as stored:
            about = json.loads(stored[_ABOUT].tobytes())
            names = [name for name in stored.files if name.startswith(_BUFFER)]
            buffers = {name.removeprefix(_BUFFER): stored[name] for name in names}
        return ak.from_buffers(ak.forms.from_dict(about["form"]), about["length"], buffers)


def read_head(path: Path) -> Head:
    """Read what a content tells.

    Raises
    ------
    InputError
        If it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(stored[_ABOUT].tobytes())
            blocks = Blocks(**{name: stored[f"{_BLOCK}{name}"] for name in Blocks.__dataclass_fields__})
        branches = tuple(Branch(**told) for told in about["branches"])
        return Head(path, TreeNote.of(about["note"]), blocks, branches, about["texts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged: {' '.join(str(error).split()):.200}") from error


def put(made: Content, path: Path) -> Head:
    """Write a content, and read what it tells."""
    path.write_bytes(made.to_bytes())
    return read_head(path)


def record_of(arrays: Mapping[str, ak.Array], length: int) -> ak.Array:
    """Put columns together as fields of records, without a word on what they mean."""
    layouts = [ak.to_layout(array, allow_record=False) for array in arrays.values()]
    return ak.Array(ak.contents.RecordArray(layouts, list(arrays), length=length))
