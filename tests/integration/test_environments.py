"""Workers in another environment than the client's are told in one table, before anything is done."""

import os
import subprocess
import sys
import sysconfig
import time

import pytest

import hepcol
from hepcol.options import build_processor

SECONDS = 30
OLDER = "2.13.0"

pytestmark = pytest.mark.timeout(180)


def environment_of(folder):
    """Make an environment that has the packages of this one, but not what is installed by a link, as hepcol is."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    (packages / "shared.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")
    return folder / "bin" / "python", packages


def worker_of(python, address):
    """Start a worker with another Python."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), "-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1", "--no-dashboard"]
    return subprocess.Popen([*command, address], env=environment, stderr=subprocess.DEVNULL, cwd=python.parent)


@pytest.fixture
def run_on(tmp_path, local_cluster):
    """Run on a scheduler with a worker of this environment and one of another."""
    path = tmp_path / "count.py"
    path.write_text("def count(events):\n    return {'n': len(events)}\n")

    def run(python):
        from distributed import Client

        with local_cluster(1) as cluster:
            process = worker_of(python, cluster.scheduler_address)
            try:
                with Client(cluster) as client:
                    client.wait_for_workers(2, timeout=60)
                start = time.monotonic()
                made = {"kind": "address", "address": cluster.scheduler_address}
                with pytest.raises(ValueError, match="install what the client has there") as raised:
                    hepcol.run(build_processor(f"{path}:count"), "zee-fcc", cluster=made)
                return str(raised.value), time.monotonic() - start
            finally:
                process.terminate()
                process.wait()

    return run


def test_a_worker_without_hepcol_is_a_row_of_a_table(run_on, tmp_path, capfd):
    python, _ = environment_of(tmp_path / "other")
    has = subprocess.run([python, "-c", "import hepcol"], cwd=tmp_path, capture_output=True, check=False, env={})
    if has.returncode == 0:
        pytest.skip("hepcol is not installed by a link here, so that the other environment has it, too")
    message, seconds = run_on(python)
    assert seconds < SECONDS
    assert "has hepcol's code not installed instead of" in message
    assert "(1 of 2 workers are unlike the client); install what the client has there" in message
    table = capfd.readouterr().err
    assert "not installed <-" in table
    assert max(map(len, table.splitlines())) <= 80


def test_a_worker_with_another_awkward_is_a_row_of_a_table(run_on, tmp_path, capfd):
    if os.environ.get("HEPCOL_INTEGRATION") != "1":
        pytest.skip("downloads an older awkward: make test-integration does that")
    python, packages = environment_of(tmp_path / "other")
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--target", str(packages)]
    done = subprocess.run([*install, f"awkward=={OLDER}"], capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        pytest.skip(f"no older awkward: {done.stderr.strip().splitlines()[-1]}")
    message, seconds = run_on(python)
    assert seconds < SECONDS
    assert f"awkward {OLDER} instead of" in message
    assert f"{OLDER} <-" in capfd.readouterr().err
