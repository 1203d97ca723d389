import json

import numpy as np
import pytest
from click.testing import CliRunner

import hepcol
from hepcol.cli import commands
from hepcol.errors import InputError
from hepcol.graphs import JetGraphs, gram, read_folder
from hepcol.options import build_processor
from processors.jet_graphs import JetGraphsProcessor
from processors.jet_graphs.comparison import graphs_of, symmetric

RECIPE = {"edges": "knn", "k": 5, "sample": 40}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Folder of a run that others are compared with, on the command line and drawn."""
    folder = tmp_path_factory.mktemp("run") / "qcd"
    options = [part for name, value in RECIPE.items() for part in ("-p", f"{name}={value}")]
    done = CliRunner().invoke(commands, ["run", "jet_graphs", "jets-qcd", *options, "-o", str(folder)])
    assert done.exit_code == 0, done.output
    assert " drawings " in done.output
    assert "graphs/*/*.npz: 1 file" in done.output
    return folder


@pytest.mark.parametrize("kernel", ["wl", "sp", "vertex", "graphlet3"])
def test_similarity_is_the_mean_over_the_sample_of_the_reference(reference, kernel):
    processor = JetGraphsProcessor(**RECIPE, kernel=kernel, h=1, reference=str(reference))
    run = hepcol.run(processor, "jets-wprime", chunksize=300)
    parts = [file.content for file in run.result["jets-wprime"].files]
    assert len(parts) == 3
    samples = hepcol.store.read_samples(reference)["jets-qcd"]["graphs"]
    expected_of = graphs_of(samples, processor.recipe)
    histogram = run.result["jets-wprime"].histograms["similarity"]
    again = hepcol.run(processor, "jets-wprime", chunksize=10**6)
    assert again.result["jets-wprime"].histograms["similarity"].counts.tobytes() == histogram.counts.tobytes()
    whole = _graphs(again)
    some = whole[::97]
    how = {"kind": kernel, **({"h": 1} if kernel == "wl" else {}), **({} if kernel == "graphlet3" else {"labels": "ptfrac"})}
    assert some.columns["similarity"] == pytest.approx(gram(some, expected_of, **how).mean(axis=1), rel=1e-12)


def _graphs(run):
    import io

    from hepcol.graphs import files

    contents = [file.content for file in run.result["jets-wprime"].files]
    read = []
    for content in contents:
        with np.load(io.BytesIO(content)) as stored:
            assert "column_similarity" in stored.files
        read.append(files)
    return read
