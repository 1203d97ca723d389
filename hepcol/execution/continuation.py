"""What an earlier run has done, and whether this one may go on with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hepcol.errors import InputError
from hepcol.execution.cutting import FileKey
from hepcol.execution.identity import differences
from hepcol.ledger import FileRecord
from hepcol.outputfolder import Earlier, OutputFolder


def continued(folder: OutputFolder, identity: dict[str, Any], force: bool) -> Earlier:
    """Return what the run in a folder has done; nothing, if this is another one.

    Raises
    ------
    InputError
        If its result depends on what has changed since.
    """
    earlier = folder.earlier
    if earlier is None:
        return Earlier(None, identity, (), ())
    changed = differences(earlier.identity, identity)
    if changed and not force:
        raise InputError(
            f"output folder {folder.path}: the run there cannot be continued, for {'; '.join(changed)} "
            "(--force continues it all the same)"
        )
    return earlier


def joined(found: list[FileRecord], earlier: Earlier, force: bool) -> list[FileRecord]:
    """Join what was found in files with what was found in those whose events are in the run that is continued.

    Such a file may be gone: what is left of it fails chunk by chunk, and if nothing is left, nothing is missing.

    Raises
    ------
    InputError
        If such a file is another one now, and that is not forced.
    """
    begun = {(chunk.dataset, chunk.path) for chunk in earlier.done}
    before = {(file.dataset, file.path): file for file in earlier.files if (file.dataset, file.path) in begun}
    joined = []
    for file in found:
        then = before.pop((file.dataset, file.path), None)
        changed = None if then is None or file.entries is None or force else _changed(then, file)
        if changed:
            raise InputError(
                f"{file.path}: has {changed[0]}, but the run that is to be continued read it with {changed[1]} "
                "(--force continues it all the same)"
            )
        joined.append(then if then is not None and file.entries is None else file)
    return [*joined, *before.values()]  # what is left there are files that are not named any more, which was forced


def _changed(then: FileRecord, now: FileRecord) -> tuple[str, str] | None:
    """Say in what a file is another one now: a sample that is made again may have the UUID that it had."""
    for what, new, old in (
        ("UUID", now.uuid, then.uuid),
        ("entries", now.entries, then.entries),
        ("bytes", now.size, then.size),
    ):
        if new != old and None not in (new, old):
            return (f"UUID {new}", str(old)) if what == "UUID" else (f"{new} {what}", str(old))
    return None


def recounted(
    found: list[FileRecord], ranges: Mapping[FileKey, Sequence[tuple[int, int]]], earlier: Earlier
) -> list[FileRecord]:
    """Count the entries of files as those that are done and those that are left, whatever has changed in them."""
    done: dict[FileKey, int] = {}
    for chunk in earlier.done:
        done[chunk.dataset, chunk.path] = done.get((chunk.dataset, chunk.path), 0) + chunk.events

    def entries(key: FileKey) -> int:
        return done.get(key, 0) + sum(stop - start for start, stop in ranges.get(key, ()))

    return [
        file if file.entries is None else replace(file, entries=entries((file.dataset, file.path))) for file in found
    ]
