"""Observables of jets and their graphs, and the axes of their histograms."""

from typing import NamedTuple

import hist
import numpy as np
import numpy.typing as npt

from hepcol.graphs import Constituents, JetGraphs, Recipe
from hepcol.graphs.recipe import Edges
from hepcol.histograms import COUNTS, Histogram
from hepcol.units import GeV

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[np.generic]

N_BINS = 50
_MOST = 150  # constituents that are expected of a jet
_MANY = 2.0**10  # nodes of one degree in a graph, a bound
_ETA = {"FatJet": 2.5, "GenJetAK8": 2.5}  # jets of other collections reach into the forward calorimeters
_FORWARD_ETA = 5.0

JET_PT = hist.axis.Regular(60, 0 * GeV, 3000 * GeV, name="jet_pt", label="jet $p_T$ [GeV]", __dict__={COUNTS: "jets"})
JET_MASS = hist.axis.Regular(
    N_BINS, 0 * GeV, 300 * GeV, name="jet_mass", label="jet mass [GeV]", __dict__={COUNTS: "jets"}
)
SIMILARITY = hist.axis.Regular(
    N_BINS, 0, 1, name="similarity", label="mean similarity to the reference", __dict__={COUNTS: "jets"}
)
CONSTITUENTS, NODES, EDGES, DEGREE, JET_ETA = "constituents", "nodes", "edges", "degree", "jet_eta"


class JetAxes(NamedTuple):
    """Axes of the histograms of jets and graphs, of which there are as many as a recipe lets be."""

    constituents: hist.axis.Regular
    nodes: hist.axis.Regular
    edges: hist.axis.Regular
    degree: hist.axis.Regular
    eta: hist.axis.Regular


def axes_of(recipe: Recipe, collection: str) -> JetAxes:
    """Choose axes that hold the graphs of a recipe: their numbers of nodes and edges have a bound."""
    nodes = recipe.nmax or _MOST
    loops = int(recipe.self_loops)
    neighbours = nodes - 1 + loops
    each = min(2 * recipe.k, neighbours) if recipe.edges is Edges.NEAREST else neighbours
    eta = _ETA.get(collection, _FORWARD_ETA)
    return JetAxes(
        _whole(_MOST, CONSTITUENTS, "constituents of the jet"),
        _whole(nodes, NODES, "nodes of the graph"),
        _whole(nodes * each, EDGES, "edges of the graph, both directions"),
        _whole(neighbours, DEGREE, "edges that lead to a node", "nodes"),
        hist.axis.Regular(N_BINS, -eta, eta, name=JET_ETA, label="jet $\\eta$", __dict__={COUNTS: "jets"}),
    )


def _whole(most: int, name: str, label: str, counts: str = "jets") -> hist.axis.Regular:
    """Make an axis of whole numbers from 0 to at least ``most``, with edges between them."""
    width = -(-(most + 1) // N_BINS)
    bins = -(-(most + 1) // width)
    return hist.axis.Regular(bins, -0.5, bins * width - 0.5, name=name, label=label, __dict__={COUNTS: counts})


def fill(
    axes: JetAxes, jets: Constituents, graphs: JetGraphs, weight: Floats | None, max_weight: float
) -> dict[str, Histogram]:
    """Histogram the jets and graphs of a chunk, with the weights of the jets."""
    columns: list[tuple[hist.axis.Regular, Array]] = [
        (axes.constituents, np.diff(jets.offsets)),
        (axes.nodes, np.diff(graphs.ptr)),
        (axes.edges, np.diff(graphs.edge_ptr)),
        *((axis, graphs.columns[axis.name]) for axis in (JET_PT, axes.eta, JET_MASS)),
        *((axis, graphs.columns[axis.name]) for axis in (SIMILARITY,) if axis.name in graphs.columns),
    ]
    histograms = {
        axis.name: Histogram.fill((axis,), column, weight=weight, max_weight=max_weight) for axis, column in columns
    }
    return histograms | {DEGREE: _fill_degrees(axes.degree, graphs, weight, max_weight)}


def _fill_degrees(axis: hist.axis.Regular, graphs: JetGraphs, weight: Floats | None, max_weight: float) -> Histogram:
    """Histogram the degrees of the nodes; those of a jet come together, so that each degree of a jet is one entry."""
    degrees = graphs.degrees
    most = int(degrees.max(initial=0)) + 1
    graph = np.repeat(np.arange(len(graphs)), np.diff(graphs.ptr))
    found, nodes = np.unique(graph * most + degrees, return_counts=True)
    weights = nodes * (1.0 if weight is None else weight[found // most])
    return Histogram.fill((axis,), found % most, weight=weights, max_weight=max_weight * _MANY)
