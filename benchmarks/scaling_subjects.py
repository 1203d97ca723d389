"""What is measured of scaling, one subject a process: runs, chunks without work, and simulated workers."""

import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.chunk_subjects import nothing_of

_UP_S, _DOWN_S = 30.0, 10.0
_SIMULATED_UP_S = 120.0
_MOST_MEMORY = {
    f"distributed.worker.memory.{name}": False for name in ("target", "spill", "pause", "terminate")
}  # of a thousand workers in one process, each would take it all for its own


def length(events: Any) -> dict[str, int]:
    """Count the events: a processor that does nothing else."""
    return {"events": len(events)}


def run(files: list[str], processor: str, workers: int, chunksize: int, apart: bool = False) -> dict[str, Any]:
    """Run a processor, ``length`` or one with its options, on so many workers of one thread; 0 is this process.

    With ``apart``, the scheduler is a process of its own.
    """
    from hepcol.execution import run as run_analysis
    from hepcol.options import build_processor

    name, *options = processor.split()
    instance = length if name == "length" else build_processor(name, options)
    with tempfile.TemporaryDirectory(prefix="hepcol-scaling-") as scratch, _scheduler(workers, apart) as scheduler:
        where: dict[str, Any] = {"executor": "iterative"} if not workers else {"executor": "dask", "workers": workers}
        if scheduler:
            where = {"scheduler": scheduler.address}
        done = run_analysis(
            instance,
            {"z": {"files": dict.fromkeys(files, "events")}},
            chunksize=chunksize,
            output=Path(scratch) / "out",
            **where,
        )
        scheduler_mb = _peak_mb(scheduler.pid) if scheduler else None
    spent_s = sum(chunk.wall_s + chunk.compile_s for chunk in done.chunks)
    return {
        "total_s": done.summary["wall_s"],
        **{key: done.summary[key] for key in ("start_s", "open_s", "process_s", "write_s")},
        "chunks": len(done.chunks),
        "events": done.closure.processed,
        "overhead_ms": 1e3 * (max(1, workers) * done.summary["process_s"] - spent_s) / len(done.chunks),
        "all_overhead_ms": 1e3 * (max(1, workers) * done.summary["wall_s"] - spent_s) / len(done.chunks),
        "chunks_cpu_s": sum(chunk.cpu_s for chunk in done.chunks),
        "chunk_ms": 1e3 * sum(chunk.wall_s for chunk in done.chunks) / len(done.chunks),
        "client_mb": _peak_mb(os.getpid()),
        "scheduler_mb": scheduler_mb,
        "records": [
            (chunk.events, chunk.wall_s, chunk.compile_s, chunk.started, chunk.worker) for chunk in done.chunks
        ],
    }


class _Apart:
    """A scheduler in a process of its own."""

    def __init__(self, pid: int, address: str) -> None:
        self.pid, self.address = pid, address


@contextmanager
def _scheduler(workers: int, apart: bool) -> Iterator[_Apart | None]:
    """Start a scheduler and workers as processes of their own, if that is wanted."""
    if not apart:
        yield None
        return
    processes = []
    try:
        with tempfile.TemporaryDirectory(prefix="hepcol-scaling-") as scratch:
            log = Path(scratch) / "log"
            with log.open("wb") as errors:
                command = (sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
                processes.append(subprocess.Popen([*command, "--dashboard-address", ":0"], stderr=errors, cwd=scratch))
                address = _address(log)
                worker = (sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1")
                processes += [
                    subprocess.Popen([*worker, "--no-dashboard"], stderr=errors, cwd=scratch) for _ in range(workers)
                ]
                from distributed import Client

                with Client(address) as client:
                    client.wait_for_workers(workers, timeout=_UP_S)
                yield _Apart(processes[0].pid, address)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(_DOWN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(log: Path) -> str:
    """Wait until a scheduler has told its address."""
    deadline = time.monotonic() + _UP_S
    while time.monotonic() < deadline:
        found = re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text())
        if found:
            return found[0]
        time.sleep(0.1)
    raise RuntimeError(f"the scheduler was not up within {_UP_S:.0f} s: {log.read_text()[-200:]}")


def _peak_mb(pid: int) -> float:
    """Peak memory of a process [MiB]."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def plan(files: list[str], processor: str) -> dict[str, Any]:
    """Make a plan of a run over files; what it measured is what is held against runs."""
    from hepcol.options import build_processor
    from hepcol.planning import plan as make_plan

    name, *options = processor.split()
    start = time.perf_counter()
    made = make_plan(build_processor(name, options), files, workers=2, local=True, tree="events", dataset="z")
    return {"total_s": time.perf_counter() - start, "costs": asdict(made.costs), "chunksize": made.best.chunksize}


def noop(tasks: int) -> dict[str, Any]:
    """Give one worker chunks without work."""
    from hepcol.planning.noop import measure_scheduler

    found = asdict(measure_scheduler(tasks))
    return {"total_s": found["wall_s"] * tasks, **found}


def simulated(workers: int, tasks: int, sleep_s: float) -> NoReturn:
    """Measure simulated workers, and end this process at once: to close a thousand one by one takes minutes."""
    code = 1
    with tempfile.TemporaryDirectory(prefix="hepcol-scaling-", ignore_cleanup_errors=True) as folder:
        try:
            print(json.dumps(_simulated(workers, tasks, sleep_s, folder)), flush=True)
            code = 0
        except BaseException:  # noqa: BLE001  (whatever it is ends the process, which is not to wait for its workers)
            traceback.print_exc()
    os._exit(code)


def _simulated(workers: int, tasks: int, sleep_s: float, folder: str) -> dict[str, Any]:
    """Give simulated workers, all in this process, chunks that sleep; the scheduler is what limits them.

    The processor time is that of scheduler, client and all workers: a ceiling that a cluster is below.
    """
    import dask
    import psutil

    quiet = {"distributed.worker.profile.enabled": False, "distributed.admin.system-monitor.interval": "1h"}
    with dask.config.set(quiet | _MOST_MEMORY):
        from distributed import Client, LocalCluster

        here = psutil.Process()
        start, before = time.perf_counter(), here.memory_info().rss
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=False,
            dashboard_address=None,
            silence_logs=50,
            memory_limit=0,
            local_directory=folder,
        )
        client = Client(cluster)
        client.wait_for_workers(workers, timeout=_SIMULATED_UP_S)
        started = time.perf_counter()
        gc.freeze()  # the objects of all the workers, which no scheduler has to look through
        _work(client, tasks // 4, 0.0)
        cpu_s, begun = sum(here.cpu_times()[:2]), time.perf_counter()
        events = _work(client, tasks, sleep_s)
        ended = time.perf_counter()
        if events != tasks:
            raise RuntimeError(f"of {tasks} chunks {events} came back")
        return {
            "total_s": ended - begun,
            "start_s": started - start,
            "task_ms": 1e3 * (ended - begun) / tasks,
            "task_cpu_ms": 1e3 * (sum(here.cpu_times()[:2]) - cpu_s) / tasks,
            "ideal_ms": 1e3 * sleep_s / workers,
            "memory_mb": (here.memory_info().rss - before) / 2**20,
        }


def _work(client: Any, tasks: int, sleep_s: float) -> int:
    """Let hepcol's executor give chunks to workers."""
    from functools import partial

    from coffea.processor.executor import WorkItem

    from hepcol.execution.collector import Collector
    from hepcol.execution.executors import LedgerDaskExecutor

    items = [WorkItem("z", "none.root", "events", number, number + 1, bytes(16), {}) for number in range(tasks)]
    sink = Collector(items, lambda _: None)
    work = partial(nothing_of, sleep_s=sleep_s)
    LedgerDaskExecutor(client=client, status=False, compression=None, sink=sink)(items, work, None)
    return int(sink.result()["out"])


SUBJECTS: dict[str, Callable[..., dict[str, Any]]] = {"run": run, "noop": noop, "plan": plan, "simulated": simulated}

if __name__ == "__main__":
    print(json.dumps(SUBJECTS[sys.argv[1]](**json.loads(sys.argv[2]))))
