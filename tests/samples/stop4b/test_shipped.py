"""The shipped samples, read as users read them: without Pythia or ROOT."""

import json
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml

from processors.stop4b.selection import DEFAULT, read_selection
from samples.catalogue import (
    STOP4B_ALL_FLAT,
    STOP4B_ALL_OBJECTS,
    STOP4B_DATA_FLAT,
    STOP4B_DATA_OBJECTS,
    STOP4B_FLAT,
    STOP4B_OBJECTS,
)
from samples.error import SampleError
from samples.stop4b import VERSION, weights
from samples.stop4b.campaigns import TOTAL_LUMINOSITY, find_campaign, simulated_campaign
from samples.stop4b.files import read_objects
from samples.stop4b.flat import make_rows
from samples.stop4b.processes import (
    BACKGROUNDS,
    GENERATIONS,
    VV,
    W_TO_LEPTON,
    Z_TO_LEPTON,
    Z_TO_NEUTRINOS,
    find_process,
    make_signal,
)
from samples.stop4b.pseudo_data import draw, draw_data
from samples.stop4b.variations import TREES

MAX_BYTES = 9e6
FLAT = {sample.name.removeprefix("stop4b-"): sample.path for sample in STOP4B_FLAT}
OBJECTS = {sample.name.removeprefix("stop4b-").removesuffix("-objects"): sample.path for sample in STOP4B_OBJECTS}
SAMPLES = (*STOP4B_FLAT, *STOP4B_OBJECTS, *STOP4B_DATA_FLAT, *STOP4B_DATA_OBJECTS)
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
    assert sum(sample.path.stat().st_size for sample in SAMPLES) < MAX_BYTES
    assert all(sample.path.stat().st_size < 2e6 for sample in SAMPLES)


@pytest.mark.parametrize(
    ("everything", "samples"),
    [
        (STOP4B_ALL_FLAT, (*STOP4B_FLAT, *STOP4B_DATA_FLAT)),
        (STOP4B_ALL_OBJECTS, (*STOP4B_OBJECTS, *STOP4B_DATA_OBJECTS)),
    ],
)
def test_a_pattern_finds_all_of_a_form_and_nothing_else(everything, samples):
    assert everything.path.parts[-2:] == ("**", "*.root")
    assert set(everything.path.parents[1].rglob("*.root")) == {one.path for one in samples}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_they_say_that_they_are_generated(sample):
    said = note(sample.path)
    assert said["generated"] is True
    assert said["near_regions"] is True
    assert said["sample_version"] == VERSION


@pytest.mark.parametrize("path", [*OBJECTS.values(), *FLAT.values()], ids=lambda path: "-".join(path.parts[-3:]))
def test_they_say_what_is_a_surrogate(path):
    said = note(path)["remark"]
    point = tuple(int(mass) for mass in path.stem.split("_")[1:]) or None
    assert said == (make_signal(*point) if point else find_process(path.stem)).remark
    if path.stem in ("ttbar", "Wt", "VV", "Fakes"):
        assert "those of a W are fully polarised" in said
    if path.stem == "Zjets":
        assert "branching fraction of the Z at all masses" in said


@pytest.mark.parametrize("path", [OBJECTS["VV"], FLAT["VV"]], ids=["objects", "flat"])
def test_pairs_of_bosons_have_the_weights_of_the_mixture_in_the_literature(path):
    """Share in the literature over share in Pythia, times the decays to leptons and neutrinos."""
    said = note(path)
    w, z = GENERATIONS * W_TO_LEPTON, GENERATIONS * Z_TO_LEPTON + Z_TO_NEUTRINOS
    share = np.array([118.7, 51.1, 16.9]) / (118.7 + 51.1 + 16.9) / (0.782, 0.176, 0.0423)
    expected = 1000 * VV.cross_section * said["campaign_share"] / said["tried"] * share * (w * w, w * z, z * z)
    with uproot.open(path) as file:
        weight = file["events" if said["form"] == "objects" else "VV_WEIGHTS"]["weight"].array(library="np")
    ratio = weight[:, None] / expected
    assert np.all(np.any(np.abs(ratio - 1) < 0.01, axis=1))
    assert np.sum(np.abs(ratio - 1) < 0.01, axis=0)[:2] == pytest.approx([0.9, 0.1] * np.array(len(weight)), rel=0.5)


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


@pytest.mark.parametrize("process", FLAT)
def test_flat_rows_follow_from_the_objects_event_by_event(process):
    events = read_objects(OBJECTS[process])
    assert len(events) == note(OBJECTS[process])["kept"]
    with uproot.open(FLAT[process]) as file:
        in_flat = set(file[f"{process}_WEIGHTS"]["eventNumber"].array().to_list())
        events = events.take(np.arange(note(FLAT[process])["kept"]))
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


@pytest.mark.parametrize("period", ["data15", "data16"])
def test_pseudo_data_are_drawn_from_the_shipped_backgrounds(period):
    objects, flat = (
        next(one.path for one in some if one.path.stem == period) for some in (STOP4B_DATA_OBJECTS, STOP4B_DATA_FLAT)
    )
    campaign = find_campaign(period)
    backgrounds = (read_objects(OBJECTS[process.name]) for process in BACKGROUNDS)
    drawn = draw_data(backgrounds, campaign, simulated_campaign(campaign), note(objects)["seed"])
    stored = read_objects(objects)
    assert len(drawn) == len(stored) == note(flat)["kept"]
    for name, column in drawn.columns.items():
        np.testing.assert_array_equal(stored.columns[name], column)
    ((name, columns),) = make_rows(stored, "Data")
    with uproot.open(flat) as file:
        rows = file[name].arrays(library="np")
    assert set(rows) == set(columns)
    for branch, column in columns.items():
        np.testing.assert_allclose(rows[branch], column, rtol=1e-6, atol=1e-6)
    assert np.all(rows["weight"] == 1)


@pytest.mark.parametrize("sample", [*STOP4B_DATA_OBJECTS, *STOP4B_DATA_FLAT], ids=lambda sample: sample.name)
def test_pseudo_data_say_that_they_share_their_errors_with_the_prediction(sample):
    said = note(sample.path)["process"]
    assert "Drawn from the very events of the prediction" in said
    assert "cancel in a comparison" in said


def test_data_of_fakes_close_on_their_prediction_in_a_loose_region(tmp_path):
    """The prediction asks nothing of either lepton, the data that both are signal leptons."""
    table = yaml.safe_load(DEFAULT.read_text()) | {"regions": {"Loose": {"cuts": [{"column": "MET", "above": 200}]}}}
    (tmp_path / "loose.yaml").write_text(yaml.safe_dump(table))
    (region,) = read_selection(tmp_path / "loose.yaml").regions
    events, campaign = read_objects(OBJECTS["Fakes"]), find_campaign("data16")
    simulated = simulated_campaign(campaign)
    rows = next(make_rows(events, "Fakes"))[1]
    loose = np.all([cut.passed(rows[cut.column]) for cut in region.of("fakes").cuts], axis=0)
    weight = rows["weight"] * rows[weights.TAGGING] * rows[weights.PILE_UP] * rows[weights.FAKE]
    # enough of them to tell
    scale = 10_000 / (weight[loose].sum() * TOTAL_LUMINOSITY * campaign.luminosity / simulated.luminosity)
    many = replace(events, columns=events.columns | {"weight": events.columns["weight"] * scale})
    data = draw_data([many], campaign, simulated, seed=1)
    rows = next(make_rows(data, "Data"))[1]
    passed = np.all([cut.passed(rows[cut.column]) for cut in region.of("data").cuts], axis=0)
    assert np.sum(passed) == pytest.approx(10_000, abs=400)


@pytest.mark.parametrize(
    ("files", "period", "message"),
    [
        ([], "data15", "data are drawn from one file of each of Fakes, Others, VV, Wt, Zjets, ttZ, ttbar; got none"),
        (["Wt", "Wt"], "data15", "got Wt, Wt"),
        ([process.name for process in BACKGROUNDS], "data17", "data17 is drawn from mc16d, but Fakes is mc16a"),
        ([process.name for process in BACKGROUNDS], "data19", "no campaign 'data19'"),
    ],
)
def test_data_are_not_drawn_from_anything(tmp_path, files, period, message):
    with pytest.raises(SampleError, match=message):
        draw([OBJECTS[name] for name in files], tmp_path / "data.root", period)
    with pytest.raises(SampleError, match="its form is 'flat'; expected objects"):
        draw([FLAT["Wt"]], tmp_path / "data.root", "data15")
    assert list(tmp_path.iterdir()) == []


def test_data_out_of_a_part_of_a_sample_are_that_part_of_the_data():
    events, campaign = read_objects(OBJECTS["VV"]), find_campaign("data16")
    simulated = simulated_campaign(campaign)
    even = np.arange(len(events)) % 2 == 0
    whole, *parts = (
        draw_data([events.take(np.flatnonzero(some))], campaign, simulated, seed=1).columns["eventNumber"].tolist()
        for some in (even | True, even, ~even)
    )
    assert len(whole) > 10
    assert sorted(parts[0] + parts[1]) == whole


# Entries of SRA and SRB that the samples were made long enough for.
ENTRIES = {
    "signal_400_320": (15, 90),
    "signal_400_380": (150, 90),
    "signal_460_415": (60, 100),
    "ttbar": (0, 20),
    "Wt": (2, 20),
    "Zjets": (1, 10),
    "VV": (5, 50),
    "Fakes": (50, 15),
}


def passing(process):
    """Weights [fb] of the nominal rows of a sample of objects in each region."""
    rows = next(make_rows(read_objects(OBJECTS[process]), process))[1]
    weight = rows["weight"] * rows[weights.TAGGING] * rows[weights.PILE_UP] * rows.get(weights.FAKE, 1.0)
    kind = "fakes" if process == "Fakes" else "prompt"
    regions = [region.of(kind) for region in read_selection().regions]
    return [weight[np.all([cut.passed(rows[cut.column]) for cut in region.cuts], axis=0)] for region in regions]


@pytest.mark.parametrize("process", ENTRIES)
def test_there_are_events_in_the_regions(process):
    for weight, least in zip(passing(process), ENTRIES[process], strict=True):
        assert len(weight) >= least


@pytest.mark.parametrize(("region", "published", "factor"), [(0, 9.29e-6, 2.0), (1, 5.91e-5, 1.5)], ids=["SRA", "SRB"])
def test_acceptance_times_efficiency_of_a_signal_is_that_of_the_published_one(region, published, factor):
    """Relative to all decays: SPEC 5.2, from SModelS' maps of the search."""
    weight = passing("signal_400_320")[region]
    share = find_campaign("mc16a").luminosity / TOTAL_LUMINOSITY
    sigma = 1000 * make_signal(400, 320).cross_section * share
    ours, error = np.sum(weight) / sigma, np.sqrt(np.sum(weight**2)) / sigma
    assert published / factor < ours < published * factor, f"{ours:.2e} +- {error:.2e}, published {published:.2e}"


def test_backgrounds_are_of_the_size_of_the_published_ones():
    """arXiv:2102.01444: 12.8 +- 3.2 and 19.3 +- 2.7. Nothing was tuned, and SRA has a quarter of it."""
    passed = [passing(process.name) for process in BACKGROUNDS]
    small, large = (sum(map(np.sum, region)) * TOTAL_LUMINOSITY for region in zip(*passed, strict=True))
    share = find_campaign("mc16a").luminosity / TOTAL_LUMINOSITY
    assert small == pytest.approx(0.24 * 12.8 * share, rel=0.3)
    assert large == pytest.approx(19.3 * share, rel=0.4)
