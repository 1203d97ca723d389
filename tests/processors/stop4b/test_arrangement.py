"""Files of the original's layout, made into datasets."""

import json
import shutil

import pytest
import uproot

from hepcol.errors import InputError
from hepcol.fileset import Dataset, InputFile, resolve
from processors.stop4b import arrangement
from processors.stop4b.campaigns import LUMINOSITIES
from processors.stop4b.components import find_component
from processors.stop4b.kinds import Kind, Missing
from processors.stop4b.selection import read_selection
from samples.catalogue import STOP4B_FLAT, STOP4B_OBJECTS

FLAT = {sample.path.stem: sample.path for sample in STOP4B_FLAT}
OBJECTS = {sample.path.stem: sample.path for sample in STOP4B_OBJECTS}


def arrange(fileset, missing=Missing.ERROR, systematics=True):
    return arrangement.arrange(fileset, missing, systematics, read_selection())


def place(folder, *names, source=FLAT["ttbar"]):
    """Put a file at the places of others."""
    paths = []
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
        paths.append(str(path))
    return resolve(paths)


def test_a_dataset_for_each_tree_with_all_campaigns(tmp_path):
    made = arrange(place(tmp_path, *(f"{campaign}/ttbar.root" for campaign in LUMINOSITIES)), Missing.ERROR)
    assert len(made) == 41
    dataset = made["ttbar_JET_GroupedNP_1__1up"]
    assert [file.tree for file in dataset.files] == ["ttbar_JET_GroupedNP_1__1up"] * 3
    assert dataset.metadata["sample"] == "ttbar"
    assert dataset.metadata["variation"] == "JET_GroupedNP_1__1up"
    assert dataset.metadata["luminosity"] == pytest.approx(dict(LUMINOSITIES))
    assert made["ttbar_WEIGHTS"].metadata["variation"] == "nominal"


def test_what_is_arranged_comes_back_as_it_is(tmp_path):
    made = arrange(place(tmp_path, "mc16a/ttbar.root"), Missing.ERROR)
    assert arrange(made, Missing.ERROR) == made


@pytest.mark.parametrize(
    ("name", "sample", "kind"),
    [
        ("ttbar", "ttbar", Kind.PROMPT),
        ("ttHnoDilep", "Others", Kind.PROMPT),
        ("Fakes", "Fakes", Kind.FAKES),
        ("Fake_Wt", "Fakes", Kind.FAKES),
        ("Fake_data16", "Fakes", Kind.DATA_DRIVEN),
        ("data18", "Data", Kind.DATA),
        ("signal_400_320", "signal_400_320", Kind.PROMPT),
    ],
)
def test_files_are_known_by_their_names(name, sample, kind):
    found = find_component(f"root://host//some/mc16a/{name}.root")
    assert (found.name, found.sample, found.kind) == (name, sample, kind)


@pytest.mark.parametrize("name", ["Wjets", "signal_", "ttbar_v2"])
def test_an_unknown_name_is_an_error(tmp_path, name):
    with pytest.raises(InputError, match=rf"no sample is called '{name}'; accepted are signal_\*, ttbar"):
        arrange(place(tmp_path, f"mc16a/{name}.root"), Missing.ERROR)


def test_the_luminosity_is_that_of_the_data_that_there_are(tmp_path):
    data = place(tmp_path, "data15.root", source=FLAT["ttbar"].parent.parent / "data15.root")
    inputs = {"all": Dataset((*place(tmp_path, "mc16a/ttbar.root")["ttbar"].files, *data["data15"].files))}
    made = arrange(inputs, Missing.ERROR)
    assert made["ttbar_WEIGHTS"].metadata["luminosity"] == {"mc16a": 3.21956, "mc16d": 0.0, "mc16e": 0.0}


def test_a_campaign_that_is_missing_beside_its_data_is_an_error(tmp_path):
    source = FLAT["ttbar"].parent.parent / "data15.root"
    data = place(tmp_path, "data15.root", "data17.root", source=source)
    files = [file for dataset in data.values() for file in dataset.files]
    inputs = {"all": Dataset((*place(tmp_path, "mc16a/ttbar.root")["ttbar"].files, *files))}
    with pytest.raises(InputError, match=r"ttbar has no file in mc16d, but there are data of data17"):
        arrange(inputs, Missing.ERROR)


def test_both_forms_of_a_sample_are_an_error():
    with pytest.raises(InputError, match="both as flat trees and as objects"):
        arrange(resolve([str(FLAT["ttbar"]), str(OBJECTS["ttbar"])]), Missing.ERROR)


def test_two_files_of_a_campaign_are_an_error(tmp_path):
    inputs = place(tmp_path, "one/mc16a/ttbar.root", "two/mc16a/ttbar.root")
    with pytest.raises(InputError, match=r"ttbar of mc16a is .*, too"):
        arrange(inputs, Missing.ERROR)


def test_a_file_without_the_trees_is_an_error(tmp_path, shipped_file):
    with pytest.raises(InputError, match=r"expected one tree \*_WEIGHTS or \*_NONE, or a tree 'events' with nJet"):
        arrange(place(tmp_path, "mc16a/ttbar.root", source=shipped_file), Missing.ERROR)


@pytest.mark.parametrize("file", [InputFile("mc16a/ttbar.root", "t"), InputFile("mc16a/ttbar.root", steps=((0, 1),))])
def test_trees_and_steps_are_not_for_the_user_to_choose(file):
    with pytest.raises(InputError, match="chooses the trees of a file by itself"):
        arrange({"all": Dataset((file,))}, Missing.ERROR)


def test_a_dataset_that_is_given_twice_is_an_error(tmp_path):
    made = arrange(place(tmp_path, "mc16a/ttbar.root"), Missing.ERROR)
    with pytest.raises(InputError, match=r"dataset 'ttbar_.*' is given twice"):
        arrange({**made, **place(tmp_path, "mc16d/ttbar.root")}, Missing.ERROR)


def test_without_systematics_there_are_the_nominal_trees_alone(tmp_path):
    assert list(arrange(place(tmp_path, "mc16a/ttbar.root"), Missing.ERROR, False)) == ["ttbar_WEIGHTS"]


def named(*paths):
    return {"all": Dataset(tuple(InputFile(str(path)) for path in paths))}


@pytest.mark.parametrize(
    ("whole", "part"),
    [("mc16a/Others.root", "mc16a/ttHnoDilep.root"), ("mc16a/Fakes.root", "mc16a/Fake_Wt.root")],
)
def test_a_whole_beside_its_parts_is_an_error(tmp_path, whole, part):
    source = FLAT["Fakes"] if "Fake" in whole else FLAT["ttbar"]
    with pytest.raises(InputError, match=r"would count twice"):
        arrange(place(tmp_path, whole, part, source=source))


def test_data_beside_their_periods_are_an_error(tmp_path):
    source = FLAT["ttbar"].parent.parent / "data15.root"
    with pytest.raises(InputError, match=r"Data\.root: has the events of .*data15\.root, too"):
        arrange(place(tmp_path, "Data.root", "data15.root", source=source))


def test_fakes_of_other_periods_than_the_data_are_an_error(tmp_path):
    place(tmp_path, "data15.root", source=FLAT["ttbar"].parent.parent / "data15.root")
    fakes = tmp_path / "Fake_data18.root"
    with uproot.open(FLAT["Fakes"]) as file, uproot.recreate(fakes) as copy:
        columns = file["Fakes_WEIGHTS"].arrays(library="np")
        copy.mktree("Fakes_NONE", {name: column.dtype for name, column in columns.items()})
        copy["Fakes_NONE"].extend(columns)
    with pytest.raises(InputError, match="data of data15, but fakes made from data of data18"):
        arrange(named(tmp_path / "data15.root", fakes))


def test_what_a_file_brings_along_stays(tmp_path):
    place(tmp_path, "mc16a/ttbar.root")
    good = tmp_path / "mc16a" / "ttbar.root"
    file = InputFile(str(tmp_path / "gone" / "mc16a" / "ttbar.root"), uuid="1234", replicas=(str(good),))
    made = arrange({"all": Dataset((file,), {"year": 2016})})
    assert len(made) == 41
    for dataset in made.values():
        assert dataset.files[0].replicas == (str(good),)
        assert dataset.files[0].uuid == "1234"
        assert dataset.metadata["year"] == 2016


@pytest.mark.parametrize("key", ["form", "luminosity"])
def test_metadata_may_not_be_called_as_ours(tmp_path, key):
    place(tmp_path, "mc16a/ttbar.root")
    file = InputFile(str(tmp_path / "mc16a" / "ttbar.root"))
    with pytest.raises(InputError, match=f"metadata '{key}' is one that stop4b tells itself"):
        arrange({"all": Dataset((file,), {key: "x"})})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"form": None}, "'form' must be flat or objects"),
        ({"kind": "promptt"}, "kind must be one of"),
        ({"variation": 3}, "'variation' must be the name"),
        ({"luminosity": {}}, "luminosity must be given"),
    ],
)
def test_what_tells_its_sample_has_to_tell_the_rest(tmp_path, change, message):
    made = arrange(place(tmp_path, "mc16a/ttbar.root"))
    dataset = made["ttbar_WEIGHTS"]
    with pytest.raises(InputError, match=message):
        arrange({"ttbar_WEIGHTS": Dataset(dataset.files, dict(dataset.metadata) | change)})


@pytest.mark.parametrize("form", [FLAT["ttbar"], OBJECTS["ttbar"]])
def test_a_file_that_cannot_be_read_has_the_form_of_the_others(tmp_path, form):
    place(tmp_path, "mc16a/ttbar.root", source=form)
    broken = tmp_path / "mc16d" / "ttbar.root"
    broken.parent.mkdir()
    broken.write_bytes(b"not a ROOT file")
    made = arrange(named(tmp_path / "mc16a" / "ttbar.root", broken))
    assert len(made) == (41 if form == FLAT["ttbar"] else 1)
    assert all(len(dataset.files) == 2 for dataset in made.values())


def test_a_column_of_a_cut_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "cuts.yaml"
    path.write_text("regions: {A: {cuts: [{column: MTT, above: 1}]}}")
    with pytest.raises(InputError, match="tree 'ttbar_WEIGHTS' has no column 'MTT'"):
        arrangement.arrange(place(tmp_path, "mc16a/ttbar.root"), Missing.ERROR, True, read_selection(path))


def test_nominal_datasets_tell_the_regions_as_json_has_them(tmp_path):
    made = arrange(place(tmp_path, "mc16a/ttbar.root"))
    told = made["ttbar_WEIGHTS"].metadata["selection"]
    assert json.loads(json.dumps(told)) == told
    assert [region["name"] for region in told] == ["Stop4b_SRA", "Stop4b_SRB"]
    assert {"column": "R2l", "above": 13.0}.items() <= told[1]["cuts"][-2].items()
    assert "selection" not in made["ttbar_EG_SCALE_ALL__1up"].metadata
