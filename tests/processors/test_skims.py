"""What is run over a skim of an analysis is what is run over all, bit for bit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import uproot

import hepcol
import samples
from hepcol.result import Result
from processors.jet_graphs import JetGraphsProcessor
from processors.stop4b import Stop4bProcessor
from processors.zee_atlas import ZeeAtlasProcessor

pytestmark = pytest.mark.timeout(200)


def bits(result, names=None):
    found = {}
    for dataset, part in result.items():
        for name, histogram in part.histograms.items():
            if names is None or name.startswith(names):
                sums = [one.limbs.tobytes() for one in (histogram.weights, histogram.squares) if one is not None]
                found[dataset, name] = (histogram.counts.tobytes(), *sums)
    return found


YIELDS = ("yields", "entries", "all_but")


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """A few files of the shipped sample, with all of their trees."""
    shipped = Path(samples.__file__).parent / "data" / "stop4b" / "flat"
    folder = tmp_path_factory.mktemp("flat")
    for name in ("mc16a/VV.root", "data15.root"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(shipped / name, folder / name)
    return folder


def sources(folder):
    return [folder / "mc16a" / "VV.root", folder / "data15.root"]


def test_yields_of_stop4b_from_flat_trees(flat, tmp_path):
    processor = Stop4bProcessor(missing="nominal")
    whole = hepcol.run(processor, sources(flat), allow_incomplete=True)
    skim = hepcol.skim(sources(flat), tmp_path / "skim", select=processor, chunksize=40)
    run = hepcol.run(processor, tmp_path / "skim")
    assert bits(run.result, YIELDS) == bits(whole.result, YIELDS)
    before, after = (sum(part["events"] for part in one.summary["datasets"].values()) for one in (whole, run))
    assert 0 < after < before / 2
    for name, part in run.summary["datasets"].items():
        assert part["normalisation"]["sum_weights"] == whole.summary["datasets"][name]["sum_weights"]
        assert part["normalisation"]["events"] == whole.summary["datasets"][name]["events"]
    assert len(skim.files) == 2
    trees = {name for name, kind in uproot.open(skim.files[0]).classnames(cycle=False).items() if kind == "TTree"}
    assert trees == {n for n, kind in uproot.open(sources(flat)[0]).classnames(cycle=False).items() if kind == "TTree"}


class Cut(Stop4bProcessor):
    """The search of the events that pass a further cut."""

    def process(self, events):
        (part,) = (result := super().process(events[np.asarray(events.MET > 400)])).values()
        return Result(dict.fromkeys(result, part))


def test_a_cut_of_stop4b_is_the_run_with_the_cut(flat, tmp_path, monkeypatch):
    monkeypatch.setattr("hepcol.execution.conclusion.check_counts", lambda *_: None)  # fewer events, on purpose
    whole = hepcol.run(Cut(systematics=False), sources(flat))
    processor = Stop4bProcessor(systematics=False)
    hepcol.skim(sources(flat), tmp_path / "skim", "MET > 400", select=processor, chunksize=50)
    run = hepcol.run(processor, tmp_path / "skim")
    assert bits(run.result, YIELDS) == bits(whole.result, YIELDS)
    everything = hepcol.run(processor, sources(flat))
    assert bits(run.result, YIELDS) != bits(everything.result, YIELDS)


def test_histograms_of_zee_atlas(tmp_path):
    processor = ZeeAtlasProcessor()
    whole = hepcol.run(processor, "zee-atlas")
    hepcol.skim("zee-atlas", tmp_path / "skim", select=processor, format="rntuple", per="chunk", chunksize=7000)
    run = hepcol.run(processor, tmp_path / "skim", chunksize=3000)
    kept = tuple(name for name in next(iter(whole.result.values())).histograms if name != "cutflow")
    assert bits(run.result, kept) == bits(whole.result, kept)
    (before,), (after,) = (one.summary["datasets"].values() for one in (whole, run))
    assert after["normalisation"]["sum_weights"] == before["sum_weights"]
    assert after["normalisation"]["whole"]


def test_samples_and_histograms_of_jet_graphs(tmp_path):
    processor = JetGraphsProcessor(sample=50)
    whole = hepcol.run(processor, "jets-wprime")
    hepcol.skim("jets-wprime", tmp_path / "skim", select=processor, per="1MB", chunksize=300)
    run = hepcol.run(processor, tmp_path / "skim", chunksize=170)
    assert bits(run.result) == bits(whole.result)
    (one,), (other,) = (
        list(part.samples.values()) for result in (run.result, whole.result) for part in result.values()
    )
    assert one.keys.tobytes() == other.keys.tobytes()
    assert one.rows.to_list() == other.rows.to_list()


def test_calibrated_electrons_come_along(tmp_path):
    from calib.egamma import EgammaCalibration

    add = "egamma model=es2022_R22_PRE simulation=full area=synthetic systematics=EG_SCALE_ALL__1up"
    skim = hepcol.skim("zee-atlas", tmp_path / "skim", "num(Electrons.pt) == 3", "Electrons.pt", add=add)
    events, stored = hepcol.open_events(skim.files[0]), hepcol.open_events("zee-atlas")
    tool = EgammaCalibration("es2022_R22_PRE", "1NP_v1", simulation="full", area="synthetic")
    expected = tool.calibrate_all(stored.Electrons, stored, ("EG_SCALE_ALL__1up",))
    rows = np.asarray(events.hepcol_entry)
    assert 0 < len(rows) < len(stored)
    for name, variation in (("pt_calibrated", "nominal"), ("pt_EG_SCALE_ALL__1up", "EG_SCALE_ALL__1up")):
        assert events.Electrons[name].to_list() == expected[variation][rows].to_list()
    assert any("not physics" in warning for warning in skim.run.summary["warnings"])
    index = json.loads((tmp_path / "skim" / "skim.json").read_text())
    assert "not physics" in next(iter(index["datasets"].values()))["metadata"]["warning"]
