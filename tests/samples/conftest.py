import json
import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def run_python():
    """Run code in a process of its own: ROOT changes signals, streams and hooks of the one that imports it."""

    def run(code, *arguments, **environment):
        command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def generate(run_python):
    for module in ("ROOT", "pythia8mc"):
        if not _is_installed(module):
            pytest.skip(f"{module} is not installed")

    def generate(folder, requests):
        """Make files of names, each with arguments; in one process, as each takes 4 s to be ready."""
        code = (
            "import json, sys\n"
            "from samples.zee_fcc import generate\n"
            "if __name__ == '__main__':\n"
            "    folder, requests = sys.argv[1], json.loads(sys.argv[2])\n"
            "    made = {name: str(generate(f'{folder}/{name}', **how)) for name, how in requests.items()}\n"
            "    print(json.dumps(made))\n"
        )
        return json.loads(run_python(code, folder, json.dumps(requests)))

    return generate


@pytest.fixture(scope="session")
def replicate(run_python):
    if not _is_installed("ROOT"):
        pytest.skip("ROOT is not installed")

    def replicate(source, destination, times):
        code = (
            "import sys\n"
            "from samples.replicate import replicate\n"
            "print(replicate(sys.argv[1], sys.argv[2], int(sys.argv[3])))\n"
        )
        return run_python(code, source, destination, times).strip()

    return replicate


def _is_installed(module):
    from importlib.util import find_spec

    return find_spec(module) is not None
