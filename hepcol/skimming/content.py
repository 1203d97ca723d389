"""What a skim has of a chunk, as bytes: it is put together with that of others when all is there."""

import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from hepcol.errors import InputError
from hepcol.skimming.blocks import Blocks
from hepcol.skimming.branches import Branch
from hepcol.skimnote import Source, TreeNote
from hepcol.sums import ExactSum

SUFFIX = ".npz"
_ABOUT, _DESCRIBED, _BLOCK, _BUFFER = "about", "described", "block_", "buffer_"
_OWN = ("sources", "parts", "events", "sum_weights", "cutflow", "declared")  # of a note: what is of a chunk


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
        The columns, by name, of the events that are kept; packed.
    texts : mapping of str to str
        What the file says in words, by key.
    cutflow : mapping of str to int
        Events of the chunk that passed each step, of a skim those that are there.
    sum_weights : ExactSum
        Sum of their weights.
    """

    note: TreeNote
    blocks: Blocks
    branches: tuple[Branch, ...]
    arrays: Mapping[str, ak.Array]
    texts: Mapping[str, str]
    cutflow: Mapping[str, int]
    sum_weights: ExactSum

    @property
    def selected(self) -> int:
        """Events that are kept."""
        return int(self.blocks.selected.sum())

    def records(self) -> ak.Array:
        """Put the columns together as fields of records, without a word on what they mean."""
        layouts = [ak.to_layout(array, allow_record=False) for array in self.arrays.values()]
        return ak.Array(ak.contents.RecordArray(layouts, list(self.arrays), length=self.selected))

    def to_bytes(self) -> bytes:
        """Write it; equal contents give equal bytes."""
        form, length, buffers = ak.to_buffers(self.records())
        # what is the same for all chunks of a dataset, and what is not
        told = self.note.told()
        same = {name: told[name] for name in told if name not in _OWN}
        described = {"note": same, "branches": [vars(branch) for branch in self.branches], "form": form.to_dict()}
        about = {"note": {name: told[name] for name in _OWN}, "length": length, "texts": dict(self.texts)}
        stored: dict[str, Any] = {f"{_BLOCK}{name}": array for name, array in self.blocks.arrays().items()}
        if length:
            stored |= {f"{_BUFFER}{name}": buffer for name, buffer in buffers.items()}
        for name, content in ((_ABOUT, about), (_DESCRIBED, described)):
            stored[name] = np.frombuffer(zlib.compress(json.dumps(content).encode(), 1), dtype=np.uint8)
        file = io.BytesIO()
        np.savez(file, **stored)
        return file.getvalue()


@lru_cache(maxsize=1024)
def _described(text: bytes) -> tuple[Mapping[str, Any], tuple[Branch, ...], ak.forms.Form]:
    """Read what is the same for all chunks of a dataset, once."""
    told = json.loads(zlib.decompress(text))
    return told["note"], tuple(Branch(**branch) for branch in told["branches"]), ak.forms.from_dict(told["form"])


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

    @property
    def direct(self) -> Source:
        """Entries that were read: of a file, or of a skim."""
        return (self.note.parts or self.note.sources)[-1]

    def arrays(self) -> ak.Array:
        """Read the columns, as fields of records."""
        with np.load(self.path, allow_pickle=False) as stored:
            length = json.loads(zlib.decompress(stored[_ABOUT].tobytes()))["length"]
            _, _, form = _described(stored[_DESCRIBED].tobytes())
            names = [name for name in stored.files if name.startswith(_BUFFER)]
            buffers = {name.removeprefix(_BUFFER): stored[name] for name in names}
        return ak.from_buffers(form, length, buffers) if length else ak.Array(form.length_zero_array())


def read_head(path: Path) -> Head:
    """Read what a content tells.

    Raises
    ------
    InputError
        If it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(zlib.decompress(stored[_ABOUT].tobytes()))
            same, branches, _ = _described(stored[_DESCRIBED].tobytes())
            blocks = Blocks(**{name: stored[f"{_BLOCK}{name}"] for name in Blocks.__dataclass_fields__})
        return Head(path, TreeNote.of({**same, **about["note"]}), blocks, branches, about["texts"])
    except (OSError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise InputError(f"{path}: damaged: {' '.join(str(error).split()):.200}") from error


def put(made: Content, path: Path) -> Head:
    """Write a content, and read what it tells."""
    path.write_bytes(made.to_bytes())
    return read_head(path)
