"""Runs that are merged: the sum has the bits of one run over all files, or there is none."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hepcol
from hepcol import archive
from hepcol.chunkfiles import read_index
from hepcol.cli import main
from hepcol.comparison import compare
from hepcol.execution import union
from hepcol.execution.repetition import rerun, retry
from hepcol.options import find_processor
from hepcol.report.page import write_page

MARKERS = Path(__file__).with_name("markers.py")
Marked, Filed, Foreign, Unstorable = (
    find_processor(f"{MARKERS}:{name}") for name in ("Marked", "Filed", "Foreign", "Unstorable")
)
m = sys.modules[Unstorable.__module__]

pytestmark = pytest.mark.timeout(60)
ALL = 300
QUICK = {"backoff_s": 0.001, "snapshot_s": 0.0, "allow_incomplete": True, "chunksize": 20}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return [str(path) for path in m.write_files(tmp_path_factory.mktemp("files"))]


@pytest.fixture
def run(tmp_path):
    """Run a processor over files into a folder of a name."""

    def made(name, files, processor=None, **options):
        hepcol.run(processor or Marked(), files, output=tmp_path / name, **{**QUICK, **options})
        return tmp_path / name

    return made


def digests(folder):
    """Hashes of all that does not tell when and how it was made."""
    told = {"summary.json", "provenance.json", "ledger.jsonl", "result.zip"}
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in told]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def equal(first, second):
    return all(difference.equal for difference in compare(first, second))


def test_the_sum_has_the_bytes_of_one_run_over_all_files(files, run, tmp_path):
    names = {"b": files[:1], "a": files[1:2]}
    whole = run("whole", {"b": [files[0], files[2]], "a": files[1:2]}, chunksize=70)
    first, second = run("first", names), run("second", {"b": files[2:]}, chunksize=33)
    merged = m.check_run(hepcol.merge([first, second], tmp_path / "sum"))
    assert merged.closure.complete
    assert merged.closure.processed == ALL
    assert digests(tmp_path / "sum") == digests(whole)
    assert set(digests(whole)) == {"histograms.zip", "histograms.root"}
    assert equal(tmp_path / "sum", whole)
    told = json.loads((tmp_path / "sum" / "provenance.json").read_text())
    assert [part["folder"] for part in told["merged"]] == [str(first), str(second)]
    assert [part["events"] for part in told["merged"]] == [200, 100]
    assert told["fileset"] == json.loads((whole / "provenance.json").read_text())["fileset"]
    assert told["identity"] == json.loads((whole / "provenance.json").read_text())["identity"]


def test_files_of_chunks_and_samples_are_those_of_one_run(files, run, tmp_path):
    whole = run("whole", files, Filed(), dataset="z")
    first, second = run("first", files[:2], Filed(), dataset="z"), run("second", files[2:], Filed(), dataset="z")
    hepcol.merge([first, second], tmp_path / "sum")
    m.check_folder(tmp_path / "sum")
    assert read_index(tmp_path / "sum", "numbers", verify=True).is_complete
    assert digests(tmp_path / "sum") == digests(whole)
    assert len(digests(whole)) == 2 * 15 + 2 + 3  # files of two kinds, their indexes, histograms and samples
    assert read_index(first, "numbers", verify=True).totals.files == 10  # which keeps its own


def test_a_file_of_a_chunk_that_has_changed_is_refused(files, run, tmp_path):
    first, second = run("first", files[:1], Filed(), dataset="z"), run("second", files[1:], Filed(), dataset="z")
    index = read_index(second, "texts")
    path = index.path_of(index.files[3])
    path.write_bytes(bytes(len(path.read_bytes())))
    with pytest.raises(ValueError, match=rf"{path.name}: has SHA-256 0*\w+, should have \w+$"):
        hepcol.merge([first, second], tmp_path / "sum")
    assert not (tmp_path / "sum").exists()


def test_merged_runs_merge_again(files, run, tmp_path):
    parts = [run(str(number), {"z": [path]}) for number, path in enumerate(files)]
    hepcol.merge(parts[:2], tmp_path / "two")
    hepcol.merge([tmp_path / "two", parts[2]], tmp_path / "three")
    assert digests(tmp_path / "three") == digests(run("whole", {"z": files}))
    told = json.loads((tmp_path / "three" / "provenance.json").read_text())["merged"]
    assert [len(part.get("merged", ())) for part in told] == [2, 0]


def test_what_an_incomplete_run_lacks_is_missing_from_the_sum_until_it_is_retried(files, run, tmp_path):
    faults = m.plan(tmp_path / "faults", ("error", 150))
    first = run("first", {"z": files[:2]}, Filed(faults))
    gone = Path(files[2]).with_suffix(".gone")
    Path(files[2]).rename(gone)
    try:
        second = run("second", {"z": [str(MARKERS.with_name("nowhere.root")), files[2]], "y": files[:1]}, Filed(faults))
        with pytest.raises(hepcol.IncompleteRun, match=r"20 events failed, 2 files could not be read"):
            hepcol.merge([first, second], tmp_path / "sum")
    finally:
        gone.rename(files[2])
    summary = m.check_folder(tmp_path / "sum")
    assert summary["complete"] is False
    assert summary["events"] | {"missing": 0} == {
        "files": 300, "processed": 280, "failed": 20, "skipped": 0, "missing": 0, "unknown_files": 2
    }  # fmt: skip
    assert not read_index(tmp_path / "sum", "numbers").is_complete
    m.plan(tmp_path / "faults")
    assert retry(tmp_path / "sum", **QUICK).closure.unknown_files == 1
    assert m.check_folder(tmp_path / "sum")["events"]["processed"] == 400
    whole = run("whole", {"z": [*files[:2], str(MARKERS.with_name("nowhere.root")), files[2]], "y": files[:1]}, Filed())
    kinds = {name: told for name, told in digests(whole).items() if not name.endswith("index.json")}
    assert kinds.items() <= digests(tmp_path / "sum").items()
    assert len(json.loads((tmp_path / "sum" / "provenance.json").read_text())["merged"]) == 2


def test_a_file_that_one_run_could_not_read_comes_from_the_other(files, run, tmp_path):
    gone = Path(files[1]).with_suffix(".gone")
    Path(files[1]).rename(gone)
    try:
        first = run("first", {"z": files})
    finally:
        gone.rename(files[1])
    second = run("second", {"z": files[1:2]})
    assert hepcol.merge([first, second], tmp_path / "sum").closure.complete
    assert digests(tmp_path / "sum") == digests(run("whole", {"z": files}))


def test_a_file_that_nobody_read_as_a_whole_is_not_taken_for_complete(files, run, tmp_path):
    gone = Path(files[1]).with_suffix(".gone")
    Path(files[1]).rename(gone)
    try:
        first = run("first", {"z": files})
    finally:
        gone.rename(files[1])
    second = run("second", {"z": {"files": {files[1]: {"steps": [[0, 50]]}}}})
    for folders in ([first, second], [second, first]):
        with pytest.raises(ValueError, match=rf"^{files[1]}: {first} could not read it: hepcol retry {first} first$"):
            hepcol.merge(folders, tmp_path / "sum")


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([[0, 60]], "entries 50 to 60 of dataset 'z' are in both"),
        (None, "entries 50 to 100 of dataset 'z' are in both"),
    ],
)
def test_entries_that_two_runs_have_are_refused(files, run, tmp_path, steps, text):
    first = run("first", {"z": {"files": {files[0]: {"steps": [[50, 100]]}, files[1]: {}}}})
    second = run("second", {"z": {"files": {files[0]: {} if steps is None else {"steps": steps}}}})
    with pytest.raises(ValueError, match=rf"^{files[0]}: {text} {first} and {second}$"):
        hepcol.merge([first, second], tmp_path / "sum")
    assert not (tmp_path / "sum").exists()


def test_other_entries_of_a_file_are_added(files, run, tmp_path):
    first = run("first", {"z": {"files": {files[0]: {"steps": [[50, 100]]}}}})
    second = run("second", {"z": {"files": {files[0]: {"steps": [[0, 30], [30, 50]]}}}})
    merged = hepcol.merge([first, second], tmp_path / "sum")
    assert merged.closure.files == merged.closure.processed == 100
    assert digests(tmp_path / "sum") == digests(run("whole", {"z": files[:1]}))


def test_a_file_under_two_names_is_refused_and_a_copy_is_told(files, run, tmp_path):
    link, copy = tmp_path / "link.root", tmp_path / f"copy_{Path(files[0]).name}"
    link.symlink_to(files[0])
    copy.write_bytes(Path(files[0]).read_bytes())
    first = run("first", {"z": files[:1]})
    with pytest.raises(ValueError, match=r"dataset 'z' names .* more than once"):
        hepcol.merge([first, run("second", {"z": [str(link)]})], tmp_path / "sum")
    merged = hepcol.merge([first, run("third", {"z": [str(copy)]})], tmp_path / "sum")
    (text,) = (text for text in merged.summary["warnings"] if "have the same UUID" in text)
    assert text.startswith(f"{files[0]} and {copy} have the same UUID")


def test_another_file_of_the_same_name_is_refused(run, tmp_path):
    path = str(m.write_file(tmp_path, 0))
    first = run("first", {"z": {"files": {path: {"steps": [[0, 50]]}}}})
    m.write_file(tmp_path, 0, entries=120)
    second = run("second", {"z": {"files": {path: {"steps": [[50, 100]]}}}})
    with pytest.raises(ValueError, match="is another file in each run, with UUID"):
        hepcol.merge([first, second], tmp_path / "sum")


def test_other_options_and_processors_are_named(files, run, tmp_path):
    first = run("first", files[:1], Filed(sign=1))
    with pytest.raises(ValueError, match=r"second cannot be added to .*first: options: sign was 1, is -1$"):
        hepcol.merge([first, run("second", files[1:], Filed(sign=-1))], tmp_path / "sum")
    with pytest.raises(ValueError, match=r"third cannot be added to .*first: processor was \w+:Filed, is \w+:Marked"):
        hepcol.merge([first, run("third", files[1:])], tmp_path / "sum")


def test_an_option_that_is_empty_in_one_run_is_shown_so(files, run, tmp_path):
    (tmp_path / "none").mkdir()
    first = run("first", files[:1], Filed(faults=str(tmp_path / "none")))
    with pytest.raises(ValueError, match=r"options: faults was .*none, is ''$"):
        hepcol.merge([first, run("second", files[1:], Filed())], tmp_path / "sum")


def test_other_code_of_hepcol_is_named(files, run, tmp_path, monkeypatch):
    first = run("first", files[:1])
    monkeypatch.setattr("hepcol.execution.identity.hepcol_digest", lambda: "of another day")
    with pytest.raises(ValueError, match=r"cannot be added to .*: hepcol's code has changed$"):
        hepcol.merge([first, run("second", files[1:])], tmp_path / "sum")


def test_other_metadata_of_a_dataset_are_named(files, run, tmp_path):
    first, second = (
        run(str(n), {"z": {"files": {path: {}}, "metadata": {"xsec": n}}}) for n, path in enumerate(files[:2])
    )
    with pytest.raises(ValueError, match=r"1: dataset 'z' has metadata 'xsec' 1, and 0 in the runs before it"):
        hepcol.merge([first, second], tmp_path / "sum")


def test_runs_without_exact_sums_are_refused(files, run, tmp_path):
    first, second = run("first", files[:1], Unstorable()), run("second", files[1:], Unstorable())
    assert json.loads((first / "summary.json").read_text())["warnings"] == []
    with pytest.raises(ValueError, match=r"first: no result.zip there, without which sums are not exact"):
        hepcol.merge([first, second], tmp_path / "sum")


def test_results_that_do_not_belong_to_their_sums_are_refused(files, run, tmp_path):
    first, second = run("first", files[:1]), run("second", files[1:])
    (second / "result.zip").write_bytes((first / "result.zip").read_bytes())
    with pytest.raises(ValueError, match=r"second: result.zip and summary.json are of different runs"):
        hepcol.merge([first, second], tmp_path / "sum")


def test_an_interrupted_run_is_finished_first(files, run, tmp_path):
    first = run("first", files[:1])
    with pytest.raises(m.CRASH):
        run("second", {"z": files[1:]}, Marked(m.plan(tmp_path / "faults", ("crash", 250))))
    with pytest.raises(ValueError, match=r"second: has an interrupted run in it: hepcol retry"):
        hepcol.merge([first, tmp_path / "second"], tmp_path / "sum")


def test_folders_that_are_named_twice_or_would_be_lost_are_refused(files, run, tmp_path):
    first, second = run("first", files[:1]), run("second", files[1:])
    for folders in ([first], [], [first, second, tmp_path / "x" / ".." / "first"]):
        with pytest.raises(ValueError, match="merge needs two different runs or more"):
            hepcol.merge(folders, tmp_path / "sum")
    with pytest.raises(ValueError, match="is that of a run to be merged"):
        hepcol.merge([first, second], first, force=True)


def test_relative_paths_are_meant_from_one_folder(files, run, tmp_path, monkeypatch):
    parts = []
    for number, path in enumerate(files[:2]):
        monkeypatch.chdir(Path(path).parent if number == 0 else tmp_path)
        parts.append(run(str(number), {"z": [os.path.relpath(path)]}))
    with pytest.raises(ValueError, match=r"named their files from different folders .*run them again with absolute"):
        hepcol.merge(parts, tmp_path / "sum")


def test_a_plain_result_merges_as_coffea_does_and_is_postprocessed_once(files, run, tmp_path):
    merged = hepcol.merge([run("first", files[:1], Foreign()), run("second", files[1:], Foreign())], tmp_path / "sum")
    assert merged.result["postprocessed"] == 1
    assert merged.result["n"] == ALL
    assert merged.result["mean"] == (ALL - 1) / 2
    assert equal(tmp_path / "sum", run("whole", files, Foreign()))


def test_a_sum_that_fails_leaves_what_was_there(files, run, tmp_path, monkeypatch):
    first, second = run("first", {"z": files[:1]}), run("second", {"z": files[1:]})
    out = run("out", {"z": files[:1]})
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(ValueError, match="choose another, or give --force"):
        hepcol.merge([first, second], out)
    monkeypatch.setattr(union, "conclude", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        hepcol.merge([first, second], out, force=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    monkeypatch.undo()
    assert hepcol.merge([first, second], out, force=True).closure.complete
    assert archive.read(out / "result.zip")[0]["z"].events == ALL


@settings(max_examples=6)
@given(st.lists(st.integers(0, 2), min_size=3, max_size=3), st.integers(7, 120))
def test_any_division_into_runs_gives_the_same_bytes(files, tmp_path_factory, places, chunksize):
    folder = tmp_path_factory.mktemp("division")
    groups = [[path for path, place in zip(files, places, strict=True) if place == number] for number in range(3)]
    groups = [group for group in groups if group]
    ordered = [path for group in groups for path in group]
    hepcol.run(Marked(), {"z": ordered}, output=folder / "whole", **QUICK)
    parts = []
    for number, group in enumerate(groups):
        parts.append(folder / str(number))
        hepcol.run(Marked(), {"z": group}, output=parts[-1], **{**QUICK, "chunksize": chunksize})
    if len(parts) > 1:
        hepcol.merge(parts, folder / "sum")
        assert digests(folder / "sum") == digests(folder / "whole")


def test_the_command_prints_the_sum_and_its_page_tells_the_runs(files, run, tmp_path, capsys):
    first, second = run("first", {"z": files[:2]}), run("second", {"z": files[2:]})
    with pytest.raises(SystemExit) as ended:
        main(["merge", str(first), str(second), "-o", str(tmp_path / "sum")])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "events 300 of 300 processed, 15 chunks" in shown
    assert "merged of 2 runs" in shown
    assert (tmp_path / "sum/plots/z/value.png").is_file()
    page = write_page(tmp_path / "sum").read_text()
    assert f"{second} (100 events)" in page
    assert rerun(tmp_path / "sum" / "provenance.json").closure.processed == ALL
    with pytest.raises(SystemExit) as ended:
        main(["merge", str(first), str(first), "-o", str(tmp_path / "other")])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
