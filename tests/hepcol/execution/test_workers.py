"""Local Dask workers are forked from a process that has imported what they need."""

import subprocess
import sys
import textwrap

import psutil
import pytest

SCRIPT = """
import hepcol

def look(events):
    import os, sys
    found = {
        "preloaded": int("hepcol.execution.preload" in sys.modules),
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "kept": int(os.environ.get("A_TOKEN") == "secret" and "PYTHONSAFEPATH" not in os.environ),
    }
    return {str(os.getpid()): found}

if __name__ == "__main__":
    import os
    os.environ["A_TOKEN"] = "secret"
    run = hepcol.run(look, "zee-fcc", executor="dask", workers=2, chunksize=500)
    print(run.result)
    from multiprocessing import forkserver
    print(forkserver._forkserver._forkserver_pid)
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("script")
    # modules of somebody's folder that would be imported first if Python looked there
    (folder / "distributed.py").write_text("raise RuntimeError('not the module that was meant')\n")
    script = folder / "elsewhere" / "script.py"
    script.parent.mkdir()
    script.write_text(textwrap.dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    result, server = done.stdout.strip().splitlines()
    return eval(result), int(server)


def test_workers_are_forked_ready_and_in_the_environment_of_the_client(outcome):
    workers, _ = outcome
    chunks = sum(worker["preloaded"] for worker in workers.values())
    assert chunks == 8  # the counts of the chunks add up
    assert sum(worker["threads"] for worker in workers.values()) == chunks
    assert sum(worker["kept"] for worker in workers.values()) == chunks


def test_the_process_that_workers_are_forked_from_ends_with_the_client(outcome):
    _, server = outcome
    if psutil.pid_exists(server):
        psutil.Process(server).wait(timeout=10)
