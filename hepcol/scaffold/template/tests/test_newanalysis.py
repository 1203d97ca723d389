"""What the analysis has to do, whatever becomes of it."""

import json
import math

import awkward as ak
import hepcol
import numpy as np
import pytest
from coffea.nanoevents import FCCSchema
from coffea.processor import IterativeExecutor, Runner
from hepcol.cli import main
from hepcol.fileset import expand
from hepcol.selection import apply
from hepcol.sums import LIMBS

from newanalysis import NewAnalysisProcessor
from newanalysis.electrons import select_electrons
from newanalysis.observables import observe
from newanalysis.regions import REGIONS

SAMPLE = "zee-fcc"  # 4000 generated events that hepcol ships
REFERENCE = "newanalysis.processor:NewAnalysisProcessor"  # on the command line


@pytest.fixture(scope="module")
def run():
    return hepcol.run(NewAnalysisProcessor(), SAMPLE, chunksize=4000)


def bits(result):
    """All that is summed up, to the last bit."""
    part = result[SAMPLE]
    sums = {name: (one.counts.tobytes(), one.weights.limbs.tobytes()) for name, one in part.histograms.items()}
    return part.events, part.cutflow, sums


def test_the_result_does_not_depend_on_chunks(run):
    assert len(run.chunks) == 1
    cut = hepcol.run(NewAnalysisProcessor(), SAMPLE, chunksize=700)
    assert len(cut.chunks) > 1
    assert bits(cut.result) == bits(run.result)


def test_plain_coffea_gives_the_same(run):
    runner = Runner(executor=IterativeExecutor(status=False), schema=FCCSchema, chunksize=1500)
    result = runner({SAMPLE: expand(SAMPLE)}, NewAnalysisProcessor(), treename="events")
    assert bits(result) == bits(run.result)


def test_every_pair_is_in_one_region(run):
    observed = observe(select_electrons(hepcol.open_events(SAMPLE)))
    rows = np.concatenate([passed.rows for passed in apply(REGIONS, observed)])
    assert len(set(rows.tolist())) == len(rows) == run.result[SAMPLE].cutflow["of opposite charge"]


def test_the_mass_of_a_pair_is_that_of_the_formula():
    first, second = (30.0, 10.0, 20.0), (-25.0, 5.0, -30.0)
    energies = [math.hypot(*momentum) for momentum in (first, second)]
    made = [
        {"px": px, "py": py, "pz": pz, "energy": energy, "charge": charge}
        for (px, py, pz), energy, charge in zip((first, second), energies, (1.0, -1.0), strict=True)
    ]
    observed = observe(ak.Array([made, made[:1]]), scale=1.1)
    opening = sum(a * b for a, b in zip(first, second, strict=True)) / math.prod(energies)
    assert observed["m_ee"][0] == pytest.approx(1.1 * math.sqrt(2 * math.prod(energies) * (1 - opening)))
    assert math.isnan(observed["m_ee"][1])
    assert observed["n_electrons"].tolist() == [2, 1]


def test_a_larger_scale_makes_larger_masses(run):
    m_ee = run.result[SAMPLE].histograms["m_ee"].to_hist()[:, sum, :]
    down, nominal, up = (
        np.average(m_ee.axes["m_ee"].centers, weights=m_ee[name, :].values())
        for name in ("ELECTRON_SCALE__1down", "nominal", "ELECTRON_SCALE__1up")
    )
    assert down < nominal < up


def test_an_error_of_the_scale_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="scale_error must be from 0 to 1, got -1"):
        NewAnalysisProcessor(scale_error=-1)


def test_weights_are_summed_exactly(run):
    weights = run.result[SAMPLE].histograms["m_ee"].weights
    assert weights.limbs.shape[-1] == LIMBS
    assert weights.value.sum() == run.result[SAMPLE].histograms["m_ee"].counts.sum()


def test_the_command_line_runs_it(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        main(["run", REFERENCE, SAMPLE, "-p", "scale_error=0.01", "-o", str(out), "--no-plots"])
    assert ended.value.code == 0
    assert json.loads((out / "summary.json").read_text())["events"]["processed"] == 4000
