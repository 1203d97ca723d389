"""From files to tables and the fit, as a user goes."""

import json

import pytest
import uproot
from click.testing import CliRunner

import hepcol
from hepcol.cli import main
from processors.stop4b import Stop4bProcessor
from processors.stop4b.commands import yields
from processors.stop4b.folder import tables_of_folder
from samples.catalogue import STOP4B_ALL_FLAT, STOP4B_ALL_OBJECTS


@pytest.fixture(scope="module")
def objects_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stop4b") / "out"
    hepcol.run(Stop4bProcessor(), STOP4B_ALL_OBJECTS.path, output=folder)
    return folder


def call(*arguments):
    result = CliRunner().invoke(yields, list(map(str, arguments)), catch_exceptions=False)
    return result.exit_code, result.output


def test_the_command_writes_everything_and_says_so(objects_run):
    code, output = call(objects_run, "--asimov")
    assert code == 0
    assert "total background" in output
    assert "ttbarThSyst.json was not given" in " ".join(output.split())
    for name in ("yields.json", "histos.root", "yields.md", "impacts.csv", "cutflow.tex"):
        assert (objects_run / name).is_file(), name
    assert list((objects_run / "plots" / "all_but" / "Stop4b_SRB").glob("*.png"))
    with uproot.open(objects_run / "histos.root") as file:
        names = set(file.keys(cycle=False))
    assert {
        "httbarNom_Stop4b_SRA_obs_cuts",
        "httbarJET_GroupedNP_1High_Stop4b_SRB_obs_cuts",
        "httbarMET_SoftTrk_ResoParaLow_Stop4b_SRA_obs_cuts",
    } <= names


def test_every_cutflow_ends_on_its_yield(objects_run):
    tables = tables_of_folder(objects_run)
    assert not [note for note in tables.notes if note.kind == "cutflow"]
    for region, by_sample in tables.cutflows.items():
        for sample, rows in by_sample.items():
            nominal = tables.samples[sample].nominal[region] if sample in tables.samples else tables.data[region]
            if nominal.entries is not None and nominal.entries.sum():
                assert rows[-1].value == pytest.approx(nominal.total, rel=1e-9), (region, sample)


def test_the_tree_that_is_identical_to_nominal_is_known_by_its_content(objects_run):
    notes = [note for note in tables_of_folder(objects_run).notes if note.kind in ("identical", "no effect")]
    assert {note.systematic for note in notes if note.kind == "identical"} == {"MUON_SAGITTA_RHO"}


def test_both_forms_know_the_same_identical_trees(tmp_path):
    hepcol.run(Stop4bProcessor(), STOP4B_ALL_FLAT.path, output=tmp_path / "out")
    notes = [note for note in tables_of_folder(tmp_path / "out").notes if note.kind == "identical"]
    assert {note.systematic for note in notes} == {"MUON_SAGITTA_RHO"}


def test_a_new_run_takes_the_tables_of_the_old_one_away(tmp_path):
    folder = tmp_path / "out"
    hepcol.run(Stop4bProcessor(systematics=False), STOP4B_ALL_OBJECTS.path, output=folder)
    assert call(folder, "--no-plots", "--asimov")[0] == 0
    assert (folder / "yields.json").exists()
    hepcol.run(Stop4bProcessor(systematics=False), STOP4B_ALL_OBJECTS.path, output=folder, force=True)
    assert not (folder / "yields.json").exists()
    assert not (folder / "histos.root").exists()


def test_an_incomplete_run_is_marked(tmp_path):
    folder = tmp_path / "out"
    hepcol.run(Stop4bProcessor(systematics=False), STOP4B_ALL_OBJECTS.path, output=folder)
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"complete": False}))
    notes = tables_of_folder(folder).notes
    assert notes[0].kind == "incomplete"
    assert notes[0].is_warning


@pytest.mark.parametrize(
    ("what", "message"),
    [("nothing", "no histograms.zip there"), ("zee", "yields are of runs of stop4b")],
)
def test_other_folders_are_one_line(tmp_path, shipped_file, capsys, what, message):
    if what == "zee":
        from processors.zee import ZeeProcessor

        hepcol.run(ZeeProcessor(variations=1), shipped_file, output=tmp_path / "out")
    with pytest.raises(SystemExit) as ended:
        main(["yields", str(tmp_path / "out")])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
