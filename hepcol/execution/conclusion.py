"""How a run, or several that were merged, ends: the result made of what the chunks gave, and written."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from hepcol.chunkfiles import ChunkFile
from hepcol.deposit import files_of
from hepcol.execution.account import Run, check_counts, summarise, summarise_files
from hepcol.execution.code import short
from hepcol.fileset import Fileset
from hepcol.gathered import Gathered
from hepcol.ledger import ChunkRecord, Closure, FileRecord
from hepcol.outputfolder import OutputFolder
from hepcol.result import Result
from hepcol.rowsample import RowSample
from hepcol.spectra import Contents, collect
from hepcol.store import GATHERED


@dataclass(frozen=True, eq=False)
class Account:
    """What the chunks gave, and where.

    Parameters
    ----------
    out : Any
        The merged output of those that were done; None if none was.
    found : list of FileRecord
        What was found in each file.
    chunks : list of ChunkRecord
        What became of each chunk, in the order of the files.
    closure : Closure
        Events by what became of them.
    executor : str
        How it was worked.
    workers : int
        By how many.
    stopped : str
        Why it ended early; empty if it did not.
    """

    out: Any
    found: list[FileRecord]
    chunks: list[ChunkRecord]
    closure: Closure
    executor: str
    workers: int
    stopped: str = ""


@dataclass(frozen=True, eq=False)
class Conclusion:
    """A run, and what is to be written of it.

    Parameters
    ----------
    run : Run
        The run.
    contents : Contents
        Its histograms, and what has no place in files.
    files : list of ChunkFile
        Its files of chunks, in the order of their index.
    """

    run: Run
    contents: Contents
    files: list[ChunkFile]

    @property
    def not_written(self) -> dict[str, str]:
        """What has no place in the files, by name; what ROOT has no class for, once it was written."""
        return {"/".join(name): what for name, what in self.contents.others.items()}

    def gather(self, folder: OutputFolder, gather: Callable[..., Gathered], inputs: Fileset) -> None:
        """Let the processor put files of chunks together."""
        self.files[:] = folder.gather(gather, self.files, self.run.files, inputs)
        self.run.summary["files"] = summarise_files(self.files)
        self.run.summary.update({**folder.gathered.told, GATHERED: list(folder.gathered.names)})

    def write(self, folder: OutputFolder) -> None:
        """Write the histograms and samples."""
        folder.write_histograms(self.contents)
        folder.write_samples(_samples(self.run.result))

    def finish(self, folder: OutputFolder, provenance: dict[str, Any]) -> None:
        """Write the rest, and put all of it in its place."""
        identity = short(json.dumps(provenance["identity"], sort_keys=True))
        folder.finish(self.run.summary, provenance, [*self.run.files, *self.run.chunks], self.files, identity)


def conclude(account: Account, processor: Any) -> Conclusion:
    """Make the result of what the chunks gave, and hold it against the ledger."""
    found, closure = account.found, account.closure
    files = sorted(files_of(account.out), key=_file_order(found))  # before postprocess, as the chunks are
    result = None if account.out is None else _postprocess(processor, account.out)
    check_counts(result, closure)
    position = {name: number for number, name in enumerate(dict.fromkeys(file.dataset for file in found))}

    def in_order(named: Mapping[Any, Any], dataset_of: Callable[[Any], str]) -> dict[Any, Any]:
        """Sort by dataset: chunks come in any order, and their datasets with them."""
        return dict(sorted(named.items(), key=lambda item: position.get(dataset_of(item[0]), len(position))))

    if isinstance(result, Result):
        result = Result(in_order(result, str))
    contents = Contents() if account.out is None else collect(result)
    contents.histograms = in_order(contents.histograms, itemgetter(0))
    contents.values = in_order(contents.values, itemgetter(0))
    summary = summarise(closure, result, found, account.chunks) | {
        "executor": account.executor,
        "workers": account.workers,
        "stopped": account.stopped,
        "values": {"/".join(name): value for name, value in contents.values.items()},
        "files": summarise_files(files),
        "samples": {
            f"{dataset}/{name}": len(sample)
            for dataset, samples in _samples(result).items()
            for name, sample in samples.items()
        },
        "draws": callable(getattr(processor, "draw", None)),
    }
    return Conclusion(Run(result, closure, tuple(found), tuple(account.chunks), summary), contents, files)


def chunk_order(found: list[FileRecord]) -> Callable[[ChunkRecord], tuple[int, int]]:
    """Sort chunks, which arrive in any order, as they are in the files."""
    position = {(file.dataset, file.path): number for number, file in enumerate(found)}
    return lambda record: (position[record.dataset, record.path], record.start)


def _file_order(found: list[FileRecord]) -> Callable[[ChunkFile], tuple[int, int, str]]:
    """Sort files of chunks likewise."""
    position = {(file.dataset, file.path): number for number, file in enumerate(found)}
    return lambda file: (position.get((file.dataset, file.source), len(position)), file.start, file.name)


def _samples(result: Any) -> dict[str, Mapping[str, RowSample]]:
    """Return the samples of rows in a result of hepcol, by dataset; others have none."""
    return {name: part.samples for name, part in result.items()} if isinstance(result, Result) else {}


def _postprocess(processor: Any, result: Any) -> Any:
    """Apply the processor's own postprocess, which may change its argument or return another."""
    postprocess = getattr(processor, "postprocess", None)
    changed = postprocess(result) if callable(postprocess) else None
    return result if changed is None else changed
