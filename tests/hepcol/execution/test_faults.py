"""Runs in which something goes wrong: every event counts once, or is listed as missing."""

import copy
import dataclasses
import errno
import importlib
import inspect
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
import uproot
from coffea.nanoevents import BaseSchema
from coffea.processor import DaskExecutor, FuturesExecutor, IterativeExecutor, Runner
from coffea.processor.accumulator import accumulate
from coffea.processor.executor import WorkItem
from distributed import Client
from distributed.chaos import KillWorker

import hepcol
from hepcol.execution import executors
from hepcol.execution.chunk import Probe, Task, probe
from hepcol.execution.environment import environment
from hepcol.execution.executors import LedgerDaskExecutor
from hepcol.execution.merging import merged
from hepcol.execution.repetition import retry
from hepcol.execution.runner import LedgerRunner
from hepcol.fileset import InputFile
from hepcol.ledger import Status
from hepcol.options import find_processor

MARKERS = Path(__file__).with_name("markers.py")
Marked = find_processor(f"{MARKERS}:Marked")
m = sys.modules[Marked.__module__]

pytestmark = pytest.mark.timeout(60)
ALL = 300
QUICK = {"backoff_s": 0.01, "lost_after_s": 3, "snapshot_s": 0.2, "allow_incomplete": True, "chunksize": 20}


@pytest.fixture
def files(tmp_path):
    return m.write_files(tmp_path)


@pytest.fixture(scope="session")
def small_cluster(local_cluster):
    """Open a cluster that gives a task up when it has lost two workers."""

    def opened(workers=2, **config):
        return local_cluster(
            workers,
            memory_limit="1GB" if config else "auto",
            **{"distributed.scheduler.allowed-failures": 1, **config},
        )

    return opened


@pytest.fixture(scope="module")
def cluster(small_cluster):
    with small_cluster() as made:
        yield made


@pytest.fixture(params=["here", "dask"])
def where(request):
    """Where to work: in this process, and on Dask."""
    return {"scheduler": request.getfixturevalue("cluster").scheduler_address} if request.param == "dask" else {}


def failed(run):
    return [(Path(c.path).name, c.start, c.stop) for c in run.chunks if c.status is Status.FAILED]


def test_a_run_without_faults_counts_every_event_once(files, where):
    run = m.check_run(hepcol.run(Marked(), files, **QUICK, **where))
    (part,) = run.result.values()
    assert (part.events, part.tallies["entries"]) == (ALL, ALL * (ALL - 1) // 2)


@pytest.mark.parametrize(("times", "attempts", "events"), [(1, 2, ALL), (3, 3, ALL - 20)])
def test_an_error_that_passes_is_tried_again(files, tmp_path, where, times, attempts, events):
    faults = m.plan(tmp_path / "faults", ("timeout", 150, times))
    run = m.check_run(hepcol.run(Marked(faults), files, **QUICK, **where))
    assert run.closure.processed == events
    (chunk,) = (chunk for chunk in run.chunks if chunk.attempts > 1)
    assert (chunk.start, chunk.stop, chunk.attempts) == (40, 60, attempts)


@pytest.mark.parametrize("fault", ["error", "exit"])
def test_an_error_that_stays_costs_its_chunk_and_is_not_tried_again(files, tmp_path, where, fault):
    run = m.check_run(hepcol.run(Marked(m.plan(tmp_path / "faults", (fault, 150))), files, **QUICK, **where))
    assert failed(run) == [("events_000100.root", 40, 60)]
    assert run.closure.processed == ALL - 20
    assert {chunk.attempts for chunk in run.chunks} == {1}


@pytest.mark.parametrize("cut", [0, 100, 1000, 4000, 12_000, 20_000])
def test_a_truncated_file_is_listed_or_costs_the_chunks_that_it_lacks(files, where, cut):
    whole = files[1].read_bytes()
    files[1].unlink()
    files[1].write_bytes(whole[:cut])
    run = m.check_run(hepcol.run(Marked(), files, **QUICK, **where))
    assert not run.closure.complete
    assert {Path(chunk.path) for chunk in run.chunks if chunk.error} <= {files[1]}
    assert run.closure.unknown_files == (cut <= 1000)


def test_a_missing_file_is_listed(files, where):
    files[1].unlink()
    run = m.check_run(hepcol.run(Marked(), files, **QUICK, **where))
    assert [file.message for file in run.files] == ["", f"{files[1]}: no such file", ""]
    assert run.closure.processed == ALL - 100


def test_a_file_that_changes_after_it_was_opened_is_not_mixed_up(tmp_path, where):
    """As the run goes, one file is replaced and another one is cut short."""
    files = m.write_files(tmp_path, files=4)
    others = tmp_path / "faults" / "others"
    others.mkdir(parents=True)
    m.write_file(tmp_path / "faults", 900).replace(others / files[2].name)
    (others / files[3].name).write_bytes(files[3].read_bytes()[:1000])
    faults = m.plan(tmp_path / "faults", ("swap", 5, 1), *[("slow", entry) for entry in range(25, 200, 20)])
    run = m.check_run(hepcol.run(Marked(faults), files, **QUICK, **where))
    told = {Path(chunk.path): chunk.message for chunk in run.chunks if chunk.error}
    assert set(told) == set(files[2:])
    assert "the file has changed since the run began" in told[files[2]]
    assert "truncated, or not a ROOT file" in told[files[3]]


def test_a_corrupt_basket_costs_its_chunk(tmp_path, where):
    path = m.write_file(tmp_path, 0, entries=5000)
    start, stop = m.corrupt(path, 2)
    run = m.check_run(hepcol.run(Marked(), path, **{**QUICK, "chunksize": 1000}, **where))
    assert failed(run) == [(path.name, start, stop)]
    assert run.closure.processed == 4000


def test_60_bad_files_among_61_leave_the_good_one(tmp_path, where):
    (good,) = m.write_files(tmp_path, files=1)
    bad = [tmp_path / f"events_{number:06d}.root" for number in range(1, 61)]
    for path in bad[:20]:
        path.write_bytes(good.read_bytes()[:600])
    for path in bad[20:40]:
        path.write_text("this is not a ROOT file\n" * 10)
    run = m.check_run(hepcol.run(Marked(), [*bad[:30], good, *bad[30:]], **QUICK, **where))
    assert run.closure.processed == 100
    assert run.closure.unknown_files == 60
    assert [Path(file.path) for file in run.files if file.error] == bad


def test_a_worker_that_is_killed_once_costs_nothing(files, tmp_path, cluster):
    faults = m.plan(tmp_path / "faults", ("SIGKILL", 150, 1))
    run = m.check_run(hepcol.run(Marked(faults), files, scheduler=cluster.scheduler_address, **QUICK))
    assert run.closure.processed == ALL


@pytest.mark.parametrize("executor", ["dask", "futures"])
def test_a_chunk_that_always_crashes_its_worker_is_one_failed_chunk(files, tmp_path, cluster, executor):
    # a pool of one: each that breaks is started anew, and in test_run there are two processes in it
    where = {"scheduler": cluster.scheduler_address} if executor == "dask" else {"workers": 1}
    faults = m.plan(tmp_path / "faults", ("SIGSEGV", 150))
    run = m.check_run(hepcol.run(Marked(faults), files, executor=executor, **QUICK, **where))
    assert failed(run) == [("events_000100.root", 40, 60)]
    (chunk,) = (chunk for chunk in run.chunks if chunk.error)
    assert "it ended its worker" in chunk.message


def test_a_worker_that_exceeds_its_memory_once_costs_nothing(files, tmp_path, small_cluster):
    limits = {"target": False, "spill": False, "pause": False, "terminate": 0.8, "monitor-interval": "50ms"}
    faults = m.plan(tmp_path / "faults", ("memory", 150, 1))
    with small_cluster(1, **{f"distributed.worker.memory.{name}": value for name, value in limits.items()}) as made:
        run = m.check_run(hepcol.run(Marked(faults), files, scheduler=made.scheduler_address, **QUICK))
    assert (tmp_path / "faults" / "fired-0-0").exists()
    assert run.closure.processed == ALL


def test_workers_that_die_at_random_cost_at_most_what_is_listed(files, tmp_path, small_cluster):
    faults = m.plan(tmp_path / "faults", *[("slow", entry) for entry in range(0, ALL, 20)])
    with small_cluster() as made, Client(made) as client:
        client.register_plugin(KillWorker(delay="2 s", mode="segfault"))
        how = {**QUICK, "scheduler": made.scheduler_address, "output": tmp_path / "out"}
        m.check_run(hepcol.run(Marked(faults), files, **how))
    if not m.check_folder(tmp_path / "out")["complete"]:
        assert m.check_run(retry(tmp_path / "out")).closure.processed == ALL


def test_a_cluster_without_workers_ends_the_run_in_one_line(files, small_cluster):
    with small_cluster(0) as made, pytest.raises(ValueError, match=r"0 of 3 files were opened: .* no workers for 2 s"):
        hepcol.run(Marked(), files, scheduler=made.scheduler_address, **{**QUICK, "lost_after_s": 2})


WORKER = (sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1", "--no-dashboard")


def test_workers_with_another_hepcol_are_refused_and_others_are_told(files, cluster, monkeypatch):
    here = environment()
    with monkeypatch.context() as changed:
        changed.setattr("hepcol.execution.workers.environment", Elsewhere({**here, "hepcol's code": "other"}))
        with pytest.raises(ValueError, match=r"worker tcp://.* has hepcol's code \w+ instead of other.*; install what"):
            hepcol.run(Marked(), files, scheduler=cluster.scheduler_address)
    monkeypatch.setattr("hepcol.execution.driver.environment", lambda: {**here, "numpy": "1.0", "CPU": "a PDP-11"})
    run = m.check_run(hepcol.run(Marked(), files, scheduler=cluster.scheduler_address))
    assert run.closure.complete
    (warning,) = run.summary["warnings"]
    assert re.search(
        r"had numpy \S+ instead of 1\.0, CPU \S+ instead of a PDP-11: what numpy or awkward compute", warning
    )


def test_a_worker_that_comes_late_with_another_hepcol_fails_its_chunks_by_name(files, cluster, monkeypatch):
    here = environment()
    monkeypatch.setattr("hepcol.execution.driver.environment", lambda: {**here, "hepcol's code": "other"})
    run = m.check_run(hepcol.run(Marked(), files, scheduler=cluster.scheduler_address, **QUICK))
    assert run.closure.failed == ALL
    assert all(re.search(r"has hepcol's code \w+ instead of other; install", chunk.message) for chunk in run.chunks)


def test_a_worker_that_comes_late_and_is_unlike_the_client_costs_no_chunk(files, tmp_path, small_cluster):
    unlike = tmp_path / "unlike.py"
    unlike.write_text("import hepcol.execution.environment as there\nthere.hepcol_digest = lambda: 'other'\n")
    faults = m.plan(tmp_path / "faults", *[("slow", entry) for entry in range(0, ALL, 10)])
    late = []
    with small_cluster(1) as made:

        def join(update):
            """Start it, the first time: after workers were looked at, and before any chunk is given to one."""
            if not late:
                command = [*WORKER, made.scheduler_address, "--preload", str(unlike)]
                late.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                while len(made.scheduler_info["workers"]) < 2:
                    time.sleep(0.05)

        try:
            how = {**QUICK, "chunksize": 10, "on_update": join, "scheduler": made.scheduler_address}
            run = m.check_run(hepcol.run(Marked(faults), files, **how))
        finally:
            for process in late:
                process.terminate()
                process.wait()
    assert run.closure.complete
    assert len({chunk.worker for chunk in run.chunks}) == 1
    (warning,) = run.summary["warnings"]
    assert re.search(r"worker tcp://\S+ was given went to others: .*hepcol's code other instead of", warning)


def test_a_worker_that_has_loaded_an_earlier_version_of_the_processor_is_told(files, tmp_path, cluster, monkeypatch):
    path = tmp_path / "edited_processor.py"
    path.write_text("def count(events):\n    return {'n': len(events)}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with Client(cluster) as client:
        client.run(exec, f"import sys; sys.path.insert(0, {str(tmp_path)!r})")
    address = cluster.scheduler_address
    module = importlib.import_module("edited_processor")
    run = hepcol.run(module.count, files, scheduler=address, **QUICK)
    assert run.result == {"n": ALL}, run.chunks[0].message
    path.write_text("def count(events):\n    return {'n': 1000 * len(events)}\n")
    importlib.reload(module)
    run = hepcol.run(module.count, files, scheduler=address, **QUICK)
    assert run.closure.failed == ALL
    assert "has loaded other code of edited_processor" in run.chunks[0].message


class Elsewhere:
    """The client's environment; what travels to workers is theirs."""

    def __init__(self, told):
        self.told = told

    def __call__(self):
        return self.told

    def __reduce__(self):
        return getattr, (sys.modules["hepcol.execution.environment"], "environment")


def test_an_output_that_takes_long_is_waited_for_and_does_not_hold_up_the_end(files, tmp_path, cluster, monkeypatch):
    fetched, wait = [], executors._Fetch._wait

    def slow(fetch):
        if not fetched:
            fetched.append(time.monotonic())
            time.sleep(3)
        wait(fetch)

    monkeypatch.setattr(executors._Fetch, "_wait", slow)
    looked = []
    monkeypatch.setattr(executors._DaskWork, "_look", lambda work: looked.append(time.monotonic()))
    run = m.check_run(
        hepcol.run(Marked(), files, scheduler=cluster.scheduler_address, output=tmp_path / "out", **QUICK)
    )
    assert run.closure.complete
    assert sum(fetched[0] < at < fetched[0] + 3 for at in looked) > 5


def start_workers(scheduler):
    """Start workers that nobody starts again."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen([*WORKER, scheduler], **quiet) for _ in range(2)]
    with Client(scheduler) as client:
        client.wait_for_workers(2, timeout=20)
    return started


def end(processes):
    for process in processes:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("come_back", [False, True])
def test_a_cluster_that_loses_its_workers_ends_the_run_or_goes_on_with_others(
    files, tmp_path, come_back, small_cluster
):
    """What was ready and not yet fetched is lost with them."""
    faults = m.plan(tmp_path / "faults", ("wait", 150, 1))
    with small_cluster(0) as made:
        workers = start_workers(made.scheduler_address)

        def replace():
            await_file(tmp_path / "faults" / "started")
            time.sleep(0.3)
            end(workers)
            workers[:] = start_workers(made.scheduler_address) if come_back else []

        how = {"scheduler": made.scheduler_address, "output": tmp_path / "out"}
        how |= {"snapshot_s": 0.5, "lost_after_s": 15 if come_back else 2}
        try:
            with in_thread(replace):
                run = m.check_run(hepcol.run(Marked(faults), files, **{**QUICK, **how}))
        finally:
            end(workers)
    if come_back:
        assert run.closure.processed == ALL
    else:
        assert run.summary["stopped"] == "the Dask cluster had no workers for 2 s"
        assert run.closure.skipped > 0
        assert run.closure.failed == 0


CLUSTER = """
import time
from distributed import LocalCluster

if __name__ == "__main__":
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50)
    print(cluster.scheduler_address, flush=True)
    time.sleep(60)
"""


def test_a_scheduler_that_is_killed_ends_the_run_with_what_was_fetched(files, tmp_path):
    (tmp_path / "cluster.py").write_text(CLUSTER)
    killed = []
    faults = m.plan(tmp_path / "faults", ("wait", 150))
    with subprocess.Popen([sys.executable, tmp_path / "cluster.py"], stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().strip()

        def kill():
            await_file(tmp_path / "faults" / "started")
            await_file(tmp_path / "out" / ".partial" / "snapshot.zip")
            time.sleep(0.5)
            process.kill()
            killed.append(time.monotonic())

        with in_thread(kill):
            run = m.check_run(hepcol.run(Marked(faults), files, scheduler=address, output=tmp_path / "out", **QUICK))
    assert time.monotonic() - killed[0] < 8  # Dask tries to connect again for 10 s, in vain: its tasks are gone
    assert run.summary["stopped"] == "the Dask scheduler was lost"
    assert 0 < run.closure.processed < ALL
    assert run.closure.failed == 0
    m.plan(tmp_path / "faults")
    assert m.check_run(retry(tmp_path / "out")).closure.processed == ALL


@contextmanager
def in_thread(work):
    """Do something meanwhile."""
    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(30)


def await_file(path):
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.exists()


@pytest.mark.parametrize(
    ("how", "failed_chunks", "stopped"),
    [
        ({}, 3, ""),
        ({"on_error": "stop"}, 1, "1 chunks failed, 0 may"),
        ({"max_failures": 0}, 1, "1 chunks failed, 0 may"),
        ({"max_failures": 1}, 2, "2 chunks failed, 1 may"),
        ({"max_failures": 3}, 3, ""),
    ],
)
def test_stops_after_as_many_failures_as_there_may_be(files, tmp_path, how, failed_chunks, stopped):
    faults = m.plan(tmp_path / "faults", ("error", 30), ("error", 70), ("error", 150))
    run = m.check_run(hepcol.run(Marked(faults), files, **QUICK, **how))
    assert len(failed(run)) == failed_chunks
    assert run.summary["stopped"] == stopped
    assert bool(run.closure.skipped) == bool(stopped)


def test_dask_stops_after_a_failure(files, tmp_path, cluster):
    faults = m.plan(tmp_path / "faults", ("error", 5), *[("slow", entry) for entry in range(20, ALL, 20)])
    how = {**QUICK, "on_error": "stop", "scheduler": cluster.scheduler_address}
    run = m.check_run(hepcol.run(Marked(faults), files, **how))
    assert run.closure.failed == 20
    assert run.closure.skipped > 0


@pytest.mark.parametrize("executor", ["iterative", "futures", "dask"])
def test_what_comes_of_no_events_never_costs_what_comes_of_some(files, tmp_path, executor, request):
    if executor == "futures":
        request.getfixturevalue("shared_pool")
    empty = m.write_file(tmp_path, 900, entries=0, baskets=1)
    fileset = {"a": [str(empty)], "b": [str(path) for path in files]}
    run = hepcol.run(m.largest, fileset, executor=executor, on_error="stop", output=tmp_path / "out", **QUICK)
    assert run.closure.complete
    assert run.result["n"] == ALL
    (warning,) = run.summary["warnings"]
    assert "dataset 'a' has no events, and no result" in warning


def test_stops_before_the_first_chunk_when_a_file_cannot_be_read(files):
    files[1].unlink()
    run = m.check_run(hepcol.run(Marked(), files, **QUICK, on_error="stop"))
    assert run.summary["stopped"] == "a file cannot be read"
    assert run.closure.skipped == ALL - 100


@pytest.mark.parametrize("damage", ["missing", "no ROOT file", "corrupt", "cut short", "time-out"])
def test_what_one_place_does_not_give_another_does(tmp_path, where, damage):
    """The checksum of LZ4, which is uproot's, is a ValueError as a processor's may be."""
    (tmp_path / "first").mkdir()
    path = m.write_file(tmp_path, 0, entries=5000, compression=uproot.LZ4(1))
    first = tmp_path / "first" / path.name
    first.write_bytes(path.read_bytes())
    faults = m.plan(tmp_path / "faults", *([("timeout", 2500, 1)] if damage == "time-out" else []))
    if damage == "missing":
        first.unlink()
    elif damage == "no ROOT file":
        first.write_text("this is not a ROOT file\n" * 10)
    elif damage == "corrupt":
        m.corrupt(first, 2)
    elif damage == "cut short":
        first.write_bytes(path.read_bytes()[:-20_000])
    files = {"a": {"files": {str(first): {"object_path": "events", "replicas": [str(path)]}}}}
    run = m.check_run(hepcol.run(Marked(faults), files, **{**QUICK, "chunksize": 1000, "retries": 1}, **where))
    assert run.closure.complete
    assert max(chunk.attempts for chunk in run.chunks) == 2


def test_a_bug_of_a_processor_is_not_tried_at_every_place(tmp_path):
    path = m.write_file(tmp_path, 0)
    faults = m.plan(tmp_path / "faults", ("error", 50))
    files = {"a": {"files": {str(path): {"object_path": "events", "replicas": [str(tmp_path / "other.root")]}}}}
    run = m.check_run(hepcol.run(Marked(faults), files, **QUICK))
    assert {chunk.attempts for chunk in run.chunks} == {1}


def test_a_result_with_no_place_in_an_archive_runs_and_warns(files, tmp_path):
    faults = m.plan(tmp_path / "faults", ("error", 150))
    run = m.check_run(hepcol.run(m.Unstorable(faults), files, output=tmp_path / "out", **QUICK))
    assert run.result["own"].n == ALL - 20
    (warning,) = run.summary["warnings"]
    assert warning.startswith("what is missing cannot be added later: hepcol_file_markers.Own has no place")
    m.plan(tmp_path / "faults")
    with pytest.raises(ValueError, match=r"could not be kept, so that nothing can be added to it; .* --force"):
        retry(tmp_path / "out")
    assert hepcol.run(m.Unstorable(faults), files, output=tmp_path / "out", force=True).summary["warnings"] == []


def no_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_snapshot_that_finds_no_space_is_a_warning(files, tmp_path, monkeypatch):
    monkeypatch.setattr("hepcol.archive.write", no_space)
    out = tmp_path / "out"
    run = m.check_run(hepcol.run(Marked(), files, output=out, **{**QUICK, "snapshot_s": 0}))
    snapshot, result = run.summary["warnings"]
    assert snapshot == "a snapshot could not be written: No space left on device"
    assert result.startswith("no result.zip, so that the run cannot be merged with others: ")
    assert result.endswith(": No space left on device")
    assert m.check_folder(out)["complete"]
    assert not (out / "result.zip").exists()


@pytest.mark.parametrize("what", ["hepcol.outputfolder.write_zip", "hepcol.archive.write"])
def test_results_that_find_no_space_leave_what_was_there(files, tmp_path, monkeypatch, what):
    faults = m.plan(tmp_path / "faults", ("error", 150))
    out = tmp_path / "out"
    hepcol.run(Marked(faults), files, output=out, **QUICK)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr(what, no_space)
    with pytest.raises(ValueError, match=r"cannot be written: No space left on"):
        retry(out, **QUICK)
    monkeypatch.undo()
    # but for a snapshot of what was added
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    m.plan(tmp_path / "faults")
    assert m.check_run(retry(out, **QUICK)).closure.processed == ALL


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 100 kB, where one may be mounted."""
    folder = tmp_path / "faults" / "disk"
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", folder]
    try:
        subprocess.run(mount, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    yield folder
    subprocess.run(["umount", folder], check=True, timeout=10)


def test_a_disk_that_fills_up_costs_what_was_done_after_the_last_snapshot(files, tmp_path, small_disk):
    faults = m.plan(tmp_path / "faults", ("full", 150, 1))
    out = small_disk / "out"
    with pytest.raises(ValueError, match=r"output folder .*out cannot be written: No space left on device"):
        hepcol.run(Marked(faults), files, output=out, **{**QUICK, "snapshot_s": 0})
    assert not (out / ".hepcol.lock").exists()
    m.FAULTS["full"](tmp_path / "faults")  # what the run has removed left some room
    with pytest.raises(ValueError, match=r"cannot be written: No space left on device"):
        hepcol.run(Marked(faults), files, output=small_disk / "other", **QUICK)
    assert not (small_disk / "other").exists()
    (small_disk / "filler").unlink()
    run = m.check_run(hepcol.run(Marked(faults), files, output=out, resume=True, **QUICK))
    assert run.closure.processed == ALL
    assert m.check_folder(out)["complete"]


def work_items(files):
    """The files as coffea's chunks."""
    records = [record for path in files for record in probe(Probe("", "a", InputFile(str(path)), ()))]
    return [WorkItem("a", r.path, r.tree, 0, r.entries, uuid.UUID(r.uuid).bytes, {}) for r in records]


@pytest.mark.parametrize("on_dask", [False, True])
def test_coffeas_own_executors_work_with_our_runner(files, cluster, on_dask):
    with Client(cluster) as client:
        own = DaskExecutor(client=client, status=False) if on_dask else IterativeExecutor(status=False)
        out = LedgerRunner(executor=own).run(work_items(files), Task(Marked(), "topic"))
    assert out["out"]["a"].tallies["entries"] == ALL * (ALL - 1) // 2
    assert {record.status for record in out["ledger"]} == {Status.DONE}


def test_coffeas_own_runner_works_with_our_processors(files, cluster):
    with Client(cluster) as client:
        runner = Runner(executor=DaskExecutor(client=client, status=False), schema=BaseSchema, chunksize=20)
        result = runner({"a": [str(path) for path in files]}, Marked(), treename="events")
    assert result["a"].tallies["entries"] == ALL * (ALL - 1) // 2


def test_coffea_has_what_our_executors_rely_on():
    """coffea says of none of this that it stays; without it, runs would lose events or end early."""
    fields = {field.name: field.default for field in dataclasses.fields(DaskExecutor)}
    assert {"client", "treereduction", "heavy_input", "priority"} <= set(fields)
    assert (fields["treereduction"], fields["heavy_input"], fields["priority"]) == (20, None, 0)
    assert {"workers", "pool"} <= {field.name for field in dataclasses.fields(FuturesExecutor)}
    made = LedgerDaskExecutor(client="a client", sink="a sink", lost_after_s=7).copy(unit="chunk", heavy_input=b"task")
    assert isinstance(made, LedgerDaskExecutor)
    assert (made.client, made.sink, made.lost_after_s, made.heavy_input) == ("a client", "a sink", 7, b"task")
    assert list(inspect.signature(DaskExecutor.__call__).parameters) == ["self", "items", "function", "accumulator"]
    assert list(inspect.signature(accumulate).parameters) == ["items", "accum"]


def test_coffeas_runner_calls_an_executor_as_ours_expect(files):
    called = []

    class Executor(IterativeExecutor):
        def __call__(self, *arguments):
            called.append(arguments)
            return {}, 0

    items = work_items(files)
    LedgerRunner(executor=Executor(status=False)).run(items, Task(Marked(), "topic"))
    ((given, function, accumulator),) = called
    assert (list(given), accumulator) == (items, None)
    (record,) = function(items[0])["ledger"]
    assert record.key == ("a", str(files[0]), 0, 100)


def test_coffea_merges_what_chunks_return_without_changing_it():
    parts = [{"out": {"n": n, "list": [n]}, "ledger": [n]} for n in range(3)]
    before = copy.deepcopy(parts)
    assert merged(parts) == {"out": {"n": 3, "list": [0, 1, 2]}, "ledger": [0, 1, 2]}
    assert merged([{"ledger": ["failed"]}, parts[0]]) == {"out": {"n": 0, "list": [0]}, "ledger": ["failed", 0]}
    assert parts == before
