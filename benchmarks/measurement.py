"""One measurement: a subject in a process of its own, its time, processor time and memory."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil

CHECKOUT = Path(__file__).parent.parent
STARTED = "HEPCOL_BENCHMARK_STARTED"  # time at which a subject's process was started, for it to read [s]
SAMPLING_S = 0.2  # twice as often costs 1 % of a core


def touch(file: Path) -> None:
    """Read a file once, so that everybody finds it in memory."""
    with file.open("rb") as stream:
        while stream.read(1 << 24):
            pass


class BenchmarkError(RuntimeError):
    """A subject did not give a result."""


def measure(name: str, command: tuple[str, ...], cache: Path | None = None) -> dict[str, Any]:
    """Run a subject once.

    Parameters
    ----------
    name : str
        What to call it if it fails.
    command : tuple of str
        Arguments of Python; prints a JSON object with ``total_s`` as its last line.
    cache : Path, optional
        Folder for compiled kernels; an empty one is a first run on a machine.

    Returns
    -------
    dict
        What the subject printed, and ``cpu_s`` and ``peak_mb``: of all its processes, and of the largest one.

    Raises
    ------
    BenchmarkError
        If it failed, with the end of what it said.
    """
    environment = dict(os.environ) | {STARTED: repr(time.time())} | ({"HEPCOL_CACHE_DIR": str(cache)} if cache else {})
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        watch = _Watch(process.pid)
        try:
            out, err = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # a session of its own: with all that it started
            raise
        finally:
            watch.stop()
    if process.returncode != 0:
        raise BenchmarkError(_failed(name, process.returncode, out, err))
    try:
        printed: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise BenchmarkError(f"{name} did not end with a JSON object, but: {out[-80:]!r}") from error
    return printed | {"cpu_s": watch.cpu_s, "peak_mb": watch.peak_mb}


def run_once(command: tuple[str, ...]) -> None:
    """Run what has to be done before anything can be measured."""
    done = subprocess.run([sys.executable, *command], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(_failed(" ".join(command), done.returncode, done.stdout, done.stderr))


def _failed(name: str, code: int, out: str, err: str) -> str:
    """Say in one line that something failed, with the end of what it said."""
    said = (err.strip() or out.strip()).splitlines()
    return f"{name} failed with {code}: {said[-1] if said else 'no output'}"


class _Watch(threading.Thread):
    """Follows a process and its descendants; what one uses after the last look at it is not seen."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_mb = 0.0
        self._pid = pid
        self._cpu: dict[int, float] = {}
        self._stopped = threading.Event()
        self.start()

    @property
    def cpu_s(self) -> float:
        """Processor time of all processes [s]."""
        return sum(self._cpu.values())

    def run(self) -> None:
        try:
            root = psutil.Process(self._pid)
            while not self._stopped.wait(SAMPLING_S):
                for process in [root, *root.children(recursive=True)]:
                    self._look_at(process)
        except psutil.NoSuchProcess:
            return

    def _look_at(self, process: psutil.Process) -> None:
        try:
            times, peak = process.cpu_times(), _peak_mb(process)
        except (psutil.Error, OSError):
            return
        self._cpu[process.pid] = times.user + times.system
        self.peak_mb = max(self.peak_mb, peak)

    def stop(self) -> None:
        """Stop following."""
        self._stopped.set()
        self.join()


def _peak_mb(process: psutil.Process) -> float:
    """Peak memory of a process so far [MiB].

    Its own, where the kernel tells it: ``ru_maxrss`` of a new program begins with that of the one that started it.
    """
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return float(process.memory_info().rss / 2**20)
    peaks = [int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return peaks[0] / 1024 if peaks else 0.0
