import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepcol.fileset import RESERVED, Dataset, InputFile, describe, is_remote, resolve


@pytest.fixture
def folder(tmp_path):
    for name in ("b.root", "a.root", "notes.txt"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_folder_is_a_dataset_of_its_root_files(folder):
    ((name, dataset),) = resolve(folder).items()
    assert name == folder.name
    assert [file.path for file in dataset.files] == [str(folder / "a.root"), str(folder / "b.root")]


def test_a_glob_is_expanded_and_sorted(folder):
    ((_, dataset),) = resolve([f"{folder}/*.root"]).items()
    assert [file.path for file in dataset.files] == [str(folder / "a.root"), str(folder / "b.root")]


def test_a_file_names_its_dataset_unless_told_otherwise(folder):
    assert list(resolve(str(folder / "a.root"))) == ["a"]
    assert list(resolve(str(folder / "a.root"), name="zee")) == ["zee"]


def test_a_shipped_sample_has_a_name():
    ((name, dataset),) = resolve("zee-fcc").items()
    assert name == "zee-fcc"
    assert dataset.files[0].path.endswith("zee_fcc.root")


def test_a_url_is_left_alone():
    url = "root://host//data/x.root"
    assert resolve([url]) == {"x": Dataset((InputFile(url),))}


@pytest.mark.parametrize(
    "content",
    [
        {"z": ["a.root"]},
        {"z": {"files": ["a.root"], "treename": "t", "metadata": {"year": 2026}}},
        {"z": {"files": {"a.root": "t"}, "metadata": {"year": 2026}}},
        {"z": {"files": {"a.root": {"object_path": "t", "steps": [[0, 5], [7, 9]]}}}},
    ],
)
def test_reads_coffea_filesets(content, tmp_path):
    path = tmp_path / "fileset.json"
    path.write_text(json.dumps(content))
    fileset = resolve(path, tree="t")
    assert fileset == resolve(content, tree="t")
    assert fileset["z"].files[0].path == "a.root"
    assert fileset["z"].files[0].tree == "t"


def test_reads_a_pydantic_data_group():
    from coffea.dataset_tools import DataGroupSpec

    group = DataGroupSpec(
        {"z": {"files": {"a.root": {"object_path": "events", "steps": [[0, 5]], "num_entries": 5, "uuid": "x"}}}}
    )
    assert resolve(group)["z"].files == (InputFile("a.root", "events", ((0, 5),), "x"),)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([], "no input files"),
        (["nothing"], "nothing: no such file or folder, and no shipped sample .*zee-fcc"),
        (["nothing*.root"], r"nothing\*.root: no file matches"),
        (["nothing.json"], "nothing.json: no such file"),
        ({"z": {"metadata": {}}}, "dataset 'z', files: Field required"),
        ({"z": {"files": 5}}, "dataset 'z', files: Input should be a valid"),
        ({"z": {"files": {"a.root": {"steps": 3}}}}, "dataset 'z', files, a.root, steps: "),
        ({"z": {"files": {"a.root": {"steps": [[1.5, 2]]}}}}, "dataset 'z', files, a.root, steps, 0, 0: "),
        (
            {"z": {"files": ["a.root"], "metadata": [1]}},
            "dataset 'z', metadata: Input should be a valid dict",
        ),
        (
            {"z": {"files": ["a.root"], "metadata": {"fileuuid": "x", "dataset": "y"}}},
            "may not have dataset, fileuuid",
        ),
        (["a.root", "./a.root"], r"names a.root more than once \(as a.root\)"),
        ({"z": []}, "dataset 'z' has no files"),
        ({"z": {"files": {"a.root": 7}}}, "dataset 'z', files, a.root: "),
        ({"z": {"files": {"a.root": {"replicas": "b.root"}}}}, "dataset 'z', files, a.root, replicas: "),
    ],
)
def test_says_in_one_line_what_is_wrong(sources, message):
    with pytest.raises(ValueError, match=message) as caught:
        resolve(sources)
    assert "\n" not in str(caught.value)


def test_rejects_a_folder_without_files_and_a_file_that_is_not_json(tmp_path):
    with pytest.raises(ValueError, match=r"no \*\.root file in this folder"):
        resolve(tmp_path)
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match="not JSON"):
        resolve(tmp_path / "x.json")
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(ValueError, match="a fileset is a JSON object of datasets, got list"):
        resolve(tmp_path / "x.json")


def test_another_spelling_of_a_file_is_the_same_file(folder, monkeypatch):
    (folder / "link.root").symlink_to(folder / "a.root")
    monkeypatch.chdir(folder)
    for other in (str(folder / "a.root"), "link.root", f"../{folder.name}/a.root"):
        with pytest.raises(ValueError, match="more than once"):
            resolve(["a.root", other])
        with pytest.raises(ValueError, match="more than once"):
            resolve({"z": {"files": {"a.root": "events", other: "events"}}})


def test_a_fileset_names_its_datasets(tmp_path):
    with pytest.raises(ValueError, match=r"names its datasets \(z\); 'y' has no place"):
        resolve({"z": ["a.root"]}, name="y")


def test_a_file_may_have_replicas():
    places = ["root://b//x.root", "/local/x.root"]
    fileset = {"z": {"files": {"root://a//x.root": {"object_path": "events", "replicas": places}, "y.root": "events"}}}
    with_replicas, without = resolve(fileset)["z"].files
    assert with_replicas == InputFile("root://a//x.root", "events", replicas=tuple(places))
    assert without.replicas == ()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.root": ["b.root"], "b.root": []}, r"names b.root more than once \(as b.root, a replica of a.root\)"),
        ({"a.root": ["root://h//b.root"], "root://h//b.root": []}, "names root://h//b.root more than once"),
        ({"a.root": ["b.root", "./b.root"]}, r"names b.root more than once \(as ./b.root, a replica of a.root\)"),
        ({"a.root": ["a.root"]}, r"names a.root more than once \(as a.root, a replica of a.root\)"),
        (
            {"a.root": ["c.root"], "b.root": ["c.root"]},
            r"names c.root more than once \(as c.root, a replica of b.root\)",
        ),
    ],
)
def test_a_replica_that_is_named_twice_is_refused(files, message):
    content = {"z": {"files": {path: {"replicas": replicas} for path, replicas in files.items()}}}
    with pytest.raises(ValueError, match=f"dataset 'z' {message}") as caught:
        resolve(content)
    assert "\n" not in str(caught.value)


def test_datasets_may_share_replicas():
    content = {name: {"files": {"a.root": {"replicas": ["b.root"]}}} for name in ("one", "two")}
    assert [dataset.files[0].replicas for dataset in resolve(content).values()] == [("b.root",)] * 2


@pytest.mark.parametrize("path", ["root://h//x.root", "file:///x.root", "simplecache::root://h//x.root", "zip::x.root"])
def test_a_url_is_remote(path):
    assert is_remote(path)
    assert not is_remote("/local/x:y.root")


paths = st.text("abé\udc80", min_size=1).map("/{}.root".format)  # a name that is no UTF-8, too
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
steps = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=3).map(tuple)


@st.composite
def datasets(draw):
    places = draw(st.lists(paths, min_size=2, max_size=6, unique=True))
    first, *rest = (
        InputFile(
            path,
            draw(st.none() | st.just("events")),
            draw(st.none() | steps),
            draw(st.none() | st.uuids().map(str)),
        )
        for path in places[:2]
    )
    metadata = draw(st.dictionaries(st.text().filter(lambda key: key not in RESERVED), plain, max_size=3))
    with_replicas = InputFile(first.path, first.tree, first.steps, first.uuid, tuple(places[2:]))
    return Dataset((with_replicas, *rest), metadata)


@given(st.dictionaries(st.text(), datasets(), max_size=3))
def test_what_is_described_is_read_back(fileset):
    described = describe(fileset)
    text = json.dumps(described, allow_nan=False)
    assert json.loads(text) == described
    again = resolve(json.loads(text))
    assert again == fileset
    assert list(again) == list(fileset)
    assert all([*again[name].metadata] == [*dataset.metadata] for name, dataset in fileset.items())


def test_coffea_reads_what_is_described():
    from coffea.dataset_tools import DataGroupSpec

    fileset = resolve({"z": {"files": {"a.root": {"object_path": "events", "steps": [[0, 5]], "uuid": "x"}}}})
    (spec,) = DataGroupSpec(describe(fileset))["z"].files.values()
    assert (spec.object_path, spec.steps, spec.uuid) == ("events", [[0, 5]], "x")


def test_what_numpy_calls_a_float_is_one():
    assert describe({"z": Dataset((InputFile("a.root"),), {"xs": np.float64(1.5)})})["z"]["metadata"] == {"xs": 1.5}


@pytest.mark.parametrize(
    "value",
    [(1, 2), {1: 2}, {3}, float("nan"), float("inf"), b"x", np.int64(3), np.zeros((30, 3)), [object()]],
)
def test_metadata_that_json_cannot_hold_are_refused(value):
    fileset = resolve({"z": {"files": ["a.root"], "metadata": {"year": 2026, "odd": value}}})
    with pytest.raises(ValueError, match=r"dataset 'z': metadata 'odd' of type .* cannot be kept as JSON") as caught:
        describe(fileset)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    with pytest.raises(ValueError, match="metadata '5' of type str"):
        describe({"z": Dataset((InputFile("a.root"),), {5: "x"})})


def test_metadata_that_hold_themselves_are_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="metadata 'odd' of type list"):
        describe({"z": Dataset((InputFile("a.root"),), {"odd": endless})})
