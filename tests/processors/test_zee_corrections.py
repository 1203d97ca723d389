"""Corrections of zee: its weights against correctionlib by hand, and the same bits however it is run."""

import json
import sys
from pathlib import Path

import awkward as ak
import correctionlib
import hist
import numpy as np
import pytest
from coffea.nanoevents import FCCSchema
from coffea.processor import IterativeExecutor, Runner

import hepcol
from hepcol.errors import InputError
from hepcol.execution.identity import differences, identify
from hepcol.execution.repetition import rerun
from hepcol.options import build_processor
from processors.zee import ZeeProcessor
from processors.zee.electrons import Electrons, energy_of, select_pairs
from processors.zee.observables import delta_r

# for the helper, which importlib's mode does not put on the path
sys.path.insert(0, str(Path(__file__).parents[1] / "hepcol"))

import correction_files

TABLE = """
file: sf.json
corrections:
  - name: clamped
    inputs:
      abs_eta: {column: Pair.eta, function: abs}
      pt: Pair.energy
    systematic: systematic
    variations:
      EL_ID: {up: up, down: down}
  - name: trigger
    inputs: {pt: {column: ReconstructedParticles.px, function: abs}}
    variations:
      TRIG: {up: trigger_up, down: trigger_down}
"""
NAMES = ["nominal", "EL_ID__1up", "EL_ID__1down", "TRIG__1up", "TRIG__1down"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corrections")
    correction_files.written(folder)
    (folder / "corrections.yaml").write_text(TABLE)
    return folder / "corrections.yaml"


def run(table, file, **how):
    return hepcol.run(ZeeProcessor(variations=3, corrections=str(table)), file, **how).result[file.stem]


@pytest.fixture(scope="module")
def found(table, shipped_file):
    return run(table, shipped_file)


@pytest.fixture(scope="module")
def by_hand(shipped_file):
    """Pairs of the file, and the weights of their events, object by object."""
    events = hepcol.open_events(shipped_file)
    pairs = select_pairs(events, Electrons.RECONSTRUCTED)
    corrections = correctionlib.CorrectionSet.from_string(json.dumps(correction_files.CONTENT))
    energy = energy_of(pairs.px, pairs.py, pairs.pz, pairs.mass)
    abs_eta = np.abs(np.arcsinh(pairs.pz / np.hypot(pairs.px, pairs.py)))
    px = [[abs(one) for one in event] for event in events.ReconstructedParticles.px[pairs.event].to_list()]

    def weights(shift, trigger):
        return np.array(
            [
                np.prod([corrections["clamped"].evaluate(shift, *one) for one in zip(*electrons, strict=True)])
                * np.prod([corrections[trigger].evaluate(one) for one in particles])
                for electrons, particles in zip(zip(abs_eta, energy, strict=True), px, strict=True)
            ]
        )

    shifts = [("nominal", "trigger"), ("up", "trigger"), ("down", "trigger")]
    shifts += [("nominal", "trigger_up"), ("nominal", "trigger_down")]
    return pairs, [weights(*one) for one in shifts]


def test_events_are_weighted_as_correctionlib_says(found, by_hand):
    pairs, weights = by_hand
    histogram = found.histograms["delta_r_systematics"]
    assert list(histogram.axes[0]) == NAMES
    for number, weight in enumerate(weights):
        expected = hist.Hist(histogram.axes[1], storage=hist.storage.Weight()).fill(delta_r(pairs), weight=weight)
        got = histogram.to_hist()
        np.testing.assert_allclose(got.values(flow=True)[number], expected.values(flow=True), rtol=1e-12)
        np.testing.assert_allclose(got.variances(flow=True)[number], expected.variances(flow=True), rtol=1e-12)
        for name in ("e1_systematics", "e2_systematics", "m_ee_systematics"):
            total = found.histograms[name].weights.value[number].sum()
            assert total == pytest.approx(weight.sum(), rel=1e-12)


def test_the_weights_of_events_are_multiplied(table, by_hand, shipped_file):
    pairs, weights = by_hand
    events = hepcol.open_events(shipped_file)
    own = 1 + np.arange(len(events)) % 7 / 4
    events["EventHeader"] = ak.zip({"weight": ak.unflatten(own, 1)})
    processor = ZeeProcessor(variations=2, corrections=str(table), max_weight=1e7)
    result = processor.process(events)[events.metadata["dataset"]]
    assert result.sum_weights.value == own.sum()
    varied, smeared = (result.histograms[name].weights.value.sum(axis=1) for name in ("e1_systematics", "e1"))
    np.testing.assert_allclose(varied, [(own[pairs.event] * one).sum() for one in weights], rtol=1e-12)
    np.testing.assert_allclose(smeared, (own[pairs.event] * weights[0]).sum(), rtol=1e-12)


def test_the_smearings_have_the_nominal_weights_and_the_first_is_that_of_the_variations(found, shipped_file):
    plain = hepcol.run(ZeeProcessor(variations=3), shipped_file).result[shipped_file.stem]
    assert list(found.histograms) == [*plain.histograms, *(f"{name}_systematics" for name in plain.histograms)]
    for name, before in plain.histograms.items():
        smeared, varied = found.histograms[name], found.histograms[f"{name}_systematics"]
        assert before.weights is None
        assert smeared.axes == before.axes
        assert smeared.counts.tobytes() == before.counts.tobytes()
        assert (varied.counts == smeared.counts[0]).all()
        for sums in ("weights", "squares"):
            first, nominal = (getattr(one, sums).value[0] for one in (smeared, varied))
            assert first.tobytes() == nominal.tobytes()
    assert found.sum_weights.value == plain.sum_weights.value == plain.events


def bits(result):
    parts = [result.sum_weights.value.tobytes(), repr((result.cutflow, result.tallies)).encode()]
    for name, histogram in result.histograms.items():
        parts += [repr((name, histogram.axes)).encode(), histogram.counts.tobytes()]
        parts += [histogram.weights.value.tobytes(), histogram.squares.value.tobytes()]
    return b"".join(parts)


def test_a_chunk_without_events_adds_nothing(table, found, shipped_file):
    processor = ZeeProcessor(variations=3, corrections=str(table))
    empty = processor.process(hepcol.open_events(shipped_file)[:0])[shipped_file.stem]
    assert bits(empty + found) == bits(found)


@pytest.mark.parametrize("how", [{"chunksize": 211}, {"chunksize": 1500, "threads": 2}], ids=["chunks", "threads"])
def test_bits_do_not_depend_on_chunks_or_threads(how, table, found, shipped_file, monkeypatch):
    monkeypatch.setattr("hepcol.threads._MIN_ITEMS", 100)
    assert bits(run(table, shipped_file, **how)) == bits(found)


def test_bits_are_the_same_on_dask_whose_workers_do_not_have_the_files(
    found, shipped_file, scheduler, tmp_path, monkeypatch
):
    correction_files.written(tmp_path)
    (tmp_path / "corrections.yaml").write_text(TABLE)
    processor = ZeeProcessor(variations=3, corrections=str(tmp_path / "corrections.yaml"))
    for file in ("corrections.yaml", "sf.json"):
        (tmp_path / file).unlink()
    result = hepcol.run(processor, shipped_file, executor="dask", scheduler=scheduler, chunksize=900).result
    assert bits(result[shipped_file.stem]) == bits(found)


def test_bits_are_the_same_in_coffeas_own_runner(table, found, shipped_file):
    runner = Runner(IterativeExecutor(status=False), schema=FCCSchema, chunksize=1300)
    processor = ZeeProcessor(variations=3, corrections=str(table))
    result = runner({shipped_file.stem: [str(shipped_file)]}, processor, treename="events")
    assert bits(result[shipped_file.stem]) == bits(found)


def test_a_run_is_repeated_from_its_provenance_which_depends_on_the_table(table, shipped_file, tmp_path):
    (tmp_path / "corrections.yaml").write_text(table.read_text())
    sf = correction_files.written(tmp_path)
    processor = build_processor("zee", ["variations=3", f"corrections={tmp_path / 'corrections.yaml'}"])
    how = {"chunksize": 2000, "output": tmp_path / "out"}
    hepcol.run(processor, shipped_file, **how)
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert provenance["options"]["corrections"] == str(tmp_path / "corrections.yaml")
    again = rerun(tmp_path / "out" / "provenance.json", output=tmp_path / "again")
    assert list(again.result[shipped_file.stem].histograms["m_ee_systematics"].axes[0]) == NAMES
    sf.write_text(json.dumps(correction_files.CONTENT).replace("0.85", "0.86"))
    changed = build_processor("zee", ["variations=3", f"corrections={tmp_path / 'corrections.yaml'}"])
    now = identify(changed, {})
    now["fileset"] = provenance["identity"]["fileset"]
    [difference] = differences(provenance["identity"], now)
    assert difference.startswith(f"content of files: {sf} was")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("Pair.energy", "Pair.e", "input 'pt': no column Pair.e; there are: Pair.px, .*Pair.eta$"),
        ("name: trigger", "name: triggers", "no correction 'triggers'"),
        ("pt: Pair.energy", "", "correction 'clamped' needs the input 'pt'"),
    ],
)
def test_a_wrong_table_is_refused_as_an_option(before, after, message, table, tmp_path):
    correction_files.written(tmp_path)
    (tmp_path / "wrong.yaml").write_text(TABLE.replace(before, after, 1))
    with pytest.raises(InputError, match=message) as error:
        build_processor("zee", [f"corrections={tmp_path / 'wrong.yaml'}"])
    assert "\n" not in str(error.value)


def test_a_file_without_a_column_of_a_correction_is_refused(table, shipped_file, tmp_path):
    correction_files.written(tmp_path)
    (tmp_path / "other.yaml").write_text(TABLE.replace("ReconstructedParticles.px", "Muons.pt"))
    with pytest.raises(InputError, match=r"has no column Muons.pt"):
        run(tmp_path / "other.yaml", shipped_file)


def test_a_corrected_weight_over_the_bound_is_named(table, shipped_file):
    processor = ZeeProcessor(variations=1, corrections=str(table), max_weight=0.5)
    with pytest.raises(hepcol.IncompleteRun, match=r"the declared bound \(option max_weight"):
        hepcol.run(processor, shipped_file)
