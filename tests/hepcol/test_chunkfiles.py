import dataclasses
import functools
import json
import random

import numpy as np
import pytest

from hepcol import archive, chunkfiles, deposit, store
from hepcol.chunkfiles import ChunkFile, Index, read_index
from hepcol.result import DatasetResult, Result
from hepcol.sums import ExactSum


def metadata(**changed):
    told = {"dataset": "DY/2018", "filename": "/data/a.root", "fileuuid": "798d0dc9-2c18-5d41-896b-2fbada2ef376"}
    return {**told, "treename": "events", "entrystart": 10, "entrystop": 20, **changed}


def made(content=b"abc", kind="graphs", suffix=".npz", counts=None, **changed):
    return ChunkFile.of(metadata(**changed), kind, suffix, content, counts)


def write(folder, *files, complete=True):
    """Write files and their index, as a run does."""
    for file in files:
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    index = Index(folder / "graphs", "graphs", "run", complete, files)
    (folder / "graphs" / "index.json").write_text(index.text())
    return index


def test_a_file_knows_where_it_comes_from_and_what_is_in_it():
    file = made(counts={"graphs": np.int64(12)})
    assert (file.dataset, file.source, file.start, file.stop) == ("DY/2018", "/data/a.root", 10, 20)
    assert file.size == 3
    assert file.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of FIPS 180-2
    assert file.counts == {"graphs": 12}
    assert file.name == "graphs/DY%2F2018/798d0dc9-1b538ba6-10-20.npz"
    assert "abc" not in repr(file)


def test_no_two_chunks_have_files_of_one_name():
    names = [
        made(**changed).name
        for changed in (
            {},
            {"dataset": "DY_2018"},
            {"dataset": ".."},
            {"dataset": "index.json"},
            {"filename": "/copy/a.root"},
            {"fileuuid": "798d0dc9-0000-5d41-896b-2fbada2ef376"},
            {"entrystart": 11},
            {"entrystop": 21},
            {"kind": "nodes"},
            {"suffix": ".parquet"},
        )
    ]
    assert len(set(names)) == len(names)
    assert not any("/../" in name or "index.json" in name for name in names)


@pytest.mark.parametrize(
    ("kind", "suffix", "told"),
    [
        ("plots", ".npz", "not plots, drawings, export; got 'plots'"),
        ("drawings", ".npz", "got 'drawings'"),
        ("a/b", ".npz", "kind must be letters, digits, _ and -, a letter first"),
        ("..", ".npz", r"got '\.\.'"),
        ("", ".npz", "got ''"),
        ("graphs", "npz", r"suffix must be a dot and letters, digits, _ and -, such as \.npz; got 'npz'"),
        ("graphs", "./x", "got './x'"),
        ("graphs", "", "got ''"),
    ],
)
def test_names_that_are_none_are_refused(kind, suffix, told):
    with pytest.raises(ValueError, match=told):
        made(kind=kind, suffix=suffix)


def test_names_of_other_things_in_a_folder_are_taken():
    for name in store.OURS:
        with pytest.raises(ValueError, match="kind must be"):
            made(kind=name)


def test_results_with_files_merge_in_any_order():
    files = [
        made(filename=f"/{source}.root", entrystart=start, kind=kind)
        for source in "ab"
        for start in (0, 10, 200)
        for kind in ("graphs", "nodes")
    ]
    expected = tuple(sorted(files, key=lambda file: (file.source, file.start, file.kind)))
    parts = [DatasetResult(1, ExactSum.of(np.ones(1)), files=(file,)) for file in files]
    for seed in range(20):
        shuffled = [*parts]
        random.Random(seed).shuffle(shuffled)
        halves = [
            functools.reduce(lambda a, b: a + b, some)
            for some in (shuffled[: seed % 11 + 1], shuffled[seed % 11 + 1 :])
        ]
        assert (halves[0] + halves[1]).files == expected
    assert DatasetResult(1, ExactSum.of(np.ones(1)), files=tuple(reversed(files))).files == expected


def test_files_come_back_from_an_archive_with_and_without_content(tmp_path):
    files = (made(counts={"n": 3}), dataclasses.replace(made(kind="nodes"), content=None), made(b"", suffix=".empty"))
    result = Result({"z": DatasetResult(1, ExactSum.of(np.ones(1)), files=files)})
    archive.write(tmp_path / "a.zip", result, {})
    assert archive.read(tmp_path / "a.zip")[0]["z"].files == result["z"].files
    assert {file.content for file in result["z"].files} == {b"abc", b"", None}


def test_an_index_is_read_back(tmp_path):
    files = (made(counts={"graphs": 2}), made(b"defg", entrystart=20, entrystop=30, counts={"graphs": 3, "nodes": 7}))
    written = write(tmp_path, *files, complete=False)
    index = read_index(tmp_path, "graphs", verify=True)
    assert index.files == tuple(dataclasses.replace(file, content=None) for file in files)
    assert (index.kind, index.identity, index.is_complete) == ("graphs", "run", False)
    assert index.totals == index.datasets["DY/2018"] == chunkfiles.Totals(2, 7, {"graphs": 5, "nodes": 7})
    assert index.path_of(index.files[1]).read_bytes() == b"defg"
    assert index.text() == written.text()
    told = json.loads(index.text())
    assert list(told) == ["format", "version", "kind", "identity", "complete", "totals", "datasets", "files"]
    assert told["totals"] == {"files": 2, "bytes": 7, "counts": {"graphs": 5, "nodes": 7}}
    assert told["files"][0]["path"] == "DY%2F2018/798d0dc9-1b538ba6-10-20.npz"


def change_entry(**changed):
    def change(path):
        told = json.loads(path.read_text())
        told["files"][0] |= changed
        path.write_text(json.dumps(told))

    return change


def change_index(**changed):
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


FILE = r"graphs/DY%2F2018/798d0dc9-1b538ba6-10-20\.npz"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (
            lambda path: path.unlink(),
            r"graphs/index\.json: no such file; expected the folder of files of kind 'graphs'",
        ),
        (lambda path: path.write_text("{"), "index.json: not JSON"),
        (change_index(format="other"), "index.json: not an index of files of chunks"),
        (change_index(version=9), "written in version 9 of the format, this hepcol reads 1"),
        (change_index(kind="nodes"), "lists files of kind 'nodes', not 'graphs'"),
        (change_index(files=[{}]), "index.json: damaged: 'dataset'"),
        (change_entry(path="../../etc/passwd"), "damaged: ../../etc/passwd is not the path of entries 10 to 20"),
        (change_entry(size=4), f"{FILE}: has 3 bytes, should have 4"),
        (lambda path: next(path.parent.glob("*/*")).unlink(), f"{FILE}: is missing"),
        (lambda path: next(path.parent.glob("*/*")).write_bytes(b"abd"), f"{FILE}: has SHA-256 .*, should have ba7816"),
    ],
)
def test_says_what_is_wrong_with_an_index_or_its_files(tmp_path, damage, told):
    write(tmp_path, made())
    damage(tmp_path / "graphs" / "index.json")
    with pytest.raises(ValueError, match=told):
        read_index(tmp_path, "graphs", verify=True)


def test_only_hashes_tell_that_a_file_has_changed(tmp_path):
    index = write(tmp_path, made())
    index.path_of(index.files[0]).write_bytes(b"abd")
    assert len(read_index(tmp_path, "graphs").files) == 1


CHUNK = ("/data/a.root", 10, 20)


def result_with(*files):
    return Result({"z": DatasetResult(10, ExactSum.of(np.ones(10)), files=files)})


def test_a_worker_writes_files_and_returns_the_rest(tmp_path):
    kept = deposit.Deposit(tmp_path, tmp_path / ".partial")
    for _ in range(2):  # a chunk may be repeated
        out = deposit.put(result_with(made()), kept.place, CHUNK)
    (file,) = out["z"].files
    assert file == dataclasses.replace(made(), content=None)
    assert [path.read_bytes() for path in kept.place.rglob("*") if path.is_file()] == [b"abc"]
    kept.check(out)
    assert deposit.put({"any": 1}, tmp_path / "nowhere", CHUNK) == {"any": 1}


def test_a_worker_that_does_not_see_the_deposit_says_so_and_makes_none(tmp_path):
    kept = deposit.Deposit(tmp_path, tmp_path / ".partial")
    deposit.Deposit(tmp_path, tmp_path / ".partial")  # of another run in the same place
    kept.place.rmdir()
    with pytest.raises(ValueError, match=r"^worker .*:\d+ does not see .*/\.partial/files-.*: files of chunks need an"):
        deposit.put(result_with(made()), kept.place, CHUNK)
    assert not kept.place.exists()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ((made(), made()), r"two files of kind 'graphs' and suffix \.npz in one chunk"),
        ((made(entrystart=0),), r"a file of entries 0 to 20 of /data/a\.root is in another chunk"),
        ((dataclasses.replace(made(), content=None),), "has no content: make it by ChunkFile.of"),
    ],
)
def test_files_that_are_none_of_the_chunk_are_refused(tmp_path, files, told):
    kept = deposit.Deposit(tmp_path, tmp_path / ".partial")
    with pytest.raises(ValueError, match=told):
        deposit.put(result_with(*files), kept.place, CHUNK)


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    kept = deposit.Deposit(tmp_path, tmp_path / ".partial")
    monkeypatch.setattr("pathlib.Path.write_bytes", half_written)
    with pytest.raises(OSError, match=r"No space left on device: '.*/graphs/DY%2F2018/798d0dc9-.*\.npz'"):
        deposit.put(result_with(made()), kept.place, CHUNK)
    assert not [path for path in kept.place.rglob("*") if path.is_file()]


def half_written(path, content):
    """Write as to a disk that fills up meanwhile."""
    with path.open("wb") as file:
        file.write(content[: len(content) // 2])
    raise OSError(28, "No space left on device")
