"""How graphs are compared with each other and with those of another run."""

import hashlib
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
from hepcol.rowsample import RowSample

Floats = npt.NDArray[np.float64]


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


def fingerprint(reference: Reference) -> str:
    """Hash what is in a reference."""
    parts = (reference.keys.tobytes(), reference.sums.limbs.tobytes(), f"{reference.graphs}".encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def symmetric(graphs: JetGraphs) -> JetGraphs:
    """Join neighbours back where edges lead one way: graph kernels know no directions."""
    if not graphs.recipe.is_directed:
        return graphs
    joined = replace(graphs, recipe=replace(graphs.recipe, undirected=True))
    return joined.rebuilt()


def graphs_of(sample: RowSample, recipe: Recipe) -> JetGraphs:
    """Take the graphs of a sample, with their edges."""
    graphs = JetGraphs.from_awkward(sample.rows, recipe)
    return graphs.rebuilt() if recipe.can_rebuild else graphs


def sampled(folder: str | Path, recipe: Recipe) -> JetGraphs:
    """Return the sample of graphs of all datasets of a run.

    Raises
    ------
    InputError
        If there is no run of jet graphs, or its graphs were made otherwise.
    """
    from hepcol.options import rebuild_processor

    store.read_summary(folder)
    told = store.read_provenance(folder)
    made = rebuild_processor(told["processor"], told["options"])
    there = getattr(made, "recipe", None)
    if not isinstance(there, Recipe):
        raise InputError(f"reference {folder}: a run of {told['processor']}, expected one of jet_graphs")
    changed = [name for name in Recipe.__dataclass_fields__ if getattr(there, name) != getattr(recipe, name)]
    if changed:
        values = ", ".join(f"{name}={getattr(there, name)} (here {getattr(recipe, name)})" for name in changed)
        raise InputError(f"reference {folder}: its graphs were made with {values}")
    samples = store.read_samples(folder)
    parts = [graphs_of(named[KIND], recipe) for named in samples.values() if KIND in named and len(named[KIND])]
    if not parts:
        raise InputError(f"reference {folder}: no sample of graphs there")
    return JetGraphs.concatenate(parts)
