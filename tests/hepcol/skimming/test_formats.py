"""What is written of each format: the columns that were there, under their names, with the schema of the input."""

import awkward as ak
import numpy as np
import pytest
import uproot

import hepcol
from hepcol.errors import InputError

pytestmark = pytest.mark.timeout(120)


def plain(array):
    return ak.without_parameters(array).to_list()


def same_columns(ours, theirs, columns, rows):
    for column in columns:
        one, other = ours, theirs
        for name in column.split("."):
            one, other = one[name], other[name]
        assert plain(one) == plain(other[rows]), column


@pytest.mark.parametrize("form", ["ttree", "rntuple"])
@pytest.mark.parametrize(
    ("file", "cut", "columns"),
    [
        (
            "ee_Z_ee_EDM4Hep.root",
            "num(ReconstructedParticles.px) > 2",
            ("ReconstructedParticles.px", "Electronidx0.index", "Particle.PDG", "Particle.vertex"),
        ),
        ("p8_ee_WW_ecm240_edm4hep.root", "num(Particle.PDG) % 2 == 0", ("Particle.px", "Jet.PDG", "Muon_objIdx.index")),
        (
            "nano_dy.root",
            "any(Muon.pt > 20)",
            ("Muon.pt", "Jet.eta", "MET.pt", "genWeight", "GenPart.genPartIdxMother"),
        ),
        ("PHYSLITE_example.root", "num(Electrons.pt) > 1", ("Electrons.pt", "EventInfo.eventNumber")),
    ],
)
def test_opens_with_the_schema_of_the_input(shared_data, tmp_path, file, cut, columns, form):
    source = shared_data / file
    skim = hepcol.skim(source, tmp_path / "out", cut, columns, format=form)
    ours, theirs = hepcol.open_events(skim.files[0]), hepcol.open_events(source)
    rows = ak.to_numpy(ours.hepcol_entry)
    assert 0 < len(rows) < len(theirs)
    same_columns(ours, theirs, columns, rows)
    assert type(ours).__module__ == type(theirs).__module__
    (part,) = skim.run.summary["datasets"].values()
    assert part["events"] == len(theirs)


def test_objects_keep_what_vectors_have_and_where_links_lead(shared_data, tmp_path):
    source = shared_data / "nano_dy.root"
    skim = hepcol.skim(source, tmp_path / "out", "num(Muon.pt) > 1", ["Muon", "Jet", "GenPart"])
    ours, theirs = hepcol.open_events(skim.files[0]), hepcol.open_events(source)
    rows = ak.to_numpy(ours.hepcol_entry)
    pair = (ours.Muon[:, 0] + ours.Muon[:, 1]).mass
    assert plain(pair) == plain((theirs[rows].Muon[:, 0] + theirs[rows].Muon[:, 1]).mass)
    assert plain(ours.Muon.matched_gen.pt) == plain(theirs.Muon.matched_gen.pt[rows])
    tree = uproot.open(skim.files[0])["Events"]
    assert tree["nMuon"].array().to_list() == ak.num(theirs.Muon.pt)[rows].to_list()
    assert tree["Muon_pt"].count_branch.name == "nMuon"


def test_columns_that_are_made_are_of_their_collection(shared_data, tmp_path):
    source = shared_data / "nano_dy.root"
    define = {"Muon.pt_up": "Muon.pt * 1.01", "n": "num(Muon.pt)", "ht": "where(n > 1, sum(Muon.pt), 0.0)"}
    skim = hepcol.skim(source, tmp_path / "out", "n > 0", ["Muon.pt"], define=define)
    events = hepcol.open_events(skim.files[0])
    assert plain(events.Muon.pt_up) == plain(events.Muon.pt * 1.01)
    assert events.n.to_list() == ak.num(events.Muon.pt).to_list()
    assert uproot.open(skim.files[0])["Events"]["Muon_pt_up"].count_branch.name == "nMuon"


def test_objects_without_all_of_their_momenta_are_plain_records(shared_data, tmp_path):
    source = shared_data / "nano_dy.root"
    skim = hepcol.skim(source, tmp_path / "out", keep=["Muon.pt", "Jet.pt", "Jet.eta", "Jet.phi", "Jet.mass"])
    events = hepcol.open_events(skim.files[0])
    assert plain(events.Muon.pt) == plain(hepcol.open_events(source).Muon.pt)
    assert not hasattr(events.Muon, "px")
    skim = hepcol.skim(source, tmp_path / "other", keep=["Muon.pt", "Muon.eta", "Muon.phi", "Muon.mass", "Muon.charge"])
    assert plain(hepcol.open_events(skim.files[0]).Muon.px) == plain(hepcol.open_events(source).Muon.px)


def test_what_a_ttree_has_no_place_for_is_told_or_refused(shared_data, tmp_path):
    source = shared_data / "PHYSLITE_example.root"
    skim = hepcol.skim(source, tmp_path / "out", keep=["Electrons"])
    left_out = skim.run.summary["skim"]["left_out"]
    assert "AnalysisElectronsAuxDyn.caloClusterLinks" in left_out
    with pytest.raises(InputError, match=r"caloClusterLinks.* cannot be kept: a TTree of uproot has no var \* var \* "):
        hepcol.skim(source, tmp_path / "other", keep=["Electrons.pt", "Electrons.caloClusterLinks.m_persIndex"])
    skim = hepcol.skim(source, tmp_path / "rntuple", keep=["Electrons"], format="rntuple")
    assert not skim.run.summary["skim"]["left_out"]
    links = hepcol.open_events(skim.files[0]).Electrons.caloClusterLinks
    assert plain(links.m_persIndex) == plain(hepcol.open_events(source).Electrons.caloClusterLinks.m_persIndex)


def test_drops_what_is_not_named_in_full(shared_data, tmp_path):
    skim = hepcol.skim(shared_data / "nano_dy.root", tmp_path / "out", keep=["Muon", "Muon.phi"], drop=["*phi", "*Id*"])
    names = uproot.open(skim.files[0])["Events"].keys()
    assert "Muon_phi" in names
    assert "Muon_pt" in names
    assert "Muon_tightId" not in names


def test_sums_of_weights_that_files_tell_come_along(shared_data, tmp_path):
    source = shared_data / "nano_dy.root"
    runs = uproot.open(source)["Runs"]
    expected = float(np.sum(runs["genEventSumw_"].array(library="np")))
    skim = hepcol.skim(source, tmp_path / "out", "num(Muon.pt) > 1", ["Muon", "genWeight"], per="chunk", chunksize=10)
    assert len(skim.files) == 4
    run = hepcol.run(count, tmp_path / "out")
    (before,), (after,) = (one.summary["datasets"].values() for one in (skim.run, run))
    weights = hepcol.open_events(source).genWeight
    for part in (before, after):
        assert part["normalisation"]["sum_weights"] == expected
        assert part["normalisation"]["source"] == "Runs.genEventSumw_"
        assert part["normalisation"]["whole"]
    assert before["sum_weights"] == pytest.approx(float(ak.sum(weights)), rel=1e-7)


def count(events):
    from hepcol.result import DatasetResult, Result
    from hepcol.sums import ExactSum

    part = DatasetResult(len(events), ExactSum.of_ones(len(events), 1.0, len(events)))
    return Result({events.metadata["dataset"]: part})


@pytest.mark.filterwarnings("ignore:no dictionary for class:RuntimeWarning", "ignore:\\nThis distribution of ROOT")
def test_root_reads_what_is_written(shared_data, tmp_path):
    root = pytest.importorskip("ROOT", reason="ROOT of the extra rdf is not installed")
    source = shared_data / "ee_Z_ee_EDM4Hep.root"
    keep = ["ReconstructedParticles.energy", "ReconstructedParticles.charge", "Particle.PDG"]
    skim = hepcol.skim(source, tmp_path / "out", "sum(ReconstructedParticles.energy) > 92.4", keep)
    frame = root.RDataFrame("events", str(source)).Filter("ROOT::VecOps::Sum(ReconstructedParticles.energy) > 92.4")
    for name in keep:
        column = name.replace(".", "_")
        frame = frame.Define(column, name)
    frame.Snapshot("events", str(tmp_path / "snapshot.root"), [name.replace(".", "_") for name in keep])
    ours, theirs = uproot.open(skim.files[0])["events"], uproot.open(tmp_path / "snapshot.root")["events"]
    assert ours.num_entries == theirs.num_entries > 100
    for name in keep:
        one, other = ours[name].array(), theirs[name.replace(".", "_")].array()
        assert plain(one) == plain(other)
    # and ROOT reads ours
    read = root.RDataFrame("events", str(skim.files[0]))
    total = read.Define("total", "ROOT::VecOps::Sum(ReconstructedParticles.energy)").Sum("total").GetValue()
    assert total == pytest.approx(float(ak.sum(ak.values_astype(ours[keep[0]].array(), np.float64))), rel=1e-6)
