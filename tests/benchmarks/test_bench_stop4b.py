import copy
import json

import pytest
from click.testing import CliRunner

from benchmarks import stop4b
from benchmarks.commands import bench
from benchmarks.measurement import BenchmarkError, measure
from samples.catalogue import STOP4B_OBJECTS

YIELDS = {"Wt": {"nominal": {"A": [3, 0.25, 0.125]}, "up": {"A": [2, 0.5, 0.25]}}}


def samples_of(seconds=1.0):
    sample = {"total_s": seconds, "loop_s": seconds / 2, "cpu_s": 1.0, "peak_mb": 400.0, "rows": 1000, "yields": YIELDS}
    return {subject.name: [copy.deepcopy(sample) for _ in range(3)] for subject in stop4b.SUBJECTS}


def text_of(samples):
    description = stop4b.collect(samples, {"flat": 10.0, "objects": 1.0}, 3)
    return stop4b.markdown(samples, description)


def test_equal_yields_pass():
    stop4b.check(samples_of())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda yields: yields["Wt"]["up"].update({"A": [3, 0.5, 0.25]}), "Wt, up, A: 3 events, hepcol has 2"),
        (lambda yields: yields["Wt"]["up"].update({"A": [2, 0.5 + 1e-11, 0.25]}), "Wt, up, A: sums"),
        (lambda yields: yields["Wt"].pop("nominal"), "Wt, nominal, A: nothing"),
    ],
)
def test_other_yields_are_an_error(change, message):
    samples = samples_of()
    change(samples[stop4b.COMPILED][0]["yields"])
    with pytest.raises(BenchmarkError, match=rf"{stop4b.COMPILED}: {message}"):
        stop4b.check(samples)


def test_the_table_tells_aims_that_are_missed():
    samples = samples_of()
    for sample in samples[stop4b.ORIGINAL]:
        sample["total_s"] = 20.0
    text = text_of(samples)
    started = "hepcol, 41 trees, from the start of the process"
    assert f"| RDataFrame original / {started} | 20.0 (20.0 - 20.0) | at least 15: met |" in text
    assert f"| RDataFrame best / {started} | 1.00 (1.00 - 1.00) | at least 3: **missed** |" in text
    assert "at most 400 MB; aim below 1500 MB: met" in text


def test_hepcols_subject_tells_what_the_check_needs(tmp_path):
    (sample,) = (sample for sample in STOP4B_OBJECTS if sample.path.stem == "Wt")
    (tmp_path / "mc16a").mkdir()
    (tmp_path / "mc16a" / "Wt.root").symlink_to(sample.path)
    subject = next(subject for subject in stop4b.SUBJECTS if subject.name == stop4b.ON_THE_FLY)
    found = measure(subject.name, subject.arguments(tmp_path))
    assert {"start_s", "loop_s", "total_s", "compile_s", "rows", "yields"} <= set(found)
    assert len(found["yields"]["Wt"]) == 1 + 40 + 42
    assert found["total_s"] >= found["loop_s"]
    (theirs,) = (subject for subject in stop4b.SUBJECTS if subject.name == stop4b.COFFEA_OBJECTS)
    by_coffea = measure(theirs.name, theirs.arguments(tmp_path))
    assert not list(stop4b.differences(found["yields"], by_coffea["yields"]))
    assert by_coffea["rows"] == found["rows"]


def test_without_root_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(bench, ["stop4b", "-o", str(tmp_path)])
    assert result.exit_code == 2
    assert "ROOT is not installed" in result.output


def test_what_is_written_is_json(tmp_path):
    samples = samples_of()
    description = stop4b.collect(samples, {"flat": 10.0, "objects": 1.0}, 3)
    text = stop4b.write(tmp_path, samples, description)
    assert (tmp_path / "stop4b.md").read_text() == text
    assert "yields" not in json.loads((tmp_path / "stop4b.json").read_text())["subjects"][stop4b.BEST][0]
