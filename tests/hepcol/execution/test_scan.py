"""A second scan of the same files opens none of them, and tells the same."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import uproot

from hepcol.execution import openfiles, scan
from hepcol.execution.chunk import probe
from hepcol.fileset import resolve

LONG_AGO_NS = 1_600_000_000_000_000_000
ENTRIES = 100


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """The folder of what is known."""
    monkeypatch.setenv("HEPCOL_CACHE_DIR", str(tmp_path / "cache"))
    yield tmp_path / "cache" / "files"
    openfiles.forget_all()


def write(path, entries=ENTRIES, mtime_ns=LONG_AGO_NS, columns=("x", "y")):
    with uproot.recreate(path) as file:
        file.mktree("t", dict.fromkeys(columns, np.float64))
        file["t"].extend({column: np.arange(entries, dtype=float) for column in columns})
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


@pytest.fixture
def path(tmp_path):
    return str(write(tmp_path / "x.root"))


def scanned(sources, columns=()):
    """Scan: the paths that were probed, and the records, which have to be those of probing."""
    asked = []

    def probe_all(items):
        asked.append([item.file.path for item in items])
        # in any order
        return [record for item in reversed(items) for record in probe(item)]

    fileset = resolve(sources)
    found = scan.scan(fileset, dict.fromkeys(fileset, columns), probe_all, "run")
    assert len(asked) <= 1
    items = [scan.Probe("run", name, file, columns) for name, dataset in fileset.items() for file in dataset.files]
    assert found == [record for item in items for record in probe(item)]
    return (asked[0] if asked else []), found


def with_steps(path, *steps, **more):
    return {"z": {"files": {path: {"object_path": "t", "steps": [list(step) for step in steps], **more}}}}


def test_a_second_scan_probes_nothing(path, store):
    asked, first = scanned(path)
    assert asked == [path]
    assert first[0].entries == ENTRIES
    assert scanned(path) == ([], first)
    assert len(list(store.iterdir())) == 1


def test_probes_what_is_new_and_keeps_the_order(tmp_path):
    paths = [str(write(tmp_path / f"{name}.root", entries)) for name, entries in (("c", 3), ("a", 1), ("b", 2))]
    scanned(paths[1:2])
    asked, found = scanned(paths)
    assert asked == [paths[0], paths[2]]
    assert [record.entries for record in found] == [3, 1, 2]
    assert scanned(paths)[0] == []


def test_a_file_of_two_datasets_is_known_to_both(path):
    fileset = {"one": [path], "two": [path]}
    assert scanned(fileset)[0] == [path, path]
    asked, found = scanned(fileset)
    assert asked == []
    assert [record.dataset for record in found] == ["one", "two"]


def test_another_spelling_of_a_path_is_the_same_file(path, monkeypatch):
    scanned(path)
    monkeypatch.chdir(Path(path).parent)
    asked, found = scanned("x.root")
    assert asked == []
    assert found[0].path == "x.root"


def rewrite(path):
    """Change the content and nothing of the size or the time."""
    size = Path(path).stat().st_size
    content = bytearray(Path(path).read_bytes())
    content[-1] ^= 1
    with Path(path).open("r+b") as file:
        file.write(content)
    assert Path(path).stat().st_size == size
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))


def replace_by_a_copy(path):
    copy = Path(f"{path}.copy")
    copy.write_bytes(Path(path).read_bytes())
    os.utime(copy, ns=(LONG_AGO_NS, LONG_AGO_NS))
    copy.replace(path)


@pytest.mark.parametrize(
    "change",
    [
        rewrite,
        replace_by_a_copy,
        lambda path: write(path, 50),
        lambda path: write(path, mtime_ns=LONG_AGO_NS + 1),
        lambda path: os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS + 1)),
    ],
    ids=["rewritten", "replaced", "other content", "written again", "touched"],
)
def test_a_file_that_has_changed_is_probed_again(path, change):
    scanned(path)
    change(path)
    assert scanned(path)[0] == [path]
    assert scanned(path)[0] == []


def test_columns_that_were_found_are_known(path):
    assert scanned(path, ("x",))[0] == [path]
    assert scanned(path, ("x",))[0] == []
    assert scanned(path, (("z", "x"),))[0] == []
    assert scanned(path)[0] == []
    assert scanned(path, ("y",))[0] == [path]
    assert scanned(path, ("x", "y"))[0] == []
    assert scanned(path, (("y", "z"), "x"))[0] == []


def test_alternative_columns_do_not_tell_which_was_found(path):
    assert scanned(path, (("x", "z"),))[0] == [path]
    assert scanned(path, (("x", "z"),))[0] == []
    for columns in ((("z", "x"),), ("z",), ("x",)):
        assert scanned(path, columns)[0] == [path]


def test_a_column_that_is_lacking_is_told_again(path, store):
    for _ in range(2):
        asked, found = scanned(path, ("x", "z"))
        assert asked == [path]
        assert "no column z" in found[0].message
    assert not store.exists()


def test_columns_declared_in_another_way_are_probed(path):
    for columns in ((["x", "z"],), (5,)):
        assert [scanned(path, columns)[0] for _ in range(2)] == [[path], [path]]


def test_trees_of_a_file_are_told_apart(path):
    scanned(path)
    assert scanned({"z": {"files": {path: "t"}}})[0] == [path]
    asked, (found,) = scanned({"z": {"files": {path: "u"}}})
    assert asked == [path]
    assert "no tree 'u'" in found.message


def test_what_cannot_be_read_is_not_stored(tmp_path, store):
    (tmp_path / "broken.root").write_bytes(b"root" + bytes(1000))
    os.utime(tmp_path / "broken.root", ns=(LONG_AGO_NS, LONG_AGO_NS))
    for name in ("gone.root", "broken.root"):
        for _ in range(2):
            asked, (found,) = scanned([tmp_path / name])
            assert asked == [str(tmp_path / name)]
            assert found.error
    assert not store.exists()


def test_a_file_that_is_gone_is_not_remembered(path):
    scanned(path)
    Path(path).unlink()
    asked, (found,) = scanned(path)
    assert asked == [path]
    assert found.entries is None


def test_a_remote_file_is_probed_each_time(path, store):
    assert [scanned([f"file://{path}"])[0] for _ in range(2)] == [[f"file://{path}"]] * 2
    assert not store.exists()


def test_a_file_that_was_just_written_is_not_stored(path, store):
    os.utime(path)
    assert [scanned(path)[0] for _ in range(2)] == [[path], [path]]
    assert not store.exists()


def test_a_file_that_changes_while_it_is_probed_is_not_stored(path, store):
    def probe_and_touch(items):
        (record,) = probe(items[0])
        os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS + 1))
        return [record]

    scan.scan(resolve(path), {"x": ()}, probe_and_touch, "run")
    assert not store.exists()


def test_what_a_worker_saw_elsewhere_by_the_same_path_is_not_stored(path, store):
    def probe_elsewhere(items):
        (record,) = probe(items[0])
        return [replace(record, uuid="00000000-0000-5000-8000-000000000000")]

    scan.scan(resolve(path), {"x": ()}, probe_elsewhere, "run")
    assert not store.exists()


def test_steps_take_what_is_known_of_the_whole_file(path):
    scanned({"z": {"files": {path: "t"}}})
    asked, (found,) = scanned(with_steps(path, (0, 10), (50, ENTRIES)))
    assert asked == []
    assert found.entries == 60
    assert scanned(with_steps(path))[0] == []  # no steps at all


def test_steps_tell_how_many_entries_there_are_at_least(path):
    assert scanned(with_steps(path, (50, 60), (0, 10)))[0] == [path]
    assert scanned(with_steps(path, (50, 60), (0, 10)))[0] == []
    assert scanned(with_steps(path, (0, 60)))[0] == []
    assert scanned(with_steps(path, (0, 61)))[0] == [path]
    assert scanned({"z": {"files": {path: "t"}}})[0] == [path]
    assert scanned(with_steps(path, (0, ENTRIES)))[0] == []


def test_other_columns_of_some_steps_leave_the_whole_file_known(path):
    scanned({"z": {"files": {path: "t"}}}, ("x",))
    assert scanned(with_steps(path, (0, 10)), ("y",))[0] == [path]
    assert scanned({"z": {"files": {path: "t"}}}, ("x", "y"))[0] == []


@pytest.mark.parametrize("steps", [[(90, 101)], [(0, 10), (5, 20)], [(5, 5)], [(7, 3)], [(-1, 3)]])
def test_steps_that_do_not_fit_are_told_as_probing_does(path, steps):
    scanned({"z": {"files": {path: "t"}}})
    asked, (found,) = scanned(with_steps(path, *steps))
    assert asked == [path]
    assert "do not fit" in found.message
    assert scanned({"z": {"files": {path: "t"}}})[0] == []


def test_a_uuid_is_compared(path):
    (found,) = scanned(with_steps(path, (0, 10)))[1]
    assert scanned(with_steps(path, (0, 10), uuid=found.uuid))[0] == []
    asked, (other,) = scanned(with_steps(path, (0, 10), uuid="00000000-0000-5000-8000-000000000000"))
    assert asked == [path]
    assert "but the fileset was made of" in other.message


def test_a_file_with_other_replicas_is_probed(path, tmp_path):
    places = [{"z": {"files": {path: {"replicas": replicas}}}} for replicas in ([], ["b.root"], ["c.root"])]
    assert [scanned(fileset)[0] for fileset in places] == [[path]] * 3
    assert scanned(places[0])[0] == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"5",
        b"{}",
        b"[" * 100_000,
        lambda known: known | {"stamp": known["stamp"][:3]},
        lambda known: known | {"record": 5},
        lambda known: known | {"record": known["record"] | {"entries": "100"}},
        lambda known: known | {"record": known["record"] | {"entries": None}},
        lambda known: known | {"columns": 5},
        lambda known: known | {"name": "other"},
        lambda known: {key: value for key, value in known.items() if key != "is_whole"},
    ],
)
def test_an_entry_that_is_broken_is_ignored_and_mended(path, store, content):
    scanned(path)
    (entry,) = store.iterdir()
    if callable(content):
        content = json.dumps(content(json.loads(entry.read_text()))).encode()
    entry.write_bytes(content)
    assert scanned(path)[0] == [path]
    assert scanned(path)[0] == []


@pytest.mark.parametrize("name", ["format", "hepcol", "coffea", "uproot", "sources"])
def test_what_another_version_found_is_not_used(path, store, name):
    scanned(path)
    (entry,) = store.iterdir()
    known = json.loads(entry.read_text())
    known["versions"][name] += "x"
    entry.write_text(json.dumps(known))
    assert scanned(path)[0] == [path]
    assert scanned(path)[0] == []


def test_a_store_that_cannot_be_used_is_none(path, store, monkeypatch):
    store.parent.mkdir()
    store.write_text("a file, and no folder")
    assert [scanned(path)[0] for _ in range(2)] == [[path], [path]]
    monkeypatch.setenv("HEPCOL_CACHE_DIR", "/proc/hepcol")
    assert [scanned(path)[0] for _ in range(2)] == [[path], [path]]


def test_a_full_disk_leaves_nothing_behind(path, store, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scan.Path, "replace", full)
    scanned(path)
    assert list(store.iterdir()) == []


def test_an_entry_that_cannot_be_read_is_ignored(path, store):
    scanned(path)
    (entry,) = store.iterdir()
    entry.unlink()
    entry.mkdir()
    assert [scanned(path)[0] for _ in range(2)] == [[path], [path]]
    assert list(store.iterdir()) == [entry]


def test_a_name_that_is_no_unicode_is_a_name(path):
    odd = os.fsdecode(os.fsencode(path).replace(b"x.root", b"\xff.root"))
    Path(path).rename(odd)
    assert scanned([odd])[0] == [odd]
    scanned([odd])


def test_threads_may_write_at_once(path, store):
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(scanned, [path] * 100, [("x",), ("y",)] * 50))
    assert {tuple(found) for _, found in results} == {tuple(scanned(path)[1])}
    assert scanned(path)[0] == []
    assert len(list(store.iterdir())) == 1


SCRIPT = """
import sys
from pathlib import Path
from hepcol.execution import chunk, openfiles
from hepcol.execution.scan import scan
from hepcol.fileset import resolve

path, store = sys.argv[1:]

def probe(items):
    return [record for item in items for record in chunk.probe(item)]

found = set()
for _ in range(100):
    found.update(scan(resolve(path), dict.fromkeys(resolve(path), ()), probe, "run"))
    for entry in Path(store).glob("*.json"):
        entry.unlink(missing_ok=True)
found.update(scan(resolve(path), dict.fromkeys(resolve(path), ()), probe, "run"))
print(*(record.entries for record in found))
"""


def test_processes_may_write_at_once(path, store):
    command = [sys.executable, "-c", SCRIPT, path, str(store)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate() for process in processes] == [(f"{ENTRIES}\n", "")] * 2
    assert scanned(path)[0] == []  # what the last one left
    assert len(list(store.iterdir())) == 1


def test_a_fileset_without_files_is_refused():
    with pytest.raises(ValueError, match="the fileset has no files"):
        scanned({})
