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
        {
            "z": {
                "files": {
                    "a.root": {"object_path": "events", "steps": [[0, 5]], "num_entries": 5, "uuid": "x"}
                }
            }
        }
    )
    assert resolve(group)["z"].files == (InputFile("a.root", "events", ((0, 5),)),)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([], "no input files"),
        (["nothing"], "nothing: no such file or folder, and no shipped sample .*zee-fcc"),
        (["nothing*.root"], r"nothing\*.root: no file matches"),
        (["a.root", "a.root"], "names a.root more than once"),
        (["nothing.json"], "nothing.json: no such file"),
        ({"z": {"metadata": {}}}, "dataset 'z': expected a list of files"),
        ({"z": []}, "dataset 'z' has no files"),
        ({"z": {"files": {"a.root": 7}}}, "expected the name of a tree or an object, got 7"),
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
