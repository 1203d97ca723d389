"""Results of several runs of one processor, added as if one run had processed all of their files."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hepcol import fileset as filesets
from hepcol.deposit import files_of
from hepcol.errors import InputError
from hepcol.execution.account import IncompleteRun, Run
from hepcol.execution.chunk import one_line
from hepcol.execution.conclusion import Account, conclude
from hepcol.execution.identity import fileset_digest, identify
from hepcol.execution.joinedfiles import joined_chunks, joined_fileset, joined_records
from hepcol.execution.merging import merged
from hepcol.execution.part import FILES, MERGED, Part, read_parts
from hepcol.execution.progress import ProgressBar
from hepcol.execution.repetition import processor_of
from hepcol.fileset import Fileset
from hepcol.ledger import FileRecord, close
from hepcol.outputfolder import OutputFolder
from hepcol.provenance import describe

_TIMES = ("start_s", "open_s", "process_s")
_SHORTEST_S = 1e-6


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
        parts = read_parts(folders, Path(output))
        inputs = joined_fileset(parts)
        processor = processor_of(parts[0].provenance)
        _check_processor(processor, parts[0], inputs)
        found = joined_records(parts, inputs)
        chunks = joined_chunks(parts, found)
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


def _sum(parts: Sequence[Part]) -> Any:
    """Add the outputs."""
    outputs = [part.out for part in parts if part.out is not None]
    try:
        return merged(outputs) if outputs else None
    except Exception as error:  # whatever the processor's types raise
        names = ", ".join(str(part.folder) for part in parts)
        raise InputError(f"the results of {names} do not merge: {one_line(error)}") from error


def _check_processor(processor: Any, part: Part, inputs: Fileset) -> None:
    """Refuse a processor that would end the sum, or take its files, in another way than it did those of the runs."""
    now = identify(processor, inputs)
    if now["code"] != part.provenance["identity"]["code"]:
        raise InputError(f"the code of {now['processor']} has changed since it made {part.folder}: run it again")
    again = filesets.arranged(processor, inputs)
    if again != inputs:
        raise InputError(f"{now['processor']} would arrange the files of all runs in another way than those of each")


def _provenance(processor: Any, parts: Sequence[Part], inputs: Fileset, found: list[FileRecord]) -> dict[str, Any]:
    """Describe what makes the sum; the runs that it is made of tell the rest."""
    told = describe(
        processor,
        found,
        executor=MERGED,
        chunksize=None,
        identity={**parts[0].provenance["identity"], FILES: fileset_digest(inputs)},
        fileset=filesets.describe(inputs),
        continued=False,
        merged=[part.origin() for part in parts],
    )
    return told | {"directory": parts[0].provenance["directory"]}  # which relative paths are meant from


def _times(parts: Sequence[Part], write_s: float) -> dict[str, float]:
    """Add up the times of the runs, and what merging took."""
    times = {name: sum(part.summary.get(name, 0.0) for part in parts) for name in _TIMES}
    events = sum(part.summary["events"]["processed"] for part in parts)
    return times | {
        "write_s": write_s,
        "wall_s": sum(times.values()) + write_s,
        "events_per_s": events / max(times["process_s"], _SHORTEST_S),
    }
