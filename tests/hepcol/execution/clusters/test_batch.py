"""HTCondor and PBS by stand-ins for their commands, whose jobs are processes of this machine."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import hepcol
from hepcol.errors import InputError
from hepcol.execution.clusters import queues, watch
from hepcol.execution.clusters.jobs import Jobs
from hepcol.options import build_processor
from tests.hepcol.execution.clusters import standin

CHECKOUT = Path(__file__).parents[4]
COMMANDS = ("condor_submit", "condor_rm", "condor_q", "qsub", "qdel", "qstat")


@pytest.fixture
def batch(tmp_path, monkeypatch):
    """Put the stand-ins on the path; return the folder of their jobs."""
    folder, programs = tmp_path / "batch", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    for name in COMMANDS:
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {standin.__file__} {name} {folder} "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    yield folder
    left = {name for name, process in standin.jobs(folder).items() if standin.alive(process)}
    standin.end(folder, left)
    assert left == set()


@pytest.fixture
def count(tmp_path):
    path = tmp_path / "count.py"
    path.write_text("import time\n\ndef count(events):\n    time.sleep(0.1)\n    return {'n': len(events)}\n")
    return build_processor(f"{path}:count")


@pytest.fixture
def given(tmp_path):
    def of(kind, **more):
        plain = {"workers": 1, "memory": "1 GB", "interface": "lo", "walltime": "10 min"}
        folders = {"log_directory": str(tmp_path / "logs"), "local_directory": str(tmp_path)}
        return {"kind": kind, **plain, **folders, **more}

    return of


def test_a_run_is_done_by_jobs_and_leaves_none(batch, given, count):
    run = hepcol.run(count, "zee-fcc", cluster=given("pbs"), chunksize=2000)
    assert run.result == {"n": 4000}
    assert len(standin.jobs(batch)) == 1
    assert not any(map(standin.alive, standin.jobs(batch).values()))


def test_a_job_that_is_killed_is_replaced(batch, given, count, monkeypatch):
    for name, value in (("_ASK_S", 0.5), ("_AGAIN_S", 0.5)):
        monkeypatch.setattr(watch, name, value)
    killed = []

    def kill(update):
        if update.chunks_done and not killed:
            killed.extend(standin.jobs(batch))
            threading.Thread(target=standin.end, args=(batch, killed)).start()

    run = hepcol.run(count, "zee-fcc", cluster=given("htcondor"), chunksize=100, on_update=kill)
    assert run.result == {"n": 4000}
    assert len(killed) == 1
    assert len(standin.jobs(batch)) == 2


@pytest.mark.parametrize(
    ("kind", "message"), [("htcondor", "condor_submit: ERROR: Failed to parse"), ("pbs", "qsub: qsub: Unknown queue")]
)
def test_a_refused_job_is_told_at_once(batch, given, count, kind, message):
    (batch / "refuse").touch()
    with pytest.raises(InputError, match=f"cluster {kind}: no worker can come: 1 job refused by {message}.*; logs in"):
        hepcol.run(count, "zee-fcc", cluster=given(kind))


def test_a_job_that_ends_at_once_is_told_with_its_last_words(batch, given, count):
    for kind in ("htcondor", "pbs"):
        broken = given(kind, job_script_prologue=["echo no such home >&2", "exit 3"])
        with pytest.raises(InputError, match="no worker can come: 1 job ended without a worker: no such home; logs in"):
            hepcol.run(count, "zee-fcc", cluster=broken)


def test_jobs_on_hold_are_told_with_the_reason(batch, given, count, monkeypatch, caplog):
    monkeypatch.setattr(watch, "TELLS_AFTER_S", 1.0)
    (batch / "held").touch()
    waiting = given("htcondor", job_script_prologue=["sleep 60"], no_worker_timeout="4 s")
    message = r"no worker came within 4 s: 1 job held \(the owner has no credentials\); logs in /"
    with pytest.raises(InputError, match=message):
        hepcol.run(count, "zee-fcc", cluster=waiting)
    (batch / "held").unlink()
    assert "1 job held (the owner has no credentials)" in caplog.text


def test_an_error_of_the_run_leaves_no_job(batch, given, count):
    with pytest.raises(InputError, match="no-such-file"):
        hepcol.run(count, "/no-such-file.root", cluster=given("htcondor"))


def test_ctrl_c_while_a_job_is_submitted_leaves_none(batch, given, tmp_path):
    (batch / "pause-after").write_text("4")
    path, slow = tmp_path / "cluster.yaml", tmp_path / "count.py"
    path.write_text(json.dumps(given("pbs")))
    slow.write_text("def count(events):\n    return {'n': len(events)}\n")
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", "from hepcol.cli import main; main()", "run", f"{slow}:count", "zee-fcc"),
            *("--cluster", str(path), "-o", str(tmp_path / "out"), "--no-plots"),
        ],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not standin.jobs(batch) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the group
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert len(standin.jobs(batch)) == 1
    assert not any(map(standin.alive, standin.jobs(batch).values()))


def test_a_command_that_hangs_is_told_and_does_not_keep_the_run_from_its_end(batch, given, count, monkeypatch):
    monkeypatch.setattr("hepcol.execution.clusters.jobs._LAST_S", 1.0)
    (batch / "pause-before").write_text("60")
    start = time.monotonic()
    with pytest.raises(InputError, match=r"no worker came within 3 s: qsub has not answered for \d s; logs in /"):
        hepcol.run(count, "zee-fcc", cluster=given("pbs", no_worker_timeout="3 s"))
    assert time.monotonic() - start < 20


def test_a_command_that_never_answers_is_killed_with_what_it_has_started(monkeypatch, tmp_path):
    monkeypatch.setattr(queues, "_ANSWER_S", 2.0)  # long enough for the child to start
    program = tmp_path / "squeue"
    program.write_text(f"#!/bin/sh\nsleep 30 &\necho $! > {tmp_path}/child\nwait\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    start = time.monotonic()
    assert queues.SLURM.jobs() is None
    assert time.monotonic() - start < 15
    child = int((tmp_path / "child").read_text())
    while standin.alive(child) and time.monotonic() - start < 15:  # its parent may be gone a moment earlier
        time.sleep(0.05)
    assert not standin.alive(child)


def test_jobs_that_cannot_be_cancelled_are_named(monkeypatch, caplog, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    jobs = Jobs(queues.SLURM, tmp_path)
    jobs._submitted += ["12", "13"]
    jobs.cancel_left()
    assert "these jobs may be left, cancel them: scancel 12 13" in caplog.text


@pytest.mark.parametrize("queue", [queues.SLURM, queues.HTCONDOR, queues.PBS])
def test_remarks_of_a_site_are_no_jobs(queue):
    assert dict(queue.read("NOTICE: maintenance on Monday\n\n-- Schedd: x.cern.ch : <1.2.3.4:9618>\n")) == {}


def test_a_job_that_is_submitted_after_the_batch_system_was_asked_is_not_replaced(monkeypatch):
    jobs = Jobs(queues.SLURM, Path("logs"))
    cluster = jobs.cluster_class(Spec)(a="1")
    jobs.of(cluster, 1)
    monkeypatch.setattr(queues.Queue, "jobs", lambda _: {"1": queues.JobState("pending")})
    jobs.look()
    cluster.workers["b"], cluster.worker_spec["b"] = SimpleNamespace(job_id="2"), None
    jobs.replace()
    assert set(cluster.workers) == {"a", "b"}


QSTAT = """
server:
Job ID   Username Queue Jobname SessID NDS TSK Memory Time S Time
------
12.server me batch hepcol -- 1 8 24gb 02:00 Q --
13.server me batch hepcol 4242 1 8 24gb 02:00 R 00:01
14.server me batch hepcol 4243 1 8 24gb 02:00 C 00:01
"""
ANSWERS = [
    (
        queues.SLURM,
        "12|PENDING|(Resources)\n13|RUNNING|None\n",
        {"12": ("pending", "Resources"), "13": ("running", "")},
    ),
    (
        *(queues.HTCONDOR, "7 0 1 undefined\n8 0 5 disk is full\n9 0 4 undefined\n10 1 2\n"),
        {"7.0": ("pending", ""), "8.0": ("held", "disk is full"), "10.1": ("running", "")},
    ),
    (queues.PBS, QSTAT, {"12": ("pending", ""), "13": ("running", "")}),
]


@pytest.mark.parametrize(("queue", "text", "expected"), ANSWERS, ids=["slurm", "htcondor", "pbs"])
def test_answers_of_batch_systems_are_read(queue, text, expected):
    found = dict(queue.read(text))
    assert {number: (state.state, state.reason) for number, state in found.items()} == expected


def test_a_batch_system_that_does_not_answer_is_no_reason_to_think_that_jobs_have_ended(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert queues.SLURM.jobs() is None

    class Job:
        job_id = "12"

    class Cluster:
        workers = {"name": Job()}  # noqa: RUF012  (a stand-in)

    jobs = Jobs(queues.SLURM, Path(tmp_path))
    jobs.of(Cluster(), 1)
    jobs.look()
    assert not jobs.all_failed
    assert "squeue tells nothing" in jobs.describe()


class Spec:
    """Stands for a cluster of dask-jobqueue: which jobs it has, and which it is to have."""

    _name = "Spec"

    def __init__(self, **jobs):
        self.workers = {name: SimpleNamespace(job_id=number) for name, number in jobs.items()}
        self.worker_spec = dict.fromkeys(jobs)
        self.scheduler_info = {"workers": {}}
        self.asked = []

    def scale(self, jobs):
        self.asked.append(jobs)


def test_jobs_that_are_gone_are_replaced_under_names_that_were_not_there(monkeypatch):
    jobs = Jobs(queues.SLURM, Path("logs"))
    cluster = jobs.cluster_class(Spec)(a="1", b="2", c=None, d="4")
    cluster.scheduler_info["workers"]["tcp://x"] = {"name": "a-0"}  # of several in a job, which has just left the queue
    jobs.of(cluster, None)
    monkeypatch.setattr(queues.Queue, "jobs", lambda _: {"2": queues.JobState("pending")})
    jobs.look()
    jobs.replace()
    assert set(cluster.workers) == set(cluster.worker_spec) == {"a", "b"}
    assert cluster.asked == [4]
    assert jobs.describe().startswith("1 job pending; 1 job ended without a worker; logs in")
    assert [cluster._new_worker_name(0) for _ in range(2)] == ["Spec-0", "Spec-1"]
