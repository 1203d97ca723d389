"""The output folder: written as a whole or not at all, and read back."""

import json
import os
import platform
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
from hepcol.spectra import Contents

HISTOGRAMS_ZIP = "histograms.zip"
HISTOGRAMS_ROOT = "histograms.root"
SUMMARY = "summary.json"
LEDGER = "ledger.jsonl"
PROVENANCE = "provenance.json"
PLOTS = "plots"
PLOT_FORMATS = ("png", "pdf")
OURS = (HISTOGRAMS_ZIP, HISTOGRAMS_ROOT, SUMMARY, LEDGER, PROVENANCE, PLOTS)
LOCK = ".hepcol.lock"
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
            _take_lock(folder)
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


def _take_lock(folder: Path) -> None:
    """Take the lock of a folder; one whose process is gone is stale."""
    lock = folder / LOCK
    mine = {"host": platform.node(), "pid": os.getpid()}
    for _ in range(2):
        try:
            with lock.open("x") as file:
                json.dump(mine, file)
        except FileExistsError:
            holder = _read_lock(lock)
            if holder.get("host") != mine["host"] or _alive(int(holder.get("pid", 0))):
                raise InputError(
                    f"output folder {folder} is in use by process {holder.get('pid')} on {holder.get('host')}; "
                    f"if that is gone, delete {lock}"
                ) from None
            lock.unlink(missing_ok=True)
        else:
            return
    raise InputError(f"output folder {folder} was taken by another run just now")


def _read_lock(lock: Path) -> dict[str, Any]:
    """Read who holds a lock; a lock that was cut short names nobody."""
    try:
        content: dict[str, Any] = json.loads(lock.read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return content


def _alive(pid: int) -> bool:
    """Whether a process of this machine is running."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
