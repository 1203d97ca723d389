"""How graphs are compared with each other and with those of another run."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hepcol import store
from hepcol.errors import InputError
from hepcol.graphs import JetGraphs, Kind, Recipe, Reference, gram, mean_similarity
from hepcol.graphs.files import KIND
from hepcol.options import rebuild_processor
from hepcol.rowsample import RowSample

Floats = npt.NDArray[np.float64]
LABELLED_BY = ("pt", "ptfrac", "lnptfrac")  # features, of which one tells the fraction of pt


class Labels(StrEnum):
    """What nodes are labelled by; see :func:`hepcol.graphs.labels`."""

    FRACTION = "ptfrac"
    DEGREE = "degree"
    NONE = "none"


@dataclass(frozen=True)
class Comparison:
    """A graph kernel.

    Parameters
    ----------
    kind : Kind
        Which.
    h : int
        Levels of Weisfeiler and Lehman's.
    by : Labels
        What nodes are labelled by.
    """

    kind: Kind
    h: int
    by: Labels

    @property
    def _how(self) -> dict[str, Any]:
        levels = {"h": self.h} if self.kind is Kind.WL else {}
        by_nodes = {} if self.kind is Kind.GRAPHLETS else {"labels": str(self.by)}
        return {"kind": self.kind, **levels, **by_nodes}

    @property
    def name(self) -> str:
        """Name of the kernel, with its parameters."""
        levels = f", h = {self.h}" if self.kind is Kind.WL else ""
        return f"{_NAMES[self.kind]}{levels}"

    def gram(self, graphs: JetGraphs) -> Floats:
        """Normalised similarity of each graph to each other."""
        similarities: Floats = gram(symmetric(graphs), **self._how)
        return similarities

    def reference(self, graphs: JetGraphs) -> Reference:
        """Sum up the graphs that others are compared with."""
        summed: Reference = Reference.of(symmetric(graphs), **self._how)
        return summed

    def similarity(self, graphs: JetGraphs, reference: Reference) -> Floats:
        """Mean normalised similarity of each graph to those of a reference."""
        means: Floats = mean_similarity(symmetric(graphs), reference, **self._how)
        return means


_NAMES = {
    Kind.WL: "Weisfeiler-Lehman",
    Kind.PATHS: "shortest path",
    Kind.VERTICES: "vertex histogram",
    Kind.GRAPHLETS: "graphlets of 3 nodes",
}


def symmetric(graphs: JetGraphs) -> JetGraphs:
    """Join neighbours back where edges lead one way: graph kernels know no directions. Features of edges go."""
    recipe = graphs.recipe
    if not recipe.is_directed:
        return graphs
    sizes, counts = np.diff(graphs.ptr), np.diff(graphs.edge_ptr)
    graph = np.repeat(np.arange(len(graphs)), counts)
    ends = graphs.edge_index.astype(np.int64)
    most = int(sizes.max(initial=1))
    # a number for each pair, in the order in which edges are listed: by graph, target and source
    both = np.unique([(graph * most + ends[target]) * most + ends[1 - target] for target in (1, 0)])
    edge_ptr = np.searchsorted(both, np.arange(len(graphs) + 1) * most * most)
    edge_index = np.stack([both % most, both // most % most]).astype(np.int32)
    return replace(
        graphs,
        edge_index=edge_index,
        edge_ptr=edge_ptr,
        edge_attr=np.empty((len(both), 0), dtype=np.float32),
        recipe=replace(recipe, undirected=True, edge_features=()),
    )


def graphs_of(sample: RowSample, recipe: Recipe) -> JetGraphs:
    """Take the graphs of a sample, with their edges."""
    graphs = JetGraphs.from_awkward(sample.rows, recipe)
    return graphs.rebuilt() if recipe.can_rebuild else graphs


def find_samples(reference: str) -> Path:
    """Return the file of samples of a run that is named by its folder, or by that file; it need not be there."""
    path = Path(reference).expanduser().resolve()
    return path if path.name == store.SAMPLES else path / store.SAMPLES


def sampled(samples: Path, dataset: str, recipe: Recipe) -> JetGraphs:
    """Return the sample of graphs of a dataset of a run.

    Parameters
    ----------
    samples : Path
        File of samples of the run.
    dataset : str
        Name of the dataset; empty if there is only one.
    recipe : Recipe
        How the graphs should be made.

    Raises
    ------
    InputError
        If there is no run of jet graphs, it is not complete, its graphs were made otherwise, or the dataset is not one.
    """
    folder = samples.parent
    summary = store.read_summary(folder)
    told = store.read_provenance(folder)
    what = f"reference {folder}"
    made = rebuild_processor(told["processor"], told["options"])
    there = getattr(made, "recipe", None)
    if not isinstance(there, Recipe):
        raise InputError(f"{what}: a run of {told['processor']}, expected one of jet_graphs")
    if not summary["complete"]:
        events = summary["events"]
        raise InputError(
            f"{what}: incomplete, {events['processed']} of {events['files']} events: hepcol retry {folder}"
        )
    changed = [name for name in Recipe.__dataclass_fields__ if getattr(there, name) != getattr(recipe, name)]
    if changed:
        values = ", ".join(f"{name}={getattr(there, name)} (here {getattr(recipe, name)})" for name in changed)
        raise InputError(f"{what}: its graphs were made with {values}")
    by_dataset = {name: named[KIND] for name, named in store.read_samples(folder).items() if len(named.get(KIND, ()))}
    if dataset not in by_dataset and (dataset or len(by_dataset) != 1):
        names = ", ".join(by_dataset) or "none"
        raise InputError(
            f"{what}: reference_dataset must be one of its datasets with graphs ({names}), got '{dataset}'"
        )
    return graphs_of(by_dataset[dataset or next(iter(by_dataset))], recipe)
