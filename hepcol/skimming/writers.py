"""Writers of the files of a skim: TTree, RNTuple and parquet."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import UUID

import awkward as ak
import numpy as np

from hepcol.errors import InputError
from hepcol.rootwriting import recreate
from hepcol.skimming.branches import Branch, FileFormat
from hepcol.skimnote import KEY, TreeNote, to_text

ROWS = 1 << 16  # of a basket, or of a group of rows: no matter what the chunks were


class TreeFile(Protocol):
    """A file that is being written."""

    def write(self, tree: str, branches: Sequence[Branch], rows: Iterable[ak.Array], /) -> None:
        """Write a tree of batches of rows, of which the first may have none."""


@contextmanager
def open_file(
    file: Path | IO[bytes], to: FileFormat, notes: Mapping[str, TreeNote], uuid: UUID, further: Mapping[str, str]
) -> Iterator[TreeFile]:
    """Write a file.

    Parameters
    ----------
    file : Path or file
        Where.
    to : FileFormat
        Its format.
    notes : mapping of str to TreeNote
        What it tells of each of its trees; a parquet file has one.
    uuid : UUID
        Of a ROOT file.
    further : mapping of str to str
        Texts that go with it, by their names.
    """
    if to is FileFormat.PARQUET:
        yield _Parquet(file, notes, further)
        return
    import uproot

    # zlib at level 1, uproot's own choice, takes three times as long for 6 % less
    with recreate(file, uuid, uproot.ZSTD(1)) as root:
        yield _TTrees(root) if to is FileFormat.TTREE else _RNTuples(root)
        for name, text in {**further, KEY: to_text(notes)}.items():
            root[name] = text


def batches(parts: Iterable[ak.Array], rows: int = ROWS) -> Iterator[ak.Array]:
    """Put parts together in batches of a number of rows; the last has what is left, and one comes in any case."""
    kept: list[ak.Array] = []
    count, came = 0, False
    for part in parts:
        kept.append(part)
        count += len(part)
        while count >= rows:
            joined = kept[0] if len(kept) == 1 else ak.concatenate(kept)
            yield ak.to_packed(joined[:rows])
            kept, count, came = [joined[rows:]], count - rows, True
    if count or not came:
        yield ak.to_packed(kept[0] if len(kept) == 1 else ak.concatenate(kept))


class _TTrees:
    """A ROOT file of TTrees."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def write(self, tree: str, branches: Sequence[Branch], rows: Iterable[ak.Array], /) -> None:
        written = None
        for batch in rows:
            columns, counters, members = _grouped(batch, branches)
            if written is None:
                written = self._root.mktree(
                    tree,
                    {name: array.type.content for name, array in columns.items()},
                    counter_name=lambda counted, names=counters: names[counted],
                    field_name=lambda outer, inner, names=members: names[outer, inner],
                )
            if len(batch):  # of nothing, uproot writes a basket that it cannot read
                written.extend(columns)


def _grouped(
    batch: ak.Array, branches: Sequence[Branch]
) -> tuple[dict[str, ak.Array], dict[str, str], dict[tuple[str, str], str]]:
    """Put the columns of the same objects together, which then share the numbers of these.

    Returns
    -------
    columns, counters, members
        Columns as uproot takes them, what the branch with the numbers of objects of each is called, and what each of
        its members is called.
    """
    by_counter: dict[str, list[str]] = {}
    columns: dict[str, ak.Array] = {}
    for branch in branches:
        if branch.counter:
            by_counter.setdefault(branch.counter, []).append(branch.name)
        else:
            columns[branch.name] = batch[branch.name]
    counters: dict[str, str] = {}
    members: dict[tuple[str, str], str] = {}
    for counter, names in by_counter.items():
        # uproot keys names on what it is given, so these are numbers, and not names that another column may have
        numbered = {str(number): name for number, name in enumerate(names)}
        objects = f"objects of {counter}"
        columns[objects] = _same_objects(counter, {number: batch[name] for number, name in numbered.items()}, numbered)
        counters[objects] = counter
        members |= {(objects, number): name for number, name in numbered.items()}
    return columns, counters, members


def _same_objects(counter: str, arrays: Mapping[str, ak.Array], names: Mapping[str, str]) -> ak.Array:
    """Make lists of records of lists, which have to have as many objects."""
    layouts = {number: ak.to_packed(array).layout.to_ListOffsetArray64(True) for number, array in arrays.items()}
    first = next(iter(layouts))
    offsets = layouts[first].offsets
    for number, layout in layouts.items():
        if not np.array_equal(layout.offsets.data, offsets.data):
            raise InputError(
                f"columns {names[first]} and {names[number]} share {counter}, but have other numbers of objects"
            )
    contents = [layout.content[: offsets[-1]] for layout in layouts.values()]
    record = ak.contents.RecordArray(contents, list(layouts), length=int(offsets[-1]))
    return ak.Array(ak.contents.ListOffsetArray(offsets, record))


class _RNTuples:
    """A ROOT file of RNTuples."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def write(self, tree: str, _branches: Sequence[Branch], rows: Iterable[ak.Array], /) -> None:
        written = None
        for batch in rows:
            if written is None:
                written = self._root.mkrntuple(tree, batch.layout.form)
            if len(batch):
                written.extend(batch)


class _Parquet:
    """A parquet file, of which each batch is a group of rows."""

    def __init__(self, file: Path | IO[bytes], notes: Mapping[str, TreeNote], further: Mapping[str, str]) -> None:
        self._file = file
        self._texts = {**further, KEY: to_text(notes)}

    def write(self, _tree: str, _branches: Sequence[Branch], rows: Iterable[ak.Array], /) -> None:
        import pyarrow as pa
        import pyarrow.parquet

        writer = None
        for batch in rows:
            arrays = {name: ak.to_arrow(batch[name], extensionarray=False) for name in batch.fields}
            table = pa.table(arrays).replace_schema_metadata(self._texts)
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(self._file, table.schema, compression="zstd")
            writer.write_table(table, row_group_size=ROWS)
        if writer is not None:
            writer.close()
