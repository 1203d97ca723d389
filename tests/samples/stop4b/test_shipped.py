"""The shipped samples, read as users read them: without Pythia or ROOT."""

import json

import awkward as ak
import numpy as np
import pytest
import uproot

from samples.catalogue import STOP4B_DATA, STOP4B_FLAT, STOP4B_OBJECTS
from samples.stop4b import weights
from samples.stop4b.files import read_objects
from samples.stop4b.flat import make_rows
from samples.stop4b.variations import TREES

MAX_BYTES = 9e6
FLAT = {sample.name.removeprefix("stop4b-"): sample.path for sample in STOP4B_FLAT}
OBJECTS = {sample.name.removeprefix("stop4b-").removesuffix("-objects"): sample.path for sample in STOP4B_OBJECTS}
IDS = {"runNumber": "int32_t", "eventNumber": "uint64_t", "campaign": "int8_t", "mcChannel": "int32_t"}
LEPTON = {
    "pT": "float",
    "eta": "float",
    "phi": "float",
    "d0sig": "float",
}
BRANCHES = {
    **IDS,
    **{f"lep{k}{name}": kind for k in (1, 2) for name, kind in LEPTON.items()},
    **{f"lepflav{k}": "int8_t" for k in (1, 2)},
    **{f"IFFTypeLep{k}": "int8_t" for k in (1, 2)},
    **{f"{name}{k}": "bool" for k in (1, 2) for name in ("isSignalLep", "isMediumlep")},
    **dict.fromkeys(("nlep", "njet", "nbjet"), "int8_t"),
    **dict.fromkeys(("isOS", "isSF", "isTruthMatched", "MET_trigger", "passBadEvents"), "bool"),
    **{f"jet{k}{name}": "float" for k in range(1, 5) for name in ("pT", "eta", "phi")},
    **{f"jet{k}isb": "bool" for k in range(1, 5)},
    **dict.fromkeys(("MET", "METphi", "METsig", "TST_soft", "mll", "pbll", "dphi_boost", "R2l", "R2l4j"), "float"),
    **dict.fromkeys(("minDRl2j", "MT2", "pTll", "dphill", "WeightEvents", *weights.FACTORS), "float"),
    "weight": "double",
}


def note(path):
    with uproot.open(path) as file:
        return json.loads(str(file["hepcol_sample"]))


def test_they_are_small():
    assert sum(sample.path.stat().st_size for sample in (*STOP4B_FLAT, *STOP4B_OBJECTS, STOP4B_DATA)) < MAX_BYTES


@pytest.mark.parametrize("sample", [*STOP4B_FLAT, *STOP4B_OBJECTS, STOP4B_DATA], ids=lambda sample: sample.name)
def test_they_say_that_they_are_generated(sample):
    assert note(sample.path)["generated"] is True


@pytest.mark.parametrize("process", FLAT)
def test_flat_files_have_the_trees_and_branches_of_the_original(process):
    fakes = {"fakeWeight", *(f"fakeWeight_stat{side}" for side in ("Up", "Down"))}
    fakes |= {f"fakeWeight_compSyst_{region}{side}" for region in ("SRA", "SRB") for side in ("Up", "Down")}
    expected = BRANCHES | (dict.fromkeys(fakes, "float") if process == "Fakes" else {})
    varied = {f"{one.name}__1{side}": "float" for one in weights.VARIATIONS for side in ("up", "down")}
    assert len(varied) == 42
    with uproot.open(FLAT[process]) as file:
        assert set(file.keys(cycle=False)) == {f"{process}{tree.suffix}" for tree in TREES} | {"hepcol_sample"}
        for tree in TREES:
            here = expected | (varied if tree.suffix == "_WEIGHTS" else {})
            assert dict(file[f"{process}{tree.suffix}"].typenames()) == here


@pytest.mark.parametrize("process", FLAT)
def test_rows_pass_the_skim_and_their_number_hardly_varies(process):
    with uproot.open(FLAT[process]) as file:
        nominal = file[f"{process}_WEIGHTS"].num_entries
        for tree in TREES:
            rows = file[f"{process}{tree.suffix}"].arrays(["nlep", "MET"])
            assert ak.all(rows.nlep >= 2)
            assert ak.all(rows.MET > 200)
            assert len(rows) == pytest.approx(nominal, rel=0.12)


@pytest.mark.parametrize("process", OBJECTS)
def test_flat_rows_follow_from_the_objects_event_by_event(process):
    events = read_objects(OBJECTS[process])
    assert len(events) == note(OBJECTS[process])["events"]
    with uproot.open(FLAT[process]) as file:
        in_flat = set(file[f"{process}_WEIGHTS"]["eventNumber"].array().to_list())
        events = events.take(np.arange(note(FLAT[process])["events"]))
        for name, columns in make_rows(events, process):
            stored = file[name].arrays(library="np")
            for branch, column in columns.items():
                # the samples differ in length, which only the weights know
                if branch != "weight":
                    np.testing.assert_allclose(stored[branch], column, rtol=1e-6, atol=1e-6)
    assert in_flat <= set(events.columns["eventNumber"].tolist())


@pytest.mark.parametrize("process", OBJECTS)
def test_objects_come_by_momentum_with_a_margin_below_the_thresholds(process):
    with uproot.open(OBJECTS[process]) as file:
        events = file["events"].arrays()
    for name, lowest in (("Electron", 3.5), ("Muon", 3.0), ("Jet", 15.0)):
        pt = events[f"{name}_pt"]
        assert str(pt.type).endswith("var * float32")
        assert ak.min(pt) > lowest
        assert ak.all(pt[:, 1:] <= pt[:, :-1])
    assert ak.min(events.Jet_pt) < 20
    assert ak.all(np.isin(ak.flatten(events.Jet_flavour), (0, 4, 5, 15)))
    assert np.all(events.eventNumber < 2**53)


def test_the_identical_tree_is_identical():
    with uproot.open(FLAT["Wt"]) as file:
        nominal, rho = (file[f"Wt_{name}"].arrays(library="np") for name in ("WEIGHTS", "MUON_SAGITTA_RHO__1down"))
    for branch, column in rho.items():
        np.testing.assert_array_equal(column, nominal[branch])


def test_weight_variations_lie_about_the_nominal_factor():
    with uproot.open(FLAT["ttbar"]) as file:
        rows = file["ttbar_WEIGHTS"].arrays(library="np")
    moved = []
    for variation in weights.VARIATIONS:
        nominal = rows[variation.factor].astype(float)
        up, down = (rows[f"{variation.name}__1{side}"] for side in ("up", "down"))
        np.testing.assert_allclose(up + down, 2 * nominal, rtol=1e-5)
        assert np.all(np.abs(up / nominal - 1) < 0.5)
        moved.append(np.any(up != down))
    assert np.mean(moved) > 0.8


def test_fakes_carry_a_lepton_that_is_not_prompt_and_fails_the_selection():
    with uproot.open(FLAT["Fakes"]) as file:
        rows = file["Fakes_WEIGHTS"].arrays()
    assert ak.all((rows.fakeWeight > 0.05) & (rows.fakeWeight < 0.4))
    assert not ak.any(rows.isSignalLep1 & rows.isSignalLep2 & rows.isTruthMatched)
    assert np.mean(~rows.isTruthMatched) > 0.9
