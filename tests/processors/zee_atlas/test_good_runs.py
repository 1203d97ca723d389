"""The option good_runs: data of good luminosity blocks, and together with simulation."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import uproot

import hepcol
from hepcol.execution.identity import identify
from hepcol.report.stack_folder import stack_folders
from processors.zee_atlas import ZeeAtlasProcessor

TABLE = Path(__file__).parents[3] / "examples" / "zee_samples.yaml"
LIST = {"325790": [[1, 300]], "327342": [[1, 100], [90, 250]]}
PLAIN = {"calibrated": False, "systematics": "none", "area": "synthetic"}


@pytest.fixture
def good_runs(tmp_path):
    path = tmp_path / "good.json"
    path.write_text(json.dumps(LIST))
    return path


def test_data_of_good_blocks_are_taken(good_runs, data):
    run = hepcol.run(ZeeAtlasProcessor(good_runs=good_runs, **PLAIN), data, chunksize=7000).result
    plain = hepcol.run(ZeeAtlasProcessor(**PLAIN), data).result
    (one,), (other,) = run.values(), plain.values()
    tree = uproot.open(data)["CollectionTree"]
    runs, blocks = (tree[f"EventInfoAuxDyn.{name}"].array(library="np") for name in ("runNumber", "lumiBlock"))
    good = [
        any(first <= lb <= last for first, last in LIST.get(str(r), ())) for r, lb in zip(runs, blocks, strict=True)
    ]
    steps = list(one.cutflow)
    assert steps[:3] == ["all events", "good runs", "event cleaning"]
    assert one.cutflow["good runs"] == np.count_nonzero(good)
    assert list(one.histograms["cutflow"].axes[0]) == steps
    assert list(other.cutflow) == [step for step in steps if step != "good runs"]
    selected = one.histograms["m_ee"].counts.sum()
    assert selected == one.selected < other.selected == other.histograms["m_ee"].counts.sum()
    assert 0.8 < selected / other.selected / np.mean(good) < 1.2


def test_simulation_is_in_no_list(good_runs, simulation):
    processor = ZeeAtlasProcessor(good_runs=good_runs, **PLAIN)
    one, other = (
        hepcol.run(made, simulation, chunksize=20_000).result for made in (processor, ZeeAtlasProcessor(**PLAIN))
    )
    (one,), (other,) = one.values(), other.values()
    assert one.cutflow == other.cutflow
    assert (one.histograms["m_ee"].counts == other.histograms["m_ee"].counts).all()


def test_blocks_are_needed_of_data_with_a_list_only(good_runs):
    with_list, without = ZeeAtlasProcessor(good_runs=good_runs, **PLAIN), ZeeAtlasProcessor(**PLAIN)
    needed = [
        processor.required_columns({"form": form})
        for processor in (with_list, without)
        for form in ("data", "simulation")
    ]
    assert ["EventInfo.lumiBlock" in columns for columns in needed] == [True, False, False, False]


def test_the_list_travels_and_is_part_of_what_the_run_is(good_runs):
    processor = ZeeAtlasProcessor(good_runs=good_runs, **PLAIN)
    packed = pickle.dumps(processor)
    before = identify(processor, {})["options"]
    good_runs.write_text(json.dumps({"325790": [[1, 299]]}))
    after = identify(ZeeAtlasProcessor(good_runs=good_runs, **PLAIN), {})["options"]
    assert {name for name in after if after[name] != before[name]} == {"good_blocks"}
    good_runs.unlink()
    assert pickle.loads(packed).good.mask([325790], [300]).all()


def test_a_list_that_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(
        ValueError, match=r"none\.xml: cannot be read"
    ):  # pydantic's, which the command line makes one line
        ZeeAtlasProcessor(good_runs=tmp_path / "none.xml", **PLAIN)


def test_the_shipped_table_puts_data_and_simulation_together(tmp_path, simulation, data):
    processor = ZeeAtlasProcessor(**PLAIN)
    for name, path in (("zee-atlas", simulation), ("zee-atlas-data", data)):
        hepcol.run(processor, path, dataset=name, output=tmp_path / name)
    folders = [tmp_path / name for name in ("zee-atlas", "zee-atlas-data")]
    done = stack_folders(folders, TABLE, tmp_path / "out", plots=False)
    simulated = hepcol.run(processor, simulation).result
    (whole,) = simulated.values()
    expected = 10.3 * 1901.1 * 1.026 * whole.histograms["m_ee"].weights.value.sum() / float(whole.sum_weights.value)
    (region,) = done.yields.regions
    assert done.yields.expected[region]["Z"].nominal == pytest.approx(expected)
    cutflows = done.yields.cutflows_of(region)
    assert [row.label for row in cutflows["Z"]] == [row.label for row in cutflows["data"]]
    assert cutflows["Z"][0].value == pytest.approx(10.3 * 1901.1 * 1.026)
    assert cutflows["data"][-1].value == done.yields.data[region]
