"""The analysis against plain loops, its bits for any chunks and executor, and what it says of bad input."""

import json

import awkward as ak
import hist
import numpy as np
import oracle
import pytest
from coffea import processor as coffea_processor

import hepcol
from calib.egamma import EgammaCalibration
from hepcol.errors import InputError
from hepcol.execution.account import IncompleteRun
from hepcol.histograms import inclusive
from hepcol.options import build_processor
from processors.zee_atlas import ZeeAtlasProcessor
from processors.zee_atlas.electrons import find_electrons
from processors.zee_atlas.observables import OBSERVABLES

pytestmark = pytest.mark.usefixtures("synthetic_area_once")

EVENTS = 1500
VARIATIONS = (
    "nominal",
    "EG_SCALE_ZEESYST__1up",
    "EG_SCALE_S12__ETABIN1__1down",
    "EG_SCALE_MATCRYO__ETABIN8__1up",
    "EG_SCALE_EXTRARUN3PRE__1down",
    "EG_RESOLUTION_MATERIALID__1up",
)


def fileset(name, path, form, stop=EVENTS):
    steps = [[0, stop]] if stop else None
    return {name: {"files": {str(path): {"object_path": "CollectionTree", "steps": steps}}, "metadata": {"form": form}}}


def run(processor, path, form="simulation", stop=EVENTS, **how):
    return hepcol.run(processor, fileset("zee", path, form, stop), **how).result["zee"]


@pytest.fixture(scope="module")
def events(simulation):
    return hepcol.open_events(simulation, stop=EVENTS)


@pytest.fixture(scope="module")
def found(full, simulation):
    return run(full, simulation)


@pytest.fixture(scope="module")
def plain(events):
    return oracle.candidates(events)


@pytest.fixture(scope="module")
def tool():
    return EgammaCalibration("es2022_R22_PRE", "FULL_v1", simulation="full", area="synthetic")


def calibrated(tool, events, good, variation):
    """Momenta as the calibration gives them; random numbers go by the index among the electrons that are stored."""
    electrons = ak.with_field(events.Electrons, ak.local_index(events.Electrons.pt), "index")
    return tool.calibrate(electrons, events, None if variation == "nominal" else variation)


@pytest.mark.parametrize("variation", VARIATIONS)
def test_a_variation_is_what_loops_over_events_find(variation, found, events, plain, tool):
    good, _, passes = plain
    pairs = oracle.masses(events, calibrated(tool, events, good, variation), good, passes)
    selected = oracle.chosen(pairs)
    for column, axis in enumerate(OBSERVABLES):
        expected = hist.Hist(axis, storage=hist.storage.Int64()).fill(pairs[selected, column]).values(flow=True)
        histogram = found.histograms[axis.name]
        number = list(histogram.axes[0]).index(variation)
        np.testing.assert_array_equal(histogram.counts[number].sum(axis=0), expected)


def test_regions_are_by_the_number_of_electrons_in_the_endcaps(found, events, plain, tool):
    good, clusters, passes = plain
    pt = calibrated(tool, events, good, "nominal")
    selected = oracle.chosen(oracle.masses(events, pt, good, passes))
    hard = good & (pt > 27_000)
    in_endcap = ak.sum(abs(clusters.ETA2CALOFRAME)[hard] > 1.5, axis=1)
    expected = np.bincount(ak.to_numpy(in_endcap)[selected], minlength=3)
    np.testing.assert_array_equal(found.histograms["m_ee"].counts[0].sum(axis=1), expected)


def test_weights_are_those_of_the_generator_pile_up_and_scale_factors(found, events, plain, tool):
    import correctionlib

    good, clusters, passes = plain
    pt = calibrated(tool, events, good, "nominal")
    selected = oracle.chosen(oracle.masses(events, pt, good, passes))
    file = "processors/zee_atlas/electron_scale_factors.json"
    corrections = correctionlib.CorrectionSet.from_file(str(_checkout() / file))
    weight = ak.to_numpy(events.EventInfo.mcEventWeights[:, 0] * events.EventInfo.PileupWeight_NOSYS).astype(float)
    hard = good & (pt > 27_000)
    for variation, shifted in (("nominal", ""), ("EL_EFF_ID_TOTAL_1NPCOR_PLUS_UNCOR__1up", "electron_identification")):
        total = 0.0
        for event in np.flatnonzero(selected):
            product = weight[event]
            for eta, one in zip(
                abs(clusters.ETA2CALOFRAME)[event][hard[event]], pt[event][hard[event]] / 1000, strict=True
            ):
                for name in ("electron_reconstruction", "electron_identification", "electron_isolation"):
                    shift = "up" if name == shifted else "nominal"
                    product *= corrections[name].evaluate(shift, float(eta), float(one))
            total += product
        histogram = found.histograms["m_ee"]
        number = list(histogram.axes[0]).index(variation)
        assert histogram.weights.value[number].sum() == pytest.approx(total, rel=1e-12)


def _checkout():
    from pathlib import Path

    return Path(__file__).parents[3]


def test_the_real_file_has_the_pairs_that_loops_find(shared_data):
    path = shared_data / "PHYSLITE_example.root"
    processor = ZeeAtlasProcessor("es2022_R22_PRE", "FULL_v1", area="synthetic")
    found = hepcol.run(processor, path).result["PHYSLITE_example"]
    events = hepcol.open_events(path)
    good, _, passes = oracle.candidates(events)
    tool = EgammaCalibration("es2022_R22_PRE", "FULL_v1", simulation="full", area="synthetic")
    pairs = oracle.masses(events, calibrated(tool, events, good, "nominal"), good, passes)
    assert list(found.cutflow.values())[:4] == [100, 100, 27, 26]
    assert found.selected == oracle.chosen(pairs).sum() == 15
    assert len(found.histograms["m_ee"].axes[0]) == 165


def same_bits(first, second):
    assert first.cutflow == second.cutflow
    assert first.tallies == second.tallies
    assert first.sum_weights.limbs.tobytes() == second.sum_weights.limbs.tobytes()
    for name, histogram in first.histograms.items():
        other = second.histograms[name]
        assert histogram.axes == other.axes
        assert histogram.counts.tobytes() == other.counts.tobytes()
        if histogram.weights is not None:
            # limbs may be cut elsewhere between parts; their sums may not differ
            assert histogram.weights.value.tobytes() == other.weights.value.tobytes()
            assert histogram.squares.value.tobytes() == other.squares.value.tobytes()


@pytest.mark.parametrize("how", [{"chunksize": 211}, {"chunksize": EVENTS, "threads": 2}], ids=["chunks", "threads"])
def test_bits_do_not_depend_on_chunks_or_threads(how, full, found, simulation):
    same_bits(run(full, simulation, **how), found)


def test_bits_are_the_same_on_dask_and_in_coffeas_own_runner(full, found, simulation, scheduler):
    same_bits(run(full, simulation, executor="dask", scheduler=scheduler, chunksize=400), found)


def test_data_have_one_variation_and_no_weights(full, data):
    found = run(full, data, "data")
    assert list(found.histograms["m_ee"].axes[0]) == ["nominal"]
    assert found.histograms["m_ee"].weights is None
    assert float(found.sum_weights.value) == EVENTS


def test_one_systematic_is_the_same_as_among_all(found, full, simulation):
    name = "EG_SCALE_ZEESYST__1up"
    alone = run(ZeeAtlasProcessor(systematics=name, scale_factors="zee-atlas", area="synthetic"), simulation)
    histogram, all_of_them = alone.histograms["m_ee"], found.histograms["m_ee"]
    assert list(histogram.axes[0]) == ["nominal", name]
    number = list(all_of_them.axes[0]).index(name)
    np.testing.assert_array_equal(histogram.counts, all_of_them.counts[[0, number]])


def test_files_are_told_apart_by_what_they_are(simulation, data):
    processor = ZeeAtlasProcessor(systematics="none", area="synthetic")
    result = hepcol.run(processor, [simulation, data], dataset="zee", chunksize=20_000).result
    assert list(result) == ["zee-simulation", "zee-data"]
    assert [part.events for part in result.values()] == [20_000, 20_000]


def test_what_is_not_there_is_told(without, simulation):
    file = without(
        simulation,
        "AnalysisTrigMatch*",
        "EventInfoAuxDyn.DFCommonJets*",
        "EventInfoAuxDyn.PileupWeight_NOSYS",
    )
    found = run(ZeeAtlasProcessor(systematics="none", area="synthetic"), file, stop=500)
    told = {name: count for name, count in found.tallies.items() if name.startswith("events without") and count}
    assert told == {
        "events without cleaning": 500,
        "events without triggers": 500,
        "events without PileupWeight_NOSYS": 500,
    }
    assert found.cutflow["event cleaning"] == 500
    assert found.cutflow["one fires a trigger"] == found.cutflow["two isolated medium electrons"]


def test_simulation_needs_the_run_that_it_belongs_to(without, simulation):
    file = without(simulation, "EventInfoAuxDyn.RandomRunNumber")
    with pytest.raises(InputError, match=r"has no column EventInfo.RandomRunNumber"):
        run(ZeeAtlasProcessor(systematics="none", area="synthetic"), file, stop=500)
    told = run(ZeeAtlasProcessor(systematics="none", area="synthetic", random_run_number=330_000), file, stop=500)
    assert told.selected > 200


def test_refuses_events_that_are_there_twice(simulation):
    twice = fileset("zee", simulation, "simulation", 100)
    copy = hepcol.open_events(simulation, stop=100)
    doubled = ak.concatenate([copy.EventInfo.eventNumber, copy.EventInfo.eventNumber])
    assert len(np.unique(ak.to_numpy(doubled))) == 100
    from processors.zee_atlas.electrons import check_unique

    class Events:
        EventInfo = ak.zip({"eventNumber": doubled, "runNumber": ak.ones_like(doubled)})

    with pytest.raises(InputError, match="100 of 200 events have run and event number of another"):
        check_unique(Events)
    assert hepcol.run(ZeeAtlasProcessor(systematics="none", area="synthetic"), twice).result["zee"].events == 100


def test_scale_factors_of_the_sample_are_refused_for_other_events(shared_data):
    processor = ZeeAtlasProcessor(systematics="none", scale_factors="zee-atlas", area="synthetic")
    with pytest.raises(InputError, match=r"made up for the generated sample .* there are events of 700322"):
        hepcol.run(processor, shared_data / "PHYSLITE_example.root")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"systematics": "EG_SCALE_NOTHING__1up"}, "systematic 'EG_SCALE_NOTHING__1up' is unknown"),
        ({"model": "es1999"}, "es1999"),
        ({"area": "/nowhere"}, "/nowhere: no calibration area"),
        ({"scale_factors": "/nowhere.json"}, "scale_factors /nowhere.json: cannot be read"),
        ({"scale_factors": __file__}, "not a file of correctionlib"),
        ({"calibrated": "false", "systematics": "EG_SCALE_ZEESYST__1up"}, "momenta that are stored .* have none"),
        ({"decorrelation": "1NP_v1,NONE"}, "NONE"),
    ],
)
def test_refuses_options_in_one_line(options, message):
    with pytest.raises(InputError, match=message) as error:
        build_processor("zee_atlas", [f"{name}={value}" for name, value in ({"area": "synthetic"} | options).items()])
    assert "\n" not in str(error.value)


def test_schemes_may_differ_for_scale_and_resolution():
    processor = build_processor("zee_atlas", ["area=synthetic", "decorrelation=1NP_v1,FULL_v1"])
    names = processor.tool.systematics
    assert "EG_SCALE_ALL__1up" in names
    assert "EG_RESOLUTION_ZSMEARING__1up" in names


def test_scale_factors_without_a_variation_are_refused_at_once(tmp_path):
    content = json.loads((_checkout() / "processors/zee_atlas/electron_scale_factors.json").read_text())
    for correction in content["corrections"]:
        correction["data"]["content"] = [one for one in correction["data"]["content"] if one["key"] != "up"]
    (tmp_path / "sf.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="up"):
        build_processor("zee_atlas", ["area=synthetic", f"scale_factors={tmp_path / 'sf.json'}"])


class _Collection:
    """Some of an event's collections with other columns."""

    def __init__(self, events, **changed):
        self.events, self.changed = events, changed

    def __getattr__(self, name):
        return self.changed[name] if name in self.changed else getattr(self.events, name)

    __getitem__ = __getattr__

    @property
    def fields(self):
        return self.events.fields

    def __len__(self):
        return len(self.events)


def test_electrons_that_are_not_numbers_are_counted(simulation):
    events = hepcol.open_events(simulation, stop=200)
    pt = ak.where(ak.local_index(events.Electrons.pt) == 1, np.float32(np.nan), events.Electrons.pt)
    changed = _Collection(events, Electrons=ak.with_field(events.Electrons, pt, "pt"))
    found, before = find_electrons(changed), find_electrons(events)
    assert found.tallies["electrons that are not numbers"] == int(ak.sum(ak.num(events.Electrons) > 1)) > 100
    assert before.tallies["electrons that are not numbers"] == 0
    assert len(found.candidates) == 0
    assert len(before.candidates) > 200


def test_refuses_a_dataset_that_is_not_what_it_is_said_to_be(simulation):
    with pytest.raises(IncompleteRun, match="750 of 750 events are simulation, in a dataset of data"):
        run(ZeeAtlasProcessor(systematics="none", area="synthetic"), simulation, "data")


def test_refuses_files_of_other_formats(shipped_file):
    with pytest.raises(InputError, match=r"is EDM4hep before version 1; zee_atlas takes PHYSLITE"):
        hepcol.run(ZeeAtlasProcessor(area="synthetic"), shipped_file)


def test_a_run_with_the_synthetic_area_says_so(simulation, monkeypatch):
    monkeypatch.delenv("HEPCOL_CALIB_AREA", raising=False)
    done = hepcol.run(ZeeAtlasProcessor(systematics="none"), fileset("zee", simulation, "simulation", 50))
    assert "not physics" in done.summary["mark"]
    assert any("not physics" in warning for warning in done.summary["warnings"])


def test_runs_in_coffeas_own_runner(simulation, found, full):
    from coffea.nanoevents import PHYSLITESchema

    runner = coffea_processor.Runner(
        coffea_processor.IterativeExecutor(status=False), schema=PHYSLITESchema, chunksize=EVENTS, maxchunks=1
    )
    given = {"zee": {"files": [str(simulation)], "metadata": {"form": "simulation"}}}
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = runner(given, treename="CollectionTree", processor_instance=full)["zee"]
    assert 1000 < result.events < 2000  # coffea cuts files into chunks of about equal size
    assert inclusive(result.histograms["m_ee"].to_hist())["nominal", :].values().sum() > 0
