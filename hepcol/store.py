"""The output folder: written as a whole or not at all, and read back."""

import json
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

import hist

from hepcol.errors import InputError
from hepcol.histogram_files import escape, read_zip, write_root, write_zip
from hepcol.ledger import ChunkRecord, FileRecord, to_json
from hepcol.lock import LOCK, locked, take
from hepcol.spectra import Contents

HISTOGRAMS_ZIP = "histograms.zip"
HISTOGRAMS_ROOT = "histograms.root"
SUMMARY = "summary.json"
LEDGER = "ledger.jsonl"
PROVENANCE = "provenance.json"
PLOTS = "plots"
PLOT_FORMATS = ("png", "pdf")
FIT = "fit"  # in the summary, and at the beginning of the names of what fits add
OURS = (HISTOGRAMS_ZIP, HISTOGRAMS_ROOT, SUMMARY, LEDGER, PROVENANCE, PLOTS)
PARTIAL = ".partial"  # a folder, since a ROOT file holds its own name


class OutputFolder:
    """The folder of one run; without a path, it takes everything and writes nothing.

    The ledger is written as the run goes, in a folder of its own. Everything else is written there at the end, and
    then all of it takes its place.
    """

    def __init__(self, path: Path | None, created: tuple[Path, ...]) -> None:
        self.path = path
        self._created = created
        self._lock = threading.Lock()
        self._ledger: IO[str] | None = None
        self._complete = False
        if path is not None:
            shutil.rmtree(path / PARTIAL, ignore_errors=True)
            (path / PARTIAL).mkdir()
            self._ledger = (path / PARTIAL / LEDGER).open("w")

    @classmethod
    @contextmanager
    def prepare(cls, path: str | Path | None, force: bool) -> Iterator[Self]:
        """Make and lock the folder; if nothing is written in the end, leave what was there before.

        Raises
        ------
        InputError
            If the folder has results and ``force`` is not set, is in use, or cannot be written.
        """
        if path is None:
            yield cls(None, ())
            return
        folder = Path(path)
        created = _make(folder)
        try:
            _check_free(folder, force)
            take(folder)
        except InputError:
            _remove(created)
            raise
        try:
            store = cls(folder, created)
        except OSError as error:
            (folder / LOCK).unlink()
            raise InputError(f"output folder {folder} cannot be written: {error}") from error
        try:
            yield store
        finally:
            store.release()

    def record(self, record: ChunkRecord | FileRecord) -> None:
        """Append a record to the ledger; from any thread."""
        if self._ledger is None:
            return
        with self._lock:
            if self._ledger.closed:  # Dask may deliver a record late: it was counted from the result
                return
            self._ledger.write(to_json(record) + "\n")
            self._ledger.flush()

    def write_histograms(self, contents: Contents) -> None:
        """Write the histograms; those that ROOT has no class for are noted as such."""
        if self.path is None:
            return
        write_zip(self.path / PARTIAL / HISTOGRAMS_ZIP, contents.histograms)
        for name, reason in write_root(self.path / PARTIAL / HISTOGRAMS_ROOT, contents.histograms).items():
            contents.others[name] = f"{reason}; it is in {HISTOGRAMS_ZIP} only"

    def finish(
        self, summary: dict[str, Any], provenance: dict[str, Any], records: Sequence[ChunkRecord | FileRecord]
    ) -> None:
        """Write the rest, and put all of it in place of what was in the folder.

        The ledger is written anew from what counted: what was heard on the way may lack a record or repeat one.
        """
        if self.path is None or self._ledger is None:
            return
        partial = self.path / PARTIAL
        for name, content in ((SUMMARY, summary), (PROVENANCE, provenance)):
            (partial / name).write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
        self._ledger.close()
        (partial / LEDGER).write_text("".join(to_json(record) + "\n" for record in records))
        self._remove_plots()
        for name in (HISTOGRAMS_ZIP, HISTOGRAMS_ROOT, LEDGER, PROVENANCE, SUMMARY):
            (partial / name).replace(self.path / name)
        self._complete = True

    def _remove_plots(self) -> None:
        """Remove the plots of the histograms that are to be replaced, and nothing else."""
        if self.path is None or not (self.path / HISTOGRAMS_ZIP).exists():
            return
        try:
            replaced = read_zip(self.path / HISTOGRAMS_ZIP)
        except InputError:  # broken results are there to be replaced, too
            return
        for name in replaced:
            for plot in plot_paths(self.path, name):
                plot.unlink(missing_ok=True)
        _remove_fits(self.path)

    def release(self) -> None:
        """Unlock; remove what is half-written, and the folder if this run made it for nothing."""
        if self.path is None or self._ledger is None:
            return
        self._ledger.close()
        shutil.rmtree(self.path / PARTIAL, ignore_errors=True)
        (self.path / LOCK).unlink(missing_ok=True)
        if not self._complete:
            _remove(self._created)


def plot_paths(folder: Path, name: tuple[str, ...]) -> list[Path]:
    """Where the plots of a histogram are, in each format."""
    place = (folder / PLOTS).joinpath(*map(escape, name))
    return [place.with_name(f"{place.name}.{extension}") for extension in PLOT_FORMATS]


def fit_name(model: str) -> str:
    """Name of the file with the full record of the fits with a model."""
    return f"{FIT}_{model}.json"


def fit_plots(folder: Path, dataset: str, model: str) -> Path:
    """Where the plots of the fits of a dataset with a model are."""
    return folder / PLOTS / escape(dataset) / f"{FIT}_{model}"


def add_fit(folder: Path, model: str, told: dict[str, Any], record: dict[str, Any]) -> None:
    """Add fits to a run: what the summary tells of them, and their full record; earlier ones with the model go.

    Raises
    ------
    InputError
        If the folder is in use or cannot be written.
    """
    try:
        with locked(folder):
            _, summary = read(folder)
            summary.setdefault(FIT, {})[model] = told
            for name, content in ((fit_name(model), record), (SUMMARY, summary)):
                _replace(folder / name, json.dumps(content, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise InputError(f"output folder {folder} cannot be written: {error.strerror or error}") from error


def _replace(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _remove_fits(folder: Path) -> None:
    """Remove the fits of histograms that are to be replaced, as the summary lists them."""
    try:
        fits = json.loads((folder / SUMMARY).read_text()).get(FIT, {})
    except (OSError, json.JSONDecodeError, AttributeError):
        return
    for model, told in fits.items():
        (folder / fit_name(model)).unlink(missing_ok=True)
        for dataset in told["datasets"]:
            shutil.rmtree(fit_plots(folder, dataset, model), ignore_errors=True)


def _make(folder: Path) -> tuple[Path, ...]:
    """Make a folder and its parents; return those that were not there, the innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"output folder {folder} cannot be written: {error.strerror or error}") from error
    return tuple(missing)


def _remove(folders: tuple[Path, ...]) -> None:
    """Remove folders that are empty."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _check_free(folder: Path, force: bool) -> None:
    """Refuse a folder with results, unless they may be replaced, and one whose files only are called like ours."""
    there = sorted(path.name for path in folder.iterdir() if path.name not in (LOCK, PARTIAL))
    named_alike = [name for name in there if name in OURS]
    if force and named_alike and SUMMARY not in there:
        raise InputError(
            f"output folder {folder} has {', '.join(named_alike)}, but no {SUMMARY}: it is not hepcol's, choose another"
        )
    if there and not force:
        raise InputError(f"output folder {folder} has {', '.join(there[:3])} in it: choose another, or give --force")


def read(folder: str | Path) -> tuple[dict[tuple[str, ...], hist.Hist], dict[str, Any]]:
    """Read the histograms and the summary of a run.

    Raises
    ------
    InputError
        If the folder has none.
    """
    path = Path(folder)
    for name in (HISTOGRAMS_ZIP, SUMMARY):
        if not (path / name).is_file():
            raise InputError(f"{path}: no {name} there; expected the output folder of 'hepcol run'")
    try:
        summary = json.loads((path / SUMMARY).read_text())
    except json.JSONDecodeError as error:
        raise InputError(f"{path / SUMMARY}: not JSON: {error}") from error
    if not (isinstance(summary, dict) and {"complete", "events"} <= set(summary)):
        raise InputError(f"{path / SUMMARY}: not the summary of a run")
    return read_zip(path / HISTOGRAMS_ZIP), summary


def read_provenance(folder: str | Path) -> dict[str, Any]:
    """Read what made a run.

    Raises
    ------
    InputError
        If the folder does not tell.
    """
    path = Path(folder) / PROVENANCE
    try:
        provenance = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not (isinstance(provenance, dict) and {"processor", "options"} <= set(provenance)):
        raise InputError(f"{path}: not the provenance of a run")
    return provenance
