"""Z -> ee in ATLAS without calibration: hepcol against RDataFrame over the same PHYSLITE."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import hepcol
from benchmarks.zee_atlas import differences
from processors.zee_atlas import ZeeAtlasProcessor
from samples.catalogue import ZEE_ATLAS

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / "benchmarks" / "rdataframe" / "zee_atlas.py"
REAL = CHECKOUT.parent / "shared" / "data" / "PHYSLITE_example.root"
FILES = {"shipped": ZEE_ATLAS.path, "distributed": ZEE_ATLAS.path, "real": REAL}
CASES = {"shipped": ("--threads", "2"), "distributed": ("--dask", "2"), "real": ()}


@pytest.fixture(scope="module")
def printed():
    """What each run printed."""
    if find_spec("ROOT") is None:
        pytest.skip("ROOT is not installed")
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        pytest.skip("there is no C++ compiler")
    cases = {name: more for name, more in CASES.items() if FILES[name].is_file()}
    with ThreadPoolExecutor(2) as pool:
        done = dict(zip(cases, pool.map(run, (FILES[name] for name in cases), cases.values()), strict=True))
    for one in done.values():
        assert one.returncode == 0, one.stderr
    return {name: json.loads(one.stdout.splitlines()[-1]) for name, one in done.items()}


def run(path, more):
    return subprocess.run([sys.executable, SCRIPT, path, *more], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("case", CASES)
def test_nominal_histograms_are_those_of_rdataframe(printed, case):
    path = FILES[case]
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside the checkout, in {path.parent}")
    theirs = printed[case]
    (ours,) = hepcol.run(ZeeAtlasProcessor(calibrated=False, systematics="none"), path).result.values()
    names = list(theirs["sums"])
    assert len(names) == 5
    told = {
        "cutflow": ours.cutflow,
        "entries": ours.histograms["m_ee"].counts[0].tolist(),
        "sums": {name: ours.histograms[name].weights.value[0].tolist() for name in names},
    }
    assert not list(differences(told, theirs))
    assert np.sum(theirs["entries"]) == list(ours.cutflow.values())[-1] > 10
    for name in names:
        # digits of squares end at 2^-96 of the square of the bound on the weights
        np.testing.assert_allclose(ours.histograms[name].squares.value[0], theirs["squares"][name], 1e-12, atol=1e-7)


def test_times_are_reported(printed):
    for one in printed.values():
        assert 0 < one["loop_s"] < one["total_s"]
        assert one["start_s"] < one["total_s"]
