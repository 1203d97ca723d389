"""Files of chunks: those of the chunks that are done, whatever happens, and nothing else."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from coffea.nanoevents import BaseSchema
from coffea.processor import IterativeExecutor, Runner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import hepcol
from hepcol import deposit, outputfolder
from hepcol.chunkfiles import indexes, read_index
from hepcol.comparison import compare
from hepcol.execution.repetition import retry
from hepcol.options import find_processor
from hepcol.rowsample import keys_of

MARKERS = Path(__file__).with_name("markers.py")
Filed = find_processor(f"{MARKERS}:Filed")
m = sys.modules[Filed.__module__]

pytestmark = pytest.mark.timeout(60)
ALL = 300
QUICK = {"backoff_s": 0.001, "snapshot_s": 0.0, "allow_incomplete": True, "chunksize": 20}
KINDS = ("numbers", "texts")


def fileset(files):
    return {"b/c": [str(path) for path in files[:2]], "a": [str(path) for path in files[2:]]}


def digests(folder):
    """What is in the folders of all kinds, and in the samples: indexes, files, and what should not be there."""
    paths = [path for kind in KINDS for path in (folder / kind).rglob("*") if path.is_file()]
    paths += [folder / "samples.zip"]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def check(folder):
    """Hold the files in a folder against its ledger and summary; return the summary."""
    summary = m.check_folder(folder)
    assert not (folder / ".partial").exists()
    _, chunks = m.read_ledger(folder / "ledger.jsonl")
    done = [chunk for chunk in chunks if chunk.status == "done"]
    assert sorted(indexes(folder)) == (sorted(KINDS) if done else [])
    for kind in KINDS if done else ():
        index = read_index(folder, kind, verify=True)
        assert index.is_complete == summary["complete"]
        assert [(one.dataset, one.source, one.start, one.stop) for one in index.files] == [chunk.key for chunk in done]
        there = {path for path in (folder / kind).rglob("*") if path.is_file()}
        assert there == {folder / kind / "index.json", *map(index.path_of, index.files)}
        assert {**index.totals.told(), "suffixes": [index.files[0].suffix]} == summary["files"][kind]
    for file in read_index(folder, "numbers").files if done else ():
        first = int(Path(file.source).stem.rpartition("_")[2])
        entries = np.frombuffer(read_index(folder, "numbers").path_of(file).read_bytes(), dtype=np.int64)
        assert entries.tolist() == list(range(first + file.start, first + file.stop))
        assert file.counts == {"events": len(entries), "odd": int((entries % 2).sum())}
    return summary


@pytest.fixture
def files(tmp_path):
    return m.write_files(tmp_path)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Files, and what a run without faults in chunks of 20 events gives for them."""
    folder = tmp_path_factory.mktemp("clean")
    files = m.write_files(folder)
    hepcol.run(Filed(), fileset(files), output=folder / "out", chunksize=20)
    check(folder / "out")
    return files, folder / "out"


def contents(result, folder=None):
    """What is in all files of a result, in the order of the events, and what they count; and the samples."""
    told = {}
    for dataset, part in result.items():
        for kind in KINDS:
            those = [file for file in part.files if file.kind == kind]
            pieces = [file.content if folder is None else (folder / file.name).read_bytes() for file in those]
            told[dataset, kind] = (b"" if kind == "numbers" else b" ").join(pieces)
            told[dataset, kind, "counts"] = sum(file.counts.get("odd", 0) for file in those)
        told[dataset, "sample"] = part.samples["rows"].keys.tobytes(), part.samples["rows"].rows["up to it"].to_list()
    return told


@pytest.mark.parametrize(
    ("executor", "partitions"),
    [("iterative", 1), ("iterative", 2), ("iterative", 7), ("dask", 1), ("dask", 2), ("dask", 7), ("futures", 7)],
)
def test_any_partition_on_any_executor_gives_the_same_bits(clean, tmp_path, scheduler, executor, partitions):
    files, out = clean
    where = {"scheduler": scheduler} if executor == "dask" else {"executor": executor}
    run = hepcol.run(Filed(), fileset(files), output=tmp_path / "out", chunksize=-(-100 // partitions), **where)
    assert len(run.chunks) == 3 * partitions
    check(tmp_path / "out")
    in_memory = hepcol.run(Filed(), fileset(files), chunksize=30)
    assert contents(run.result, tmp_path / "out") == contents(in_memory.result)
    assert run.result["a"].samples["rows"].equals(in_memory.result["a"].samples["rows"])
    assert (tmp_path / "out" / "samples.zip").read_bytes() == (out / "samples.zip").read_bytes()
    assert all(difference.equal for difference in compare(out, tmp_path / "out"))


def test_without_a_folder_and_in_stock_coffea_the_content_stays_in_the_result(clean):
    files, out = clean
    run = hepcol.run(Filed(), fileset(files), chunksize=30)
    runner = Runner(IterativeExecutor(status=False), schema=BaseSchema, chunksize=30)
    stock = runner(fileset(files), Filed(), treename="events")
    assert contents(stock) == contents(run.result)
    numbers = np.frombuffer(contents(stock)["b/c", "numbers"], dtype=np.int64)
    assert numbers.tolist() == list(range(200))
    lowest = np.argsort(keys_of("one for all", np.arange(200)))[:10]
    assert stock["b/c"].samples["rows"].rows["entry"].to_list() == lowest.tolist()
    # ceil(100 / 30) is not a whole number of events: chunks differ, what is in them does not
    told = run.summary["files"]["numbers"]
    assert (told["bytes"], told["counts"]) == (8 * ALL, {"events": ALL, "odd": ALL // 2})
    assert json.loads((out / "summary.json").read_text())["files"]["numbers"]["counts"] == told["counts"]
    assert run.summary["samples"] == {"b/c/rows": 10, "a/rows": 10}


def test_equal_runs_have_equal_indexes_in_the_order_of_the_datasets(clean, tmp_path, scheduler):
    files, out = clean
    hepcol.run(Filed(), fileset(files), output=tmp_path / "out", chunksize=20, scheduler=scheduler)
    assert digests(tmp_path / "out") == digests(out)
    index = read_index(out, "numbers")
    assert list(index.datasets) == ["b/c", "a"]
    assert [file.start for file in index.files] == [*range(0, 100, 20)] * 3


faults = st.tuples(
    st.sampled_from(["error", "timeout", "exit", "interrupt", "crash"]),
    st.integers(0, ALL - 1),
    st.none() | st.integers(1, 4),
)


@settings(max_examples=6, phases=[Phase.generate])
@given(st.lists(st.lists(faults, max_size=3), min_size=1, max_size=3))
def test_any_failures_followed_by_a_retry_give_the_files_of_a_clean_run(clean, rounds):
    files, expected = clean
    with tempfile.TemporaryDirectory() as name:
        out, processor = Path(name) / "out", Filed(str(Path(name) / "faults"))
        for planned in [*rounds, []]:
            m.plan(Path(name) / "faults", *planned)
            with suppress(m.CRASH):
                if (out / "provenance.json").exists():
                    run = retry(out, **QUICK)
                else:
                    run = hepcol.run(processor, fileset(files), output=out, resume=True, **QUICK)
                check(out)
                if run.closure.complete:
                    break
        mine, theirs = digests(out), digests(expected)
        assert without_identity(out) == without_identity(expected)
        assert {name: mine[name] for name in mine if "index" not in name} == {
            name: theirs[name] for name in theirs if "index" not in name
        }


def without_identity(folder):
    """What indexes say, but for the option that plans the faults."""
    return {kind: index.text().replace(index.identity, "") for kind, index in indexes(folder).items()}


COMMAND = """
from hepcol.cli import main
from hepcol.execution import driver
driver.run.__kwdefaults__["snapshot_s"] = 0
main()
"""


def test_a_killed_run_is_resumed_to_the_same_files(files, tmp_path):
    """What was written after the last snapshot is written again; half a file of a killed worker goes."""
    faults = m.plan(tmp_path / "faults", ("wait", 250))
    arguments = [
        "run",
        f"{MARKERS}:Filed",
        *files,
        "-p",
        f"faults={faults}",
        "-o",
        "out",
        "--dataset",
        "a",
        "--no-plots",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, arguments), "--chunksize", "20"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    out = tmp_path / "out"
    try:
        for path in (tmp_path / "faults" / "started", out / ".partial" / "snapshot.zip"):
            deadline = time.monotonic() + 30
            while not path.exists() and time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.02)
            assert path.exists(), process.stderr.read() if process.poll() is not None else "it does not come"
        os.killpg(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate(timeout=20)
    assert {path.name for path in out.iterdir()} == {".hepcol.lock", ".partial"}
    (place,) = (out / ".partial").glob("files-*")
    written = [path for path in place.rglob("*") if path.is_file()]
    assert len(written) >= 2 * 5
    for name in ("a/.0123.new", "a/leftover-of-a-dead-worker.bin"):
        (place / "numbers" / name).write_bytes(b"half")
    (tmp_path / "faults" / "go").touch()
    times = {path.name: path.stat().st_mtime_ns for path in written}
    run = hepcol.run(Filed(faults), files, dataset="a", output=out, resume=True, chunksize=20)
    assert len({chunk.worker for chunk in run.chunks}) > 1  # not all are of this process
    check(out)
    index = read_index(out, "numbers")
    kept = [
        file for file in index.files if index.path_of(file).stat().st_mtime_ns == times.get(index.path_of(file).name)
    ]
    assert len(kept) >= 5
    hepcol.run(Filed(faults), files, dataset="a", output=tmp_path / "clean", chunksize=20)
    assert digests(out) == digests(tmp_path / "clean")


def tear(monkeypatch, out, number):
    """Let the end of a run crash after some of its files have taken their places."""
    left = [number]
    replace = Path.replace

    def torn(path, target):
        if ".partial" in path.parts and Path(target).is_relative_to(out) and ".partial" not in Path(target).parts:
            left[0] -= 1
            if left[0] < 0:
                raise m.CRASH
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", torn)


@pytest.mark.parametrize(
    ("number", "then"),
    [(0, "retry"), (1, "retry"), (2, "retry"), (4, "retry"), (1, "replace"), (3, "replace"), (5, "replace")],
)
def test_an_end_that_is_torn_apart_can_be_repeated_or_replaced(files, tmp_path, monkeypatch, number, then):
    """Two files and two indexes take their places one by one, then the rest: what happens if one of them does not?"""
    faults, out = m.plan(tmp_path / "faults", ("error", 150)), tmp_path / "out"
    how = {**QUICK, "chunksize": 50}
    hepcol.run(Filed(faults), files, output=out, dataset="a", **how)
    m.plan(tmp_path / "faults")
    tear(monkeypatch, out, number)
    with pytest.raises(m.CRASH):
        retry(out, **how)
    monkeypatch.undo()
    if then == "replace":
        hepcol.run(Filed(faults, "other"), files, dataset="a", output=out, force=True, chunksize=300)
        assert sorted(indexes(out)) == ["other", "texts"]
        assert not (out / "numbers").exists()
        assert len([path for path in (out / "texts").rglob("*") if path.is_file()]) == 3 + 1
    else:
        retry(out, **how)
        check(out)
        hepcol.run(Filed(faults), files, dataset="a", output=tmp_path / "clean", chunksize=50)
        assert digests(out) == digests(tmp_path / "clean")


@pytest.mark.parametrize("number", range(6))
def test_no_index_lists_files_of_two_runs(files, tmp_path, monkeypatch, number):
    """A run that replaces another is killed while its files, of the same names and sizes, take their places."""
    out = tmp_path / "out"
    how = {**QUICK, "chunksize": 50, "dataset": "a", "output": out}
    hepcol.run(Filed(m.plan(tmp_path / "faults"), "one"), files, **how)
    tear(monkeypatch, out, number)
    with pytest.raises(m.CRASH):
        hepcol.run(Filed(m.plan(tmp_path / "faults"), "one", sign=-1), files, **how, force=True)
    monkeypatch.undo()
    for kind in indexes(out):
        read_index(out, kind, verify=True)


def test_results_that_are_replaced_take_their_files_with_them(files, tmp_path):
    out = tmp_path / "out"
    hepcol.run(Filed(), fileset(files), output=out, chunksize=20)
    (out / "numbers" / "mine.txt").write_text("mine")
    hepcol.run(Filed(kind="others"), fileset(files), output=out, chunksize=50, force=True)
    assert [path.name for path in (out / "numbers").rglob("*")] == ["mine.txt"]
    assert len([path for path in (out / "texts").rglob("*") if path.is_file()]) == 6 + 1
    hepcol.run(m.Marked(), fileset(files), output=out, force=True)
    assert not any((out / name).exists() for name in ("texts", "others", "samples.zip"))
    (out / "summary.json").unlink()
    (out / "numbers" / "mine.txt").unlink()


def test_a_run_that_fails_leaves_the_files_of_the_one_before(clean, tmp_path, monkeypatch):
    files, _ = clean
    out = tmp_path / "out"
    hepcol.run(Filed(), fileset(files), output=out, chunksize=50)
    before = digests(out)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputfolder, "write_root", refuse)
    with pytest.raises(ValueError, match="cannot be written: No space left on device"):
        hepcol.run(Filed(kind="others"), fileset(files), output=out, chunksize=20, force=True, snapshot_s=0)
    assert digests(out) == before
    assert len(read_index(out, "numbers", verify=True).files) == 6


def test_an_interrupted_run_keeps_its_files_until_another_one_has_a_snapshot(files, tmp_path):
    faults, out = m.plan(tmp_path / "faults", ("crash", 150)), tmp_path / "out"
    with pytest.raises(m.CRASH):
        hepcol.run(Filed(faults), files, output=out, **QUICK)
    m.plan(tmp_path / "faults", ("crash", 0))
    with pytest.raises(m.CRASH):
        hepcol.run(Filed(faults), files, output=out, force=True, **{**QUICK, "snapshot_s": 30})
    m.plan(tmp_path / "faults")
    assert len(list((out / ".partial").glob("files-*"))) == 1
    retry(out, **QUICK)
    check(out)


@pytest.mark.parametrize("how", ["gone", "short"])
def test_a_file_that_does_not_arrive_fails_its_chunk(files, tmp_path, monkeypatch, how):
    out = tmp_path / "out"
    write = deposit._write

    def lose(file, folder):
        write(file, folder)
        if file.kind == "texts" and file.start == 40 and "000100" in file.source:
            if how == "gone":
                (folder / file.name).unlink()
            else:
                os.truncate(folder / file.name, 3)

    monkeypatch.setattr(deposit, "_write", lose)
    run = hepcol.run(Filed(), fileset(files), output=out, **QUICK)
    (failed,) = [chunk for chunk in run.chunks if chunk.status == "failed"]
    told = "is missing" if how == "gone" else "has 3 bytes, should have 79"
    assert failed.message.startswith(f"output folder {out}: texts/b%2Fc/")
    assert failed.message.endswith(f"-40-60.tar.txt {told}")
    assert check(out)["events"]["failed"] == 20
    monkeypatch.undo()
    assert retry(out, **QUICK).closure.complete
    check(out)


@pytest.mark.parametrize("when", ["at the end", "later"])
def test_a_file_that_goes_once_it_was_counted_is_an_error_that_names_it(files, tmp_path, when):
    out = tmp_path / "out"
    faults = m.plan(tmp_path / "faults", ("error", 250))

    def lose(update):
        if update.finished and when == "at the end":
            next((out / ".partial").glob("files-*/texts/a/*-0-20.tar.txt")).unlink()

    told = r"out: texts/a/[0-9a-f-]*-0-20\.tar\.txt is missing"
    if when == "at the end":
        with pytest.raises(ValueError, match=f"{told}$"):
            hepcol.run(Filed(faults), files, dataset="a", output=out, on_update=lose, **QUICK)
        assert {path.name for path in out.iterdir()} == {".partial"}
    else:
        hepcol.run(Filed(faults), files, dataset="a", output=out, on_update=lose, **QUICK)
        next((out / "texts" / "a").glob("*-0-20.tar.txt")).unlink()
    m.plan(tmp_path / "faults")
    with pytest.raises(
        ValueError, match=rf"{told}, so that the run there cannot be continued; run it again with --force"
    ):
        retry(out, **QUICK)
    hepcol.run(Filed(faults), files, dataset="a", output=out, force=True)
    check(out)


def test_a_worker_that_does_not_see_the_folder_fails_its_chunks_in_one_line(files, tmp_path, monkeypatch, scheduler):
    """As on another machine: the path that is sent leads nowhere there."""
    elsewhere = str(tmp_path / "elsewhere" / ".partial" / "files-0")
    monkeypatch.setattr(outputfolder.OutputFolder, "deposit", property(lambda _: elsewhere))
    run = hepcol.run(Filed(), files, dataset="a", output=tmp_path / "out", scheduler=scheduler, **QUICK)
    assert run.closure.failed == ALL
    for chunk in run.chunks:
        assert chunk.message.startswith("worker ")
        assert chunk.message.endswith(
            f" does not see {elsewhere}: files of chunks need an output folder on a file system "
            "that client and workers share"
        )
        assert chunk.attempts == 1
    assert not indexes(tmp_path / "out")
    monkeypatch.undo()
    assert retry(tmp_path / "out", **QUICK).closure.complete


def test_a_folder_that_takes_no_files_fails_chunks_with_the_reason(files, tmp_path, monkeypatch):
    out = tmp_path / "out"
    write_bytes = Path.write_bytes

    def full(path, content):
        if path.name.endswith(".new") and path.parent.name == "a":
            write_bytes(path, content[:7])
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    run = hepcol.run(Filed(), fileset(files), output=out, **QUICK)
    monkeypatch.undo()
    assert {chunk.message for chunk in run.chunks if chunk.error} == {
        chunk.message for chunk in run.chunks if chunk.dataset == "a" and "No space left on device" in chunk.message
    }
    assert check(out)["events"]["failed"] == 100
    assert retry(out, **QUICK).closure.complete
    check(out)


def test_datasets_without_events_have_files_of_nothing(tmp_path):
    files = [m.write_file(tmp_path, 0, 0, baskets=1), m.write_file(tmp_path, 100, 40)]
    fileset = {"none": [str(files[0])], "some": [str(files[1])]}
    run = hepcol.run(Filed(), fileset, output=tmp_path / "out", **QUICK)
    assert run.closure.complete
    first = read_index(tmp_path / "out", "numbers", verify=True).files[0]
    assert (first.dataset, first.start, first.stop, first.size) == ("none", 0, 0, 0)
    assert run.summary["samples"] == {"none/rows": 0, "some/rows": 10}


def test_copies_in_a_dataset_have_files_of_their_own(tmp_path):
    first = m.write_file(tmp_path, 0)
    (tmp_path / "copy").mkdir()
    second = tmp_path / "copy" / first.name
    second.write_bytes(first.read_bytes())
    hepcol.run(Filed(), {"a": [str(first), str(second)]}, output=tmp_path / "out", **QUICK)
    assert len({file.path for file in read_index(tmp_path / "out", "numbers").files}) == 10


def test_diff_tells_what_differs_in_files_and_samples(clean, tmp_path):
    files, out = clean
    other = tmp_path / "other"
    hepcol.run(Filed(), fileset(files), output=other, chunksize=20)
    index = read_index(other, "numbers")
    told = json.loads((other / "numbers" / "index.json").read_text())
    told["files"][2]["sha256"] = "0" * 64
    told["files"][3]["counts"]["odd"] += 1
    (other / "numbers" / "index.json").write_text(json.dumps(told))
    (other / "texts" / "index.json").unlink()
    (other / "samples.zip").unlink()
    found = {difference.name: difference.text for difference in compare(out, other) if not difference.equal}
    assert found == {
        ("files", "numbers"): "b/c/odd 100 and 101",
        ("files", "numbers", "content"): "1 of 15 of the same entries differ; first b/c, 40 to 60",
        ("files", "texts"): f"only in {out}",
        ("samples", "a", "rows"): f"only in {out}",
        ("samples", "b/c", "rows"): f"only in {out}",
    }
    assert index.files[2].start == 40
