"""The process that local workers are forked from."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def start_forkserver() -> str:
    """Start the process that local workers are forked from, unless this process has one already.

    It stays until this process ends. Returns how to start workers, as :mod:`multiprocessing` names it.
    """
    import multiprocessing
    from multiprocessing import forkserver

    # what Dask gives to workers that it spawns, unless the user has set it: one thread, and hashes that agree; and no
    # import from the current folder, which Python would look in first, and we may have not
    defaults = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    defaults |= {"PYTHONHASHSEED": "6640", "PYTHONSAFEPATH": "1"}
    ours = [name for name in defaults if name not in os.environ]
    os.environ.update({name: defaults[name] for name in ours})
    try:
        multiprocessing.set_forkserver_preload(["hepcol.execution.preload"])
        forkserver.ensure_running()
    except OSError:  # no socket in a temporary folder of a long name, as batch systems have: workers are spawned
        return "spawn"
    finally:
        for name in ours:
            del os.environ[name]
    return "forkserver"


@contextmanager
def interrupts_for_us_alone() -> Iterator[None]:
    """Let processes that start meanwhile ignore Ctrl-C, which a terminal sends to all: we stop them ourselves."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is ignored stays so in a new program
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
