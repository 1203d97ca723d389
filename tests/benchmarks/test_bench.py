import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import uproot
from click.testing import CliRunner

from benchmarks import report, zee
from benchmarks.commands import bench
from benchmarks.measurement import CHECKOUT, BenchmarkError, measure
from benchmarks.zee import Case

OURS_FILE = Path("zee.root")
OURS = Case(zee.HEPCOL, zee.GENERATOR, zee.VARIATIONS)


def sample(total, **more):
    counts = {name: np.arange(52) for name in ("e1", "e2", "m_ee")}
    found = {"total_s": total, "m_ee": [90.3, 2.85], "cutflow": {"all": 100, "pair": 100}, "counts": counts}
    return found | {"start_s": 1.0, "cpu_s": total, "peak_mb": 400.0} | more


@pytest.fixture
def samples():
    return {
        OURS: [sample(4.0), sample(5.0), sample(6.0)],
        OURS._replace(variations=1000): [sample(8.0), sample(9.0), sample(10.0)],
        OURS._replace(subject=zee.AS_ORIGINAL): [sample(80.0), sample(50.0), sample(180.0)],
        OURS._replace(subject=zee.EQUAL): [sample(2.0, root="6.40.00"), sample(2.0), sample(3.0)],
    }


@pytest.mark.parametrize("quick", [False, True])
def test_the_plan_measures_every_target(quick):
    cases = zee.plan(quick)
    assert len(set(cases)) == len(cases)
    assert {case for target in zee.TARGETS for case in (target.numerator, target.denominator)} <= set(cases)


def test_ratios_pair_the_runs_of_the_same_repeat(samples):
    found = {target.what: values for target, values in zee.ratios(samples)}
    assert found[f"{zee.AS_ORIGINAL} / hepcol, one process"] == [20.0, 10.0, 30.0]
    assert found["hepcol, 1000 variations / 100 variations"] == [2.0, 1.8, pytest.approx(10 / 6)]
    assert f"{zee.BEST} / hepcol, one process" not in found  # was not measured


def test_the_tables_tell_targets_that_are_missed(samples):
    text = report.markdown(samples, report.describe(samples, OURS_FILE, 3, 1_000_000))
    assert f"| {zee.AS_ORIGINAL} / hepcol, one process | 20 (10 - 30) | at least 20: met |" in text
    samples[OURS._replace(subject=zee.AS_ORIGINAL)] = [sample(8.0)] * 3
    text = report.markdown(samples, report.describe(samples, OURS_FILE, 3, 1_000_000))
    assert "at least 20: **missed**" in text
    assert "| hepcol | 5.00 (4.00 - 6.00) |" in text
    assert "A chunk" not in text  # was not measured
    parts = {"select_s": 0.012, "select_by_awkward_s": 0.17, "kernel_ns": 2.5}
    samples |= {
        OURS._replace(subject=zee.PARTS): [parts] * 3,
        OURS._replace(subject=zee.UPROOT_PLAIN): [sample(3.0)] * 3,
    }
    text = report.markdown(samples, report.describe(samples, OURS_FILE, 3, 1_000_000))
    assert "A chunk of 100,000 events: reading 300 ms, choosing the pairs 12 ms," in text


def test_what_is_written_can_be_read_again(samples, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    text = report.write(tmp_path / "out", samples, report.describe(samples, OURS_FILE, 3, 1_000_000))
    report.insert(readme, text)
    assert readme.read_text() == f"before\n{report.BEGIN}\n{text}{report.END}\nafter\n"
    assert json.loads((tmp_path / "out" / "zee.json").read_text())["versions"]["root"] == "6.40.00"
    assert (tmp_path / "out" / "zee.png").stat().st_size > 1000
    with pytest.raises(BenchmarkError, match="no place for the tables"):
        report.insert(tmp_path / "out" / "zee.md", text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cutflow": {"all": 100, "pair": 99}}, "cutflow"),
        ({"m_ee": [93.0, 2.85]}, "mean mass 93.0 GeV"),
        ({"m_ee": [float("nan"), 2.85]}, "mean mass nan"),
        ({"counts": {"e1": np.arange(52), "e2": np.ones(52)}}, "counts of e2 differ"),
        ({"counts": {}}, "counts of e1 differ"),
    ],
)
def test_subjects_that_disagree_stop_the_comparison(samples, change, message):
    samples[OURS._replace(subject=zee.EQUAL)][0] |= change
    with pytest.raises(BenchmarkError, match=message):
        zee._check(samples)


def test_a_subject_that_fails_is_named_with_what_it_said(tmp_path):
    with pytest.raises(BenchmarkError, match=r"^mine failed with 1: ZeroDivisionError"):
        measure("mine", ("-c", "1 / 0"))


def test_measures_time_and_memory_of_a_subject_on_the_shipped_sample(shipped_file):
    found = measure("hepcol", ("-m", "benchmarks.subjects", "hepcol", str(shipped_file), "--variations", "3"))
    assert list(found["cutflow"].values()) == [4000, 4000, 4000]
    assert 0 < found["compile_s"] < found["total_s"]
    assert found["start_s"] > 0
    assert found["peak_mb"] > 100
    assert found["cpu_s"] > 0
    found = measure("parts", ("-m", "benchmarks.subjects", "parts", str(shipped_file)))
    assert min(found["select_s"], found["select_by_awkward_s"], found["kernel_ns"]) > 0


def write_junk(path):
    path.write_bytes(b"junk")


def write_tree(path, name, entries):
    with uproot.recreate(path) as file:
        file.mktree(name, {"x": "f8"}).extend({"x": np.zeros(entries)})


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_junk, "not a ROOT file"),
        (lambda path: write_tree(path, "events", 0), "no events"),
        (lambda path: write_tree(path, "others", 3), "no tree 'events'"),
    ],
)
def test_a_file_without_events_is_one_line(tmp_path, write, message):
    path = tmp_path / "file.root"
    write(path)
    done = CliRunner().invoke(bench, ["zee", str(path), "--quick", "-o", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert done.output.strip().splitlines()[-1].startswith("Error: ")
    assert message in done.output


def test_a_readme_without_a_place_is_told_before_anything_is_measured(tmp_path, shipped_file):
    readme = tmp_path / "README.md"
    readme.write_text("nothing\n")
    options = ["zee", str(shipped_file), "-o", str(tmp_path / "out"), "--readme", str(readme)]
    done = CliRunner().invoke(bench, options)
    assert done.exit_code == 2
    assert "no place for the tables" in done.output


def test_an_interrupted_subject_leaves_no_process(tmp_path):
    note = tmp_path / "pid"
    script = (
        "import pathlib, subprocess; p = subprocess.Popen(['sleep', '60']); "
        f"pathlib.Path('{note}').write_text(str(p.pid)); p.wait()"
    )
    # a job in the background starts with Ctrl-C ignored, and these tests may be one
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    driver = f"{listening}; from benchmarks.measurement import measure; measure('sleeper', ('-c', {script!r}))"
    process = subprocess.Popen([sys.executable, "-c", driver], cwd=CHECKOUT, stderr=subprocess.DEVNULL)
    while not note.exists() or not note.read_text():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(note.read_text())).wait(timeout=10)
