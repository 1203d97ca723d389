"""The files of a skim, put together of what it has of chunks."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import awkward as ak
import numpy as np

from hepcol.errors import InputError
from hepcol.fileset import is_remote
from hepcol.histogram_files import escape
from hepcol.skimming.blocks import parts
from hepcol.skimming.branches import Branch, FileFormat
from hepcol.skimming.content import Head
from hepcol.skimming.writers import batches, open_file
from hepcol.skimnote import TreeNote, to_text
from hepcol.sums import ExactSum

NAMESPACE = UUID("6c5f5d51-1f9e-5b3a-9f34-68657063736b")  # of the UUIDs of files, which are made of what is in them


@dataclass(frozen=True)
class Piece:
    """Blocks of what there is of a chunk, one after another.

    Parameters
    ----------
    head : Head
        What there is.
    blocks : slice
        Which of its blocks.
    """

    head: Head
    blocks: slice

    @property
    def rows(self) -> slice:
        """Rows of its columns."""
        ends = np.concatenate([[0], np.cumsum(self.head.blocks.selected)])
        return slice(int(ends[self.blocks.start]), int(ends[self.blocks.stop]))

    def note(self) -> TreeNote:
        """Return what is told of it."""
        of_chunk, blocks = self.head.note, self.head.blocks
        is_first = self.blocks.start == 0
        start, stop = int(blocks.start[self.blocks][0]), int(blocks.stop[self.blocks][-1])
        events = int(blocks.events[self.blocks].sum())
        limbs = blocks.limbs[self.blocks].sum(axis=0)
        steps = blocks.steps[self.blocks].sum(axis=0).tolist()
        direct = replace(self.head.direct, start=start, stop=stop)
        # what a skim stands for goes with its first entry
        carried = of_chunk.parts[:-1] if is_first else ()
        sources = of_chunk.sources if is_first else ()
        return replace(
            of_chunk,
            sources=sources if of_chunk.parts else (direct,),
            parts=(*carried, direct) if of_chunk.parts else (),
            events=events,
            sum_weights=ExactSum(of_chunk.sum_weights.bound, limbs, events),
            cutflow=dict(zip(of_chunk.cutflow, steps, strict=True)),
            declared=of_chunk.declared if is_first else None,
        )


@dataclass(frozen=True)
class Tree:
    """A tree of a file of the skim.

    Parameters
    ----------
    dataset, name : str
        Dataset that it is of, and its name.
    pieces : tuple of Piece
        What it is made of, in the order of the events.
    """

    dataset: str
    name: str
    pieces: tuple[Piece, ...]

    def note(self) -> TreeNote:
        """Return what is told of it."""
        return TreeNote.total([piece.note() for piece in self.pieces])

    @property
    def selected(self) -> int:
        """Events that it has."""
        return sum(piece.rows.stop - piece.rows.start for piece in self.pieces)

    def branches(self) -> tuple[Branch, ...]:
        """Return how its columns are written, which has to be the same for all that it is made of."""
        first = self.pieces[0].head
        for piece in self.pieces:
            if piece.head.branches != first.branches:
                here, there = ({branch.name for branch in head.branches} for head in (first, piece.head))
                differ = ", ".join(sorted(here ^ there)[:3]) or "their places"
                raise InputError(
                    f"{first.direct.path} and {piece.head.direct.path} do not have the same columns: {differ}"
                )
        return first.branches

    def rows(self) -> Iterator[ak.Array]:
        """Read its rows, those of one piece at a time."""
        read: tuple[Head, ak.Array] | None = None
        for piece in self.pieces:
            if read is None or read[0] is not piece.head:
                read = (piece.head, piece.head.arrays())
            yield read[1][piece.rows]


def per_file(heads: Sequence[tuple[str, Head]], to: FileFormat, keep_folder: bool) -> dict[str, list[Tree]]:
    """Make a file of what there is of each file, as it was called and with all trees.

    Parameters
    ----------
    heads : sequence of (str, Head)
        The trees, and what there is of their chunks, in order.
    to : FileFormat
        What is written.
    keep_folder : bool
        Whether the folder that all files are in is part of their names, as analyses look at it.

    Raises
    ------
    InputError
        If two files would have one name, or a parquet file two trees.
    """
    names = _names([head.direct.path for _, head in heads], to.suffix, keep_folder)
    found: dict[str, dict[tuple[str, str], list[Piece]]] = {}
    for tree, head in heads:
        trees = found.setdefault(names[head.direct.path], {})
        trees.setdefault((head.note.dataset, tree), []).append(Piece(head, slice(0, len(head.blocks))))
    for name, trees in found.items():
        of_trees = [tree for _, tree in trees]
        if to is FileFormat.PARQUET and len(of_trees) > 1:
            raise InputError(f"{name}: a parquet file has one tree, not {', '.join(of_trees)}; --per SIZE")
        if len(set(of_trees)) != len(of_trees):
            twice = " and ".join(dataset for dataset, _ in trees)
            raise InputError(f"{name}: datasets {twice} have the same tree of the same file")
    return {
        name: [Tree(dataset, tree, tuple(pieces)) for (dataset, tree), pieces in trees.items()]
        for name, trees in found.items()
    }


def per_size(heads: Sequence[tuple[str, Head]], size: int, to: FileFormat) -> dict[str, list[Tree]]:
    """Make files of the events of each dataset, each of about some size.

    Parameters
    ----------
    heads : sequence of (str, Head)
        The trees, and what there is of their chunks, in order.
    size : int
        Bytes, not compressed, from which on a file is closed.
    to : FileFormat
        What is written.
    """
    by_dataset: dict[tuple[str, str], list[Head]] = {}
    for tree, head in heads:
        by_dataset.setdefault((head.note.dataset, tree), []).append(head)
    found: dict[str, list[Tree]] = {}
    for (dataset, tree), those in by_dataset.items():
        made = [Tree(dataset, tree, pieces) for pieces in _cut(those, size)]
        digits = len(str(len(made) - 1))
        stem = f"{escape(dataset)}/{escape(dataset)}"
        found |= {f"{stem}-{number:0{digits}}{to.suffix}": [one] for number, one in enumerate(made)}
    return found


def _cut(heads: Sequence[Head], size: int) -> Iterator[tuple[Piece, ...]]:
    """Cut what there is of the chunks of a dataset into parts."""
    borders = [*parts([head.blocks for head in heads], size), sum(len(head.blocks) for head in heads)]
    position, pieces = 0, []
    for head in heads:
        start = 0
        while start < len(head.blocks):
            stop = min(len(head.blocks), borders[0] - position)
            pieces.append(Piece(head, slice(start, stop)))
            if stop + position == borders[0]:
                yield tuple(pieces)
                pieces = []
                borders.pop(0)
            start = stop
        position += len(head.blocks)


def write(target: Path, files: Mapping[str, Sequence[Tree]], to: FileFormat) -> list[dict[str, Any]]:
    """Write the files.

    Parameters
    ----------
    target : Path
        Folder that they are written below.
    files : mapping of str to sequence of Tree
        What is in each.
    to : FileFormat
        What is written.

    Returns
    -------
    list of dict
        Path, bytes, SHA-256, UUID and trees of each.
    """
    told = []
    for name, trees in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        notes = {tree.name: tree.note() for tree in trees}
        uuid = uuid5(NAMESPACE, to_text(notes))
        with open_file(path, to, notes, uuid, _texts(trees)) as written:
            for tree in trees:
                written.write(tree.name, tree.branches(), batches(tree.rows()))
        told.append(
            {
                "path": name,
                **_contents(path),
                "uuid": str(uuid) if to is not FileFormat.PARQUET else "",
                "trees": {tree.name: {"dataset": tree.dataset, "events": tree.selected} for tree in trees},
            }
        )
    return told


def _contents(path: Path) -> dict[str, Any]:
    """Bytes of a file, and their SHA-256."""
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _texts(trees: Sequence[Tree]) -> dict[str, str]:
    """Return what the files that were read say in words, such as that they are generated; the first counts."""
    found: dict[str, str] = {}
    for head in (piece.head for tree in trees for piece in tree.pieces):
        found = {**head.texts, **found}
    return found


def _names(paths: Sequence[str], suffix: str, keep_folder: bool) -> dict[str, str]:
    """Name the file that is made of each: as it is called, below the folder that all are in.

    Raises
    ------
    InputError
        If two would have one name.
    """
    split = {path: _parts(path) for path in dict.fromkeys(paths)}
    folders = [those[:-1] for those in split.values()]
    common = 0
    while all(len(folder) > common and folder[common] == folders[0][common] for folder in folders):
        common += 1
    common = max(0, common - 1) if keep_folder else common
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for path, those in split.items():
        *above, last = those[common:]
        name = str(PurePosixPath(*map(escape, above), f"{escape(PurePosixPath(last).stem)}{suffix}"))
        other = taken.setdefault(name, path)
        if other != path:
            raise InputError(f"{other} and {path} would both be {name}: --per a size makes files of datasets")
        names[path] = name
    return names


def _parts(path: str) -> tuple[str, ...]:
    """Parts of a path, or of that of a URL."""
    plain = urlsplit(path).path if is_remote(path) else str(Path(path).absolute())
    return tuple(part for part in PurePosixPath(plain).parts if part != "/")
