"""The files of several runs and what was found in them, joined as if they were those of one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hepcol import fileset as filesets
from hepcol.errors import InputError
from hepcol.execution.conclusion import chunk_order
from hepcol.execution.cutting import FileKey
from hepcol.execution.part import Part
from hepcol.fileset import Fileset
from hepcol.ledger import ChunkRecord, FileRecord


def joined_fileset(parts: Sequence[Part]) -> Fileset:
    """Join the filesets of the runs, one after the other.

    Raises
    ------
    InputError
        If an entry of a file is in two runs, or a dataset is another one in each.
    """
    _check_directories(parts)
    inputs: Fileset = {}
    origin: dict[FileKey, Part] = {}
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


def _check_directories(parts: Sequence[Part]) -> None:
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


def _check_metadata(name: str, before: filesets.Dataset | None, now: filesets.Dataset, part: Part) -> None:
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
    dataset: str, first: tuple[filesets.InputFile, Part], second: tuple[filesets.InputFile, Part]
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


def _ranges(dataset: str, file: filesets.InputFile, part: Part) -> tuple[tuple[int, int], ...] | None:
    """Entries that a run was to process of a file; None if it could not read it."""
    found = next((one for one in part.files if (one.dataset, one.path) == (dataset, file.path)), None)
    if found is None or found.entries is None:
        return None
    return file.steps or ((0, found.entries),)


def joined_records(parts: Sequence[Part], inputs: Fileset) -> list[FileRecord]:
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


def joined_chunks(parts: Sequence[Part], found: list[FileRecord]) -> list[ChunkRecord]:
    """Join the records of chunks; those of no events are of datasets that have none."""
    with_events = {file.dataset for file in found if file.entries}
    joined = [chunk for part in parts for chunk in part.chunks if chunk.events or chunk.dataset not in with_events]
    return sorted(joined, key=chunk_order(found))
