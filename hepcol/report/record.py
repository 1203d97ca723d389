"""Everything that the output folder of a run tells of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import hist

from hepcol import store
from hepcol.errors import InputError
from hepcol.ledger import ChunkRecord, FileRecord
from hepcol.rowsample import RowSample


@dataclass(frozen=True, eq=False)
class RunRecord:
    """A run as its folder tells it.

    Parameters
    ----------
    folder : Path
        The folder.
    histograms : mapping
        By dataset and name.
    summary, provenance : mapping
        As in the files.
    files : sequence of FileRecord
        What was found in each file.
    chunks : sequence of ChunkRecord
        What became of each chunk.
    """

    folder: Path
    histograms: Mapping[tuple[str, ...], hist.Hist]
    summary: Mapping[str, Any]
    provenance: Mapping[str, Any]
    files: Sequence[FileRecord]
    chunks: Sequence[ChunkRecord]

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets, in the order of the files."""
        return list(dict.fromkeys(file["dataset"] for file in self.provenance.get("files", ())))

    @property
    def added(self) -> Mapping[str, Sequence[str]]:
        """Names of files and folders that commands have added, by what they are."""
        return dict(self.summary.get(store.ADDED, {}))

    @cached_property
    def samples(self) -> Mapping[str, Mapping[str, RowSample]]:
        """Samples of rows by dataset and name; read when they are first asked for."""
        return store.read_samples(self.folder)


def read_run(folder: str | Path) -> RunRecord:
    """Read the output folder of a run.

    Raises
    ------
    InputError
        If it has none, or one that has not come to its end.
    """
    path = Path(folder)
    if not (path / store.SUMMARY).exists() and store.has_snapshot(path):
        raise InputError(f"{path}: the run there was interrupted: hepcol retry {path} continues it")
    histograms, summary = store.read(path)
    return RunRecord(path, histograms, summary, store.read_provenance(path), *store.read_ledger(path))
