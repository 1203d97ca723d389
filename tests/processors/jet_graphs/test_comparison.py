import json
import shutil
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from click.testing import CliRunner

import hepcol
from hepcol.cli import commands
from hepcol.errors import InputError
from hepcol.execution.identity import differences, identify
from hepcol.fileset import expand, resolve
from hepcol.graphs import Constituents, JetGraphs, build, gram, read_folder
from hepcol.options import build_processor
from hepcol.report.drawings import draw_folder
from hepcol.report.style import style
from hepcol.store import read_provenance, read_samples
from processors.jet_graphs import JetGraphsProcessor
from processors.jet_graphs.comparison import graphs_of, symmetric
from processors.jet_graphs.display import draw_jet

OF_JETS = ("entry", "jet", "jet_pt", "jet_mass")
RECIPE = {"edges": "knn", "k": 5, "sample": 40}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Folder of a run that others are compared with, on the command line and drawn."""
    folder = tmp_path_factory.mktemp("run") / "qcd"
    options = [part for name, value in RECIPE.items() for part in ("-p", f"{name}={value}")]
    done = CliRunner().invoke(commands, ["run", "jet_graphs", "jets-qcd", *options, "-o", str(folder)])
    assert done.exit_code == 0, done.output
    assert " drawings " in done.output
    assert "graphs/*/*.npz:1file," in "".join(done.output.split())  # a long path is wrapped
    return folder


def run_of_wprime(folder, **options):
    """Graphs and result of a run, over chunks."""
    run = hepcol.run(JetGraphsProcessor(**{**RECIPE, **options}), "jets-wprime", output=folder, chunksize=300)
    return JetGraphs.concatenate(list(read_folder(folder))), run.result["jets-wprime"]


def the_sample(folder, processor):
    return graphs_of(read_samples(folder)["jets-qcd"]["graphs"], processor.recipe)


@pytest.mark.parametrize("kernel", ["wl", "sp", "vertex", "graphlet3"])
def test_similarity_is_the_mean_over_the_sample_of_the_reference(reference, tmp_path, kernel):
    options = {"kernel": kernel, "reference": str(reference), **({"h": 1} if kernel == "wl" else {})}
    graphs, result = run_of_wprime(tmp_path, **options)
    some, others = graphs[::97], the_sample(reference, JetGraphsProcessor(**RECIPE))
    assert len(others) == RECIPE["sample"]
    levels = {"h": 1} if kernel == "wl" else {}
    by = {} if kernel == "graphlet3" else {"labels": "ptfrac"}
    expected = gram(some, others, kind=kernel, **levels, **by).mean(axis=1)
    assert some.columns["similarity"] == pytest.approx(expected, rel=1e-12)
    counts = np.histogram(graphs.columns["similarity"], np.linspace(0, 1, 51))[0]
    assert result.histograms["similarity"].counts[1:-1].tolist() == counts.tolist()


def test_edges_one_way_are_compared_as_if_both(reference, tmp_path):
    directed, _ = run_of_wprime(tmp_path / "directed", undirected=False)
    both, _ = run_of_wprime(tmp_path / "both")
    assert directed.edges < both.edges
    assert symmetric(directed).edge_index.tobytes() == both.edge_index.tobytes()
    assert symmetric(directed).edge_ptr.tolist() == both.edge_ptr.tolist()
    assert symmetric(both) is both


def test_pictures_and_similarities_of_the_sample_are_drawn(reference):
    drawings = reference / "drawings"
    assert sorted(path.name for path in drawings.iterdir()) == [
        "jets-qcd_gram.npz", "jets-qcd_gram.pdf", "jets-qcd_gram.png", "jets-qcd_jet.pdf", "jets-qcd_jet.png",
    ]  # fmt: skip
    with np.load(drawings / "jets-qcd_gram.npz") as stored:
        matrix, entries = stored["gram"], stored["entry"]
    graphs = the_sample(reference, JetGraphsProcessor(**RECIPE))
    assert entries.tolist() == graphs.columns["entry"].tolist()
    assert np.array_equal(matrix, gram(graphs, h=2, labels="ptfrac"))
    assert np.array_equal(np.diag(matrix), np.ones(len(graphs)))
    before = {path.name: path.read_bytes() for path in drawings.iterdir() if path.suffix != ".npz"}
    assert CliRunner().invoke(commands, ["plot", str(reference)]).exit_code == 0
    assert {name: (drawings / name).read_bytes() for name in before} == before
    page = CliRunner().invoke(commands, ["report", str(reference)])
    assert page.exit_code == 0
    summary = json.loads((reference / "summary.json").read_text())
    assert summary["files"]["graphs"]["counts"]["graphs"] == 1943
    assert summary["samples"] == {"jets-qcd/graphs": RECIPE["sample"]}


def test_graphs_without_positions_are_compared_but_not_drawn(tmp_path):
    processor = JetGraphsProcessor(**RECIPE, node_features="lnptfrac", stored="all")
    hepcol.run(processor, "jets-qcd", output=tmp_path)
    written = {path.name for path in draw_folder(tmp_path, processor)}
    assert written == {"jets-qcd_gram.npz", "jets-qcd_gram.pdf", "jets-qcd_gram.png"}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("k=6", "its graphs were made with k=5 (here 6)"),
        ("transform=center", "its graphs were made with transform=none (here center)"),
        ("reference_dataset=jets", "reference_dataset must be one of its datasets with graphs (jets-qcd), got 'jets'"),
    ],
)
def test_refuses_a_reference_that_was_made_otherwise(reference, tmp_path, option, said):
    others = [f"{name}={value}" for name, value in RECIPE.items() if not option.startswith(f"{name}=")]
    processor = build_processor("jet_graphs", [*others, option, f"reference={reference}"])
    with pytest.raises(InputError) as error:
        hepcol.run(processor, "jets-wprime", output=tmp_path / "out")
    assert said in str(error.value)
    assert not (tmp_path / "out").exists()


def test_refuses_a_reference_that_is_none(tmp_path):
    with pytest.raises(InputError, match=r"no histograms\.zip there; expected the output folder of 'hepcol run'"):
        hepcol.run(JetGraphsProcessor(reference=str(tmp_path / "none")), "jets-qcd")
    hepcol.run(build_processor("zee", ["variations=1"]), "zee-fcc", output=tmp_path)
    with pytest.raises(InputError, match=r"a run of processors\.zee\.\S*ZeeProcessor, expected one of jet_graphs"):
        hepcol.run(JetGraphsProcessor(reference=str(tmp_path)), "jets-qcd")


def test_refuses_an_incomplete_reference(tmp_path):
    truncated = tmp_path / "truncated.root"
    (path,) = expand("jets-qcd")
    truncated.write_bytes(Path(path).read_bytes()[:1000])
    with pytest.raises(hepcol.IncompleteRun):
        hepcol.run(JetGraphsProcessor(**RECIPE), [path, truncated], output=tmp_path / "out")
    with pytest.raises(InputError, match=r"incomplete, 1000 of 1000 events: hepcol retry"):
        hepcol.run(JetGraphsProcessor(**RECIPE, reference=str(tmp_path / "out")), "jets-wprime")


def test_what_a_run_was_compared_with_is_in_its_identity_and_not_needed_to_draw(reference, tmp_path, monkeypatch):
    mine = tmp_path / "reference"
    shutil.copytree(reference, mine)
    monkeypatch.chdir(tmp_path)
    run_of_wprime(tmp_path / "out", reference="reference")
    shutil.rmtree(mine)
    monkeypatch.chdir("/")
    assert len(draw_folder(tmp_path / "out")) == 5
    hepcol.run(JetGraphsProcessor(**RECIPE), "jets-wprime", output=mine)
    now = identify(JetGraphsProcessor(**RECIPE, reference=str(mine)), resolve("jets-wprime"))
    changed = differences(read_provenance(tmp_path / "out")["identity"], now)
    assert len(changed) == 1
    assert str(mine / "samples.zip") in changed[0]


def test_workers_need_no_folder_of_the_reference(reference, tmp_path):
    shutil.copytree(reference, tmp_path / "here")
    processor = JetGraphsProcessor(**RECIPE, reference=str(tmp_path / "here"))
    packed = cloudpickle.dumps(processor)
    shutil.rmtree(tmp_path / "here")
    there = cloudpickle.loads(packed)
    assert there._compared_with.graphs == RECIPE["sample"]
    assert there == processor


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["kernel=sp", "h=5"], "h=5 means nothing with kernel=sp"),
        (["kernel=graphlet3", "labels=degree"], "labels=degree means nothing with kernel=graphlet3"),
        (["node_features=eta,phi", "stored=all"], "labels=ptfrac needs pt, ptfrac, lnptfrac among node_features"),
        (["reference_dataset=qcd"], "reference_dataset=qcd means nothing without a reference"),
    ],
)
def test_refuses_options_that_do_not_go_together(options, said):
    with pytest.raises(InputError) as error:
        build_processor("jet_graphs", options)
    assert said in str(error.value)


def test_draws_a_jet_without_momentum():
    jets = Constituents(*np.zeros((3, 2)), np.array([0, 2]), jets={name: np.zeros(1) for name in OF_JETS})
    with style():
        figure = draw_jet(build(jets), 0, "nothing", {"complete": True})
    assert figure.axes


def test_edges_one_way_need_no_positions_to_be_compared():
    jets = Constituents.from_events(hepcol.open_events("jets-qcd", stop=50))
    directed = build(jets, edges="knn", k=3, undirected=False, node_features=("ptfrac",))
    both = build(jets, edges="knn", k=3, node_features=("ptfrac",))
    assert symmetric(directed).edge_index.tobytes() == both.edge_index.tobytes()
    assert symmetric(directed).edge_ptr.tolist() == both.edge_ptr.tolist()
    few = symmetric(build(Constituents(*np.zeros((3, 1)), np.array([0, 0, 1])), edges="knn", undirected=False))
    assert (len(few), few.edges) == (2, 0)
