import errno
import json
import os
import platform
import subprocess
import sys

import hist
import numpy as np
import pytest
import uproot

from hepcol import store
from hepcol.ledger import FileRecord
from hepcol.lock import LOCK
from hepcol.outputfolder import OutputFolder
from hepcol.result import DatasetResult, Result
from hepcol.spectra import collect
from hepcol.sums import ExactSum

H = hist.Hist(
    hist.axis.StrCategory(["a", "b"], name="variation"), hist.axis.Regular(3, 0, 1, name="x", label="x [GeV]")
)
H.fill("a", [0.1, 0.5, 2.0])
RESULT = {"z": {"x": H, "n": np.int64(7), "names": ["a"]}}


def write(path, result=RESULT, force=False, **summary):
    with OutputFolder.prepare(path, force) as folder:
        contents = collect(result)
        folder.write_histograms(contents)
        folder.finish({"complete": True, "events": {}, **summary}, {}, [])
        return contents


def test_what_was_written_is_read_back(tmp_path):
    contents = write(tmp_path / "out", selected=3)
    histograms, summary = store.read(tmp_path / "out")
    assert histograms["z", "x"] == H
    assert histograms["z", "x"].axes[1].label == "x [GeV]"
    assert summary["selected"] == 3
    assert contents.values == {("z", "n"): 7}
    assert contents.others == {("z", "names"): "list"}
    not_always = {store.PLOTS, store.RESULT, store.DASK_REPORT, store.SAMPLES, store.DRAWINGS}
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(store.OURS) - not_always


def test_root_files_hold_a_histogram_for_each_variation(tmp_path):
    write(tmp_path / "out")
    with uproot.open(tmp_path / "out" / "histograms.root") as file:
        assert file["z/x/a"].values(flow=True).tolist() == [0, 1, 1, 0, 1]
        assert file["z/x/b"].values().sum() == 0


def test_a_result_without_histograms_can_be_written(tmp_path):
    result = Result({"z": DatasetResult(3, ExactSum.of(np.ones(3)))})
    write(tmp_path / "out", result)
    assert store.read(tmp_path / "out")[0] == {}


def test_results_are_replaced_only_on_demand(tmp_path):
    write(tmp_path / "out", selected=1)
    with pytest.raises(ValueError, match=r"has histograms\.root.*--force"):
        write(tmp_path / "out", selected=2)
    write(tmp_path / "out", force=True, selected=3)
    assert store.read(tmp_path / "out")[1]["selected"] == 3


def test_a_run_that_fails_leaves_what_was_there(tmp_path):
    write(tmp_path / "out", selected=1)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def fail():
        with OutputFolder.prepare(tmp_path / "out", force=True) as folder:
            folder.write_histograms(collect({"z": H}))
            folder.finish({"complete": object()}, {}, [])  # not JSON: fails after the histograms

    with pytest.raises(TypeError):
        fail()
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_run_that_writes_nothing_leaves_no_folder(tmp_path):
    with OutputFolder.prepare(tmp_path / "a" / "b", force=False):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()


def test_a_folder_in_use_is_refused_and_a_stale_lock_is_not(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with (
        OutputFolder.prepare(out, force=False),
        pytest.raises(ValueError, match=f"in use by process {os.getpid()} on {platform.node()}"),
        OutputFolder.prepare(out, force=True),
    ):
        pass
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (out / LOCK).write_text(json.dumps({"host": platform.node(), "pid": int(gone.stdout)}))
    write(out)
    (out / LOCK).write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    with pytest.raises(ValueError, match=r"process 1 on elsewhere; if that is gone, delete .*\.hepcol\.lock"):
        write(out, force=True)


TAKER = """
import sys, time
from pathlib import Path
from hepcol.errors import InputError
from hepcol.lock import Lock
print("ready", flush=True)
sys.stdin.readline()
try:
    held = Lock(Path(sys.argv[1]))
except InputError as error:
    print(error)
else:
    print("taken", flush=True)
    sys.stdin.readline()
"""


def test_of_many_that_find_a_stale_lock_one_takes_it(tmp_path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    try:
        assert [taker.stdout.readline() for taker in takers] == ["ready\n"] * 4
        (tmp_path / LOCK).write_text(json.dumps({"host": platform.node(), "pid": int(gone.stdout)}))
        for taker in takers:
            taker.stdin.write("\n")
            taker.stdin.flush()
        told = [taker.stdout.readline() for taker in takers]
    finally:
        for taker in takers:
            taker.kill()
            taker.communicate()
    assert sorted(text == "taken\n" for text in told) == [False, False, False, True]
    assert all("is in use by " in text for text in told if text != "taken\n")
    with OutputFolder.prepare(tmp_path, force=False):  # the one that had it is gone
        pass


def test_a_file_system_without_locks_goes_by_the_name_of_the_holder(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with (
        OutputFolder.prepare(tmp_path, force=False),
        pytest.raises(ValueError, match=f"in use by process {os.getpid()} on"),
        OutputFolder.prepare(tmp_path, force=True),
    ):
        pass
    with OutputFolder.prepare(tmp_path, force=False):
        pass


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"output folder .*file/out cannot be written: Not a directory"):
        write(tmp_path / "file" / "out")


def test_reading_says_what_is_missing_or_broken(tmp_path):
    with pytest.raises(ValueError, match=r"no histograms\.zip there; expected the output folder of 'hepcol run'"):
        store.read(tmp_path)
    write(tmp_path / "out")
    (tmp_path / "out" / "histograms.zip").write_bytes(b"PK, or not")
    with pytest.raises(ValueError, match="not an archive of histograms"):
        store.read(tmp_path / "out")


def test_names_are_names_and_never_paths(tmp_path):
    single = H["a", :]
    result = {
        "/DY/2018/NANO": {"m": single},
        "..": {"..": single},
        "a/b": single,
        "a": {"b": single, "x%2F;1": single},
    }
    write(tmp_path / "out", result)
    histograms, _ = store.read(tmp_path / "out")
    assert set(histograms) == {("/DY/2018/NANO", "m"), ("..", ".."), ("a/b",), ("a", "b"), ("a", "x%2F;1")}
    with uproot.open(tmp_path / "out" / "histograms.root") as file:
        assert len([kind for kind in file.classnames().values() if kind == "TH1D"]) == len(result) + 1
    inside = tmp_path / "out" / store.PLOTS
    for name in histograms:
        assert all(path.resolve().is_relative_to(inside) for path in store.plot_paths(tmp_path / "out", name))


def test_what_root_has_no_class_for_is_noted_and_the_rest_is_written(tmp_path):
    axes = [hist.axis.Regular(2, 0, 1, name=name) for name in "abcd"]
    contents = write(tmp_path / "out", {"z": {"four": hist.Hist(*axes), "x": H, "bad": float("nan")}})
    assert contents.others == {
        ("z", "four"): "a histogram of 4 dimensions, ROOT has up to 3; it is in histograms.zip only"
    }
    assert contents.values == {("z", "bad"): "nan"}
    assert set(store.read(tmp_path / "out")[0]) == {("z", "four"), ("z", "x")}


def test_force_keeps_its_hands_off_what_is_not_of_hepcol(tmp_path):
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "thesis.pdf").touch()
    with pytest.raises(ValueError, match=r"has plots, but no summary\.json: it is not hepcol's"):
        write(tmp_path, force=True)
    write(tmp_path / "out")
    for name in ("z/x.png", "z/mine.png"):
        (tmp_path / "out" / "plots" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / "plots" / name).touch()
    write(tmp_path / "out", force=True)
    assert [path.name for path in (tmp_path / "out" / "plots" / "z").iterdir()] == ["mine.png"]


def test_broken_results_can_be_replaced(tmp_path):
    write(tmp_path / "out")
    (tmp_path / "out" / "histograms.zip").write_bytes(b"cut short")
    write(tmp_path / "out", force=True)
    assert ("z", "x") in store.read(tmp_path / "out")[0]


def test_a_record_that_comes_late_is_not_an_error(tmp_path):
    with OutputFolder.prepare(tmp_path / "out", force=False) as folder:
        folder.write_histograms(collect(RESULT))
        folder.finish({"complete": True, "events": {}}, {}, [])
        folder.record(FileRecord("z", "late.root"))
    assert (tmp_path / "out" / "ledger.jsonl").read_text() == ""


def test_what_a_killed_run_left_does_not_block_the_next(tmp_path):
    (tmp_path / "out" / store.PARTIAL).mkdir(parents=True)
    write(tmp_path / "out")
    assert not (tmp_path / "out" / store.PARTIAL).exists()


def test_a_folder_that_cannot_be_used_is_not_left_locked(tmp_path):
    (tmp_path / store.PARTIAL).touch()
    with pytest.raises(ValueError, match="cannot be written"):
        write(tmp_path)
    assert not (tmp_path / LOCK).exists()


def run_with(path, *names):
    """A run, and files that were added to it."""
    write(path)
    with store.adding(path, "mine", names):
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text("")


def added(path):
    return json.loads((path / "summary.json").read_text())["added"]


def test_what_is_added_goes_with_the_results(tmp_path):
    folder = tmp_path / "out"
    run_with(folder, "mine.txt", "plots/mine/a.png")
    assert added(folder) == {"mine": ["mine.txt", "plots/mine/a.png"]}
    with store.adding(folder, "mine", ["mine.txt"]):  # another time, with less
        pass
    assert added(folder) == {"mine": ["mine.txt"]}
    assert (folder / "mine.txt").exists()
    assert not (folder / "plots" / "mine" / "a.png").exists()
    write(folder, force=True)
    assert not (folder / "mine.txt").exists()


def test_what_a_command_that_fails_has_added_goes_with_the_results(tmp_path):
    folder = tmp_path / "out"
    run_with(folder, "old.txt")

    def fail():
        with store.adding(folder, "mine", ["mine.txt"]):
            (folder / "mine.txt").write_text("")
            assert added(folder) == {"mine": ["old.txt", "mine.txt"]}  # before the end, which a kill would not reach
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (folder / "old.txt").exists()
    write(folder, force=True)
    assert not (folder / "mine.txt").exists()
    assert not (folder / "old.txt").exists()


def test_what_was_made_of_what_is_added_goes_when_that_is_replaced(tmp_path):
    folder = tmp_path / "out"
    run_with(folder, "mine.txt")
    store.write_fit(folder, "histfactory", {"usable": True})
    plots = store.model_plots(folder, "histfactory")
    plots.mkdir(parents=True)
    assert added(folder)[store.fit_entry("histfactory")] == ["fit_histfactory.json", "plots/histfactory"]
    with store.adding(folder, "mine", ["mine.txt"], outdated=[store.fit_entry("histfactory")]):
        assert not (folder / "fit_histfactory.json").exists()
    assert not plots.exists()
    assert added(folder) == {"mine": ["mine.txt"]}


@pytest.mark.parametrize("content", [None, b"cut short"])
def test_what_is_added_goes_even_if_the_histograms_are_gone_or_broken(tmp_path, content):
    folder = tmp_path / "out"
    run_with(folder, "mine.txt")
    (folder / "histograms.zip").unlink()
    if content:
        (folder / "histograms.zip").write_bytes(content)
    write(folder, force=True)
    assert not (folder / "mine.txt").exists()


def test_what_is_added_may_not_reach_out_of_the_folder(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    precious = tmp_path / "precious.txt"
    precious.write_text("")
    (folder / "summary.json").write_text(json.dumps({"added": {"mine": ["../precious.txt", str(precious)]}}))
    store.remove_added(folder)
    with store.adding(folder, "mine", []):
        pass
    assert precious.exists()
