"""The lock of an output folder, which names host and process so that a stale one is recognised."""

import errno
import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hepcol.errors import InputError

LOCK = ".hepcol.lock"
# What file systems say that have no locks, such as some of batch farms; then a file that names its holder has to do
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder meanwhile.

    Raises
    ------
    InputError
        If another process holds it.
    """
    held = Lock(folder)
    try:
        yield
    finally:
        held.release()


class Lock:
    """The lock of a folder, taken until it is released or the process ends.

    The system's lock on the file decides between processes that find a stale one at once, and ends with its holder;
    what is in the file decides where that lock does not reach, as between hosts.

    Parameters
    ----------
    folder : Path
        The folder.

    Raises
    ------
    InputError
        If another process holds it.
    OSError
        If it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._file = _take(folder, self._path)

    def release(self) -> None:
        """Give the folder free."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def _take(folder: Path, path: Path) -> IO[str]:
    """Open and lock the file, and write into it who has it."""
    while True:
        file = _opened(path)
        if file is None:
            continue
        try:
            reaches = _lock(file, folder, path)
            if _is_at(file, path):  # else its holder released it just now
                _check_stale(folder, path, reaches)
                _sign(file, path)
                return file
        except (OSError, InputError):
            file.close()
            raise
        file.close()


def _opened(path: Path) -> IO[str] | None:
    """Make the file, or open the one that is there; None if that has gone meanwhile."""
    try:
        return path.open("x+")  # of two that do so at once only one can, locks or no locks
    except FileExistsError:
        pass
    try:
        return path.open("r+")
    except FileNotFoundError:
        return None


def _sign(file: IO[str], path: Path) -> None:
    """Write who has the lock; a full disk takes the file, but not that."""
    try:
        file.truncate(0)
        json.dump({"host": platform.node(), "pid": os.getpid()}, file)
        file.flush()
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _lock(file: IO[str], folder: Path, path: Path) -> bool:
    """Lock a file against other processes; False if its file system cannot."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _in_use(folder, path, _holder(path)) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _is_at(file: IO[str], path: Path) -> bool:
    """Whether an open file is the one that is at a path now."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(file.fileno()), there)


def _check_stale(folder: Path, path: Path, reaches: bool) -> None:
    """Refuse a lock whose holder may be there: one on another host, or where only its process can tell."""
    holder = _holder(path)
    if not holder:
        return
    here = holder.get("host") == platform.node()
    if not here or (not reaches and _alive(int(holder.get("pid", 0)))):
        raise _in_use(folder, path, holder)


def _in_use(folder: Path, path: Path, holder: dict[str, Any]) -> InputError:
    by = f"process {holder.get('pid')} on {holder.get('host')}" if holder else "another run, which began just now"
    return InputError(f"output folder {folder} is in use by {by}; if that is gone, delete {path}")


def _holder(path: Path) -> dict[str, Any]:
    """Read who holds a lock; a lock that was cut short names nobody."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
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
