"""The output folder of a run: written as a whole or not at all."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from hepcol.chunkfiles import ChunkFile, indexes
from hepcol.deposit import MOVED, Deposit
from hepcol.deposit import clear as clear_deposits
from hepcol.errors import InputError
from hepcol.gathered import Gathered
from hepcol.histogram_files import read_zip, write_root, write_zip
from hepcol.ledger import ChunkRecord, FileRecord, Status, close, from_json, to_json
from hepcol.lock import LOCK, Lock
from hepcol.rowsample import RowSample
from hepcol.spectra import Contents
from hepcol.store import (
    DASK_REPORT,
    GATHERED,
    HISTOGRAMS_ROOT,
    HISTOGRAMS_ZIP,
    LEDGER,
    OURS,
    PARTIAL,
    PROVENANCE,
    RESULT,
    SAMPLES,
    SNAPSHOT,
    SUMMARY,
    delete_inside,
    has_snapshot,
    plot_paths,
    read,
    remove_added,
)
from hepcol.wholefile import writing

_NOT_ALWAYS = (RESULT, DASK_REPORT, SAMPLES)
_DEPOSIT = "deposit"  # in an archive: the folder of files of chunks that go with it


@dataclass(frozen=True, eq=False)
class Earlier:
    """What earlier runs left to be continued.

    Parameters
    ----------
    out : Any
        Their merged output.
    identity : dict
        What it depends on, see :func:`hepcol.execution.identity.identify`.
    done : tuple of ChunkRecord
        The chunks that are in it.
    files : tuple of FileRecord
        What was found in their files.
    deposit : str
        Where the files of chunks are that were not in their places yet.
    merged : list
        The runs that they were merged of, as provenance tells them.
    """

    out: Any
    identity: dict[str, Any]
    done: tuple[ChunkRecord, ...]
    files: tuple[FileRecord, ...]
    deposit: str = ""
    merged: Sequence[Any] = ()


class OutputFolder:
    """The folder of one run; without a path, it takes everything and writes nothing.

    The ledger and, now and then, a snapshot of the result are written as the run goes, in a folder of its own.
    Everything else is written there at the end, and then all of it takes its place. If the run is killed, that folder
    is what it can be continued from.
    """

    def __init__(
        self,
        path: Path | None,
        created: tuple[Path, ...] = (),
        earlier: Earlier | None = None,
        held: Lock | None = None,
        kept: str = "",
    ) -> None:
        self.path = path
        self.earlier = earlier
        self._held = held
        self.warnings: list[str] = []
        self.gathered = Gathered((), (), {})
        self._created = created
        self._lock = threading.Lock()
        self._ledger: IO[str] | None = None
        self._complete = False
        self._unstorable = False
        self._kept = kept  # the deposit that the snapshot belongs to
        self._deposit: Deposit | None = None
        if path is not None:
            (path / PARTIAL).mkdir(exist_ok=True)
            self._deposit = Deposit(path, path / PARTIAL, earlier.deposit if earlier else "")
            self._ledger = (path / PARTIAL / LEDGER).open("w")

    @classmethod
    @contextmanager
    def prepare(cls, path: str | Path | None, force: bool, resume: bool = False) -> Iterator[Self]:
        """Make and lock the folder; if nothing is written in the end, leave what was there before.

        Parameters
        ----------
        path : str or Path, optional
            The folder.
        force : bool
            Whether results that are there may be replaced.
        resume : bool
            Whether they are to be continued.

        Raises
        ------
        InputError
            If the folder has results and neither is set, is in use, or cannot be written.
        """
        if path is None:
            yield cls(None)
            return
        folder = Path(path)
        created = _make(folder)
        try:
            with writing(folder):
                held = Lock(folder)
        except InputError:
            _remove(created)
            raise
        try:
            with writing(folder):
                earlier = _earlier(folder) if resume else None
                if earlier is None and not (resume and (folder / SUMMARY).exists()):
                    _check_free(folder, force)
                # an old snapshot stays until there is a new one: the files of this run may not even be there
                kept = earlier.deposit if earlier else _deposit_of(folder)
                _clear(folder / PARTIAL, keep=(SNAPSHOT, MOVED, kept))
                store = cls(folder, created, earlier, held, kept)
        except InputError:
            held.release()
            _remove(created)
            raise
        try:
            store._check_files()
            yield store
        finally:
            store.release()

    def snapshot(
        self, out: Any, provenance: dict[str, Any], chunks: Sequence[ChunkRecord], files: Sequence[FileRecord]
    ) -> None:
        """Write what there is so far, as a whole or not at all; what cannot be written is told at the end."""
        from hepcol import archive  # with coffea, which takes a second

        if self.path is None or self._deposit is None or self._unstorable:
            return
        target = self.path / PARTIAL / SNAPSHOT
        fresh = target.with_name(f"{SNAPSHOT}.new")
        try:
            archive.write(fresh, out, _about(provenance, chunks, files, self._deposit.name))
            _settle(fresh, target)
            self._kept = self._deposit.name
            self._deposit.drop_others()
        except archive.NotStorable:  # which the end of the run tells, if it matters then
            self._unstorable = True
        except OSError as error:  # the next one may fit again
            fresh.unlink(missing_ok=True)
            self._warn(f"a snapshot could not be written: {error.strerror or error}")

    @property
    def dask_report(self) -> Path | None:
        """Where to write a report of Dask's on the run, which then comes with the results."""
        return None if self.path is None else self.path / PARTIAL / DASK_REPORT

    @property
    def deposit(self) -> str:
        """Where workers leave files of chunks; empty if there is no such place."""
        return "" if self._deposit is None else str(self._deposit.place)

    def check(self, out: Any) -> None:
        """See that the files of an output are there.

        Raises
        ------
        InputError
            If one is missing or truncated.
        """
        if self._deposit is not None:
            self._deposit.check(out)

    def adopt(self, files: Sequence[ChunkFile], folder: Path) -> None:
        """Take over files of chunks of another output folder, which keeps them.

        Raises
        ------
        InputError
            If one is missing or has changed, or cannot be written here.
        """
        if self._deposit is not None:
            with writing(folder if self.path is None else self.path):
                self._deposit.adopt(files, folder)

    def _check_files(self) -> None:
        """See that the files of the run that is to be continued are there: its result has counted them."""
        try:
            self.check(self.earlier.out if self.earlier else None)
        except InputError as error:
            raise InputError(f"{error}, so that the run there cannot be continued; run it again with --force") from None

    def record(self, record: ChunkRecord | FileRecord) -> None:
        """Append a record to the ledger; from any thread."""
        if self._ledger is None:
            return
        with self._lock:
            if self._ledger.closed:  # Dask may deliver a record late: it was counted from the result
                return
            try:
                self._ledger.write(to_json(record) + "\n")
                self._ledger.flush()
            except OSError as error:  # the end of the run writes it anew, and tells if it cannot
                self._warn(f"the ledger could not be written as the run went: {error.strerror or error}")

    def _warn(self, text: str) -> None:
        """Note a warning once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def write_histograms(self, contents: Contents) -> None:
        """Write the histograms; those that ROOT has no class for are noted as such."""
        if self.path is None:
            return
        with writing(self.path):
            write_zip(self.path / PARTIAL / HISTOGRAMS_ZIP, contents.histograms)
            refused = write_root(self.path / PARTIAL / HISTOGRAMS_ROOT, contents.histograms)
        for name, reason in refused.items():
            contents.others[name] = f"{reason}; it is in {HISTOGRAMS_ZIP} only"

    def write_samples(self, samples: Mapping[str, Mapping[str, RowSample]]) -> None:
        """Write samples of rows by dataset and name, if there are any."""
        from hepcol import archive

        if self.path is None or not any(samples.values()):
            return
        with writing(self.path):
            archive.write(self.path / PARTIAL / SAMPLES, {name: dict(part) for name, part in samples.items()}, {})

    def keep(
        self, out: Any, provenance: dict[str, Any], chunks: Sequence[ChunkRecord], files: Sequence[FileRecord]
    ) -> None:
        """Keep the result with its exact sums, so that what is missing, or another run, can be added.

        A run that lacks nothing goes on without, where there is no space, and leaves it to the merging to tell what
        has no place in an archive.
        """
        from hepcol import archive

        if self.path is None or out is None:
            return
        complete, target = close(files, chunks).complete, self.path / PARTIAL / RESULT
        try:
            with writing(self.path):
                archive.write(target, out, _about(provenance, chunks, files))
        except archive.NotStorable as error:
            if not complete:
                self._warn(f"what is missing cannot be added later: {error}")
        except InputError as error:
            with suppress(OSError):
                target.unlink(missing_ok=True)
            if not complete:
                raise
            self._warn(f"no {RESULT}, so that the run cannot be merged with others: {error}")

    def gather(self, gather: Callable[..., Gathered], files: Sequence[ChunkFile], *about: Any) -> tuple[ChunkFile, ...]:
        """Let a processor put files of chunks together; return those that stay as they are.

        Parameters
        ----------
        gather : function
            Its method: see :class:`hepcol.gathered.Gathered`.
        files : sequence of ChunkFile
            The files, in order.
        *about
            What else it is given, before the folder that it writes below.
        """
        if self.path is None or self._deposit is None:
            return tuple(files)
        place = self.path / PARTIAL / GATHERED
        with writing(self.path):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            self.gathered = gather([(file, self._deposit.find(file)) for file in files], *about, place)
        return self.gathered.files

    def finish(
        self,
        summary: dict[str, Any],
        provenance: dict[str, Any],
        records: Sequence[ChunkRecord | FileRecord],
        files: Sequence[ChunkFile] = (),
        identity: str = "",
    ) -> None:
        """Write the rest, and put all of it in place of what was in the folder.

        The ledger is written anew from what counted: what was heard on the way may lack a record or repeat one.

        Raises
        ------
        InputError
            If that cannot be written, or a file of a chunk has gone meanwhile.
        """
        if self.path is None or self._deposit is None:
            return
        with writing(self.path):
            gathered = {name: self.path / PARTIAL / GATHERED / name for name in self.gathered.names}
            self._deposit.prepare(files, identity, bool(summary["complete"]), gathered)
            self._finish(self.path, self._deposit, summary, provenance, records)

    def _finish(
        self,
        path: Path,
        deposit: Deposit,
        summary: dict[str, Any],
        provenance: dict[str, Any],
        records: Sequence[ChunkRecord | FileRecord],
    ) -> None:
        partial = path / PARTIAL
        for name, content in ((SUMMARY, summary), (PROVENANCE, provenance)):
            (partial / name).write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
        (partial / f"{LEDGER}.whole").write_text("".join(to_json(record) + "\n" for record in records))
        (partial / f"{LEDGER}.whole").replace(partial / LEDGER)
        self._remove_plots()
        there = [name for name in _NOT_ALWAYS if (partial / name).exists()]
        # the summary last: if this is torn apart, what there was before can still be continued
        deposit.settle()
        for name in (*_NOT_ALWAYS, HISTOGRAMS_ZIP, HISTOGRAMS_ROOT, LEDGER, PROVENANCE, SUMMARY):
            if (partial / name).exists():
                _settle(partial / name, path / name)
        for name in _NOT_ALWAYS:
            if name not in there:
                (path / name).unlink(missing_ok=True)
        for name in deposit.outdated:
            delete_inside(path, name)
            _remove(tuple(parent for parent in (path / name).parents if path in parent.parents))
        self._complete = True

    def _remove_plots(self) -> None:
        """Remove the plots of the histograms that are to be replaced, and nothing else."""
        if self.path is None:
            return
        with suppress(InputError, OSError):  # broken results, or none, are there to be replaced, too
            for name in read_zip(self.path / HISTOGRAMS_ZIP):
                for plot in plot_paths(self.path, name):
                    plot.unlink(missing_ok=True)
        remove_added(self.path)

    def release(self) -> None:
        """Unlock; remove what is half-written, and the folder if this run made it for nothing.

        A run that ended before its end leaves its last snapshot, to be continued from.
        """
        if self.path is None or self._ledger is None:
            return
        with suppress(OSError):  # what a full disk has not taken
            self._ledger.close()
        if self._complete or not has_snapshot(self.path):
            shutil.rmtree(self.path / PARTIAL, ignore_errors=True)
        else:
            clear_deposits(self.path / PARTIAL, keep=self._kept)
        if self._held is not None:
            self._held.release()
        if not self._complete:
            _remove(self._created)


def _settle(fresh: Path, target: Path) -> None:
    """Put a file in the place of another; its content first, which a crash of the machine could lose after its name."""
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(target)


def _about(
    provenance: dict[str, Any], chunks: Sequence[ChunkRecord], files: Sequence[FileRecord], deposit: str = ""
) -> dict[str, Any]:
    """Describe the result in an archive."""
    return {
        "provenance": provenance,
        "done": [to_json(record) for record in chunks if record.status is Status.DONE],
        "files": [to_json(record) for record in files],
        _DEPOSIT: deposit,
    }


def _deposit_of(folder: Path) -> str:
    """Name the deposit of an interrupted run; nothing where there is none, or a snapshot that cannot be read."""
    from hepcol import archive

    if not has_snapshot(folder):
        return ""
    with suppress(InputError):
        return str(archive.read_about(folder / PARTIAL / SNAPSHOT).get(_DEPOSIT, ""))
    return ""


def _clear(folder: Path, keep: tuple[str, ...]) -> None:
    """Remove what an earlier run left half-written."""
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.is_dir():
        for path in folder.iterdir():
            if path.name in keep:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _earlier(folder: Path) -> Earlier | None:
    """Read what can be continued in a folder; None if there is nothing.

    Raises
    ------
    InputError
        If the results there are no hepcol's, or complete, or cannot be added to.
    """
    if has_snapshot(folder):
        return _read_earlier(folder / PARTIAL / SNAPSHOT)
    if not (folder / SUMMARY).exists():
        return None
    _, summary = read(folder)
    if summary["complete"]:
        raise InputError(f"output folder {folder}: the run is complete, there is nothing to add")
    if (folder / RESULT).exists():
        return _read_earlier(folder / RESULT)
    if summary["events"]["processed"]:
        raise InputError(
            f"output folder {folder}: the result of the run could not be kept, so that nothing can be added to it; "
            "run it again with --force"
        )
    return None


def _read_earlier(path: Path) -> Earlier:
    """Read what earlier runs left in an archive."""
    from hepcol import archive

    out, about = archive.read(path)
    done, files = (tuple(map(from_json, about[name])) for name in ("done", "files"))
    return Earlier(
        out,
        about["provenance"]["identity"],
        tuple(record for record in done if isinstance(record, ChunkRecord)),
        tuple(record for record in files if isinstance(record, FileRecord)),
        about[_DEPOSIT],
        about["provenance"].get("merged", ()),
    )


def _make(folder: Path) -> tuple[Path, ...]:
    """Make a folder and its parents; return those that were not there, the innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    return tuple(missing)


def _remove(folders: tuple[Path, ...]) -> None:
    """Remove folders that are empty."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _check_free(folder: Path, force: bool) -> None:
    """Refuse a folder with results, unless they may be replaced, and one whose files only are called like ours."""
    there = sorted(path.name for path in folder.iterdir() if path.name not in (LOCK, PARTIAL))
    named_alike = [name for name in there if name in (*OURS, *indexes(folder))]
    if force and named_alike and SUMMARY not in there:
        raise InputError(
            f"output folder {folder} has {', '.join(named_alike)}, but no {SUMMARY}: it is not hepcol's, choose another"
        )
    if has_snapshot(folder) and not force:
        raise InputError(
            f"output folder {folder} has an interrupted run in it: --resume continues it, --force drops it"
        )
    if there and not force:
        raise InputError(f"output folder {folder} has {', '.join(there[:3])} in it: choose another, or give --force")
