"""A run that is to be added to others: its exact sums, files and chunks."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepcol import archive, store
from hepcol import fileset as filesets
from hepcol.errors import InputError
from hepcol.execution.identity import differences
from hepcol.fileset import Fileset
from hepcol.ledger import ChunkRecord, FileRecord, Status, from_json

MERGED = "merged"  # in the summary, as its executor, and in provenance: the runs
FILES = "fileset"  # in the identity of a run: what may differ
_ORIGIN = ("created", "host", "command", "git_commit", "executor", MERGED)


@dataclass(frozen=True, eq=False)
class Part:
    """A run that is to be added to others.

    Parameters
    ----------
    folder : Path
        Its output folder.
    out : Any
        The merged output of its chunks; None if none was done.
    provenance, summary : dict
        What made it, and what it gave.
    files : tuple of FileRecord
        What was found in its files.
    chunks : tuple of ChunkRecord
        What became of its chunks.
    """

    folder: Path
    out: Any
    provenance: dict[str, Any]
    summary: dict[str, Any]
    files: tuple[FileRecord, ...]
    chunks: tuple[ChunkRecord, ...]

    @property
    def fileset(self) -> Fileset:
        """Its files, arranged as they were."""
        told = self.provenance.get("fileset")
        if not told:
            raise InputError(
                f"{self.folder}: its provenance does not tell the fileset, whose metadata JSON cannot hold"
            )
        return filesets.resolve(told)

    def origin(self) -> dict[str, Any]:
        """Tell what the merged run is made of."""
        path = self.folder / store.RESULT
        return {
            "folder": str(self.folder.resolve()),
            **{name: self.provenance[name] for name in _ORIGIN if name in self.provenance},
            "complete": self.summary["complete"],
            "events": self.summary["events"]["processed"],
            "result_sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None,
        }


def read_parts(folders: Sequence[str | Path], output: Path) -> list[Part]:
    """Read the runs, and see that they are of one kind."""
    paths = list(map(Path, folders))
    places = [path.resolve() for path in paths]
    if len(set(places)) < max(2, len(places)):
        raise InputError(f"merge needs two different runs or more, got {', '.join(map(str, paths)) or 'none'}")
    if output.resolve() in places:
        raise InputError(f"output folder {output} is that of a run to be merged, which would be lost: choose another")
    parts = [_read(path) for path in paths]
    first = parts[0]
    for part in parts[1:]:
        differ = differences(*(_without_files(one.provenance["identity"]) for one in (first, part)))
        if differ:
            raise InputError(f"{part.folder} cannot be added to {first.folder}: {'; '.join(differ)}")
    return parts


def _read(folder: Path) -> Part:
    """Read a run with its exact sums."""
    if store.has_snapshot(folder):
        raise InputError(f"{folder}: has an interrupted run in it: hepcol retry {folder} finishes it")
    summary, provenance = store.read_summary(folder), store.read_provenance(folder)
    if summary.get(store.GATHERED):
        raise InputError(f"{folder}: a skim, whose files are whole: give it to hepcol run together with the others")
    files, chunks = store.read_ledger(folder)
    processed = summary["events"]["processed"]
    if not (folder / store.RESULT).exists():
        if processed:
            raise InputError(
                f"{folder}: no {store.RESULT} there, without which sums are not exact: an earlier hepcol made the run, "
                "or its result has something that no archive holds; run it again"
            )
        return Part(folder, None, provenance, summary, tuple(files), tuple(chunks))
    out, about = archive.read(folder / store.RESULT)
    done = [record for record in map(from_json, about["done"]) if isinstance(record, ChunkRecord)]
    files = [record for record in map(from_json, about["files"]) if isinstance(record, FileRecord)]
    if sum(record.events for record in done) != processed:
        raise InputError(f"{folder}: {store.RESULT} and {store.SUMMARY} are of different runs; run it again")
    rest = [record for record in chunks if record.status is not Status.DONE]
    return Part(folder, out, about["provenance"], summary, tuple(files), (*done, *rest))


def _without_files(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in identity.items() if name != FILES}
