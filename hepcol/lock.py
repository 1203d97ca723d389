"""The lock of an output folder, which names host and process so that a stale one is recognised."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hepcol.errors import InputError

LOCK = ".hepcol.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder meanwhile.

    Raises
    ------
    InputError
        If another process holds it.
    """
    take(folder)
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)


def take(folder: Path) -> None:
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
        except OSError:  # a full disk takes the lock, but not the name of who holds it
            lock.unlink(missing_ok=True)
            raise
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
