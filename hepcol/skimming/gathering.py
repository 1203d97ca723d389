"""What is made of the files of chunks when a skim is complete: its files, and the index that tells of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from hepcol.chunkfiles import ChunkFile
from hepcol.events import open_file, read_events
from hepcol.fileset import Fileset, describe
from hepcol.formats import TREE_CLASSES, identify
from hepcol.gathered import Gathered
from hepcol.ledger import FileRecord
from hepcol.skimfolder import EVENTS, FORMAT, INDEX, PARTS, VERSION
from hepcol.skimming import assembly
from hepcol.skimming.branches import FileFormat
from hepcol.skimming.content import Head, read_head
from hepcol.skimming.size import CHUNK, FILE, Per

_LOOKED_AT = 3  # files


class Skims(Protocol):
    """What is to be known of how it is skimmed."""

    format: FileFormat

    @property
    def parts(self) -> Per:
        """What a file is made of."""

    @property
    def left_out(self) -> Mapping[str, str]:
        """Columns that a pattern names and that cannot be written, and why."""

    @property
    def selection(self) -> Any:
        """The analysis whose selection is made, if there is one."""


def gather(
    skim: Skims,
    files: Sequence[tuple[ChunkFile, Path]],
    found: Sequence[FileRecord],
    empty: Sequence[tuple[FileRecord, Head]],
    inputs: Fileset,
    target: Path,
) -> Gathered:
    """Put the files of all chunks together.

    Parameters
    ----------
    skim : Skims
        How it is skimmed.
    files : sequence of (ChunkFile, Path)
        Files of chunks, in order, and where they are.
    found : sequence of FileRecord
        The files that were read.
    empty : sequence of (FileRecord, Head)
        Those without events, and what there is of them.
    inputs : Fileset
        The datasets.
    target : Path
        Folder to write below.
    """
    trees = {(record.dataset, record.path): record.tree for record in found}
    position = {key: number for number, key in enumerate(trees)}
    if skim.parts.what == CHUNK:
        kept = tuple(file for file, _ in files)
        made = [_listed(file, trees[file.dataset, file.source]) for file in kept]
        heads: list[tuple[str, Head]] = []
    else:
        kept = tuple(file for file, _ in files if file.kind != PARTS)
        made = []
        heads = [(trees[file.dataset, file.source], read_head(path)) for file, path in files if file.kind == PARTS]
    heads += [(record.tree, head) for record, head in empty]
    heads.sort(key=lambda one: position[one[1].note.dataset, one[1].direct.path])  # chunks stay in order
    if heads and skim.parts.what in (CHUNK, FILE):
        arranges = callable(getattr(skim.selection, "arrange", None))
        planned = assembly.per_file(heads, skim.format, arranges)
    else:
        planned = assembly.per_size(heads, skim.parts.size, skim.format)
    written = assembly.write(target, {f"{EVENTS}/{name}": those for name, those in planned.items()}, skim.format)
    told = _index(skim, [*made, *written], inputs)
    (target / INDEX).write_text(json.dumps(told, indent=1, allow_nan=False) + "\n")
    names = (*(file["path"] for file in written), INDEX)
    totals = {
        "files": len(told["files"]),
        "bytes": sum(file["size"] for file in told["files"]),
        "events": sum(tree["events"] for file in told["files"] for tree in file["trees"].values()),
        "format": skim.format.value,
        "opens": _opens(skim, [target / file["path"] for file in written] or [path for _, path in files]),
        "left_out": dict(skim.left_out),
    }
    return Gathered(names, kept, {"skim": totals})


def _listed(file: ChunkFile, tree: str) -> dict[str, Any]:
    """Say what is in the file of a chunk."""
    trees = {tree: {"dataset": file.dataset, "events": file.counts["events"]}}
    return {"path": file.name, "size": file.size, "sha256": file.sha256, "uuid": "", "trees": trees}


def _index(skim: Skims, files: list[dict[str, Any]], inputs: Fileset) -> dict[str, Any]:
    datasets: Mapping[str, Any] = describe(inputs)
    return {
        "format": FORMAT,
        "version": VERSION,
        "writes": skim.format.value,
        "datasets": {name: {"metadata": dataset["metadata"]} for name, dataset in datasets.items()},
        "files": files,
    }


def _opens(skim: Skims, paths: Sequence[Path]) -> str:
    """Open what was written, and say how it does."""
    if skim.format is FileFormat.PARQUET:
        return "opens in other tools as plain columns; hepcol runs over ttree and rntuple"
    schemas: dict[str, None] = {}
    for path in paths[:_LOOKED_AT]:
        with open_file(path) as directory:
            for tree in [name for name, kind in directory.classnames(cycle=False).items() if kind in TREE_CLASSES]:
                layout = identify(directory, tree)
                schemas[layout.format.schema] = None
                try:
                    read_events(directory, layout, 0, 0, {})
                except Exception as error:  # noqa: BLE001  (whatever a schema says of columns that it lacks)
                    reason = " ".join(str(error).split())
                    return f"does NOT open with {layout.format.schema}: {reason:.200}; keep more columns"
    return f"opens in hepcol with {', '.join(schemas)} as the input does, in other tools as plain columns"
