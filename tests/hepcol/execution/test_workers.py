"""Local Dask workers are forked from a process that has imported what they need."""

import ast
import os
import subprocess
import sys
import textwrap
from contextlib import suppress

import psutil
import pytest

SCRIPT = """
import hepcol

def look(events):
    import os, sys
    found = {
        "preloaded": int("hepcol.execution.preload" in sys.modules),
        "kept": int(os.environ.get("A_TOKEN") == "secret" and "PYTHONSAFEPATH" not in os.environ),
    }
    return {str(os.getpid()): found}

if __name__ == "__main__":
    import os
    from multiprocessing import forkserver
    hepcol.run(look, "zee-fcc", executor="dask", workers=1, chunksize=4000)
    os.environ["A_TOKEN"] = "secret"  # after the process that workers are forked from began
    run = hepcol.run(look, "zee-fcc", executor="dask", workers=2, chunksize=500)
    print(run.result)
    server = forkserver._forkserver._forkserver_pid
    print(server)
    with open(f"/proc/{server}/environ") as environment:
        print(environment.read().split(chr(0)))
    print("PYTHONSAFEPATH" in os.environ)
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("script")
    # modules of somebody's folder that would be imported first if Python looked there
    (folder / "distributed.py").write_text("raise RuntimeError('not the module that was meant')\n")
    script = folder / "elsewhere" / "script.py"
    script.parent.mkdir()
    script.write_text(textwrap.dedent(SCRIPT))
    # whatever this machine sets, the process that workers are forked from has its own
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [ast.literal_eval(line) for line in done.stdout.strip().splitlines()]


def test_workers_are_forked_ready_and_in_the_environment_of_the_client(outcome):
    workers, *_ = outcome
    chunks = sum(worker["preloaded"] for worker in workers.values())
    assert chunks == 8  # the counts of the chunks add up
    assert sum(worker["kept"] for worker in workers.values()) == chunks


def test_variables_for_that_process_do_not_stay_with_the_client(outcome):
    _, _, environment, left = outcome
    assert {"OMP_NUM_THREADS=1", "PYTHONHASHSEED=6640", "PYTHONSAFEPATH=1"} <= set(environment)
    assert left is False  # Dask sets the other ones for the client, too


def test_workers_are_spawned_where_a_socket_has_no_place(tmp_path):
    """A temporary folder of a long name, as batch systems have, is too long for the address of a socket."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    script = tmp_path / "script.py"
    script.write_text(
        "import hepcol\n"
        "def count(events):\n    return {'events': len(events)}\n"
        "if __name__ == '__main__':\n"
        "    print(hepcol.run(count, 'zee-fcc', executor='dask', workers=1).result)\n"
    )
    environment = os.environ | {"TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.strip() == "{'events': 4000}", done.stderr


def test_the_process_that_workers_are_forked_from_ends_with_the_client(outcome):
    _, server, *_ = outcome
    with suppress(psutil.NoSuchProcess):
        psutil.Process(server).wait(timeout=10)


@pytest.mark.parametrize("executor", ["futures"])
def test_a_processor_of_a_script_runs_in_other_processes(executor, tmp_path, shipped_file):
    script = tmp_path / "script.py"
    script.write_text(
        "import hepcol\n"
        "class Count:\n"
        "    def process(self, events):\n"
        "        return {'n': len(events)}\n"
        "    def postprocess(self, out):\n"
        "        return out\n"
        "if __name__ == '__main__':\n"
        f"    print(hepcol.run(Count(), {str(shipped_file)!r}, executor={executor!r}, chunksize=2000).result)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'n': 4000}"
