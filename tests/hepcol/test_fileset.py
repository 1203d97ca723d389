import json

import pytest

from hepcol.fileset import Dataset, InputFile, resolve


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
