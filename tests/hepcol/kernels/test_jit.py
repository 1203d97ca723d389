"""Where compiled kernels are kept."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = (
    "import numba; from hepcol.kernels import _jit, pairs; import numpy as np\n"
    "pairs.leading_pairs(np.ones(1), np.ones(1), np.array([0, 1]))\n"
    "print(_jit.cache_folder()); print(numba.config.CACHE_DIR)"
)


def compile_with(**variables):
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()


def test_kernels_are_kept_where_hepcol_is_told(tmp_path):
    folder, other_packages = compile_with(HEPCOL_CACHE_DIR=tmp_path / "ours", NUMBA_CACHE_DIR="")
    assert Path(folder).is_relative_to(tmp_path / "ours")
    assert list(Path(folder).rglob("*.nbi"))
    assert other_packages == ""


def test_a_folder_for_numba_holds_ours_by_the_state_of_the_kernels(tmp_path):
    folder, other_packages = compile_with(HEPCOL_CACHE_DIR="", NUMBA_CACHE_DIR=tmp_path)
    assert Path(folder).parent == tmp_path / "hepcol" / "numba"
    assert other_packages == str(tmp_path)


def test_a_folder_that_cannot_be_written_is_replaced(tmp_path):
    (tmp_path / "file").touch()
    folder, _ = compile_with(HEPCOL_CACHE_DIR=tmp_path / "file", TMPDIR=tmp_path)
    assert Path(folder).is_relative_to(tmp_path / f"hepcol-{os.getuid()}")


@pytest.mark.timeout(120)
def test_workers_that_compile_at_the_same_time_give_the_right_bytes(tmp_path, shipped_file):
    """Two Dask workers and an empty cache; then again with the cache full."""
    code = (
        "import sys, hepcol; from processors.zee import ZeeProcessor\n"
        "if __name__ == '__main__':\n"
        "    path, output = sys.argv[1:]\n"
        "    run = hepcol.run(ZeeProcessor(variations=3), path, executor='dask', chunksize=500, output=output)\n"
        "    print(run.summary['compile_s'])\n"
    )
    (tmp_path / "script.py").write_text(code)
    digests, seconds = set(), []
    for output in ("cold", "warm"):
        done = subprocess.run(
            [sys.executable, "script.py", shipped_file, output],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "HEPCOL_CACHE_DIR": str(tmp_path / "cache")},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        seconds.append(float(done.stdout))
        digests.add(hashlib.sha256((tmp_path / output / "histograms.root").read_bytes()).hexdigest())
    assert len(digests) == 1
    assert seconds[0] > seconds[1]
