"""Results of several runs of one processor, added as if one run had processed all of their files."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hepcol import archive, store
from hepcol import fileset as filesets
from hepcol.deposit import files_of
from hepcol.errors import InputError
from hepcol.execution.account import IncompleteRun, Run
from hepcol.execution.chunk import one_line
from hepcol.execution.conclusion import Account, chunk_order, conclude
from hepcol.execution.cutting import FileKey
from hepcol.execution.identity import differences, fileset_digest, identify
from hepcol.execution.merging import merged
from hepcol.execution.progress import ProgressBar
from hepcol.execution.repetition import processor_of
from hepcol.fileset import Fileset
from hepcol.ledger import ChunkRecord, FileRecord, Status, close, from_json
from hepcol.outputfolder import OutputFolder
from hepcol.provenance import describe

MERGED = "merged"  # in the summary, as its executor, and in provenance: the runs
_FILES = "fileset"  # in the identity of a run: what may differ
_TIMES = ("start_s", "open_s", "process_s")
_ORIGIN = ("created", "host", "command", "git_commit", "executor", MERGED)
_SHORTEST_S = 1e-6


@dataclass(frozen=True, eq=False)
class _Part:
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


def merge(
    folders: Sequence[str | Path],
    output: str | Path,
    *,
    force: bool = False,
    allow_incomplete: bool = False,
    progress: bool = False,
) -> Run:
    """Add the results of runs of one processor over different files.

    For processors whose sums are exact, the result has the bits of one run over all files.

    Parameters
    ----------
    folders : sequence of str or Path
        Output folders of the runs, complete or not.
    output : str or Path
        Folder for the sum.
    force : bool
        Whether to replace results that are there.
    allow_incomplete : bool
        Whether to return a sum that lacks events, instead of raising.
    progress : bool
        Whether to draw a progress bar on a terminal.

    Returns
    -------
    Run
        The result and the account of it.

    Raises
    ------
    IncompleteRun
        If a run was incomplete; the results are written, and marked.
    InputError
        If the runs are of other processors, options or code, an event is in two of them, or one has no exact sums;
        then nothing is written.
    """
    start = time.perf_counter()
    with ProgressBar(progress) as bar:
        bar.stage("read")
        parts = _read_all(folders, Path(output))
        inputs = _inputs(parts)
        processor = processor_of(parts[0].provenance)
        _check_processor(processor, parts[0], inputs)
        found = _found(parts, inputs)
        chunks = _chunks(parts, found)
        bar.stage("merge")
        out = _sum(parts)
        provenance = _provenance(processor, parts, inputs, found)
        with OutputFolder.prepare(output, force) as folder:
            for part in parts:
                folder.adopt(list(files_of(part.out)), part.folder)
            folder.keep(out, provenance, chunks, found)
            stopped = "; ".join(filter(None, (part.summary.get("stopped", "") for part in parts)))
            concluded = conclude(Account(out, found, chunks, close(found, chunks), MERGED, 1, stopped), processor)
            concluded.write(folder)
            summary = concluded.run.summary
            summary["mark"] = filesets.marks(inputs)
            summary["warnings"] += [*filesets.warnings(inputs), *folder.warnings]
            summary |= {MERGED: [str(part.folder) for part in parts], "not_written": concluded.not_written}
            summary |= _times(parts, time.perf_counter() - start)
            concluded.finish(folder, provenance)
    if not concluded.run.closure.complete and not allow_incomplete:
        raise IncompleteRun(concluded.run)
    return concluded.run


def _read_all(folders: Sequence[str | Path], output: Path) -> list[_Part]:
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


def _read(folder: Path) -> _Part:
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
        return _Part(folder, None, provenance, summary, tuple(files), tuple(chunks))
    out, about = archive.read(folder / store.RESULT)
    done = [record for record in map(from_json, about["done"]) if isinstance(record, ChunkRecord)]
    files = [record for record in map(from_json, about["files"]) if isinstance(record, FileRecord)]
    if sum(record.events for record in done) != processed:
        raise InputError(f"{folder}: {store.RESULT} and {store.SUMMARY} are of different runs; run it again")
    rest = [record for record in chunks if record.status is not Status.DONE]
    return _Part(folder, out, about["provenance"], summary, tuple(files), (*done, *rest))


def _without_files(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in identity.items() if name != _FILES}


def _inputs(parts: Sequence[_Part]) -> Fileset:
    """Join the filesets of the runs, one after the other.

    Raises
    ------
    InputError
        If an entry of a file is in two runs, or a dataset is another one in each.
    """
    _check_directories(parts)
    inputs: Fileset = {}
    origin: dict[FileKey, _Part] = {}
    for part in parts:
        for name, dataset in part.fileset.items():
            before = inputs.get(name)
            _check_metadata(name, before, dataset, part)
            files = {file.path: file for file in (before.files if before else ())}
            for file in dataset.files:
                there = files.get(file.path)
                if there is not None:
                    file = _joined_file(name, (there, origin[name, file.path]), (file, part))  # noqa: PLW2901
                files[file.path] = file
                origin[name, file.path] = part
            inputs[name] = filesets.Dataset(tuple(files.values()), dataset.metadata)
    return filesets.resolve(filesets.describe(inputs))  # which refuses a file that two spellings name


def _check_directories(parts: Sequence[_Part]) -> None:
    """Refuse relative paths that were meant from different folders."""
    places = {str(part.provenance["directory"]): part for part in parts}
    relative = [
        file.path
        for part in parts
        for file in part.files
        if not filesets.is_remote(file.path) and not Path(file.path).is_absolute()
    ]
    if len(places) > 1 and relative:
        raise InputError(
            f"the runs named their files from different folders ({', '.join(places)}), such as {relative[0]}: "
            "run them again with absolute paths"
        )


def _check_metadata(name: str, before: filesets.Dataset | None, now: filesets.Dataset, part: _Part) -> None:
    """Refuse a dataset that is described in another way than in the runs before."""
    if before is None or dict(before.metadata) == dict(now.metadata):
        return
    keys = {**before.metadata, **now.metadata}
    differing = next(key for key in keys if before.metadata.get(key) != now.metadata.get(key))
    raise InputError(
        f"{part.folder}: dataset '{name}' has metadata '{differing}' {now.metadata.get(differing)!r}, and "
        f"{before.metadata.get(differing)!r} in the runs before it"
    )


def _joined_file(
    dataset: str, first: tuple[filesets.InputFile, _Part], second: tuple[filesets.InputFile, _Part]
) -> filesets.InputFile:
    """Join what two runs were to process of one file: different entries, or what one of them could not read."""
    (file, part), (other, other_part) = first, second
    ranges, other_ranges = _ranges(dataset, file, part), _ranges(dataset, other, other_part)
    if ranges is None or other_ranges is None:
        lacks, has = (first, second) if ranges is None else (second, first)
        if has[0].steps not in (None, lacks[0].steps):
            raise InputError(f"{file.path}: {lacks[1].folder} could not read it: hepcol retry {lacks[1].folder} first")
        return has[0]
    for start, stop in ranges:
        for low, high in other_ranges:
            if max(start, low) < min(stop, high):
                raise InputError(
                    f"{file.path}: entries {max(start, low)} to {min(stop, high)} of dataset '{dataset}' are in both "
                    f"{part.folder} and {other_part.folder}"
                )
    if file.steps is None or other.steps is None:  # an empty one
        return file
    return replace(file, steps=tuple(sorted([*ranges, *other_ranges])))


def _ranges(dataset: str, file: filesets.InputFile, part: _Part) -> tuple[tuple[int, int], ...] | None:
    """Entries that a run was to process of a file; None if it could not read it."""
    found = next((one for one in part.files if (one.dataset, one.path) == (dataset, file.path)), None)
    if found is None or found.entries is None:
        return None
    return file.steps or ((0, found.entries),)


def _found(parts: Sequence[_Part], inputs: Fileset) -> list[FileRecord]:
    """Join what was found in files, in the order of the fileset."""
    records: dict[FileKey, FileRecord] = {}
    for record in (record for part in parts for record in part.files):
        before = records.get((record.dataset, record.path))
        records[record.dataset, record.path] = record if before is None else _joined_record(before, record)
    order = {(name, file.path): None for name, dataset in inputs.items() for file in dataset.files}
    return [records[key] for key in {**order, **records} if key in records]


def _joined_record(first: FileRecord, second: FileRecord) -> FileRecord:
    """Join what two runs have found in one file."""
    if first.entries is None or second.entries is None:
        return first if second.entries is None else second
    for what, one, other in (("UUID", first.uuid, second.uuid), ("bytes", first.size, second.size)):
        if one != other and None not in (one, other):
            raise InputError(f"{first.path}: is another file in each run, with {what} {one} and {other}")
    return replace(first, entries=first.entries + second.entries)


def _chunks(parts: Sequence[_Part], found: list[FileRecord]) -> list[ChunkRecord]:
    """Join the records of chunks; those of no events are of datasets that have none."""
    with_events = {file.dataset for file in found if file.entries}
    joined = [chunk for part in parts for chunk in part.chunks if chunk.events or chunk.dataset not in with_events]
    return sorted(joined, key=chunk_order(found))


def _sum(parts: Sequence[_Part]) -> Any:
    """Add the outputs."""
    outputs = [part.out for part in parts if part.out is not None]
    try:
        return merged(outputs) if outputs else None
    except Exception as error:  # whatever the processor's types raise
        names = ", ".join(str(part.folder) for part in parts)
        raise InputError(f"the results of {names} do not merge: {one_line(error)}") from error


def _check_processor(processor: Any, part: _Part, inputs: Fileset) -> None:
    """Refuse a processor that would end the sum, or take its files, in another way than it did those of the runs."""
    now = identify(processor, inputs)
    if now["code"] != part.provenance["identity"]["code"]:
        raise InputError(f"the code of {now['processor']} has changed since it made {part.folder}: run it again")
    again = filesets.arranged(processor, inputs)
    if again != inputs:
        raise InputError(f"{now['processor']} would arrange the files of all runs in another way than those of each")


def _provenance(processor: Any, parts: Sequence[_Part], inputs: Fileset, found: list[FileRecord]) -> dict[str, Any]:
    """Describe what makes the sum; the runs that it is made of tell the rest."""
    told = describe(
        processor,
        found,
        executor=MERGED,
        chunksize=None,
        identity={**parts[0].provenance["identity"], _FILES: fileset_digest(inputs)},
        fileset=filesets.describe(inputs),
        continued=False,
        merged=[part.origin() for part in parts],
    )
    return told | {"directory": parts[0].provenance["directory"]}  # which relative paths are meant from


def _times(parts: Sequence[_Part], write_s: float) -> dict[str, float]:
    """Add up the times of the runs, and what merging took."""
    times = {name: sum(part.summary.get(name, 0.0) for part in parts) for name in _TIMES}
    events = sum(part.summary["events"]["processed"] for part in parts)
    return times | {
        "write_s": write_s,
        "wall_s": sum(times.values()) + write_s,
        "events_per_s": events / max(times["process_s"], _SHORTEST_S),
    }
