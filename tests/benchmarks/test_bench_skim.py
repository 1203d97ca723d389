"""The comparison of skims: its tables, and that files with other values are not taken for equal."""

import numpy as np
import pytest
import uproot

import hepcol
from benchmarks import skim
from benchmarks.measurement import BenchmarkError
from benchmarks.skim import HERE, STOP4B, SUBJECTS, ZEE


def sample(seconds):
    return {"total_s": seconds + 1, "loop_s": seconds, "cpu_s": seconds, "peak_mb": 300.0, "size": 1e6, "events": 7}


@pytest.fixture
def samples():
    times = dict(zip(SUBJECTS, (1.0, 3.0, 4.0, 2.0, 6.0, 5.0), strict=True))
    return {(one.name, name): [sample(time), sample(2 * time)] for one in (ZEE, STOP4B) for name, time in times.items()}


def test_tables_say_what_is_met_and_what_is_missed(samples, tmp_path):
    text = skim.write(tmp_path, samples, skim.describe(samples, 2))
    assert (
        "| Zee, EDM4hep: Snapshot, 2 threads / hepcol, from the call | 2.00 (2.00 - 2.00) | at least 3: **missed** |"
        in text
    )
    assert (
        "| stop4b, nominal tree: Snapshot, 2 threads / hepcol, from the call | 2.00 (2.00 - 2.00) | at least 1: met |"
        in text
    )
    assert (tmp_path / "skim.md").read_text() == text


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_files_with_other_values_are_not_equal(tmp_path, shift):
    one = ZEE._replace(tree="t", columns=("x", "y"))
    columns = {"x": np.arange(10), "y": np.arange(10) / 3}
    with uproot.recreate(tmp_path / "in.root") as file:
        file.mktree("t", {name: array.dtype for name, array in columns.items()})
        file["t"].extend(columns)
    hepcol.skim(tmp_path / "in.root", tmp_path / HERE, "x > 4", one.columns)
    with uproot.recreate(tmp_path / "other") as file:
        file.mktree("t", {"column_0": np.int64, "column_1": np.float64})
        file["t"].extend({"column_0": columns["x"][5:], "column_1": columns["y"][5:] + shift})
    if not shift:
        skim._check(one, "Snapshot", tmp_path / "other", tmp_path / HERE)
        return
    with pytest.raises(BenchmarkError, match="Snapshot has other values of y than hepcol"):
        skim._check(one, "Snapshot", tmp_path / "other", tmp_path / HERE)
