import json
import math

import awkward as ak
import numpy as np
import pytest

import hepcol
from hepcol.errors import InputError
from hepcol.events import open_events
from hepcol.graphs import Constituents, JetGraphs, build, read_folder
from hepcol.options import build_processor
from processors.jet_graphs import JetGraphsProcessor

EXECUTORS = {
    "1 chunk": {"chunksize": 10**6},
    "2 processes": {"executor": "futures", "workers": 2, "chunksize": 500},
    "7 chunks": {"chunksize": 143},
}


@pytest.fixture(scope="module")
def processor():
    return JetGraphsProcessor(edges="knn", edge_features=("dr", "lnkt"), sample=50)


@pytest.fixture(scope="module")
def runs(processor, tmp_path_factory):
    made = {}
    for name, how in EXECUTORS.items():
        folder = tmp_path_factory.mktemp("run") / "out"
        made[name] = hepcol.run(processor, "jets-qcd", output=folder, **how), folder
    return made


def whole(folder):
    return JetGraphs.concatenate(list(read_folder(folder)))


def test_any_chunks_and_executors_give_the_same_bits(runs):
    first, folder = runs["1 chunk"]
    graphs = whole(folder)
    for name, (run, other) in runs.items():
        assert whole(other).is_equal(graphs), name
        assert (other / "histograms.zip").read_bytes() == (folder / "histograms.zip").read_bytes()
        assert run.summary["datasets"] == first.summary["datasets"]
        sample, expected = (one.result["jets-qcd"].samples["graphs"] for one in (run, first))
        assert sample.keys.tobytes() == expected.keys.tobytes()
        assert sample.rows.to_list() == expected.rows.to_list()
    assert runs["7 chunks"][0].summary["files"]["graphs"]["files"] == 7


def test_files_have_the_graphs_of_the_events(runs, processor):
    run, folder = runs["7 chunks"]
    graphs = whole(folder)
    events = open_events("jets-qcd")
    jets = Constituents.from_events(events, jets=2)
    expected = build(jets, processor.recipe)
    for name in ("x", "ptr", "edge_index", "edge_ptr", "edge_attr"):
        assert getattr(graphs, name).tobytes() == getattr(expected, name).tobytes()
    assert graphs.columns["entry"].tolist() == jets.jets["row"].tolist()
    assert graphs.columns["jet_mass"].tobytes() == jets.jets["jet_mass"].tobytes()
    weights = ak.to_numpy(events.genWeight)[jets.jets["row"]]
    assert graphs.columns["weight"].tolist() == weights.astype(float).tolist()
    counts = {"graphs": len(graphs), "nodes": graphs.nodes, "edges": graphs.edges}
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["files"]["graphs"]["counts"] == counts
    assert {name: run.result["jets-qcd"].tallies[name] for name in counts} == counts


def test_histograms_are_weighted_sums_over_the_graphs(runs):
    run, folder = runs["2 processes"]
    graphs = whole(folder)
    weight = graphs.columns["weight"]
    histograms = run.result["jets-qcd"].histograms
    assert len(set(weight)) > 900
    columns = {
        "nodes": (np.diff(graphs.ptr), weight),
        "edges": (np.diff(graphs.edge_ptr), weight),
        "jet_mass": (graphs.columns["jet_mass"], weight),
        "degree": (graphs.degrees, np.repeat(weight, np.diff(graphs.ptr))),
    }
    for name, (values, weights) in columns.items():
        made = histograms[name].to_hist()
        expected, _ = np.histogram(values, made.axes[0].edges, weights=weights)
        assert made.values() == pytest.approx(expected, rel=1e-9), name
    nodes_of_jets = [np.bincount(part, minlength=60) for part in np.split(graphs.degrees, graphs.ptr[1:-1])]
    squares = sum((w * counts) ** 2 for w, counts in zip(weight, nodes_of_jets, strict=True))
    made = histograms["degree"].to_hist()
    # jets, not nodes, are independent; the bound on weights leaves squares digits down to 4e-9 each
    assert made.variances() == pytest.approx(squares[: made.axes[0].size], rel=1e-9, abs=1e-6)
    assert histograms["constituents"].counts.sum() == len(graphs)


def test_the_sample_is_made_of_graphs_of_the_run(runs, processor):
    run, folder = runs["1 chunk"]
    graphs = whole(folder)
    sample = run.result["jets-qcd"].samples["graphs"]
    assert len(set(sample.keys.tolist())) == len(sample) == 50
    few = JetGraphs.from_awkward(sample.rows, processor.recipe).rebuilt()
    place = {pair: n for n, pair in enumerate(zip(graphs.columns["entry"], graphs.columns["jet"], strict=True))}
    rows = [place[pair] for pair in zip(few.columns["entry"], few.columns["jet"], strict=True)]
    assert few.is_equal(graphs[rows])


def test_the_real_file_has_24_graphs(shared_data, tmp_path):
    processor = JetGraphsProcessor(edges="knn", k=7, jets=None, stored="all", format="parquet")
    run = hepcol.run(processor, shared_data / "pfnano.root", output=tmp_path / "out", executor="iterative")
    counts = run.summary["files"]["graphs"]["counts"]
    assert (counts["graphs"], counts["nodes"]) == (24, 848)
    assert whole(tmp_path / "out").edges == counts["edges"]
    leading = hepcol.run(JetGraphsProcessor(), shared_data / "pfnano.root")
    assert leading.result["pfnano"].tallies["graphs"] == 20


def test_without_a_folder_the_files_are_in_the_result(processor, tmp_path, runs):
    run = hepcol.run(processor, "jets-qcd", chunksize=400)
    parts = []
    for file in run.result["jets-qcd"].files:
        (tmp_path / "one.npz").write_bytes(file.content)
        parts.append(JetGraphs.read(tmp_path / "one.npz"))
    assert JetGraphs.concatenate(parts).is_equal(whole(runs["1 chunk"][1]))


@pytest.mark.filterwarnings("ignore:Missing cross-reference index:RuntimeWarning")  # coffea's schema of every PFNano
def test_stock_coffea_gives_the_same(processor, runs):
    from coffea.nanoevents import PFNanoAODSchema
    from coffea.processor import IterativeExecutor, Runner

    from hepcol.fileset import expand

    runner = Runner(executor=IterativeExecutor(status=False), schema=PFNanoAODSchema, chunksize=500)
    (path,) = expand("jets-qcd")
    out = runner({"jets-qcd": {"files": {str(path): "Events"}}}, processor)
    mine = runs["1 chunk"][0].result["jets-qcd"]
    theirs = out["jets-qcd"]
    assert theirs.tallies == mine.tallies
    for name, histogram in mine.histograms.items():
        assert histogram.counts.tobytes() == theirs.histograms[name].counts.tobytes()
        assert histogram.weights.limbs.tobytes() == theirs.histograms[name].weights.limbs.tobytes()
    assert theirs.samples["graphs"].keys.tobytes() == mine.samples["graphs"].keys.tobytes()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("collection=LargeR", "jets must be one of FatJet, Jet, GenJetAK8, GenJet, got 'LargeR'"),
        ("node_features=lnpt,charge", "stored=nodes needs pt, eta and phi"),
        ("edge_features=lnm2", "stored=nodes needs pt, eta and phi, and for lnm2 mass"),
    ],
)
def test_refuses_what_is_not_accepted(option, said):
    with pytest.raises(InputError) as error:
        build_processor("jet_graphs", [option])
    assert said in str(error.value)


def test_reads_names_and_all_as_they_are_typed():
    processor = JetGraphsProcessor(node_features="pt, eta,phi,charge", jets="all", nmax="all", edge_features="")
    assert processor.node_features == ("pt", "eta", "phi", "charge")
    assert processor.jets is processor.nmax is None
    assert processor.edge_features == ()
    assert math.isfinite(processor.r)
