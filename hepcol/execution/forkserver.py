"""The process that local workers are forked from."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hepcol.execution.interrupts import SIGNALS


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
    """Keep Ctrl-C, which a terminal sends to all, from processes that start meanwhile: we stop them ourselves.

    One that comes meanwhile, or SIGTERM, is heeded at the end: what starts can be closed only once it is there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which would be started with others, and then unblock signals
    seen: list[int] = []
    previous = {number: signal.signal(number, lambda number, _: seen.append(number)) for number in SIGNALS}
    # what is blocked stays so in threads and programs that are started
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in previous.items():
            signal.signal(number, handler)
        if seen:
            signal.raise_signal(seen[0])
