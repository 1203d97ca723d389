"""Open files are kept as long as they do not change."""

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import uproot

from hepcol.execution import openfiles

LONG_AGO_NS = 1_600_000_000_000_000_000


@pytest.fixture(autouse=True)
def _nothing_stays_open():
    openfiles.forget_all()
    yield
    openfiles.forget_all()


def write(path, entries=100, first=0.0, mtime_ns=LONG_AGO_NS):
    with uproot.recreate(path, compression=None) as file:
        file.mktree("t", {"x": np.float64})
        file["t"].extend({"x": first + np.arange(entries, dtype=float)})
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def first_value(opened):
    return opened.directory["t"]["x"].array(entry_stop=1, library="np")[0]


@pytest.fixture
def path(tmp_path):
    return str(write(tmp_path / "x.root"))


def is_closed(opened):
    return opened.directory.file.closed


def in_place(path, other):
    """Write the content of another file into a file, which stays the same one."""
    with Path(path).open("r+b") as file:
        file.write(other.read_bytes())
        file.truncate()


def in_its_place(path, other):
    other.replace(path)


@pytest.mark.parametrize("runs", [("one", "one"), ("one", "two")])
def test_a_file_stays_open_in_a_run_and_between_runs(path, runs):
    before, after = (openfiles.get(run, path, "t") for run in runs)
    assert after is before
    assert not is_closed(before)


@pytest.mark.parametrize("runs", [("one", "one"), ("one", "two")])
@pytest.mark.parametrize("replace", [in_place, in_its_place])
@pytest.mark.parametrize("entries", [100, 50_000])
def test_a_file_that_changes_is_opened_anew(path, tmp_path, runs, replace, entries):
    before = openfiles.get(runs[0], path, "t")
    size = Path(path).stat().st_size
    other = write(tmp_path / "y.root", entries, first=7.0)  # a name as long: it is in the file
    assert (other.stat().st_size == size) == (entries == 100)
    replace(path, other)
    after = openfiles.get(runs[1], path, "t")
    assert (after.entries, first_value(after)) == (entries, 7.0)
    assert is_closed(before)
    assert openfiles.get(runs[1], path, "t") is after


@pytest.mark.parametrize("replace", [in_place, in_its_place])
def test_an_old_time_of_modification_hides_no_change(path, tmp_path, replace):
    openfiles.get("run", path, "t")
    replace(path, write(tmp_path / "y.root", first=7.0))
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    assert first_value(openfiles.get("run", path, "t")) == 7.0


def test_a_link_that_is_turned_elsewhere_is_another_file(path, tmp_path):
    other, link = write(tmp_path / "y.root", first=7.0), tmp_path / "link.root"
    link.symlink_to(path)
    openfiles.get("run", str(link), "t")
    link.unlink()
    link.symlink_to(other)
    assert first_value(openfiles.get("run", str(link), "t")) == 7.0


def test_a_relative_path_is_another_file_in_another_folder(tmp_path, monkeypatch):
    values = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder / "x.root", first=number)
        monkeypatch.chdir(folder)
        values.append(first_value(openfiles.get("run", "x.root", "t")))
    assert values == [1, 2]


def test_a_file_that_was_just_written_is_opened_anew_by_the_next_run(tmp_path):
    """What is written to it in the same tick of the clock would not show."""
    path = str(write(tmp_path / "x.root"))
    os.utime(path)
    opened = openfiles.get("one", path, "t")
    assert openfiles.get("one", path, "t") is opened
    assert openfiles.get("two", path, "t") is not opened


@pytest.mark.parametrize("prefix", ["file://", "simplecache::file://"])
def test_a_remote_file_belongs_to_its_run(path, prefix):
    url = prefix + path
    one = openfiles.get("one", url, "t")
    assert openfiles.get("one", url, "t") is one
    two = openfiles.get("two", url, "t")
    assert two is not one
    assert is_closed(one)
    openfiles.forget("one", url)
    assert openfiles.get("two", url, "t") is two
    assert not is_closed(two)


def test_a_file_that_is_gone_is_an_error_and_not_what_is_open(path):
    opened = openfiles.get("run", path, "t")
    Path(path).unlink()
    with pytest.raises(FileNotFoundError, match=r"x\.root: no such file"):
        openfiles.get("run", path, "t")
    assert is_closed(opened)


def test_forgetting_works_across_runs(path):
    one = openfiles.get("one", path, "t")
    openfiles.forget("two", path)
    assert is_closed(one)
    openfiles.forget("two", path)  # what is not open needs no closing
    again = openfiles.get("one", path, "t")
    openfiles.forget_all()
    assert is_closed(again)


def test_trees_of_a_file_are_kept_apart_in_a_file_that_is_opened_once(tmp_path):
    path = str(tmp_path / "two.root")
    with uproot.recreate(path) as file:
        for name in ("t", "u"):
            file.mktree(name, {"x": np.float64})
            file[name].extend({"x": np.arange(3.0) + (name == "u")})
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    t, u = (openfiles.get("run", path, tree) for tree in ("t", "u"))
    assert t.directory is u.directory
    assert (t.layout.tree, u.layout.tree) == ("t", "u")
    assert openfiles.get("run", path, "t") is t
    assert t.directory["t"] is t.directory["t"], "the branches of a tree are read once"


def test_the_file_that_was_not_used_for_longest_is_closed(path, tmp_path):
    copies = [shutil.copy2(path, tmp_path / f"{number}.root") for number in range(openfiles.CAPACITY)]
    opened = [openfiles.get("run", str(copy), "t") for copy in copies]
    assert openfiles.get("run", str(copies[0]), "t") is opened[0]
    openfiles.get("run", path, "t")
    assert [is_closed(file) for file in opened] == [False, True, *[False] * (openfiles.CAPACITY - 2)]


def test_threads_do_not_share_files(path):
    found = []

    def work():
        found.append(openfiles.get("run", path, "t"))
        openfiles.forget_all()

    mine = openfiles.get("run", path, "t")
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0] is not mine
    assert not is_closed(mine)


def test_a_stamp_is_of_a_local_file_that_is_there(path):
    assert openfiles.stamp(path) == openfiles.stamp(path)
    assert openfiles.stamp(path).size == Path(path).stat().st_size
    assert [openfiles.stamp(other) for other in (f"file://{path}", f"{path}.gone", "a\0b")] == [None] * 3
