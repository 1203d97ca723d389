"""Pictures of the sample of graphs of a run, and their similarities as numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from hepcol.graphs import JetGraphs, Recipe
from hepcol.graphs.files import KIND
from hepcol.histogram_files import escape
from hepcol.report.record import RunRecord
from hepcol.report.style import save, style
from hepcol.store import PLOT_FORMATS
from processors.jet_graphs.comparison import Comparison, graphs_of
from processors.jet_graphs.display import draw_jet
from processors.jet_graphs.gram_plot import draw_gram

_POSITIONS = ("pt", "eta", "phi")


def draw(run: RunRecord, folder: Path, recipe: Recipe, comparison: Comparison) -> list[Path]:
    """Draw, for each dataset, one graph of the sample and the similarities of all; write these, too.

    Returns
    -------
    list of Path
        ``DATASET_jet``, unless positions are no features of the nodes, and ``DATASET_gram``, each as a PNG and a PDF;
        ``DATASET_gram.npz``: the matrix ``gram``, and which graphs it is of.
    """
    written: list[Path] = []
    for dataset, samples in run.samples.items():
        if KIND not in samples or not len(samples[KIND]):
            continue
        graphs = graphs_of(samples[KIND], recipe)
        place = folder / escape(dataset)
        with style():
            if set(_POSITIONS) <= set(recipe.node_features):
                jet = draw_jet(graphs, _shown(graphs), dataset, run.summary)
                written += save(jet, _formats(place, "jet"))
            gram = comparison.gram(graphs)
            figure = draw_gram(gram, dataset, comparison.name, run.summary)
            written += save(figure, _formats(place, "gram"))
        numbers = place.with_name(f"{place.name}_gram.npz")
        arrays: dict[str, Any] = {"gram": gram, "kernel": np.array(comparison.name), **graphs.columns}
        np.savez_compressed(numbers, **arrays)
        written.append(numbers)
    return written


def _formats(place: Path, what: str) -> list[Path]:
    return [place.with_name(f"{place.name}_{what}.{extension}") for extension in PLOT_FORMATS]


def _shown(graphs: JetGraphs) -> int:
    """Choose a graph to show: the first of the sample with a usual number of nodes."""
    nodes = np.diff(graphs.ptr)
    return int(np.argmax(nodes >= np.median(nodes)))
