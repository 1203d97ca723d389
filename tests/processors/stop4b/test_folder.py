"""From files to tables and the fit, as a user goes."""

import json
import shutil
from dataclasses import replace

import pytest
import uproot
from click.testing import CliRunner

import hepcol
from hepcol import store
from hepcol.cli import main
from hepcol.errors import InputError
from processors.commands import yields
from processors.stop4b import Stop4bProcessor
from processors.stop4b import folder as of_folder
from processors.stop4b.datasets import read_regions
from processors.stop4b.distributions import stacks
from processors.stop4b.folder import tables_of_folder, write_into
from samples.catalogue import STOP4B_ALL_FLAT, STOP4B_ALL_OBJECTS, STOP4B_OBJECTS


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
    assert "no theory systematics: ttbarThSyst.json, WtThSyst.json" in " ".join(output.split())
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
    """In the histograms, campaign by campaign; those of no events end on none."""
    histograms, _ = store.read(objects_run)
    datasets = {name for name, one in histograms if one == "yields"}
    passed = 0
    for dataset in datasets:
        yields, entries = histograms[dataset, "yields"], histograms[dataset, "entries"]
        nominal = yields.axes["variation"].index("nominal")
        for region, name in enumerate(yields.axes["region"]):
            last = histograms[dataset, f"cutflow_{name}"].values()[:, -1]
            assert last == pytest.approx(yields.values()[:, region, nominal], rel=1e-12, abs=0), (dataset, name)
            counts = histograms[dataset, f"cutflow_entries_{name}"].values()[:, -1].tolist()
            assert counts == entries.values()[:, region, nominal].tolist(), (dataset, name)
            passed += sum(counts)
    assert datasets
    assert passed > 0
    assert not [note for note in tables_of_folder(objects_run).notes if note.kind == "cutflow"]


def test_the_tree_that_is_identical_to_nominal_is_known_by_its_content(objects_run):
    notes = [note for note in tables_of_folder(objects_run).notes if note.kind in ("identical", "no effect")]
    assert {note.systematic for note in notes if note.kind == "identical"} == {"MUON_SAGITTA_RHO"}


def test_both_forms_know_the_same_identical_trees(tmp_path):
    hepcol.run(Stop4bProcessor(), STOP4B_ALL_FLAT.path, output=tmp_path / "out")
    notes = [note for note in tables_of_folder(tmp_path / "out").notes if note.kind == "identical"]
    assert {note.systematic for note in notes} == {"MUON_SAGITTA_RHO"}


@pytest.fixture
def copied(objects_run, tmp_path):
    """A run of one's own, to change, without what was added to it."""
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("histograms.zip", "provenance.json"):
        shutil.copy(objects_run / name, folder / name)
    summary = json.loads((objects_run / "summary.json").read_text())
    summary.pop("added", None)
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def change(path, changed):
    """Change what is in a JSON file."""
    content = json.loads(path.read_text())
    changed(content)
    path.write_text(json.dumps(content))


def run_anew(folder):
    hepcol.run(Stop4bProcessor(systematics=False), STOP4B_OBJECTS[0].path, output=folder, force=True)


def test_a_new_run_takes_the_tables_of_the_old_one_away(copied):
    assert call(copied, "--no-plots", "--asimov")[0] == 0
    assert (copied / "yields.json").exists()
    assert (copied / "histos.root").exists()
    run_anew(copied)
    assert not (copied / "yields.json").exists()
    assert not (copied / "histos.root").exists()


def test_what_yields_that_fail_have_written_goes_with_the_run(copied, monkeypatch):
    def fail(*_):
        raise InputError("no plots")

    monkeypatch.setattr(of_folder, "plot_distributions", fail)
    with pytest.raises(InputError, match="no plots"):
        write_into(tables_of_folder(copied, asimov=True), copied)
    assert (copied / "yields.json").exists()
    run_anew(copied)
    assert not (copied / "yields.json").exists()
    assert not (copied / "histos.root").exists()


def test_new_yields_take_the_fits_of_the_old_ones_away(copied):
    tables = tables_of_folder(copied, asimov=True)
    write_into(tables, copied, plots=False)
    store.write_fit(copied, "histfactory", {"usable": True})
    write_into(tables, copied, plots=False)
    assert not (copied / "fit_histfactory.json").exists()


def test_plots_have_the_cuts_that_the_run_had(copied):
    def cut(provenance):
        for about in provenance["fileset"].values():
            about["metadata"]["selection"] = [
                {"name": "Stop4b_SRA", "cuts": [{"label": "a", "column": "MET", "above": 123.0}]},
                {"name": "Stop4b_SRB", "cuts": [{"label": "b", "column": "MET", "at_least": 1.0, "at_most": 2.0}]},
            ]

    change(copied / "provenance.json", cut)
    histograms, _ = store.read(copied)
    fileset = store.read_provenance(copied)["fileset"]
    metadata = {name: about["metadata"] for name, about in fileset.items()}
    drawn = {(region, column): stack.thresholds for region, column, stack in stacks(histograms, metadata)}
    assert drawn == {("Stop4b_SRA", "MET"): (123.0,), ("Stop4b_SRB", "MET"): (1.0, 2.0)}
    for about in metadata.values():
        del about["selection"]
    assert read_regions(metadata) == ()
    drawn = {(region, column): stack.thresholds for region, column, stack in stacks(histograms, metadata)}
    assert ("Stop4b_SRA", "MET") in drawn
    assert set(drawn.values()) == {()}


def test_runs_tell_their_cuts(objects_run):
    fileset = store.read_provenance(objects_run)["fileset"]
    regions = read_regions({name: about["metadata"] for name, about in fileset.items()})
    assert regions == tuple(
        replace(region, cuts=tuple(replace(cut, kinds=()) for cut in region.cuts))
        for region in Stop4bProcessor().table.regions
    )
    assert "notebook" in {cut.source for region in regions for cut in region.cuts}


def test_what_the_run_found_odd_is_told_by_sample(copied):
    def count(summary):
        for about in summary["datasets"].values():
            about["tallies"] = {"stored METsig differs": 0, "scale factor of 0": 2}

    change(copied / "summary.json", count)
    notes = [note for note in tables_of_folder(copied).notes if note.kind == "oddity"]
    assert {note.text for note in notes if note.sample == "ttbar"} == {"scale factor of 0 in 2 events"}
    assert all(note.is_warning for note in notes)


def test_runs_of_a_derived_processor_have_yields_too(copied):
    change(copied / "provenance.json", lambda provenance: provenance.update(processor="mine.py:Mine"))
    write_into(tables_of_folder(copied, asimov=True), copied, plots=False)
    assert (copied / "yields.json").exists()


def test_an_incomplete_run_is_marked(copied):
    change(copied / "summary.json", lambda summary: summary.update(complete=False))
    notes = tables_of_folder(copied).notes
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


def test_pseudo_data_are_called_so(objects_run):
    assert tables_of_folder(objects_run).label == "pseudo-data"
    code, output = call(objects_run, "--no-plots")
    assert code == 0
    assert "pseudo-data" in output
    assert json.loads((objects_run / "yields.json").read_text())["label"] == "pseudo-data"
