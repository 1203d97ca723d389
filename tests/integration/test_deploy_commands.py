"""What the manifests and scripts start is started, on this machine: scheduler, workers with TLS, and a run of hepcol.

Without Kubernetes, HTCondor and Slurm: their part, such as srun, is played by a few lines of shell.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from hepcol.kernels.cache import cache_root
from tests.deploy.manifests import DEPLOY, load, pods, the

pytestmark = pytest.mark.skipif(
    os.environ.get("HEPCOL_INTEGRATION") != "1",
    reason="starts clusters, 40 s of a core: make test-integration does that",
)

PATIENCE_S = 90
EVENTS = 4000
RUN = ("zee", "zee-fcc", "-p", "variations=5", "--no-plots")
# as many copies at once as --ntasks says; what it is sent to end them it hands on, as srun does
SRUN = """#!/bin/sh
[ "$1" = --ntasks ] || exit 2
tasks=$2; shift 2
trap 'kill $started' TERM
for _ in $(seq "$tasks"); do "$@" & started="$started $!"; done
wait; wait
"""


@pytest.fixture
def environment():
    """Variables of a job: our commands, and this checkout, also in folders elsewhere."""
    modules = f"{DEPLOY.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": modules, "PYTHONSAFEPATH": "1"} | {
        # kernels that were compiled before; a job of HTCondor would compile them in its own folder
        "HEPCOL_CACHE_DIR": str(cache_root())
    }


@pytest.fixture
def submitted(tmp_path):
    """A folder to submit from, with deploy/ in it."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    return tmp_path


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@contextmanager
def started(*command, **options):
    """A process, ended in the end with those that it has started."""
    process = subprocess.Popen([str(word) for word in command], start_new_session=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answer(url):
    """What a server says, once it is there."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return reply.read().decode()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def events(folder):
    summary = json.loads((folder / "summary.json").read_text())
    return summary["complete"], summary["events"]["processed"]


def arguments(name, kind, part, variables):
    (container,) = pods(the(kind, load(name)))[part]["containers"]
    words = container["args"]
    for key, value in variables.items():
        words = [word.replace(key, value) for word in words]
    return words


def test_commands_of_the_manifests_make_a_cluster_that_a_job_runs_on(tmp_path, environment):
    port, dashboard, of_worker = free_port(), free_port(), free_port()
    variables = {
        "$(DASK_SCHEDULER_ADDRESS)": f"tcp://127.0.0.1:{port}",
        "$(DASK_WORKER_NAME)": "one",
        "$(MEMORY_LIMIT)": str(3 << 30),
        "0.0.0.0": "127.0.0.1",
        "8786": str(port),
        ":8787": f"127.0.0.1:{dashboard}",
        ":8788": f"127.0.0.1:{of_worker}",
        "/scratch": str(tmp_path / "scratch"),
        "/results": str(tmp_path / "results"),
    }
    environment |= {"DASK_SCHEDULER_ADDRESS": variables["$(DASK_SCHEDULER_ADDRESS)"]}
    (wait,) = pods(the("Job", load("job.yaml")))["job"]["initContainers"]
    options = {"cwd": tmp_path, "env": environment, "stderr": subprocess.DEVNULL}
    with (
        started(*arguments("cluster.yaml", "DaskCluster", "scheduler", variables), **options),
        started(*arguments("cluster.yaml", "DaskCluster", "worker", variables), **options),
    ):
        assert subprocess.run(wait["args"], env=environment, cwd=tmp_path, check=False).returncode == 0
        # the probes, of scheduler and worker
        assert answer(f"http://127.0.0.1:{dashboard}/health") == "ok"
        assert answer(f"http://127.0.0.1:{of_worker}/health") == "ok"
        job = [*arguments("job.yaml", "Job", "job", variables), "--no-plots"]
        job[job.index("variations=100")] = "variations=5"
        done = subprocess.run(job, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert events(tmp_path / "results" / "zee") == (True, EVENTS)
        # a pod that is started again after all was done leaves that as it is, and says so
        again = subprocess.run(job, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (again.returncode, "the run is complete" in again.stderr) == (2, True)
        assert events(tmp_path / "results" / "zee") == (True, EVENTS)


def test_a_job_of_htcondor_leaves_its_results_in_the_folder_that_is_sent_back(submitted, environment):
    environment |= {"_CONDOR_SCRATCH_DIR": str(submitted)}
    command = ["sh", "deploy/htcondor/run.sh", *RUN, "--executor", "futures", "--workers", "2"]
    done = subprocess.run(command, cwd=submitted, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert events(submitted / "result") == (True, EVENTS)
    wrong = [*command[:2], "zee", "no-such-sample"]
    shutil.rmtree(submitted / "result")
    done = subprocess.run(wrong, cwd=submitted, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (submitted / "result").is_dir()


def test_workers_of_htcondor_serve_a_scheduler_that_asks_for_a_certificate(submitted, environment):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    made = subprocess.run(["sh", "deploy/tls.sh", "tls"], cwd=submitted, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert (submitted / "tls" / "key.pem").stat().st_mode & 0o077 == 0
    address = f"tls://127.0.0.1:{free_port()}"
    inside = environment | {"DASK_CONFIG": "tls"}
    (submitted / "machine.ad").write_text('Cpus = 1\nMemory = 1500\nName = "slot1"\n')
    slot = environment | {"_CONDOR_SCRATCH_DIR": str(submitted), "_CONDOR_MACHINE_AD": str(submitted / "machine.ad")}
    scheduler = ("dask", "scheduler", "--host", address, "--dashboard-address", ":0")
    worker = ("sh", "deploy/htcondor/worker.sh", address, "300")
    with (
        started(*scheduler, cwd=submitted, env=inside, stderr=subprocess.DEVNULL),
        started(*worker, cwd=submitted, env=slot, stderr=subprocess.DEVNULL),
        started(*worker, cwd=submitted, env=slot, stderr=subprocess.DEVNULL),
    ):
        look = (
            "from distributed import Client; import sys; client = Client(sys.argv[1], timeout=60);"
            "client.wait_for_workers(2, timeout=60);"
            "workers = client.scheduler_info(n_workers=-1)['workers'].values();"
            "print({worker['memory_limit'] >> 20 for worker in workers})"
        )
        seen = [sys.executable, "-c", look, address]
        done = subprocess.run(seen, cwd=submitted, env=inside, capture_output=True, text=True, check=False)
        assert done.stdout == "{1500}\n", done.stderr
        run = ["hepcol", "run", *RUN, "--scheduler", address, "--output", "result"]
        done = subprocess.run(run, cwd=submitted, env=inside, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert events(submitted / "result") == (True, EVENTS)
        # and who has no certificate is not let in
        done = subprocess.run(
            [*run, "--force"], cwd=submitted, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert address in done.stderr


def test_a_job_of_slurm_starts_its_cluster_and_ends_it(submitted, environment):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    (submitted / "bin").mkdir()
    srun = submitted / "bin" / "srun"
    srun.write_text(SRUN)
    srun.chmod(0o755)
    environment |= {
        "PATH": f"{srun.parent}{os.pathsep}{environment['PATH']}",
        "SLURM_JOB_ID": "7",
        "SLURM_NTASKS": "2",
        "SLURM_MEM_PER_CPU": "2000",
    }
    job = ["bash", "deploy/slurm/run.sbatch", *RUN, "--output", "result"]
    with started(
        *job, cwd=submitted, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said = process.communicate(timeout=PATIENCE_S * 2)[0]
    assert process.returncode == 0, said
    assert events(submitted / "result") == (True, EVENTS)
    assert "dask, 2 workers" in said
    # Dask logs one if a worker ends while it is spoken to, after hepcol has told its results
    assert "Traceback" not in said[: said.index("dask, 2 workers")]
    # the key goes with the cluster
    assert not (submitted / "hepcol-7").exists()
    job[2] = "no_such_analysis"
    done = subprocess.run(
        job, cwd=submitted, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 2
    assert not (submitted / "hepcol-7").exists()


GATEWAY = """
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.address = "127.0.0.1:{api}"
c.Proxy.address = "127.0.0.1:{proxy}"
c.LocalBackend.clusters_directory = "{folder}"
"""


def test_the_gateway_script_runs_on_a_gateway(tmp_path, environment):
    """On a real one, whose clusters are processes of this machine; with TLS, as it does everywhere."""
    pytest.importorskip("dask_gateway_server", reason="dask-gateway-server[local] is not installed")
    api, proxy = free_port(), free_port()
    (tmp_path / "gateway.py").write_text(GATEWAY.format(api=api, proxy=proxy, folder=tmp_path / "clusters"))
    environment |= {"DASK_GATEWAY__ADDRESS": f"http://127.0.0.1:{proxy}"}
    server = (sys.executable, "-m", "dask_gateway_server", "--config", "gateway.py")
    with started(*server, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        assert '"pass"' in answer(f"http://127.0.0.1:{proxy}/api/health")
        script = [sys.executable, DEPLOY / "gateway" / "run_zee.py", "--workers", "2"]
        done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"'all events': {EVENTS}" in done.stdout
