"""The output folder: written as a whole or not at all, and read back."""

import json
import os
import platform
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

import hist

from hepcol.histogram_files import read_zip, write_root, write_zip
from hepcol.ledger import ChunkRecord, FileRecord, to_json
from hepcol.spectra import collect

HISTOGRAMS_ZIP = "histograms.zip"
HISTOGRAMS_ROOT = "histograms.root"
SUMMARY = "summary.json"
LEDGER = "ledger.jsonl"
PROVENANCE = "provenance.json"
PLOTS = "plots"
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
        ValueError
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
        except ValueError:
            _remove(created)
            raise
        store = cls(folder, created)
        try:
            yield store
        finally:
            store.release()

    def record(self, record: ChunkRecord | FileRecord) -> None:
        """Append a record to the ledger; from any thread."""
        if self._ledger is None:
            return
        with self._lock:
            self._ledger.write(to_json(record) + "\n")
            self._ledger.flush()

    def write(self, result: Any, summary: dict[str, Any], provenance: dict[str, Any]) -> None:
        """Write the results of a run, complete or not, in place of what was in the folder."""
        if self.path is None or self._ledger is None:
            return
        contents = collect(result)
        self._write(HISTOGRAMS_ZIP, lambda path: write_zip(path, contents.histograms))
        self._write(HISTOGRAMS_ROOT, lambda path: write_root(path, contents.histograms))
        summary["values"] = {"/".join(name): value for name, value in contents.values.items()}
        summary["not_written"] = {"/".join(name): kind for name, kind in contents.others.items()}
        self._write(SUMMARY, lambda path: path.write_text(json.dumps(summary, indent=2) + "\n"))
        self._write(PROVENANCE, lambda path: path.write_text(json.dumps(provenance, indent=2) + "\n"))
        self._ledger.close()
        shutil.rmtree(self.path / PLOTS, ignore_errors=True)
        for name in (HISTOGRAMS_ZIP, HISTOGRAMS_ROOT, LEDGER, PROVENANCE, SUMMARY):
            (self.path / PARTIAL / name).replace(self.path / name)
        self._complete = True

    def _write(self, name: str, writer: Callable[[Path], object]) -> None:
        """Write a file under its temporary name."""
        if self.path is not None:
            writer(self.path / PARTIAL / name)

    def release(self) -> None:
        """Unlock; remove what is half-written, and the folder if this run made it for nothing."""
        if self.path is None or self._ledger is None:
            return
        self._ledger.close()
        shutil.rmtree(self.path / PARTIAL, ignore_errors=True)
        (self.path / LOCK).unlink(missing_ok=True)
        if not self._complete:
            _remove(self._created)


def _make(folder: Path) -> tuple[Path, ...]:
    """Make a folder and its parents; return those that were not there, the innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ValueError(f"output folder {folder} cannot be written: {error.strerror or error}") from error
    return tuple(missing)


def _remove(folders: tuple[Path, ...]) -> None:
    """Remove folders that are empty."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _check_free(folder: Path, force: bool) -> None:
    """Refuse a folder with results, unless they may be replaced, and one that holds other things only."""
    there = sorted(path.name for path in folder.iterdir() if path.name != LOCK)
    if there and not force:
        raise ValueError(
            f"output folder {folder} has {', '.join(there[:3])} in it: choose another, or give --force"
        )


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
                raise ValueError(
                    f"output folder {folder} is in use by process {holder.get('pid')} on {holder.get('host')}; "
                    f"if that is gone, delete {lock}"
                ) from None
            lock.unlink(missing_ok=True)
        else:
            return
    raise ValueError(f"output folder {folder} was taken by another run just now")


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
    ValueError
        If the folder has none.
    """
    path = Path(folder)
    for name in (HISTOGRAMS_ZIP, SUMMARY):
        if not (path / name).is_file():
            raise ValueError(f"{path}: no {name} there; expected the output folder of 'hepcol run'")
    try:
        summary: dict[str, Any] = json.loads((path / SUMMARY).read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path / SUMMARY}: not JSON: {error}") from error
    return read_zip(path / HISTOGRAMS_ZIP), summary
