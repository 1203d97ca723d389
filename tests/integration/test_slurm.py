"""hepcol on a Slurm of this machine: its own daemons, one node, real jobs."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import hepcol
from hepcol.comparison import compare
from hepcol.execution.clusters import Slurm
from hepcol.options import build_processor
from tests.integration.daemons import slurm, why_not

CHECKOUT = Path(__file__).parents[2]
SECONDS = 30  # by which every message is there

pytestmark = [pytest.mark.usefixtures("slurm_daemons"), pytest.mark.timeout(180)]

SLOW = """
import time

def slow(events):
    time.sleep(0.3)
    return {"n": len(events)}
"""


@pytest.fixture(scope="module")
def slurm_daemons(tmp_path_factory):
    """Slurm on this machine; its commands find it by the environment."""
    if os.environ.get("HEPCOL_INTEGRATION") != "1":
        pytest.skip("starts Slurm's daemons: make test-integration does that")
    if reason := why_not():
        pytest.skip(reason)
    with slurm(tmp_path_factory.mktemp("slurm")) as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield
        assert eventually_none()


@pytest.fixture
def cluster(tmp_path):
    """Two workers, and where their logs are."""
    return {
        "kind": "slurm",
        "workers": 2,
        "memory": "1 GB",
        "walltime": "00:10:00",
        "queue": "ci",
        "interface": "lo",
        "log_directory": str(tmp_path / "logs"),
        "local_directory": str(tmp_path),
        "death_timeout": "30 s",
    }


@pytest.fixture
def slow(tmp_path):
    path = tmp_path / "slow.py"
    path.write_text(SLOW)
    return build_processor(f"{path}:slow")


def jobs():
    """Numbers of the jobs there are."""
    done = subprocess.run(["squeue", "-h", "-o", "%i"], capture_output=True, text=True, check=True)
    return done.stdout.split()


def eventually_none(timeout_s=15):
    """Whether the queue gets empty: what was cancelled takes a moment to end."""
    deadline = time.monotonic() + timeout_s
    while jobs() and time.monotonic() < deadline:
        time.sleep(0.2)
    return not jobs()


def test_two_jobs_give_the_bits_of_this_process(cluster, tmp_path):
    processor = build_processor("zee", ["variations=10"])
    here = hepcol.run(processor, "zee-fcc", output=tmp_path / "here", chunksize=500)
    there = hepcol.run(processor, "zee-fcc", output=tmp_path / "there", chunksize=500, cluster=cluster)
    assert there.closure.complete
    assert there.closure.processed == here.closure.processed == 4000
    assert there.summary["workers"] == 2
    assert len({chunk.worker for chunk in there.chunks}) == 2
    differences = compare(tmp_path / "here", tmp_path / "there")
    assert differences
    assert all(difference.equal for difference in differences)
    assert eventually_none()


def test_a_cancelled_job_is_replaced_and_nothing_is_lost(cluster, slow):
    seen, cancelled = set(), []

    def cancel():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not cancelled:
            if len(running := jobs()) == 2 and update_seen.is_set():
                cancelled.append(running[0])
                subprocess.run(["scancel", running[0]], check=True)
            time.sleep(0.2)
        while not done.is_set():
            seen.update(jobs())
            time.sleep(0.2)

    update_seen, done = threading.Event(), threading.Event()
    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        run = hepcol.run(
            slow,
            "zee-fcc",
            cluster=cluster,
            chunksize=30,
            on_update=lambda update: update.chunks_done and update_seen.set(),
        )
    finally:
        done.set()
        thread.join()
    assert cancelled
    assert run.result == {"n": 4000}
    assert len(seen - set(cancelled)) == 2  # the one that stayed, and the one in place of the other
    assert len({chunk.worker for chunk in run.chunks}) >= 2
    assert eventually_none()


def test_a_refused_job_is_told_at_once(cluster, slow):
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"cluster slurm: no worker can come: .*refused by sbatch: .*") as raised:
        hepcol.run(slow, "zee-fcc", cluster=cluster | {"queue": "no-such-partition"})
    assert time.monotonic() - start < SECONDS
    assert "invalid partition" in str(raised.value)
    assert eventually_none()


def test_a_job_that_ends_before_its_worker_comes_is_told_with_its_last_words(cluster, slow):
    start = time.monotonic()
    broken = {"job_script_prologue": ["echo the home directory is not mounted here >&2", "exit 1"]}
    with pytest.raises(ValueError, match=r"2 jobs ended without a worker: the home directory is not mounted here; l"):
        hepcol.run(slow, "zee-fcc", cluster=cluster | broken)
    assert time.monotonic() - start < SECONDS


def test_jobs_that_wait_are_told_within_half_a_minute_and_given_up_in_time(cluster, slow, caplog):
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"no worker came within 25 s: 2 jobs pending \(Partition.*\); logs in /"):
        hepcol.run(slow, "zee-fcc", cluster=cluster | {"queue": "down", "no_worker_timeout": "25 s"})
    assert time.monotonic() - start < SECONDS + 10
    assert eventually_none()
    (told,) = [record.getMessage() for record in caplog.records if record.name == "hepcol.clusters"]
    assert "cluster slurm: no worker for 2" in told
    assert "2 jobs pending (Partition" in told


def test_adaptive_workers_keep_one_and_the_queue_is_empty_at_the_end(cluster, slow):
    run = hepcol.run(slow, "zee-fcc", cluster=cluster | {"workers": {"minimum": 1, "maximum": 3}}, chunksize=40)
    assert run.result == {"n": 4000}
    assert len({chunk.worker for chunk in run.chunks}) >= 2
    assert eventually_none()


@pytest.mark.timeout(300)  # on a busy machine a worker needs half its life to get ready
def test_workers_that_reach_their_lifetime_are_replaced(cluster, tmp_path):
    path = tmp_path / "slower.py"
    path.write_text(SLOW.replace("0.3", "1"))
    lives = cluster | {"lifetime": "30 s", "stagger": "2 s"}
    run = hepcol.run(build_processor(f"{path}:slow"), "zee-fcc", cluster=lives, chunksize=70, snapshot_s=2)
    assert run.result == {"n": 4000}
    assert len({chunk.worker for chunk in run.chunks}) >= 3
    assert max(chunk.attempts for chunk in run.chunks) == 1
    # none was closed in place of the one before it
    assert not any("failed to start" in log.read_text() for log in Path(cluster["log_directory"]).glob("*.err"))
    assert eventually_none()


@pytest.mark.timeout(300)
def test_a_chunk_that_outlasts_its_workers_ends_the_run_and_the_others_are_kept(cluster, tmp_path):
    path = tmp_path / "longer.py"
    path.write_text(
        "import time\n\ndef longer(events):\n"
        "    time.sleep(600 if events.metadata['entrystart'] == 0 else 0)\n    return {'n': len(events)}\n"
    )
    lives = cluster | {"lifetime": "20 s", "stagger": "1 s"}
    how = {"chunksize": 1000, "allow_incomplete": True}
    # both workers end at the same time: what has not come to the client by then goes with them
    run = hepcol.run(build_processor(f"{path}:longer"), "zee-fcc", cluster=lives, snapshot_s=2, **how)
    assert run.result == {"n": 3000}
    assert run.summary["stopped"].startswith("no chunk ended in 3 lifetimes of a worker (21 s each)")
    assert eventually_none()


def test_tls_is_used_from_client_to_workers(cluster, slow, tmp_path):
    folder = tmp_path / "certificates"
    subprocess.run([CHECKOUT / "examples/clusters/certificates.sh", folder], check=True, capture_output=True)
    tls = {"ca_file": f"{folder}/ca.pem", "cert": f"{folder}/node.pem", "key": f"{folder}/node.key"}
    run = hepcol.run(slow, "zee-fcc", cluster=cluster | {"tls": tls}, chunksize=500)
    assert run.result == {"n": 4000}
    (log, *_) = (tmp_path / "logs").glob("*.err")
    assert "tls://" in log.read_text()
    assert eventually_none()


def test_a_scheduler_that_is_open_to_the_network_is_warned_of(cluster, slow):
    del cluster["interface"]
    run = hepcol.run(slow, "zee-fcc", cluster=cluster, chunksize=2000)
    assert any("open to the network without TLS" in warning for warning in run.summary["warnings"])


def test_a_module_of_the_user_is_sent(cluster, tmp_path):
    package = tmp_path / "mycuts"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from pathlib import Path\nCUT = Path(__file__).with_name('cut.txt').read_text()\n"
    )
    (package / "cut.txt").write_text("25")
    script = tmp_path / "analysis.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport mycuts\n\n\n"
        "def count(events):\n    return {mycuts.CUT: len(events)}\n"
    )
    processor = build_processor(f"{script}:count")
    with pytest.raises(ValueError, match=r"lacks mycuts of the processor's code.*; list it under 'upload'"):
        hepcol.run(processor, "zee-fcc", cluster=cluster)
    run = hepcol.run(processor, "zee-fcc", cluster=cluster | {"upload": [str(package)]}, chunksize=500)
    assert run.result == {"25": 4000}


def test_the_command_leaves_no_job_when_it_is_interrupted(cluster, tmp_path):
    assert eventually_none()
    path, slow = tmp_path / "cluster.yaml", tmp_path / "slow.py"
    path.write_text("\n".join(f"{name}: {value!r}" for name, value in cluster.items()))
    slow.write_text(SLOW)
    command = [sys.executable, "-c", "from hepcol.cli import main; main()", "run", f"{slow}:slow", "zee-fcc"]
    process = subprocess.Popen(
        [*command, "--cluster", str(path), "-o", str(tmp_path / "out"), "--chunksize", "20", "--no-plots"],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while len(jobs()) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert "interrupted; nothing was written" in output
    assert eventually_none()


def test_the_check_opens_the_cluster_and_closes_it(cluster, capsys):
    from hepcol.execution.clusters.trial import try_cluster

    trial = try_cluster(Slurm.model_validate(cluster), start=True)
    assert "#SBATCH -p ci" in trial.preview
    assert sum(len(group.workers) for group in trial.groups) in (1, 2)
    assert trial.waited_s < SECONDS
    assert eventually_none()
