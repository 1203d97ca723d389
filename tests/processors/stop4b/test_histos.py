"""The files of the search: histos.root, yields.json and tables."""

import json

import pytest
import uproot
from yield_inputs import REGIONS, SRA, SRB, about, both, flat, make, make_counts, steps

from hepcol.errors import InputError
from hepcol.inference.yields import read_yields
from processors.stop4b.folder import write_all
from processors.stop4b.histos import make_histos, write_histos
from processors.stop4b.yields import make_tables

ONE_SIDED = "MET_SoftTrk_ResoPara"


def tables(signal="signal_400_320", data=True, backgrounds=("Wt",)):
    varied = flat(2.0, 10.0) | {ONE_SIDED: both((26, 2.5), (190, 9.0))}
    histograms = {name: make(varied) for name in backgrounds} | {signal: make(flat(3.0, 16.0))}
    metadata = {name: about(name) for name in backgrounds} | {signal: about(signal, is_signal=True)}
    if data:
        histograms["data15"], metadata["data15"] = make_counts(both(10, 19)), about("Data", "data")
    cutflows = {name: {SRA: steps(("all events", 90, 9.0), ("R_2l", 25, 2.0))} for name in backgrounds}
    return make_tables(histograms, metadata, cutflows=cutflows)


def test_each_histogram_has_its_name_bin_and_error(tmp_path):
    path = write_histos(tables(), tmp_path)
    with uproot.open(path) as file:
        names = set(file.keys(cycle=False))
        whats = ("WtNom", f"Wt{ONE_SIDED}High", f"Wt{ONE_SIDED}Low", "signal_400_320Nom", "DataNom")
        assert names == {f"h{what}_{region}_obs_cuts" for what in whats for region in REGIONS}
        assert set(file.classnames().values()) == {"TH1D"}
        nominal = file[f"hWtNom_{SRB}_obs_cuts"]
        assert nominal.axis().edges().tolist() == [0.5, 1.5]
        assert nominal.values(flow=True).tolist() == pytest.approx([0, 10, 0])
        assert nominal.errors().tolist() == pytest.approx([10 / 200**0.5])
        assert file[f"hWt{ONE_SIDED}High_{SRB}_obs_cuts"].values().tolist() == pytest.approx([9])


def test_bug_1_the_file_has_low_sides_of_one_sided_systematics_in_all_regions(tmp_path):
    with uproot.open(write_histos(tables(), tmp_path)) as file:
        lows = [file[f"hWt{ONE_SIDED}Low_{region}_obs_cuts"].values()[0] for region in REGIONS]
    assert lows == pytest.approx([1.5, 11.0])


def test_bug_6_data_are_called_nom(tmp_path):
    with uproot.open(write_histos(tables(), tmp_path)) as file:
        data = file[f"hDataNom_{SRB}_obs_cuts"]
        assert (data.values()[0], data.errors()[0]) == (19, pytest.approx(19**0.5))
        assert not [name for name in file.keys(cycle=False) if "NONE" in name]


def test_equal_tables_give_equal_bytes(tmp_path):
    contents = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        contents.append(write_histos(tables(), tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert [path.name for path in (tmp_path / "first").iterdir()] == ["histos.root"]


def test_asimov_data_are_no_data():
    names = make_histos(tables(data=False).with_asimov_data())
    assert not [name for name in names if "Data" in name]


def test_names_that_root_has_other_uses_for_are_refused(tmp_path):
    with pytest.raises(InputError, match="names must be made of letters, digits and underscores, got 'a:b'") as error:
        write_histos(tables(signal="a:b"), tmp_path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_everything_is_written_and_yields_come_back(tmp_path):
    made = tables()
    written = write_all(made, tmp_path / "new" / "folder")
    names = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    tables_of = [f"{name}.{end}" for name in ("cutflow", "impacts", "yields") for end in ("csv", "md", "tex")]
    assert names == sorted(["histos.root", "notes.csv", "yields.json", *tables_of])
    assert sorted(path.name for path in written.files) == names
    assert written.not_written == {}
    assert read_yields(tmp_path / "new" / "folder" / "yields.json") == made.to_yields()


def test_files_are_equal_if_tables_are(tmp_path):
    for name in ("first", "second"):
        write_all(tables(), tmp_path / name)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": False}, "data are missing: add their files to the run, or"),
        ({"backgrounds": ()}, "there must be one that is no signal"),
    ],
)
def test_without_data_or_backgrounds_there_is_no_model_but_all_else(tmp_path, changes, reason):
    write_all(tables(), tmp_path)
    written = write_all(tables(**changes), tmp_path)
    assert reason in written.not_written["yields.json"]
    assert not (tmp_path / "yields.json").exists()
    assert (tmp_path / "yields.md").exists()
    assert (tmp_path / "histos.root").exists()


def test_asimov_data_are_in_the_model(tmp_path):
    write_all(tables(data=False).with_asimov_data(), tmp_path)
    assert json.loads((tmp_path / "yields.json").read_text())["data"] == {SRA: pytest.approx(2), SRB: pytest.approx(10)}
    assert "| Asimov data | 2 | 10 |" in (tmp_path / "yields.md").read_text()
