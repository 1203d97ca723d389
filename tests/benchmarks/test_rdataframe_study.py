"""The timed versions of the study in RDataFrame against hepcol: equal counts, or the same distributions."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import hepcol
from processors.zee import ZeeProcessor
from processors.zee.electrons import Electrons

CHECKOUT = Path(__file__).parents[2]
STUDY = CHECKOUT / "benchmarks" / "rdataframe" / "study.py"
SHIPPED = CHECKOUT / "samples" / "data" / "zee_fcc.root"
HISTOGRAMS = ("e1", "e2", "m_ee")

# a width that is no power of two, so that fused operations would show; not a multiple of the 4 draws of a call
SMEARING = {"sigma": 1.7, "variations": 21, "seed": 2**31 + 7}
UNLIKELY = 1e-5

# versions with random numbers of their own, and threads
ON_EVENTS = [("original", 0), ("columns", 0), ("columns", 2), ("best", 0), ("best", 2), ("action", 0), ("action", 2)]
ON_PAIRS = [("flat", 0), ("flat", 2), ("action-flat", 0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder of what the versions found, and of the files that they ran on."""
    if find_spec("ROOT") is None:
        pytest.skip("ROOT is not installed")
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        pytest.skip("there is no C++ compiler")
    folder = tmp_path_factory.mktemp("study")
    clustered = str(folder / "clustered.root")
    flat = {electrons: str(folder / f"flat-{electrons}.root") for electrons in Electrons}
    runs = []
    for electrons in Electrons:
        for version, path, threads in (
            ("equal", clustered, 0),
            ("equal", clustered, 2),
            ("equal-flat", flat[electrons], 0),
            ("equal-flat", flat[electrons], 2),
            *((version, clustered, threads) for version, threads in ON_EVENTS),
            *((version, flat[electrons], threads) for version, threads in ON_PAIRS),
        ):
            options = {"path": path, "version": version, "electrons": electrons, **SMEARING}
            runs.append((f"{version}-{electrons}-{threads}", threads, options))
    task = {
        "runs": runs,
        "clustered": {str(SHIPPED): clustered},
        "flat": {path: (clustered, electrons) for electrons, path in flat.items()},
    }
    script = Path(__file__).with_name("run_study.py")
    done = subprocess.run(
        [sys.executable, script, folder], input=json.dumps(task), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module", params=list(Electrons))
def ours(request, folder):
    """The selection, and hepcol's result of it."""
    processor = ZeeProcessor(electrons=request.param, **SMEARING)
    (result,) = hepcol.run(processor, folder / "clustered.root").result.values()
    return request.param, result


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("version", ["equal", "equal-flat"])
def test_counts_equal_those_of_the_equal_algorithm(folder, ours, version, threads):
    electrons, result = ours
    counts, cutflow = read(folder / f"{version}-{electrons}-{threads}")
    assert cutflow == result.cutflow
    for name in HISTOGRAMS:
        np.testing.assert_array_equal(result.histograms[name].counts, counts[name], err_msg=name)


@pytest.mark.parametrize(("version", "threads"), ON_EVENTS + ON_PAIRS)
def test_versions_with_other_random_numbers_have_the_same_distributions(folder, ours, version, threads):
    electrons, result = ours
    counts, cutflow = read(folder / f"{version}-{electrons}-{threads}")
    assert cutflow == result.cutflow
    for name in HISTOGRAMS:
        table = np.stack([result.histograms[name].counts.sum(axis=0), counts[name].sum(axis=0)])
        rare = table.sum(axis=0) < 20
        table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)]) if rare.any() else table
        table = table[:, table.sum(axis=0) > 0]
        assert stats.chi2_contingency(table).pvalue > UNLIKELY, name


@pytest.mark.parametrize(("version", "threads"), ON_EVENTS + ON_PAIRS)
def test_variations_have_draws_of_their_own(folder, ours, version, threads):
    electrons, _ = ours
    counts, cutflow = read(folder / f"{version}-{electrons}-{threads}")
    for name in HISTOGRAMS:
        assert len(np.unique(counts[name], axis=0)) == SMEARING["variations"]
    # the mean of the leading energy scatters from variation to variation by its error, and by nothing else
    bins = np.arange(52)
    means = counts["e1"] @ bins / counts["e1"].sum(axis=1)
    bin_width = 2.0
    error = np.hypot(SMEARING["sigma"] / bin_width, np.sqrt(1 / 12)) / np.sqrt(cutflow["opposite-charge pair"])
    scatter = np.sum((means - means.mean()) ** 2) / error**2
    degrees = SMEARING["variations"] - 1
    assert stats.chi2.cdf(scatter, degrees) > UNLIKELY
    assert stats.chi2.sf(scatter, degrees) > UNLIKELY


def test_command_reports_times_and_writes_counts(folder, tmp_path):
    report = command(SHIPPED, "--version", "best", "--variations", "3", "--counts", tmp_path / "counts.npz")
    assert (report["version"], report["mode"], report["workers"]) == ("best", "serial", 1)
    assert report["entries"] == dict.fromkeys(HISTOGRAMS, 3 * report["events"])
    assert 0 < report["loop_s"] + report["compile_s"] <= report["total_s"]
    counts = np.load(tmp_path / "counts.npz")
    assert {name: counts[name].shape for name in counts} == dict.fromkeys(HISTOGRAMS, (3, 52))


@pytest.mark.parametrize(("version", "file"), [("best", "clustered"), ("flat", "flat-generator")])
def test_command_runs_on_a_cluster_of_dask(folder, version, file):
    report = command(folder / f"{file}.root", "--version", version, "--variations", "3", "--dask", "2")
    assert (report["mode"], report["workers"]) == ("dask", 2)
    assert report["entries"] == dict.fromkeys(HISTOGRAMS, 3 * report["events"])
    assert report["m_ee"] == pytest.approx([90.4, 2.9], abs=0.3)


@pytest.mark.parametrize("version", ["action", "equal"])
def test_command_refuses_an_action_on_a_cluster(folder, version):
    done = subprocess.run(
        [sys.executable, STUDY, SHIPPED, "--version", version, "--dask", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"{version} needs RDataFrame's Book, which distributed RDataFrame does not have" in done.stderr


def command(path, *options):
    done = subprocess.run(
        [sys.executable, STUDY, path, "--json", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def read(stem):
    with np.load(stem.with_suffix(".npz")) as counts:
        return dict(counts), json.loads(stem.with_suffix(".json").read_text())
